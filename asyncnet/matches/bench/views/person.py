"""One person of a plan: whom they meet, how well that suits them, and what can be changed."""

from flask import render_template, request
from flask.typing import ResponseReturnValue

from asyncnet.database import db
from asyncnet.events import queries as events
from asyncnet.events.rules import MentionKind
from asyncnet.matches.bench import queries
from asyncnet.matches.bench.swaps import joins, swaps
from asyncnet.matches.bench.views.place import desk_of, id_in_address, pages
from asyncnet.web.access import (
    Role,
    organized_event,
    requires,
)

SWAPS_SHOWN = 8


@pages.get("/events/<int:event_id>/plan/people/<int:person_id>")
@requires(Role.ORGANIZER)
def person(event_id: int, person_id: int) -> ResponseReturnValue:
    """Show whom somebody meets and how well that suits them, and offer what can be changed."""
    event = organized_event(event_id)
    someone = events.participant_of(db.session(), event.id, person_id)
    desk = desk_of(event)
    chosen = id_in_address("round", min(desk.first_open, max(1, len(desk.draft.rounds))))
    chosen = min(chosen, max(1, len(desk.draft.rounds)))
    rows = [desk.rows.row(number, meeting) for number, meeting in desk.draft.of(someone.id)]
    possible = (
        swaps(desk.draft, chosen, someone.id, desk.worth, desk.limits) if desk.draft.rounds else []
    )
    mentions = events.mentions_of(db.session(), someone.id)
    named = request.args.get("named", "")[:100]
    listed = desk.called(named) if desk.is_large else desk.people
    return render_template(
        "matches/bench/person.html",
        event=event,
        desk=desk,
        someone=someone,
        chosen=chosen,
        rows=rows,
        share=desk.draft.shares().get(someone.id),
        swaps=possible[:SWAPS_SHOWN],
        named=named,
        near=id_in_address("near", 0),
        others=[p for p in listed if p.id != someone.id],
        may_swap=[swap.other for swap in possible],
        may_join=joins(desk.draft, chosen, someone.id, desk.worth) if desk.draft.rounds else set(),
        kept_apart=desk.worth.kept_apart_from(someone.id),
        avoids=[m for m in mentions if m.kind is MentionKind.AVOID and not desk.worth.unsaid],
        asked_for=[m for m in mentions if m.kind is MentionKind.MEET],
        meant=events.people_meant(db.session(), mentions),
        apart=queries.kept_apart_from(db.session(), someone.id, unsaid=desk.worth.unsaid),
    )
