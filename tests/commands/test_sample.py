"""The sample event that `make run` starts with shows why people meet."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from asyncnet.events.model import Event, Participant
from asyncnet.matches.model import Match
from tests.pages import open_personal_link

Rows = Callable[..., list[Any]]
pytestmark = pytest.mark.sizeless


def test_everybody_of_the_sample_reads_why_they_meet(app: Flask, rows: Rows) -> None:
    made = app.test_cli_runner().invoke(args=["events", "sample"])

    assert made.exit_code == 0, made.output
    first, coming = rows(select(Event).order_by(Event.id))
    matches = rows(select(Match))
    assert {match.event_id for match in matches} == {first.id}
    assert coming.starts_at > first.ends_at, "its matches are still to be found"
    assert all(match.first_reasons and match.second_reasons for match in matches)
    [ana] = rows(
        select(Participant).where(
            Participant.name == "Ana Brandt", Participant.event_id == first.id
        )
    )
    page = open_personal_link(app.test_client(), ana).text
    assert "Kiri Walker seeks what you offer: safety briefings." in page
