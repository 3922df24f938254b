"""Started by path as a small program of its own, in the jail: prints what is in a video file.

    python -I measure.py CONTAINER MAX_PIXELS WHITELIST FILE

Reads every packet and decodes the first picture, nothing more. Prints one JSON object, or
exits with status 3 and the demuxer's words when the file cannot be opened. Imports nothing of
ours, so that it starts quickly and needs none of our settings.
"""

import json
import struct
import sys
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import av
from av.sidedata.sidedata import Type

FIRST_PACKETS = 250
"""How far to look for a first picture that decodes; recordings may begin between key frames."""

UNREADABLE = 3
"""The exit status for a file that cannot be opened; any other but 0 is a fault of ours."""

UNSPECIFIED = 2
"""What ITU-T H.273, whose numbers name colours here, says for "not stated"."""


class Track:
    """What the packets of one stream say; moments are counted in the stream's own ticks."""

    def __init__(self, stream: Any) -> None:
        self.tick = float(stream.time_base)
        self.untimed = self.hidden = self.bytes = 0
        self.moments: set[int] = set()
        self.end = 0

    def add(self, packet: Any) -> None:
        self.bytes += packet.size
        if packet.is_discard:
            self.hidden += 1
            return
        at = packet.pts if packet.pts is not None else packet.dts
        if at is None:
            self.untimed += 1
            return
        self.moments.add(at)
        self.end = max(self.end, at + (packet.duration or 0))

    @property
    def frames(self) -> int:
        """How many pictures one gets to see: of several at one moment only one."""
        return len(self.moments) + self.untimed

    def rate(self, stated: Fraction | None) -> float:
        """Return pictures per second, from the packets where they have times."""
        if len(self.moments) > 1:
            ticks = max(self.moments) - min(self.moments)
            return (len(self.moments) - 1) / (ticks * self.tick)
        return float(stated or 0)

    def span(self, rate: float) -> tuple[float, float]:
        """Return begin and end in seconds; packets without times count by the stated rate."""
        if not self.moments:
            return 0.0, self.untimed / rate if rate else 0.0
        last = max(self.moments)
        open_end = last >= self.end and rate > 0
        end = last * self.tick + 1 / rate if open_end else self.end * self.tick
        return min(self.moments) * self.tick, end


def main() -> None:
    container, max_pixels, whitelist, file = sys.argv[1:]
    options = {
        "protocol_whitelist": "file",
        "format_whitelist": whitelist,
        "max_pixels": max_pixels,
    }
    try:
        with av.open(f"file:{file}", format=container, options=options) as opened:
            print(json.dumps(measured(opened, int(max_pixels))))
    except (av.FFmpegError, ArithmeticError, LookupError, MemoryError, ValueError) as problem:
        print(repr(problem), file=sys.stderr)
        sys.exit(UNREADABLE)


def measured(opened: Any, max_pixels: int) -> dict[str, Any]:
    video = chosen(s for s in opened.streams.video if not is_cover(s))
    audio = chosen(s for s in opened.streams.audio if s.codec_context is not None)
    wanted = [stream for stream in (video, audio) if stream is not None]
    tracks = {stream.index: Track(stream) for stream in wanted}
    picture = Picture(video, max_pixels) if video is not None else None
    sound = Sound(audio) if audio is not None else None
    for packet in packets(opened, wanted):
        tracks[packet.stream.index].add(packet)
        if picture and packet.stream.index == video.index:
            picture.look_at(packet)
        elif sound:
            sound.listen_to(packet)
    found: dict[str, dict[str, Any]] = {}
    spans: dict[str, tuple[float, float]] = {}
    if video is not None and picture and tracks[video.index].frames:
        picture.look_at(None)
        track = tracks[video.index]
        rate = track.rate(video.average_rate)
        spans["video"] = track.span(rate)
        found["video"] = {
            **picture.described(),
            "frames": track.frames,
            "hidden_frames": track.hidden,
            "frames_per_second": rate,
        }
    if audio is not None and sound and tracks[audio.index].frames:
        sound.listen_to(None)
        spans["audio"] = begin_of_sound, end_of_sound = tracks[audio.index].span(0)
        found["audio"] = {
            "index": audio.index,
            "codec": codec_name(audio),
            "channels": sound.channels,
            "seconds": round(end_of_sound - begin_of_sound, 3),
            "decodable": sound.channels > 0,
        }
    begin = min((begin for begin, _ in spans.values()), default=0.0)
    seconds = max((end for _, end in spans.values()), default=0.0) - begin
    if "video" in found:
        found["video"]["late_seconds"] = spans["video"][0] - begin
    total = sum(track.bytes for track in tracks.values())
    return {
        "seconds": round(seconds, 3),
        "stated_seconds": stated_seconds(opened, begin),
        "bits_per_second": total * 8 / seconds if seconds > 0 else 0.0,
        "has_sound": "audio" in found or any(s.codec_context is None for s in opened.streams.audio),
        **found,
    }


