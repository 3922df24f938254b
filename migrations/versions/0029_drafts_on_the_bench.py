"""Move matches that were paired by hand and not published onto the bench, as edits are.

An event with a plan on its bench keeps that one: publishing it would have taken the drafts out.
Where points are not known they count nothing until the next suggestion. Going back leaves the
plans where they are. Safe while the old version still serves.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from alembic import op

from asyncnet.clock import utc_now
from asyncnet.database import UtcDateTime

revision = "0029"
down_revision = "0028"

MATCH = sa.table(
    "match",
    *map(sa.column, ("id", "event_id", "round_id", "first_id", "second_id", "state")),
    *map(sa.column, ("room", "pinned")),
)
ROUND = sa.table("round", *map(sa.column, ("id", "event_id", "number")))
GROUP = sa.table("closing_group", *map(sa.column, ("id", "event_id", "number")))
MEMBER = sa.table("closing_group_member", *map(sa.column, ("group_id", "participant_id")))
BENCH = sa.table("bench", sa.column("event_id"), sa.column("plan_id"))
PLAN = sa.table(
    "plan",
    *map(sa.column, ("id", "event_id", "origin", "state", "phase", "reason", "attempts")),
    sa.column("settings", sa.JSON),
    sa.column("edit", sa.JSON),
    sa.column("content", sa.JSON),
    sa.column("created_at", UtcDateTime),
    sa.column("finished_at", UtcDateTime),
)


def upgrade() -> None:
    connection = op.get_bind()
    drafted = sa.select(MATCH.c.event_id).where(MATCH.c.state == "draft").distinct()
    for event_id in connection.scalars(drafted).all():
        laid = connection.scalar(sa.select(BENCH.c.plan_id).where(BENCH.c.event_id == event_id))
        if laid is None:
            _lay(connection, event_id)
    connection.execute(sa.update(MATCH).where(MATCH.c.state == "draft").values(state="withdrawn"))


def downgrade() -> None:
    """Leave the plans on the bench: the older version knows them too."""


def _lay(connection: sa.Connection, event_id: int) -> None:
    """Lay what was published and drafted for an event on its bench."""
    numbers = dict(
        connection.execute(
            sa.select(ROUND.c.id, ROUND.c.number).where(ROUND.c.event_id == event_id)
        ).all()
    )
    matches = connection.execute(
        sa.select(MATCH)
        .where(MATCH.c.event_id == event_id, MATCH.c.state != "withdrawn")
        .order_by(MATCH.c.id)
    ).all()
    last = [match for match in matches if match.state == "draft"][-1]
    now = utc_now()
    plan_id = connection.scalar(
        sa.insert(PLAN)
        .values(
            event_id=event_id,
            origin="edited",
            state="ready",
            phase="",
            reason="",
            attempts=0,
            settings={},
            edit={
                "act": "add",
                "number": numbers[last.round_id],
                "one": last.first_id,
                "other": last.second_id,
                "to": 0,
            },
            content={
                "rounds": _rounds(matches, numbers),
                "groups": _groups(connection, event_id),
                "ideals": [],
            },
            created_at=now,
            finished_at=now,
        )
        .returning(PLAN.c.id)
    )
    connection.execute(sa.delete(BENCH).where(BENCH.c.event_id == event_id))
    connection.execute(sa.insert(BENCH).values(event_id=event_id, plan_id=plan_id))


def _rounds(matches: Iterable[Any], numbers: dict[int, int]) -> list[list[Any]]:
    """Return people, points and pin of every meeting; three who share a room are one."""
    rooms: defaultdict[tuple[int, int], list[Any]] = defaultdict(list)
    for match in matches:
        rooms[match.round_id, match.room or -match.id].append(match)
    rounds: list[list[Any]] = [[] for _ in numbers]
    for (round_id, _), inside in rooms.items():
        people = sorted({i for match in inside for i in (match.first_id, match.second_id)})
        if len(inside) == 3 == len(people):
            meetings = [[people, [0, 0, 0], 0]]
        else:
            meetings = [[[m.first_id, m.second_id], [0, 0], int(m.pinned)] for m in inside]
        rounds[numbers[round_id] - 1] += meetings
    return [sorted(meetings) for meetings in rounds]


def _groups(connection: sa.Connection, event_id: int) -> list[list[int]]:
    members: defaultdict[int, list[int]] = defaultdict(list)
    rows = connection.execute(
        sa.select(GROUP.c.number, MEMBER.c.participant_id)
        .join(MEMBER, MEMBER.c.group_id == GROUP.c.id)
        .where(GROUP.c.event_id == event_id)
        .order_by(GROUP.c.number, MEMBER.c.participant_id)
    )
    for number, person in rows:
        members[number].append(person)
    return list(members.values())
