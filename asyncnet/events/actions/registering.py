"""Takes people in, changes what is known of them, lets them leave."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from asyncnet.audit.actions import Actor, record
from asyncnet.database import ChangedMeanwhile, lock, wake
from asyncnet.events.actions.linking import MailedLately, end_links, send_personal_link
from asyncnet.events.actions.mentioning import (
    find_in_mentions,
    forget_unused_words,
    keep_mentions,
    learn_words,
)
from asyncnet.events.actions.refreshing import refresh_pages
from asyncnet.events.actions.replanning import follow_reader, replan_follow_ups
from asyncnet.events.model import (
    Consent,
    Event,
    Participant,
)
from asyncnet.events.rules import (
    CONSENT_VERSION,
    Attendance,
    EventMode,
    Kinds,
    MentionKind,
    WordKind,
)
from asyncnet.messages.queue import (
    cancel_for,
    readdress,
)

LISTS = ("topics", "offers", "seeks", "wish_roles")
SEEN = ("name", "zone", "attendance", "greeting", "experience")
"""What open pages show of somebody, their own or another's."""


class AlreadyRegistered(Exception):
    """Somebody with this address takes part in the event already."""


@dataclass(frozen=True)
class Profile:
    """What a participant says of themselves; `email` is a normal address.

    What is None is not said anew: it stays as it is.
    """

    name: str
    email: str
    zone: str
    attendance: Attendance
    greeting: str | None = None
    wishes: str | None = None
    role: str | None = None
    community: str | None = None
    experience: str | None = None
    topics: Sequence[str] | None = None
    offers: Sequence[str] | None = None
    seeks: Sequence[str] | None = None
    across: Kinds | None = None
    wish_roles: Sequence[str] | None = None
    meet: Sequence[str] | None = None
    avoid: Sequence[str] | None = None
    known: Sequence[str] | None = None

    def words(self) -> Iterator[tuple[WordKind, str]]:
        """Yield everything that is compared with what others say."""
        for kind, said in (
            (WordKind.ROLE, (self.role or "", *(self.wish_roles or ()))),
            (WordKind.COMMUNITY, [self.community or ""]),
            (WordKind.TOPIC, self.topics or ()),
            (WordKind.SKILL, (*(self.offers or ()), *(self.seeks or ()))),
        ):
            yield from ((kind, word) for word in said if word)

    def mentions(self) -> dict[MentionKind, Sequence[str]]:
        """Return whom they name, by kind; kinds that were not asked for are missing."""
        said = {
            MentionKind.MEET: self.meet,
            MentionKind.AVOID: self.avoid,
            MentionKind.KNOWN: self.known,
        }
        return {kind: names for kind, names in said.items() if names is not None}


def register(
    session: Session, event_id: int, said: Profile, *, consent: bool, actor: Actor, now: datetime
) -> Participant:
    """Add a participant and plan the mail with their personal link.

    `consent` is true when they agreed to the registration's words themselves. Raises
    AlreadyRegistered; somebody who left before is taken back in, but only by an organizer.
    """
    lock(session, f"registering:{event_id}")
    participant = session.scalar(
        select(Participant).where(Participant.event_id == event_id, Participant.email == said.email)
    )
    if participant is not None and (consent or participant.left_at is None):
        raise AlreadyRegistered
    mode = mode_of(session, event_id)
    if participant is None:
        participant = Participant(event_id=event_id, email=said.email, registered_at=now)
        session.add(participant)
    participant.left_at = None
    describe(participant, said, mode)
    session.flush()
    _settle_words(session, participant, said)
    if consent:
        session.add(
            Consent(
                participant_id=participant.id,
                purpose="registration",
                text_version=CONSENT_VERSION,
                given_at=now,
            )
        )
    with suppress(MailedLately):
        send_personal_link(session, participant, asked_for=consent, now=now)
    record(session, actor, "participant.registered", f"participant:{participant.id}", now=now)
    return participant


def change_participant(
    session: Session,
    participant: Participant,
    said: Profile,
    *,
    version: int,
    actor: Actor,
    now: datetime,
) -> None:
    """Change what is known of a participant; mails that wait follow them.

    Another address ends every link that the former one was sent, and gets a new one.
    Raises AlreadyRegistered for a taken address, and ChangedMeanwhile when somebody saved after
    `version` was shown.
    """
    lock(session, f"registering:{participant.event_id}")
    changed = session.scalar(
        update(Participant)
        .where(Participant.id == participant.id, Participant.version == version)
        .values(version=Participant.version + 1)
        .returning(Participant.id)
    )
    if changed is None:
        raise ChangedMeanwhile
    readdressed = participant.email != said.email
    shown = [getattr(participant, name) for name in SEEN]
    participant.email = said.email
    describe(participant, said, participant.event.mode)
    try:
        session.flush()
    except IntegrityError as error:
        raise AlreadyRegistered from error
    _settle_words(session, participant, said)
    if readdressed:
        end_links(session, participant, now=now)
        with suppress(MailedLately):
            send_personal_link(session, participant, now=now)
    readdress(session, participant.id, address=said.email, name=said.name, now=now)
    replan_follow_ups(session, participant.event, reader=participant, now=now)
    follow_reader(session, participant, now=now)
    if shown != [getattr(participant, name) for name in SEEN]:
        refresh_pages(session, participant.event_id)
    record(session, actor, "participant.changed", f"participant:{participant.id}", now=now)


def remove_participant(
    session: Session, participant: Participant, *, actor: Actor, now: datetime
) -> None:
    """Let a participant leave: their links, pages and mails end at once.

    Words that nobody else uses go with them.
    """
    lock(session, f"registering:{participant.event_id}")
    participant.left_at = now
    forget_unused_words(session, participant.event_id)
    cancel_for(session, participant.id, why="They no longer take part.", now=now)
    end_links(session, participant, now=now)
    refresh_pages(session, participant.event_id)
    wake(session, "video")
    record(session, actor, "participant.removed", f"participant:{participant.id}", now=now)


def mode_of(session: Session, event_id: int) -> EventMode:
    """Return whether anybody is there live."""
    return session.scalars(select(Event.mode).where(Event.id == event_id)).one()


def describe(participant: Participant, said: Profile, mode: EventMode) -> None:
    """Write down what somebody says; what they were not asked stays as it is.

    In an asynchronous event everybody takes part asynchronously.
    """
    for name in (
        "name",
        "zone",
        "attendance",
        "greeting",
        "wishes",
        "role",
        "community",
        "experience",
        "topics",
        "offers",
        "seeks",
        "wish_roles",
    ):
        value = getattr(said, name)
        if value is not None:
            setattr(participant, name, list(value) if name in LISTS else value)
    if said.across is not None:
        participant.across = said.across.across
    if mode is EventMode.ASYNC:
        participant.attendance = Attendance.ASYNC


def _settle_words(session: Session, participant: Participant, said: Profile) -> None:
    learn_words(session, participant.event_id, said.words())
    keep_mentions(session, participant, said.mentions())
    find_in_mentions(session, participant)
