"""A commit wakes the workers, whoever has been there first, and never breaks because of it."""

from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from huey import Huey

from asyncnet.app import create_app
from asyncnet.database import db, transaction, wake
from config import Settings

QUEUES = {"mail": "mail_queue", "video": "video_queue", "plans": "plan_queue"}


def queue_of(app: Flask, name: str) -> Huey:
    return getattr(app.extensions["asyncnet"], QUEUES[name])


@pytest.mark.parametrize(
    ("name", "task"),
    [("mail", "send_a_while"), ("video", "process_a_video"), ("plans", "solve_a_plan")],
)
def test_a_commit_before_any_worker_has_run_waits_in_the_queue(
    app: Flask, name: str, task: str
) -> None:
    """CHECKLIST F17: nobody has made the queue's tables yet."""
    for _ in range(2):
        with app.app_context(), transaction() as session:
            wake(session, name)

    assert [waiting.name for waiting in queue_of(app, name).pending()] == [task, task]


def test_a_commit_stands_though_the_queue_is_out_of_reach(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """CHECKLIST F17: a minute later, the tick looks at the tables all the same."""
    nowhere = f"sqlite:///{tmp_path / 'no such folder' / 'queue.db'}"
    app = create_app(replace(settings, queue_url=nowhere))

    with app.app_context():
        with transaction() as session:
            wake(session, "mail")
        db.engine.dispose()

    assert "queue unreachable" in capsys.readouterr().err
