"""Makes a sample event to look around in, on a machine of one's own."""

import sys
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import click
from flask.cli import AppGroup
from sqlalchemy import select
from sqlalchemy.orm import Session

from asyncnet.audit.actions import SYSTEM
from asyncnet.clock import utc_now
from asyncnet.database import db, transaction
from asyncnet.events.actions import making, registering
from asyncnet.events.actions.making import EventPlan
from asyncnet.events.actions.registering import Profile
from asyncnet.events.model import Event, Participant
from asyncnet.events.rules import Attendance, Kinds
from asyncnet.intros.actions import consenting, uploading
from asyncnet.intros.rules import Limits
from asyncnet.intros.video.sample import make_sample
from asyncnet.matches.bench.actions.editing import edit
from asyncnet.matches.bench.actions.publishing import publish_plan
from asyncnet.matches.bench.edits import Act, Edit
from asyncnet.matches.bench.queries import worth_of
from asyncnet.people import actions as people
from asyncnet.people.model import Person, SignInLink
from asyncnet.wiring import links, settings, storage

HOST = "host@example.org"
SAMPLE = "sample"
NEXT_IN = timedelta(days=14)
"""So soon the sample's next event begins, whose matches are still to be found."""
PEOPLE = (
    Profile(
        "Ana Brandt", "ana@example.org", "Europe/Berlin", Attendance.LIVE,
        "I keep volunteers of a coast watch happy.", "Anyone who maps reefs.",
        role="Volunteer coordinator", community="Citizen science",
        experience="Ten years of beach counts, and of tea for those who count.",
        topics=("coast watch", "seagrass", "volunteers"),
        offers=("keeping volunteers", "safety briefings"), seeks=("reef mapping", "open data"),
        meet=("Mei Tanaka",),
    ),
    Profile(
        "Tomás Ruiz", "tomas@example.org", "America/Argentina/Buenos_Aires", Attendance.LIVE,
        "Community manager of an open weather data project.", "",
        role="Community manager", community="Open data",
        experience="Publishing what hundreds of stations measure, every hour.",
        topics=("open data", "weather", "volunteers"),
        offers=("open data", "writing documentation"), seeks=("reef mapping", "stories"),
        across=Kinds.ACROSS,
    ),
    Profile(
        "Grace Okoro", "grace@example.org", "Africa/Lagos", Attendance.LIVE,
        "I bring divers and scientists together.", "People with young volunteers.",
        role="Marine biologist", community="Research",
        experience="Dive logs that scientists can use.",
        topics=("reefs", "diving", "whales"),
        offers=("species names", "funding"), seeks=("keeping volunteers", "running a forum"),
        meet=("Jo Miller", "Kiri Walker"),
    ),
    Profile(
        "Jo Miller", "jo@example.org", "America/New_York", Attendance.LIVE,
        "Librarian, and host of a citizen science forum.", "",
        role="Librarian", community="Citizen science",
        experience="A forum of nine thousand people who answer each other.",
        topics=("forums", "volunteers", "stories"),
        offers=("running a forum", "stories"), seeks=("species names",),
        meet=("Grace Okoro",),
    ),
    Profile(
        "Mei Tanaka", "mei@example.org", "Australia/Sydney", Attendance.ASYNC,
        "Reef maps, made by people who swim there.", "Somebody who runs a coast watch.",
        role="Map maker", community="Open data",
        experience="Maps of forty reefs, drawn with their swimmers.",
        topics=("reefs", "seagrass", "open data"),
        offers=("reef mapping",), seeks=("keeping volunteers", "open data"),
        meet=("Ana Brandt",),
    ),
    Profile(
        "Kiri Walker", "kiri@example.org", "Pacific/Auckland", Attendance.ASYNC,
        "Whale counters of the southern ocean.", "",
        role="Volunteer coordinator", community="Citizen science",
        experience="Counting from cliffs, in any weather.",
        topics=("whales", "coast watch", "volunteers"),
        offers=("counting from land", "stories"), seeks=("safety briefings", "funding"),
    ),
)  # fmt: skip
ROUNDS = ((1, "ana", "kiri"), (1, "grace", "jo"), (2, "ana", "mei"), (2, "grace", "kiri"),
          (3, "tomas", "mei"), (3, "ana", "grace"))  # fmt: skip

events = AppGroup("events", help="Make and look at events.")


