"""Reads what the two people of a match wrote to each other and told of it."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import String, case, cast, exists, literal, or_, select, union_all
from sqlalchemy.orm import Session, aliased, joinedload

from asyncnet.database import NotFound
from asyncnet.events.model import Participant
from asyncnet.followups.model import Answer, AnswerDraft, Meeting, Reply, Step
from asyncnet.followups.queries import KEPT, seems_gone, was_hushed
from asyncnet.followups.rules import Told, said_in
from asyncnet.intros.model import Intro
from asyncnet.matches.model import Match, MatchState
from asyncnet.matches.queries import published_match
from asyncnet.messages.model import Message
from asyncnet.messages.rules import GONE


@dataclass(frozen=True)
class Words:
    """One thing that one of the two wrote: questions with answers, or a reply (no question)."""

    author: Participant
    at: datetime
    said: Sequence[tuple[str, str]]
    contact: str | None
    waits: bool
    """True when the other one has not been mailed yet."""
    recording: Intro | None = None
    """What they recorded in place of words; taken back, it cannot be played any more."""


@dataclass(frozen=True)
class Thread:
    """What one of the two sees of their match."""

    match: Match
    me: Participant
    other: Participant
    words: Sequence[Words]
    steps: Sequence[Step]
    meeting: Meeting | None

    @property
    def my_contact(self) -> str | None:
        """Where the other one may write to me, as I last said."""
        return next((w.contact for w in reversed(self.words) if w.author is self.me), None)

    @property
    def their_contact(self) -> str | None:
        """Where I may write to the other one, as they last said."""
        return next((w.contact for w in reversed(self.words) if w.author is self.other), None)

    def told(self, told: Told, participant: Participant | None = None) -> Step | None:
        """Return what was told, first of all, by one of the two or by either."""
        found = [
            step
            for step in self.steps
            if step.told == told and participant in (None, self.who(step))
        ]
        return min(found, key=lambda step: step.at, default=None)

    def who(self, step: Step) -> Participant:
        """Return which of the two told something."""
        return self.me if step.participant_id == self.me.id else self.other

    def is_open(self, now: datetime) -> bool:
        """Return whether the two may write to each other: once they meet, or one has written."""
        return bool(self.words) or now >= self.match.round.starts_at


def thread_of(session: Session, me: Participant, match_id: int) -> Thread:
    """Return a participant's thread with one of their matches, in five queries.

    What the other one wrote in the match form is there once it has been mailed; words that were
    not mailed since `me` is uneasy are there for their author only. Raises NotFound, also when
    the other one has left.
    """
    match = published_match(session, me.id, match_id)
    other = match.other(me.id)
    if other.left_at is not None:
        raise NotFound
    people = {me.id: me, other.id: other}
    words = []
    for answer, gone in session.execute(
        select(Answer, seems_gone())
        .outerjoin(Message, Message.id == Answer.message_id)
        .where(
            Answer.match_id == match.id,
            or_(Answer.author_id == me.id, Message.state.in_(GONE)),
        )
    ):
        said = said_in(answer.items)
        author = people[answer.author_id]
        words.append(Words(author, answer.changed_at, said, answer.contact, not gone))
    for reply, gone in session.execute(
        select(Reply, seems_gone())
        .outerjoin(Message, Message.id == Reply.message_id)
        .options(joinedload(Reply.recording))
        .where(Reply.match_id == match.id, or_(Reply.author_id == me.id, was_hushed().is_not(True)))
    ):
        author = people[reply.author_id]
        said = [("", reply.words)] if reply.words else []
        words.append(
            Words(author, reply.created_at, said, reply.contact, not gone, reply.recording)
        )
    return Thread(
        match=match,
        me=me,
        other=other,
        words=sorted(words, key=lambda written: written.at),
        steps=session.scalars(select(Step).where(Step.match_id == match.id)).all(),
        meeting=session.scalar(select(Meeting).where(Meeting.match_id == match.id)),
    )


@dataclass(frozen=True)
class Left:
    """A match that is no longer in the plan, in which somebody has left something of theirs."""

    match_id: int
    other: str | None
    """Who it was with; None for somebody who no longer takes part."""


def left_by(session: Session, me_id: int, *, match_id: int | None = None) -> Sequence[Left]:
    """Return the matches of somebody that are gone and hold what they wrote or recorded.

    With a `match_id`, only that one.
    """
    other = aliased(Participant)
    wrote = or_(
        exists().where(Answer.match_id == Match.id, Answer.author_id == me_id),
        exists().where(Reply.match_id == Match.id, Reply.author_id == me_id, Reply.words != ""),
        exists().where(
            AnswerDraft.match_id == Match.id,
            AnswerDraft.author_id == me_id,
            cast(AnswerDraft.typed, String) != "{}",
        ),
        exists().where(
            Intro.match_id == Match.id, Intro.participant_id == me_id, Intro.state.in_(KEPT)
        ),
    )
    found = (
        select(Match.id, case((other.left_at.is_(None), other.name)))
        .join(other, other.id == Match.first_id + Match.second_id - me_id)
        .where(
            or_(Match.first_id == me_id, Match.second_id == me_id),
            or_(Match.state != MatchState.PUBLISHED, other.left_at.is_not(None)),
            wrote,
        )
        .order_by(Match.id)
    )
    if match_id is not None:
        found = found.where(Match.id == match_id)
    return [Left(*row) for row in session.execute(found)]


def has_left(session: Session, me: Participant, match_id: int) -> bool:
    """Return whether somebody has something of theirs in a match that is gone."""
    return bool(left_by(session, me.id, match_id=match_id))


def words_left_by(session: Session, me: Participant, match_id: int) -> Sequence[Words]:
    """Return what somebody wrote about a match that is gone, sent in or only typed, by age."""
    if not has_left(session, me, match_id):
        return []
    mine: list[Words] = []
    for answer in session.scalars(
        select(Answer).where(Answer.match_id == match_id, Answer.author_id == me.id)
    ):
        mine.append(Words(me, answer.changed_at, said_in(answer.items), None, waits=False))
    for reply in session.scalars(
        select(Reply).where(Reply.match_id == match_id, Reply.author_id == me.id, Reply.words != "")
    ):
        mine.append(Words(me, reply.created_at, [("", reply.words)], None, waits=False))
    for draft in session.scalars(
        select(AnswerDraft).where(AnswerDraft.match_id == match_id, AnswerDraft.author_id == me.id)
    ):
        typed = [("Not sent", word) for words in draft.typed.values() for word in words if word]
        if typed:
            mine.append(Words(me, draft.changed_at, typed, None, waits=False))
    return sorted(mine, key=lambda words: words.at)


@dataclass(frozen=True)
class Standing:
    """How a thread stands for one of the two; what has not happened is None."""

    they_wrote_at: datetime | None
    """When the other one last wrote something that can be read by now."""
    i_wrote_at: datetime | None
    letters: int
    """What the other one wrote in the match form, as far as it was mailed."""
    meeting: Meeting | None
    met: bool
    rests: bool
    """One of the two wants no more mails about it."""

    @property
    def is_my_turn(self) -> bool:
        """Return whether the last word is the other one's."""
        if self.they_wrote_at is None:
            return False
        return self.i_wrote_at is None or self.they_wrote_at > self.i_wrote_at


