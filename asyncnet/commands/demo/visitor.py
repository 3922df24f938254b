"""Somebody who uses asyncnet over HTTP as a browser would: cookies, pages and forms."""

import json
import re
from dataclasses import dataclass
from html import unescape
from http.cookiejar import CookieJar
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, Request, build_opener

from asyncnet.commands.demo.scratch import StepMissed

TIMEOUT_SECONDS = 60
HIDDEN = r'name="(csrf_token|form_key|text_version)"[^>]*value="([^"]+)"'
FOR_SCRIPTS = r'data-csrf="([^"]+)"'


@dataclass(frozen=True)
class Reply:
    """What a server sent back."""

    url: str
    body: bytes
    content_type: str
    etag: str


class Visitor:
    """One person's browser, without the pictures. Whatever is refused raises StepMissed."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self.browser = build_opener(HTTPCookieProcessor(CookieJar()))
        self.page = ""
        self.address = ""

    def open(self, address: str) -> str:
        """Open a page and return it."""
        return self._show(self._request(address))

    def send(self, values: dict[str, str], address: str = "") -> str:
        """Send in a form of the page that is open, its hidden fields too; return what follows."""
        self._show(self._request(address or self.address, self._filled_in(values)))
        wrong = re.findall(r'problems__link"[^>]*>([^<]+)', self.page)
        if wrong:
            raise StepMissed(f"{self.address} was not taken: {unescape('; '.join(wrong))}")
        return self.page

    def ask(self, address: str, values: dict[str, str]) -> dict[str, Any]:
        """Send values as a page's script does and return the JSON answer."""
        request = self._request(address, self._filled_in(values))
        request.add_header("Accept", "application/json")
        answer: dict[str, Any] = json.loads(self.fetch(request).body)
        return answer

    def fetch(self, request: Request) -> Reply:
        """Send any request and return what comes back."""
        try:
            with self.browser.open(request, timeout=TIMEOUT_SECONDS) as response:
                headers = response.headers
                return Reply(
                    response.url,
                    response.read(),
                    headers.get("Content-Type", ""),
                    headers.get("ETag", ""),
                )
        except HTTPError as error:
            said = " ".join(re.sub(r"<[^>]+>", " ", error.read().decode()).split())[:300]
            raise StepMissed(f"{request.full_url} answered {error.code}: {said}") from error
        except (URLError, OSError) as error:
            raise StepMissed(f"{request.full_url} did not answer: {error}") from error

    def _show(self, request: Request) -> str:
        reply = self.fetch(request)
        self.page, self.address = reply.body.decode(), reply.url
        return self.page

    def _request(self, address: str, body: bytes | None = None) -> Request:
        absolute = address if address.startswith("http") else self.base_url + address
        return Request(absolute, data=body)  # noqa: S310 - our own server

    def _filled_in(self, values: dict[str, str]) -> bytes:
        hidden = dict(re.findall(HIDDEN, self.page))
        for token in re.findall(FOR_SCRIPTS, self.page):
            hidden["csrf_token"] = token
        return urlencode(hidden | values).encode()
