"""What people say of themselves is asked for, understood, kept private, and can be changed."""

import re
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from asyncnet.events.model import Event, Mention, Participant, Spelling
from asyncnet.events.rules import Ask, MentionKind
from asyncnet.matches.instance import instance_of, reasons_of
from asyncnet.matches.rules import WEIGHTS
from asyncnet.matching.points import points
from asyncnet.people.model import Person
from tests import factories
from tests.pages import find_form, forms_on, open_personal_link, post_form, sign_in

Rows = Callable[..., list[Any]]
BO = {
    "name": "Bo Lindqvist",
    "email": "bo@reader.example",
    "zone": "Europe/Stockholm",
    "attendance": "live",
    "community": "Citizen Science",
    "topics": ["Open data", "  ", "Tide pools"],
    "offers": ["On-boarding"],
    "seeks": [],
    "across": "across",
    "meet": "Ana Silva\nsomebody new",
    "avoid": "cy@reader.example",
    "consent": "y",
}


@pytest.fixture
def forum(session: Session) -> Event:
    return factories.event(session, factories.organizer(session, "host@forum.example"))


def test_what_is_said_at_registration_reaches_the_solver(
    session: Session, client: FlaskClient, forum: Event
) -> None:
    cy = factories.participant(session, forum, name="Cy", email="cy@reader.example")
    said = {"name": "Ana María Silva", "email": "ana@reader.example", "meet": "", "avoid": ""}
    heard = {"topics": ["policy", "open  DATAS"], "seeks": ["onboarding"]}
    post_form(client, f"/join/{forum.registration_key}", BO | said | heard)

    registered = post_form(client, f"/join/{forum.registration_key}", BO)

    assert registered.status_code == 302
    found = instance_of(session, forum)
    bo = found.problem.people[2]
    assert [found.problem.tags[tag] for tag in bo.tags] == ["open DATAS", "Tide pools"]
    assert found.problem.types[bo.type] == "Citizen Science"
    assert bo.cross
    assert (bo.wishes, bo.avoid) == ((1,), (found.number_of[cy.id],))
    assert set(found.problem.people[1].tags) & set(bo.tags)
    assert set(found.problem.people[1].seeks) == set(bo.offers)


def test_a_hoped_for_role_counts_and_is_told_to_who_hoped_alone(
    session: Session, client: FlaskClient, forum: Event, rows: Rows
) -> None:
    forum.asks = ["role", "wish_roles"]
    session.commit()
    ana = {"name": "Ana", "email": "ana@reader.example", "role": "Librarian"}
    bo = {"name": "Bo", "email": "bo@reader.example", "wish_roles": ["librarians", "", ""]}

    for said in (ana, bo):
        post_form(client, f"/join/{forum.registration_key}", BO | {"role": ""} | said)

    ana, bo = rows(select(Participant).order_by(Participant.id))
    instance = instance_of(session, forum)
    assert reasons_of(instance, ana, bo) == (
        [],
        ["You hoped to meet somebody in this role: Librarian."],
    )
    assert points(instance.problem, 1, 0) == points(instance.problem, 0, 1) + WEIGHTS.role


def test_a_name_waits_for_whoever_registers(
    session: Session, client: FlaskClient, forum: Event, rows: Rows
) -> None:
    post_form(client, f"/join/{forum.registration_key}", BO | {"meet": "Zoe Muller", "avoid": ""})
    assert [mention.meant_id for mention in rows(select(Mention))] == [None]

    post_form(
        client,
        f"/join/{forum.registration_key}",
        BO | {"name": "Zoë Müller", "email": "zoe@reader.example", "meet": "", "avoid": ""},
    )

    [zoe] = rows(select(Participant.id).where(Participant.name == "Zoë Müller"))
    assert [mention.meant_id for mention in rows(select(Mention))] == [zoe]


