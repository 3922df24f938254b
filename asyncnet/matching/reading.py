"""Read an event to be matched from the plain data of `asyncnet-match/1`.

Two fields go beyond that format, both optional: a participant's `away`, the rounds in which they
cannot be met, and `promise` (of one asynchronous participant, or of the event for all of them),
the fewest viewers they are sure to get.
"""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, NoReturn

from asyncnet.matching.problem import (
    GroupWeights,
    Pair,
    Participant,
    Pin,
    Problem,
    Refused,
    Weights,
    pair,
)

FORMAT = "asyncnet-match/1"
LARGEST = 1_000_000
Data = Mapping[str, Any]


def read_problem(data: object) -> Problem:
    """Return the event that `data` (parsed JSON) describes.

    Wishes, avoids, acquaintances and earlier meetings that name oneself or somebody who is not
    taking part are left out. Raises Refused with a sentence naming the field or the person.
    """
    event = _mapping(data, "The file")
    if event.get("format") != FORMAT:
        _refuse(f'"format" must be "{FORMAT}", but is {event.get("format")!r}.')
    mode = _one_of(event, "mode", ("mixed", "async"))
    mixed = mode == "mixed"
    lists = {key: _names(event, key) for key in ("roles", "types", "regions", "tags", "skills")}
    size = _list(event, "group_size", default=(4, 6))
    if len(size) != 2 or not all(_is_count(part) for part in size) or not 1 <= size[0] <= size[1]:
        _refuse('"group_size" must be two whole numbers, the smaller one first.')
    entries = [_mapping(entry, "A participant") for entry in _list(event, "participants")]
    numbers = _numbers(entries)
    return Problem(
        name=_written(event.get("name", "")),
        mixed=mixed,
        rounds=_count(event, "rounds") if mixed else 0,
        max_async_per_live=_count(event, "max_async_per_live", default=1),
        trio=_one_of(event, "odd", ("trio", "bye"), default="trio") == "trio",
        group_size=(size[0], size[1]),
        people=tuple(_participant(entry, event, numbers, lists) for entry in entries),
        weights=_weights(event),
        group_weights=_group_weights(event),
        history=frozenset(_pairs(event, "history", numbers, strict=False)),
        no_repeat_history=_flag(event, "no_repeat_history", "The event"),
        forbids=frozenset(_pairs(event, "forbids", numbers, strict=True)),
        pins=tuple(_pins(event, numbers)),
        **lists,
    )


def _participant(
    entry: Data, event: Data, numbers: Mapping[str, int], lists: Mapping[str, tuple[str, ...]]
) -> Participant:
    name = entry["id"]
    who = f"Participant {name!r}"
    mixed = event["mode"] == "mixed"
    is_async = _flag(entry, "async", who) or not mixed
    utc = entry.get("utc", 0)
    if isinstance(utc, bool) or not isinstance(utc, int | float) or not -24 <= utc <= 24:
        _refuse(f'{who}: "utc" must be the hours between their clock and UTC, but is {utc!r}.')

    def places(key: str, names: str) -> tuple[int, ...]:
        found = _list(entry, key, default=(), where=who)
        for place in found:
            _place(place, lists[names], key, who)
        return tuple(dict.fromkeys(found))

    def people(key: str) -> tuple[int, ...]:
        found = [_text(other, key, who) for other in _list(entry, key, default=(), where=who)]
        here = (numbers[other] for other in found if other in numbers and other != name)
        return tuple(dict.fromkeys(here))

    def number(key: str, default: int) -> int:
        return _count(entry, key, default=_count(event, key, default=default), where=who)

    away = _list(entry, "away", default=(), where=who)
    if not all(_is_count(part) for part in away):
        _refuse(f'{who}: "away" must be a list of rounds.')
    return Participant(
        id=name,
        tags=places("tags", "tags"),
        role=_place(entry.get("role", 0), lists["roles"], "role", who),
        type=_place(entry.get("type", 0), lists["types"], "type", who),
        region=_place(entry.get("region", 0), lists["regions"], "region", who),
        utc=float(utc),
        offers=places("offers", "skills"),
        seeks=places("seeks", "skills"),
        wishes=people("wishes"),
        wish_roles=places("wish_roles", "roles"),
        avoid=people("avoid"),
        known=people("known"),
        cross=_flag(entry, "cross", who),
        near=_flag(entry, "near", who),
        is_async=is_async,
        k=number("k", 4) if is_async else 0,
        per_round=number("per_round", 1) if is_async else 1,
        promise=number("promise", 0) if is_async else 0,
        away=frozenset(away),
    )


def _numbers(entries: Sequence[Data]) -> dict[str, int]:
    numbers: dict[str, int] = {}
    for entry in entries:
        name = entry.get("id")
        if not isinstance(name, str) or not name or _unwritable(name):
            _refuse(f"Every participant needs an id in words, but one has {name!r:.60}.")
        if name in numbers:
            _refuse(f"Participant {name!r} is listed twice.")
        numbers[name] = len(numbers)
    return numbers


