"""Letters for tests."""

from typing import Any

from asyncnet.mail.port import Letter


def letter(**changes: Any) -> Letter:
    """Return an everyday letter, changed where a test says so."""
    usual: dict[str, Any] = {
        "to_name": "Ana Silva",
        "to_address": "ana@example.org",
        "subject": "Two people watched your intro",
        "text": "Good morning, Ana.\n",
        "html": "<p>Good morning, Ana.</p>\n",
        "message_id": "<0123456789abcdef@forum.example>",
    }
    return Letter(**(usual | changes))