def test_two_of_one_name_are_asked_about_and_both_avoided_until_then(
    session: Session, client: FlaskClient, forum: Event, rows: Rows
) -> None:
    bo = factories.participant(session, forum, name="Bo")
    one = factories.participant(session, forum, name="Ana Silva", zone="Asia/Tokyo")
    other = factories.participant(session, forum, name="Ana Silva", zone="Europe/Oslo")
    open_personal_link(client, bo)
    post_form(client, f"/me/{bo.id}/profile", {"avoid": "ana silva"})
    before = instance_of(session, forum).problem.people[0].avoid

    own = client.get(f"/me/{bo.id}/profile")
    [mention] = rows(select(Mention))
    sign_in(client, _host(session))
    path = f"/events/{forum.id}/participants/{bo.id}"
    page = client.get(path)
    post_form(client, path, {"person": other.id}, action=f"{path}/names/{mention.id}")

    session.rollback()
    assert before == (1, 2)
    assert "Tokyo" in page.text
    assert "Oslo" in page.text
    assert "We match the names you wrote" in own.text
    assert "/names/" not in own.text
    assert "Several people" not in own.text
    assert instance_of(session, forum).problem.people[0].avoid == (2,)
    assert one.id != other.id


def test_an_avoid_outlives_new_names(session: Session, client: FlaskClient, forum: Event) -> None:
    bo = factories.participant(session, forum, name="Bo")
    tomas = factories.participant(session, forum, name="Tomas Novak")
    open_personal_link(client, bo)
    post_form(client, f"/me/{bo.id}/profile", {"avoid": "Tomas"})

    guest = client.application.test_client()
    open_personal_link(guest, tomas)
    post_form(guest, f"/me/{tomas.id}/profile", {"name": "Somebody Else"})
    said = {"name": "Tomas", "email": "new@reader.example", "meet": "", "avoid": ""}
    post_form(client, f"/join/{forum.registration_key}", BO | said)

    session.rollback()
    assert instance_of(session, forum).problem.people[0].avoid == (1, 2)


def test_nobody_but_the_writer_and_the_organizer_sees_an_avoid(
    session: Session, client: FlaskClient, forum: Event
) -> None:
    bo = factories.participant(session, forum, name="Bo")
    ana = factories.participant(session, forum, name="Ana Silva")
    factories.match(session, bo, ana)
    open_personal_link(client, bo)
    post_form(client, f"/me/{bo.id}/profile", {"avoid": "Mallory Quirk"})

    host, guest = client.application.test_client(), client.application.test_client()
    sign_in(host, _host(session))
    open_personal_link(guest, ana)

    assert "Mallory" in host.get(f"/events/{forum.id}/participants/{bo.id}").text
    assert "Mallory" not in host.get(f"/events/{forum.id}/participants.csv").text
    for path in (f"/me/{ana.id}", f"/me/{ana.id}/profile", f"/join/{forum.registration_key}"):
        assert "Mallory" not in guest.get(path).text, path


def test_the_form_asks_what_the_organizer_chose_and_keeps_the_rest(
    session: Session, client: FlaskClient, forum: Event, rows: Rows
) -> None:
    ana = factories.participant(session, forum, name="Ana")
    ana.topics = ["tides"]
    session.commit()
    sign_in(client, _host(session))

    post_form(client, f"/events/{forum.id}/registration", {"asks": ["greeting", "role"]})
    post_form(client, f"/events/{forum.id}/participants/{ana.id}", {"role": "librarian"})

    page = client.get(f"/join/{forum.registration_key}").text
    assert 'name="role"' in page
    assert 'name="topics"' not in page
    [saved] = rows(select(Participant))
    assert (saved.role, saved.topics) == ("librarian", ["tides"])


def test_spellings_are_joined_and_the_organizer_has_the_last_word(
    session: Session, client: FlaskClient, forum: Event, rows: Rows
) -> None:
    for number, topic in enumerate(("Ocean data", "ocean  datas", "Open data", "Ocaen data")):
        said = {"name": f"P{number}", "email": f"p{number}@reader.example", "topics": [topic]}
        post_form(client, f"/join/{forum.registration_key}", BO | said)
    joined = {s.written: s.word for s in rows(select(Spelling).where(Spelling.kind == "topic"))}
    sign_in(client, _host(session))

    slip = next(s for s in rows(select(Spelling)) if s.written == "Ocaen data")
    post_form(client, f"/events/{forum.id}/words/{slip.id}", {"word": "Ocaen data"})

    assert joined == {
        "Ocean data": "Ocean data",
        "ocean datas": "Ocean data",
        "Open data": "Open data",
        "Ocaen data": "Ocean data",
    }
    session.rollback()
    assert "Ocaen data" in instance_of(session, forum).problem.tags
    assert "4" in client.get(f"/events/{forum.id}/words").text


