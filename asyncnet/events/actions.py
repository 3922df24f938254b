"""Makes and changes events, their questions, and who takes part."""

import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from asyncnet.audit.actions import SYSTEM, Actor, record
from asyncnet.database import NotFound, lock, wake
from asyncnet.events.model import (
    Consent,
    Event,
    EventOrganizer,
    Import,
    Participant,
    Question,
    Round,
)
from asyncnet.events.queries import event_made_from, import_of, registered_with
from asyncnet.events.roster import Entry
from asyncnet.events.rules import (
    CONSENT_VERSION,
    FIRST_QUESTIONS,
    LINK_MAIL_AGAIN,
    LINK_MAILS,
    LINK_MAILS_WITHIN,
    MAX_QUESTIONS,
    Attendance,
    QuestionKind,
    due_at,
    slots,
)
from asyncnet.messages.model import Message
from asyncnet.messages.queue import (
    WAITING,
    Planned,
    cancel_for,
    plan_all,
    readdress,
    replan,
)
from asyncnet.messages.rules import MessageKind, MessageState
from asyncnet.people.model import BrowserSession
from asyncnet.zones import zone_named


class AlreadyRegistered(Exception):
    """Somebody with this address takes part in the event already."""


class MailedLately(Exception):
    """The personal link was mailed a moment ago, or often within a few hours."""


class ChangedMeanwhile(Exception):
    """Somebody else saved this row after the page was opened."""


class RoundsTaken(Exception):
    """The change would touch rounds in which people meet or have met; the message says how."""


class TooMany(Exception):
    """The event has reached the limit; the message says which."""


class ImportGone(Exception):
    """The list was added already."""


@dataclass(frozen=True)
class EventPlan:
    """What an organizer says of an event; `starts_at` in UTC, the hours on readers' clocks."""

    title: str
    purpose: str
    zone: str
    starts_at: datetime
    rounds: int
    length: timedelta
    pause: timedelta
    send_hour: str
    retention_days: int


@dataclass(frozen=True)
class Profile:
    """What a participant says of themselves; `email` is a normal address."""

    name: str
    email: str
    zone: str
    attendance: Attendance
    greeting: str = ""
    wishes: str = ""


def make_event(
    session: Session, person_id: int, said: EventPlan, *, form_key: str, actor: Actor, now: datetime
) -> Event:
    """Add an event with its rounds and a first match form; the person becomes its organizer.

    However often one rendered form is sent in, it makes one event (CHECKLIST F8).
    """
    lock(session, f"event-form:{form_key}")
    with suppress(NotFound):
        return event_made_from(session, person_id, form_key)
    times = list(slots(said.starts_at, rounds=said.rounds, length=said.length, pause=said.pause))
    event = Event(
        title=said.title,
        purpose=said.purpose,
        zone=said.zone,
        starts_at=said.starts_at,
        ends_at=times[-1].ends_at,
        send_hour=said.send_hour,
        retention_days=said.retention_days,
        registration_key=secrets.token_urlsafe(16),
        form_key=form_key,
        created_at=now,
        rounds=[Round(number=t.number, starts_at=t.starts_at, ends_at=t.ends_at) for t in times],
        questions=[
            Question(
                position=position, kind=q.kind, label=q.label, help=q.help, required=q.required
            )
            for position, q in enumerate(FIRST_QUESTIONS, start=1)
        ],
    )
    session.add(event)
    session.flush()
    session.add(EventOrganizer(event_id=event.id, person_id=person_id))
    record(session, actor, "event.made", f"event:{event.id}", now=now)
    return event


