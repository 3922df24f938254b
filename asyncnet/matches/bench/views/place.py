"""What the pages of the bench share."""

from flask import Blueprint, request

from asyncnet.clock import utc_now
from asyncnet.database import db
from asyncnet.events.model import Event
from asyncnet.matches.bench.desk import Desk
from asyncnet.web.access import LARGEST_ID, kept_from_me

pages = Blueprint("bench", __name__)


def desk_of(event: Event) -> Desk:
    """Return the bench of an event as the organizer who asks may see it now."""
    return Desk(db.session(), event, unsaid=kept_from_me(event), now=utc_now())


def id_in_address(name: str, otherwise: int) -> int:
    """Return an id, or another small number, that the address of a page names."""
    found = request.args.get(name, type=int)
    return found if found is not None and 0 <= found <= LARGEST_ID else otherwise
