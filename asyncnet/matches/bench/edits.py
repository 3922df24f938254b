"""What an organizer does to a plan on the bench; every edit returns another draft."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from itertools import combinations
from typing import Any

from asyncnet.listing import listed
from asyncnet.matches.bench.draft import Draft, Facts, Meeting, meeting_of


class CannotEdit(Exception):
    """This edit cannot be made; the message says why."""


class Act(StrEnum):
    """What an organizer can do to a plan."""

    SWAP = "swap"
    ADD = "add"
    OUT = "out"
    MOVE = "move"
    PIN = "pin"
    UNPIN = "unpin"
    FORBID = "forbid"
    ALLOW = "allow"


@dataclass(frozen=True)
class Edit:
    """One act on the meeting of `one` and `other` in round `number`, counted from 1.

    SWAP gives `one` the seat of `other`, and the other way round. ADD lets them meet; where one
    of them is in a chat already, the other joins it as a third. MOVE takes their meeting to
    round `to`. FORBID keeps the two apart from now on, whichever round is named; ALLOW ends that.
    """

    act: Act
    number: int
    one: int
    other: int
    to: int = 0

    def as_data(self) -> dict[str, Any]:
        """Return the edit as JSON keeps it."""
        return asdict(self)

    @classmethod
    def of_data(cls, data: Mapping[str, Any]) -> "Edit":
        """Return the edit that `as_data` wrote, whatever else was written beside it."""
        return cls(Act(data["act"]), data["number"], data["one"], data["other"], data["to"])


def edited(draft: Draft, edit: Edit, facts: Facts) -> Draft:
    """Return the draft after an edit. Raises CannotEdit."""
    if not 1 <= edit.number <= len(draft.rounds):
        raise CannotEdit("There is no such round.")
    if edit.one == edit.other:
        raise CannotEdit(f"{facts.name(edit.one)} cannot meet themselves.")
    return {
        Act.SWAP: _swapped,
        Act.ADD: _added,
        Act.OUT: _taken_out,
        Act.MOVE: _moved,
        Act.PIN: _pinned,
        Act.UNPIN: _pinned,
        Act.FORBID: _forbidden,
        Act.ALLOW: _allowed,
    }[edit.act](draft, edit, facts)


def _there(draft: Draft, edit: Edit, facts: Facts) -> Meeting:
    for meeting in draft.rounds[edit.number - 1]:
        if edit.one in meeting.who and edit.other in meeting.who:
            return meeting
    raise CannotEdit(
        f"{facts.name(edit.one)} and {facts.name(edit.other)} do not meet in round "
        f"{edit.number} (any more)."
    )


def _only_seat(draft: Draft, number: int, person: int, facts: Facts) -> Meeting | None:
    """Return the meeting of a round whose seat somebody can give away, if they have one."""
    found = [meeting for meeting in draft.rounds[number - 1] if person in meeting.who]
    if len(found) > 1:
        raise CannotEdit(
            f"{facts.name(person)} has {len(found)} viewers in round {number}, so it is not clear "
            "which one to exchange. Swap the viewer instead."
        )
    return found[0] if found else None


def _swapped(draft: Draft, edit: Edit, facts: Facts) -> Draft:
    seats = [_only_seat(draft, edit.number, person, facts) for person in (edit.one, edit.other)]
    one, other = seats
    names = f"{facts.name(edit.one)} and {facts.name(edit.other)}"
    if one is other:
        what = "meet nobody" if one is None else "meet each other"
        raise CannotEdit(f"{names} {what} in round {edit.number}: there is nothing to swap.")
    taken = tuple(meeting for meeting in seats if meeting is not None)
    for meeting in taken:
        if meeting.pinned:
            raise CannotEdit(f"{_names(meeting, facts)} are pinned. Unpin them first.")
    crossed = {edit.one: edit.other, edit.other: edit.one}
    rest = _without(draft, edit.number, *taken)
    for meeting in taken:
        rest = _with(rest, edit.number, [crossed.get(i, i) for i in meeting.who], facts)
    return rest


def _added(draft: Draft, edit: Edit, facts: Facts) -> Draft:
    found = draft.find(edit.one, edit.other)
    if found:
        raise CannotEdit(
            f"{facts.name(edit.one)} and {facts.name(edit.other)} meet in round {found[0]} already."
        )
    busy = [
        meeting
        for meeting in draft.rounds[edit.number - 1]
        for person in (edit.one, edit.other)
        if person in meeting.who and facts.is_live(person)
    ]
    if not busy:
        return _with(draft, edit.number, (edit.one, edit.other), facts)
    everybody = {edit.one, edit.other, *busy[0].who}
    if len(busy) > 1 or len(everybody) > 3 or not all(map(facts.is_live, everybody)):
        person = next(p for p in (edit.one, edit.other) if p in busy[0].who)
        raise CannotEdit(
            f"{facts.name(person)} has a match in round {edit.number} already. Choose another "
            "round, or take that match out first."
        )
    if busy[0].pinned:
        raise CannotEdit(f"{_names(busy[0], facts)} are pinned. Unpin them first.")
    return _with(_without(draft, edit.number, busy[0]), edit.number, everybody, facts)


def _taken_out(draft: Draft, edit: Edit, facts: Facts) -> Draft:
    """Take the match out; of a trio only `one`, so that the two others still meet."""
    meeting = _there(draft, edit, facts)
    rest = _without(draft, edit.number, meeting)
    if len(meeting.who) < 3:
        return rest
    return _with(rest, edit.number, meeting.others(edit.one), facts)


def _forbidden(draft: Draft, edit: Edit, facts: Facts) -> Draft:
    found = draft.find(edit.one, edit.other)
    if found is None:
        return draft
    number, meeting = found
    if meeting.pinned:
        raise CannotEdit(f"{_names(meeting, facts)} are pinned. Unpin them first.")
    return _taken_out(draft, replace(edit, number=number), facts)


def _allowed(draft: Draft, edit: Edit, facts: Facts) -> Draft:
    return draft


def _moved(draft: Draft, edit: Edit, facts: Facts) -> Draft:
    meeting = _there(draft, edit, facts)
    if not 1 <= edit.to <= len(draft.rounds):
        raise CannotEdit("There is no such round.")
    rest = _without(draft, edit.number, meeting)
    return _with(rest, edit.to, meeting.who, facts, pinned=meeting.pinned)


def _pinned(draft: Draft, edit: Edit, facts: Facts) -> Draft:
    meeting = _there(draft, edit, facts)
    if len(meeting.who) > 2:
        raise CannotEdit(f"{_names(meeting, facts)} are three; only two people can be pinned.")
    pinned = replace(meeting, pinned=edit.act is Act.PIN)
    rest = _without(draft, edit.number, meeting)
    return _placed(rest, edit.number, (*rest.rounds[edit.number - 1], pinned))


def _with(
    draft: Draft, number: int, who: Iterable[int], facts: Facts, *, pinned: bool = False
) -> Draft:
    """Return the draft with one more meeting. Raises CannotEdit."""
    people = tuple(sorted(who))
    for one, other in combinations(people, 2):
        refusal = facts.refusal(one, other)
        if refusal:
            raise CannotEdit(refusal)
        found = draft.find(one, other)
        if found:
            raise CannotEdit(
                f"{facts.name(one)} and {facts.name(other)} meet in round {found[0]} already."
            )
    for meeting in draft.rounds[number - 1]:
        for person in meeting.who:
            if person in people and facts.is_live(person):
                others = listed([facts.name(other) for other in meeting.others(person)])
                raise CannotEdit(
                    f"{facts.name(person)} meets {others} in round {number}. Take that match out "
                    "first."
                )
    meeting = meeting_of(people, facts, pinned=pinned)
    return _placed(draft, number, (*draft.rounds[number - 1], meeting))


def _without(draft: Draft, number: int, *taken: Meeting) -> Draft:
    kept = tuple(meeting for meeting in draft.rounds[number - 1] if meeting not in taken)
    return _placed(draft, number, kept)


def _placed(draft: Draft, number: int, meetings: Iterable[Meeting]) -> Draft:
    rounds = list(draft.rounds)
    rounds[number - 1] = tuple(sorted(meetings, key=lambda meeting: meeting.who))
    return replace(draft, rounds=tuple(rounds))


def _names(meeting: Meeting, facts: Facts) -> str:
    return listed([facts.name(person) for person in meeting.who])
