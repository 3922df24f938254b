"""What became of every mail in the end, by the table and by the server."""

from collections import Counter
from dataclasses import dataclass, field

from sqlalchemy import func, select

from asyncnet.database import db
from asyncnet.messages.model import Message
from asyncnet.messages.rules import MessageState
from benchmarks.faults.installation import Bench


@dataclass
class Outcome:
    """What was counted after one fault. `note` says what else must hold."""

    mails: int
    faults: int
    duplicates: int
    lost: int
    cancelled_but_accepted: int
    unconfirmed: int
    wrong_states: int = 0
    note: str = ""
    states: Counter[str] = field(default_factory=Counter)


def count(
    bench: Bench,
    keys: list[str],
    faults: int,
    *,
    accepted: Counter[str] | None = None,
) -> Outcome:
    """Compare what the server took with what the table says."""
    if accepted is None:
        accepted = Counter(str(mail.message["Message-ID"]) for mail in bench.server.received)
    with bench.app.app_context():
        rows = db.session.execute(
            select(Message.key, Message.reference, Message.state).where(Message.key.in_(keys))
        ).all()
    host = "127.0.0.1"
    copies = {key: accepted[f"<{reference}@{host}>"] for key, reference, _ in rows}
    states = {key: state for key, _, state in rows}
    open_states = {MessageState.SCHEDULED, MessageState.SENDING, MessageState.HELD}
    return Outcome(
        mails=len(keys),
        faults=faults,
        duplicates=sum(max(copies[key] - 1, 0) for key in states),
        lost=sum(
            key not in states
            or states[key] in open_states
            or (states[key] is MessageState.SENT and not copies[key])
            for key in keys
        ),
        cancelled_but_accepted=sum(
            state is MessageState.CANCELLED and copies[key] > 0 for key, state in states.items()
        ),
        unconfirmed=sum(state is MessageState.UNCONFIRMED for state in states.values()),
        states=Counter(str(state) for state in states.values()),
    )


def states_of(bench: Bench, keys: list[str]) -> dict[str, MessageState]:
    """Return where some mails stand."""
    with bench.app.app_context():
        rows = db.session.execute(
            select(Message.key, Message.state).where(Message.key.in_(keys))
        ).all()
        db.session.rollback()
    return {row.key: row.state for row in rows}


def scheduled(bench: Bench) -> int:
    """Return how many mails wait to be sent."""
    with bench.app.app_context():
        waiting = db.session.scalar(
            select(func.count()).where(Message.state == MessageState.SCHEDULED).select_from(Message)
        )
        db.session.rollback()
    return waiting or 0
