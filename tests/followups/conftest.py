"""An evening whose mails go to a real mail server, which is started once for each file."""

from collections.abc import Iterator

import pytest

from config import Settings
from tests.followups.scene import Evening, evening
from tests.servers.smtp import Fault, MailServer, mail_server


@pytest.fixture(scope="module")
def running() -> Iterator[MailServer]:
    with mail_server() as server:
        yield server


@pytest.fixture
def scene(settings: Settings, running: MailServer) -> Iterator[Evening]:
    running.received.clear()
    running.fault = Fault.NONE
    with evening(settings, running) as made:
        yield made
