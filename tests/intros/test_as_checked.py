"""What plays is what was checked, whoever else can write to storage (CHECKLIST U6, F4)."""

import secrets
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from asyncnet.events.model import Participant
from asyncnet.intros.model import Intro
from asyncnet.storage.checksums import Checksums
from asyncnet.storage.port import Storage, StorageError
from asyncnet.wiring import Parts
from tests import factories
from tests.intros.people import Phone, make_participant, phone
from tests.logs import told

SENTENCE = "is not available"


@pytest.fixture
def parts(app: Flask) -> Parts:
    found: Parts = app.extensions["asyncnet"]
    return found


@pytest.fixture
def ana(session: Session) -> Participant:
    return make_participant(session)


@pytest.fixture
def browser(app: Flask, ana: Participant) -> Phone:
    return phone(app, ana)


@pytest.fixture
def intro(session: Session, ana: Participant, parts: Parts, tmp_path: Path) -> Intro:
    """Ana's ready intro, with its three files in storage."""
    made = factories.intro(session, ana)
    for name in made.files:
        put(parts.storage, f"{made.folder}/{name}", tmp_path, secrets.token_bytes(1000))
    made.checksums = parts.storage.checksums(str(made.folder))
    session.commit()
    return made


def put(storage: Storage, key: str, tmp_path: Path, content: bytes) -> None:
    source = tmp_path / "source"
    source.write_bytes(content)
    storage.put(key, source, content_type="video/mp4")


def studio(browser: Phone, ana: Participant) -> str:
    page = browser.get(f"/me/{ana.id}/intro")
    assert page.status_code == 200
    return page.text


@pytest.mark.parametrize("name", ["720p.mp4", "360p.mp4", "poster.jpg"])
def test_a_file_that_was_replaced_after_the_check_is_not_played(
    browser: Phone, ana: Participant, intro: Intro, parts: Parts, tmp_path: Path, name: str
) -> None:
    put(parts.storage, f"{intro.folder}/{name}", tmp_path, secrets.token_bytes(1000))

    with told() as log:
        page = studio(browser, ana)

    assert SENTENCE in page
    assert "<source" not in page
    assert "not as it was checked" in log.getvalue()
    assert name in log.getvalue()


def test_the_same_bytes_put_again_play(
    browser: Phone, ana: Participant, intro: Intro, parts: Parts, tmp_path: Path
) -> None:
    """Restored from a backup, for instance."""
    key = f"{intro.folder}/720p.mp4"
    parts.storage.fetch(key, tmp_path / "backup")
    put(parts.storage, key, tmp_path, (tmp_path / "backup").read_bytes())

    page = studio(browser, ana)

    assert "<source" in page
    assert SENTENCE not in page


def test_a_file_that_is_gone_is_said_to_be(
    browser: Phone, ana: Participant, intro: Intro, parts: Parts
) -> None:
    parts.storage.delete(f"{intro.folder}/360p.mp4")

    page = studio(browser, ana)
    captions = browser.get(f"/me/{ana.id}/intro/captions")

    assert SENTENCE in page
    assert SENTENCE in captions.text
    assert "captions.js" not in captions.text


@pytest.fixture
def silent(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Storage takes questions and never answers."""
    never = threading.Event()

    def wait(*_: object) -> dict[str, str]:
        never.wait(30)
        return {}

    monkeypatch.setattr(type(parts.storage), "checksums", wait)
    yield
    never.set()


@pytest.mark.usefixtures("intro", "silent")
def test_silent_storage_makes_no_page_slow(browser: Phone, ana: Participant) -> None:
    begun = time.monotonic()

    pages = [studio(browser, ana) for _ in range(4)]

    assert time.monotonic() - begun < 2.5
    assert all("<source" in page for page in pages)


@pytest.mark.usefixtures("intro")
def test_trouble_of_storage_is_no_change(
    browser: Phone, ana: Participant, parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> dict[str, str]:
        raise StorageError("gone")

    monkeypatch.setattr(type(parts.storage), "checksums", fail)

    page = studio(browser, ana)

    assert "<source" in page


def test_an_answer_is_remembered_for_a_minute(intro: Intro, parts: Parts, tmp_path: Path) -> None:
    now = 1000.0
    checksums, folder = Checksums(parts.storage, clock=lambda: now), str(intro.folder)
    first = checksums.of(folder)
    put(parts.storage, f"{folder}/720p.mp4", tmp_path, b"something else")

    now += 59
    soon = checksums.of(folder)
    now += 2
    later = checksums.of(folder)

    assert first == soon == intro.checksums
    assert later is not None
    assert later != intro.checksums
