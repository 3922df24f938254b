"""Helps those who wait, as far as they wait as an organizer saw it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from asyncnet.audit.actions import Actor, record
from asyncnet.events.model import Event
from asyncnet.followups.waiting.helps import Help, Wish, helps_for
from asyncnet.followups.waiting.queries import For, Thing, names_of, waiting_among, waiting_page
from asyncnet.messages.queue import act_on, plan, seen_until
from asyncnet.messages.rules import Act

MOST = 2000
"""So many are helped at once; those who wait longest come first."""


@dataclass
class Helped:
    """What became of a wish. `changed` are those of whom more is known now than was seen, with
    who they are; for `not_now` the wish means nothing, with who they are and why; `refused` take
    no mail."""

    done: list[Thing] = field(default_factory=list)
    changed: dict[Thing, str] = field(default_factory=dict)
    not_now: dict[Thing, tuple[str, str]] = field(default_factory=dict)
    refused: list[Thing] = field(default_factory=list)


def help_waiting(
    session: Session,
    event: Event,
    wish: Wish,
    seen: Mapping[Thing, int],
    *,
    unsaid: Collection[int] = (),
    actor: Actor,
    now: datetime,
) -> Helped:
    """Remind those who wait or are waited for, or let the mails go that they wait for.

    `seen` is what a page showed of each (`Help.seen`). Who waits for something else by now, or
    was helped by somebody else, is left alone and told apart.
    """
    session.execute(select(Event.id).where(Event.id == event.id).with_for_update())
    helped, chosen = Helped(), {}
    names = names_of(session, event.id, seen)
    rows = [
        row for row in waiting_among(session, event.id, seen, unsaid=unsaid) if row.thing in seen
    ]
    helps = helps_for(session, event, rows, now=now)
    for thing, name in names.items():
        help_ = helps.get(thing)
        if help_ is None or help_.seen != seen[thing]:
            helped.changed[thing] = name
        elif help_.wish is not wish:
            helped.not_now[thing] = name, help_.refuses(wish)
        else:
            chosen[thing] = help_
    if wish is Wish.SEND:
        _send(session, chosen, helped, names, actor=actor.name, now=now)
    else:
        plan(session, [mail for each in chosen.values() for mail in each.mails], now=now)
        helped.done += chosen
    record(
        session,
        actor,
        f"waiting.{wish}",
        f"event:{event.id}",
        detail=f"{len(helped.done)} of {len(seen)}",
        now=now,
    )
    return helped


def seen_by(
    session: Session,
    event: Event,
    what: For,
    wish: Wish,
    *,
    at: datetime,
    unsaid: Collection[int] = (),
    now: datetime,
) -> dict[Thing, int]:
    """Return what somebody who looked at that moment saw of those who wait for one thing, and
    for whom the wish means something: of the MOST who wait longest."""
    rows, _ = waiting_page(session, event.id, what, after=None, limit=MOST, unsaid=unsaid)
    rows = [row for row in rows if row.since <= at]
    helps = helps_for(session, event, rows, now=now)
    wished = {thing: help_ for thing, help_ in helps.items() if help_.wish is wish}
    mails = [each.mail.id for each in wished.values() if each.mail] if wish is Wish.SEND else []
    versions = seen_until(session, mails, at)
    return {
        thing: versions[help_.mail.id] if wish is Wish.SEND and help_.mail else help_.seen
        for thing, help_ in wished.items()
    }


def _send(
    session: Session,
    chosen: Mapping[Thing, Help],
    helped: Helped,
    names: Mapping[Thing, str],
    *,
    actor: str,
    now: datetime,
) -> None:
    """Let the mails of these go; one mail may bring several people what they wait for."""
    mails = {thing: help_.mail.id for thing, help_ in chosen.items() if help_.mail}
    versions = {help_.mail.id: help_.seen for help_ in chosen.values() if help_.mail}
    tally = act_on(session, Act.SEND_NOW, versions, actor=actor, now=now)
    helped.done += [thing for thing, mail in mails.items() if mail in tally.done]
    helped.changed |= {
        thing: names[thing] for thing, mail in mails.items() if mail in tally.being_sent
    }
    helped.refused += [thing for thing, mail in mails.items() if mail in tally.refused]