def change_event(
    session: Session, event: Event, said: EventPlan, *, version: int, actor: Actor, now: datetime
) -> None:
    """Change an event and move its rounds. Rounds are added or taken from the end.

    Follow-ups that wait keep their day and follow the hour. Raises ChangedMeanwhile when
    somebody saved after `version` was shown, and RoundsTaken when a round with matches would
    go, or the rounds would move after somebody has answered.
    """
    times = list(slots(said.starts_at, rounds=said.rounds, length=said.length, pause=said.pause))
    changed = session.scalar(
        update(Event)
        .where(Event.id == event.id, Event.version == version)
        .values(
            title=said.title,
            purpose=said.purpose,
            zone=said.zone,
            starts_at=said.starts_at,
            ends_at=times[-1].ends_at,
            send_hour=said.send_hour,
            retention_days=said.retention_days,
            version=Event.version + 1,
        )
        .returning(Event.id)
    )
    if changed is None:
        raise ChangedMeanwhile
    moved = [(slot.starts_at, slot.ends_at) for slot in event.rounds] != [
        (slot.starts_at, slot.ends_at) for slot in times
    ]
    if moved and _has_follow_ups(session, event.id):
        raise RoundsTaken(
            "Somebody has answered already, so the rounds can no longer be moved. Everything "
            "else can be changed."
        )
    for slot in times[: len(event.rounds)]:
        event.rounds[slot.number - 1].starts_at = slot.starts_at
        event.rounds[slot.number - 1].ends_at = slot.ends_at
    for slot in times[len(event.rounds) :]:
        event.rounds.append(
            Round(number=slot.number, starts_at=slot.starts_at, ends_at=slot.ends_at)
        )
    del event.rounds[len(times) :]
    try:
        session.flush()
    except IntegrityError as error:
        raise RoundsTaken(
            f"People meet after round {len(times)}. Take those matches out of the plan first."
        ) from error
    _replan_follow_ups(session, event, now=now)
    record(session, actor, "event.changed", f"event:{event.id}", now=now)


def add_question(
    session: Session,
    event_id: int,
    *,
    kind: QuestionKind,
    label: str,
    help_text: str,
    required: bool,
    choices: Sequence[str],
    actor: Actor,
    now: datetime,
) -> Question:
    """Put a question at the end of the match form. Raises TooMany."""
    lock(session, f"questions:{event_id}")
    last, count = session.execute(
        select(func.max(Question.position), func.count()).where(Question.event_id == event_id)
    ).one()
    if count >= MAX_QUESTIONS:
        raise TooMany(f"A match form has at most {MAX_QUESTIONS} questions.")
    question = Question(
        event_id=event_id,
        position=(last or 0) + 1,
        kind=kind,
        label=label,
        help=help_text,
        required=required,
        choices=list(choices),
    )
    session.add(question)
    session.flush()
    record(session, actor, "question.added", f"question:{question.id}", now=now)
    return question


def remove_question(session: Session, question: Question, *, actor: Actor, now: datetime) -> None:
    """Take a question off the form; answers already given keep its words."""
    record(session, actor, "question.removed", f"question:{question.id}", now=now)
    session.delete(question)


def move_question(
    session: Session, question: Question, *, up: bool, actor: Actor, now: datetime
) -> None:
    """Swap a question with its neighbour above or below; at the end nothing changes."""
    lock(session, f"questions:{question.event_id}")
    session.refresh(question)
    beside = Question.position < question.position if up else Question.position > question.position
    order = Question.position.desc() if up else Question.position
    neighbour = session.scalar(
        select(Question).where(Question.event_id == question.event_id, beside).order_by(order)
    )
    if neighbour is not None:
        place, question.position = question.position, -question.id
        session.flush()
        neighbour.position, other = place, neighbour.position
        session.flush()
        question.position = other
    record(session, actor, "question.moved", f"question:{question.id}", now=now)


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
    if participant is None:
        participant = Participant(event_id=event_id, email=said.email, registered_at=now)
        session.add(participant)
    participant.left_at = None
    _describe(participant, said)
    session.flush()
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
        send_personal_link(session, participant, now=now)
    record(session, actor, "participant.registered", f"participant:{participant.id}", now=now)
    return participant


def change_participant(
    session: Session, participant: Participant, said: Profile, *, actor: Actor, now: datetime
) -> None:
    """Change what is known of a participant; mails that wait follow them.

    Another address ends every link that the former one was sent, and gets a new one.
    Raises AlreadyRegistered for a taken address.
    """
    readdressed = participant.email != said.email
    participant.email = said.email
    _describe(participant, said)
    try:
        session.flush()
    except IntegrityError as error:
        raise AlreadyRegistered from error
    if readdressed:
        _end_links(session, participant, now=now)
        with suppress(MailedLately):
            send_personal_link(session, participant, now=now)
    readdress(session, participant.id, address=said.email, name=said.name, now=now)
    _replan_follow_ups(session, participant.event, reader=participant, now=now)
    record(session, actor, "participant.changed", f"participant:{participant.id}", now=now)


