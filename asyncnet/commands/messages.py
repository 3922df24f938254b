"""Outgoing mail from a shell: what is due, sending it, and what came back."""

import json
import sys
from dataclasses import asdict
from datetime import datetime

import click
from flask.cli import AppGroup

from asyncnet import tasks
from asyncnet.clock import utc_now
from asyncnet.database import db, transaction
from asyncnet.messages import bounces, queries
from asyncnet.wiring import settings

MAX_REPORT_BYTES = 1_000_000
EX_DATAERR = 65

messages = AppGroup("messages", help="Outgoing mail: what is due, sending it, and what came back.")


@messages.command("due")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per line.")
def list_due(as_json: bool) -> None:
    """List what a worker would look at now, in its order."""
    for message in queries.due(db.session(), utc_now()):
        facts = {
            "id": message.id,
            "kind": message.kind,
            "state": message.state.value,
            "due_at": f"{message.due_at:%Y-%m-%dT%H:%M:%SZ}",
            "due_local": message.due_local,
            "zone": message.zone,
            "tries": message.tries,
            "note": message.note,
        }
        line = "{id:>8}  {due_at}  {state:<10} {kind:<14} {due_local} {zone}  {note}"
        click.echo(json.dumps(facts) if as_json else line.format(**facts).rstrip())


@messages.command("drain")
@click.option(
    "--at",
    type=click.DateTime(["%Y-%m-%dT%H:%M:%S%z"]),
    help="Let the clock show this moment, like 2026-06-26T22:00:00Z.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def send_due(at: datetime | None, as_json: bool) -> None:
    """Send everything that is due, and say what became of it."""
    done = tasks.drain_mail((lambda: at) if at else utc_now)
    if as_json:
        click.echo(json.dumps(asdict(done)))
    else:
        click.echo(
            f"{done.sent} sent, {done.failed} refused, {done.delayed} to be tried again, "
            f"{done.unconfirmed} maybe sent, {done.not_needed} not needed any more."
        )
    if done.unreachable:
        raise click.ClickException(f"The mail server cannot be reached: {done.unreachable}")


@messages.command("bounce")
@click.option("--to", "address", help="The address that the report was delivered to.")
def take_report(address: str | None) -> None:
    """Read a delivery report on standard input, as Postfix pipes it.

    Exits with 65, which mail servers understand, when it is none or not about a mail of ours.
    """
    paths = bounces.ReturnPaths("", settings().secret_keys)
    try:
        # Python gives no standard input at all to a process that was started without one.
        content = sys.stdin.buffer.read(MAX_REPORT_BYTES) if sys.stdin else b""
        reference, report = bounces.read_report(content, address, paths)
        with transaction() as session:
            bounces.record(session, reference, report, now=utc_now())
    except bounces.NotAReport as error:
        click.echo(str(error), err=True)
        sys.exit(EX_DATAERR)
    click.echo(f"Noted: {report.fate}.")


@messages.command("allow")
@click.argument("address")
def allow(address: str) -> None:
    """Write again to an address from which mail came back."""
    with transaction() as session:
        known = bounces.allow_again(session, address)
    click.echo("It gets mail again." if known else "Nothing ever came back from it.")
