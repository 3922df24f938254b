"""The site answers under its own name only (CHECKLIST S7)."""

import pytest
from flask.testing import FlaskClient

from config import Settings

FOREIGN = ("evil.example", "evil.example:8000", "127.0.0.1.evil.example", "a b", "")


@pytest.mark.parametrize("name", FOREIGN)
@pytest.mark.parametrize("path", ["/", "/healthz", "/nowhere", "/static/favicon.svg"])
def test_a_foreign_name_is_refused_in_plain_words(
    client: FlaskClient, settings: Settings, name: str, path: str
) -> None:
    """CHECKLIST S7: nothing is answered, and no link is built, for a name that is not ours."""
    answer = client.get(path, headers={"Host": name})

    assert answer.status_code == 400
    assert answer.text == f"This site is at {settings.base_url}\n"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_forwarded_name_is_not_believed_without_a_proxy(client: FlaskClient) -> None:
    """CHECKLIST S7: these headers count only from the configured number of proxies."""
    answer = client.get("/healthz", headers={"X-Forwarded-Host": "evil.example"})

    assert answer.status_code == 200
