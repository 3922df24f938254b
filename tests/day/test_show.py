"""The organizers run an event: the clock in their hand, the board before them, exits in between."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from icalendar import Calendar
from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload
from werkzeug.test import TestResponse

from asyncnet.clock import utc_now
from asyncnet.database import transaction
from asyncnet.day.model import Exit
from asyncnet.day.rules import preflight
from asyncnet.events.model import Event, Mention, Participant, Round
from asyncnet.events.rules import Attendance
from asyncnet.followups.model import Answer
from asyncnet.matches.actions import give_rooms, keep_apart
from asyncnet.matches.model import Forbid, Group, Match
from asyncnet.matches.queries import groups_of
from asyncnet.messages.model import Message
from asyncnet.messages.rules import MessageKind
from asyncnet.people.model import Person
from tests import factories
from tests.pages import filled, find_form, open_personal_link, post_form, sign_in
from tests.web.test_twice import at_once

Rows = Callable[..., list[Any]]
HOUR = timedelta(hours=1)
CALL = "https://meet.example/j/7?pwd=tide&lang=en"


class Forum:
    """An event of three rounds in an hour's time, with its people and their browsers.

    Ana talks with Ben, then with Cy, and watches Mei in the last round; Ben and Cy talk in it.
    """

    def __init__(self, app: Flask, session: Session) -> None:
        self.app, self.session = app, session
        person = factories.organizer(session)
        self.event = factories.event(session, person, starts_at=utc_now() + HOUR, rounds=3)
        self.event.published_at = utc_now()
        self.people = {
            name: factories.participant(session, self.event, name=name)
            for name in ("Ana", "Ben", "Cy")
        }
        self.people["Mei"] = factories.participant(
            session, self.event, name="Mei", attendance=Attendance.ASYNC, zone="Australia/Sydney"
        )
        for number, one, other in ((1, "Ana", "Ben"), (2, "Ana", "Cy"), (3, "Ben", "Cy")):
            factories.match(session, self.people[one], self.people[other], round_number=number)
        self.viewing = factories.match(
            session, self.people["Ana"], self.people["Mei"], round_number=3
        )
        give_rooms(session, self.event.id)
        session.commit()
        self.host = app.test_client()
        sign_in(self.host, person)
        self.browsers = {name: app.test_client() for name in self.people}
        for name, browser in self.browsers.items():
            open_personal_link(browser, self.people[name])

    def page(self, name: str) -> str:
        return self.browsers[name].get(f"/me/{self.people[name].id}").text

    def board(self) -> str:
        return self.host.get(f"/events/{self.event.id}/show?show=all").text

    def turns(self, how: str, minutes: int = 0) -> TestResponse:
        """Press the button of the clock that does this, as the board shows it now; asked
        whether it is meant, say yes."""
        page = self.host.get(f"/events/{self.event.id}/show")
        form = find_form(page, f"/clock/{how}")
        answer = self.host.post(form.action, data=filled(form, {"minutes": minutes}))
        if answer.status_code == 200:
            form = find_form(answer, f"/clock/{how}")
            return self.host.post(form.action, data=filled(form, {}))
        return answer

    def says(self, name: str, kind: str, **more: Any) -> TestResponse:
        """Press the button of one graceful exit."""
        path = f"/me/{self.people[name].id}/exits"
        return post_form(self.browsers[name], path, more, action=f"/exits/{kind}")

    def has_a_call(self) -> None:
        """Let the organizer write the link of the video call into the settings."""
        answer = post_form(self.host, f"/events/{self.event.id}/settings", {"live_link": CALL})
        assert answer.status_code == 302, answer.text

    def closes_in_a_group(self, *names: str, minutes: int = 0) -> Group:
        """Publish one closing group more, and let the groups talk for so long."""
        with self.app.app_context(), transaction() as session:
            event = session.get_one(Event, self.event.id)
            number = 1 + len(groups_of(session, event.id))
            group = Group(event_id=event.id, number=number, created_at=utc_now())
            group.members = [session.get_one(Participant, self.people[n].id) for n in names]
            session.add(group)
            event.closing_minutes = event.closing_minutes or minutes
            event.ends_at = event.rounds[-1].ends_at + timedelta(minutes=event.closing_minutes)
        return group

    def minutes_pass(self, minutes: float) -> None:
        """Let everything of the event have happened that much earlier."""
        earlier = timedelta(minutes=minutes)
        with self.app.app_context(), transaction() as session:
            event = session.get_one(Event, self.event.id)
            event.starts_at -= earlier
            event.ends_at -= earlier
            event.clock_version += 1
            if event.paused_at:
                event.paused_at -= earlier
            for slot in event.rounds:
                slot.starts_at -= earlier
                slot.ends_at -= earlier

    def match_of(self, one: str, other: str) -> Match:
        ids = sorted((self.people[one].id, self.people[other].id))
        self.session.rollback()
        return self.session.scalars(
            select(Match).where(Match.first_id == ids[0], Match.second_id == ids[1])
        ).one()


@pytest.fixture
def forum(app: Flask, session: Session) -> Forum:
    return Forum(app, session)


def test_a_whole_event_from_the_first_button_to_the_last_word(forum: Forum, rows: Rows) -> None:
    """Three rounds in fast-forward: begun early, extended, left out and put back, paused, cut
    short; then the closing groups, and everyone met."""
    forum.closes_in_a_group("Ana", "Ben", "Cy", minutes=10)
    assert "Round 1 comes first" in forum.page("Ana")

    forum.turns("begin")
    assert "You meet Ben" in forum.page("Ana")
    assert "Room 1" in forum.page("Ben")
    assert "You are free in this round" in forum.page("Cy")

    forum.minutes_pass(4)
    forum.turns("extend", minutes=5)
    forum.minutes_pass(4)
    assert "You meet Ben" in forum.page("Ana"), "the round goes on for longer"
    forum.minutes_pass(3)
    assert "Next, in round 2" in forum.page("Ana")
    forum.turns("skip")
    assert "Next, in round 3" in forum.page("Ana")
    assert "<span>left out</span>" in forum.page("Cy")
    assert "<li>left out</li>" in forum.host.get(f"/events/{forum.event.id}").text
    forum.turns("return")
    assert "Next, in round 2" in forum.page("Ana")

    forum.turns("pause")
    forum.minutes_pass(30)
    assert "paused the clock" in forum.page("Cy")
    forum.turns("resume")
    forum.turns("begin")
    assert "You meet Cy" in forum.page("Ana")

    forum.turns("end")
    forum.minutes_pass(3)
    assert "You meet Mei" in forum.page("Ana")
    assert "You meet Cy" in forum.page("Ben")
    viewing = f"/me/{forum.people['Ana'].id}/matches/{forum.viewing.id}"
    form = find_form(forum.browsers["Ana"].get(viewing))
    words = {next(name for name in form.values if name.startswith("q")): "The reefs."}
    forum.browsers["Ana"].post(form.action, data=filled(form, words))

    forum.minutes_pass(5)
    closing = forum.page("Ana")
    assert [n for n in ("Closing groups", "Group 1", "Ben", "Cy") if n not in closing] == []
    assert "Everyone you met" not in closing
    assert "Ana, Ben, Cy" in forum.board()
    forum.turns("end")
    after = forum.page("Ana")
    assert [n for n in ("Ben", "Cy", "What you wrote to Mei") if n not in after] == []
    assert "The event is over" in after
    assert len(rows(select(Answer))) == 1
    [event] = rows(select(Event))
    assert event.ends_at <= utc_now()


def test_a_round_begun_long_before_its_time_asks_once(forum: Forum) -> None:
    page = forum.host.get(f"/events/{forum.event.id}/show")
    form = find_form(page, "/clock/begin")

    asked = forum.host.post(form.action, data=filled(form, {}))
    untouched = forum.page("Ana")
    sure = find_form(asked, "/clock/begin")
    meant = forum.host.post(sure.action, data=filled(sure, {}))

    assert "in 60 minutes" in asked.text
    assert "Round 1 comes first" in untouched
    assert meant.status_code == 302
    assert "You meet Ben" in forum.page("Ana")


def test_twenty_clicks_on_one_button_turn_the_clock_once(forum: Forum, rows: Rows) -> None:
    """F8."""
    form = find_form(forum.host.get(f"/events/{forum.event.id}/show"), "/clock/extend")
    [first, *_] = rows(select(Round).order_by(Round.number))

    answers = at_once(forum.host, form.action, filled(form, {"minutes": 5}))

    assert answers == {(302, f"/events/{forum.event.id}/show")}
    [moved, *_] = rows(select(Round).order_by(Round.number))
    assert moved.starts_at - first.starts_at == timedelta(minutes=5)


def test_the_second_hand_on_the_clock_is_told_and_does_nothing(
    app: Flask, forum: Forum, session: Session, rows: Rows
) -> None:
    """F9: what one organizer did, another who has not seen it does not undo unknowingly."""
    other = app.test_client()
    sign_in(other, factories.organizer(session, of=forum.event))
    seen = find_form(other.get(f"/events/{forum.event.id}/show"), "/clock/begin")
    forum.turns("begin")
    before = rows(select(Round).order_by(Round.number))

    late = other.post(seen.action, data=filled(seen, {}))

    assert late.status_code == 409
    assert "Somebody else turned the clock" in late.text
    after = rows(select(Round).order_by(Round.number))
    assert [slot.starts_at for slot in after] == [slot.starts_at for slot in before]


def test_settings_saved_during_the_event_leave_the_clock_alone(forum: Forum, rows: Rows) -> None:
    forum.turns("begin")
    forum.turns("extend", minutes=3)
    before = rows(select(Round).order_by(Round.number))

    saved = post_form(forum.host, f"/events/{forum.event.id}/settings", {"title": "Tides"})

    assert saved.status_code == 302
    after = rows(select(Round).order_by(Round.number))
    assert [(s.starts_at, s.ends_at) for s in after] == [(s.starts_at, s.ends_at) for s in before]


def test_a_message_stands_on_every_page_until_it_is_taken_away(forum: Forum) -> None:
    show = f"/events/{forum.event.id}/show"

    post_form(forum.host, show, {"notice": "Come back at ten."}, action="/notice")
    told = [forum.page("Ana"), forum.page("Mei")]
    post_form(forum.host, show, {"notice": ""}, action="/notice")

    assert all("Come back at ten." in page for page in told)
    assert "Come back" not in forum.page("Ana")


def test_a_message_ends_with_the_round_in_which_it_was_said(forum: Forum) -> None:
    show = f"/events/{forum.event.id}/show"
    forum.turns("begin")

    post_form(forum.host, show, {"notice": "Tea in two minutes."}, action="/notice")
    during = [forum.page("Ana"), forum.board()]
    forum.turns("end")

    assert all("Tea in two minutes." in page for page in during)
    assert not any("Tea in two" in page for page in (forum.page("Ana"), forum.board()))


def test_who_leaves_is_taken_out_of_what_is_still_to_come(forum: Forum) -> None:
    factories.intro(forum.session, forum.people["Mei"])
    forum.session.commit()
    forum.turns("begin")

    forum.says("Ana", "leaving")

    assert forum.match_of("Ana", "Ben").state == "published", "it has begun"
    assert forum.match_of("Ana", "Cy").state == "withdrawn"
    assert forum.match_of("Ana", "Mei").state == "published", "to be watched whenever she likes"
    assert "Ana had to leave" in forum.page("Ben")
    assert "Ana" not in forum.page("Cy")
    board = forum.board()
    assert "Ben</strong> Ana had to leave" in board
    assert "1 coming conversation is" in board
    for _ in "23":
        forum.turns("end")
        forum.turns("begin")
    assert "Ana had to leave and may watch your intro later" in forum.page("Mei")


def test_who_cannot_come_frees_their_rounds_and_whom_they_were_to_meet_is_told(
    forum: Forum, rows: Rows
) -> None:
    own = forum.page("Ana")
    asked = forum.browsers["Ana"].get(f"/me/{forum.people['Ana'].id}/exits").text

    forum.says("Ana", "leaving")

    assert "I cannot come, or something is not right" in own
    assert "I cannot come after all" in asked
    assert {forum.match_of("Ana", name).state for name in ("Ben", "Cy")} == {"withdrawn"}
    told = rows(select(Message).where(Message.kind == MessageKind.PLAN_CHANGE))
    assert {mail.participant_id for mail in told} == {
        forum.people[name].id for name in ("Ben", "Cy")
    }
    assert "You said that you cannot come" in forum.page("Ana")
    assert "Needs you" in forum.board()
    [ben] = [mail for mail in told if mail.participant_id == forum.people["Ben"].id]
    text = forum.host.get(f"/events/{forum.event.id}/messages/{ben.id}").text
    assert "Round 1" in text
    assert "nobody yet" in text


def test_who_can_stay_after_all_gets_back_what_is_still_free(forum: Forum) -> None:
    forum.turns("begin")
    forum.says("Ana", "leaving")

    path = f"/me/{forum.people['Ana'].id}/exits"
    post_form(forum.browsers["Ana"], path, action="/undo")

    assert forum.match_of("Ana", "Cy").state == "published"
    assert "Ana" in forum.page("Cy")
    assert "Needs you" not in forum.board()


def test_who_was_kept_apart_meanwhile_is_not_met_again(forum: Forum) -> None:
    forum.turns("begin")
    forum.says("Ana", "leaving")
    ana, cy = forum.people["Ana"], forum.people["Cy"]
    keep_apart(forum.session, forum.event.id, (ana.id, cy.id), uneasy_id=cy.id, now=utc_now())
    forum.session.commit()

    path = f"/me/{ana.id}/exits"
    post_form(forum.browsers["Ana"], path, action="/undo")

    assert forum.match_of("Ana", "Cy").state == "withdrawn"
    assert "1 of your conversations could not be put back" in forum.page("Ana")


def test_leaving_twenty_times_at_once_is_leaving_once(forum: Forum, rows: Rows) -> None:
    """F8."""
    path = f"/me/{forum.people['Ana'].id}/exits"
    form = find_form(forum.browsers["Ana"].get(path), "/exits/leaving")

    answers = at_once(forum.browsers["Ana"], form.action, filled(form, {}))

    assert answers == {(302, path)}
    assert len(rows(select(Exit))) == 1


def test_a_missing_partner_hears_that_somebody_waits(forum: Forum) -> None:
    forum.turns("begin")

    forum.says("Ana", "missing")

    assert "Ana is waiting for you in Room 1" in forum.page("Ben")
    assert "Ben is not there" in forum.board()
    assert "Ana</strong> says that Ben is not there" in forum.board()
    exits = f"/me/{forum.people['Ana'].id}/exits"
    assert "know that your partner is not there" in forum.page("Ana")
    assert "Ben is not here" not in forum.browsers["Ana"].get(exits).text, "it was said already"
    forum.turns("end")
    assert "partner is not there" not in forum.page("Ana") + forum.browsers["Ana"].get(exits).text
    for match in (forum.match_of("Ana", "Ben"), forum.viewing):
        form = find_form(forum.browsers["Ana"].get(f"/me/{forum.people['Ana'].id}/exits"), "uneasy")
        late = forum.browsers["Ana"].post(
            form.action.replace("uneasy", "missing"), data=filled(form, {"match": match.id})
        )
        page = forum.browsers["Ana"].get(late.location).text
        assert "You meet nobody in a room at this moment" in page


def test_what_makes_somebody_uneasy_is_seen_by_organizers_alone(forum: Forum, rows: Rows) -> None:
    forum.turns("begin")
    before = forum.browsers["Ben"].get(f"/me/{forum.people['Ben'].id}")

    forum.says("Ana", "uneasy", words="He shouts.")

    after = forum.browsers["Ben"].get(
        f"/me/{forum.people['Ben'].id}/now", headers={"If-None-Match": before.headers["ETag"]}
    )
    assert after.status_code == 304, "nothing on the other page changes"
    assert "He shouts." in forum.board()
    assert "He shouts." not in forum.page("Ben")
    [apart] = rows(select(Forbid))
    assert {apart.first_id, apart.second_id} == {forum.people[n].id for n in ("Ana", "Ben")}


def test_uneasy_before_a_round_looks_to_the_other_like_any_change_of_the_plan(
    forum: Forum, rows: Rows
) -> None:
    """Ben loses Cy by what Cy says, then by the organizers, and cannot tell which was which."""
    forum.turns("begin")
    forum.turns("end")
    ben, cy = forum.people["Ben"], forum.people["Cy"]
    plan = f"/events/{forum.event.id}/plan"

    def seen() -> tuple[list[int], list[tuple[Any, ...]]]:
        clock, page, *_ = forum.browsers["Ben"].get(f"/me/{ben.id}").headers["ETag"][3:].split("-")
        of_ben = select(Message).where(Message.participant_id == ben.id).order_by(Message.id)
        mails = [(m.kind, m.state, m.due_at - m.created_at, m.note) for m in rows(of_ben)]
        return [int(clock), int(page)], mails

    start, no_mails = seen()
    told = forum.says("Cy", "uneasy", match=forum.match_of("Ben", "Cy").id)
    uneasy, uneasy_mails = seen()
    page = forum.browsers["Cy"].get(told.location).text
    board = " ".join(forum.board().split())
    [said] = rows(select(Exit))
    post_form(forum.browsers["Cy"], f"/me/{cy.id}/exits", action=f"/{said.id}/undo")
    taken_back, _ = seen()
    post_form(
        forum.host, f"{plan}/edit?act=add&number=3&one={ben.id}&other={cy.id}", action="/edit"
    )
    post_form(forum.host, plan, action="/plan/publish")
    before, _ = seen()
    post_form(
        forum.host, f"{plan}/edit?act=out&number=3&one={ben.id}&other={cy.id}", action="/edit"
    )
    post_form(forum.host, plan, action="/plan/publish")
    organizers, mails = seen()

    assert "You do not meet Ben in round 3 any more; Ben is told that the plan has changed" in page
    assert "is uncomfortable about meeting Ben in round 3; they do not" in board
    assert forum.match_of("Ben", "Cy").state == "withdrawn"
    assert uneasy == taken_back
    assert [b - a for a, b in zip(start, uneasy, strict=True)] == [
        b - a for a, b in zip(before, organizers, strict=True)
    ]
    assert no_mails == []
    assert uneasy_mails == mails[-1:]


def test_an_organizer_who_takes_part_does_not_see_who_would_rather_not_meet_them(
    app: Flask, forum: Forum, rows: Rows
) -> None:
    """The other organizers do; who writes is told so before."""
    [host] = rows(select(Person))
    mine = factories.participant(forum.session, forum.event, name="Hal", email=host.email)
    meeting = factories.match(forum.session, forum.people["Cy"], mine)
    forum.people["Hal"] = mine
    forum.closes_in_a_group("Ana", "Hal")
    ana = forum.people["Ana"]
    alone = forum.browsers["Ana"].get(f"/me/{ana.id}/profile").text
    other = app.test_client()
    sign_in(other, factories.organizer(forum.session, of=forum.event))
    forum.turns("begin")
    group = f"/events/{forum.event.id}/show/groups"

    among = forum.browsers["Ana"].get(f"/me/{ana.id}/profile").text
    post_form(forum.browsers["Ana"], f"/me/{ana.id}/profile", {"avoid": "Hal"})
    forum.says("Cy", "uneasy", match=meeting.id, words="He stares.")
    event = f"/events/{forum.event.id}"
    places = [
        f"{event}/show",
        f"{event}/plan/people/{mine.id}",
        f"{event}/participants/{ana.id}",
        f"{event}/plan",
    ]
    his, theirs = ([browser.get(at).text for at in places] for browser in (forum.host, other))
    saved = post_form(forum.host, places[2], {"greeting": "I count gulls."})
    forum.closes_in_a_group("Cy")
    refused, told = (
        post_form(browser, group, {"who": mine.id, "group": 2}).text
        for browser in (forum.host, other)
    )

    tells = (
        "He stares.",
        "One of them is uneasy",
        "Hal</textarea>",
        "Ana and Hal are kept apart, but",
    )
    assert [words in page for words, page in zip(tells, theirs, strict=True)] == [True] * 4
    assert [words in page for words, page in zip(tells, his, strict=True)] == [False] * 4
    assert 'name="avoid"' not in his[2]
    assert "Two people are kept apart, but" in his[3]
    assert saved.status_code == 302
    assert "Somebody in group 2 and Hal are kept apart." in told
    assert "Hal cannot sit in group 2; another organizer can see why." in refused
    assert "kept apart" not in refused
    assert [mention.meant_id for mention in rows(select(Mention))] == [mine.id]
    assert "That is Hal alone, who takes part as well." in alone
    assert "Hal is one of them and takes part as well" in among


def test_what_is_said_later_is_added_and_seen_again(forum: Forum, rows: Rows) -> None:
    forum.turns("begin")
    forum.says("Ana", "uneasy", words="He shouts.")
    [said] = rows(select(Exit))
    board = f"/events/{forum.event.id}/show"
    post_form(forum.host, board, action=f"{board}/exits/{said.id}")

    for _ in range(2):
        forum.says("Ana", "uneasy", words="Now he follows me. " * 25)

    [said] = rows(select(Exit))
    assert said.words.startswith("He shouts.\nNow he follows me.")
    assert said.words.count("Now") == 25
    assert said.seen_at is None
    assert "Now he follows me." in forum.board()


def test_two_of_whom_one_is_uneasy_do_not_sit_in_one_closing_group(
    forum: Forum, rows: Rows
) -> None:
    """Who pressed moves, and is told; the other one's page is not even asked to look anew."""
    forum.closes_in_a_group("Ana", "Ben", minutes=10)
    forum.closes_in_a_group("Cy")
    forum.turns("begin")
    before = {one.name: one.page_version for one in rows(select(Participant))}

    told = forum.says("Ana", "uneasy", match=forum.match_of("Ana", "Ben").id)

    groups = rows(select(Group).order_by(Group.number).options(selectinload(Group.members)))
    assert [[one.name for one in group.members] for group in groups] == [["Ben"], ["Ana", "Cy"]]
    after = {one.name: one.page_version for one in rows(select(Participant))}
    assert [name for name in after if after[name] == before[name]] == ["Ben", "Mei"]
    page = forum.browsers["Ana"].get(told.location).text
    assert "Your closing group is group 2 now." in page
    assert "Ana is in group 2" in " ".join(forum.board().split())
    place = f"/events/{forum.event.id}/show/groups"
    ana, cy = (forum.people[name].id for name in ("Ana", "Cy"))
    refused = post_form(forum.host, place, {"who": ana, "group": 1})
    moved = post_form(forum.host, place, {"who": cy, "group": 1})
    assert "Somebody in group 1 and Ana are kept apart" in refused.text
    assert moved.status_code == 302
    file = forum.host.get(f"/events/{forum.event.id}/plan/rooms/closing.csv").text
    emails = {name: person.email for name, person in forum.people.items()}
    assert file.split() == [
        "Pre-assign", "Room", "Name,Email", "Address",
        "Group", f"1,{emails['Ben']}", "Group", f"1,{emails['Cy']}",
        "Group", f"2,{emails['Ana']}",
    ]  # fmt: skip
    assert f"{emails['Ana']} (Ana, Group 2) is no real address" in forum.host.get(place).text


