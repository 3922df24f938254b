"""The main job in a real browser: two people who are never awake together hear of each other.

An organizer, a live and an asynchronous participant each have a browser of their own. Every page
and state on the way is asked the same questions (`Visitor.sees`): W1 to W6 of the checklist.
"""

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path

from playwright.sync_api import Page, expect
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from asyncnet.clock import utc_now
from asyncnet.database import db
from asyncnet.followups.model import Answer
from asyncnet.messages.model import Message
from asyncnet.web.filters import local_input, local_time
from tests.journeys.installation import Installation, text_of
from tests.journeys.visitor import Visitor

HOST, ANA, MEI = "host@example.org", "ana@example.org", "mei@example.org"
BERLIN, SYDNEY = "Europe/Berlin", "Australia/Sydney"
TITLE = "Ocean communities forum"
PURPOSE = "People who look after ocean communities meet each other."
LOOK_AGAIN = "Something needs another look"
WORDS = "Your reef maps made me think of our harbour. Shall we compare notes?"
SLOW_BYTES_A_SECOND = 30_000

Visits = Callable[[str], AbstractContextManager[Visitor]]


def test_the_main_job(installation: Installation, visits: Visits, video: Path) -> None:
    with visits(BERLIN) as host, visits(BERLIN) as ana, visits(SYDNEY) as mei:
        signs_in_by_mail(host, mei, installation)
        event = makes_an_event(host)
        adds_ana_by_hand(host)
        mei_registers_herself(mei, registration_link(host, event), installation)
        mei_uploads_her_intro(mei, video)
        pairs_and_publishes(host, event)
        ana_finds_her_page_again(ana, installation)
        ana_watches_and_writes(ana)
        message = the_one_follow_up(installation)
        mail = next_morning_comes(installation, message, host, event)
        assert mail["Reply-To"] == ANA
        assert WORDS in " ".join(text_of(mail).split())
        assert not mei.faults + ana.faults + host.faults
        everybody_sees_that_it_arrived(host, ana, mei, event)
        an_ended_link_offers_a_new_one(host, ana, event, installation.link_to(ANA, "/hello/"))


def signs_in_by_mail(host: Visitor, elsewhere: Visitor, installation: Installation) -> None:
    page = host.page
    page.goto("/")
    host.sees("home")
    page.get_by_role("link", name="Sign in as an organizer").click()
    host.sees("sign-in")
    host.sends_in("Mail me a link")
    host.is_told("Write an e-mail address")
    page.get_by_label("Your e-mail address").fill("host at example")
    host.sends_in("Mail me a link")
    host.is_told("Your e-mail address")
    expect(page.get_by_label("Your e-mail address")).to_have_value("host at example")
    host.sees("sign-in-wrong")
    page.get_by_label("Your e-mail address").fill(HOST)
    host.sends_in("Mail me a link")
    host.sees("sign-in-mailed")

    link = installation.link_to(HOST, "/sign-in/")
    page.goto(link)
    expect(page).to_have_url(re.compile(r"/sign-in/confirm$"))
    host.sees("sign-in-confirm")
    host.sends_in("Sign in on this device")
    expect(page.get_by_role("heading", name="My events")).to_be_visible()
    host.sees("events-none")

    elsewhere.page.goto(link)
    elsewhere.sends_in("Sign in on this device")
    expect(elsewhere.page.get_by_role("alert")).to_contain_text("This link has been used")
    elsewhere.sees("sign-in-used")


