"""Reads intros: a participant's own, what others may watch, what storage must keep."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from asyncnet.database import there
from asyncnet.events.model import Consent, Participant
from asyncnet.intros.model import ENDED, Intro, IntroState, Photo

CONSENT_PURPOSE = "intro"


def intro_of(session: Session, participant_id: int, intro_id: int) -> Intro:
    """Return one intro of this participant. Raises NotFound."""
    return there(
        session.scalar(
            select(Intro).where(Intro.id == intro_id, Intro.participant_id == participant_id)
        )
    )


def newest_of(session: Session, participant_id: int) -> Intro | None:
    """Return the intro that a participant last began, if they ever did."""
    return session.scalar(
        select(Intro)
        .where(Intro.participant_id == participant_id, Intro.state != IntroState.REPLACED)
        .order_by(Intro.id.desc())
        .limit(1)
    )


def ready_of(session: Session, participant_id: int) -> Intro | None:
    """Return the intro that others may watch, if there is one."""
    return session.scalar(
        select(Intro)
        .where(Intro.participant_id == participant_id, Intro.state == IntroState.READY)
        .order_by(Intro.id.desc())
        .limit(1)
    )


def ready_among(session: Session, participant_ids: Collection[int]) -> set[int]:
    """Return which of these participants have an intro that can be watched."""
    return set(
        session.scalars(
            select(Intro.participant_id).where(
                Intro.participant_id.in_(participant_ids), Intro.state == IntroState.READY
            )
        )
    )


def newest_in(session: Session, event_id: int) -> dict[int, Intro]:
    """Return the newest intro of each participant of an event who began one, by their id."""
    found = session.scalars(
        select(Intro)
        .join(Participant)
        .where(Participant.event_id == event_id, Intro.state != IntroState.REPLACED)
        .order_by(Intro.id)
    )
    return {intro.participant_id: intro for intro in found}


def states_in(session: Session, event_id: int) -> dict[int, IntroState]:
    """Return where the intro of each participant of an event stands, by participant id.

    Who has a ready one counts as ready, whatever they uploaded since; who never began is not
    in it.
    """
    rows = session.execute(
        select(Intro.participant_id, Intro.state)
        .join(Participant)
        .where(Participant.event_id == event_id, Intro.state != IntroState.REPLACED)
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
    rows = session.execute(
        select(Photo.participant_id, Photo.key).where(Photo.participant_id.in_(participant_ids))
    )
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
