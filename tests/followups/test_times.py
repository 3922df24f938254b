"""Two people find a time: both are awake then, and both calendars know of it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from icalendar import Calendar
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from asyncnet.audit.actions import SYSTEM
from asyncnet.clock import utc_now
from asyncnet.database import ChangedMeanwhile, transaction
from asyncnet.events.model import Participant
from asyncnet.followups.actions import arranging
from asyncnet.followups.model import Meeting
from asyncnet.followups.rules import MEETING, both_awake
from asyncnet.matches.model import Match
from asyncnet.messages.model import MailText, Message
from asyncnet.tasks import plan_forgotten
from asyncnet.zones import zone_named, zone_names
from tests import factories
from tests.calendars import strictly_read
from tests.followups.scene import Evening
from tests.pages import find_form, forms_on, post_form

Rows = Callable[..., list[Any]]
MOMENTS = st.datetimes(
    min_value=datetime(2020, 1, 1),  # noqa: DTZ001 - the strategy adds the zone
    max_value=datetime(2037, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)
ZONES = st.sampled_from(zone_names()).map(zone_named)


@pytest.fixture
def scene(scene: Evening) -> Evening:
    """Ana has written to Kenji, and he has read it."""
    scene.answers(scene.ana, "Your tide pools!")
    scene.sends(scene.morning)
    scene.server.received.clear()
    return scene


@pytest.mark.sizeless
@given(MOMENTS, ZONES, ZONES)
@example(datetime(2026, 10, 24, tzinfo=UTC), ZoneInfo("Europe/London"), ZoneInfo("Asia/Kathmandu"))
@example(
    datetime(2027, 4, 3, tzinfo=UTC), ZoneInfo("Australia/Lord_Howe"), ZoneInfo("Pacific/Chatham")
)
def test_both_are_awake_at_every_time_that_is_offered(
    after: datetime, mine: ZoneInfo, theirs: ZoneInfo
) -> None:
    offered = list(both_awake(mine, theirs, after=after, days=4))

    for at in offered:
        assert after < at < after + timedelta(days=5)
        assert at.astimezone(mine).minute in (0, 30)
        for zone in (mine, theirs):
            begins, ends = at.astimezone(zone), (at + MEETING).astimezone(zone)
            assert (begins.hour, begins.minute) >= (8, 0)
            assert (ends.hour, ends.minute) <= (21, 0)
            assert begins.date() == ends.date()
    assert all(one < other for one, other in pairwise(offered))
    assert offered, "thirteen waking hours always meet somewhere"


def test_a_time_is_offered_chosen_and_written_into_both_calendars(scene: Evening) -> None:
    noon, evening_ = at_noon(scene), at_noon(scene) + timedelta(hours=1)
    offers(scene, scene.kenji, [evening_, noon])
    scene.sends(by_daylight(scene))
    accepts(scene, scene.ana, noon)
    scene.sends(by_daylight(scene) + timedelta(days=1))

    offer, agreed_by_ana = (mail.message for mail in scene.mails_to(scene.ana))
    [agreed_by_kenji] = (mail.message for mail in scene.mails_to(scene.kenji))
    assert offer["Subject"] == "Kenji suggests a time to talk"
    assert "Monday 21 June 2027, 12:00 for you, Monday 21 June 2027, 19:00 in Tokyo" in text_of(
        offer
    )
    assert agreed_by_kenji["Subject"] == "You talk with Ana: Mon 21 June, 19:00"
    for mail in (agreed_by_ana, agreed_by_kenji):
        method, entry = calendar_in(mail)
        assert method == "REQUEST"
        assert entry.start == noon
        assert entry.end == noon + MEETING
        assert (entry["SEQUENCE"], entry["STATUS"]) == (0, "CONFIRMED")
        assert entry["ORGANIZER"].params["CN"] == "Tidal Commons"
    assert calendar_in(agreed_by_ana)[1]["UID"] == calendar_in(agreed_by_kenji)[1]["UID"]


def test_a_calendar_names_the_other_only_where_they_agreed_to_be_written_to(
    scene: Evening,
) -> None:
    scene.answers(scene.ben, "And your volunteers?", contact=scene.ben.email)
    for live in (scene.ana, scene.ben):
        offers(scene, live, [at_noon(scene)])
        accepts(scene, scene.kenji, at_noon(scene), live=live)
    scene.sends(by_daylight(scene))

    guests = {
        str(mail.message["Subject"]).split(":")[0]: guests_of(calendar_in(mail.message)[1])
        for mail in scene.mails_to(scene.kenji)
        if "You talk" in str(mail.message["Subject"])
    }
    assert guests == {
        "You talk with Ana": {"mailto:kenji@reader.example"},
        "You talk with Ben": {"mailto:kenji@reader.example", "mailto:ben@reader.example"},
    }


def test_moving_and_calling_off_tell_the_same_entry_a_higher_sequence(scene: Evening) -> None:
    first, second = at_noon(scene), at_noon(scene) + timedelta(days=1)
    offers(scene, scene.kenji, [first])
    accepts(scene, scene.ana, first)
    scene.sends(by_daylight(scene))
    offers(scene, scene.ana, [second])
    accepts(scene, scene.kenji, second)
    scene.sends(by_daylight(scene))
    with scene.app.app_context(), transaction() as session:
        arranging.cancel(
            session, match_of(scene), scene.ana.id, version=4, actor=SYSTEM,
            now=by_daylight(scene),
        )  # fmt: skip
    scene.sends(by_daylight(scene))

    entries = [
        (method, entry.start, entry["SEQUENCE"], entry["STATUS"], entry["UID"])
        for mail in scene.mails_to(scene.kenji)
        if (found := calendar_in(mail.message))
        for method, entry in [found]
    ]
    uid = entries[0][4]
    assert entries == [
        ("REQUEST", first, 0, "CONFIRMED", uid),
        ("REQUEST", second, 1, "CONFIRMED", uid),
        ("CANCEL", second, 2, "CANCELLED", uid),
    ]


def test_a_talk_that_is_off_is_told_before_it_would_have_begun(scene: Evening) -> None:
    """They would talk at 08:00 in Berlin; at 07:00, when nobody is mailed there, it is off."""
    talk = at_noon(scene).replace(hour=6)
    offers(scene, scene.kenji, [talk])
    accepts(scene, scene.ana, talk)
    scene.sends(by_daylight(scene))
    off_at = talk - timedelta(hours=1)

    with scene.app.app_context(), transaction() as session:
        arranging.cancel(
            session, match_of(scene), scene.kenji.id, version=2, actor=SYSTEM, now=off_at
        )
    scene.sends(off_at)

    found = calendar_in(scene.mails_to(scene.ana)[-1].message)
    assert found is not None
    assert found[0] == "CANCEL"


def test_what_was_taken_back_in_the_night_is_never_mailed(scene: Evening) -> None:
    """Kenji's morning is Ana's night."""
    offers(scene, scene.kenji, [at_noon(scene)], now=scene.morning)
    with scene.app.app_context(), transaction() as session:
        arranging.withdraw(
            session, match_of(scene), scene.kenji.id, version=1, actor=SYSTEM, now=scene.morning
        )

    scene.sends(by_daylight(scene))

    assert scene.mails_to(scene.ana) == []


def test_who_offers_again_and_again_causes_one_mail_an_hour(scene: Evening, rows: Rows) -> None:
    """It brings the newest offer, and what it overtook never goes."""
    for minutes in range(0, 50, 10):
        at = by_daylight(scene) + timedelta(minutes=minutes)
        offers(scene, scene.kenji, [at_noon(scene) + timedelta(hours=minutes // 10)], now=at)
        scene.sends(at)

    scene.sends(by_daylight(scene) + timedelta(hours=1))

    first, newest = (text_of(mail.message) for mail in scene.mails_to(scene.ana))
    assert "12:00 for you" in first
    assert "16:00 for you" in newest
    mails = rows(select(Message.state).where(Message.kind == "meeting").order_by(Message.id))
    assert mails == ["sent", "cancelled", "cancelled", "cancelled", "sent"]


def test_who_cannot_make_it_says_so(scene: Evening) -> None:
    offers(scene, scene.kenji, [at_noon(scene)])
    with scene.app.app_context(), transaction() as session:
        arranging.decline(
            session, match_of(scene), scene.ana.id, version=1, actor=SYSTEM, now=by_daylight(scene)
        )

    scene.sends(by_daylight(scene))

    [mail] = scene.mails_to(scene.kenji)
    assert mail.message["Subject"] == "Ana cannot make the times you suggested"
    assert calendar_in(mail.message) is None


def test_organizers_word_mails_about_a_time_and_about_its_end_apart(
    scene: Evening, session: Session
) -> None:
    factories.own_words(session, scene.event)
    offers(scene, scene.kenji, [at_noon(scene)])
    accepts(scene, scene.ana, at_noon(scene))
    scene.sends(by_daylight(scene))
    off = update(MailText).where(MailText.kind == "meeting_off")
    session.execute(off.values(subject="A pity, {name}", closing="{match} in {city}: {news}"))
    session.commit()
    with scene.app.app_context(), transaction() as work:
        arranging.cancel(
            work, match_of(scene), scene.kenji.id, version=2, actor=SYSTEM, now=by_daylight(scene)
        )

    scene.sends(by_daylight(scene))

    agreed, called_off = (mail.message for mail in scene.mails_to(scene.ana))
    assert agreed["Subject"] == "You talk with Kenji: Mon 21 June, 12:00"
    assert "Yours Ana Tidal Commons Kenji Tokyo You talk with Kenji: Mon 21 June, 12:00" in text_of(
        agreed
    )
    assert called_off["Subject"] == "A pity, Ana"
    assert "Kenji in Tokyo: Your talk with Kenji is off: Mon 21 June, 12:00" in text_of(called_off)


@pytest.mark.parametrize("who", ["kenji", "nobody", "late"])
def test_a_time_that_is_not_on_offer_is_not_agreed_on(scene: Evening, who: str) -> None:
    """A6, F9: not by the one who offered it, not another one, not after it changed."""
    offers(scene, scene.kenji, [at_noon(scene)])
    reader = scene.kenji if who == "kenji" else scene.ana
    at = at_noon(scene) + timedelta(hours=1 if who == "nobody" else 0)

    with pytest.raises(ChangedMeanwhile), scene.app.app_context(), transaction() as session:
        arranging.accept(
            session, match_of(scene), reader.id, at, version=0 if who == "late" else 1,
            actor=SYSTEM, now=by_daylight(scene),
        )  # fmt: skip


def test_a_time_is_taken_only_while_the_other_hears_of_it_before(
    scene: Evening, rows: Rows
) -> None:
    """07:30 in Berlin: Ana's mail goes at 08:00, too late for 08:30 and in time for 09:00."""
    nine = at_noon(scene) - timedelta(hours=3)
    soon = nine - timedelta(minutes=30)
    offers(scene, scene.ana, [soon, nine])

    with pytest.raises(arranging.TooSoon):
        accepts(scene, scene.kenji, soon, now=nine - timedelta(minutes=90))
    accepts(scene, scene.kenji, nine, now=nine - timedelta(minutes=90))

    [meeting] = rows(select(Meeting))
    agreed = rows(select(Message).where(Message.kind == "meeting", Message.state == "scheduled"))
    assert meeting.starts_at == nine
    assert [mail.expires_at for mail in agreed] == [nine, nine]


