"""Addresses that go into mails, and the signed tokens inside them."""

from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import urlsplit

from itsdangerous import BadSignature, URLSafeSerializer

PERSONAL = "personal-link"
UNSUBSCRIBE = "unsubscribe"


class LinkInvalid(Exception):
    """The token was never ours, or was cut on its way."""


@dataclass(frozen=True)
class Links:
    """Builds absolute addresses from the configured base URL only (CHECKLIST S7).

    `keys` are the signing secrets, the newest first; older ones are still believed. `mailbox`
    is the bare address that our mails come from.
    """

    base_url: str
    keys: tuple[str, ...]
    mailbox: str = ""

    @property
    def host(self) -> str:
        """The name of this installation, after the `@` of what it makes up."""
        return urlsplit(self.base_url).hostname or "localhost"

    def to(self, path: str) -> str:
        """Return the absolute address of a path that starts with a slash."""
        return self.base_url + path

    def personal(self, participant_id: int, version: int) -> str:
        """Return the personal link of a participant; it dies when their version is raised."""
        return self.to(f"/hello/{self._signer().dumps([participant_id, version])}")

    def match(self, participant_id: int, version: int, match_id: int) -> str:
        """Return a personal link that leads on to what two people write to each other."""
        return f"{self.personal(participant_id, version)}?match={match_id}"

    def thread(self, participant_id: int, match_id: int) -> str:
        """Return the address of what two people write to each other, which opens nothing alone."""
        return self.to(f"/me/{participant_id}/matches/{match_id}/thread")

    def intro(self, participant_id: int, version: int) -> str:
        """Return a personal link that leads on to the participant's intro."""
        return f"{self.personal(participant_id, version)}?to=intro"

    def read_personal(self, token: str) -> tuple[int, int]:
        """Return participant id and version from a personal token. Raises LinkInvalid."""
        try:
            participant_id, version = self._signer().loads(token)
        except (BadSignature, ValueError, TypeError) as error:
            raise LinkInvalid from error
        return int(participant_id), int(version)

    def unsubscribe(self, address_hash: bytes, event_id: int) -> str:
        """Return the address of the page on which a reader stops mails of an event, or all."""
        token = self._signer(UNSUBSCRIBE).dumps([event_id, address_hash.hex()])
        return self.to(f"/unsubscribe/{token}")

    def read_unsubscribe(self, token: str) -> tuple[bytes, int]:
        """Return whose mails may be stopped, and the event it is about. Raises LinkInvalid."""
        try:
            event_id, written = self._signer(UNSUBSCRIBE).loads(token)
            return bytes.fromhex(written), int(event_id)
        except (BadSignature, ValueError, TypeError) as error:
            raise LinkInvalid from error

    def sign_in(self, token: str) -> str:
        """Return the address of the page whose button signs an organizer in."""
        return self.to(f"/sign-in/{token}")

    def _signer(self, salt: str = PERSONAL) -> URLSafeSerializer:
        return URLSafeSerializer(
            list(reversed(self.keys)), salt=salt, signer_kwargs={"digest_method": sha256}
        )
