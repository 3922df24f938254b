"""Reads intros: a participant's own, what others may watch, what storage must keep."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    bindparam,
    case,
    exists,
    func,
    or_,
    select,
    tuple_,
)
from sqlalchemy.orm import Session, aliased, defer

from asyncnet.database import there
from asyncnet.events.model import Consent, Participant
from asyncnet.events.rules import Attendance
from asyncnet.intros.model import ENDED, PROPER, Captions, CaptionsState, Intro, IntroState, Photo
from asyncnet.messages.model import Message
from asyncnet.messages.rules import MessageKind

PAGE = 50
CONSENT_PURPOSE = "intro"
_PHOTOS = select(Photo.participant_id, Photo.key).where(
    Photo.participant_id.in_(bindparam("participant_ids", expanding=True))
)


def intro_of(
    session: Session, participant_id: int, intro_id: int, *, match_id: int | None = None
) -> Intro:
    """Return one intro of this participant, or a reply they recorded. Raises NotFound."""
    return there(
        session.scalar(
            select(Intro).where(
                Intro.id == intro_id,
                Intro.participant_id == participant_id,
                Intro.match_id == match_id,
            )
        )
    )


def newest_of(session: Session, participant_id: int) -> Intro | None:
    """Return the intro that a participant last began, if they ever did."""
    return session.scalar(
        select(Intro)
        .where(Intro.participant_id == participant_id, PROPER, Intro.state != IntroState.REPLACED)
        .order_by(Intro.id.desc())
        .limit(1)
    )


def ready_of(session: Session, participant_id: int) -> Intro | None:
    """Return the intro that others may watch, if there is one."""
    return session.scalar(
        select(Intro)
        .where(Intro.participant_id == participant_id, PROPER, Intro.state == IntroState.READY)
        .order_by(Intro.id.desc())
        .limit(1)
    )


def took_back(participant_id: Any) -> ColumnElement[bool]:
    """Return the condition that a participant withdrew their intro and has begun none since."""
    begun = aliased(Intro)
    theirs = select(begun.id).where(
        begun.participant_id == participant_id, begun.match_id.is_(None)
    )
    others = theirs.where(begun.state.not_in((IntroState.WITHDRAWN, IntroState.REPLACED)))
    return and_(theirs.where(begun.state == IntroState.WITHDRAWN).exists(), ~others.exists())


def ready_among(session: Session, participant_ids: Collection[int]) -> set[int]:
    """Return which of these participants have an intro that can be watched."""
    return set(
        session.scalars(
            select(Intro.participant_id).where(
                Intro.participant_id.in_(participant_ids),
                PROPER,
                Intro.state == IntroState.READY,
            )
        )
    )


@dataclass(frozen=True)
class Standing:
    """Somebody who takes part asynchronously, and the intro of theirs that counts, if any.

    That is the ready one, whatever they uploaded since, else the newest.
    """

    person: Participant
    intro: Intro | None


def read_again(session: Session, intro_ids: Collection[int]) -> None:
    """Read these intros in one query, where a rollback would have each read by itself."""
    session.scalars(select(Intro).where(Intro.id.in_(intro_ids))).all()


def captions_of(session: Session, intro_id: int) -> Captions | None:
    """Return the captions of an intro, if there are any, in whatever state."""
    return session.scalar(select(Captions).where(Captions.intro_id == intro_id))


def captions_among(session: Session, intro_ids: Collection[int]) -> dict[int, Captions]:
    """Return the captions of these intros, in whatever state, by intro id."""
    found = session.scalars(select(Captions).where(Captions.intro_id.in_(intro_ids)))
    return {captions.intro_id: captions for captions in found}


def captions_shown(session: Session, captions_id: int) -> Captions:
    """Return captions that others may read, of an intro that they may watch. Raises NotFound."""
    return there(
        session.scalar(
            select(Captions)
            .join(Captions.intro)
            .where(
                Captions.id == captions_id,
                Captions.state == CaptionsState.SHOWN,
                Intro.state == IntroState.READY,
            )
        )
    )


def standings(
    session: Session,
    event_id: int,
    *,
    state: IntroState | None = None,
    not_begun: bool = False,
    after: tuple[str, int] | None = None,
) -> tuple[Sequence[Standing], tuple[str, int] | None]:
    """Return up to PAGE asynchronous participants by name, and where the next page starts.

    With `state` only those whose intro is in it, with `not_begun` only those who have none.
    `after` is the name and id of the last one already shown.
    """
    wanted = _standing(event_id, Participant, Intro)
    if state is not None:
        wanted = wanted.where(Intro.state == state)
    if not_begun:
        wanted = wanted.where(Intro.id.is_(None))
    if after is not None:
        wanted = wanted.where(tuple_(Participant.name, Participant.id) > after)
    rows = session.execute(wanted.order_by(Participant.name, Participant.id).limit(PAGE + 1)).all()
    found = [Standing(person, intro) for person, intro in rows[:PAGE]]
    last = found[-1].person if len(rows) > PAGE else None
    return found, (last.name, last.id) if last else None


def standing_counts(session: Session, event_id: int) -> dict[IntroState | None, int]:
    """Return how many asynchronous participants stand where; None for who has not begun."""
    rows = session.execute(_standing(event_id, Intro.state, func.count()).group_by(Intro.state))
    return dict(rows.all())


def not_begun(
    session: Session,
    event_id: int,
    *,
    only: int | None = None,
    among: Collection[int] | None = None,
) -> Sequence[Participant]:
    """Return who takes part asynchronously and has never begun an intro; `only` this one, or
    `among` these."""
    wanted = select(Participant).where(
        Participant.event_id == event_id,
        Participant.attendance == Attendance.ASYNC,
        Participant.left_at.is_(None),
        ~exists().where(Intro.participant_id == Participant.id, PROPER),
    )
    if only is not None:
        wanted = wanted.where(Participant.id == only)
    if among is not None:
        wanted = wanted.where(Participant.id.in_(among))
    return session.scalars(wanted.order_by(Participant.id)).all()


def nudges_of(session: Session, participant_ids: Collection[int]) -> dict[int, Message]:
    """Return the latest reminder to each of these participants who was ever sent one, by id."""
    found = session.scalars(
        select(Message)
        .where(Message.participant_id.in_(participant_ids), Message.kind == MessageKind.INTRO_NUDGE)
        .options(defer(Message.sent_text), defer(Message.sent_html))
        .order_by(Message.due_at)
    )
    return {message.participant_id: message for message in found if message.participant_id}


def _standing(event_id: int, *columns: Any) -> Select[Any]:
    ready_or_newest = func.coalesce(
        func.max(case((Intro.state == IntroState.READY, Intro.id))), func.max(Intro.id)
    )
    counting = (
        select(Intro.participant_id, ready_or_newest.label("intro_id"))
        .join(Participant)
        .where(Participant.event_id == event_id, PROPER, Intro.state != IntroState.REPLACED)
        .group_by(Intro.participant_id)
        .subquery()
    )
    return (
        select(*columns)
        .select_from(Participant)
        .outerjoin(counting, counting.c.participant_id == Participant.id)
        .outerjoin(Intro, Intro.id == counting.c.intro_id)
        .where(
            Participant.event_id == event_id,
            Participant.attendance == Attendance.ASYNC,
            Participant.left_at.is_(None),
        )
    )


def states_in(session: Session, event_id: int) -> dict[int, IntroState]:
    """Return where the intro of each participant of an event stands, by participant id.

    Who has a ready one counts as ready, whatever they uploaded since; who never began is not
    in it.
    """
    rows = session.execute(
        select(Intro.participant_id, Intro.state)
        .join(Participant)
        .where(Participant.event_id == event_id, PROPER, Intro.state != IntroState.REPLACED)
        .order_by(Intro.id)
    )
    states: dict[int, IntroState] = {}
    for participant_id, state in rows:
        if states.get(participant_id) is not IntroState.READY:
            states[participant_id] = state
    return states


def consent_of(session: Session, participant_id: int, text_version: str) -> Consent | None:
    """Return the living consent to these words, if it was given."""
    return session.scalar(
        select(Consent)
        .where(
            Consent.participant_id == participant_id,
            Consent.purpose == CONSENT_PURPOSE,
            Consent.text_version == text_version,
            Consent.withdrawn_at.is_(None),
        )
        .limit(1)
    )


def has_begun(
    session: Session, participant_id: int, *, match_id: int | None = None, after_id: int = 0
) -> bool:
    """Return whether a participant has ever begun an intro, or one after this one.

    With a `match_id`, whether they have begun a recorded reply in that match.
    """
    return bool(
        session.scalar(
            select(
                exists().where(
                    Intro.participant_id == participant_id,
                    Intro.match_id == match_id,
                    Intro.id > after_id,
                )
            )
        )
    )


def begun_since(session: Session, participant_id: int, moment: datetime) -> int:
    """Return how many uploads a participant has begun since then."""
    return (
        session.scalar(
            select(func.count())
            .select_from(Intro)
            .where(Intro.participant_id == participant_id, Intro.created_at >= moment)
        )
        or 0
    )


def to_clear(session: Session, *, now: datetime, limit: int = 100) -> Sequence[Intro]:
    """Return settled intros that may have left something in storage, the longest waiting first."""
    return session.scalars(
        select(Intro)
        .where(Intro.wake_at <= now, Intro.state.in_((IntroState.READY, *ENDED)))
        .order_by(Intro.wake_at)
        .limit(limit)
    ).all()


def unfinished(session: Session, *, begun_before: datetime) -> Sequence[tuple[int, str]]:
    """Return id and upload key of the uploads begun before then whose end nobody told us of."""
    rows = session.execute(
        select(Intro.id, Intro.upload_key).where(
            Intro.state == IntroState.AWAITING_UPLOAD, Intro.created_at < begun_before
        )
    )
    return [(intro_id, upload_key) for intro_id, upload_key in rows]


def needed(session: Session, folders: Collection[str], upload_keys: Collection[str]) -> set[str]:
    """Return those of the given folders and upload keys that belong to a living row."""
    kept_folders = session.scalars(
        select(Intro.folder).where(Intro.folder.in_(folders), Intro.state.not_in(ENDED))
    )
    kept_uploads = session.scalars(
        select(Intro.upload_key).where(
            Intro.upload_key.in_(upload_keys),
            or_(
                Intro.state.not_in((IntroState.READY, *ENDED)),
                and_(
                    Intro.state == IntroState.REJECTED,
                    Intro.is_sound_only,
                    Intro.wake_at.is_not(None),
                ),
            ),
        )
    )
    return {folder for folder in kept_folders if folder} | set(kept_uploads)


def photos_among(session: Session, participant_ids: Collection[int]) -> dict[int, str]:
    """Return the keys of these participants' photos, by participant id; who has none is not in."""
    rows = session.execute(_PHOTOS, {"participant_ids": list(participant_ids)})
    return {row.participant_id: row.key for row in rows}


def departed_photos(session: Session, *, limit: int = 100) -> Sequence[tuple[int, str]]:
    """Return participant id and key of photos whose owners have left their event."""
    rows = session.execute(
        select(Photo.participant_id, Photo.key)
        .join(Participant)
        .where(Participant.left_at.is_not(None))
        .limit(limit)
    )
    return [(participant_id, key) for participant_id, key in rows]


def photos_needed(session: Session, keys: Collection[str]) -> set[str]:
    """Return those of the given keys that are somebody's photo."""
    return set(session.scalars(select(Photo.key).where(Photo.key.in_(keys))))
