"""Tells from its bytes, never its name, what a file is, before any demuxer sees it.

Only three families of container go on to one, and for an audio intro eight kinds of sound file
more. A file that is also something else (a page, a
playlist, an archive) is refused: it was made to be two things. What hides inside the media
bytes themselves is beyond this; nobody but us ever gets those, only what we make from them.
"""

import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from asyncnet.intros.rules import SOUND_ONLY, Unusable

HEAD_BYTES = 4096
TAIL_BYTES = 65_557
"""As far back as the end record of a zip archive may begin."""
SPAN_BYTES = 65_536

PICTURE = "This is a picture, not a recording. Choose a recording, or make one here."
DOCUMENT = "This is a document or an archive, not a recording. Choose the recording itself."
PAGE = "This is a web page or a playlist, not a recording. Choose the recording itself."
OTHER_VIDEO = (
    "We cannot read this kind of video. Save it as MP4 in your video app, or record a new one here."
)
NO_VIDEO = "This is not a video we can read. Choose an MP4, MOV or WebM file, or record one here."
NO_SOUND_FILE = (
    "We cannot read this kind of recording. "
    "Choose an M4A, MP3, WAV or WebM file, or record one here."
)
TWO_THINGS = (
    "This file also holds a web page, a playlist or an archive, so we do not open it. "
    "Save a fresh copy from the app that made it and upload that."
)
CUT_OFF = (
    "This file is not complete: the part that every player needs is missing, as when a "
    "recording or a copy is interrupted. Choose the original again, or record a new one."
)

LOCKED = (
    "This recording is protected against copying, so nobody but its own app can open it. "
    "Choose a recording of your own, or make one here."
)

BOXES = frozenset({b"ftyp", b"styp", b"moov", b"moof", b"mdat", b"free", b"skip", b"wide", b"pnot"})
MEDIA_BOXES = frozenset(
    {b"ftyp", b"styp", b"moov", b"moof", b"mdat", b"sidx", b"ssix", b"mfra", b"emsg", b"prft"}
)
PICTURE_BRANDS = frozenset(
    {b"heic", b"heix", b"heim", b"heis", b"mif1", b"mif2", b"avif", b"jxl ", b"crx "}
)
EBML = b"\x1a\x45\xdf\xa3"
SEGMENT = b"\x18\x53\x80\x67"

KNOWN: tuple[tuple[re.Pattern[bytes], str], ...] = tuple(
    (re.compile(pattern, re.DOTALL | re.IGNORECASE), reason)
    for pattern, reason in (
        (rb"\xff\xd8\xff|\x89PNG|GIF8|BM.{12}\(\0\0\0|II\*\0|MM\0\*|RIFF.{4}WEBP", PICTURE),
        (rb"\0\0\0\x0cJXL |\xff\x0a", PICTURE),
        (rb"PK[\x03\x05\x07]|%PDF-|Rar!|7z\xbc\xaf|\x1f\x8b|\xd0\xcf\x11\xe0|\{\\rtf", DOCUMENT),
        (rb"(\xef\xbb\xbf)?\s*(<|#EXT|ffconcat|v=0\s|WEBVTT|\[playlist)", PAGE),
        (rb"\x30\x26\xb2\x75|FLV|OggS|\0\0\x01[\xb3\xba]|G.{187}G|.{4}G.{191}G|\.RMF", OTHER_VIDEO),
    )
)
SOUNDS: tuple[tuple[re.Pattern[bytes], str], ...] = tuple(
    (re.compile(pattern, re.DOTALL), container)
    for pattern, container in (
        (rb"(RIFF|RF64|BW64).{4}WAVE", "wav"),
        (rb"OggS(?!.{24,40}(theora|video))", "ogg"),
        (rb"fLaC", "flac"),
        (rb"#!AMR", "amr"),
        (rb"caff", "caf"),
        (rb"FORM.{4}AIF[FC]", "aiff"),
        (rb"\xff[\xf0\xf1\xf8\xf9]", "aac"),
        (rb"\xff[\xe2-\xe7\xf2-\xf7\xfa-\xff]|ID3", "mp3"),
    )
)
"""By the first bytes, or by those after an ID3 tag, which also stands before other kinds."""
PROTECTION = re.compile(rb"sinf.{0,64}frma.{0,64}schm", re.DOTALL)
"""How an MP4 says that a track is encrypted, and by which scheme."""
INDEX_BYTES = 8 << 20
"""So much of an index is searched for signs of protection."""
MARKUP = re.compile(
    rb"<\s*(!doctype|html|script|svg|body|iframe|mpd)\b|<\?php|#EXTM3U|ffconcat version|%PDF-",
    re.IGNORECASE,
)


