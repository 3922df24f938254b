"""What is kept of a mail: its words, without the links that open somebody's page."""

from collections.abc import Iterable
from dataclasses import dataclass

from asyncnet.mail.port import Letter
from asyncnet.messages.model import Message

MASK = "[personal link]"


@dataclass(frozen=True)
class Copy:
    """What a mail says, its secret links masked."""

    subject: str
    text: str
    html: str


def copy_of(message: Message) -> Copy:
    """Return the kept copy of a message, empty where there is none yet."""
    return Copy(message.sent_subject or "", message.sent_text or "", message.sent_html or "")


def masked(letter: Letter) -> Copy:
    """Return a letter's words without the links that open somebody's page."""
    subject, text, html = (
        _masked(words, letter.secrets) for words in (letter.subject, letter.text, letter.html)
    )
    return Copy(subject, text, html)


def _masked(text: str, secrets: Iterable[str]) -> str:
    for secret in secrets:
        text = text.replace(secret, MASK).replace(secret.replace("&", "&amp;"), MASK)
    return text
