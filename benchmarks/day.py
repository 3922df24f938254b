"""What 800 open pages cost during an event, how soon they show a round, and what one weighs.

The server is a real one in a process of its own; the pages are as many clients that ask over
HTTP as `now.js` does. Only the server's processor time counts.
"""

import asyncio
import gzip
import multiprocessing
import random
import re
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from tempfile import TemporaryDirectory
from typing import Any

import flask_migrate
import psutil
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event as engine_event
from sqlalchemy import insert
from waitress.server import create_server

from asyncnet.app import create_app
from asyncnet.audit.actions import SYSTEM
from asyncnet.clock import utc_now
from asyncnet.commands.run import WAITRESS
from asyncnet.database import db, transaction
from asyncnet.events.actions.making import EventPlan, make_event
from asyncnet.events.actions.turning import turn_clock
from asyncnet.events.clock import Turn
from asyncnet.events.model import Event, Participant
from asyncnet.events.rules import Attendance
from asyncnet.matches.actions import give_rooms
from asyncnet.matches.model import Match, MatchState
from asyncnet.people.actions import remember_participant
from asyncnet.people.model import Person
from config import Settings, read_settings

PAGES = 800
EVERY = 5.0
"""Seconds between two questions of one page; a page takes up to a tenth less."""
WATCHED_FOR = 30.0
MOST_CORES = 0.25
MOST_SECONDS = 6.0
MOST_BYTES = 50_000
MOST_QUERIES = 8


@dataclass
class Page:
    """One open page: whose, with which cookie, and what it shows."""

    participant_id: int
    cookie: str
    tag: str = 'W/"none"'
    fresh_at: float = 0.0
    answers: dict[int, int] = field(default_factory=dict)


def main() -> None:
    """Print the three figures of the round page beside what was promised."""
    with TemporaryDirectory() as name:
        settings = read_settings({"ASYNCNET_INSTANCE": name, "ASYNCNET_LOG_JSON": "yes"})
        app, event_id, pages = _set_up(settings)
        with _server(settings) as (port, process):
            asyncio.run(_watch(app, event_id, pages, port, process))
        _weigh(app, pages[0])


