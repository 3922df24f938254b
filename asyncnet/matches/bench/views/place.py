"""What the pages of the bench share."""

from flask import Blueprint, request

from asyncnet.web.access import LARGEST_ID

pages = Blueprint("bench", __name__)


def id_in_address(name: str, otherwise: int) -> int:
    found = request.args.get(name, type=int)
    return found if found is not None and 0 <= found <= LARGEST_ID else otherwise
