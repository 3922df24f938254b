"""Ana in Berlin watches Kenji in Tokyo, tonight: what the tests of answers begin with."""

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from asyncnet.events.model import Event, Participant, Question
from asyncnet.events.rules import Attendance
from asyncnet.matches.model import Match
from tests import factories


@dataclass
class Scene:
    """One viewing, its two people, and the page on which one writes to the other."""

    event: Event
    ana: Participant
    kenji: Participant
    match: Match
    questions: list[Question]
    page: str

    def words(self, text: str = "Your tide pools!", **more: str) -> dict[str, str]:
        return {f"q{self.questions[0].id}": text} | more


def make_scene(session: Session, *, own_question: str = "") -> Scene:
    host = factories.organizer(session, "host@forum.example")
    event = factories.event(session, host, starts_at=datetime(2027, 6, 18, 18, tzinfo=UTC))
    ana = factories.participant(session, event, name="Ana", email="ana@reader.example")
    kenji = factories.participant(
        session, event, name="Kenji", email="kenji@reader.example",
        zone="Asia/Tokyo", attendance=Attendance.ASYNC,
    )  # fmt: skip
    kenji.own_question = own_question
    match = factories.match(session, ana, kenji)
    factories.intro(session, kenji)
    questions = list(session.scalars(select(Question).order_by(Question.position)))
    session.commit()
    return Scene(event, ana, kenji, match, questions, f"/me/{ana.id}/matches/{match.id}")
