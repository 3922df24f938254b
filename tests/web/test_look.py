"""The design system on a page of its own: every macro, in every state, in a real browser."""

import gzip
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask, Response, flash, render_template, request, url_for
from flask_wtf import FlaskForm
from flask_wtf.csrf import CSRFProtect
from jinja2 import ChoiceLoader, FileSystemLoader, StrictUndefined
from jinja2.runtime import Macro
from playwright.sync_api import Browser, Page, expect
from werkzeug.serving import make_server
from wtforms import (
    BooleanField,
    DateTimeLocalField,
    EmailField,
    FileField,
    IntegerField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
    TimeField,
)
from wtforms.validators import DataRequired, Email, Length, Optional
from wtforms.widgets import CheckboxInput, ListWidget

from asyncnet.intros.model import IntroState
from asyncnet.matches.model import MatchState
from asyncnet.messages.rules import MessageState
from asyncnet.web import filters
from asyncnet.web.forms import choices_of

ROOT = Path(__file__).parents[2]
AT = datetime(2025, 6, 26, 23, tzinfo=UTC)
"""09:00 in Sydney, and one o'clock at night in Berlin."""

POLICY = (
    "default-src 'none'; script-src 'self' 'nonce-seven'; style-src 'self'; img-src 'self' data:;"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
AXE_OPTIONS = {
    "preload": False,
    "runOnly": {
        "type": "tag",
        "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    },
}
PAGES = ["/pieces", "/form", "/form/wrong", "/events/1/participants", "/error"]


@dataclass(frozen=True)
class Someone:
    name: str
    zone: str
    greeting: str
    experience: str = ""


PEOPLE = [
    Someone(
        "Mirela Okonkwo-Bădescu", "Australia/Sydney", "I count crabs, and ask why.", "Tide gauges"
    ),
    Someone("Ben", "Europe/Berlin", ""),
]


class Registration(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """One field of every kind."""

    name = StringField("Your name", [DataRequired("Please write your name."), Length(max=100)])
    email = EmailField("E-mail", [DataRequired("We need an address to write to."), Email()])
    zone = SelectField(
        "Time zone",
        choices=choices_of(
            [("", "Choose"), ("Asia/Tokyo", "Asia/Tokyo"), ("Pacific/Auckland", "Auckland")]
        ),
    )
    greeting = TextAreaField("A greeting", [Optional()])
    attendance = RadioField(
        "How do you take part?",
        [DataRequired("Please choose one of the two.")],
        choices=choices_of(
            [("live", "Live, with my camera"), ("async", "In my own time, with an intro")]
        ),
    )
    topics = SelectMultipleField(
        "What would you like to talk about?",
        [DataRequired("Please choose at least one.")],
        choices=choices_of(
            [("sea", "The sea"), ("data", "Data"), ("work", "Work across time zones")]
        ),
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )
    role = SelectField(
        "Your role",
        [Optional()],
        choices=choices_of([("", "Choose"), ("r", "Researcher"), ("t", "Teacher")]),
    )
    starts = DateTimeLocalField("Starts", [Optional()])
    hour = TimeField("Follow-ups go out at", [Optional()])
    rounds = IntegerField("Rounds", [Optional()])
    picture = FileField("Your picture", [Optional()])
    consent = BooleanField("Show my intro to my matches", [DataRequired("Please tick this.")])


def make_gallery() -> Flask:
    """Return a small app that serves the pages of the gallery under the product's own policy."""
    app = Flask(__name__, static_folder=ROOT / "static")
    app.secret_key = "only for pictures"
    app.jinja_loader = ChoiceLoader(
        [FileSystemLoader(ROOT / "templates"), FileSystemLoader(Path(__file__).parent / "gallery")]
    )
    app.jinja_env.undefined = StrictUndefined
    CSRFProtect(app)
    app.jinja_env.globals.update(
        asset=lambda name: url_for("static", filename=f"{Path(name).suffix[1:]}/{name}"),
        csp_nonce=lambda: "seven",
    )
    filters.register(app)
    app.add_url_rule("/", "pages.home")
    app.add_url_rule("/lost-link", "events.lost_link")

    @app.get("/pieces")
    def pieces() -> str:
        flash("Your answer is saved.", "success")
        flash("The file was too large.", "error")
        return render_template("pieces.html", at=AT, people=PEOPLE, reader_zone="Europe/Berlin")

    @app.get("/form")
    def form() -> str:
        return render_template("form.html", form=Registration(request.args))

    @app.post("/form")
    def sent() -> Response:
        return Response(status=204)

    @app.get("/form/wrong")
    def wrong() -> str:
        form = Registration(meta={"csrf": False})
        form.validate()
        return render_template("form.html", form=form)

    @app.get("/events/1/participants")
    def participants() -> str:
        nav = {
            "Overview": "/events/1",
            "Participants": "/events/1/participants",
            "Plan": "/events/1/plan",
            "Messages": "/events/1/messages",
            "Settings": "/events/1/settings",
        }
        return render_template("desk.html", form=Registration(), people=PEOPLE, event_nav=nav)

    @app.get("/error")
    def error() -> str:
        return render_template(
            "error.html",
            title="This page is not here",
            text="The address may be cut short. Please open the link in your mail once more.",
            request_id="7f3a9c",
            offer_link=True,
            way_back=None,
            is_organizer=False,
        )

    @app.after_request
    def guard(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = POLICY
        return response

    return app


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    server = make_server("127.0.0.1", 0, make_gallery(), threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 390, "height": 844})
    yield page
    page.close()


@pytest.fixture
def macros() -> Iterator[Callable[[str, str], Macro]]:
    """A way to one macro by file and name, inside a request."""
    app = make_gallery()
    with app.test_request_context():
        yield lambda file, name: getattr(
            app.jinja_env.get_template(f"macros/{file}.html").module, name
        )


def words_of(markup: str) -> str:
    """Return what is left to read without the tags, spaces joined."""
    return " ".join(re.sub(r"<[^>]*>", " ", markup).split())


@pytest.mark.parametrize(
    ("width", "height", "zoom", "scheme"),
    [(1280, 900, 1, "light"), (390, 844, 2, "dark"), (320, 225, 4, "light")],
    ids=["desk", "phone in the dark", "desk at 400 percent"],
)
@pytest.mark.parametrize("path", PAGES)
def test_nothing_stands_in_anybodys_way(
    browser: Browser,
    address: str,
    path: str,
    width: int,
    height: int,
    zoom: int,
    scheme: Literal["light", "dark"],
) -> None:
    """W1: no violation, nothing left to judge, no scrolling sideways; B3: the policy holds."""
    page = browser.new_page(
        viewport={"width": width, "height": height}, device_scale_factor=zoom, color_scheme=scheme
    )
    console: list[str] = []
    page.on("console", lambda message: console.append(message.text))
    page.goto(address + path)

    results = Axe().run(page, options=AXE_OPTIONS)
    sideways = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    page.close()

    assert results.violations_count == 0, results.generate_report()
    assert results.response["incomplete"] == []
    assert len(results.response["passes"]) > 10
    assert sideways == 0
    assert console == []


def test_buttons_are_large_enough_for_a_thumb(page: Page, address: str) -> None:
    heights = set()
    for path in PAGES:
        page.goto(address + path)
        for button in page.locator("button:visible, .button:visible").all():
            heights.add((button.bounding_box() or {"height": 0})["height"])

    assert heights
    assert min(heights) >= 44


def test_every_stop_of_the_tab_key_can_be_seen(page: Page, address: str) -> None:
    """W2: in the order of the page, with an outline, inside the window, and round once more."""
    page.goto(address + "/pieces")
    stops: list[str] = []
    while len(stops) < 50:
        page.keyboard.press("Tab")
        focused = page.locator(":focus")
        if not focused.count() or focused.inner_text() in stops:
            break
        stops.append(focused.inner_text())
        box = focused.bounding_box()
        assert box
        assert 0 <= box["y"] <= 844
        assert focused.evaluate("element => getComputedStyle(element).outlineStyle") == "solid"

    assert stops[:5] == ["Skip to the content", "asyncnet", "Your page", "Watch it", "Replace it"]
    assert stops[-1] == "Add people"


def test_the_first_link_skips_to_the_content(page: Page, address: str) -> None:
    page.goto(address + "/events/1/participants")

    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")

    expect(page.get_by_role("link", name="Events")).to_be_focused()


def test_the_place_in_the_event_is_told_without_colour(page: Page, address: str) -> None:
    page.goto(address + "/events/1/participants")

    places = page.get_by_role("navigation", name="This event")

    assert places.locator("[aria-current=page]").all_inner_texts() == ["Participants"]


def test_mistakes_are_listed_first_and_told_at_their_fields(browser: Browser, address: str) -> None:
    """W4 and W6: the summary has the focus, its links lead to the fields, without any script."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address + "/form/wrong")
    summary = page.get_by_role("group", name="Something needs another look")
    email = page.get_by_role("textbox", name="E-mail")

    expect(summary).to_be_focused()
    expect(summary.get_by_role("link")).to_have_count(6)
    expect(email).to_have_accessible_description(
        "We send your personal link here. Nobody else sees it. We need an address to write to."
    )
    expect(email).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_role("group", name="How do you take part?")).to_have_accessible_description(
        "You can change this until the forum starts. Please choose one of the two."
    )
    summary.get_by_role("link", name="How do you take part").click()
    page.keyboard.press("Space")
    expect(page.get_by_role("radio", name="Live, with my camera")).to_be_checked()
    context.close()


def test_an_empty_zone_is_filled_in_and_a_written_one_kept(browser: Browser, address: str) -> None:
    page = browser.new_page(timezone_id="Pacific/Auckland")

    page.goto(address + "/form")
    empty = page.get_by_label("Time zone", exact=True).input_value()
    page.goto(address + "/form?zone=Asia/Tokyo")
    written = page.get_by_label("Time zone", exact=True).input_value()
    page.close()

    assert (empty, written) == ("Pacific/Auckland", "Asia/Tokyo")


def test_a_double_click_sends_once_and_says_so(page: Page, address: str) -> None:
    """F8, as far as a page can help; the database has the last word."""
    page.goto(address + "/form")
    page.evaluate("sent = 0; addEventListener('submit', e => { sent += !e.defaultPrevented })")

    with page.expect_response(address + "/form"):
        page.get_by_role("button", name="Send now the mail to Ana").dblclick()

    expect(page.get_by_role("button", name="Sending…")).to_have_count(1)
    assert page.evaluate("sent") == 1


def test_a_table_stays_a_table_when_it_looks_like_cards(page: Page, address: str) -> None:
    page.goto(address + "/events/1/participants")
    table = page.get_by_role("table", name="Everybody who registered, 2 of 2")

    row = table.get_by_role("row").filter(has_text="Ben")

    expect(table.get_by_role("columnheader")).to_have_text(
        ["Name", "City", "Intro", "Follow-up", "Next step"]
    )
    expect(table.get_by_role("columnheader", name="Name")).to_have_attribute(
        "aria-sort", "ascending"
    )
    expect(row.get_by_role("rowheader", name="Ben")).to_be_visible()
    expect(row.get_by_role("cell", name="Ready", exact=True)).to_be_visible()
    expect(row.get_by_role("button", name="Nudge Ben")).to_be_visible()


def test_a_link_is_copied_and_the_button_says_so(browser: Browser, address: str) -> None:
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.goto(address + "/pieces")

    page.get_by_role("button", name="Copy Your registration link").click()

    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    context.close()
    assert copied.startswith("https://asyncnet.example/register/")


def test_what_is_hidden_stays_hidden(browser: Browser, address: str) -> None:
    """W6: without scripts nothing can be copied by a button, so none is offered."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address + "/pieces")

    expect(page.get_by_label("Your registration link")).to_be_visible()
    expect(page.locator("[data-copy]")).to_be_hidden()
    context.close()


def test_two_clocks_show_one_moment_on_two_days(macros: Callable[[str, str], Macro]) -> None:
    two_clocks = macros("clocks", "two_clocks")
    at = datetime(2025, 6, 27, 9, 30, tzinfo=UTC)

    drawn = two_clocks(at, "America/Los_Angeles", "You", "Pacific/Kiritimati", "Tione")

    assert words_of(drawn) == (
        "You 02:30 Fri 27 June Los Angeles Tione 23:30 Fri 27 June Kiritimati"
    )
    assert drawn.count("clock--night") == 2
    assert "rotate(75.0 24 24)" in drawn  # the hour hand at half past two


@pytest.mark.parametrize("state", [*IntroState, *MatchState, *MessageState])
def test_every_state_has_words_and_a_picture(
    state: StrEnum, macros: Callable[[str, str], Macro]
) -> None:
    drawn = macros("status", "badge")(state)

    assert words_of(drawn) not in ("", "None")
    assert drawn.count("<svg") == 1


def test_names_and_words_are_never_markup(macros: Callable[[str, str], Macro]) -> None:
    """B5: whatever people write is shown as they wrote it."""
    hostile = "\"'><script>alert(1)</script>"
    someone = Someone(hostile, "Europe/Berlin", hostile)

    drawn = [
        macros("layout", "person")(someone),
        macros("layout", "notice")(hostile),
        macros("layout", "facts")([(hostile, hostile)]),
        macros("layout", "copy_field")(hostile, hostile),
        macros("layout", "breadcrumbs")([(hostile, "/"), (hostile, None)]),
        macros("layout", "empty")(hostile, hostile, (hostile, "/")),
        macros("layout", "progress")(hostile, 1, 2, words=hostile),
        macros("layout", "steps")([hostile], 1),
        macros("status", "badge")("good", hostile),
        macros("table", "cell")(hostile, hostile),
        macros("form", "button_form")("/", hostile, "token", fields={hostile: hostile}),
    ]

    for markup in drawn:
        assert "<script" not in markup
        assert "\"'>" not in markup
        assert "&lt;script&gt;" in markup


def test_the_style_sheets_stay_small_and_plain() -> None:
    sheets = [file.read_text() for file in (ROOT / "static/css").glob("*.css")]
    selectors = re.findall(r"[^{};]+(?=\{)", re.sub(r"/\*.*?\*/", "", "".join(sheets), flags=re.S))

    [built] = (ROOT / "static/dist").glob("app-*.css")

    assert len(gzip.compress(built.read_bytes(), mtime=0)) < 7_000
    assert "!important" not in "".join(sheets)
    assert not [selector for selector in selectors if "#" in selector]
