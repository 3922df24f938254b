"""Where a long list goes on, as the address of its next page says."""

from flask import request

from asyncnet.web.access import LARGEST_ID


def place_after() -> tuple[str, int] | None:
    """Return name and id of the last one shown; None from the start, and for rubbish."""
    name, number = request.args.get("after"), request.args.get("after_id", type=int)
    if name is None or number is None or not 0 < number <= LARGEST_ID:
        return None
    return name, number