def test_the_page_says_which_time_is_too_soon_by_now(scene: Evening) -> None:
    now = utc_now()
    soon, later = now + timedelta(minutes=30), now + timedelta(days=2)
    offers(scene, scene.ana, [soon, later], now=now)
    kenji = scene.browser_of(scene.kenji)
    page = f"/me/{scene.kenji.id}/matches/{match_of(scene)}/thread"
    [form] = [form for form in forms_on(kenji.get(page)) if form.action.endswith("/accept")]

    kenji.post(form.action, data=form.values | {"option": soon.isoformat()})

    shown = kenji.get(page).text
    assert form.values["option"] == [later.isoformat()]
    assert "Too soon now: Ana would not hear of it an hour before." in shown
    assert "That is too soon now: the mail to Ana goes at" in shown


def test_closing_a_match_calls_the_talk_off_and_tells_only_the_other(scene: Evening) -> None:
    offers(scene, scene.kenji, [at_noon(scene)])
    accepts(scene, scene.ana, at_noon(scene))
    scene.sends(by_daylight(scene))
    scene.server.received.clear()

    page = f"/me/{scene.ana.id}/matches/{match_of(scene)}/thread"
    post_form(scene.browser_of(scene.ana), page, action="/closed")
    scene.sends(by_daylight(scene))

    assert scene.mails_to(scene.ana) == []
    [mail] = scene.mails_to(scene.kenji)
    assert mail.message["Subject"] == "Your talk with Ana is off: Mon 21 June, 19:00"


