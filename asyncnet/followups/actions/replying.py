"""Keeps what two people write to each other after the event, and has it brought by mail."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from asyncnet.audit.actions import Actor, record
from asyncnet.database import lock
from asyncnet.events.model import Participant
from asyncnet.followups.model import Reply
from asyncnet.followups.queries import last_mail_at, locked_match, wants_no_more
from asyncnet.followups.rules import next_mail_at
from asyncnet.messages.model import Message
from asyncnet.messages.queue import Planned, plan_one, untried
from asyncnet.messages.rules import MessageKind
from asyncnet.zones import zone_named


class Closed(Exception):
    """One of the two wants no more mails about this match."""


class OtherWords(Exception):
    """The same rendered form was sent before, with other words or about another match."""


def reply(
    session: Session,
    match_id: int,
    author_id: int,
    *,
    words: str,
    contact: str | None,
    form_key: str,
    actor: Actor,
    now: datetime,
) -> Reply:
    """Keep what somebody writes to their match, and mail it at a good hour of the reader's.

    The reply's message says when. Who wrote to them a short while ago waits for the next mail.
    However often one rendered form is sent in, it makes one reply (CHECKLIST F8). Raises
    NotFound when they are in no published match of this id, OtherWords, and Closed.
    """
    match = locked_match(session, author_id, match_id)
    lock(session, f"reply-form:{form_key}")
    written = session.scalar(
        select(Reply).where(Reply.form_key == form_key, Reply.author_id == author_id)
    )
    if written is not None:
        if (written.match_id, written.words) != (match.id, words):
            raise OtherWords
        return written
    if wants_no_more(session, match.id):
        raise Closed
    written = Reply(
        match_id=match.id,
        author_id=author_id,
        words=words,
        contact=contact,
        form_key=form_key,
        created_at=now,
    )
    session.add(written)
    session.flush()
    plan_mail(session, written, match.other(author_id), now=now)
    record(session, actor, "match.replied", f"match:{match.id}", now=now)
    return written


def plan_mail(session: Session, written: Reply, reader: Participant, *, now: datetime) -> None:
    """Let a reply go with those of its author that wait, or else in the next mail of theirs."""
    theirs = Message.id.in_(
        select(Reply.message_id).where(
            Reply.match_id == written.match_id, Reply.author_id == written.author_id
        )
    )
    waiting = untried(session, theirs)
    if waiting is not None:
        written.message_id = waiting.id
        return
    mail = Planned.to(
        reader,
        MessageKind.REPLY,
        key=f"reply:{written.id}",
        subject_id=written.id,
        due_at=next_mail_at(
            zone_named(reader.zone), last_at=last_mail_at(session, theirs), now=now
        ),
    )
    written.message_id = plan_one(session, mail, now=now)
