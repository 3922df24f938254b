"""One mail a morning brings what the matches wrote: nothing is lost, nothing comes twice."""

from collections.abc import Callable
from datetime import datetime, timedelta
from email.message import EmailMessage

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from asyncnet.followups.rules import Stage
from asyncnet.matches.model import Match
from asyncnet.messages.model import Message
from asyncnet.messages.queue import act, claim
from asyncnet.messages.rules import LEASE, Act
from asyncnet.tasks import plan_forgotten
from tests import factories
from tests.followups.scene import STARTS_AT, Evening, stages_in
from tests.pages import post_form, sign_in
from tests.servers.smtp import Fault

A_DAY = timedelta(days=1)
Rows = Callable[..., list]  # type: ignore[type-arg]


def test_one_mail_brings_what_everybody_wrote(scene: Evening) -> None:
    scene.answers(scene.ana, "Your tide pools!", contact="ana@reader.example")
    scene.answers(scene.ben, "How do you keep your\nvolunteers?")

    early = scene.sends(scene.morning - timedelta(minutes=1))
    scene.sends(scene.morning)

    assert early.sent == 0
    [mail] = mails(scene)
    text = words_of(mail)
    assert mail["Subject"] == "Ana and Ben watched your intro"
    assert mail["Reply-To"] is None
    for words in ("Your tide pools!", "keep your volunteers?", "Or write to ana@reader.example"):
        assert words in text
    assert '"mailto:ana@reader.example"' in mail.as_string()
    assert "A reply to this mail cannot choose for you between them" in text
    assert "ben@reader.example" not in mail.as_string()
    assert "Ben keeps their address to themselves" in text
    assert len({link for link in text.split() if "?match=" in link}) == 2


def test_three_are_counted_in_the_subject(scene: Evening) -> None:
    for author in (scene.ana, scene.ben, scene.cleo):
        scene.answers(author, "Hello!")

    scene.sends(scene.morning)

    assert [mail["Subject"] for mail in mails(scene)] == ["Ana, Ben and 1 other watched your intro"]


def test_what_comes_later_goes_in_a_second_mail_the_next_morning(scene: Evening) -> None:
    scene.answers(scene.ana, "First.")
    scene.sends(scene.morning)
    scene.answers(scene.ben, "Second.", at=scene.morning + timedelta(hours=1))
    scene.answers(scene.cleo, "Third.", at=scene.morning + timedelta(hours=2))

    same_day = scene.sends(scene.morning + timedelta(hours=3))
    scene.sends(scene.morning + A_DAY)
    scene.sends(scene.morning + 2 * A_DAY)

    assert same_day.sent == 0
    first, second = map(words_of, mails(scene))
    assert "First." in first
    assert "First." not in second
    assert ("Second." in second, "Third." in second) == (True, True)


def test_a_mail_that_may_have_gone_is_sent_again_as_it_was(
    scene: Evening, rows: Rows, session: Session
) -> None:
    """F2, F3: whoever writes meanwhile is in the next one."""
    scene.answers(scene.ana, "First.")
    scene.server.fault = Fault.DROPS_AFTER_KEEPING_THE_MAIL
    scene.sends(scene.morning)
    scene.answers(scene.ben, "Second.", at=scene.morning + timedelta(minutes=5))
    scene.server.fault = Fault.NONE

    send_again(session, rows, at=scene.morning + timedelta(minutes=10))
    scene.answers(scene.cleo, "Third.", at=scene.morning + timedelta(minutes=10))
    scene.sends(scene.morning + timedelta(minutes=10))
    scene.sends(scene.morning + A_DAY)

    once, again, later = mails(scene)
    assert once["Message-ID"] == again["Message-ID"] != later["Message-ID"]
    assert words_of(once) == words_of(again)
    found = [words in words_of(later) for words in ("First.", "Second.", "Third.")]
    assert found == [False, True, True]