def test_whoever_finds_no_other_group_sits_in_none_until_they_are_given_one(forum: Forum) -> None:
    forum.closes_in_a_group("Ana", "Ben", "Cy", minutes=10)
    forum.turns("begin")

    told = forum.says("Ana", "uneasy", match=forum.match_of("Ana", "Ben").id)

    assert "no closing group for now" in forum.browsers["Ana"].get(told.location).text
    assert "Ana is in none at this moment" in " ".join(forum.board().split())
    groups = " ".join(forum.host.get(f"/events/{forum.event.id}/show/groups").text.split())
    assert "<strong>In no group:</strong> Ana." in groups


def test_who_moves_from_a_large_group_joins_the_smallest_of_the_large_ones(
    forum: Forum, rows: Rows
) -> None:
    """Groups of five to eight are asked for: one of seven holds one person more."""
    for name in "DEFGHIJKLMNOPQR":
        forum.people[name] = factories.participant(forum.session, forum.event, name=name)
    for names in (["Ana", "Ben", "Cy"], "DEFGHIJK", "LMNOPQR"):
        forum.closes_in_a_group(*names, minutes=10)
    forum.turns("begin")

    forum.says("Ana", "uneasy", match=forum.match_of("Ana", "Ben").id)

    groups = rows(select(Group).order_by(Group.number).options(selectinload(Group.members)))
    assert ["".join(one.name for one in group.members) for group in groups] == [
        "BenCy", "DEFGHIJK", "AnaLMNOPQR",
    ]  # fmt: skip


