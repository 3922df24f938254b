"""Events with one asynchronous participant, and videos for them."""

import re
import secrets
import subprocess
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import imageio_ffmpeg
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from asyncnet.events.model import Event, Participant, Round
from asyncnet.events.rules import Attendance
from asyncnet.intros.actions.consenting import CONSENT_VERSION as VERSION
from asyncnet.intros.actions.uploading import PART_BYTES
from asyncnet.storage.port import SignedRequest
from tests.storage.places import Answer, completion, send

NOW = datetime(2030, 6, 1, 12, tzinfo=UTC)


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
        rounds=[Round(number=1, starts_at=starts_at, ends_at=starts_at + timedelta(minutes=10))],
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


class Phone(FlaskClient):
    """A browser that opens the installation under its own address."""

    def open(self, *args: Any, **options: Any) -> TestResponse:
        options.setdefault("base_url", self.application.extensions["asyncnet"].settings.base_url)
        return super().open(*args, **options)

    def press(self, path: str, **fields: Any) -> TestResponse:
        """Post a form with the anti-forgery token of this browser."""
        page = self.get("/".join(path.split("/")[:3]) + "/intro").text
        found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"|data-csrf="([^"]+)"', page)
        assert found, page
        return self.post(path, data={"csrf_token": found[1] or found[2], **fields})


def phone(app: Flask, participant: Participant) -> Phone:
    """Return the browser of a participant who has opened their personal link."""
    app.test_client_class = Phone
    client = app.test_client()
    assert isinstance(client, Phone)
    answer = client.get(personal_path(app, participant))
    assert answer.status_code == 302, answer.text
    return client


def agree(client: Phone, participant_id: int) -> None:
    answer = client.press(f"/me/{participant_id}/intro/consent", agreed="y", text_version=VERSION)
    assert answer.status_code == 302, answer.text


def begin(client: Phone, participant_id: int, size: int, content_type: str = "video/mp4") -> int:
    """Open an upload as the page does; return the id of its intro."""
    answer = client.press(
        f"/me/{participant_id}/intro/uploads", size=size, content_type=content_type
    )
    assert answer.status_code == 201, answer.text
    return int(answer.get_json()["id"])


def sign(
    client: Phone, participant_id: int, intro_id: int, method: str, **step: Any
) -> TestResponse:
    """Ask for the signature of one request of the upload."""
    return client.press(
        f"/me/{participant_id}/intro/uploads/{intro_id}/sign", method=method, **step
    )


def send_signed(client: Phone, signed: TestResponse, method: str, body: bytes = b"") -> Answer:
    """Make a signed request, to our own routes or to S3, as the address says."""
    assert signed.status_code == 200, signed.text
    answer = signed.get_json()
    if "parts" in answer:
        answer = next(iter(answer["parts"].values()))
    own = client.application.extensions["asyncnet"].settings.base_url
    if not answer["url"].startswith(own):
        return send(SignedRequest(answer["url"], answer["headers"]), method, body)
    response = client.open(answer["url"].removeprefix(own), method=method, data=body)
    return Answer(response.status_code, response.headers, response.data)


def send_file(client: Phone, participant_id: int, intro_id: int, data: bytes) -> None:
    """Send a whole file in parts and complete it, without telling anybody that it arrived."""
    step = partial(sign, client, participant_id, intro_id)
    upload_id = send_signed(client, step("POST"), "POST").upload_id
    etags = []
    for number, start in enumerate(range(0, len(data), PART_BYTES), start=1):
        part = data[start : start + PART_BYTES]
        signed = step("PUT", upload_id=upload_id, part_number=number)
        etags.append(send_signed(client, signed, "PUT", part).etag)
    done = send_signed(client, step("POST", upload_id=upload_id), "POST", completion(etags))
    assert done.status == 200, done


def upload(client: Phone, participant_id: int, data: bytes) -> int:
    """Send a whole file and say that it arrived; return the id of its intro."""
    intro_id = begin(client, participant_id, len(data))
    send_file(client, participant_id, intro_id, data)
    answer = arrive(client, participant_id, intro_id)
    assert answer.get_json() == {"state": "uploaded"}
    return intro_id


def arrive(client: Phone, participant_id: int, intro_id: int, **fields: Any) -> TestResponse:
    return client.press(f"/me/{participant_id}/intro/uploads/{intro_id}/arrived", **fields)
