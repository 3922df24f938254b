"""Picks the backends that the settings name, and hands them out."""

from dataclasses import dataclass
from email.utils import parseaddr

from flask import Flask, current_app
from huey import Huey, PostgresHuey, RedisHuey, SqliteHuey

from asyncnet.mail.inbox import InboxMailer
from asyncnet.mail.port import Mailer
from asyncnet.mail.smtp import SmtpMailer
from asyncnet.messages.bounces import ReturnPaths
from asyncnet.people.links import Links
from asyncnet.storage.checksums import Checksums
from asyncnet.storage.disk import DiskStorage
from asyncnet.storage.port import Storage
from asyncnet.storage.s3 import S3Storage
from config import Settings


@dataclass(frozen=True)
class Parts:
    """What an installation runs on. The queues carry wake-ups only."""

    settings: Settings
    storage: Storage
    checksums: Checksums
    mailer: Mailer
    links: Links
    mail_queue: Huey
    video_queue: Huey
    plan_queue: Huey


def wire(app: Flask, settings: Settings) -> None:
    """Build the parts and keep them with the app."""
    kept = _storage(settings)
    app.extensions["asyncnet"] = Parts(
        settings=settings,
        storage=kept,
        checksums=Checksums(kept),
        mailer=_mailer(settings),
        links=Links(
            settings.base_url, settings.secret_keys, mailbox=parseaddr(settings.mail_from)[1]
        ),
        mail_queue=_queue(settings, "mail"),
        video_queue=_queue(settings, "video"),
        plan_queue=_queue(settings, "plans"),
    )


def parts() -> Parts:
    """Return the parts of the current app."""
    wired: Parts = current_app.extensions["asyncnet"]
    return wired


def settings() -> Settings:
    return parts().settings


def storage() -> Storage:
    return parts().storage


def checksums() -> Checksums:
    return parts().checksums


def mailer() -> Mailer:
    return parts().mailer


def links() -> Links:
    return parts().links


def _storage(settings: Settings) -> Storage:
    if settings.s3:
        return S3Storage(settings.s3)
    return DiskStorage(
        settings.instance / "uploads", base_url=settings.base_url, keys=settings.secret_keys
    )


def _mailer(settings: Settings) -> Mailer:
    if settings.smtp:
        paths = ReturnPaths(settings.return_path, settings.secret_keys)
        return SmtpMailer(
            settings.smtp,
            mail_from=settings.mail_from,
            return_path=paths.of if settings.return_path else None,
        )
    return InboxMailer(settings.instance / "inbox", mail_from=settings.mail_from)


def _queue(settings: Settings, name: str) -> Huey:
    """Return a queue that has not been opened yet; its tables are made when it first is."""
    url, name = settings.queue_url, f"asyncnet-{name}"
    if url.startswith("sqlite:"):
        return SqliteHuey(
            name, results=False, create_tables=False, filename=url.removeprefix("sqlite:///")
        )
    if url.startswith("postgresql:"):
        return PostgresHuey(name, results=False, create_tables=False, dsn=url)
    return RedisHuey(name, results=False, url=url)
