"""Nudges silent people once, then gives whoever waited for them another partner."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from asyncnet.audit.actions import SYSTEM, record
from asyncnet.events.actions.refreshing import refresh_pages_of
from asyncnet.events.clock import takes_place
from asyncnet.events.model import Event, Participant, Round
from asyncnet.events.rules import Attendance, window_of
from asyncnet.followups.model import StandIn
from asyncnet.followups.windows.queries import (
    Viewing,
    last_round,
    replaced_in,
    running,
    viewings_in,
    waiting_for,
)
from asyncnet.followups.windows.rules import given_up_at, has_time, nudge_at
from asyncnet.intros.queries import ready_among
from asyncnet.matches.bench.worth import Worth
from asyncnet.matches.instance import instance_of, reasons_of
from asyncnet.matches.model import Match, MatchState
from asyncnet.messages.queue import Planned, plan
from asyncnet.messages.rules import MessageKind, next_daylight
from asyncnet.zones import zone_named


def mind_windows(session: Session, *, now: datetime) -> int:
    """Nudge who is silent, and stand in for who stayed silent; return for how many.

    However often and in however many workers this runs, nobody is nudged twice about a window,
    and nobody is replaced twice.
    """
    count = 0
    for event in running(session, now):
        session.execute(select(Event.id).where(Event.id == event.id).with_for_update())
        viewings = viewings_in(session, event.id)
        plan_nudges(session, viewings, now=now)
        count += stand_in(session, event, viewings, now=now)
    return count


def plan_nudges(session: Session, viewings: Sequence[Viewing], *, now: datetime) -> None:
    """Plan one mail to everybody who has not answered late in a window that is still open.

    Whoever waits for an intro themselves is asked once it is there.
    """
    mails = {}
    for viewing in viewings:
        zone = zone_named(viewing.viewer.zone)
        due_at = next_daylight(zone, now)
        late = nudge_at(viewing.window, zone) <= now
        silent = not viewing.answered and not viewing.hushed
        if late and silent and viewing.is_ready and due_at < viewing.window.ends_at:
            mail = nudge_to(viewing, due_at=due_at)
            mails[mail.key] = mail
    plan(session, list(mails.values()), now=now)


def nudge_to(viewing: Viewing, *, due_at: datetime) -> Planned:
    """Return the one mail about a window that asks its viewer to watch and to answer.

    Nobody waits for the words of an asynchronous person after their window.
    """
    viewer, round_id = viewing.viewer, viewing.match.round_id
    in_a_window = viewer.attendance is Attendance.ASYNC
    return Planned.to(
        viewer,
        MessageKind.VIEWING_NUDGE,
        key=nudge_key(viewer.id, round_id),
        subject_id=round_id,
        due_at=due_at,
        expires_at=viewing.window.ends_at if in_a_window else None,
    )


def nudge_key(viewer_id: int, round_id: int) -> str:
    return f"{MessageKind.VIEWING_NUDGE}:{viewer_id}:{round_id}"


def stand_in(session: Session, event: Event, viewings: Sequence[Viewing], *, now: datetime) -> int:
    """Give everybody who answered somebody silent another partner in the next window.

    In the last window nobody waits for its end: who is silent when a few hours of it are left
    is given up, and another partner stands in who has time in these hours. Their own words stay
    and are mailed. Whoever is silent themselves gets nobody. The partner is the one with the
    fewest matches in that window, of those the one whom both gain most by; nobody who was
    silent, and nobody who may not meet them. Return how many there were.
    """
    last = last_round(event)
    silent = [v for v in viewings if not v.answered and _silent_since(v, last) <= now]
    done = replaced_in(session, event.id)
    slot = min(
        (one for one in event.rounds if one.starts_at > now and takes_place(one.slot)),
        key=lambda one: one.starts_at,
        default=last,
    )
    waiting = [
        viewing
        for viewing in waiting_for(viewings, silent)
        if viewing.match.id not in done and _can_watch(viewing.other, slot, now)
    ]
    if not waiting:
        return 0
    worth = Worth(instance_of(session, event))
    load = Counter(v.viewer.id for v in viewings if v.match.round_id == slot.id)
    shy = {viewing.viewer.id for viewing in silent}
    there = ready_among(
        session,
        [i for i, who in worth.people.items() if i not in shy and _can_watch(who, slot, now)],
    )
    return sum(
        _stand_in_for(session, event, slot, viewing, worth, sorted(there), load, now=now)
        for viewing in waiting
    )


def _silent_since(viewing: Viewing, last: Round) -> datetime:
    """Return from when on somebody counts as silent who has not written."""
    if viewing.match.round_id == last.id:
        return given_up_at(viewing.window, zone_named(viewing.viewer.zone))
    return viewing.window.ends_at


def _can_watch(person: Participant, slot: Round, now: datetime) -> bool:
    zone = zone_named(person.zone)
    return has_time(window_of(slot.slot, zone), zone, now)


def _stand_in_for(
    session: Session,
    event: Event,
    slot: Round,
    viewing: Viewing,
    worth: Worth,
    there: Sequence[int],
    load: Counter[int],
    *,
    now: datetime,
) -> bool:
    """Return whether somebody was found for the one who waited."""
    one = viewing.other
    met = _met_by(session, one.id)
    free = [i for i in there if i != one.id and i not in met and not worth.refusal(one.id, i)]
    if not free:
        return False
    best = min(free, key=lambda i: (load[i], -worth.gain(one.id, i) - worth.gain(i, one.id), i))
    first, second = sorted((one, worth.people[best]), key=lambda person: person.id)
    match = Match(
        event_id=event.id,
        round_id=slot.id,
        first_id=first.id,
        second_id=second.id,
        state=MatchState.PUBLISHED,
        created_at=now,
    )
    match.first_reasons, match.second_reasons = reasons_of(worth.instance, first, second)
    session.add(match)
    session.flush()
    session.add(StandIn(match_id=viewing.match.id, new_match_id=match.id, made_at=now))
    load.update((one.id, best))
    mails = [
        Planned.to(
            person,
            MessageKind.STAND_IN,
            key=f"{MessageKind.STAND_IN}:{match.id}:{person.id}",
            subject_id=match.id,
            due_at=next_daylight(zone_named(person.zone), now),
            expires_at=window_of(slot.slot, zone_named(person.zone)).ends_at,
        )
        for person in (first, second)
    ]
    plan(session, mails, now=now)
    refresh_pages_of(session, (first.id, second.id))
    record(session, SYSTEM, "match.stood_in", f"match:{match.id}", now=now)
    return True


def _met_by(session: Session, participant_id: int) -> set[int]:
    """Return with whom somebody has or had a match, even one that was taken out."""
    rows = session.execute(
        select(Match.first_id, Match.second_id).where(
            or_(Match.first_id == participant_id, Match.second_id == participant_id)
        )
    )
    return {number for row in rows for number in row} - {participant_id}
