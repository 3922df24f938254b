"""Sends what is due: claims one message, writes it, hands it over, settles it, and so on."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from time import monotonic, sleep

import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from asyncnet.database import passes, transaction
from asyncnet.mail.port import (
    Connection,
    Delayed,
    Letter,
    Mailer,
    MailError,
    Refused,
    Unconfirmed,
    Unreachable,
)
from asyncnet.messages import queue
from asyncnet.messages.letters import NotNeeded
from asyncnet.messages.model import Message
from asyncnet.messages.queue import Claim
from asyncnet.messages.rules import Outcome
from asyncnet.messages.wording import Wording

Compose = Callable[[Session, Message], Letter]
"""Writes the letter of one message, in the transaction that claims it. Raises NotNeeded."""

RETRY_SECONDS = 0.5
_OUTCOMES = (
    (Unreachable, Outcome.UNREACHABLE),
    (Delayed, Outcome.DELAYED),
    (Refused, Outcome.REFUSED),
    (Unconfirmed, Outcome.UNCONFIRMED),
)

log = structlog.get_logger()


@dataclass
class Drained:
    """What one drain did. `unreachable` says why it ended early, in the server's words.

    `more` is true when its time was up while more may be due.
    """

    sent: int = 0
    failed: int = 0
    delayed: int = 0
    unconfirmed: int = 0
    not_needed: int = 0
    more: bool = False
    unreachable: str = ""

    def count(self, outcome: Outcome) -> None:
        name = {
            Outcome.ACCEPTED: "sent",
            Outcome.REFUSED: "failed",
            Outcome.DELAYED: "delayed",
            Outcome.UNREACHABLE: "delayed",
            Outcome.UNCONFIRMED: "unconfirmed",
            Outcome.NOT_NEEDED: "not_needed",
        }[outcome]
        setattr(self, name, getattr(self, name) + 1)


@dataclass(frozen=True)
class _Ended:
    """One attempt that is over and waits to be written down."""

    claim: Claim
    outcome: Outcome
    words: str


@dataclass(frozen=True)
class _Written:
    """One message that is claimed and ready to be handed over."""

    claim: Claim
    letter: Letter


class _Broken(Exception):
    """A letter that could not be written, or need not be."""

    def __init__(self, message_id: int, outcome: Outcome, words: str) -> None:
        super().__init__(words)
        self.message_id = message_id
        self.outcome = outcome
        self.words = words


def drain(
    mailer: Mailer,
    compose: Compose,
    *,
    clock: Callable[[], datetime],
    seconds: float = math.inf,
) -> Drained:
    """Send every message that is due over one connection, for so many seconds.

    Connects before it claims, so that a dead mail server claims nothing. What ended is
    settled in the same commit that claims the next one; while the database is away,
    settling is tried until it is back.
    """
    done = Drained()
    with transaction() as session:
        queue.tidy(session, clock())
        due = queue.anything_due(session, clock())
    if not due:
        return done
    try:
        with mailer.connect() as connection:
            _send_all(connection, compose, clock, monotonic() + seconds, done)
    except Unreachable as error:
        done.unreachable = str(error)
        log.warning("mail server unreachable", words=str(error))
    return done


def preview(compose: Compose, message_id: int, words: Wording | None = None) -> queue.Copy:
    """Return what a message would say if it went out now, leaving no trace.

    In these words where they are given, else in its own. Raises NotNeeded.
    """
    with transaction() as session:
        message = session.get_one(Message, message_id)
        if words is not None:
            message.own_subject = words.subject
            message.own_opening, message.own_closing = words.opening, words.closing
        letter = compose(session, message)
        session.rollback()
    return queue.masked(letter)


def _send_all(
    connection: Connection,
    compose: Compose,
    clock: Callable[[], datetime],
    until: float,
    done: Drained,
) -> None:
    ended: _Ended | None = None
    while True:
        done.more = monotonic() >= until
        stop = done.more or bool(done.unreachable)
        following = _settle_and_claim(ended, None if stop else compose, clock)
        if ended is not None:
            done.count(ended.outcome)
        if following is None:
            return
        ended = (
            following if isinstance(following, _Ended) else _hand_over(connection, following, clock)
        )
        if ended.outcome is Outcome.UNREACHABLE:
            done.unreachable = ended.words


def _settle_and_claim(
    ended: _Ended | None, compose: Compose | None, clock: Callable[[], datetime]
) -> _Ended | _Written | None:
    """Write down what ended and take what is next, in one commit; None when nothing is due."""
    broken: _Broken | None = None
    while True:
        try:
            with transaction() as session:
                now = clock()
                if ended is not None:
                    queue.settle(session, ended.claim, ended.outcome, ended.words, now=now)
                if broken is not None:
                    taken = queue.claim(session, now, only=broken.message_id)
                    return _Ended(taken[0], broken.outcome, broken.words) if taken else None
                return _written(session, compose, now) if compose else None
        except _Broken as problem:
            broken = problem  # nothing of it was committed: it is taken once more, without writing
        except DBAPIError as error:
            if ended is None or not passes(error):
                raise
            log.warning("database unreachable", waiting="a sent mail waits to be written down")
            sleep(RETRY_SECONDS)


def _written(session: Session, compose: Compose, now: datetime) -> _Written | None:
    """Take the next message and write its letter. Raises _Broken when it cannot be written."""
    taken = queue.claim(session, now)
    if taken is None:
        return None
    claim, message = taken
    try:
        letter = compose(session, message)
        session.flush()
    except NotNeeded as reason:
        raise _Broken(claim.message_id, Outcome.NOT_NEEDED, str(reason)) from reason
    except Exception as error:  # one bad row or template must hold up nobody else
        if isinstance(error, DBAPIError) and error.connection_invalidated:
            raise
        log.exception("mail cannot be written", message=claim.message_id)
        later = isinstance(error, DBAPIError) and passes(error)
        words = f"It could not be written ({type(error).__name__})."
        outcome = Outcome.DELAYED if later else Outcome.REFUSED
        raise _Broken(claim.message_id, outcome, words) from error
    queue.keep_copy(session, claim, letter)
    return _Written(claim, letter)


def _hand_over(connection: Connection, written: _Written, clock: Callable[[], datetime]) -> _Ended:
    claim = written.claim
    if clock() >= claim.lease_ends_at:
        return _Ended(claim, Outcome.DELAYED, "The worker slept past its lease.")
    try:
        words = connection.send(written.letter)
    except MailError as error:
        outcome = next(outcome for kind, outcome in _OUTCOMES if isinstance(error, kind))
        return _Ended(claim, outcome, str(error))
    return _Ended(claim, Outcome.ACCEPTED, words)