def container_of(path: Path, *, sound: bool = False) -> str:
    """Return the demuxer for the file: "mov", "matroska" or "avi"; for `sound` also others.

    Raises Unusable.
    """
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
        size = file.seek(0, 2)
        if head[4:8] in BOXES:
            container, spare = "mov", _spare_boxes(file, head, size)
        elif head.startswith(EBML):
            container, spare = "matroska", _after_segment(head, size)
        elif head.startswith(b"RIFF") and head[8:12] == b"AVI ":
            container, spare = "avi", _after_riff(file, size)
        elif heard := _sound_of(file, head):
            if not sound:
                raise Unusable(SOUND_ONLY)
            container, spare = heard, [(0, size), (max(0, size - SPAN_BYTES), size)]
        else:
            reason = next((why for what, why in KNOWN if what.match(head)), NO_VIDEO)
            unknown = sound and reason in {OTHER_VIDEO, NO_VIDEO}
            raise Unusable(NO_SOUND_FILE if unknown else reason)
        if _ends_as_archive(file, size) or any(map(MARKUP.search, _read(file, spare))):
            raise Unusable(TWO_THINGS)
    return container


def _sound_of(file: BinaryIO, head: bytes) -> str | None:
    """Return the demuxer for a file that can hold nothing but sound, None for any other."""
    if head.startswith(b"ID3") and len(head) >= 10:
        length = sum((byte & 0x7F) << 7 * (3 - n) for n, byte in enumerate(head[6:10]))
        file.seek(10 + length)
        tagged = file.read(16)
        head = tagged if any(what.match(tagged) for what, _ in SOUNDS) else head
    return next((container for what, container in SOUNDS if what.match(head)), None)


def _spare_boxes(file: BinaryIO, head: bytes, size: int) -> list[tuple[int, int]]:
    """Return the spans of a QuickTime or MP4 file that hold no media, what trails it included."""
    if head[4:8] == b"ftyp" and head[8:12] in PICTURE_BRANDS:
        raise Unusable(PICTURE)
    spare, kinds, at = [], set(), 0
    for kind, begin, end in _boxes(file, size):
        kinds.add(kind)
        if kind not in MEDIA_BOXES:
            spare.append((begin, end))
        if kind == b"moov" and _is_protected(file, begin, end):
            raise Unusable(LOCKED)
        at = end
    if b"moov" not in kinds:
        raise Unusable(CUT_OFF)
    return [*spare, (min(at, size), size)]


def is_cut_off(path: Path) -> bool:
    """Return whether the index of a QuickTime or MP4 file goes on beyond its end."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        return any(kind == b"moov" and end > size for kind, _, end in _boxes(file, size))


def _is_protected(file: BinaryIO, begin: int, end: int) -> bool:
    file.seek(begin)
    return bool(PROTECTION.search(file.read(min(end - begin, INDEX_BYTES))))


def _boxes(file: BinaryIO, size: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield kind, begin and end of each top-level box, up to what is no box any more.

    The end is where the box says, which may be beyond the file's.
    """
    at = 0
    while at + 8 <= size:
        file.seek(at)
        header = file.read(16)
        length, kind = struct.unpack(">I4s", header[:8])
        if length == 1 and len(header) == 16:
            (length,) = struct.unpack(">Q", header[8:])
        elif length == 0:
            length = size - at
        if length < 8 or not re.fullmatch(rb"[\w\xa9 -]{4}", kind):
            return
        yield kind, at, at + length
        at += length


def _after_segment(head: bytes, size: int) -> list[tuple[int, int]]:
    """Return what follows the one segment of a Matroska file, where its length is known."""
    at = head.find(SEGMENT) + len(SEGMENT)
    if at < len(SEGMENT) or at >= len(head) or head[at] == 0:
        return []
    width = 9 - head[at].bit_length()
    length = int.from_bytes(head[at : at + width]) & ((1 << 7 * width) - 1)
    unknown = (1 << 7 * width) - 1
    return [] if length == unknown else [(min(at + width + length, size), size)]


def _after_riff(file: BinaryIO, size: int) -> list[tuple[int, int]]:
    """Return what follows the last RIFF chunk of an AVI file."""
    at = 0
    while at + 8 <= size:
        file.seek(at)
        kind, length = struct.unpack("<4sI", file.read(8))
        if kind != b"RIFF":
            break
        at += 8 + length + length % 2
    return [(min(at, size), size)]


def _read(file: BinaryIO, spans: list[tuple[int, int]]) -> Iterator[bytes]:
    for begin, end in spans:
        file.seek(begin)
        yield file.read(min(end - begin, SPAN_BYTES))


def _ends_as_archive(file: BinaryIO, size: int) -> bool:
    """Return whether an unzip program, which reads from the end, would take the file."""
    file.seek(max(0, size - TAIL_BYTES))
    tail = file.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) - at < 22:
        return False
    length, offset, comment = struct.unpack("<IIH", tail[at + 12 : at + 22])
    return bool(at + 22 + comment <= len(tail) and length + offset <= size)