def remove_participant(
    session: Session, participant: Participant, *, actor: Actor, now: datetime
) -> None:
    """Let a participant leave: their links, pages and mails end at once."""
    participant.left_at = now
    cancel_for(session, participant.id, why="They no longer take part.", now=now)
    _end_links(session, participant, now=now)
    wake(session, "video")
    record(session, actor, "participant.removed", f"participant:{participant.id}", now=now)


def withdraw_links(
    session: Session, participant: Participant, *, actor: Actor, now: datetime
) -> None:
    """End every personal link handed out so far, and every page opened with one."""
    _end_links(session, participant, now=now)
    record(session, actor, "personal_link.withdrawn", f"participant:{participant.id}", now=now)


def send_personal_link(session: Session, participant: Participant, *, now: datetime) -> None:
    """Plan a mail with the personal link. Raises MailedLately for a double click, or too many."""
    lock(session, f"personal-link:{participant.id}")
    recent = session.scalars(
        select(Message.created_at).where(
            Message.participant_id == participant.id,
            Message.kind == MessageKind.PERSONAL_LINK,
            Message.state != MessageState.CANCELLED,
            Message.created_at > now - LINK_MAILS_WITHIN,
        )
    ).all()
    if len(recent) >= LINK_MAILS or any(at > now - LINK_MAIL_AGAIN for at in recent):
        raise MailedLately
    plan_all(session, [_link_mail(participant, now)], now=now)


def _link_mail(participant: Participant, now: datetime) -> Planned:
    return Planned(
        key=f"personal-link:{participant.id}:{participant.link_version}:{now:%Y%m%d%H%M%S}",
        kind=MessageKind.PERSONAL_LINK,
        subject_id=participant.id,
        event_id=participant.event_id,
        participant_id=participant.id,
        to_address=participant.email,
        to_name=participant.name,
        zone=participant.zone,
        due_at=now,
    )


def forget_people(session: Session, *, now: datetime) -> int:
    """Remove everybody of the events whose promised day has come; return how many people.

    With them go their consents, intros, matches, answers, mails and open pages; the files of
    their intros are orphans from then on, which the storage sweep removes. The event stays,
    and so does the audit log, which knows ids only (CHECKLIST D5).
    """
    due = [
        event.id
        for event in session.scalars(select(Event).where(Event.ends_at <= now))
        if event.removed_at <= now
    ]
    forgotten = session.scalars(
        delete(Participant).where(Participant.event_id.in_(due)).returning(Participant.event_id)
    ).all()
    session.execute(delete(Import).where(Import.event_id.in_(due)))
    for event_id in sorted(set(forgotten)):
        record(
            session,
            SYSTEM,
            "people.forgotten",
            f"event:{event_id}",
            now=now,
            detail=f"{forgotten.count(event_id)} people",
        )
    return len(forgotten)


def mail_link_again(
    session: Session, participant: Participant, *, actor: Actor, now: datetime
) -> None:
    """Plan one more mail with the personal link. Raises MailedLately."""
    send_personal_link(session, participant, now=now)
    record(session, actor, "personal_link.mailed", f"participant:{participant.id}", now=now)


def mail_links(session: Session, email: str, *, actor: Actor, now: datetime) -> None:
    """Plan mails with new personal links for every registration of an address, if any."""
    for participant in registered_with(session, email):
        with suppress(MailedLately):
            send_personal_link(session, participant, now=now)
    record(session, actor, "personal_link.asked", "participant:0", now=now)


