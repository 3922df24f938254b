"""What breakout rooms are called, and which matches share one."""

from collections.abc import Iterable
from typing import Protocol, TypeVar


class InARoom(Protocol):
    """What takes place in a breakout room, or in none."""

    @property
    def room(self) -> int | None:
        """The number of the room."""
        ...


T = TypeVar("T", bound=InARoom)


def room_name(number: int) -> str:
    """Return the name of a room, counted from 1."""
    return f"Room {number}"


def tables(matches: Iterable[T]) -> list[list[T]]:
    """Return matches of one round, those that share a room together: a trio is one conversation.

    Each stands where its first match stood; a viewing, which needs no room, stands alone.
    """
    found: list[list[T]] = []
    by_room: dict[int, list[T]] = {}
    for match in matches:
        if match.room in by_room:
            by_room[match.room].append(match)
            continue
        found.append([match])
        if match.room is not None:
            by_room[match.room] = found[-1]
    return found