def test_an_organizer_who_undoes_leaves_what_made_somebody_uneasy(forum: Forum, rows: Rows) -> None:
    """Each takes back their own word alone, whoever spoke first."""
    plan = f"/events/{forum.event.id}/plan"
    ana, ben, cy = (forum.people[name].id for name in ("Ana", "Ben", "Cy"))
    forum.turns("begin")
    forum.says("Ana", "uneasy")
    for one, other in ((ana, ben), (ana, cy)):
        look = f"{plan}/edit?act=forbid&number=2&one={one}&other={other}"
        post_form(forum.host, look, action="/plan/edit")
    forum.turns("end")
    forum.turns("begin")
    forum.says("Ana", "uneasy")

    post_form(forum.host, f"{plan}?round=3", action="/plan/undo?round=3")
    post_form(forum.host, f"{plan}?round=3", action="/plan/undo?round=3")

    assert {(apart.first_id, apart.second_id) for apart in rows(select(Forbid))} == {
        (ana, ben),
        (ana, cy),
    }
    page = forum.host.get(f"{plan}/people/{ana}").text
    assert page.count("alone can take that back") == 2
    assert "Let them meet again" not in page


def test_what_nobody_else_sees_makes_no_page_look_anew(forum: Forum, rows: Rows) -> None:
    path = f"/me/{forum.people['Ana'].id}/profile"
    versions = []

    for said in ({}, {"wishes": "Somebody with a boat."}, {"greeting": "I count gulls."}):
        post_form(forum.browsers["Ana"], path, said)
        versions += rows(select(Event.clock_version))
    for _ in range(18):
        last = post_form(forum.browsers["Ana"], path)

    assert [version - versions[0] for version in versions] == [0, 0, 1]
    assert last.status_code == 429


