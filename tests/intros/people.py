"""Events with one asynchronous participant, and videos for them."""

import secrets
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import imageio_ffmpeg
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from asyncnet.events.model import Event, Participant
from asyncnet.events.rules import Attendance

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


def make_participant(
    session: Session, *, starts_at: datetime = NOW + timedelta(days=7)
) -> Participant:
    """Return a committed asynchronous participant in Sydney, of an event in Berlin."""
    event = Event(
        title="Tide pools",
        zone="Europe/Berlin",
        starts_at=starts_at,
        ends_at=starts_at + timedelta(hours=3),
        registration_key=secrets.token_urlsafe(16),
        form_key=secrets.token_urlsafe(16),
        created_at=NOW,
    )
    participant = Participant(
        event=event,
        name="Ana Torres",
        email=f"{secrets.token_hex(4)}@example.org",
        zone="Australia/Sydney",
        attendance=Attendance.ASYNC,
        registered_at=NOW,
    )
    session.add_all([event, participant])
    session.commit()
    return participant


def personal_path(app: Flask, participant: Participant) -> str:
    """Return the path of a participant's personal link."""
    links = app.extensions["asyncnet"].links
    address: str = links.personal(participant.id, participant.link_version)
    return address.removeprefix(links.base_url)


def come_in(client: FlaskClient, participant: Participant) -> None:
    """Open the personal link, as its owner would from the mail."""
    answer = client.get(personal_path(client.application, participant))
    assert answer.status_code == 302, answer.text


def make_video(path: Path, *, seconds: float = 3, megabits: float = 1, padding: int = 0) -> Path:
    """Write a playable MP4 with sound, so many megabits a second of it.

    `padding` bytes are added that no player looks at.
    """
    subprocess.run(
        [
            imageio_ffmpeg.get_ffmpeg_exe(),
            *("-v", "error", "-y"),
            *("-f", "lavfi", "-i", f"testsrc2=size=640x360:rate=30:duration={seconds}"),
            *("-f", "lavfi", "-i", f"sine=frequency=440:duration={seconds}"),
            *("-vf", "noise=alls=40:allf=t", "-b:v", f"{megabits}M", "-maxrate", f"{megabits}M"),
            *("-bufsize", f"{megabits}M"),
            *("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"),
            *("-c:a", "aac", "-shortest", "-f", "mp4", str(path)),
        ],
        check=True,
    )
    if padding:
        with path.open("ab") as file:
            file.write((padding + 8).to_bytes(4, "big") + b"free" + secrets.token_bytes(padding))
    return path
