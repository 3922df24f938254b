"""Turns what a feature wants to say into a letter, in text and HTML."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Protocol

import jinja2
from css_inline import CSSInliner

from asyncnet.mail.port import Invitation, Letter
from asyncnet.messages.model import Message
from asyncnet.messages.queue import Copy, hash_of, masked
from asyncnet.messages.wording import Wordable, Wording, subject_line

_BLANK_LINES = re.compile(r"\n\s*\n")
_INLINER = CSSInliner(keep_style_tags=True, load_remote_stylesheets=False)


class Site(Protocol):
    """Where this installation is found, and the address of a path on it."""

    @property
    def host(self) -> str: ...

    def to(self, path: str) -> str: ...

    def unsubscribe(self, address_hash: bytes, event_id: int) -> str: ...


class NotNeeded(Exception):
    """There is nothing to write any more; the message is cancelled with this reason."""


@dataclass(frozen=True)
class Draft:
    """What one mail says. `template` names a pair of files in `templates/mail`.

    `preheader` is the line that mail programs show beside the subject. `secrets` are the
    links among `values` that open somebody's page. Values are shown as they are, escaped in
    HTML; nothing in them is ever expanded as a template (CHECKLIST M2). `places` fill the
    named places in an organizer's words; a kind in `wording.WORDABLE` needs no subject, and
    its template shows `opening` and `closing` where they belong.

    A mail with a `reply_to` goes back, quoted, to whom it names: it has no secrets, and making
    one that has raises ValueError (CHECKLIST S8).
    """

    preheader: str
    template: str
    values: Mapping[str, Any]
    subject: str = ""
    places: Mapping[str, str] = field(default_factory=dict)
    reply_to: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    invitation: Invitation | None = None

    def __post_init__(self) -> None:
        if self.reply_to and self.secrets:
            raise ValueError("whoever gets the reply would get these links with it")


def render(
    environment: jinja2.Environment,
    draft: Draft,
    message: Message,
    site: Site,
    words: Wording | None = None,
) -> Letter:
    """Return the finished letter of a message, in these words where it has a place for them.

    Its Message-ID follows from the message's key, and all mails of one event to one person
    are one thread. Raises jinja2.UndefinedError when a template asks for an unknown name.
    """
    stop = _way_out(message, site)
    said = (words or Wording(draft.subject, "", "")).filled(draft.places)
    subject = subject_line(said.subject)
    values = {
        **draft.values,
        "subject": subject,
        "opening": said.opening.strip(),
        "closing": said.closing.strip(),
        "preheader": draft.preheader,
        "home": site.to("/"),
        "stop": _way_out_to_quote(message, site) if draft.reply_to else stop,
    }
    html = environment.get_template(f"mail/{draft.template}.html").render(values)
    text = environment.get_template(f"mail/{draft.template}.txt").render(values)
    return Letter(
        to_name=message.to_name,
        to_address=message.to_address,
        subject=subject,
        text=_BLANK_LINES.sub("\n\n", text).strip() + "\n",
        html=_INLINER.inline(html),
        message_id=f"<{message.reference}@{site.host}>",
        reply_to=draft.reply_to,
        headers={
            "Auto-Submitted": "auto-generated",
            "X-Auto-Response-Suppress": "All",
            **_thread(message, site.host),
            **_one_click(stop),
            **draft.headers,
        },
        secrets=(*draft.secrets, stop) if stop else draft.secrets,
        invitation=draft.invitation,
    )


def sample(environment: jinja2.Environment, wordable: Wordable, words: Wording, site: Site) -> Copy:
    """Return how a kind of mail reads to somebody made up, in these words."""
    draft = Draft(
        preheader=wordable.middle,
        template="sample",
        values={"middle": wordable.middle},
        places={name: place.sample for name, place in wordable.places.items()},
    )
    nobody = Message(reference="sample", to_address="ana@example.org", to_name="Ana Silva")
    return masked(render(environment, draft, nobody, site, words))


def _way_out(message: Message, site: Site) -> str:
    """Return where a reader stops such mails; empty for one that they asked for themselves."""
    if message.event_id is None:
        return ""
    return site.unsubscribe(hash_of(message.to_address), message.event_id)


def _way_out_to_quote(message: Message, site: Site) -> str:
    """Return where a reader stops mails whose address may be passed on: a page of their own."""
    return site.to(f"/me/{message.participant_id}/mails")


def _one_click(stop: str) -> dict[str, str]:
    """Return what lets a mail program stop mails with one click (RFC 8058)."""
    if not stop:
        return {}
    return {"List-Unsubscribe": f"<{stop}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}


def _thread(message: Message, host: str) -> dict[str, str]:
    if message.event_id is None:
        return {}
    name = f"event:{message.event_id}:{message.to_address}"
    root = f"<{sha256(name.encode()).hexdigest()[:32]}@{host}>"
    return {"In-Reply-To": root, "References": root}
