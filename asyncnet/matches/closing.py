"""Moves people between closing groups that everybody sees already."""

from collections.abc import Collection, Sequence, Set
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from asyncnet.audit.actions import Actor, record
from asyncnet.events.actions.refreshing import refresh_pages_of
from asyncnet.events.model import Event, Participant
from asyncnet.matches.model import Forbid, Group
from asyncnet.matches.queries import groups_of, kept_apart_in
from asyncnet.matches.seating import place_in


class CannotMove(Exception):
    """Somebody cannot sit in this closing group; the message says why."""


def move(
    session: Session,
    event_id: int,
    participant: Participant,
    number: int,
    *,
    unsaid: Set[int] = frozenset(),
    actor: Actor,
    now: datetime,
) -> None:
    """Let somebody sit in the closing group of this number, and in no other.

    Raises CannotMove for a group that is not there, or that holds somebody who is kept apart
    from them; that one of the `unsaid` is, its message does not tell.
    """
    groups = _published(session, event_id)
    wanted = next((group for group in groups if group.number == number), None)
    if wanted is None:
        raise CannotMove(f"There is no group {number} any more.")
    if participant.left_at is not None:
        raise CannotMove(f"{participant.name} no longer takes part.")
    apart = kept_apart_in(session, event_id)[participant.id]
    kept_apart = apart.intersection(member.id for member in wanted.members)
    if not unsaid.isdisjoint({*kept_apart, participant.id} if kept_apart else ()):
        raise CannotMove(
            f"{participant.name} cannot sit in group {number}; another organizer can see why. "
            "Choose another one."
        )
    if kept_apart:
        raise CannotMove(
            f"Somebody in group {number} and {participant.name} are kept apart. Choose another one."
        )
    concerned = _seat(groups, participant, wanted)
    session.flush()
    refresh_pages_of(session, concerned)
    record(
        session, actor, "group.moved", f"participant:{participant.id}", now=now,
        detail=f"group {number}",
    )  # fmt: skip


def part(session: Session, event_id: int, *, now: datetime) -> None:
    """Take everybody out of a closing group with somebody who makes them uncomfortable.

    They join another one as `place_in` says; where no group may hold them they sit in none, until
    an organizer finds them one. The page of the other person looks anew where it shows the group
    already, as after any move, and otherwise does not. Whoever calls it records why.
    """
    shown = session.get_one(Event, event_id).rounds[-1].ends_at <= now
    groups = _published(session, event_id)
    apart = kept_apart_in(session, event_id)
    uneasy = select(Forbid).where(Forbid.event_id == event_id, Forbid.uneasy_id.is_not(None))
    for forbid in session.scalars(uneasy.order_by(Forbid.id)).all():
        other_id = forbid.first_id + forbid.second_id - (forbid.uneasy_id or 0)
        together = _with(groups, {forbid.uneasy_id, other_id})
        if together is None:
            continue
        mover = next(one for one in together.members if one.id == forbid.uneasy_id)
        others = [group for group in groups if group is not together]
        seated = [{member.id for member in group.members} for group in others]
        place = place_in(seated, apart[mover.id])
        concerned = _seat(groups, mover, None if place is None else others[place])
        session.flush()
        refresh_pages_of(session, concerned if shown else concerned - {other_id})


def _seat(groups: Collection[Group], who: Participant, wanted: Group | None) -> set[int]:
    """Let somebody sit in one group or none; return whose page shows that."""
    concerned = {who.id}
    for group in groups:
        if who in group.members and group is not wanted:
            group.members.remove(who)
            concerned.update(member.id for member in group.members)
    if wanted is not None and who not in wanted.members:
        wanted.members.append(who)
    if wanted is not None:
        concerned.update(member.id for member in wanted.members)
    return concerned


def _published(session: Session, event_id: int) -> Sequence[Group]:
    """Return the groups that people see, while nobody else changes them."""
    session.execute(select(Event.id).where(Event.id == event_id).with_for_update())
    return groups_of(session, event_id)


def _with(groups: Collection[Group], who: set[int | None]) -> Group | None:
    return next((g for g in groups if who <= {member.id for member in g.members}), None)
