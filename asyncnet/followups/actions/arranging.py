"""Finds a time for two people: proposed by one, chosen by the other, put off by either."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session, aliased

from asyncnet.audit.actions import Actor, record
from asyncnet.database import ChangedMeanwhile
from asyncnet.events.model import Participant
from asyncnet.followups.actions.replying import Closed
from asyncnet.followups.model import Meeting
from asyncnet.followups.queries import last_mail_at, locked_match, wants_no_more
from asyncnet.followups.rules import HEARD_BEFORE, meeting_key, next_mail_at, soonest_talk
from asyncnet.matches.model import Match, MatchState
from asyncnet.messages.model import Message
from asyncnet.messages.queue import Planned, cancel_about, cancel_key, plan
from asyncnet.messages.rules import ABOUT_MEETINGS, MessageKind
from asyncnet.zones import zone_named


class TooSoon(Exception):
    """Whoever offered this time would not hear in time that it was taken."""


def propose(
    session: Session,
    match_id: int,
    author_id: int,
    options: Sequence[datetime],
    *,
    version: int,
    actor: Actor,
    now: datetime,
) -> Meeting:
    """Offer some moments to the other one, in place of any offered before, and mail them.

    Whoever offers again and again causes a mail no more often than their words would.
    A time that was agreed on stays until another one is. `version` is the one their page
    showed, 0 for no meeting yet. Raises NotFound, Closed and ChangedMeanwhile.
    """
    match = locked_match(session, author_id, match_id)
    if wants_no_more(session, match.id):
        raise Closed
    meeting = session.scalar(_MEETING.where(Meeting.match_id == match.id))
    if version != (meeting.version if meeting else 0):
        raise ChangedMeanwhile
    if meeting is None:
        meeting = Meeting(match_id=match.id, options=[], sequence=0, version=0, cancelled=False)
        session.add(meeting)
    meeting.proposed_by_id = author_id
    meeting.options = [at.isoformat() for at in sorted(set(options))]
    _changed(session, meeting, now=now)
    _mail(session, meeting, match, match.other(author_id), rests=True, now=now)
    record(session, actor, "meeting.proposed", f"match:{match.id}", now=now)
    return meeting


def accept(
    session: Session,
    match_id: int,
    who_id: int,
    option: datetime,
    *,
    version: int,
    actor: Actor,
    now: datetime,
) -> Meeting:
    """Agree to one of the moments that the other one offered; both get it for their calendars.

    Raises NotFound, Closed, ChangedMeanwhile when it is not on offer any more, and TooSoon.
    """
    match, meeting = _offered(session, match_id, who_id, version)
    if meeting.proposed_by_id == who_id or option.isoformat() not in meeting.options:
        raise ChangedMeanwhile
    if option <= now:
        raise ChangedMeanwhile
    if option < soonest_talk(zone_named(match.other(who_id).zone), now=now):
        raise TooSoon
    if meeting.starts_at is not None:
        meeting.sequence += 1
    meeting.starts_at, meeting.cancelled, meeting.options = option, False, []
    _changed(session, meeting, now=now)
    for reader in (match.first, match.second):
        _mail(session, meeting, match, reader, now=now)
    record(session, actor, "meeting.accepted", f"match:{match.id}", now=now)
    return meeting


def decline(
    session: Session, match_id: int, who_id: int, *, version: int, actor: Actor, now: datetime
) -> None:
    """Say that none of the offered moments suits; whoever offered them is told.

    Raises NotFound, Closed and ChangedMeanwhile.
    """
    match, meeting = _offered(session, match_id, who_id, version)
    if meeting.proposed_by_id == who_id:
        raise ChangedMeanwhile
    meeting.options = []
    _changed(session, meeting, now=now)
    _mail(session, meeting, match, match.other(who_id), now=now)
    record(session, actor, "meeting.declined", f"match:{match.id}", now=now)


def withdraw(
    session: Session, match_id: int, who_id: int, *, version: int, actor: Actor, now: datetime
) -> None:
    """Take the moments back that one offered; the mail about them goes no more, if it waits.

    Raises NotFound, Closed and ChangedMeanwhile.
    """
    match, meeting = _offered(session, match_id, who_id, version)
    if meeting.proposed_by_id != who_id:
        raise ChangedMeanwhile
    key = meeting_key(meeting.id, meeting.version, match.other(who_id).id)
    cancel_key(session, key, why="The times were taken back.", now=now)
    meeting.options = []
    _changed(session, meeting, now=now)
    record(session, actor, "meeting.withdrawn", f"match:{match.id}", now=now)


def cancel(
    session: Session, match_id: int, who_id: int, *, version: int, actor: Actor, now: datetime
) -> None:
    """Call off a time that was agreed on; both calendars are told.

    Raises NotFound and ChangedMeanwhile.
    """
    match = locked_match(session, who_id, match_id)
    meeting = session.scalar(_MEETING.where(Meeting.match_id == match.id))
    if meeting is None or meeting.version != version or not meeting.is_agreed:
        raise ChangedMeanwhile
    _call_off(session, meeting, match, (match.first, match.second), now=now)
    record(session, actor, "meeting.cancelled", f"match:{match.id}", now=now)


def end_with(session: Session, match: Match, who_id: int, *, now: datetime) -> None:
    """Let go of all times of a match about which somebody wants no more mails.

    Only the other one is told, and only of a time that was agreed on and is still to come.
    """
    meeting = session.scalar(_MEETING.where(Meeting.match_id == match.id))
    if meeting is None:
        return
    if meeting.is_agreed and meeting.starts_at and meeting.starts_at > now:
        _call_off(session, meeting, match, (match.other(who_id),), now=now)
    elif meeting.options:
        meeting.options = []
        _changed(session, meeting, now=now)


def call_off_abandoned(session: Session, *, now: datetime) -> int:
    """Call off what two people had agreed on when one of them left, or their match was taken
    out; whoever is still there is told, calendar and all. Return how many talks there were."""
    first, second = aliased(Participant), aliased(Participant)
    found = session.scalars(
        select(Meeting)
        .join(Match, Match.id == Meeting.match_id)
        .join(first, first.id == Match.first_id)
        .join(second, second.id == Match.second_id)
        .where(
            Meeting.starts_at > now,
            Meeting.cancelled.is_(False),
            or_(
                Match.state != MatchState.PUBLISHED,
                first.left_at.is_not(None),
                second.left_at.is_not(None),
            ),
        )
        .order_by(Meeting.id)
        .with_for_update(of=Meeting, skip_locked=True)
    ).all()
    for meeting in found:
        match = meeting.match
        there = [person for person in (match.first, match.second) if person.left_at is None]
        _call_off(session, meeting, match, there, now=now)
    return len(found)


_MEETING = select(Meeting).with_for_update().execution_options(populate_existing=True)


def _offered(session: Session, match_id: int, who_id: int, version: int) -> tuple[Match, Meeting]:
    """Return a match and the open offer of this version.

    Raises NotFound, Closed and ChangedMeanwhile.
    """
    match = locked_match(session, who_id, match_id)
    if wants_no_more(session, match.id):
        raise Closed
    meeting = session.scalar(_MEETING.where(Meeting.match_id == match.id))
    if meeting is None or meeting.version != version or not meeting.options:
        raise ChangedMeanwhile
    return match, meeting


def _call_off(
    session: Session,
    meeting: Meeting,
    match: Match,
    readers: Sequence[Participant],
    *,
    now: datetime,
) -> None:
    meeting.cancelled, meeting.options = True, []
    meeting.sequence += 1
    _changed(session, meeting, now=now)
    for reader in readers:
        _mail(session, meeting, match, reader, now=now)


def _changed(session: Session, meeting: Meeting, *, now: datetime) -> None:
    meeting.version += 1
    meeting.changed_at = now
    session.flush()


def _mail(
    session: Session,
    meeting: Meeting,
    match: Match,
    reader: Participant,
    *,
    rests: bool = False,
    now: datetime,
) -> None:
    """Plan the mail about a meeting as it stands, for a good hour of its reader's.

    What still waits to tell them how it stood goes no more; nor does this one once the time that
    it is about has come. That a talk is off reaches them before it would have begun, at whatever
    hour. `rests`: never a short while after the last one.
    """
    over_at = max(meeting.offered, default=meeting.starts_at if meeting.is_agreed else None)
    told = and_(
        Message.participant_id == reader.id,
        Message.kind.in_(ABOUT_MEETINGS),
        Message.subject_id == meeting.id,
    )
    cancel_about(
        session,
        reader.id,
        ABOUT_MEETINGS,
        meeting.id,
        why="A newer mail tells how the times stand.",
        now=now,
    )
    due_at = next_mail_at(
        zone_named(reader.zone), last_at=last_mail_at(session, told) if rests else None, now=now
    )
    if meeting.cancelled and meeting.starts_at and due_at + HEARD_BEFORE > meeting.starts_at:
        due_at = now
    mail = Planned.to(
        reader,
        MessageKind.MEETING_OFF
        if meeting.cancelled and not meeting.options
        else MessageKind.MEETING,
        key=meeting_key(meeting.id, meeting.version, reader.id),
        subject_id=meeting.id,
        due_at=due_at,
        expires_at=over_at,
    )
    plan(session, [mail], now=now)