def test_only_open_words_of_three_who_are_there_are_suggested(
    session: Session, client: FlaskClient, forum: Event, rows: Rows
) -> None:
    """Nobody who opens the form reads what others seek, or whom they hope to meet."""
    session.get_one(Event, forum.id).asks = [ask.value for ask in Ask]
    session.commit()
    for number, topics in enumerate((["Tides", "Whaling"], ["tides", "Whaling"], ["Tides"], [])):
        said = {
            "name": f"P{number}",
            "email": f"p{number}@reader.example",
            "topics": topics,
            "role": "Librarian",
            "offers": ["Sewing"],
            "seeks": ["Debt advice"],
            "wish_roles": ["Therapist"],
        }
        post_form(client, f"/join/{forum.registration_key}", BO | said)
    first, second, *_ = rows(select(Participant).order_by(Participant.id))
    sign_in(client, _host(session))
    before = client.get(f"/join/{forum.registration_key}").text

    for person in (first, second):
        path = f"/events/{forum.id}/participants/{person.id}"
        post_form(client, path, action="/remove")

    assert ("Tides" in before, "Librarian" in before) == (True, True)
    for private in ("Whaling", "Sewing", "Debt advice", "Therapist"):
        assert private not in before
    assert "Tides" not in client.get(f"/join/{forum.registration_key}").text
    assert {s.folded for s in rows(select(Spelling).where(Spelling.kind == "topic"))} == {"tides"}


def test_a_change_made_on_an_old_page_is_shown_beside_what_was_saved(
    session: Session, client: FlaskClient, forum: Event, rows: Rows
) -> None:
    """F9."""
    ana = factories.participant(session, forum, name="Ana")
    open_personal_link(client, ana)
    path = f"/me/{ana.id}/profile"
    old = {"version": 1, "greeting": "Mine"}
    post_form(client, path, {"greeting": "Theirs"})

    answer = post_form(client, path, old)

    assert answer.status_code == 409
    assert "Theirs" in answer.text
    assert "Mine" in answer.text
    assert [person.greeting for person in rows(select(Participant))] == ["Theirs"]


def test_who_says_nothing_of_communities_states_no_preference(
    session: Session, client: FlaskClient, forum: Event
) -> None:
    """Two of one kind are worth no more to whom either suits; their choice can be taken back."""
    page = f"/join/{forum.registration_key}"
    untouched = find_form(client.get(page)).values["across"]
    for name, across in (("Ana", {}), ("Cy", {"across": "own"})):
        said = {"name": name, "email": f"{name}@reader.example", "meet": "", "avoid": ""}
        post_form(client, page, {k: v for k, v in BO.items() if k != "across"} | said | across)

    problem = instance_of(session, forum).problem

    assert untouched == ["either"]
    assert [person.cross for person in problem.people] == [None, False]
    assert points(problem, 1, 0) - points(problem, 0, 1) == problem.weights.same_type