@events.command("sample")
def sample() -> None:
    """Make the sample event if it is not there, and print its three links."""
    if settings().public:
        click.echo("The sample event is for an installation on your own machine only.", err=True)
        sys.exit(2)
    event_id = db.session.scalar(select(Event.id).where(Event.form_key == SAMPLE))
    if event_id is None:
        event_id = _make_sample()
    with transaction() as session:
        by_name = {p.email: p for p in session.scalars(
            select(Participant).where(Participant.event_id == event_id))}  # fmt: skip
        link = SignInLink(email=HOST, requested_at=utc_now(), expires_at=utc_now())
        session.add(link)
        organizer = links().sign_in(people.new_token(link, now=utc_now()))
        mei, ana = by_name["mei@example.org"], by_name["ana@example.org"]
        asynchronous = links().personal(mei.id, mei.link_version)
        live = links().personal(ana.id, ana.link_version)
    click.echo(f"""
A sample event is ready. Open, best in a browser each:

  asynchronous participant (Mei, Sydney)   {asynchronous}
  live participant (Ana, Berlin)           {live}
  organizer (works once, for 10 minutes)   {organizer}

The organizer has a second event in two weeks: open its plan and press "Suggest matches".
Later, sign in as {HOST} at {links().to("/sign-in")}
and read the mail at {links().to("/dev/inbox")}
""")


def _make_sample() -> int:
    now = utc_now()
    with transaction() as session:
        person = session.scalar(select(Person).where(Person.email == HOST))
        if person is None:
            person = Person(email=HOST, created_at=now)
            session.add(person)
            session.flush()
        event, known = _make_event(
            session, person, "Ocean communities forum", now.replace(second=0, microsecond=0),
            rounds=4, form_key=SAMPLE,
        )  # fmt: skip
        _make_event(
            session, person, "Ocean communities, the next forum",
            (now + NEXT_IN).replace(minute=0, second=0, microsecond=0), rounds=2,
            form_key=f"{SAMPLE}-next",
        )  # fmt: skip
        _make_plan(session, event, known, person.id)
        event_id, kiri_id = event.id, known["kiri"].id
    _give_intro(kiri_id)
    return event_id


def _make_plan(
    session: Session, event: Event, known: Mapping[str, Participant], person_id: int
) -> None:
    """Pair the sample's people by hand and publish that, as if it were before the event."""
    before = event.rounds[0].starts_at - timedelta(minutes=1)
    plan, worth = None, worth_of(session, event, None)
    for number, one, other in ROUNDS:
        plan = edit(
            session,
            event,
            Edit(Act.ADD, number, known[one].id, known[other].id),
            worth,
            seen=plan.id if plan else 0,
            person_id=person_id,
            actor=SYSTEM,
            now=before,
        )
    if plan is not None:
        publish_plan(session, event, plan, worth, actor=SYSTEM, now=before)


def _make_event(
    session: Session,
    host: Person,
    title: str,
    starts_at: datetime,
    *,
    rounds: int,
    form_key: str,
) -> tuple[Event, dict[str, Participant]]:
    """Return an event with its six people, by the first part of their addresses."""
    now = utc_now()
    event = making.make_event(
        session,
        host.id,
        EventPlan(
            title=title,
            purpose="People who look after ocean communities meet each other, wherever "
            "and whenever they are.",
            zone="Europe/Berlin",
            starts_at=starts_at,
            rounds=rounds,
            length=timedelta(minutes=10),
            pause=timedelta(minutes=2),
            send_hour="09:00",
            retention_days=90,
        ),
        form_key=form_key,
        actor=SYSTEM,
        now=now,
    )
    known = {
        profile.email.partition("@")[0]: registering.register(
            session, event.id, profile, consent=True, actor=SYSTEM, now=now
        )
        for profile in PEOPLE
    }
    return event, known


def _give_intro(participant_id: int) -> None:
    """Upload a small video for somebody, so that there is one to watch."""
    with TemporaryDirectory() as folder:
        video = Path(folder) / "intro.mp4"
        make_sample(video, seconds=8)
        size = video.stat().st_size
        with transaction() as session:
            participant = session.get_one(Participant, participant_id)
            consenting.give_consent(session, participant, actor=SYSTEM, now=utc_now())
            intro = uploading.begin(
                session,
                participant,
                size=size,
                content_type="video/mp4",
                limits=Limits(),
                actor=SYSTEM,
                now=utc_now(),
            )
            intro_id, key = intro.id, intro.upload_key
        storage().put(key, video, content_type="video/mp4")
    with transaction() as session:
        uploading.mark_arrived(session, intro_id, size=size, actor=SYSTEM, now=utc_now())
