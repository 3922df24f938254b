"""What an organizer can do at once for those who wait, and what was done already."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from asyncnet.events.model import Event, Participant
from asyncnet.events.rules import Attendance
from asyncnet.followups.actions.reminding import reminder_key, reminder_to
from asyncnet.followups.model import Answer
from asyncnet.followups.unanswered import unanswered_in
from asyncnet.followups.waiting.queries import For, Thing, Waiting
from asyncnet.followups.windows.actions import nudge_key, nudge_to
from asyncnet.followups.windows.queries import Viewing, viewings_in
from asyncnet.intros.actions.telling import nudge_to as intro_nudge_to
from asyncnet.intros.queries import not_begun, nudges_of
from asyncnet.listing import listed
from asyncnet.messages.model import Message
from asyncnet.messages.queries import BODIES
from asyncnet.messages.queue import Planned
from asyncnet.messages.rules import MessageState, next_daylight
from asyncnet.zones import zone_named


class Wish(StrEnum):
    """What an organizer wants to do for somebody who waits."""

    REMIND = "remind"
    SEND = "send"
    """The mail that waits goes now."""


@dataclass(frozen=True)
class Help:
    """What helps one who waits.

    `wish` is None where nothing can be done at once. `seen` is what a page shows of it: the
    version of the mail that can be sent, else the last reminder, 0 for none yet. `mails` are
    planned by a reminder to `whom`; `mail` is the one that can be sent, or that reminded them.
    `seat_id` is for whom somebody else might be found in the plan. `why_not` says why nobody can
    be reminded, where `wish` is not that.
    """

    wish: Wish | None = None
    seen: int = 0
    whom: str = ""
    mails: list[Planned] = field(default_factory=list)
    mail: Message | None = None
    seat_id: int | None = None
    why_not: str = ""

    def refuses(self, wish: Wish) -> str:
        """Return why what an organizer wants cannot be done now."""
        if wish is Wish.SEND:
            return "no mail waits to go earlier"
        return "their mail can go now instead" if self.wish is Wish.SEND else self.why_not


NOTHING = Help(why_not="no reminder helps here")
REMINDED = "they were reminded already"


def helps_for(
    session: Session, event: Event, rows: Sequence[Waiting], *, now: datetime
) -> dict[Thing, Help]:
    """Return what helps each of these who wait; in a few queries, however many there are."""
    matches = [row.thing_id for row in rows if row.what in _IN_A_MATCH]
    found = {
        For.INTRO: _to_record(session, event, _about(rows, For.INTRO), now),
        For.MAIL: _to_send(session, _about(rows, For.MAIL), now),
        For.REPLY: _to_reply(session, event, _about(rows, For.REPLY), now),
    }
    to_watch = _to_watch(session, event, matches, now) if matches else {}
    found |= dict.fromkeys(_IN_A_MATCH, to_watch)
    return {row.thing: found.get(row.what, {}).get(row.thing_id, NOTHING) for row in rows}


_IN_A_MATCH = (For.WATCHING, For.ANSWER)


def _about(rows: Sequence[Waiting], what: For) -> list[int]:
    return [row.thing_id for row in rows if row.what is what]


def _to_record(
    session: Session, event: Event, people: Sequence[int], now: datetime
) -> dict[int, Help]:
    """Whoever has not begun is reminded, once a day while there is time."""
    if now >= event.ends_at:
        return dict.fromkeys(people, Help(why_not="the event is over"))
    if not people:
        return {}
    nudges = nudges_of(session, people)
    helps = dict.fromkeys(people, Help(why_not="they have begun to record"))
    for person in not_begun(session, event.id, among=people):
        mail, last = intro_nudge_to(person, event, now=now), nudges.get(person.id)
        if last is not None and last.key == mail.key:
            helps[person.id] = Help(
                seen=last.id, whom=person.name, mail=last, why_not="they were reminded today"
            )
        else:
            seen = last.id if last else 0
            helps[person.id] = Help(Wish.REMIND, seen, person.name, [mail], last)
    return helps


def _to_watch(
    session: Session, event: Event, matches: Sequence[int], now: datetime
) -> dict[int, Help]:
    """Whoever has not written is reminded, once about a round, from when it was theirs to do."""
    owed: dict[int, list[Viewing]] = {}
    for viewing in viewings_in(session, event.id, among=matches):
        if not viewing.answered and not viewing.hushed:
            owed.setdefault(viewing.match.id, []).append(viewing)
    mails = _by_key(
        session,
        [nudge_key(v.viewer.id, v.match.round_id) for each in owed.values() for v in each],
    )
    return {match: _asked(viewings, mails, now) for match, viewings in owed.items()}


def _asked(viewings: Sequence[Viewing], mails: dict[str, Message], now: datetime) -> Help:
    silent = [viewing for viewing in viewings if _is_their_turn(viewing, now)]
    asked, new = [], {}
    for viewing in silent:
        mail = nudge_to(viewing, due_at=next_daylight(zone_named(viewing.viewer.zone), now))
        if mail.key in mails:
            asked.append(mails[mail.key])
        else:
            new[viewing.viewer.name] = mail
    return Help(
        Wish.REMIND if new else None,
        max((mail.id for mail in asked), default=0),
        listed(list(new) or [viewing.viewer.name for viewing in silent]),
        list(new.values()),
        asked[-1] if asked else None,
        viewings[0].other.id,
        REMINDED if silent else _why_nobody(viewings, now),
    )


def _why_nobody(viewings: Sequence[Viewing], now: datetime) -> str:
    """Return why none of these can be asked to watch."""
    if not any(viewing.is_ready for viewing in viewings):
        names = sorted({viewing.other.name for viewing in viewings})
        return f"no intro of {listed(names)} is there to watch yet"
    early = any(viewing.window.starts_at > now for viewing in viewings)
    return "their time to watch has not come yet" if early else "their time to watch is over"


def _is_their_turn(viewing: Viewing, now: datetime) -> bool:
    """Return whether somebody can be asked to watch what is there: in their window, or after the
    live round."""
    if not viewing.is_ready:
        return False
    if viewing.viewer.attendance is Attendance.LIVE:
        return viewing.match.round.ends_at <= now
    return viewing.window.starts_at <= now < viewing.window.ends_at


def _to_send(session: Session, matches: Sequence[int], now: datetime) -> dict[int, Help]:
    """The mail that brings the words can go before its time."""
    if not matches:
        return {}
    rows = session.execute(
        select(Answer.match_id, Message)
        .join(Message, Message.id == Answer.message_id)
        .where(Answer.match_id.in_(matches), Message.state == MessageState.SCHEDULED)
        .options(*BODIES)
        .order_by(Message.due_at.desc(), Message.id)
    )
    return {match_id: _before_its_time(mail, now) for match_id, mail in rows}


def _to_reply(
    session: Session, event: Event, matches: Sequence[int], now: datetime
) -> dict[int, Help]:
    """Whoever owes a word is reminded once; a reminder that waits can go before its time."""
    if not matches:
        return {}
    readers = unanswered_in(session, matches)
    mails = _by_key(session, [reminder_key(reader.id) for _, reader in readers])
    return {
        match_id: _reminded(reader, mails.get(reminder_key(reader.id)), event, now)
        for match_id, reader in readers
    }


def _reminded(reader: Participant, mail: Message | None, event: Event, now: datetime) -> Help:
    if mail is not None and mail.state is MessageState.SCHEDULED:
        return _before_its_time(mail, now)
    if mail is not None:
        return Help(seen=mail.id, whom=reader.name, mail=mail, why_not=REMINDED)
    if not event.reminder_days:
        return Help(whom=reader.name, why_not="the settings of the event say: no reminders")
    due_at = next_daylight(zone_named(reader.zone), now)
    return Help(Wish.REMIND, whom=reader.name, mails=[reminder_to(reader, due_at=due_at)])


def _before_its_time(mail: Message, now: datetime) -> Help:
    wish = Wish.SEND if mail.due_at > now else None
    return Help(wish, mail.version, mail.to_name, mail=mail, why_not="their mail is on its way")


def _by_key(session: Session, keys: Collection[str]) -> dict[str, Message]:
    found = session.scalars(select(Message).where(Message.key.in_(keys)).options(*BODIES))
    return {message.key: message for message in found}
