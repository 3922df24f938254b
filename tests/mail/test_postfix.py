"""A real Postfix takes our mails and reports what became of them; a foreign parser reads them."""

import json
import os
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from asyncnet.database import transaction
from asyncnet.mail.port import Delayed, Refused
from asyncnet.mail.smtp import SmtpMailer
from asyncnet.messages.bounces import ReturnPaths
from asyncnet.messages.model import Message
from asyncnet.messages.queue import act
from asyncnet.messages.rules import LEASE, Act, MessageState
from config import CHECKOUT, Settings
from tests.mail.letters import letter
from tests.messages.mails import NOON, Clock, drain_once, plan_mail, states, the_message
from tests.messages.workers import start_worker
from tests.servers.postfix import LOST, Postfix, postfix

FROM = "Tides, Telescopes & Zoë <hello@forum.example>"
WAY_OUT = "https://forum.example/unsubscribe/" + "x" * 200
MAILS, KILLS = 20, 3


@pytest.fixture(scope="module")
def running() -> Iterator[Postfix]:
    if os.getuid():
        pytest.skip("Postfix can only be started by root.")
    with postfix() as server:
        yield server


@pytest.fixture
def server(running: Postfix) -> Postfix:
    """The server with empty mailboxes."""
    running.wait_until_idle()
    for mail in (running.folder / "mail").glob("*/new/*"):
        mail.unlink()
    return running


@pytest.fixture
def mailer(server: Postfix, settings: Settings) -> SmtpMailer:
    """A mailer that asks for reports, at the return address of each mail."""
    paths = ReturnPaths("bounces@forum.example", settings.secret_keys)
    return SmtpMailer(server.settings(), mail_from=FROM, return_path=paths.of)


def hear_reports(app: Flask, server: Postfix) -> list[int]:
    """Give every report to the command, as Postfix does; return how it ended each time."""
    server.wait_until_idle()
    runner = app.test_cli_runner()
    return [
        runner.invoke(args=["messages", "bounce"], input=report.as_bytes()).exit_code
        for report in server.reports()
    ]


def test_a_report_of_delivery_settles_what_was_maybe_sent(
    app: Flask, server: Postfix, mailer: SmtpMailer
) -> None:
    """RFC 3461: we ask for word of success, and it finds its mail by the return address."""
    plan_mail(app, to_address="ana+tides@reader.example")
    drain_once(app, mailer, Clock())
    with app.app_context(), transaction() as session:
        session.execute(update(Message).values(state=MessageState.UNCONFIRMED))

    heard = hear_reports(app, server)

    assert heard == [0]
    assert the_message(app).state is MessageState.SENT
    [report] = server.reports()
    assert f"Original-Envelope-Id: {the_message(app).reference}@" in report.as_string()


def test_a_mailbox_that_does_not_exist_comes_back_as_a_bounce(
    app: Flask, server: Postfix, mailer: SmtpMailer
) -> None:
    """The server takes the mail, and only then finds nobody to give it to."""
    plan_mail(app, to_address=f"ana@{LOST}")

    drain_once(app, mailer, Clock())
    heard = hear_reports(app, server)

    message = the_message(app)
    assert heard == [0]
    assert message.state is MessageState.BOUNCED
    assert message.note == "5.1.1 nobody lives here"


def test_a_foreign_parser_reads_what_we_wrote(server: Postfix, mailer: SmtpMailer) -> None:
    """Names with commas, letters of all kinds, and headers too long to be folded."""
    sent = letter(
        to_name="Ștefan, the Elder",
        to_address="ana@reader.example",
        subject="Two people — Ștefan & 美咲 — watched your intro" + " tides" * 30,
        text="Grüße.\n.\n" + "long " * 400 + "\n",
        html="<p>Grüße</p>" + "<b>x</b>" * 500,
        reply_to="mei@reader.example",
        headers={
            "List-Unsubscribe": f"<{WAY_OUT}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            "In-Reply-To": "<thread@forum.example>",
            "References": "<thread@forum.example>",
        },
    )

    with mailer.connect() as connection:
        connection.send(sent)
    server.wait_until_idle()
    read = read_by_others(server)

    assert read["from"] == {"name": "Tides, Telescopes & Zoë", "address": "hello@forum.example"}
    assert read["to"] == [{"name": "Ștefan, the Elder", "address": "ana@reader.example"}]
    assert read["replyTo"] == [{"name": "", "address": "mei@reader.example"}]
    assert read["subject"] == sent.subject
    assert read["messageId"] == sent.message_id
    assert read["inReplyTo"] == "<thread@forum.example>"
    assert read["text"].rstrip("\n") == sent.text.rstrip("\n")
    assert read["html"].strip() == sent.html
    assert read["headers"]["list-unsubscribe"] == f"<{WAY_OUT}>"
    assert read["headers"]["list-unsubscribe-post"] == "List-Unsubscribe=One-Click"


@pytest.mark.parametrize(
    ("reader", "error", "words"),
    [("nobody", Refused, "550 5.1.1"), ("later", Delayed, "450 4.2.0")],
)
@pytest.mark.sizeless
def test_a_refusal_among_commands_sent_together_harms_no_other_letter(
    server: Postfix, mailer: SmtpMailer, reader: str, error: type[Exception], words: str
) -> None:
    """RFC 2920: the server has heard DATA already when it refuses the reader."""
    with mailer.connect() as connection:
        with pytest.raises(error, match=words):
            connection.send(letter(to_address=f"{reader}@reader.example"))
        connection.send(letter(to_address="ana@reader.example"))

    server.wait_until_idle()
    assert [mail["To"].addresses[0].username for mail in server.delivered()] == ["ana"]


def test_under_kills_every_mail_is_delivered_exactly_once(
    app: Flask, server: Postfix, mailer: SmtpMailer, settings: Settings
) -> None:
    """What a killed worker leaves in doubt, reports settle; what nobody reports was not taken."""
    keys = [f"mail-{number}" for number in range(MAILS)]
    for key in keys:
        plan_mail(app, key, to_address=f"{key}@reader.example")
    for dies_at in (9, 14, 21)[:KILLS]:
        start_worker(settings, server.settings(), NOON, dies_at=dies_at, reports=True).join()
    drain_once(app, mailer, Clock(NOON + LEASE + timedelta(minutes=1)))

    hear_reports(app, server)
    for key, state in states(app).items():
        if state is MessageState.UNCONFIRMED:
            send_again(app, key)
    drain_once(app, mailer, Clock(NOON + 2 * LEASE))
    server.wait_until_idle()

    arrived = Counter(mail["To"].addresses[0].username for mail in server.delivered())
    assert arrived == Counter(keys)
    assert set(states(app).values()) == {MessageState.SENT}


def send_again(app: Flask, key: str) -> None:
    message = the_message(app, key)
    with app.app_context(), transaction() as session:
        act(session, message.id, Act.SEND_AGAIN, version=message.version, actor="host", now=NOON)


def read_by_others(server: Postfix) -> dict[str, Any]:
    """Return what another parser makes of the one mail that was delivered."""
    [path] = (server.folder / "mail" / "readers" / "new").glob("*")
    node = shutil.which("node", path=f"{os.environ['PATH']}:{CHECKOUT / '.venv' / 'bin'}")
    assert node is not None
    script = Path(__file__).with_name("read.mjs")
    done = subprocess.run([node, script], input=path.read_bytes(), capture_output=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found
