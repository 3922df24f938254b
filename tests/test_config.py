"""An installation starts with good settings, or says in sentences what is wrong with them."""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from asyncnet.app import create_app
from config import CHECKOUT, SettingsError, read_settings
from tests.conftest import make_settings

pytestmark = pytest.mark.sizeless

GOOD = "b8Zk3vQ0mT5yN1wR7cXs9fLh2dPj6gUe4aKo"
PUBLIC = {
    "BASE_URL": "https://forum.example",
    "SECRET_KEY": GOOD,
    "SMTP_HOST": "smtp.forum.example",
    "MAIL_FROM": "hello@forum.example",
    "ORGANIZERS": "host@forum.example @friends.example",
}


def faults(tmp_path: Path, changes: Mapping[str, str]) -> list[str]:
    """Return the names of the settings that are complained about."""
    named = {"INSTANCE": str(tmp_path), **changes}
    try:
        read_settings({f"ASYNCNET_{name}": value for name, value in named.items()})
    except SettingsError as error:
        return [line.split()[0].removeprefix("ASYNCNET_") for line in str(error).splitlines()]
    return []


def test_one_machine_needs_no_settings_at_all(tmp_path: Path) -> None:
    settings = read_settings({"ASYNCNET_INSTANCE": str(tmp_path)})

    assert settings.base_url == "http://127.0.0.1:8000"
    assert settings.sqlite
    assert (settings.s3, settings.smtp) == (None, None)
    assert not settings.public


def test_its_secret_is_made_once_and_kept_from_others(tmp_path: Path) -> None:
    """P4, P7."""
    first = read_settings({"ASYNCNET_INSTANCE": str(tmp_path)})
    second = read_settings({"ASYNCNET_INSTANCE": str(tmp_path)})

    assert first.secret_keys == second.secret_keys
    assert len(first.secret_keys[0]) >= 64
    assert (tmp_path / "secret").stat().st_mode & 0o777 == 0o600


def test_a_public_installation_is_told_all_it_lacks_at_once(tmp_path: Path) -> None:
    """P4."""
    missing = faults(tmp_path, {"BASE_URL": "https://forum.example"})

    assert missing == ["SECRET_KEY", "SMTP_HOST", "MAIL_FROM", "ORGANIZERS"]


def test_a_public_installation_with_everything_starts(tmp_path: Path) -> None:
    assert faults(tmp_path, PUBLIC) == []


@pytest.mark.parametrize(
    "secret",
    ["", "secret", "changeme", "dev", "a" * 64, "change-me" * 2, GOOD[:31], "0123" * 10, " " * 50],
)
def test_a_bad_secret_is_refused(tmp_path: Path, secret: str) -> None:
    """P4: missing, short, a default, or one that repeats itself."""
    assert faults(tmp_path, PUBLIC | {"SECRET_KEY": secret}) == ["SECRET_KEY"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECRET_KEY_OLD", "short"),
        ("BASE_URL", "forum.example"),
        ("BASE_URL", "ftp://forum.example"),
        ("BASE_URL", "http://forum.example"),
        ("BASE_URL", "https://forum.example/network"),
        ("BASE_URL", "https://user:word@forum.example"),
        ("BASE_URL", "https://["),
        ("BASE_URL", "https://forum.example:port"),
        ("DATABASE_URL", "mysql://forum.example/x"),
        ("QUEUE_URL", "amqp://forum.example"),
        ("PROXIES", "-1"),
        ("PROXIES", "6"),
        ("PROXIES", "one"),
        ("MAX_INTRO_SECONDS", "601"),
        ("MAX_INTRO_SECONDS", "0"),
        ("MAX_INTRO_MB", "1.5"),
        ("MAX_INTRO_MB", "0"),
        ("LOG_JSON", "maybe"),
        ("SMTP_SECURITY", "ssl"),
        ("SMTP_PORT", "65536"),
        ("MAIL_FROM", "nobody"),
        ("MAIL_FROM", "a@b.example, c@d.example"),
    ],
)
def test_each_wrong_value_is_named(tmp_path: Path, name: str, value: str) -> None:
    """P4."""
    assert faults(tmp_path, PUBLIC | {name: value}) == [name]


def test_a_bucket_needs_its_keys(tmp_path: Path) -> None:
    """P4."""
    assert faults(tmp_path, {"S3_BUCKET": "intros"}) == ["S3_ACCESS_KEY", "S3_SECRET_KEY"]


def test_the_process_ends_with_a_sentence_for_every_fault(tmp_path: Path) -> None:
    """P4: as an operator sees it."""
    wrong = {"BASE_URL": "https://forum.example", "PROXIES": "many", "SECRET_KEY": "changeme"}
    ended = start(tmp_path, wrong)

    assert ended.returncode == 1
    assert ended.stdout == ""
    first, *sentences = ended.stderr.splitlines()
    assert first == "asyncnet cannot start:"
    assert [sentence.split()[0] for sentence in sentences] == [
        "ASYNCNET_SECRET_KEY",
        "ASYNCNET_SMTP_HOST",
        "ASYNCNET_MAIL_FROM",
        "ASYNCNET_ORGANIZERS",
        "ASYNCNET_PROXIES",
    ]
    assert "Traceback" not in ended.stderr
    assert "changeme" not in ended.stderr


def test_a_folder_that_cannot_be_written_is_a_sentence_too(tmp_path: Path) -> None:
    """P4."""
    (tmp_path / "file").write_text("")

    ended = start(tmp_path, {"INSTANCE": str(tmp_path / "file" / "instance")})

    assert ended.returncode == 1
    assert "ASYNCNET_INSTANCE" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_secrets_stay_out_of_what_is_printed_of_settings(tmp_path: Path) -> None:
    """S8."""
    settings = make_settings(
        tmp_path,
        **PUBLIC,
        SMTP_PASSWORD="the-mail-password",
        DATABASE_URL="postgresql://app:the-database-password@db/x",
        S3_BUCKET="intros",
        S3_ACCESS_KEY="the-access-key",
        S3_SECRET_KEY="the-storage-secret",
    )

    shown = repr(settings)

    assert "the-" not in shown
    assert GOOD not in shown


@pytest.mark.parametrize(
    ("address", "hosts"),
    [
        ("http://127.0.0.1:8000", ["127.0.0.1", "::1", "localhost"]),
        ("https://forum.example", ["forum.example"]),
    ],
)
def test_it_answers_under_its_own_names_only(
    tmp_path: Path, address: str, hosts: list[str]
) -> None:
    """S7."""
    settings = replace(make_settings(tmp_path), base_url=address)

    assert settings.hosts == hosts


def test_cookies_are_bound_to_tls_where_there_is_tls(tmp_path: Path) -> None:
    """S12."""
    plain = make_settings(tmp_path)
    secure = replace(plain, base_url="https://forum.example")

    names = [create_app(made).config["SESSION_COOKIE_NAME"] for made in (plain, secure)]

    assert names == ["asyncnet", "__Host-asyncnet"]


def start(tmp_path: Path, changes: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Start an installation as a server would; return how it ended."""
    named = {f"ASYNCNET_{name}": value for name, value in changes.items()}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ASYNCNET_")}
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", "import wsgi"],
        cwd=CHECKOUT,
        env={**kept, "ASYNCNET_INSTANCE": str(tmp_path), **named},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
