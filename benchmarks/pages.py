"""How quick the pages are, against a bare hello of the same server in the same minute."""

import http.client
import multiprocessing
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlencode

import flask_migrate
import psutil
from flask import Flask
from sqlalchemy import event
from waitress.server import create_server

from asyncnet.app import create_app
from asyncnet.audit.actions import SYSTEM
from asyncnet.clock import utc_now
from asyncnet.database import db, transaction
from asyncnet.events.actions.making import EventPlan, make_event
from asyncnet.events.actions.registering import Profile, register
from asyncnet.events.rules import Attendance
from asyncnet.matches.actions import give_rooms
from asyncnet.matches.model import Match
from asyncnet.people.actions import remember_participant
from asyncnet.people.model import Person
from config import Settings, read_settings

SECONDS = 2.0
CONNECTIONS = 4
WINDOWS = 3
CROWD = 500


@dataclass(frozen=True)
class Rate:
    """What one kind of request reached."""

    per_second: float
    cpu_ms: float


def main() -> None:
    """Print the ratio of every promised page to the hello."""
    with TemporaryDirectory() as name:
        settings = read_settings({"ASYNCNET_INSTANCE": name, "ASYNCNET_LOG_JSON": "yes"})
        targets = _set_up(settings)
        with _server(settings) as (port, process):
            _show("hello", hello := _rate(port, process, lambda: ("GET", "/hello-bare", "", "")))
            for words, floor, request in targets:
                rate = _rate(port, process, request)
                ratio = rate.per_second / hello.per_second
                mark = "ok" if ratio >= floor else "BELOW"
                _show(words, rate, f"{ratio:.2f} x hello (to reach {floor:.2f}) {mark}")
        _count_queries(settings, targets)


def _show(words: str, rate: Rate, ratio: str = "") -> None:
    print(f"{words:<28} {rate.per_second:7.0f} /s  {rate.cpu_ms:6.2f} CPU-ms  {ratio}")


Request = Callable[[], tuple[str, str, str, str]]
"""Returns method, path, cookie and body of the next request."""


def _set_up(settings: Settings) -> list[tuple[str, float, Request]]:
    """Make an event of many people; return what is asked for, and the floor of each."""
    app = create_app(settings)
    now = utc_now()
    with app.app_context():
        flask_migrate.upgrade()
        with transaction() as session:
            person = Person(email="host@example.org", created_at=now)
            session.add(person)
            session.flush()
            said = EventPlan(
                "Benchmark", "", "Europe/Berlin", now, 4, timedelta(minutes=5),
                timedelta(minutes=2), "09:00", 90,
            )  # fmt: skip
            made = make_event(session, person.id, said, form_key="x", actor=SYSTEM, now=now)
            crowd = [
                register(
                    session,
                    made.id,
                    Profile(f"Person {n}", f"p{n}@example.org", "Asia/Tokyo",
                            Attendance.ASYNC if n % 5 == 0 else Attendance.LIVE),
                    consent=True, actor=SYSTEM, now=now,
                )
                for n in range(CROWD)
            ]  # fmt: skip
            for slot in made.rounds:
                for n in range(1, CROWD, 5):
                    partner = crowd[(n - 1 + 5 * slot.number) % CROWD]
                    first, second = sorted((crowd[n].id, partner.id))
                    session.add(
                        Match(event_id=made.id, round_id=slot.id, first_id=first,
                              second_id=second, created_at=now)
                    )  # fmt: skip
            session.flush()
            give_rooms(session, made.id)
            made.published_at = now
            viewer = crowd[1].id
            key = remember_participant(session, viewer, 1, actor=SYSTEM, now=now)
    client = app.test_client()
    base = settings.base_url
    with client.session_transaction(base_url=base) as cookies:
        cookies["personal"] = {str(viewer): key}
    page = f"/me/{viewer}"
    form = re.findall(r'href="(/me/\d+/matches/\d+)"', client.get(page, base_url=base).text)[0]
    html = client.get(form, base_url=base).text
    cookie = f"asyncnet={client.get_cookie('asyncnet', domain='127.0.0.1').value}"  # type: ignore[union-attr]
    token = re.findall(r'name="csrf_token"[^>]*value="([^"]+)"', html)[0]
    field = re.findall(r'<textarea[^>]*name="(q\d+)"', html)[0]
    body = urlencode({"csrf_token": token, field: "We should talk about reefs."})
    return [
        ("personal page", 0.20, lambda: ("GET", page, cookie, "")),
        ("match form", 0.20, lambda: ("GET", form, cookie, "")),
        ("match form sent, committed", 0.10, lambda: ("POST", form, cookie, body)),
    ]


@contextmanager
def _server(settings: Settings) -> Iterator[tuple[int, psutil.Process]]:
    """Serve the app and the bare hello from one waitress in a process of its own."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(settings, theirs), daemon=True)
    process.start()
    yield ours.recv(), psutil.Process(process.pid)
    process.terminate()


def _serve(settings: Settings, pipe: "multiprocessing.connection.Connection[int, int]") -> None:
    app = create_app(settings)
    bare = Flask("hello")
    bare.add_url_rule("/hello-bare", view_func=lambda: "hello")

    def both(environ: dict[str, Any], start: Any) -> Any:
        chosen = bare if environ["PATH_INFO"] == "/hello-bare" else app
        return chosen.wsgi_app(environ, start)

    server = create_server(both, listen="127.0.0.1:0", threads=4)
    pipe.send(getattr(server, "effective_port"))  # noqa: B009 - its types do not know it
    server.run()


def _rate(port: int, process: psutil.Process, request: Request) -> Rate:
    """Return the median of some windows, after a first one that only warms up."""
    windows = [_window(port, process, request) for _ in range(WINDOWS + 1)][1:]
    return Rate(
        median(rate.per_second for rate in windows), median(rate.cpu_ms for rate in windows)
    )


def _window(port: int, process: psutil.Process, request: Request) -> Rate:
    counts = [0] * CONNECTIONS
    ends_at = time.monotonic() + SECONDS

    def ask(place: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        while time.monotonic() < ends_at:
            method, path, cookie, body = request()
            headers = {"Cookie": cookie, "Host": "127.0.0.1:8000"}
            if body:
                headers["Content-Type"] = "application/x-www-form-urlencoded"
            connection.request(method, path, body or None, headers)
            answer = connection.getresponse()
            answer.read()
            if answer.status not in {200, 302}:
                raise RuntimeError(f"{path} answered {answer.status}")
            counts[place] += 1

    before = sum(process.cpu_times()[:2])
    threads = [threading.Thread(target=ask, args=(place,)) for place in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    spent = sum(process.cpu_times()[:2]) - before
    return Rate(sum(counts) / SECONDS, 1000 * spent / max(1, sum(counts)))


def _count_queries(settings: Settings, targets: list[tuple[str, float, Request]]) -> None:
    app = create_app(settings)
    for words, _, request in targets:
        method, path, cookie, body = request()
        seen: list[str] = []
        with app.app_context():
            engine = db.engine
        event.listen(engine, "before_cursor_execute", lambda *a, seen=seen: seen.append(a[2]))
        app.test_client(use_cookies=False).open(
            path, method=method, data=body, base_url=settings.base_url,
            headers={"Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded"},
        )  # fmt: skip
        asked = [sql for sql in seen if not sql.startswith(("BEGIN", "PRAGMA"))]
        print(f"{words:<28} {len(asked)} queries with {CROWD} people (at most 12)")


if __name__ == "__main__":
    main()
