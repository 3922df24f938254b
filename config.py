"""What an installation is told from outside, read once and checked before anything starts."""

import os
import re
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

PREFIX = "ASYNCNET_"
SECRET_CHARACTERS = 32
LONGEST_RETURN_NAME = 18
"""An address has 64 characters before its @; ours add 46 to tell one mail from another."""
LOOPBACK = {"localhost", "127.0.0.1", "::1"}
MAILBOX = re.compile(r"[^@\s,;<>\"]+@[^@\s,;<>\"]+")
CHECKOUT = Path(__file__).parent


class SettingsError(Exception):
    """Names every missing or wrong value at once, one a line."""


@dataclass(frozen=True)
class S3Settings:
    """Where videos live when they do not live on the local disk."""

    bucket: str
    endpoint_url: str | None
    public_endpoint_url: str | None
    region: str
    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    path_style: bool


@dataclass(frozen=True)
class SmtpSettings:
    """The mail server that takes our mail. `security` is none, starttls or tls."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    security: str


@dataclass(frozen=True)
class Settings:
    """Everything that differs between installations.

    `secret_keys` holds the signing secrets, the newest first; the others are only believed,
    never signed with, so that a secret can be changed without ending anybody's session.
    `s3` is None when uploads live under `instance`; `smtp` is None when mail lands in the
    development inbox. `return_path` is the mailbox that bounces come to, with a tag for each
    mail; empty when they go to `mail_from`. `bounce_token` is what a mail provider shows when
    it posts delivery reports; empty when none may. `organizers` holds addresses and `@domains` that
    may make events here; `*` lets anybody. `zoom_rooms` and `zoom_people` are how many breakout
    rooms, and people in them, a Zoom meeting takes from a file.
    """

    instance: Path
    base_url: str
    secret_keys: tuple[str, ...] = field(repr=False)
    database_url: str = field(repr=False)
    queue_url: str = field(repr=False)
    s3: S3Settings | None
    smtp: SmtpSettings | None
    mail_from: str
    return_path: str
    bounce_token: str = field(repr=False)
    organizers: tuple[str, ...]
    proxies: int
    max_intro_seconds: int
    max_intro_bytes: int
    zoom_rooms: int
    zoom_people: int
    log_json: bool
    testing: bool = False
    playback_valid_for: timedelta = timedelta(minutes=10)
    signature_valid_for: timedelta = timedelta(minutes=15)

    @property
    def public(self) -> bool:
        """True when the base URL names a host that others can reach."""
        return (urlsplit(self.base_url).hostname or "") not in LOOPBACK

    @property
    def hosts(self) -> list[str]:
        """The names under which this installation answers (CHECKLIST S7)."""
        own = urlsplit(self.base_url).hostname or ""
        return [own] if self.public else sorted(LOOPBACK)

    @property
    def own_host(self) -> str:
        """Host and port as the base URL names them."""
        return urlsplit(self.base_url).netloc

    @property
    def secure(self) -> bool:
        """True when pages travel over TLS, so that cookies may be bound to it."""
        return self.base_url.startswith("https://")

    @property
    def sqlite(self) -> bool:
        return self.database_url.startswith("sqlite:")


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Return the settings that the environment names, with local defaults for one machine.

    A base URL on this machine makes a development installation: its secret is made on first
    use and its mail lands in the inbox page. Any other base URL must bring a secret, a mail
    server and the list of organizers. Raises SettingsError naming every fault.
    """
    reader = _Reader(environ)
    instance = Path(reader.text("INSTANCE", str(CHECKOUT / "instance"))).resolve()
    base_url = reader.base_url("BASE_URL", "http://127.0.0.1:8000")
    public = (urlsplit(base_url).hostname or "") not in LOOPBACK
    database_url = _with_driver(
        reader.text("DATABASE_URL", f"sqlite:///{instance / 'asyncnet.db'}")
    )
    if not database_url.startswith(("sqlite:///", "postgresql+psycopg://")):
        reader.fault("DATABASE_URL", "must start with sqlite:/// or postgresql://")
    queue_default = (
        _without_driver(database_url)
        if database_url.startswith("postgresql")
        else f"sqlite:///{instance / 'queue.db'}"
    )
    settings = Settings(
        instance=instance,
        base_url=base_url,
        secret_keys=_secret_keys(reader, instance, public=public),
        database_url=database_url,
        queue_url=_queue_url(reader, queue_default),
        s3=_s3(reader),
        smtp=_smtp(reader, required=public),
        mail_from=reader.mailbox(
            "MAIL_FROM", "" if public else "asyncnet@localhost.localdomain", required=public
        ),
        return_path=_return_path(reader),
        bounce_token=_bounce_token(reader),
        organizers=tuple(
            reader.text("ORGANIZERS", "" if public else "*", required=public)
            .lower()
            .replace(",", " ")
            .split()
        ),
        proxies=reader.number("PROXIES", 0, at_least=0, at_most=5),
        max_intro_seconds=reader.number("MAX_INTRO_SECONDS", 90, at_most=600),
        max_intro_bytes=reader.number("MAX_INTRO_MB", 300, at_most=5000) * 1_000_000,
        zoom_rooms=reader.number("ZOOM_ROOMS", 100, at_most=1000),
        zoom_people=reader.number("ZOOM_PEOPLE", 1000, at_most=100_000),
        log_json=reader.truth("LOG_JSON", public),
    )
    reader.finish()
    return settings


