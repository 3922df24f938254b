"""Publishes the plan on the bench, and tells those whom a change concerns."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from asyncnet.audit.actions import Actor, record
from asyncnet.database import ChangedMeanwhile
from asyncnet.events.actions.closing import change_closing
from asyncnet.events.actions.refreshing import refresh_pages
from asyncnet.events.model import Event, Participant
from asyncnet.matches.actions import give_rooms, seat_of
from asyncnet.matches.announcing import announce, present
from asyncnet.matches.bench import queries
from asyncnet.matches.bench.actions.asking import bench_of
from asyncnet.matches.bench.draft import Change, Draft, Meeting, Who, changes
from asyncnet.matches.bench.edits import Act, Edit
from asyncnet.matches.bench.model import Plan, PlanOrigin, PlanState
from asyncnet.matches.bench.worth import Worth
from asyncnet.matches.instance import reasons_of
from asyncnet.matches.model import Group, GroupMember, Match, MatchState
from asyncnet.matches.queries import groups_of
from asyncnet.matches.rules import PlanSettings


class CannotPublish(Exception):
    """The plan cannot take place as it is; the message says why and what to do."""


def publish_plan(
    session: Session,
    event: Event,
    plan: Plan,
    worth: Worth,
    *,
    actor: Actor,
    now: datetime,
    tell: bool = False,
) -> int:
    """Let everybody see the plan on the bench; return how many people are mailed about it.

    What people know of rounds that have begun stays as it is; while such a round lasts, those
    who are free in it may still find each other. Before an event's first publication nobody
    knows of anything, so nobody is told of a change; with `tell`, who is live and meets somebody
    in a coming round hears whom. Groups that were asked for and are not there get no time after
    the last round. Raises ChangedMeanwhile and CannotPublish.
    """
    bench = bench_of(session, event.id)
    if bench.plan_id != plan.id:
        raise ChangedMeanwhile
    draft = Draft.of_data(plan.content)
    first_open = queries.first_open_round(event, now)
    _refuse_broken(draft, worth, first_open)
    known = queries.rows_as_draft(session, event, worth)
    _write_matches(session, event, draft, worth, first_open=first_open, now=now)
    _write_groups(session, event, draft, now=now)
    session.flush()
    concerned: set[int] = set()
    if event.published_at is not None:
        told = [
            change
            for change in changes(known, draft)
            if worth.takes_part(change.person) and not 0 < change.number < first_open
        ]
        _tell(session, event, plan, told, worth, now=now)
        concerned = {change.person for change in told}
    elif tell:
        coming = {i for number, m in draft.meetings() if number >= first_open for i in m.who}
        concerned = {i for i in coming if worth.is_live(i) and worth.takes_part(i)}
        present(session, event, [worth.people[person] for person in sorted(concerned)], now=now)
    event.published_at = event.published_at or now
    asked_for_groups = plan.settings and PlanSettings.of_data(plan.settings).group_size[1]
    if asked_for_groups and not draft.groups and first_open == 1:
        change_closing(session, event, 0, seen=event.closing_minutes, now=now)
    refresh_pages(session, event.id)
    plan.published_at = now
    bench.plan_id = None
    record(
        session,
        actor,
        "plan.published",
        f"event:{event.id}",
        now=now,
        detail=f"plan {plan.id}, {len(concerned)} people told",
    )
    return len(concerned)


def take_out(
    session: Session, event: Event, match: Match, of: Participant, *, now: datetime
) -> Sequence[Match]:
    """Let somebody not meet the other, or others, of a match in a coming round; return what was
    withdrawn.

    It is done, and told to everybody but them, as if an organizer had taken the match out and
    published that: the same words at the same hour, the same news on the same pages, so that
    nobody can tell who wanted it. The plan on the bench stays. Whoever calls it records why.
    """
    bench_of(session, event.id)
    session.refresh(match)
    if match.state is not MatchState.PUBLISHED:
        return []
    worth = queries.worth_of(session, event, None)
    known = queries.draft_on(session, event, worth, None)
    gone = seat_of(session, match, of.id)
    for each in gone:
        each.state = MatchState.WITHDRAWN
        each.room = None
    session.flush()
    draft = queries.draft_on(session, event, worth, None)
    edit = Edit(Act.OUT, match.round.number, of.id, match.other(of.id).id)
    plan = Plan(
        event_id=event.id,
        origin=PlanOrigin.EDITED,
        state=PlanState.READY,
        settings=queries.published_settings(session, event.id),
        edit=edit.as_data(),
        content=draft.as_data(),
        value=draft.value(),
        min_share=min(draft.shares().values(), default=None),
        created_at=now,
        finished_at=now,
        published_at=now,
    )
    session.add(plan)
    session.flush()
    told = [change for change in changes(known, draft) if change.person != of.id]
    _tell(session, event, plan, told, worth, now=now)
    refresh_pages(session, event.id)
    return gone


def _tell(
    session: Session,
    event: Event,
    plan: Plan,
    told: Sequence[Change],
    worth: Worth,
    *,
    now: datetime,
) -> None:
    """Mail to everybody whom a published change concerns what it is."""
    plan.told = [change.as_data() for change in told]
    announce(
        session,
        event,
        [worth.people[person] for person in sorted({change.person for change in told})],
        cause=f"plan:{plan.id}",
        plan_id=plan.id,
        now=now,
    )


def _refuse_broken(draft: Draft, worth: Worth, first_open: int) -> None:
    broken = [(number, m) for number, m in worth.broken(draft) if number >= first_open]
    if broken:
        number, meeting = broken[0]
        why = next(
            refusal for one, other in meeting.pairs() if (refusal := worth.refusal(one, other))
        )
        more = f" {len(broken) - 1} more cannot take place." if len(broken) > 1 else ""
        raise CannotPublish(
            f"In round {number} {why}{more} Mend the plan, or take these matches out, then publish."
        )
    together = worth.apart_in_groups(draft)
    if together:
        more = f" There are {len(together) - 1} more such pairs." if len(together) > 1 else ""
        raise CannotPublish(
            f"{worth.apart_in_words(*together[0])}{more} Mend the plan, which parts them, then "
            "publish."
        )


def _write_matches(
    session: Session, event: Event, draft: Draft, worth: Worth, *, first_open: int, now: datetime
) -> None:
    """Make the tables hold the coming rounds of a draft, and what still fits into one that
    lasts; the rooms of a trio are one."""
    rows = queries.rows_by_pair(session, event.id)
    slots = {slot.number: slot for slot in event.rounds}
    numbers = {slot.id: slot.number for slot in event.rounds}
    coming = [(number, meeting) for number, meeting in draft.meetings() if number >= first_open]
    wanted = {
        duo: (number, meeting)
        for number, meeting in [*coming, *_late(event, draft, worth, rows, now=now)]
        for duo in meeting.pairs()
    }
    for duo, match in rows.items():
        if numbers[match.round_id] >= first_open and duo not in wanted:
            match.state = MatchState.WITHDRAWN
            match.room = None
    trios: list[tuple[int, Meeting]] = []
    new: list[dict[str, Any]] = []
    for (first_id, second_id), (number, meeting) in wanted.items():
        known = rows.get((first_id, second_id))
        if known is not None and numbers[known.round_id] < first_open:
            continue  # they have met already
        to_first, to_second = reasons_of(
            worth.instance, worth.people[first_id], worth.people[second_id]
        )
        seat = {
            "round_id": slots[number].id,
            "state": MatchState.PUBLISHED,
            "pinned": meeting.pinned,
            "first_reasons": to_first,
            "second_reasons": to_second,
        }
        if known is None:
            who = {"event_id": event.id, "first_id": first_id, "second_id": second_id}
            new.append(who | seat | {"created_at": now})
        else:
            if known.round_id != slots[number].id or known.state is not MatchState.PUBLISHED:
                known.room = None
            for name, value in seat.items():
                setattr(known, name, value)
        if len(meeting.who) > 2 and (number, meeting) not in trios:
            trios.append((number, meeting))
    session.flush()
    if new:
        session.execute(insert(Match), new)  # one by one, ten thousand people take ten seconds
    rows = queries.rows_by_pair(session, event.id)
    _join_rooms(event, rows, draft, trios)
    session.flush()
    give_rooms(session, event.id)


def _late(
    event: Event, draft: Draft, worth: Worth, rows: Mapping[Who, Match], *, now: datetime
) -> Iterator[tuple[int, Meeting]]:
    """Yield what people who are free can still do in a round that has begun and lasts."""
    begun = {slot.id: slot for slot in event.rounds if slot.starts_at <= now}
    lasting = {slot.id: slot.number for slot in begun.values() if slot.ends_at > now}
    met = {duo for duo, match in rows.items() if match.round_id in begun}
    busy = {
        (lasting[match.round_id], person)
        for duo, match in rows.items()
        if match.round_id in lasting and match.state is MatchState.PUBLISHED
        for person in duo
        if worth.is_live(person)
    }
    for number, meeting in draft.meetings():
        if (
            number in lasting.values()
            and met.isdisjoint(meeting.pairs())
            and busy.isdisjoint((number, person) for person in meeting.who)
            and not any(worth.refusal(*duo) for duo in meeting.pairs())
        ):
            yield number, meeting


def _join_rooms(
    event: Event,
    rows: Mapping[Who, Match],
    draft: Draft,
    trios: Iterable[tuple[int, Meeting]],
) -> None:
    """Give each trio one room that nobody else has, and take shared rooms from those who no
    longer are a trio."""
    slots = {slot.number: slot.id for slot in event.rounds}
    together = {duo for _, meeting in trios for duo in meeting.pairs()}
    for number, round_id in slots.items():
        here = [
            match
            for match in rows.values()
            if match.round_id == round_id and match.state is MatchState.PUBLISHED
        ]
        seen: set[int] = set()
        for match in here:
            if (match.first_id, match.second_id) in together or match.room in seen:
                match.room = None
            elif match.room is not None:
                seen.add(match.room)
        for at, meeting in trios:
            if at == number:
                room = next(n for n in range(1, len(here) + 2) if n not in seen)
                seen.add(room)
                for duo in meeting.pairs():
                    rows[duo].room = room


def _write_groups(session: Session, event: Event, draft: Draft, *, now: datetime) -> None:
    """Make the tables hold the closing groups of a draft; a group that stays keeps its number."""
    wanted = set(draft.groups)
    taken = set()
    for group in groups_of(session, event.id):
        who = tuple(sorted(person.id for person in group.members))
        if who in wanted:
            wanted.discard(who)
            taken.add(group.number)
        else:
            session.execute(delete(GroupMember).where(GroupMember.group_id == group.id))
            session.execute(delete(Group).where(Group.id == group.id))
    free = (n for n in range(1, len(draft.groups) + len(taken) + 1) if n not in taken)
    made = {next(free): who for who in sorted(wanted)}
    if not made:
        return
    session.execute(
        insert(Group),
        [{"event_id": event.id, "number": number, "created_at": now} for number in made],
    )
    ids = session.execute(select(Group.number, Group.id).where(Group.event_id == event.id)).all()
    session.execute(
        insert(GroupMember),
        [
            {"group_id": group_id, "participant_id": person}
            for number, group_id in ids
            for person in made.get(number, ())
        ],
    )