def makes_an_event(host: Visitor) -> str:
    """Return the address of its board."""
    page = host.page
    page.get_by_role("link", name="Make an event").click()
    expect(page.get_by_label("Host time zone")).to_have_value(BERLIN)
    host.sees("event-new")
    page.get_by_label("Purpose").fill(PURPOSE)
    host.sends_in("Make this event")
    host.is_told("Give the event a title", "Say when it starts")
    expect(page.get_by_label("Purpose")).to_have_value(PURPOSE)
    host.sees("event-new-wrong")
    page.get_by_label("Title").fill(TITLE)
    starts_at = utc_now() + timedelta(hours=1)
    page.get_by_label("Start", exact=True).fill(local_input(starts_at, BERLIN))
    page.get_by_label("Rounds, or windows").fill("2")
    expect(page.get_by_label("Hours per window")).to_be_hidden()
    page.get_by_label("Send follow-ups at").fill("09:00")
    host.sends_in("Make this event")
    expect(page.get_by_role("heading", level=1)).to_have_text(TITLE)
    host.sees("board-new")
    event = page.url
    for place in ("Match form", "Plan", "Intros", "Messages", "Settings", "Participants"):
        page.get_by_role("navigation", name="This event").get_by_role("link", name=place).click()
        expect(page.get_by_role("heading", level=1)).to_have_text(place)
        host.sees(f"{place.lower().replace(' ', '-')}-new")
    return event


def adds_ana_by_hand(host: Visitor) -> None:
    page = host.page
    page.get_by_role("link", name="Add somebody").click()
    page.get_by_label("Name").fill("Ana Brandt")
    host.sends_in("Add and send the link")
    host.is_told("E-mail", "Choose live or asynchronously")
    expect(page.get_by_label("Name")).to_have_value("Ana Brandt")
    host.sees("participant-new-wrong")
    page.get_by_label("E-mail").fill(ANA)
    page.get_by_role("radio", name="Live").check()
    page.get_by_label("A greeting to your matches").fill("I keep a coast watch happy.")
    host.sends_in("Add and send the link")
    expect(page.get_by_role("status")).to_contain_text("Ana Brandt is in")
    host.sees("participants")


def registration_link(host: Visitor, event: str) -> str:
    host.page.goto(event)
    return host.page.get_by_label("Registration link").input_value()


def mei_registers_herself(mei: Visitor, link: str, installation: Installation) -> None:
    page = mei.page
    page.goto(link)
    expect(page.get_by_label("Time zone")).to_have_value(SYDNEY)
    mei.sees("join")
    page.get_by_label("Name").fill("Mei Tanaka")
    mei.sends_in("Take part")
    mei.is_told("E-mail", "Choose live or asynchronously", "Please tick this if you agree")
    expect(page.get_by_label("Name")).to_have_value("Mei Tanaka")
    mei.sees("join-wrong")
    page.get_by_label("E-mail").fill(MEI)
    page.get_by_role("radio", name="Asynchronously").check()
    page.get_by_label("A greeting to your matches").fill("Reef maps, made by swimmers.")
    page.get_by_role("checkbox").check()
    mei.sends_in("Take part")
    expect(page.get_by_role("heading", level=1)).to_have_text("Thank you. Look in your mail")
    mei.sees("joined")

    page.goto(installation.link_to(MEI, "/hello/"))
    expect(page).to_have_url(re.compile(r"/me/\d+$"))
    expect(page.get_by_role("contentinfo")).to_contain_text("Sydney time")
    mei.sees("me-async")


def mei_uploads_her_intro(mei: Visitor, video: Path) -> None:
    page = mei.page
    page.get_by_role("link", name="Make my intro").click()
    expect(page.get_by_role("checkbox")).not_to_be_checked()
    mei.sees("studio-consent")
    with mei.expecting(400):
        mei.sends_in("Go on")
        mei.is_told("Tick the box if you agree")
        mei.sees("studio-consent-wrong")
    page.get_by_role("checkbox").check()
    mei.sends_in("Go on")
    mei.sees("studio-choose")
    page.locator("summary", has_text="Use a video you have").click()
    mei.sees("studio-file")

    slow_down(page, SLOW_BYTES_A_SECOND)
    with page.expect_file_chooser() as chooser:
        page.get_by_text("Choose a video").click()
    chooser.value.set_files(video)
    bar = page.get_by_role("progressbar", name="Uploading")
    page.wait_for_function("bar => bar.value > 0 && bar.value < 100", arg=bar.element_handle())
    mei.sees("studio-uploading")
    slow_down(page, None)

    expect(page.get_by_text("Your intro has arrived.", exact=True)).to_be_visible()
    expect(page.get_by_role("heading", name="Where it stands")).to_contain_text(
        "Ready", timeout=60_000
    )
    mei.watches(page.locator("video[data-player]"))
    mei.sees("studio-ready", shown_on="phone")


