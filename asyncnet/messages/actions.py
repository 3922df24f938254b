"""What organizers decide about messages and their words, with its entry in the audit log."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import update
from sqlalchemy.orm import Session

from asyncnet.audit.actions import Actor, record
from asyncnet.database import ChangedMeanwhile, insert_new
from asyncnet.messages import queue
from asyncnet.messages.model import MailText, Message
from asyncnet.messages.rules import Act
from asyncnet.messages.wording import Wording


def decide(
    session: Session, message_id: int, wish: Act, *, version: int, actor: Actor, now: datetime
) -> Message:
    """Do what an organizer decided when they saw `version` of a message; return it.

    Raises BeingSent while a worker has it, ChangedMeanwhile when it has changed since, and
    TakesNoMail when its reader takes no mail.
    """
    message = queue.act(session, message_id, wish, version=version, actor=actor.name, now=now)
    record(session, actor, f"message.{wish}", f"message:{message_id}", now=now)
    return message


def decide_all(
    session: Session,
    event_id: int,
    wish: Act,
    seen: Mapping[int, int],
    *,
    actor: Actor,
    now: datetime,
) -> queue.Tally:
    """Do what an organizer decided about many messages of an event, and tell what was done.

    `seen` holds the version at which each was seen, by id.
    """
    tally = queue.act_on(session, wish, seen, actor=actor.name, now=now)
    record(
        session,
        actor,
        f"messages.{wish}",
        f"event:{event_id}",
        detail=f"{len(tally.done)} of {len(seen)}",
        now=now,
    )
    return tally


def reword(
    session: Session,
    message_id: int,
    words: Wording | None,
    *,
    version: int,
    actor: Actor,
    now: datetime,
) -> None:
    """Give one mail words of its own, or None for those of its kind.

    Raises BeingSent and ChangedMeanwhile.
    """
    queue.reword(session, message_id, words, version=version, actor=actor.name, now=now)
    record(session, actor, "message.reworded", f"message:{message_id}", now=now)


def word_kind(
    session: Session,
    event_id: int,
    kind: str,
    words: Wording,
    *,
    version: int,
    actor: Actor,
    now: datetime,
) -> None:
    """Let a kind of mail of an event say these words from now on.

    `version` is the one that was seen, 0 for the usual words. Raises ChangedMeanwhile.
    """
    values = {
        "subject": words.subject,
        "opening": words.opening,
        "closing": words.closing,
        "version": version + 1,
        "changed_at": now,
    }
    if version:
        saving = update(MailText).where(
            MailText.event_id == event_id, MailText.kind == kind, MailText.version == version
        )
        saved = session.scalar(saving.values(values).returning(MailText.version))
    else:
        first = insert_new(session, MailText).values(event_id=event_id, kind=kind, **values)
        saved = session.scalar(first.on_conflict_do_nothing().returning(MailText.version))
    if saved is None:
        raise ChangedMeanwhile
    record(session, actor, "mail_text.changed", f"event:{event_id}", detail=kind, now=now)


def stop_mail(
    session: Session, address_hash: bytes, scope: str, *, actor: Actor, now: datetime
) -> None:
    """Send no more mails of a scope to the owner of an address who asked for that."""
    queue.stop(session, address_hash, scope, now=now)
    record(session, actor, "mail.stopped", scope, now=now)


def let_mail_come(
    session: Session, address_hash: bytes, scope: str, *, actor: Actor, now: datetime
) -> None:
    """Send mails of a scope again, those included that were cancelled when they were stopped."""
    queue.let_come(session, address_hash, scope, now=now)
    record(session, actor, "mail.wanted_again", scope, now=now)
