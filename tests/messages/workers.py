"""Workers in processes of their own, which tests may kill at any moment."""

import multiprocessing
import os
from collections.abc import Callable
from datetime import datetime
from multiprocessing.process import BaseProcess

from flask import Flask
from sqlalchemy import event

from asyncnet.app import create_app
from asyncnet.database import db
from asyncnet.mail.smtp import SmtpMailer
from asyncnet.messages.bounces import ReturnPaths
from asyncnet.messages.drain import drain
from config import Settings, SmtpSettings
from tests.messages.mails import compose

_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(["asyncnet"])


def start_worker(
    settings: Settings,
    smtp: SmtpSettings,
    now: datetime,
    *,
    dies_at: int | None = None,
    reports: bool = False,
) -> BaseProcess:
    """Start a process that drains once, everything happening at `now`; it may ask for `reports`.

    `dies_at` ends it, as kill -9 would, just before that commit or statement, counted from 0.
    """
    worker = _PROCESSES.Process(
        target=_work, args=(settings, smtp, now, dies_at, reports), daemon=True
    )
    worker.start()
    return worker


def _work(
    settings: Settings, smtp: SmtpSettings, now: datetime, dies_at: int | None, reports: bool
) -> None:
    app = create_app(settings)
    with app.app_context():
        if dies_at is not None:
            _die_before_statement(app, dies_at)
        paths = ReturnPaths("bounces@forum.example", settings.secret_keys)
        mailer = SmtpMailer(
            smtp, mail_from="hello@forum.example", return_path=paths.of if reports else None
        )
        drain(mailer, compose, clock=lambda: now)
        db.engine.dispose()


def _die_before_statement(app: Flask, number: int) -> None:
    left = number

    def count(*_: object) -> None:
        nonlocal left
        if left == 0:
            os._exit(9)
        left -= 1

    watched: Callable[..., None] = count
    for moment in ("before_cursor_execute", "commit"):
        event.listen(db.engine, moment, watched)
