"""An event in the database becomes the problem that the solver is given."""

from datetime import timedelta

from sqlalchemy import event as happening
from sqlalchemy.orm import Session

from asyncnet.clock import utc_now
from asyncnet.events.rules import Attendance
from asyncnet.matches.instance import instance_of
from asyncnet.matches.rules import PlanSettings
from asyncnet.matching.plan import solve
from asyncnet.matching.problem import Pin
from tests import factories


def test_everybody_who_has_not_left_is_numbered_in_the_order_they_registered(
    session: Session,
) -> None:
    forum = factories.event(session, factories.organizer(session), rounds=3)
    ana = factories.participant(session, forum, name="Ana", zone="Asia/Kolkata")
    gone = factories.participant(session, forum, name="Bo")
    first = factories.participant(session, forum, name="Cy", email="cy@one.example")
    second = factories.participant(session, forum, name="Cy", attendance=Attendance.ASYNC)
    gone.left_at = utc_now()
    session.commit()

    found = instance_of(session, forum, PlanSettings(most_viewers=2, promised_viewers=1))

    people = found.problem.people
    assert [p.id for p in people] == ["Ana", "Cy (cy@one.example)", f"Cy ({second.email})"]
    assert found.people == (ana, first, second)
    assert people[0].utc == 5.5
    assert found.problem.live == (0, 1)
    assert (people[2].k, people[2].promise) == (2, 1)
    assert found.problem.rounds == 3


def test_pins_and_earlier_meetings_are_those_of_the_same_organizers(session: Session) -> None:
    host = factories.organizer(session)
    earlier = factories.event(session, host, starts_at=utc_now() - timedelta(days=30))
    foreign = factories.event(
        session, factories.organizer(session), starts_at=utc_now() - timedelta(days=30)
    )
    forum = factories.event(session, host)
    names = ("ana", "bo", "cy", "di")
    addresses = [f"{name}@all.example" for name in names]
    old = [factories.participant(session, earlier, email=address) for address in addresses]
    strange = [factories.participant(session, foreign, email=address) for address in addresses]
    now = [factories.participant(session, forum, email=address) for address in addresses]
    factories.match(session, old[2], old[1])
    factories.match(session, strange[0], strange[3])
    pinned = factories.match(session, now[0], now[2], round_number=2)
    pinned.pinned = True
    session.commit()

    problem = instance_of(session, forum).problem

    assert problem.history == {(1, 2)}
    assert problem.pins == (Pin(0, 2, 2),)


def test_a_large_event_takes_the_same_few_queries(session: Session) -> None:
    counts = []
    for people in (2, 40):
        forum = factories.event(session, factories.organizer(session))
        for _ in range(people):
            factories.participant(session, forum)
        asked: list[str] = []
        happening.listen(
            session.get_bind(), "before_cursor_execute", lambda *a, seen=asked: seen.append(a[2])
        )
        session.expire_all()
        instance_of(session, forum)
        counts.append(len(asked))

    assert counts[0] == counts[1] <= 9


def test_the_problem_can_be_solved_and_keeps_the_rules(session: Session) -> None:
    forum = factories.event(session, factories.organizer(session), rounds=3)
    for number in range(9):
        attendance = Attendance.ASYNC if number > 6 else Attendance.LIVE
        factories.participant(session, forum, attendance=attendance)
    found = instance_of(session, forum)

    solution = solve(found.problem, floor=0.5)

    met = list(solution.plan.meetings())
    assert sum(map(len, met)) >= 7 * 3
    assert not any(solution.measures.byes)
