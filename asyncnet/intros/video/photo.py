"""Makes a small square picture out of a photo that nobody trusts, in the jail of the videos."""

from pathlib import Path

import imageio_ffmpeg

from asyncnet.intros.rules import Unusable
from asyncnet.intros.video.isolate import Bounds, run

MAX_BYTES = 10_000_000
SIDE = 512
MAX_PIXELS = 25_000_000
"""As much as phones make by themselves; a picture that claims more is not opened."""
BOUNDS = Bounds(cpu_seconds=5, wall_seconds=5, file_bytes=2_000_000, memory_bytes=1024**3)
HEAD_BYTES = 16
READERS: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\xff\xd8\xff", "jpeg_pipe"),
    (0, b"\x89PNG\r\n\x1a\n", "png_pipe"),
    (8, b"WEBP", "webp_pipe"),
    *((8, brand, "mov") for brand in (b"heic", b"heix", b"mif1", b"heim", b"heis")),
)
"""Where in a file which bytes stand, and what reads such a file."""
SQUARE = (
    f"crop=min(iw\\,ih):min(iw\\,ih):(iw-ow)/2:(ih-oh)/3,scale={SIDE}:{SIDE}:flags=area,"
    "format=yuvj420p"
)
"""Of a standing picture the upper middle: faces are seldom lower."""

EMPTY = "This file is empty. Choose another picture."
TOO_LARGE = "This picture is larger than 10 MB. Choose a smaller one, or take a new one."
OTHER_KIND = "This is not a picture that we can read. Choose a JPEG, PNG, WebP or HEIC picture."
DAMAGED = (
    "We cannot read this picture; it may be damaged, or have more than 24 megapixels. Choose "
    "another one."
)


def make_photo(source: Path, out: Path, *, folder: Path) -> None:
    """Write a square JPEG of `SIDE` pixels at `out`, upright and with nothing but the picture.

    The job works in `folder`, where `out` must be. Raises Unusable with a sentence for the
    owner, and ChildFailed when the jail does not close.
    """
    reader = _reader_of(source)
    child = run(
        [
            imageio_ffmpeg.get_ffmpeg_exe(),
            *("-v", "error", "-y", "-threads", "1"),
            *("-protocol_whitelist", "file,pipe", "-format_whitelist", reader),
            *("-max_pixels", str(MAX_PIXELS), "-f", reader, "-i", str(source)),
            *("-map", "0:v:0", "-frames:v", "1", "-vf", SQUARE, "-q:v", "4"),
            *("-map_metadata", "-1", "-map_metadata:s", "-1", "-flags:v", "+bitexact"),
            *("-f", "image2", "-update", "1", str(out)),
        ],
        folder=folder,
        reads=(source,),
        bounds=BOUNDS,
    )
    if child.status or not out.exists():
        raise Unusable(DAMAGED)


def _reader_of(source: Path) -> str:
    size = source.stat().st_size
    if size == 0:
        raise Unusable(EMPTY)
    if size > MAX_BYTES:
        raise Unusable(TOO_LARGE)
    with source.open("rb") as file:
        head = file.read(HEAD_BYTES)
    for offset, mark, reader in READERS:
        if head[offset:].startswith(mark):
            return reader
    raise Unusable(OTHER_KIND)
