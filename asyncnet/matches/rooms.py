"""What breakout rooms are called, on pages and in the meeting program."""


def room_name(number: int) -> str:
    """Return the name of a room, counted from 1."""
    return f"Room {number}"
