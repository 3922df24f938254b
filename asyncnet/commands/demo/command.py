"""`flask demo`: the whole main job once, without a browser."""

import json
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from asyncnet.commands.demo import steps
from asyncnet.commands.demo.receiver import receiver
from asyncnet.commands.demo.scratch import StepMissed, installation
from asyncnet.commands.demo.visitor import Visitor


@click.command("demo")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def demo(as_json: bool) -> None:
    """Do the main job in a scratch folder and print what happened.

    Exit status 1, and a sentence on standard error, when a step did not happen; the JSON object
    then holds the steps before it.
    """
    happened: dict[str, Any] = {}
    missed = ""
    try:
        for step, facts in main_job():
            happened[step] = facts
            if not as_json:
                click.echo(f"{step:<10} {facts['what']}")
    except StepMissed as error:
        missed = str(error)
    except KeyError as error:
        missed = f"An answer of the server did not hold {error}."
    if as_json:
        click.echo(json.dumps(happened, indent=2, ensure_ascii=False))
    if missed:
        click.echo(missed, err=True)
        sys.exit(1)


def main_job() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each step with its facts as it happens. Raises StepMissed."""
    with (
        TemporaryDirectory(prefix="asyncnet-demo-") as folder,
        receiver() as inbox,
        installation(Path(folder), smtp_port=inbox.port) as here,
    ):
        host, ana, mei = (Visitor(here.base_url) for _ in range(3))
        event_id = steps.set_up(host, inbox)
        mei.open(inbox.link_in(steps.ASYNC, "/hello/"))
        yield "uploaded", steps.upload(mei, here)
        yield "processed", steps.wait_until_ready(mei)
        steps.pair_and_publish(host, event_id)
        ana.open(inbox.link_in(steps.LIVE, "/hello/"))
        yield "answered", steps.answer(ana)
        planned = steps.planned(here)
        yield "planned", planned
        due_at = datetime.fromisoformat(planned["due_at"])
        here.drain(due_at - timedelta(minutes=1))
        steps.nothing_yet(inbox)
        here.drain(due_at)
        yield "sent", steps.sent(here)
        yield "received", steps.received(inbox, at=due_at)
