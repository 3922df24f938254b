"""Addresses that go into mails, and the signed tokens inside them."""

from dataclasses import dataclass
from hashlib import sha256

from itsdangerous import BadSignature, URLSafeSerializer

PERSONAL = "personal-link"


class LinkInvalid(Exception):
    """The token was never ours, or was cut on its way."""


@dataclass(frozen=True)
class Links:
    """Builds absolute addresses from the configured base URL only (CHECKLIST S7).

    `keys` are the signing secrets, the newest first; older ones are still believed.
    """

    base_url: str
    keys: tuple[str, ...]

    def to(self, path: str) -> str:
        """Return the absolute address of a path that starts with a slash."""
        return self.base_url + path

    def personal(self, participant_id: int, version: int) -> str:
        """Return the personal link of a participant; it dies when their version is raised."""
        return self.to(f"/hello/{self._signer().dumps([participant_id, version])}")

    def match(self, participant_id: int, version: int, match_id: int) -> str:
        """Return a personal link that leads on to what two people write to each other."""
        return f"{self.personal(participant_id, version)}?match={match_id}"

    def read_personal(self, token: str) -> tuple[int, int]:
        """Return participant id and version from a personal token. Raises LinkInvalid."""
        try:
            participant_id, version = self._signer().loads(token)
        except (BadSignature, ValueError, TypeError) as error:
            raise LinkInvalid from error
        return int(participant_id), int(version)

    def sign_in(self, token: str) -> str:
        """Return the address of the page whose button signs an organizer in."""
        return self.to(f"/sign-in/{token}")

    def _signer(self) -> URLSafeSerializer:
        return URLSafeSerializer(
            list(reversed(self.keys)), salt=PERSONAL, signer_kwargs={"digest_method": sha256}
        )