class _Reader:
    """Reads values by name and collects what is wrong with them."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = environ
        self.faults: list[str] = []

    def fault(self, name: str, sentence: str) -> None:
        self.faults.append(f"{PREFIX}{name} {sentence}.")

    def text(self, name: str, default: str, *, required: bool = False) -> str:
        value = self.environ.get(PREFIX + name, "").strip() or default
        if required and not value:
            self.fault(name, "is missing")
        return value

    def base_url(self, name: str, default: str) -> str:
        """Return scheme, host and port of a site, without a slash at the end."""
        value = self.text(name, default).rstrip("/")
        try:
            parts = urlsplit(value)
            whole = f"{parts.scheme}://{parts.netloc}" == value and "@" not in parts.netloc
            local = parts.hostname in LOOPBACK
            usable = whole and bool(parts.hostname) and (parts.port is None or parts.port > 0)
        except ValueError:
            usable = local = False
        if not usable or parts.scheme not in {"http", "https"}:
            self.fault(name, f"must be an address like https://forum.example, not {value!r}")
            return default
        if not local and parts.scheme != "https":
            self.fault(name, "must start with https:// unless it names this machine")
        return value

    def mailbox(self, name: str, default: str, *, required: bool) -> str:
        value = self.text(name, default, required=required)
        if value and not MAILBOX.fullmatch(value):
            self.fault(name, f"must be one e-mail address like hello@forum.example, not {value!r}")
        return value

    def number(self, name: str, default: int, *, at_least: int = 1, at_most: int) -> int:
        value = self.text(name, str(default))
        if not value.isdecimal() or not at_least <= int(value) <= at_most:
            self.fault(name, f"must be a whole number from {at_least} to {at_most}, not {value!r}")
            return default
        return int(value)

    def truth(self, name: str, default: bool) -> bool:
        value = self.text(name, "yes" if default else "no").lower()
        if value not in {"yes", "no"}:
            self.fault(name, f"must be yes or no, not {value!r}")
        return value == "yes"

    def one_of(self, name: str, default: str, choices: set[str]) -> str:
        value = self.text(name, default)
        if value not in choices:
            self.fault(name, f"must be one of {', '.join(sorted(choices))}, not {value!r}")
        return value

    def finish(self) -> None:
        if self.faults:
            raise SettingsError("\n".join(self.faults))


def _secret_keys(reader: _Reader, instance: Path, *, public: bool) -> tuple[str, ...]:
    newest = reader.text("SECRET_KEY", "", required=public)
    if not newest and not public:
        try:
            newest = _development_secret(instance)
        except OSError as error:
            reader.fault(
                "INSTANCE", f"must be a folder to write in, not {str(instance)!r}: {error}"
            )
    older = reader.text("SECRET_KEY_OLD", "")
    named = {"SECRET_KEY": newest, "SECRET_KEY_OLD": older}
    keys = {name: key for name, key in named.items() if key}
    for name, key in keys.items():
        if len(key) < SECRET_CHARACTERS or len(set(key)) < SECRET_CHARACTERS // 4:
            reader.fault(
                name,
                f"must be {SECRET_CHARACTERS} random characters or more; make one with "
                "python3 -c 'import secrets; print(secrets.token_urlsafe(48))'",
            )
    return tuple(keys.values())


def _development_secret(instance: Path) -> str:
    """Return this machine's own secret, made on first use and readable by its owner alone."""
    instance.mkdir(parents=True, exist_ok=True)
    path = instance / "secret"
    with suppress(FileExistsError):
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(48))
    return path.read_text()


