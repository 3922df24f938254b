"""The plan outside of asyncnet: for spreadsheets, for programs, for Zoom and for calendars."""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from asyncnet.calendars import Entry, Guest, calendar_of
from asyncnet.events.model import Event, Participant
from asyncnet.events.queries import slot_for
from asyncnet.events.rules import Attendance
from asyncnet.listing import listed
from asyncnet.matches.model import Group, Match
from asyncnet.matches.rooms import room_name
from asyncnet.people.links import Links
from asyncnet.sheets import as_csv, is_inert

PLAN_COLUMNS = (
    "round",
    "starts at (UTC)",
    "room",
    "how",
    "person",
    "e-mail",
    "meets",
    "their e-mail",
    "pinned",
)
ZOOM_COLUMNS = ("Pre-assign Room Name", "Email Address")


def how(match: Match) -> str:
    """Return whether two people talk live, one watches the other, or both write."""
    live = [match.first.attendance, match.second.attendance].count(Attendance.LIVE)
    return ("exchange", "viewing", "chat")[live]


def plan_as_csv(event: Event, matches: Iterable[Match], groups: Iterable[Group]) -> str:
    """Return a table of who meets whom, closing groups beneath."""
    rows: list[Sequence[object]] = [PLAN_COLUMNS]
    for match in sorted(matches, key=lambda match: (match.round.number, match.id)):
        rows.append(
            (
                match.round.number,
                _utc(match.round.starts_at),
                room_name(match.room) if match.room else "",
                how(match),
                match.first.name,
                match.first.email,
                match.second.name,
                match.second.email,
                "yes" if match.pinned else "",
            )
        )
    for group in groups:
        for person in group.members:
            rows.append(
                (
                    "closing",
                    _utc(event.rounds[-1].ends_at),
                    f"Group {group.number}",
                    "group",
                    person.name,
                    person.email,
                    "",
                    "",
                    "",
                )
            )
    return as_csv(rows)


def plan_as_json(event: Event, matches: Iterable[Match], groups: Iterable[Group]) -> str:
    """Return the plan as one object: its rounds with their matches, and its closing groups."""
    found: defaultdict[int, list[dict[str, Any]]] = defaultdict(list)
    for match in matches:
        found[match.round_id].append(
            {
                "people": [_person(match.first), _person(match.second)],
                "how": how(match),
                "room": match.room,
                "pinned": match.pinned,
            }
        )
    plan = {
        "event": event.title,
        "rounds": [
            {
                "number": slot.number,
                "starts_at": _utc(slot.starts_at),
                "ends_at": _utc(slot.ends_at),
                "matches": found[slot.id],
            }
            for slot in event.rounds
        ],
        "groups": [
            {
                "number": group.number,
                "people": [_person(person) for person in group.members],
            }
            for group in groups
        ],
    }
    return json.dumps(plan, ensure_ascii=False, indent=1) + "\n"


def breakout_rooms(matches: Iterable[Match]) -> list[tuple[str, Participant]]:
    """Return room and person for everybody who has a room among matches of one round."""
    people: dict[tuple[int, int], Participant] = {}
    for match in matches:
        if match.room is not None:
            people[match.room, match.first_id] = match.first
            people[match.room, match.second_id] = match.second
    seats = sorted(people.items(), key=lambda seat: (seat[0][0], seat[1].name, seat[0][1]))
    return [(room_name(room), person) for (room, _), person in seats]


def closing_rooms(groups: Iterable[Group]) -> list[tuple[str, Participant]]:
    """Return room and person for everybody of these closing groups who is still there."""
    return [
        (f"Group {group.number}", person)
        for group in groups
        for person in group.members
        if person.left_at is None and person.away_from_at is None
    ]


def rooms_as_csv(seats: Iterable[tuple[str, Participant]]) -> str:
    """Return who is in which room, as Zoom takes it in.

    Whose address a spreadsheet would take for a formula is left out: Zoom knows nobody by an
    address that was made inert, and organizers are told to place them by hand.
    """
    return as_csv(
        [ZOOM_COLUMNS, *((room, who.email) for room, who in seats if is_inert(who.email))]
    )


def rounds_as_calendar(
    event: Event,
    reader: Participant,
    matches: Iterable[Match],
    *,
    closing: tuple[datetime, datetime] | None,
    links: Links,
    now: datetime,
) -> str:
    """Return somebody's rounds for their calendar, and their closing group.

    `closing` is from when to when it talks, None for whoever is in none. Its number stands on
    their page alone, for people are moved between groups.
    The name of the installation makes each entry's UID the same in every download; SEQUENCE
    counts the seconds since the event was made, so that a later download replaces an
    earlier one.
    """
    by_round: defaultdict[int, list[Match]] = defaultdict(list)
    for match in matches:
        by_round[match.round_id].append(match)
    entries = []
    for slot in event.rounds:
        here = by_round[slot.id]
        if here:
            window = slot_for(reader, slot)
            rooms = sorted({match.room for match in here if match.room})
            talks = reader.attendance is Attendance.LIVE and any(
                not match.is_viewing for match in here
            )
            call = event.live_link if talks else ""
            entries.append(
                Entry(
                    uid=f"round-{slot.id}-{reader.id}@{links.host}",
                    sequence=max(0, int((now - event.created_at).total_seconds())),
                    changed_at=now,
                    starts_at=window.starts_at,
                    ends_at=window.ends_at,
                    title=f"{event.title}, {event.slot_name} {slot.number}: {_what(reader, here)}",
                    place=", ".join([*map(room_name, rooms), *([call] if call else [])]),
                    link=call,
                    host=Guest(event.title, links.mailbox),
                )
            )
    if closing is not None:
        entries.append(
            Entry(
                uid=f"closing-{event.id}-{reader.id}@{links.host}",
                sequence=max(0, int((now - event.created_at).total_seconds())),
                changed_at=now,
                starts_at=closing[0],
                ends_at=closing[1],
                title=f"{event.title}, closing groups",
                words="Your page says which group is yours, and who else is in it.",
                place=event.live_link,
                link=event.live_link,
                host=Guest(event.title, links.mailbox),
            )
        )
    return calendar_of(entries)


def _what(reader: Participant, matches: Sequence[Match]) -> str:
    names = [match.other(reader.id).name for match in matches]
    if reader.attendance is Attendance.ASYNC:
        return f"{listed(names)} {'watches' if len(names) == 1 else 'watch'} your intro"
    return f"watch {listed(names)}" if matches[0].is_viewing else f"talk with {listed(names)}"


def _person(person: Participant) -> dict[str, str]:
    return {"name": person.name, "email": person.email, "attendance": person.attendance.value}


def _utc(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"
