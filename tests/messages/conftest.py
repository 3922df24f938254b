"""The installation of a test, visited under its own name."""

from urllib.parse import urlsplit

import pytest
from flask import Flask

from config import Settings


@pytest.fixture
def app(app: Flask, settings: Settings) -> Flask:
    """The app, with a test client that calls it by the host of its base URL."""
    app.config["SERVER_NAME"] = urlsplit(settings.base_url).netloc
    return app