def standings_of(
    session: Session, participant_id: int, match_ids: Collection[int]
) -> dict[int, Standing]:
    """Return how each of somebody's threads stands, by match id, in three queries."""
    wrote: dict[tuple[int, bool], datetime] = {}
    letters: Counter[int] = Counter()
    answers = (
        select(Answer.match_id, Answer.author_id, Answer.changed_at, literal(1))
        .outerjoin(Message, Message.id == Answer.message_id)
        .where(
            Answer.match_id.in_(match_ids),
            or_(Answer.author_id == participant_id, Message.state.in_(GONE)),
        )
    )
    replies = (
        select(Reply.match_id, Reply.author_id, Reply.created_at, literal(0))
        .outerjoin(Message, Message.id == Reply.message_id)
        .where(
            Reply.match_id.in_(match_ids),
            or_(Reply.author_id == participant_id, was_hushed().is_not(True)),
        )
    )
    for match_id, author_id, at, is_letter in session.execute(union_all(answers, replies)):
        is_mine = author_id == participant_id
        wrote[match_id, is_mine] = max(at, wrote.get((match_id, is_mine), at))
        letters[match_id] += is_letter and not is_mine
    meetings = {
        meeting.match_id: meeting
        for meeting in session.scalars(select(Meeting).where(Meeting.match_id.in_(match_ids)))
    }
    told = {
        (match_id, what)
        for match_id, what in session.execute(
            select(Step.match_id, Step.told).where(Step.match_id.in_(match_ids))
        )
    }
    return {
        match_id: Standing(
            they_wrote_at=wrote.get((match_id, False)),
            i_wrote_at=wrote.get((match_id, True)),
            letters=letters[match_id],
            meeting=meetings.get(match_id),
            met=(match_id, Told.MET) in told,
            rests=(match_id, Told.CLOSED) in told,
        )
        for match_id in match_ids
    }
