"""What every letter has, whatever it says (CHECKLIST M2, M3, M5)."""

from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from html import unescape

import jinja2
import pytest

from asyncnet.clock import utc_now
from asyncnet.mail import mime
from asyncnet.mail.port import Letter
from asyncnet.messages.letters import Draft, render
from asyncnet.messages.model import Message
from asyncnet.messages.queue import reference_of
from asyncnet.people.links import Links

LINKS = Links("https://forum.example", ("secret",))
PAGES = jinja2.Environment(
    loader=jinja2.ChoiceLoader(
        [
            jinja2.FileSystemLoader("templates"),
            jinja2.DictLoader(
                {
                    "mail/hello.html": '{% extends "mail/base.html" %}'
                    "{% block body %}<p>Hello {{ name }}</p>{% endblock %}",
                    "mail/hello.txt": '{% extends "mail/base.txt" %}'
                    "{% block body %}Hello {{ name }}{% endblock %}",
                }
            ),
        ]
    ),
    autoescape=jinja2.select_autoescape(["html"]),
    undefined=jinja2.StrictUndefined,
)
HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7 * 7 }}",
    "{% raw %}",
    "{name}",
    "{event.__init__.__globals__}",
    "{{config}}",
    "%(name)s",
    "& &amp; &lt;",
]


def message(**changes: object) -> Message:
    usual: dict[str, object] = {
        "key": "a-mail",
        "reference": reference_of("a-mail"),
        "event_id": 7,
        "to_address": "ana@example.org",
        "to_name": "Ana",
    }
    return Message(**(usual | changes))


def write(name: str = "Ana", about: Message | None = None) -> Letter:
    draft = Draft(subject="Hello\nthere", preheader="Soon", template="hello", values={"name": name})
    return render(PAGES, draft, about or message(), LINKS)


def read(letter: Letter) -> EmailMessage:
    mail = mime.write(letter, mail_from="hello@forum.example", at=utc_now())
    return BytesParser(EmailMessage, policy=default).parsebytes(mail.content)


@pytest.mark.parametrize("words", HOSTILE)
def test_words_of_people_are_shown_as_typed(words: str) -> None:
    letter = write(name=words)

    assert f"Hello {words}\n" in letter.text
    shown = letter.html.split("Hello ")[-1].split("</p>")[0]
    assert unescape(shown) == words
    assert "<script" not in letter.html
    assert "<img" not in letter.html


def test_a_template_that_asks_for_an_unknown_name_is_an_error() -> None:
    draft = Draft(subject="Hello", preheader="Soon", template="hello", values={})

    with pytest.raises(jinja2.UndefinedError):
        render(PAGES, draft, message(), LINKS)


def test_the_same_message_always_has_the_same_id() -> None:
    first, again, other = write(), write(), write(about=message(reference=reference_of("other")))

    assert first.message_id == again.message_id != other.message_id


def test_mails_of_one_event_to_one_person_are_one_thread() -> None:
    first = read(write())
    second = read(write(about=message(reference=reference_of("other"))))
    elsewhere = read(write(about=message(event_id=8)))

    assert first["References"] == second["References"] == first["In-Reply-To"]
    assert first["References"] != elsewhere["References"]


def test_a_mail_says_that_no_person_typed_it() -> None:
    assert read(write())["Auto-Submitted"] == "auto-generated"


def test_a_mail_has_a_preheader_and_carries_its_styles_on_its_elements() -> None:
    html = write().html
    body = html[html.index("<body") :]

    assert body.index("Soon") < body.index("Hello")
    assert '<p style="' in html
    assert "prefers-color-scheme: dark" in html


def test_a_subject_is_one_line() -> None:
    assert read(write())["Subject"] == "Hello there"