def test_the_board_knows_whose_page_is_open(forum: Forum, app: Flask) -> None:
    forum.turns("begin")
    ana = forum.people["Ana"]

    forum.browsers["Ana"].get(f"/me/{ana.id}/now")

    assert '>1</span> <span class="soft">of 3 live people' in forum.board()


def test_zoom_is_told_only_what_it_can_take() -> None:
    """B6 and the limits of Zoom."""
    seats = [
        ("Room 1", "Ana", "ana@forum.net"),
        ("Room 1", "Ben", "ANA@forum.net"),
        ("Room 2", "Cy", ""),
        ("Room 2", "Di", "=cmd@forum.net"),
        ("Room 3", "Ed", "ed@nobody.example"),
        ("Room 3", "Flo", "flo@forum.net"),
    ]

    found = list(preflight(seats, bouncing={"flo@forum.net"}, max_rooms=2, max_people=5))

    assert [
        any(part in words for words in found)
        for part in (
            "3 rooms, and a Zoom meeting takes 2",
            "6 people in rooms, and Zoom takes 5",
            "ana@forum.net stands in more than one room",
            "Cy (Room 2) has no address",
            "=cmd@forum.net (Di, Room 2) has signs",
            "ed@nobody.example (Ed, Room 3) is no real address",
            "flo@forum.net (Flo, Room 3): mail to it came back",
        )
    ] == [True] * 7
    assert list(preflight(seats[:1], bouncing=(), max_rooms=2, max_people=5)) == []


