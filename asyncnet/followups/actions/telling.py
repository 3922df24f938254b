"""Notes what the two people of a match tell about it, and takes it back."""

from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.orm import Session

from asyncnet.audit.actions import Actor, record
from asyncnet.followups.actions.arranging import end_with
from asyncnet.followups.model import Step
from asyncnet.followups.queries import locked_match
from asyncnet.followups.rules import Told


def tell(
    session: Session, match_id: int, participant_id: int, told: Told, *, actor: Actor, now: datetime
) -> None:
    """Keep what a participant tells of their match; telling it twice changes nothing.

    Whoever closes it lets go of all times for talking, too. Raises NotFound when they are
    not, or no longer, in a published match of this id.
    """
    match = locked_match(session, participant_id, match_id)
    note_step(session, match.id, participant_id, told, now=now)
    if told is Told.CLOSED:
        end_with(session, match, participant_id, now=now)
    record(session, actor, f"match.{told}", f"match:{match.id}", now=now)


def take_back(
    session: Session, match_id: int, participant_id: int, told: Told, *, actor: Actor, now: datetime
) -> None:
    """Forget what was told. That they met, both can take back. Raises NotFound."""
    match = locked_match(session, participant_id, match_id)
    gone = delete(Step).where(Step.match_id == match.id, Step.told == told)
    if told is not Told.MET:
        gone = gone.where(Step.participant_id == participant_id)
    session.execute(gone)
    record(session, actor, f"match.{told}.taken_back", f"match:{match.id}", now=now)


def note_step(
    session: Session, match_id: int, participant_id: int, told: Told, *, now: datetime
) -> None:
    """Add one step, unless it is there; the match is locked already."""
    key = {"match_id": match_id, "participant_id": participant_id, "told": told}
    if session.get(Step, key) is None:
        session.add(Step(**key, at=now))
