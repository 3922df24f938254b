"""Makes the films of the tests with ffmpeg; looks with another reader at what became of them."""

import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av
import imageio_ffmpeg

FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()
SAMPLES = Path(__file__).parent.parent / "data" / "samples"

PICTURE = ("-f", "lavfi", "-i", "testsrc2=s=320x240:r=30:d=2")
TONE = ("-f", "lavfi", "-i", "sine=f=500:d=2:r=48000")
SOFT_H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")


def film(path: Path, *args: str | Path) -> Path:
    """Return `path`, made by ffmpeg with `args`; its own picture and tone when there are none."""
    given = args or (*PICTURE, *TONE, *SOFT_H264, "-c:a", "aac")
    ffmpeg(*given, path)
    return path


def ffmpeg(*args: str | Path) -> str:
    """Run ffmpeg and return its log."""
    command = [FFMPEG, "-hide_banner", "-nostdin", "-nostats", "-y", *map(str, args)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stderr


def picture(size: str = "320x240", *, rate: str = "30", seconds: float = 1) -> tuple[str, ...]:
    """Return the input options of a moving test picture."""
    return ("-f", "lavfi", "-i", f"testsrc2=s={size}:r={rate}:d={seconds}")


@dataclass(frozen=True)
class Look:
    """What a reader other than ours finds in a film."""

    video: str
    profile: str
    pixels: str
    width: int
    height: int
    rotation: int
    times: list[float] = field(repr=False)
    """When each picture is shown, in seconds."""
    audio: str | None
    channels: int | None
    audio_seconds: float
    streams: list[str]
    metadata: dict[str, str]

    @property
    def size(self) -> tuple[int, int]:
        return self.width, self.height


def look(path: Path) -> Look:
    """Decode a whole film and return what was seen and heard."""
    with av.open(str(path)) as opened:
        [video] = opened.streams.video
        frames = list(opened.decode(video))
        sound: list[Any] = []
        if opened.streams.audio:
            opened.seek(0)
            sound = list(opened.decode(opened.streams.audio[0]))
        metadata = dict(opened.metadata)
        for stream in opened.streams:
            metadata |= stream.metadata
        return Look(
            video=video.codec_context.name,
            profile=str(video.profile),
            pixels=frames[0].format.name,
            width=frames[0].width,
            height=frames[0].height,
            rotation=frames[0].rotation,
            times=[float(frame.time) for frame in frames],
            audio=opened.streams.audio[0].codec_context.name if sound else None,
            channels=opened.streams.audio[0].channels if sound else None,
            audio_seconds=sum(frame.samples / frame.sample_rate for frame in sound),
            streams=[stream.type for stream in opened.streams],
            metadata=metadata,
        )


def colour_at(path: Path, across: float, down: float, *, at: float = 0.5) -> tuple[int, int, int]:
    """Return red, green and blue of one point, as shares of width and height, `at` seconds."""
    command = [FFMPEG, "-v", "error", "-ss", str(at), "-i", str(path), "-frames:v", "1"]
    crop = f"crop=2:2:iw*{across}:ih*{down},scale=1:1"
    raw = subprocess.run(
        [*command, "-vf", crop, "-f", "rawvideo", "-pix_fmt", "rgb24", "-"],
        capture_output=True,
        check=True,
    ).stdout
    red, green, blue = raw
    return red, green, blue


def boxes(path: Path) -> list[str]:
    """Return the kinds of an MP4's top-level boxes, in order."""
    data, at, kinds = path.read_bytes(), 0, []
    while at < len(data):
        kinds.append(data[at + 4 : at + 8].decode("latin-1"))
        at += int.from_bytes(data[at : at + 4]) or len(data)
    return kinds
