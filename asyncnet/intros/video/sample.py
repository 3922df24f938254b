"""A small video of our own making, where somebody's face would be: for demos and sample events."""

import subprocess
from pathlib import Path

import imageio_ffmpeg


class NoSample(Exception):
    """ffmpeg could not make the video; the message says why."""


def make_sample(path: Path, *, seconds: int) -> None:
    """Write a moving 720p video with sound at `path`. Raises NoSample."""
    try:
        subprocess.run(  # noqa: S603 - our own words only
            [
                *(imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y"),
                *("-f", "lavfi", "-i", f"gradients=s=1280x720:d={seconds}:speed=0.02:n=4:rate=30"),
                *("-f", "lavfi", "-i", f"sine=frequency=220:duration={seconds}"),
                *("-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p"),
                *("-c:a", "aac", "-shortest", str(path)),
            ],
            check=True,
            capture_output=True,
            text=True,
        )
    except subprocess.CalledProcessError as error:
        said = f"ffmpeg ended with {error.returncode}. {error.stderr}".strip()
        raise NoSample(said) from error
    except (OSError, RuntimeError) as error:
        raise NoSample(f"ffmpeg could not be started: {error}") from error