@pytest.mark.parametrize("reason", ["left", "taken out"])
def test_a_talk_that_cannot_be_is_called_off_for_whoever_is_there(
    scene: Evening, session: Session, reason: str
) -> None:
    offers(scene, scene.kenji, [at_noon(scene)])
    accepts(scene, scene.ana, at_noon(scene))
    scene.sends(by_daylight(scene))
    scene.server.received.clear()
    if reason == "left":
        session.get_one(Participant, scene.ana.id).left_at = by_daylight(scene)
    else:
        session.execute(update(Match).values(state="withdrawn"))
    session.commit()

    for _ in range(2):
        with scene.app.app_context():
            plan_forgotten(lambda: by_daylight(scene))
        scene.sends(by_daylight(scene))

    told = {"left": [], "taken out": ["CANCEL"]}[reason]
    for person, methods in ((scene.ana, told), (scene.kenji, ["CANCEL"])):
        calendars = [calendar_in(mail.message) for mail in scene.mails_to(person)]
        assert [method for method, _ in calendars] == methods


def test_the_page_offers_times_and_takes_the_answer(scene: Evening, rows: Rows) -> None:
    """The form's own way, in both browsers, and the file for a calendar."""
    ana, kenji = scene.browser_of(scene.ana), scene.browser_of(scene.kenji)
    hers, his = (
        f"/me/{person.id}/matches/{match_of(scene)}/thread" for person in (scene.ana, scene.kenji)
    )
    form = find_form(kenji.get(his), "/times")
    first = kenji.get(his).text.split('<option value="20')[1].split('"')[0]

    empty = kenji.post(form.action, data=form.values)
    kenji.post(form.action, data=form.values | {"first": f"20{first}", "second": f"20{first}"})
    shown = ana.get(hers)
    post_form(ana, hers, action="/accept")
    file = ana.get(f"{hers}/meeting.ics")

    assert (empty.status_code, "Choose at least one time" in empty.text) == (400, True)
    assert "Kenji suggests this time" in shown.text
    [meeting] = rows(select(Meeting))
    assert meeting.starts_at == datetime.fromisoformat(f"20{first}")
    [entry] = Calendar.from_ical(file.data).events
    assert entry.start == meeting.starts_at
    assert ("ORGANIZER" in entry, "ATTENDEE" in entry) == (True, False)
    assert kenji.get(f"{his}/meeting.ics").mimetype == "text/calendar"
    assert "Call it off" in kenji.get(his).text