async def _watch(
    app: Flask, event_id: int, pages: list[Page], port: int, process: psutil.Process
) -> None:
    tasks = [asyncio.create_task(_stay_open(page, port)) for page in pages]
    await asyncio.sleep(2 * EVERY)  # everybody has the page, and the caches are warm
    before, asked = _cpu(process), _asked(pages)
    await asyncio.sleep(WATCHED_FOR)
    cores = (_cpu(process) - before) / WATCHED_FOR
    count = _asked(pages) - asked
    print(
        f"{PAGES} pages ask every {EVERY:.0f} s        {cores:5.2f} cores, "
        f"{count / WATCHED_FOR:.0f} /s, {1000 * cores * WATCHED_FOR / count:.2f} CPU-ms each "
        f"(at most {MOST_CORES}) {'ok' if cores < MOST_CORES else 'ABOVE'}"
    )
    began_at = time.monotonic()
    await asyncio.to_thread(_begin_round, app, event_id)
    while any(page.fresh_at < began_at for page in pages) and time.monotonic() < began_at + 60:
        await asyncio.sleep(0.05)
    waits = sorted(page.fresh_at - began_at for page in pages)
    half = waits[PAGES // 2]
    print(
        f"round 1 begins on {PAGES} pages     last {waits[-1]:.1f} s, half {half:.1f} s "
        f"(at most {MOST_SECONDS:.0f}) {'ok' if 0 < waits[-1] < MOST_SECONDS else 'ABOVE'}"
    )
    for task in tasks:
        task.cancel()
    told = Counter[int]()
    for page in pages:
        told.update(page.answers)
    print(f"answers by status                {dict(told)}")


async def _stay_open(page: Page, port: int) -> None:
    """Ask as an open page does, for ever."""
    await asyncio.sleep(random.random() * EVERY)
    while True:
        status, tag = await _ask(page, port)
        page.answers[status] = page.answers.get(status, 0) + 1
        if status == 200:
            page.tag, page.fresh_at = tag, time.monotonic()
        pause = EVERY * random.uniform(0.9, 1.0)
        await asyncio.sleep(pause)


async def _ask(page: Page, port: int) -> tuple[int, str]:
    """Return status and tag of one answer, read to its end."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(
            f"GET /me/{page.participant_id}/now HTTP/1.1\r\nHost: 127.0.0.1:8000\r\n"
            f"Cookie: {page.cookie}\r\nIf-None-Match: {page.tag}\r\n"
            "Accept: */*\r\nSec-Fetch-Site: same-origin\r\n\r\n".encode()
        )
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        status = int(head.split(" ", 2)[1])
        length = re.search(r"(?i)content-length: (\d+)", head)
        if status != 304 and length:
            await reader.readexactly(int(length.group(1)))
        writer.close()
    except (OSError, asyncio.IncompleteReadError):
        return 0, ""
    tag = re.search(r"(?i)etag: (\S+)", head)
    return status, tag.group(1) if tag else ""


def _begin_round(app: Flask, event_id: int) -> None:
    """Do what the organizer's button does, in another process than the server's."""
    with app.app_context(), transaction() as session:
        event = session.get_one(Event, event_id)
        turn_clock(
            session, event, Turn.BEGIN, by=timedelta(0), version=event.clock_version,
            form_key="bench", actor=SYSTEM, now=utc_now(),
        )  # fmt: skip


def _weigh(app: Flask, page: Page) -> None:
    """Print what one first view of the page transfers, and how much it asks the database."""
    client, seen = _client_of(app, page), []
    with app.app_context():
        engine = db.engine
    engine_event.listen(engine, "before_cursor_execute", lambda *told: seen.append(told[2]))
    base = "http://127.0.0.1:8000"
    html = client.get(f"/me/{page.participant_id}", base_url=base).text
    queries = [sql for sql in seen if sql.startswith("SELECT")]
    assets = sorted(set(re.findall(r'(?:href|src)="(/static/[^"]+)"', html)))
    sizes = {"page": len(html.encode())}
    sizes |= {path.rpartition("/")[2]: len(client.get(path, base_url=base).data) for path in assets}
    total = sum(sizes.values())
    packed = len(gzip.compress(html.encode())) + sum(
        len(gzip.compress(client.get(path, base_url=base).data)) for path in assets
    )
    listed = ", ".join(f"{name} {size:,}" for name, size in sizes.items())
    print(
        f"first view of the round page    {total:,} bytes as they are, {packed:,} packed "
        f"(at most {MOST_BYTES:,}) {'ok' if total < MOST_BYTES else 'ABOVE'}: {listed}"
    )
    print(
        f"                                {len(queries)} queries (under {MOST_QUERIES}) "
        f"{'ok' if len(queries) < MOST_QUERIES else 'ABOVE'}"
    )


def _client_of(app: Flask, page: Page) -> FlaskClient:
    client = app.test_client()
    client.set_cookie("asyncnet", page.cookie.partition("=")[2], domain="127.0.0.1")
    return client


def _set_up(settings: Settings) -> tuple[Flask, int, list[Page]]:
    """Make an event of many people, each with somebody to meet in every round."""
    app = create_app(settings)
    now = utc_now()
    with app.app_context():
        flask_migrate.upgrade()
        with transaction() as session:
            person = Person(email="host@example.org", created_at=now)
            session.add(person)
            session.flush()
            said = EventPlan(
                "Benchmark", "Many people meet.", "Europe/Berlin", now + timedelta(hours=1), 4,
                timedelta(minutes=5), timedelta(minutes=2), "09:00", 90,
            )  # fmt: skip
            made = make_event(session, person.id, said, form_key="x", actor=SYSTEM, now=now)
            made.published_at = now
            crowd = [
                Participant(
                    event_id=made.id, name=f"Person {n}", email=f"p{n}@example.org",
                    zone="Asia/Tokyo", attendance=Attendance.LIVE, registered_at=now,
                    greeting="I count eelgrass, and people who count it.",
                )
                for n in range(PAGES)
            ]  # fmt: skip
            session.add_all(crowd)
            session.flush()
            ids = [one.id for one in crowd]
            reasons = ["You both count eelgrass.", "One asks what the other knows."]
            rows = []
            for slot in made.rounds:
                shift = 2 * slot.number - 1
                for n in range(0, PAGES, 2):
                    first, second = sorted((ids[n], ids[(n + shift) % PAGES]))
                    rows.append(
                        {
                            "event_id": made.id, "round_id": slot.id, "first_id": first,
                            "second_id": second, "state": MatchState.PUBLISHED,
                            "pinned": False, "first_reasons": reasons,
                            "second_reasons": reasons, "created_at": now,
                        }
                    )  # fmt: skip
            session.execute(insert(Match), rows)
            give_rooms(session, made.id)
            keys = {
                who: remember_participant(session, who, 1, actor=SYSTEM, now=now) for who in ids
            }
            event_id = made.id
        serializer = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]
        cookies = {
            who: serializer.dumps({"personal": {str(who): key}, "_permanent": True})
            for who, key in keys.items()
        }
    return app, event_id, [Page(who, f"asyncnet={cookie}") for who, cookie in cookies.items()]


@contextmanager
def _server(settings: Settings) -> Iterator[tuple[int, psutil.Process]]:
    """Serve the app as `flask start web` does, in a process of its own."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(settings, theirs), daemon=True)
    process.start()
    yield ours.recv(), psutil.Process(process.pid)
    process.terminate()


def _serve(settings: Settings, pipe: "multiprocessing.connection.Connection[int, int]") -> None:
    server: Any = create_server(create_app(settings), listen="127.0.0.1:0", threads=8, **WAITRESS)
    pipe.send(server.effective_port)
    server.run()


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _asked(pages: list[Page]) -> int:
    return sum(sum(page.answers.values()) for page in pages)


if __name__ == "__main__":
    main()