def _queue_url(reader: _Reader, default: str) -> str:
    value = _without_driver(reader.text("QUEUE_URL", default))
    if not value.startswith(("sqlite:///", "postgresql://", "redis://", "rediss://")):
        reader.fault("QUEUE_URL", "must start with sqlite:///, postgresql:// or redis://")
    return value


def _s3(reader: _Reader) -> S3Settings | None:
    bucket = reader.text("S3_BUCKET", "")
    if not bucket:
        return None
    endpoint_url = reader.text("S3_ENDPOINT_URL", "") or None
    return S3Settings(
        bucket=bucket,
        endpoint_url=endpoint_url,
        public_endpoint_url=reader.text("S3_PUBLIC_ENDPOINT_URL", "") or endpoint_url,
        region=reader.text("S3_REGION", "us-east-1"),
        access_key=reader.text("S3_ACCESS_KEY", "", required=True),
        secret_key=reader.text("S3_SECRET_KEY", "", required=True),
        path_style=reader.truth("S3_PATH_STYLE", endpoint_url is not None),
    )


def _return_path(reader: _Reader) -> str:
    mailbox = reader.text("RETURN_PATH", "")
    local, at, domain = mailbox.partition("@")
    if mailbox and not (at and domain and 0 < len(local) <= LONGEST_RETURN_NAME):
        reader.fault(
            "RETURN_PATH",
            "must be a mailbox like bounces@forum.example, with at most "
            f"{LONGEST_RETURN_NAME} characters before the @, since we add +… to it",
        )
    return mailbox


def _bounce_token(reader: _Reader) -> str:
    token = reader.text("BOUNCE_TOKEN", "")
    if token and len(token) < SECRET_CHARACTERS:
        reader.fault("BOUNCE_TOKEN", f"must be {SECRET_CHARACTERS} random characters or more")
    return token


def _smtp(reader: _Reader, *, required: bool) -> SmtpSettings | None:
    host = reader.text("SMTP_HOST", "", required=required)
    if not host:
        return None
    security = reader.one_of("SMTP_SECURITY", "starttls", {"none", "starttls", "tls"})
    return SmtpSettings(
        host=host,
        port=reader.number("SMTP_PORT", 465 if security == "tls" else 587, at_most=65535),
        user=reader.text("SMTP_USER", ""),
        password=reader.text("SMTP_PASSWORD", ""),
        security=security,
    )


def _with_driver(url: str) -> str:
    for scheme in ("postgres://", "postgresql://"):
        if url.startswith(scheme):
            return "postgresql+psycopg://" + url.removeprefix(scheme)
    return url


def _without_driver(url: str) -> str:
    return url.replace("postgresql+psycopg://", "postgresql://", 1)
