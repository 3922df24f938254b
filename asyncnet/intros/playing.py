"""What a page needs to play an intro, and the captions that go with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import PurePath

import structlog
from flask import Blueprint, Response, abort, url_for
from flask.typing import ResponseReturnValue
from itsdangerous import BadSignature, URLSafeTimedSerializer

from asyncnet.database import NotFound, db
from asyncnet.intros import queries
from asyncnet.intros.cues import Cue, as_webvtt
from asyncnet.intros.model import CaptionsState, Intro, IntroKind
from asyncnet.intros.rules import FILE_TYPES
from asyncnet.web.access import Role, requires
from asyncnet.wiring import checksums, settings, storage

log = structlog.get_logger()
pages = Blueprint("playing", __name__)


@dataclass(frozen=True)
class Playback:
    """What a page needs to show an intro: its words, or addresses that play for some minutes.

    `large` is the video, or the sound where that is all there is; a text has no addresses. The
    page asks for new ones when they have ended, so they are never kept.
    """

    kind: IntroKind
    words: str = ""
    large: str = ""
    small: str = ""
    poster: str = ""
    seconds: float = 0
    width: int = 16
    height: int = 9
    is_available: bool = True
    """Not while storage holds other bytes than those that were checked."""
    captions: str = ""
    """Where the captions are that its speaker shows; empty when there are none."""


def playback(intro: Intro) -> Playback:
    """Return what shows a ready intro; call it only after an access check (CHECKLIST U7).

    It has no addresses where storage says that it holds other bytes than those that were checked
    (CHECKLIST U6); where storage says nothing in time, it has them all the same (CHECKLIST F4).
    """
    return playbacks([intro])[intro.id]


def playbacks(intros: Sequence[Intro]) -> dict[int, Playback]:
    """Return what shows each of some ready intros, by id, as `playback` does."""
    captions = _captions_of(intros)
    changed = _changed_among(intros)
    return {
        intro.id: _played(intro, captions.get(intro.id, ""), is_available=intro.id not in changed)
        for intro in intros
    }


def _played(intro: Intro, captions: str, *, is_available: bool) -> Playback:
    if intro.kind is IntroKind.TEXT:
        return Playback(intro.kind, words=intro.words)
    if not is_available:
        return Playback(intro.kind, is_available=False)
    large, *others = [
        storage().link(
            f"{intro.folder}/{name}",
            content_type=FILE_TYPES[PurePath(name).suffix],
            valid_for=settings().playback_valid_for,
        )
        for name in intro.files
    ]
    small, poster = others or (large, "")
    return Playback(
        kind=intro.kind,
        large=large,
        small=small,
        poster=poster,
        seconds=intro.seconds or 0,
        width=intro.width or 16,
        height=intro.height or 9,
        captions=captions,
    )


@pages.get("/captions/<token>")
@requires(Role.SIGNED)
def captions(token: str) -> ResponseReturnValue:
    """Send the captions of an intro to a browser that was given their address lately (U7)."""
    valid_for = settings().playback_valid_for.total_seconds()
    try:
        found = queries.captions_shown(db.session(), _signer().loads(token, max_age=int(valid_for)))
    except BadSignature:
        abort(HTTPStatus.FORBIDDEN)
    except NotFound:
        abort(HTTPStatus.NOT_FOUND)
    return Response(
        as_webvtt(Cue(**cue) for cue in found.cues),
        mimetype="text/vtt",
        headers={
            "Content-Security-Policy": "sandbox; default-src 'none'",
            "Cache-Control": "no-store",
        },
    )


def _changed_among(intros: Sequence[Intro]) -> set[int]:
    """Return the ids of those of which storage holds other bytes than were checked."""
    checked = {intro.id: (intro.folder or "", intro.checksums) for intro in intros}
    asks = any(
        files and checksums().remembered(folder) is None for folder, files in checked.values()
    )
    if asks:
        db.session.rollback()  # nothing stays open while storage is asked
    changed = {
        intro_id
        for intro_id, (folder, files) in checked.items()
        if files and not _is_as_checked(folder, files)
    }
    if asks:
        queries.read_again(db.session(), checked)
    return changed


def _is_as_checked(folder: str, checked: Mapping[str, str]) -> bool:
    said = checksums().of(folder)
    if said is None:
        return True
    changed = sorted(name for name in checked if said.get(name) != checked[name])
    if changed:
        log.error("intro is not as it was checked", folder=folder, files=changed)
    return not changed


def _captions_of(intros: Sequence[Intro]) -> dict[int, str]:
    """Return where the captions are that are shown with each of these intros, by its id."""
    found = queries.captions_among(db.session(), [intro.id for intro in intros])
    return {
        intro_id: url_for("playing.captions", token=_signer().dumps(captions.id))
        for intro_id, captions in found.items()
        if captions.state is CaptionsState.SHOWN
    }


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(list(reversed(settings().secret_keys)), salt="captions")
