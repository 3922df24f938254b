"""Keeps the words of an event's people: which are the same, and whom their names mean."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from asyncnet.audit.actions import Actor, record
from asyncnet.events.model import Mention, Participant, Spelling
from asyncnet.events.naming import Directory, kept_as
from asyncnet.events.queries import people_called, spellings_of, uses
from asyncnet.events.rules import MentionKind, WordKind
from asyncnet.events.spelling import folded, joined

Names = Mapping[MentionKind, Sequence[str]]


def learn_words(session: Session, event_id: int, said: Iterable[tuple[WordKind, str]]) -> None:
    """Keep spellings that nobody at this event used before, beside the word they stand for."""
    wanted = {(kind, folded(written)): written for kind, written in said}
    if not wanted:
        return
    known: dict[WordKind, dict[str, str]] = {kind: {} for kind in WordKind}
    for spelling in session.scalars(select(Spelling).where(Spelling.event_id == event_id)):
        known[spelling.kind][spelling.folded] = spelling.word
    for (kind, fold), written in wanted.items():
        if fold not in known[kind]:
            word = joined(written, known[kind]) or written
            known[kind][fold] = word
            session.add(
                Spelling(event_id=event_id, kind=kind, folded=fold, written=written, word=word)
            )
    session.flush()


def forget_unused_words(session: Session, event_id: int) -> None:
    """Remove the spellings that nobody uses who still takes part."""
    session.flush()
    used = uses(session, event_id)
    for spelling in spellings_of(session, event_id):
        if not used[spelling.kind][spelling.folded]:
            session.delete(spelling)


def respell(
    session: Session, spelling: Spelling, word: str, *, actor: Actor, now: datetime
) -> None:
    """Let one spelling stand for another word, one that others have or its own."""
    spelling.word = word
    record(session, actor, "spelling.joined", f"spelling:{spelling.id}", now=now)


def keep_mentions(session: Session, participant: Participant, said: Names) -> None:
    """Keep whom a participant names now, and find out whom they mean.

    Kinds that are not among `said` stay as they are, and so does what was chosen before.
    """
    before = session.scalars(
        select(Mention).where(Mention.participant_id == participant.id, Mention.kind.in_(said))
    ).all()
    new = _renamed(session, participant, before, said)
    if new:
        _settle(new, Directory(people_called(session, participant.event_id)))
    session.flush()


def keep_everybodys_mentions(
    session: Session, event_id: int, said: Iterable[tuple[Participant, Names]]
) -> None:
    """Keep whom many people name, and look whom every name of the event means now."""
    before: defaultdict[int, list[Mention]] = defaultdict(list)
    for mention in session.scalars(select(Mention).where(Mention.event_id == event_id)):
        before[mention.participant_id].append(mention)
    for participant, names in said:
        kept = [mention for mention in before[participant.id] if mention.kind in names]
        _renamed(session, participant, kept, names)
    session.flush()
    waiting = session.scalars(
        select(Mention).where(Mention.event_id == event_id, Mention.chosen.is_(False))
    ).all()
    if waiting:
        _settle(waiting, Directory(people_called(session, event_id)))


def find_in_mentions(session: Session, participant: Participant) -> None:
    """Let names that were written before somebody came, or had this name, mean them now."""
    name = folded(participant.name)
    looks_like = [Mention.folded.contains(word[:3], autoescape=True) for word in name.split()]
    waiting = session.scalars(
        select(Mention).where(
            Mention.event_id == participant.event_id,
            Mention.participant_id != participant.id,
            Mention.chosen.is_(False),
            or_(
                Mention.meant_id == participant.id,
                Mention.folded == participant.email,
                *looks_like,
            ),
        )
    ).all()
    ids = {participant.id, *(i for mention in waiting for i in mention.possible)}
    if waiting:
        _settle(waiting, Directory(people_called(session, participant.event_id, ids)))


def choose_meant(
    session: Session, mention: Mention, participant_id: int, *, actor: Actor, now: datetime
) -> None:
    """Say which of several people a name means. Raises ValueError for somebody else."""
    if participant_id not in mention.possible:
        raise ValueError(participant_id)
    mention.meant_id, mention.chosen = participant_id, True
    record(session, actor, "mention.settled", f"participant:{mention.participant_id}", now=now)


def _renamed(
    session: Session, participant: Participant, before: Sequence[Mention], said: Names
) -> list[Mention]:
    """Add who is named anew, remove who no longer is; return the new ones."""
    wanted = {(kind, kept_as(name)): name for kind, names in said.items() for name in names}
    known = {(mention.kind, mention.folded): mention for mention in before}
    for key, mention in known.items():
        if key not in wanted:
            session.delete(mention)
    new = [
        Mention(
            event_id=participant.event_id,
            participant_id=participant.id,
            kind=kind,
            written=name,
            folded=fold,
        )
        for (kind, fold), name in wanted.items()
        if (kind, fold) not in known
    ]
    session.add_all(new)
    return new


def _settle(mentions: Iterable[Mention], directory: Directory) -> None:
    """Find out whom names mean.

    Whoever was avoided once stays so: a new name of theirs, or of somebody else, lifts nothing.
    """
    for mention in mentions:
        found = [i for i in directory.meant_by(mention.folded) if i != mention.participant_id]
        if mention.kind is MentionKind.AVOID:
            found = sorted({*found, *(mention.possible or ())})
        mention.possible = found
        mention.meant_id = found[0] if len(found) == 1 else None