def _unwritable(name: str) -> bool:
    """Return whether a name holds what no line can show: half a character, or a control."""
    return not name.isprintable()


def _pairs(event: Data, key: str, numbers: Mapping[str, int], *, strict: bool) -> list[Pair]:
    found = []
    for entry in _list(event, key, default=()):
        if not isinstance(entry, Sequence) or isinstance(entry, str) or len(entry) != 2:
            _refuse(f'"{key}" must hold pairs of participants, but has {entry!r}.')
        a, b = (_text(name, key, "The event") for name in entry)
        if strict:
            _known_people(key, (a, b), numbers)
        if a in numbers and b in numbers and a != b:
            found.append(pair(numbers[a], numbers[b]))
    return found


def _pins(event: Data, numbers: Mapping[str, int]) -> list[Pin]:
    found: dict[Pin, None] = {}
    for entry in _list(event, "pins", default=()):
        if not isinstance(entry, Sequence) or isinstance(entry, str) or len(entry) not in (2, 3):
            _refuse(f'"pins" must hold two participants and a round, but has {entry!r}.')
        a, b = (_text(name, "pins", "The event") for name in entry[:2])
        number = entry[2] if len(entry) == 3 else 0
        if not _is_count(number):
            _refuse(f"The pin of {a!r} and {b!r} has {number!r} for a round.")
        _known_people("pins", (a, b), numbers)
        if a == b:
            _refuse(f"A pin pairs {a!r} with themselves.")
        found[Pin(*pair(numbers[a], numbers[b]), number)] = None
    return list(found)


def _known_people(key: str, names: Sequence[str], numbers: Mapping[str, int]) -> None:
    for name in names:
        if name not in numbers:
            _refuse(f'"{key}" names {name!r}, who is not a participant.')


def _weights(event: Data) -> Weights:
    values = _mapping(event.get("weights"), '"weights"')
    weights = Weights(**{part.name: _points(values, part.name) for part in fields(Weights)})
    if weights.video_div < 1 or weights.overlap_step < 1:
        _refuse('"weights": "video_div" and "overlap_step" must be at least 1.')
    return weights


def _group_weights(event: Data) -> GroupWeights:
    values = _mapping(event.get("group_weights"), '"group_weights"')
    return GroupWeights(**{part.name: _points(values, part.name) for part in fields(GroupWeights)})


def _points(values: Data, key: str) -> int:
    value = values.get(key)
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > LARGEST:
        _refuse(f'Weight "{key}" must be a whole number of points, but is {value!r}.')
    return value


def _names(event: Data, key: str) -> tuple[str, ...]:
    return tuple(_written(name) for name in _list(event, key, default=()))


def _written(name: object) -> str:
    return str(name).encode("utf-8", "replace").decode()


def _mapping(value: object, what: str) -> Data:
    if not isinstance(value, Mapping):
        _refuse(f"{what} must be an object with named fields, but is {value!r:.60}.")
    return value


def _list(
    values: Data, key: str, *, default: Sequence[Any] | None = None, where: str = "The event"
) -> Sequence[Any]:
    value = values.get(key, default)
    if not isinstance(value, Sequence) or isinstance(value, str):
        _refuse(f'{where}: "{key}" must be a list, but is {value!r:.60}.')
    return value


def _count(values: Data, key: str, *, default: int | None = None, where: str = "The event") -> int:
    value = values.get(key, default)
    if not _is_count(value):
        _refuse(f'{where}: "{key}" must be a whole number, 0 or more, but is {value!r:.60}.')
    return int(value)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LARGEST


def _flag(values: Data, key: str, where: str) -> bool:
    value = values.get(key, False)
    if value not in (0, 1):
        _refuse(f'{where}: "{key}" must be true or false, but is {value!r:.60}.')
    return bool(value)


def _one_of(values: Data, key: str, choices: tuple[str, ...], default: str = "") -> str:
    value = values.get(key, default)
    if value not in choices:
        words = " or ".join(f'"{choice}"' for choice in choices)
        _refuse(f'"{key}" must be {words}, but is {value!r:.60}.')
    return str(value)


def _text(value: object, key: str, where: str) -> str:
    if not isinstance(value, str):
        _refuse(f'{where}: "{key}" must name participants by id, but has {value!r:.60}.')
    return value


def _place(value: Any, names: tuple[str, ...], key: str, who: str) -> int:
    if not _is_count(value) or value >= max(1, len(names)):
        _refuse(f'{who}: "{key}" has {value!r:.60}, which is not in the list.')
    return int(value)


def _refuse(sentence: str) -> NoReturn:
    raise Refused(sentence)