def test_a_worker_killed_while_sending_loses_nothing(
    scene: Evening, rows: Rows, session: Session
) -> None:
    """F2: the mail it had in hand is one that may have gone."""
    scene.answers(scene.ana, "First.")
    claim(session, scene.morning)
    session.commit()
    scene.answers(scene.ben, "Second.", at=scene.morning + timedelta(minutes=1))
    scene.sends(scene.morning + LEASE)

    send_again(session, rows, at=scene.morning + LEASE)
    scene.sends(scene.morning + LEASE)
    scene.sends(scene.morning + A_DAY)

    first, second = map(words_of, mails(scene))
    assert ("First." in first, "Second." in first) == (True, False)
    assert ("First." in second, "Second." in second) == (False, True)


def test_a_mail_for_every_match_where_the_organizer_wants_that(
    scene: Evening, session: Session
) -> None:
    host = scene.app.test_client()
    sign_in(host, factories.organizer(session, "second@forum.example", of=scene.event))
    post_form(host, f"/events/{scene.event.id}/settings", {"follow_ups": "each"})
    scene.answers(scene.ana, "First.", contact="ana@reader.example")
    scene.answers(scene.ben, "Second.")

    scene.sends(scene.morning)

    assert [(mail["Subject"], mail["Reply-To"]) for mail in mails(scene)] == [
        ("Ana watched your intro", "ana@reader.example"),
        ("Ben watched your intro", None),
    ]


def test_a_match_that_was_taken_out_is_left_out_until_it_is_back(
    scene: Evening, session: Session, rows: Rows
) -> None:
    scene.answers(scene.ana, "First.")
    scene.answers(scene.ben, "Second.")
    out = update(Match).where(Match.id == scene.matches[scene.ben.id].id)
    session.execute(out.values(state="withdrawn"))
    session.commit()
    scene.sends(scene.morning)
    plan_again(scene, at=scene.morning)
    meanwhile = len(rows(select(Message)))
    session.execute(out.values(state="published"))
    session.commit()

    plan_again(scene, at=scene.morning)
    plan_again(scene, at=scene.morning)
    scene.sends(scene.morning + A_DAY)

    assert meanwhile == 1
    assert [mail["Subject"] for mail in mails(scene)] == [
        "Ana watched your intro",
        "Ben watched your intro",
    ]


def test_nothing_goes_when_nothing_is_left_to_tell(
    scene: Evening, session: Session, rows: Rows
) -> None:
    scene.answers(scene.ana, "First.")
    session.execute(update(Match).values(state="withdrawn"))
    session.commit()

    done = scene.sends(scene.morning)

    assert (done.not_needed, mails(scene)) == (1, [])
    [message] = rows(select(Message))
    assert message.state == "cancelled"


def test_the_stages_say_how_far_every_match_has_come(scene: Evening, session: Session) -> None:
    scene.answers(scene.ana, "First.")
    scene.sends(scene.morning)
    scene.answers(scene.ben, "Second.", at=scene.morning)

    assert stages_in(session, scene.event.id) == [
        {
            Stage.WATCHED: STARTS_AT,
            Stage.ANSWERED: STARTS_AT,
            Stage.MAILED: scene.morning,
        },
        {Stage.WATCHED: scene.morning, Stage.ANSWERED: scene.morning},
        {},
    ]


def test_words_whose_mail_is_being_tried_stay_as_they_are(scene: Evening) -> None:
    """Nobody can tell what has been read once a worker has tried."""
    scene.answers(scene.ana, "First.")
    scene.server.fault = Fault.TRY_LATER
    scene.sends(scene.morning)

    page = scene.browser_of(scene.ana).get(
        f"/me/{scene.ana.id}/matches/{scene.matches[scene.ana.id].id}"
    )

    assert page.status_code == 200
    assert "<textarea" not in page.text


def mails(scene: Evening) -> list[EmailMessage]:
    return [received.message for received in scene.mails_to(scene.kenji)]


def words_of(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return " ".join(body.get_content().split())


def send_again(session: Session, rows: Rows, *, at: datetime) -> None:
    """Let an organizer send once more what may have gone."""
    [message] = rows(select(Message).where(Message.state == "unconfirmed"))
    act(session, message.id, Act.SEND_AGAIN, version=message.version, actor="host", now=at)
    session.commit()


def plan_again(scene: Evening, *, at: datetime) -> None:
    with scene.app.app_context():
        plan_forgotten(lambda: at)
