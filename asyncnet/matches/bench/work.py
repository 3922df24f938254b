"""The worker's part: let one plan be solved in a process of its own, and say how it goes.

Everything here may be killed at any line and run again (CHECKLIST F2): the table says what is to
be solved, and no transaction is open while the solver works.
"""

import contextlib
import json
import pickle
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import structlog

from asyncnet.database import transaction
from asyncnet.leases import Claim, ClaimLost, NothingWaiting
from asyncnet.matches.bench.actions import working
from asyncnet.matches.bench.actions.working import Ordered
from asyncnet.matching.problem import Pair
from asyncnet.stopping import stopping

log = structlog.get_logger()
Clock = Callable[[], datetime]

LOOK_EVERY_SECONDS = 0.5
COMMAND = (sys.executable, "-m", "asyncnet.matches.bench.solving")
BROKE = (
    "The solver broke on this event; the fault is ours. Pair by hand, or tell whoever runs this."
)
NOTHING_YET = "It was stopped before there was any plan to keep."


def solve_next(clock: Clock) -> bool:
    """Solve the plan that has waited longest; return whether there was one.

    Asked to stop meanwhile by an organizer, the best plan so far is kept; asked to stop itself,
    the worker hands the plan to another one.
    """
    with transaction() as session:
        working.give_up(session, now=clock())
    try:
        with transaction() as session:
            claim = working.claim_next(session, now=clock())
    except NothingWaiting:
        return False
    try:
        with transaction() as session:
            ordered = working.job_of(session, claim, now=clock())
        _solve(claim, ordered, clock)
    except ClaimLost:
        log.info("claim lost", plan=claim.id)
    return True


def _solve(claim: Claim, ordered: Ordered, clock: Clock) -> None:
    best: dict[str, Any] | None = None
    refused, apart = "", list[Pair]()
    with _solver(ordered) as lines:
        for told in lines:
            if stopping.is_set():
                with transaction() as session:
                    working.hand_back(session, claim, now=clock())
                return
            refused, apart = told.get("refused", refused), told.get("apart", apart)
            if "plan" in told:
                best = told
            with transaction() as session:
                stop = working.note(
                    session,
                    claim,
                    phase=told.get("phase"),
                    value=told.get("value"),
                    bound=told.get("bound"),
                    now=clock(),
                )
            if stop:
                refused = refused or ("" if best else NOTHING_YET)
                break
    with transaction() as session:
        if best is not None and not refused:
            working.settle(session, claim, ordered.ids, best, now=clock())
        else:
            tells_apart = [[ordered.ids[person] for person in duo] for duo in apart]
            working.fail(session, claim, refused or BROKE, apart=tells_apart, now=clock())


@contextlib.contextmanager
def _solver(ordered: Ordered) -> Iterator[Iterator[dict[str, Any]]]:
    """Start the solver; give what it says, line by line, and nothing twice a second."""
    said: queue.Queue[dict[str, Any] | None] = queue.Queue()
    child = subprocess.Popen(  # noqa: S603 - our own module
        COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert child.stdin is not None  # noqa: S101 - asked for above
    assert child.stdout is not None  # noqa: S101
    output = child.stdout

    def listen() -> None:
        for line in output:
            said.put(json.loads(line))
        said.put(None)

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    try:
        with contextlib.suppress(BrokenPipeError):
            pickle.dump(ordered.job, child.stdin)
            child.stdin.close()
        yield _lines(said)
    finally:
        child.kill()
        child.wait()
        listener.join()
        output.close()


def _lines(said: "queue.Queue[dict[str, Any] | None]") -> Iterator[dict[str, Any]]:
    while True:
        try:
            line = said.get(timeout=LOOK_EVERY_SECONDS)
        except queue.Empty:
            yield {}
            continue
        if line is None:
            return
        yield line