def remind(session: Session, event_id: int, email: str, *, actor: Actor, now: datetime) -> None:
    """Plan a mail with the link for somebody who registers for this event once more.

    Somebody whom the organizers took out gets none, and is not told so.
    """
    participant = session.scalars(
        select(Participant).where(Participant.event_id == event_id, Participant.email == email)
    ).one()
    if participant.left_at is None:
        with suppress(MailedLately):
            send_personal_link(session, participant, now=now)
    record(session, actor, "personal_link.asked", f"participant:{participant.id}", now=now)


def keep_import(
    session: Session,
    event_id: int,
    person_id: int,
    entries: Sequence[Entry],
    *,
    actor: Actor,
    now: datetime,
) -> Import:
    """Keep a checked list until the organizer agrees to it; it replaces an older one."""
    session.execute(delete(Import).where(Import.event_id == event_id, Import.applied_at.is_(None)))
    kept = Import(
        event_id=event_id,
        person_id=person_id,
        created_at=now,
        rows=[entry.as_row() for entry in entries],
    )
    session.add(kept)
    session.flush()
    record(session, actor, "import.checked", f"event:{event_id}", now=now)
    return kept


def apply_import(
    session: Session, event_id: int, import_id: int, *, actor: Actor, now: datetime
) -> int:
    """Add everybody on a kept list, or nobody; return how many were added.

    Whoever registered meanwhile is left as they are; whoever left is taken back in. Raises
    NotFound, and ImportGone when it was added before.
    """
    rows = session.scalar(
        update(Import)
        .where(Import.id == import_id, Import.event_id == event_id, Import.applied_at.is_(None))
        .values(applied_at=now)
        .returning(Import.rows)
    )
    if rows is None:
        import_of(session, event_id, import_id)
        raise ImportGone
    lock(session, f"registering:{event_id}")
    known = {
        participant.email: participant
        for participant in session.scalars(
            select(Participant).where(Participant.event_id == event_id)
        )
    }
    added = []
    for row in rows:
        said = Profile(**(row | {"attendance": Attendance(row["attendance"])}))
        participant = known.get(said.email)
        if participant is None:
            participant = Participant(event_id=event_id, email=said.email, registered_at=now)
        elif participant.left_at is None:
            continue
        participant.left_at = None
        _describe(participant, said)
        added.append(participant)
    session.add_all(added)
    session.flush()
    plan_all(session, [_link_mail(participant, now) for participant in added], now=now)
    record(
        session,
        actor,
        "participants.imported",
        f"event:{event_id}",
        now=now,
        detail=f"{len(added)} people",
    )
    session.execute(update(Import).where(Import.id == import_id).values(rows=[]))
    return len(added)


def _replan_follow_ups(
    session: Session, event: Event, *, reader: Participant | None = None, now: datetime
) -> None:
    """Give follow-ups that wait the moment that the rule says now, of one reader or of all."""
    waiting = select(Message).where(
        Message.event_id == event.id,
        Message.kind == MessageKind.FOLLOW_UP,
        Message.state.in_(WAITING),
    )
    if reader is not None:
        waiting = waiting.where(Message.participant_id == reader.id)
    hour = time.fromisoformat(event.send_hour)
    for message in session.scalars(waiting.order_by(Message.id)).all():
        zone = reader.zone if reader else message.zone
        due = due_at(message.created_at, event.ends_at, zone_named(zone), hour)
        if (due, zone) != (message.due_at, message.zone):
            replan(
                session,
                message.id,
                due_at=due,
                zone=zone,
                note="Another day or zone.",
                now=now,
            )


def _has_follow_ups(session: Session, event_id: int) -> bool:
    return bool(
        session.scalar(
            select(
                select(Message.id)
                .where(Message.event_id == event_id, Message.kind == MessageKind.FOLLOW_UP)
                .exists()
            )
        )
    )


def _end_links(session: Session, participant: Participant, *, now: datetime) -> None:
    participant.link_version += 1
    session.execute(
        update(BrowserSession)
        .where(BrowserSession.participant_id == participant.id, BrowserSession.ended_at.is_(None))
        .values(ended_at=now)
    )


def _describe(participant: Participant, said: Profile) -> None:
    participant.name = said.name
    participant.zone = said.zone
    participant.attendance = said.attendance
    participant.greeting = said.greeting
    participant.wishes = said.wishes