def test_prompts_are_the_organizers_words_where_they_wrote_any(
    client: FlaskClient, forum: Forum
) -> None:
    forum.turns("begin")

    post_form(
        forum.host, f"/events/{forum.event.id}/show/prompts", {"round_1": "Which coast is yours?"}
    )

    assert "Which coast is yours?" in forum.page("Ana")
    sheet = forum.host.get(f"/events/{forum.event.id}/show/sheet").text
    assert "Which coast is yours?" in sheet


def test_the_rooms_of_a_round_are_a_table_and_a_file(forum: Forum) -> None:
    page = forum.host.get(f"/events/{forum.event.id}/show/rooms/1")

    assert "Room 1" in page.text
    assert forum.people["Ana"].email in page.text
    assert f"/events/{forum.event.id}/plan/rooms/1.csv" in page.text


def test_somebody_takes_their_rounds_into_their_calendar(forum: Forum) -> None:
    ana: Participant = forum.people["Ana"]
    forum.has_a_call()

    forum.closes_in_a_group("Ana", "Ben", minutes=10)

    file = forum.browsers["Ana"].get(f"/me/{ana.id}/rounds.ics")

    assert file.mimetype == "text/calendar"
    talk, _, viewing, closing = Calendar.from_ical(file.data).walk("VEVENT")
    assert str(talk["URL"]) == CALL
    assert str(talk["LOCATION"]) == f"Room 1, {CALL}"
    assert "URL" not in viewing
    assert "LOCATION" not in viewing
    assert str(closing["LOCATION"]) == CALL
    assert closing.decoded("DTEND") - closing.decoded("DTSTART") == timedelta(minutes=10)