def stated_seconds(opened: Any, begin: float) -> float | None:
    """Return the length that the header claims; Matroska's names the end rather than that."""
    if not opened.duration:
        return None
    stated = float(opened.duration / av.time_base)
    return stated - begin if "matroska" in opened.format.name else stated


def chosen(streams: Iterator[Any]) -> Any:
    """Return the stream a player would take: one it can read, marked default, the first."""

    def rank(stream: Any) -> tuple[bool, bool, int]:
        marked = bool(stream.disposition & av.stream.Disposition.default)
        return stream.codec_context is None, not marked, stream.index

    return min(streams, key=rank, default=None)


def is_cover(stream: Any) -> bool:
    return bool(stream.disposition & av.stream.Disposition.attached_pic)


def packets(opened: Any, wanted: list[Any]) -> Iterator[Any]:
    """Yield the packets up to the end, or to where the file is cut or broken."""
    try:
        for packet in opened.demux(wanted):
            if packet.size:
                yield packet
    except av.FFmpegError:
        return


def codec_name(stream: Any) -> str:
    context = stream.codec_context
    return str(context.codec.canonical_name) if context else "unknown"


class Picture:
    """The first picture of a stream, and what only decoding it tells."""

    def __init__(self, stream: Any, max_pixels: int) -> None:
        self.stream = stream
        self.frame: Any = None
        self.tries = 0
        context = stream.codec_context
        if context is not None and context.width * context.height <= max_pixels:
            self.tries = FIRST_PACKETS
            context.thread_count = 1
            context.options = {"max_pixels": str(max_pixels)}

    def look_at(self, packet: Any) -> None:
        """Decode the packet while no picture has come yet; damage only means looking on.

        None stands for the end, where a decoder gives what it held back.
        """
        if self.frame is not None or not self.tries:
            return
        self.tries -= 1
        try:
            self.frame = next(iter(self.stream.codec_context.decode(packet)), None)
        except av.FFmpegError:
            return

    def described(self) -> dict[str, Any]:
        stream, frame = self.stream, self.frame
        context = stream.codec_context
        seen = frame or context
        aspect = stream.sample_aspect_ratio
        return {
            "index": stream.index,
            "codec": codec_name(stream),
            "profile": context and context.profile,
            "pixels": frame.format.name if frame else None,
            "width": seen.width if seen else 0,
            "height": seen.height if seen else 0,
            "rotation": frame.rotation if frame else 0,
            "mirrored": is_mirrored(frame) if frame else False,
            "pixel_aspect": float(aspect) if aspect else 1.0,
            "interlaced": frame.interlaced_frame if frame else False,
            "transfer": int(seen.color_trc) if seen else UNSPECIFIED,
            "primaries": int(seen.color_primaries) if seen else UNSPECIFIED,
            "matrix": int(seen.colorspace) if seen else UNSPECIFIED,
            "decodable": frame is not None,
        }


class Sound:
    """The first sound of a stream; headers do not always know how many channels it has."""

    def __init__(self, stream: Any) -> None:
        self.context = stream.codec_context
        self.context.thread_count = 1
        self.channels = 0
        self.tries = FIRST_PACKETS

    def listen_to(self, packet: Any) -> None:
        """Decode the packet while nothing has been heard; None stands for the end."""
        if self.channels or not self.tries:
            return
        self.tries -= 1
        try:
            for frame in self.context.decode(packet):
                self.channels = self.channels or len(frame.layout.channels)
        except av.FFmpegError:
            return


def is_mirrored(frame: Any) -> bool:
    """Return whether the display matrix flips the picture, as some selfie cameras do."""
    matrix = frame.side_data.get(Type.DISPLAYMATRIX)
    if matrix is None:
        return False
    a, b, _, c, d, *_ = struct.unpack("9i", bytes(matrix))
    return bool(a * d - b * c < 0)


main()
