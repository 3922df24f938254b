"""Reads whom the people of an event name, and the words that they use."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from asyncnet.database import there
from asyncnet.events.model import Mention, Participant, Spelling
from asyncnet.events.naming import Named
from asyncnet.events.rules import MentionKind, WordKind
from asyncnet.events.spelling import folded

SUGGESTED = 200
SAID_BY = 3
"""So many people say a word before it is shown to others: it points to none of them."""


def mentions_of(session: Session, participant_id: int) -> Sequence[Mention]:
    """Return whom a participant names, as they wrote them."""
    return session.scalars(
        select(Mention).where(Mention.participant_id == participant_id).order_by(Mention.id)
    ).all()


def mention_of(session: Session, participant_id: int, mention_id: int) -> Mention:
    """Return one name that a participant wrote. Raises NotFound."""
    return there(
        session.scalar(
            select(Mention).where(
                Mention.id == mention_id, Mention.participant_id == participant_id
            )
        )
    )


def people_meant(session: Session, mentions: Sequence[Mention]) -> dict[int, Participant]:
    """Return those who may be meant by these names, by id; who left is not among them."""
    ids = {person for mention in mentions for person in (*mention.possible, mention.meant_id)}
    found = session.scalars(
        select(Participant).where(Participant.id.in_(ids), Participant.left_at.is_(None))
    )
    return {participant.id: participant for participant in found}


def people_called(session: Session, event_id: int, ids: Iterable[int] | None = None) -> list[Named]:
    """Return whom names can mean at an event: all who take part, or these of them."""
    wanted = select(Participant.id, Participant.name, Participant.email).where(
        Participant.event_id == event_id, Participant.left_at.is_(None)
    )
    if ids is not None:
        wanted = wanted.where(Participant.id.in_(ids))
    return [Named(*row) for row in session.execute(wanted)]


def named_in(session: Session, event_id: int) -> dict[int, dict[MentionKind, list[str]]]:
    """Return whom each participant of an event would like to meet or knows, in their words.

    Whom they avoid is not among it: that leaves this installation in no list.
    """
    found: dict[int, dict[MentionKind, list[str]]] = {}
    rows = session.execute(
        select(Mention.participant_id, Mention.kind, Mention.written)
        .where(Mention.event_id == event_id, Mention.kind != MentionKind.AVOID)
        .order_by(Mention.id)
    )
    for participant_id, kind, written in rows:
        found.setdefault(participant_id, {}).setdefault(kind, []).append(written)
    return found


def spellings_of(session: Session, event_id: int) -> Sequence[Spelling]:
    """Return how the people of an event write what they say, the same words together."""
    return session.scalars(
        select(Spelling)
        .where(Spelling.event_id == event_id)
        .order_by(Spelling.kind, Spelling.word, Spelling.id)
    ).all()


def spelling_of(session: Session, event_id: int, spelling_id: int) -> Spelling:
    """Return one spelling of an event. Raises NotFound."""
    return there(
        session.scalar(
            select(Spelling).where(Spelling.id == spelling_id, Spelling.event_id == event_id)
        )
    )


def suggestions(session: Session, event_id: int) -> dict[WordKind, list[str]]:
    """Return the words that whoever registers may read, each once, at most SUGGESTED of a kind.

    Only what SAID_BY people who still take part say in the open: what they work on, what they
    do and from which kind of community they are. What people offer, seek or hope for is never
    among it, nor what a few alone say.
    """
    return _used(session, event_id, _said_openly(session, event_id), at_least=SAID_BY)


def words_in(session: Session, event_id: int) -> dict[WordKind, list[str]]:
    """Return all words of an event, for its organizers: each once, at most SUGGESTED of a kind."""
    return _used(session, event_id, _said_by_each(session, event_id), at_least=0)


def _used(
    session: Session,
    event_id: int,
    everybody: Iterable[dict[WordKind, set[str]]],
    *,
    at_least: int,
) -> dict[WordKind, list[str]]:
    words = {(row.kind, row.folded): row.word for row in spellings_of(session, event_id)}
    used: dict[WordKind, Counter[str]] = {kind: Counter() for kind in WordKind}
    for said in everybody:
        for kind, folds in said.items():
            used[kind].update({words[kind, fold] for fold in folds if (kind, fold) in words})
    found: dict[WordKind, list[str]] = {kind: [] for kind in WordKind}
    for kind, word in sorted({(kind, word) for (kind, _), word in words.items()}):
        if used[kind][word] >= at_least and len(found[kind]) < SUGGESTED:
            found[kind].append(word)
    return found


def uses(session: Session, event_id: int) -> dict[WordKind, Counter[str]]:
    """Return how many people of an event use each spelling, by its folded form."""
    found: dict[WordKind, Counter[str]] = {kind: Counter() for kind in WordKind}
    for said in _said_by_each(session, event_id):
        for kind, folds in said.items():
            found[kind].update(folds)
    return found


def _said_openly(session: Session, event_id: int) -> Iterator[dict[WordKind, set[str]]]:
    rows = session.execute(
        select(Participant.role, Participant.community, Participant.topics).where(
            Participant.event_id == event_id, Participant.left_at.is_(None)
        )
    )
    for role, community, topics in rows:
        yield {
            WordKind.ROLE: {folded(role)} if role else set(),
            WordKind.COMMUNITY: {folded(community)} if community else set(),
            WordKind.TOPIC: {folded(word) for word in topics},
        }


def _said_by_each(session: Session, event_id: int) -> Iterator[dict[WordKind, set[str]]]:
    rows = session.execute(
        select(
            Participant.role,
            Participant.community,
            Participant.topics,
            Participant.offers,
            Participant.seeks,
            Participant.wish_roles,
        ).where(Participant.event_id == event_id, Participant.left_at.is_(None))
    )
    for role, community, topics, offers, seeks, wish_roles in rows:
        yield {
            WordKind.ROLE: {folded(word) for word in (role, *wish_roles) if word},
            WordKind.COMMUNITY: {folded(community)} if community else set(),
            WordKind.TOPIC: {folded(word) for word in topics},
            WordKind.SKILL: {folded(word) for word in (*offers, *seeks)},
        }