def test_the_video_call_is_shown_to_those_who_talk_and_to_nobody_else(
    client: FlaskClient, forum: Forum
) -> None:
    forum.has_a_call()
    join = f"/join/{forum.event.registration_key}"
    shown = CALL.replace("&", "&amp;")

    zoe = factories.participant(forum.session, forum.event, name="Zoe")

    before = forum.page("Ana")
    forum.turns("begin")
    nobody_met = open_personal_link(client, zoe).text

    assert shown in before
    assert "You are free in this round" in nobody_met
    assert shown not in nobody_met
    assert [shown in forum.page(name) for name in ("Ana", "Cy", "Mei")] == [True, True, False]
    assert shown in forum.host.get(f"/events/{forum.event.id}/show").text
    assert shown in forum.host.get(f"/events/{forum.event.id}/show/sheet").text
    assert shown not in forum.browsers["Mei"].get(join).text


def test_a_trio_is_one_conversation_wherever_it_is_shown(forum: Forum, session: Session) -> None:
    dan, eli, fay = (
        factories.participant(session, forum.event, name=name) for name in ("Dan", "Eli", "Fay")
    )
    for one, other in ((dan, eli), (dan, fay), (eli, fay)):
        factories.match(session, one, other).room = 9
    session.commit()
    forum.people |= {"Dan": dan, "Eli": eli, "Fay": fay}
    forum.browsers["Dan"] = forum.app.test_client()
    open_personal_link(forum.browsers["Dan"], dan)
    forum.turns("begin")

    page = forum.page("Dan")
    board = forum.board()
    sheet = forum.host.get(f"/events/{forum.event.id}/show/sheet").text
    forum.says("Dan", "missing", match=forum.match_of("Dan", "Eli").id)

    assert (page.count("You meet Eli and Fay"), page.count("Room 9")) == (1, 1)
    assert (board.count("Eli and Fay"), board.count("Room 9")) == (1, 1)
    assert (sheet.count("Eli and Fay"), sheet.count("Room 9")) == (1, 1)
    assert "Dan</strong> says" not in forum.board(), "there is a third one to talk to"
