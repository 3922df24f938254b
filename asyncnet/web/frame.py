"""Shows the HTML of a mail in a page, where nothing in it can run or load."""

import secrets
from html import escape
from html.parser import HTMLParser

from flask import Response

SANDBOX = "allow-popups allow-popups-to-escape-sandbox"
"""What a mail may do: open its links in a new window, and nothing else."""


def framed(html: str) -> Response:
    """Return the HTML of a mail for an `<iframe sandbox>` of our own pages.

    Mails carry their styles twice, since mail programs differ: in one style sheet, which is
    let in by a nonce, and on every element, where a strict policy (CHECKLIST B3) would
    complain; those are left out here.
    """
    nonce = secrets.token_urlsafe(16)
    frame = _Frame(nonce)
    frame.feed(html)
    frame.close()
    response = Response("".join(frame.out), mimetype="text/html")
    response.headers["Content-Security-Policy"] = (
        f"default-src 'none'; style-src 'nonce-{nonce}'; img-src data:; base-uri 'none'; "
        f"form-action 'none'; frame-ancestors 'self'; sandbox {SANDBOX}"
    )
    return response


class _Frame(HTMLParser):
    """Writes a page again without styles on elements, its links opening beside it."""

    def __init__(self, nonce: str) -> None:
        super().__init__(convert_charrefs=False)
        self.nonce = nonce
        self.out: list[str] = []

    def handle_decl(self, decl: str) -> None:
        self.out.append(f"<!{decl}>")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        kept = [(name, value) for name, value in attrs if name != "style"]
        if tag == "style":
            kept.append(("nonce", self.nonce))
        if tag == "a":
            kept += [("target", "_blank"), ("rel", "noopener noreferrer")]
        written = "".join(f' {name}="{escape(value or "")}"' for name, value in kept)
        self.out.append(f"<{tag}{written}>")

    def handle_endtag(self, tag: str) -> None:
        self.out.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        self.out.append(data)

    def handle_entityref(self, name: str) -> None:
        self.out.append(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self.out.append(f"&#{name};")