def pairs_and_publishes(host: Visitor, event: str) -> None:
    page = host.page
    page.goto(f"{event}/plan")
    host.sees("plan-empty")
    host.chooses("Who", "Ana Brandt (live)")
    host.chooses("meets whom", "Ana Brandt (live)")
    host.sends_in("Pair them")
    host.is_told("Ana Brandt cannot meet themselves")
    host.sees("plan-wrong")
    host.chooses("meets whom", "Mei Tanaka (async)")
    host.sends_in("Pair them")
    expect(page.get_by_role("heading", name="Draft: nobody sees it yet")).to_be_visible()
    host.sees("plan-draft")
    host.sends_in("Publish this plan")
    expect(page.get_by_role("status")).to_contain_text("Published: everybody sees it")
    host.sees("plan-published", shown_on="desktop")
    page.goto(event)
    host.sees("board")


def ana_finds_her_page_again(ana: Visitor, installation: Installation) -> None:
    """A foreign and a broken link each say so, and offer a new one by mail."""
    page = ana.page
    whole = installation.link_to(ANA, "/hello/")
    with ana.expecting(404, 410):
        page.goto("/me/1/intro")
        ana.sees("foreign-link")
        page.goto(whole[:-3])
        expect(page.get_by_role("heading", level=1)).to_have_text("This link has ended")
        ana.sees("broken-link")
    page.get_by_role("link", name="Mail me a new link").click()
    ana.sends_in("Mail me my link")
    ana.is_told("Write an e-mail address")
    ana.sees("lost-link-wrong")
    installation.minutes_pass(2)
    page.get_by_label("The e-mail address you registered with").fill(ANA)
    ana.sends_in("Mail me my link")
    expect(page.get_by_role("heading", level=1)).to_have_text("Look in your mail")
    ana.sees("lost-link-mailed")
    page.goto(installation.link_to(ANA, "/hello/", mails=2))


def ana_watches_and_writes(ana: Visitor) -> None:
    """Two clicks on Send make one answer; see `the_one_follow_up`."""
    page = ana.page
    expect(page.get_by_role("heading", level=1)).to_have_text("Hello Ana Brandt")
    ana.sees("me-live")
    page.get_by_role("link", name="Watch Mei Tanaka's intro").click()
    ana.watches(page.locator("video[data-player]"))
    ana.sees("viewing", shown_on="phone")

    talk = "The tide pools, and how you keep volunteers."
    page.get_by_label("What would you like to talk about together?").fill(talk)
    page.get_by_role("checkbox", name="May they write back to you?").check()
    ana.sends_in("Send")
    ana.is_told("Please answer this one; a few words are enough.")
    expect(page.get_by_label("What would you like to talk about")).to_have_value(talk)
    expect(page.get_by_role("checkbox", name="May they write back")).to_be_checked()
    ana.sees("viewing-wrong")
    page.get_by_label("What stayed with you from this intro?").fill(WORDS)
    page.get_by_role("button", name="Send", exact=True).dblclick()

    expect(page).to_have_url(re.compile(r"/thanks$"))
    clocks = page.locator(".clock")
    expect(clocks).to_have_count(2)
    expect(clocks.nth(0)).to_contain_text("Mei Tanaka 09:00")
    expect(clocks.nth(0)).to_contain_text("Sydney")
    expect(clocks.nth(1)).to_contain_text("Berlin")
    expect(clocks.nth(1)).not_to_contain_text("09:00")
    ana.sees("thanks", shown_on="phone")