def test_a_list_with_every_column_comes_out_as_it_went_in(
    session: Session, client: FlaskClient, forum: Event, rows: Rows
) -> None:
    sign_in(client, _host(session))
    raw = (
        "name,email,time zone,attendance,greeting,wishes,role,community,topics,experience,offers,"
        "seeks,across fields,roles to meet,meet,known\r\n"
        "Ana,ana@example.org,Europe/Berlin,live,'=Hello,,librarian,non-profit,open data; tides,"
        "twenty years of coasts,hiring,surveys,yes,funder; editor,Bo,\r\n"
        "Bo,bo@example.org,Asia/Tokyo,async,,,,,,,,,no,,,Ana\r\n"
        "Cy,cy@example.org,Asia/Tokyo,async,,,,,,,,,,,,\r\n"
    )
    chosen = {"file": (BytesIO(raw.encode()), "list.csv")}
    kept = post_form(
        client, f"/events/{forum.id}/import", chosen, content_type="multipart/form-data"
    )
    button = next(form for form in forms_on(kept) if form.action != kept.request.path)

    client.post(button.action, data=button.values)

    assert client.get(f"/events/{forum.id}/participants.csv").text == raw
    ana, bo, cy = rows(select(Participant).order_by(Participant.name))
    assert (ana.across, bo.across, cy.across) == (True, False, None)
    assert ana.greeting == "=Hello"
    meant = {m.kind: m.meant_id for m in rows(select(Mention))}
    assert meant == {MentionKind.MEET: bo.id, MentionKind.KNOWN: ana.id}


def test_a_list_is_shown_as_it_is_understood_before_anybody_is_added(
    session: Session, client: FlaskClient, forum: Event, rows: Rows
) -> None:
    """Words taken for others, names of who is there or on the list, and names of nobody."""
    factories.participant(session, forum, name="Dee Dahl")
    sign_in(client, _host(session))
    raw = (
        "name,email,time zone,topics,meet,avoid\r\n"
        "Ana Brandt,ana@example.org,Europe/Berlin,ocean data,dee dahl; Zoe Unknown,Cy\r\n"
        "Cy Carr,carr@example.org,Asia/Tokyo,Ocean datas,ana@example.org,\r\n"
        "Cy Dunn,dunn@example.org,Asia/Tokyo,,,\r\n"
    )
    chosen = {"file": (BytesIO(raw.encode()), "list.csv")}

    shown = post_form(
        client, f"/events/{forum.id}/import", chosen, content_type="multipart/form-data"
    )

    table = shown.text[shown.text.index("Who would be added, and what") :]
    told = " ".join(re.sub(r"<[^>]*>", " ", table).split())
    assert (
        "Topics: ocean data Would like to meet: Dee Dahl (written “dee dahl”) , "
        "Zoe Unknown nobody of this name Would rather not meet: Cy 2 people of this name" in told
    )
    assert (
        "Topics: ocean data (written “Ocean datas”) "
        "Would like to meet: Ana Brandt (written “ana@example.org”)" in told
    )
    assert "nothing beyond their name" in told
    assert "2 names on this list mean nobody yet, or several people" in " ".join(
        re.sub(r"<[^>]*>", "", shown.text).split()
    )
    assert [person.name for person in rows(select(Participant))] == ["Dee Dahl"]


def _host(session: Session) -> Person:
    return session.scalars(select(Person).where(Person.email == "host@forum.example")).one()


def test_a_wish_by_address_says_nothing_of_whose_it_is(
    session: Session, client: FlaskClient, forum: Event
) -> None:
    """They are matched all the same; a wish by name says so."""
    ana = factories.participant(session, forum, name="Ana Brandt", email="ana@reader.example")
    for name, meet in (("Bo", "ana@reader.example"), ("Di", "Ana Brandt")):
        said = {"name": name, "email": f"{name}@reader.example", "meet": meet, "avoid": ""}
        post_form(client, f"/join/{forum.registration_key}", BO | said)

    found = instance_of(session, forum)
    _, bo, di = found.people

    assert [found.problem.people[n].wishes for n in (1, 2)] == [(0,), (0,)]
    asked = "You asked to meet Ana Brandt."
    assert asked not in reasons_of(found, bo, ana)[0]
    assert asked in reasons_of(found, di, ana)[0]


@pytest.mark.parametrize("page", ["http://evil.example/x", "WWW.evil.example", "evil.example/x"])
def test_a_name_holds_no_address_of_a_web_page(
    client: FlaskClient, forum: Event, rows: Rows, page: str
) -> None:
    """Anybody can have this name mailed to anybody."""
    said = {"name": f"WIN 500 EUR at {page}"}

    answer = post_form(client, f"/join/{forum.registration_key}", BO | said)

    assert "without the address of a web page" in answer.text
    assert rows(select(Participant)) == []
