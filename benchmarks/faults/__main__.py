"""What becomes of mail when things break: `python -m benchmarks.faults` prints the table.

Real workers in processes of their own, a real SMTP server that counts every copy, and both
databases. A mail is lost when it is neither accepted, nor refused, cancelled or unconfirmed
in the end; unconfirmed ones are shown to organizers, who decide.
"""

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from benchmarks.faults.counting import Outcome
from benchmarks.faults.crowds import two_planners, videos_in_the_way
from benchmarks.faults.installation import Bench, bench
from benchmarks.faults.servers import bad_servers, real_postfix, silent_server_and_the_web
from benchmarks.faults.stopping import (
    database_crashes,
    graceful_stops,
    kills,
    queue_wiped,
    sleeps_past_its_lease,
)

LOG = Path("/tmp/asyncnet-faults.log")  # noqa: S108 - of one machine and one run


def main() -> None:
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("--mails", type=int, default=1_000)
    reader.add_argument("--kills", type=int, default=50)
    reader.add_argument("--database", choices=("sqlite", "postgresql"), action="append")
    reader.add_argument("--only", default="", help="a word in the name of a fault")
    asked = reader.parse_args()
    table = os.fdopen(os.dup(1), "w", buffering=1)
    with LOG.open("w") as said:  # what apps and workers log would tear the table apart
        os.dup2(said.fileno(), 1)
        os.dup2(said.fileno(), 2)
    show(asked, table)


def show(asked: argparse.Namespace, table: TextIO) -> None:
    """Go through the faults that were asked for, and write one line of the table for each."""
    head = ("fault", "mails", "faults", "duplicates", "lost", "cancelled+sent", "unconfirmed")
    print(
        f"{'database':<11}{head[0]:<38}" + "".join(f"{name:>15}" for name in head[1:]), file=table
    )
    for name in asked.database or ("sqlite", "postgresql"):
        for words, scenario in SCENARIOS.items():
            if asked.only not in words or (scenario is database_crashes and name == "sqlite"):
                continue
            with bench(name) as made:
                seen = scenario(made, asked.mails, asked.kills)
            figures = (
                seen.mails,
                seen.faults,
                seen.duplicates,
                seen.lost,
                seen.cancelled_but_accepted,
                seen.unconfirmed,
            )
            said = seen.note or (f"{seen.wrong_states} in a wrong state" * bool(seen.wrong_states))
            print(
                f"{name:<11}{words:<38}" + "".join(f"{f:>15,}" for f in figures) + f"  {said}",
                file=table,
            )


SCENARIOS: dict[str, Callable[[Bench, int, int], Outcome]] = {
    "kill -9, organizer cancelling": kills,
    "queue store wiped at each third kill": queue_wiped,
    "SIGSTOP past the lease": sleeps_past_its_lease,
    "graceful stop of the consumer": graceful_stops,
    "database crash": database_crashes,
    "mail server faults": bad_servers,
    "two planners at once": two_planners,
    "video queue full": videos_in_the_way,
    "silent mail server, pages asked for": silent_server_and_the_web,
    "real Postfix, kill -9": real_postfix,
}


if __name__ == "__main__":
    main()
