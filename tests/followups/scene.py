"""Ana, Ben and Cleo watch Kenji in Tokyo: an evening whose mails go to a real mail server."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from asyncnet.app import create_app
from asyncnet.audit.actions import SYSTEM
from asyncnet.database import db, transaction
from asyncnet.events.model import Event, Participant, Question
from asyncnet.events.rules import Attendance
from asyncnet.followups.actions.answering import answer_match
from asyncnet.followups.funnel import stages_of
from asyncnet.followups.rules import Stage
from asyncnet.matches.model import Match
from asyncnet.messages.drain import Drained
from asyncnet.messages.rules import next_morning
from asyncnet.tasks import drain_mail
from config import Settings
from tests import factories
from tests.pages import Browser, open_personal_link
from tests.servers.smtp import MailServer, Received

TOKYO = ZoneInfo("Asia/Tokyo")
STARTS_AT = datetime(2027, 6, 18, 18, tzinfo=UTC)


@dataclass
class Evening:
    """One event with its people, its mail server and a clock that tests turn."""

    app: Flask
    server: MailServer
    event: Event
    ana: Participant
    ben: Participant
    cleo: Participant
    kenji: Participant
    matches: dict[int, Match]
    """By the id of the live one of the two."""
    questions: list[Question]

    @property
    def morning(self) -> datetime:
        """09:00 in Tokyo on the day after."""
        return next_morning(self.event.ends_at, TOKYO)

    def answers(
        self, author: Participant, words: str, *, contact: str | None = None,
        at: datetime = STARTS_AT,
    ) -> None:  # fmt: skip
        """Have a live participant send in the match form."""
        question = self.questions[0]
        item = {"question": question.id, "kind": "long", "label": question.label, "value": words}
        with self.app.app_context(), transaction() as session:
            answer_match(
                session, self.matches[author.id].id, author.id, items=[item], contact=contact,
                actor=SYSTEM, now=at,
            )  # fmt: skip

    def sends(self, at: datetime) -> Drained:
        """Let the mail worker's clock show `at` for once."""
        with self.app.app_context():
            done = drain_mail(lambda: at)
            db.session.remove()
        return done

    def mails_to(self, person: Participant) -> list[Received]:
        return [mail for mail in self.server.received if mail.recipients == [person.email]]

    def browser_of(self, person: Participant) -> FlaskClient:
        """Return a browser in which this person's own page is open."""
        browser = self.app.test_client()
        open_personal_link(browser, person)
        return browser


def stages_in(session: Session, event_id: int) -> list[dict[Stage, datetime]]:
    """Return when every match of an event came to the stages it has reached."""
    stages = stages_of(event_id)
    rows = session.execute(select(stages).order_by(stages.c.match_id)).mappings()
    return [{stage: row[stage] for stage in Stage if row[stage]} for row in rows]


@contextmanager
def evening(settings: Settings, server: MailServer) -> Iterator[Evening]:
    """An event of 18 June 2027, 20:00 in Berlin, with nobody's words yet."""
    app = create_app(replace(settings, smtp=server.settings()))
    app.testing = True
    app.test_client_class = Browser
    with app.app_context():
        engine = db.engine
    with Session(engine, expire_on_commit=False) as session:
        host = factories.organizer(session, "host@forum.example")
        event = factories.event(session, host, starts_at=STARTS_AT)
        ana, ben, cleo = (
            factories.participant(session, event, name=name, email=f"{name.lower()}@reader.example")
            for name in ("Ana", "Ben", "Cleo")
        )
        kenji = factories.participant(
            session, event, name="Kenji", email="kenji@reader.example", zone="Asia/Tokyo",
            attendance=Attendance.ASYNC,
        )  # fmt: skip
        factories.intro(session, kenji)
        matches = {
            live.id: factories.match(session, live, kenji, round_number=number)
            for number, live in enumerate((ana, ben, cleo), start=1)
        }
        questions = list(session.scalars(select(Question).order_by(Question.position)))
        session.commit()
        yield Evening(app, server, event, ana, ben, cleo, kenji, matches, questions)
    engine.dispose()