def at_noon(scene: Evening) -> datetime:
    """12:00 in Berlin and 19:00 in Tokyo, two days after the event."""
    return scene.morning.replace(hour=10, minute=0) + timedelta(days=2)


def by_daylight(scene: Evening) -> datetime:
    """10:00 in Berlin and 17:00 in Tokyo, the day after the event."""
    return scene.morning.replace(hour=8, minute=0) + timedelta(days=1)


def match_of(scene: Evening, live: Participant | None = None) -> int:
    return scene.matches[(live or scene.ana).id].id


def offers(
    scene: Evening, person: Participant, options: list[datetime], *, now: datetime | None = None
) -> None:
    live = None if person.id == scene.kenji.id else person
    with scene.app.app_context(), transaction() as session:
        arranging.propose(
            session, match_of(scene, live), person.id, options,
            version=version_of(session, match_of(scene, live)), actor=SYSTEM,
            now=now or by_daylight(scene),
        )  # fmt: skip


def accepts(
    scene: Evening, person: Participant, option: datetime, *, live: Participant | None = None,
    now: datetime | None = None,
) -> None:  # fmt: skip
    with scene.app.app_context(), transaction() as session:
        arranging.accept(
            session, match_of(scene, live), person.id, option,
            version=version_of(session, match_of(scene, live)), actor=SYSTEM,
            now=now or by_daylight(scene),
        )  # fmt: skip


def version_of(session: Any, match_id: int) -> int:
    return session.scalar(select(Meeting.version).where(Meeting.match_id == match_id)) or 0


def text_of(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return " ".join(body.get_content().split())


def calendar_in(mail: EmailMessage) -> Any:
    """Return method and entry of the calendar part of a mail, which its file repeats."""
    parts = [part for part in mail.walk() if part.get_content_type() == "text/calendar"]
    if not parts:
        return None
    [file] = mail.iter_attachments()
    content = parts[0].get_content()
    raw = parts[0].get_payload(decode=True)
    assert isinstance(raw, bytes)
    assert strictly_read(raw) == strictly_read(file.get_content())
    assert file.get_content().decode().splitlines() == content.splitlines()
    calendar = Calendar.from_ical(content)
    assert calendar["METHOD"] == parts[0].get_param("method")
    [entry] = calendar.events
    return str(calendar["METHOD"]), entry


def guests_of(entry: Any) -> set[str]:
    attendees = entry.get("ATTENDEE")
    return set(map(str, attendees if isinstance(attendees, list) else [attendees]))
