"""What the studio adds to a page, as it is built."""

import gzip
import json

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from config import CHECKOUT
from tests.pages import open_personal_link
from tests.web.world import build

DIST = CHECKOUT / "static" / "dist"
MOST_BYTES = 60_000
SCRIPTS = ("recorder.js", "upload.js")

pytestmark = pytest.mark.sizeless


def test_recorder_and_uploader_stay_small() -> None:
    names = json.loads((DIST / "manifest.json").read_text())

    sizes = {name: len(gzip.compress((DIST / names[name]).read_bytes())) for name in SCRIPTS}

    assert sum(sizes.values()) <= MOST_BYTES, sizes


def test_only_the_studio_loads_them(app: Flask, session: Session) -> None:
    ours = build(session).ours
    browser = app.test_client()
    open_personal_link(browser, ours.live)
    open_personal_link(browser, ours.away)
    viewing = f"/me/{ours.live.id}/matches/{ours.match.id}"

    pages = [browser.get(path).text for path in (f"/me/{ours.away.id}", viewing)]

    assert not any(f"dist/{name[:-3]}-" in page for name in SCRIPTS for page in pages)
