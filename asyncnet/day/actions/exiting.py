"""Lets people leave gracefully: says it to whom it concerns, and repairs what is still to come."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from asyncnet.audit.actions import Actor, record
from asyncnet.database import lock
from asyncnet.day.model import Exit, ExitKind
from asyncnet.day.queries import answered_in, group_of, open_exits
from asyncnet.events.actions.refreshing import refresh_pages_of
from asyncnet.events.model import Participant
from asyncnet.events.queries import slot_for
from asyncnet.matches.actions import keep_apart, let_meet, restore_matches, withdraw_coming
from asyncnet.matches.announcing import announce
from asyncnet.matches.bench.actions.publishing import take_out
from asyncnet.matches.closing import part
from asyncnet.matches.model import Match
from asyncnet.matches.queries import published_for


def say_exit(
    session: Session,
    participant: Participant,
    kind: ExitKind,
    *,
    match: Match | None,
    words: str,
    actor: Actor,
    now: datetime,
) -> Exit:
    """Keep that somebody cannot go on as planned; said twice, it is kept once (CHECKLIST F8).

    Other words are added to those that were said, and ask for an organizer's eye again.

    Who leaves is taken out of the conversations that have not begun, meets nobody new, and keeps
    the intros they may still watch in their own time. Two people of whom one is uneasy do not
    meet again, nor sit in one closing group. Where they have not met yet, they do not: the other
    one is told of a change as of any other, and nothing else tells them who wanted it.
    """
    lock(session, f"exit:{participant.id}")
    match_id = match.id if match else None
    for said in open_exits(session, participant.event_id):
        if (said.participant_id, said.kind, said.match_id) == (participant.id, kind, match_id):
            _say_more(session, said, words, actor=actor, now=now)
            return said
    said = Exit(
        event_id=participant.event_id,
        participant_id=participant.id,
        match_id=match_id,
        kind=kind,
        words=words,
        withdrawn=[],
        said_at=now,
    )
    session.add(said)
    concerned = [participant.id]
    if kind is ExitKind.LEAVING:
        concerned += _around(session, participant.id)
        participant.away_from_at = now
        gone = withdraw_coming(session, participant.id, now=now)
        said.withdrawn = [match.id for match in gone]
        session.flush()
        _tell_early(session, participant, gone, cause=f"exit:{said.id}", now=now)
    if match is not None and kind is ExitKind.UNEASY:
        keep_apart(session, match.event_id, _two(match), uneasy_id=participant.id, now=now)
        part(session, match.event_id, now=now)
        if is_coming(session, match, now=now):
            gone = take_out(session, match.first.event, match, participant, now=now)
            said.withdrawn = [each.id for each in gone]
    elif match is not None:
        concerned.append(match.other(participant.id).id)
    refresh_pages_of(session, concerned)
    session.flush()
    record(session, actor, f"exit.{kind}", f"exit:{said.id}", now=now)
    return said


def undo_exit(session: Session, said: Exit, *, actor: Actor, now: datetime) -> int:
    """Take back what somebody said; return how many of their matches could not be put back.

    A match of who had to leave comes back unless its round has begun, or by now one of the two has
    left, is in another one, or is kept apart from the other. What was changed for somebody who was
    uneasy stays changed: a match that came back would tell the other one what it was about.
    """
    if said.undone_at is not None:
        return 0
    said.undone_at = now
    concerned = [said.participant_id]
    lost = 0
    if said.kind is ExitKind.LEAVING:
        said.participant.away_from_at = None
        restored = restore_matches(session, said.withdrawn, now=now)
        session.flush()
        _tell_early(session, said.participant, restored, cause=f"exit-undone:{said.id}", now=now)
        lost = len(said.withdrawn) - len(restored)
        concerned += _around(session, said.participant_id)
    if said.match is not None and said.kind is ExitKind.UNEASY:
        let_meet(session, _two(said.match), uneasy_id=said.participant_id)
    elif said.match is not None:
        concerned.append(said.match.other(said.participant_id).id)
    refresh_pages_of(session, concerned)
    record(session, actor, "exit.undone", f"exit:{said.id}", now=now)
    return lost


def is_coming(session: Session, match: Match, *, now: datetime) -> bool:
    """Return whether nothing has come of a match: neither of the two has begun it, nor written."""
    paused_at = match.first.event.paused_at
    moment = min(now, paused_at) if paused_at else now
    begun = any(
        slot_for(person, match.round).starts_at <= moment for person in (match.first, match.second)
    )
    return not begun and not answered_in(session, [match.id])


def settle_exit(session: Session, said: Exit, *, actor: Actor, now: datetime) -> None:
    """Keep that an organizer has taken care of it."""
    said.seen_at = said.seen_at or now
    record(session, actor, "exit.settled", f"exit:{said.id}", now=now)


def _say_more(session: Session, said: Exit, words: str, *, actor: Actor, now: datetime) -> None:
    if not words or f"\n{words}\n" in f"\n{said.words}\n":
        return
    said.words = f"{said.words}\n{words}" if said.words else words
    said.seen_at = None
    refresh_pages_of(session, [said.participant_id])
    session.flush()
    record(session, actor, f"exit.{said.kind}", f"exit:{said.id}", now=now)


def _tell_early(
    session: Session,
    participant: Participant,
    matches: Sequence[Match],
    *,
    cause: str,
    now: datetime,
) -> None:
    """Mail whose rounds have changed while there is time; during the event their page says it."""
    event = participant.event
    if now < event.starts_at:
        others = [match.other(participant.id) for match in matches]
        announce(session, event, others, cause=cause, now=now)


def _around(session: Session, participant_id: int) -> list[int]:
    """Return the ids of everybody whose page shows this participant."""
    group = group_of(session, participant_id)
    members = [member.id for member in group.members] if group else []
    return members + [
        match.other(participant_id).id for match in published_for(session, participant_id)
    ]


def _two(match: Match) -> tuple[int, int]:
    return match.first_id, match.second_id
