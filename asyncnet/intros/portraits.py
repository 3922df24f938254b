"""Photos in storage: made small and put there, and removed when nobody may see them any more."""

import secrets
from collections.abc import Callable
from pathlib import Path

import structlog

from asyncnet.database import transaction
from asyncnet.intros import queries, video
from asyncnet.intros.actions import portraying
from asyncnet.intros.video.photo import make_photo
from asyncnet.storage.port import Storage, StorageError

log = structlog.get_logger()
JPEG = "image/jpeg"
PREFIX = "photos/"


def store(storage: Storage, scratch: Path, save: Callable[[Path], None]) -> str:
    """Make a photo of the file that `save` writes to a path, and store it; return its key.

    Raises Unusable with a sentence for the owner, ChildFailed and StorageError.
    """
    with video.scratch(scratch) as folder:
        source, out = folder / "picture", folder / "photo.jpg"
        save(source)
        make_photo(source, out, folder=folder)
        key = f"{PREFIX}{secrets.token_hex(16)}.jpg"
        storage.put(key, out, content_type=JPEG)
        return key


def discard(storage: Storage, key: str | None) -> None:
    """Remove a photo that no row names any more; out of reach, it is left to the sweep."""
    if key is None:
        return
    try:
        storage.delete(key)
    except StorageError as error:
        log.warning("photo left to the sweep", error=type(error).__name__)


def clear_departed(storage: Storage) -> None:
    """Remove the photos of people who have left their event. Raises StorageError."""
    with transaction() as session:
        departed = queries.departed_photos(session)
    for participant_id, key in departed:
        storage.delete(key)
        with transaction() as session:
            portraying.drop_photo(session, participant_id)