def the_one_follow_up(installation: Installation) -> Message:
    with installation.app.app_context(), Session(db.engine, expire_on_commit=False) as session:
        assert session.scalar(select(func.count()).select_from(Answer)) == 1
        [message] = session.scalars(select(Message).where(Message.kind == "follow_up"))
    return message


def next_morning_comes(
    installation: Installation, message: Message, host: Visitor, event: str
) -> EmailMessage:
    """Look at the message before its hour, turn the clock; return what came by mail."""
    host.page.goto(f"{event}/messages")
    row = host.page.get_by_role("row").filter(has_text="What a viewer wrote")
    expect(row).to_contain_text("Scheduled")
    expect(row).to_contain_text("09:00 Sydney")
    host.sees("messages")
    row.get_by_role("link", name="Mei Tanaka").click()
    expect(host.page.get_by_role("heading", level=1)).to_have_text("Ana Brandt watched your intro")
    host.sees("message", shown_on="desktop")

    earlier = len(installation.mails_to(MEI))
    assert local_time(message.due_at, SYDNEY) == "09:00"
    installation.send_what_is_due(message.due_at - timedelta(minutes=1))
    assert len(installation.mails_to(MEI)) == earlier
    installation.send_what_is_due(message.due_at)
    [mail] = installation.mails_to(MEI)[earlier:]
    return mail


def everybody_sees_that_it_arrived(host: Visitor, ana: Visitor, mei: Visitor, event: str) -> None:
    host.page.reload()
    expect(host.page.get_by_role("main").locator("p > .badge")).to_have_text("Sent")
    host.sees("message-sent")
    host.page.goto(f"{event}/messages")
    row = host.page.get_by_role("row").filter(has_text="What a viewer wrote")
    expect(row).to_contain_text("Sent")
    host.sees("messages-sent")
    host.page.goto(event)
    expect(host.page.get_by_role("main")).to_contain_text("1 follow-up has arrived")
    host.sees("board-sent")

    mei.page.goto("/me/2")
    mei.page.get_by_role("link", name="What my matches wrote").click()
    expect(mei.page.get_by_text(WORDS)).to_be_visible()
    expect(mei.page.get_by_role("link", name="write to ana")).to_have_attribute(
        "href", re.compile("^mailto:ana[^@%]*@")
    )
    mei.sees("letters", shown_on="phone")

    ana.page.get_by_role("link", name="change what you wrote").click()
    expect(ana.page.get_by_role("main")).to_contain_text("Your words went out to Mei Tanaka")
    ana.sees("viewing-sent")


def an_ended_link_offers_a_new_one(host: Visitor, ana: Visitor, event: str, ended: str) -> None:
    host.page.goto(f"{event}/participants")
    host.page.get_by_role("link", name="Ana Brandt").click()
    host.sees("participant")
    host.sends_in("End all links")
    expect(host.page.get_by_role("status")).to_contain_text("The links of Ana Brandt have ended")
    with ana.expecting(404, 410):
        ana.page.reload()
        expect(ana.page.get_by_role("button", name="Mail me a link")).to_be_visible()
        ana.page.goto(ended)
        expect(ana.page.get_by_role("heading", level=1)).to_have_text("This link has ended")
        expect(ana.page.get_by_role("link", name="Mail me a new link")).to_be_visible()
        ana.sees("ended-link")


def slow_down(page: Page, bytes_a_second: int | None) -> None:
    """Give the page the line of a phone far from any mast, or a good one again."""
    session = page.context.new_cdp_session(page)
    session.send(
        "Network.emulateNetworkConditions",
        {
            "offline": False,
            "latency": 0,
            "downloadThroughput": -1,
            "uploadThroughput": bytes_a_second or -1,
        },
    )
