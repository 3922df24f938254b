"""A viewing: the intro, and the match form beneath it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from asyncnet.clock import utc_now
from asyncnet.database import ChangedMeanwhile, db, transaction
from asyncnet.events.model import Participant, Question
from asyncnet.events.queries import counts, questions_of, slot_for
from asyncnet.events.rules import MAX_ANSWERS, EventMode
from asyncnet.followups import queries
from asyncnet.followups.actions import drafting
from asyncnet.followups.actions.answering import AlreadySent, TooManyNotes, answer_match
from asyncnet.followups.actions.mailing import has_gone, may_change, went_at
from asyncnet.followups.forms import (
    NOTE,
    MatchForm,
    NoteForm,
    match_form,
    no_longer_asked,
    note_form,
)
from asyncnet.followups.funnel import funnel
from asyncnet.followups.letters import readable
from asyncnet.followups.model import TAB, Answer, AnswerDraft
from asyncnet.followups.queries import Viewing
from asyncnet.followups.waiting.queries import waiting_counts
from asyncnet.intros.faces import faces
from asyncnet.intros.playing import playback
from asyncnet.web.access import (
    Role,
    actor,
    current_participant,
    kept_from_me,
    kept_mails,
    organized_event,
    requires,
)
from asyncnet.web.forms import ButtonForm
from asyncnet.web.now import strip_of
from asyncnet.wiring import links

pages = Blueprint("followups", __name__)
EXAMPLE = Participant(
    name="Mei",
    zone="Australia/Sydney",
    greeting="I count seagrass and teach others to do it.",
    own_question="What should I see first when I come to you?",
)
"""Whom a match form is about while its organizer looks at it."""


@pages.get("/events/<int:event_id>")
@requires(Role.ORGANIZER)
def board(event_id: int) -> ResponseReturnValue:
    """Show an organizer who is waiting for what, and what goes out next."""
    event = organized_event(event_id)
    return render_template(
        "followups/board.html",
        event=event,
        counts=counts(db.session(), event.id),
        waiting=waiting_counts(db.session(), event.id, unsaid=kept_from_me(event)),
        outgoing=queries.outgoing_of(db.session(), event.id, without=kept_mails(event)),
        funnel=funnel(db.session(), event.id, unsaid=kept_from_me(event)),
        registration=links().to(url_for("events.join", registration_key=event.registration_key)),
        over=utc_now() >= event.ends_at,
    )


@pages.get("/events/<int:event_id>/questions/preview")
@requires(Role.ORGANIZER)
def preview(event_id: int) -> ResponseReturnValue:
    """Show an organizer the match form as participants see it."""
    event = organized_event(event_id)
    form = match_form(event.questions, address="you@example.org", own=EXAMPLE.own_question)
    return render_template("followups/preview.html", event=event, form=form, other=EXAMPLE)


@pages.route("/me/<int:participant_id>/matches/<int:match_id>", methods=["GET", "POST"])
@requires(Role.PARTICIPANT)
def viewing(participant_id: int, match_id: int) -> ResponseReturnValue:
    """Show somebody the intro of their match, and take what they write."""
    viewer = current_participant(participant_id)
    found = queries.viewing_by(db.session(), viewer, match_id)
    opens_at = _opens_at(viewer, found)
    if utc_now() < opens_at:
        return render_template(
            "followups/closed.html",
            participant=viewer,
            event=viewer.event,
            match=found.match,
            other=found.other,
            opens_at=opens_at,
            photos=faces([found.other]),
            strip=strip_of(viewer, viewer.event, utc_now()),
        )
    questions = questions_of(db.session(), viewer.event_id)
    form = _form(viewer, found, questions)
    if form is None or not form.accepted():
        return _page(viewer, found, form)
    page = url_for(".viewing", participant_id=participant_id, match_id=match_id)
    try:
        with transaction() as session:
            _send_in(session, viewer, found, form, questions)
    except AlreadySent:
        with transaction() as session:
            _keep_late(session, viewer, match_id, form)
        flash(
            "Your words have gone out already, so they stay as they were. What you typed since "
            "then is kept below.",
            "bad",
        )
        return redirect(page)
    except ChangedMeanwhile:
        found = queries.viewing_by(db.session(), viewer, match_id)
        if found.answer is not None:
            form.now_at(found.answer.version)
        return _page(viewer, found, form, theirs=found.answer), 409
    except TooManyNotes:
        flash("You have written to each other often enough here. Write them a mail.", "bad")
        return redirect(page)
    return redirect(url_for(".thanks", participant_id=participant_id, match_id=match_id))


@pages.get("/me/<int:participant_id>/matches/<int:match_id>/draft")
@requires(Role.PARTICIPANT)
def draft(participant_id: int, match_id: int) -> ResponseReturnValue:
    """Tell an open page what is kept of the form by now."""
    found = queries.viewing_by(db.session(), current_participant(participant_id), match_id)
    return _kept(found.draft)


@pages.post("/me/<int:participant_id>/matches/<int:match_id>/draft")
@requires(Role.PARTICIPANT)
def keep_draft(participant_id: int, match_id: int) -> ResponseReturnValue:
    """Keep what somebody is typing, before they send it in."""
    viewer = current_participant(participant_id)
    other = queries.viewing_by(db.session(), viewer, match_id).other
    questions = questions_of(db.session(), viewer.event_id)
    form = match_form(questions, address=viewer.email, own=other.own_question)
    with transaction() as session:
        kept = drafting.keep_draft(
            session,
            match_id,
            participant_id,
            typed=form.typed_in(request.form) | NoteForm().typed_in(request.form),
            tab=request.form.get("tab", "")[:TAB],
            seen=request.form.get("draft", 0, type=int),
            actor=actor(),
            now=utc_now(),
        )
        return _kept(kept)


@pages.post("/me/<int:participant_id>/matches/<int:match_id>/draft/<tab>/<any(take,drop):wish>")
@requires(Role.PARTICIPANT)
def choose_draft(participant_id: int, match_id: int, tab: str, wish: str) -> ResponseReturnValue:
    """Take what was typed on another device into the form, or let it go."""
    if ButtonForm().accepted():
        with transaction() as session:
            drafting.choose_draft(
                session,
                match_id,
                participant_id,
                tab,
                take=wish == "take",
                actor=actor(),
                now=utc_now(),
            )
    return redirect(url_for(".viewing", participant_id=participant_id, match_id=match_id))


@pages.get("/me/<int:participant_id>/matches/<int:match_id>/thanks")
@requires(Role.PARTICIPANT)
def thanks(participant_id: int, match_id: int) -> ResponseReturnValue:
    viewer = current_participant(participant_id)
    found = queries.viewing_by(db.session(), viewer, match_id)
    if found.message is None:
        return redirect(url_for(".viewing", participant_id=viewer.id, match_id=match_id))
    return render_template(
        "followups/thanks.html",
        participant=viewer,
        event=viewer.event,
        match=found.match,
        other=found.other,
        message=found.message,
        may_change=may_change(found.message),
    )


@pages.get("/me/<int:participant_id>/letters")
@requires(Role.PARTICIPANT)
def received(participant_id: int) -> ResponseReturnValue:
    """Show an asynchronous participant what their matches wrote, once it has been mailed."""
    participant = current_participant(participant_id)
    answers = queries.sent_to(db.session(), participant.id)
    return render_template(
        "followups/received.html",
        participant=participant,
        event=participant.event,
        letters=[(answer, readable(answer)) for answer in answers],
        photos=faces([answer.author for answer in answers]),
    )


def _opens_at(viewer: Participant, found: Viewing) -> datetime:
    """Return from when on a viewing is open; one in an event with live people always is."""
    if viewer.event.mode is not EventMode.ASYNC:
        return found.match.created_at
    return slot_for(viewer, found.match.round).starts_at


def _form(
    viewer: Participant, found: Viewing, questions: Sequence[Question]
) -> MatchForm | NoteForm | None:
    """Return what was sent in, else what may be filled in now; None when nothing may.

    A page that was open while the mail went out sends in the form that it has shown.
    """
    asked: dict[str, Any] = {
        "address": viewer.email,
        "own": found.other.own_question,
        "has_intro": found.intro is not None,
    }
    typed, last = found.draft.typed if found.draft else {}, found.answer
    if request.method == "POST":
        number = request.form.get("number", 1, type=int)
        form = match_form(questions, **asked)
        return form if number == 1 else note_form(number)
    if last is None or (last.number == 1 and may_change(found.message)):
        return match_form(questions, **asked, answer=last, typed=typed)
    if may_change(found.message):
        return note_form(last.number, answer=last, typed=typed)
    if not has_gone(found.message) or last.number >= MAX_ANSWERS:
        return None
    if NOTE in typed:
        return note_form(last.number + 1, typed=typed)
    late = match_form(questions, **asked, typed=typed).too_late_for(last)
    return note_form(last.number + 1, words=late)


def _send_in(
    session: Session,
    viewer: Participant,
    found: Viewing,
    form: MatchForm | NoteForm,
    questions: Sequence[Question],
) -> None:
    """Keep the words of a form; those on questions that were taken away stay as they were."""
    before = found.answer
    if isinstance(form, MatchForm):
        items, contact = form.items(questions, found.other.own_question), form.contact(questions)
        if before and before.number == 1:
            items += no_longer_asked(before.items, items)
    else:
        items, contact = form.items(), before.contact if before else None
    answer_match(
        session,
        found.match.id,
        viewer.id,
        items=items,
        contact=contact,
        seen=form.seen(),
        actor=actor(),
        now=utc_now(),
    )


def _keep_late(
    session: Session, viewer: Participant, match_id: int, form: MatchForm | NoteForm
) -> None:
    """Keep what came after the mail had gone, so that it can be sent as a note."""
    drafting.keep_draft(
        session,
        match_id,
        viewer.id,
        typed=form.typed_in(request.form),
        tab=request.form.get("tab", "")[:TAB],
        seen=request.form.get("draft", 0, type=int),
        actor=actor(),
        now=utc_now(),
    )


def _page(
    viewer: Participant,
    found: Viewing,
    form: MatchForm | NoteForm | None,
    theirs: Answer | None = None,
) -> str:
    """Return the page of a viewing; `theirs` is what was sent in from elsewhere meanwhile."""
    last, draft = found.answer, found.draft
    sent: Sequence[Answer] = []
    if last and not may_change(found.message):
        sent = (
            [last]
            if last.number == 1
            else queries.written_by(db.session(), viewer.id, found.match.id)
        )
    return render_template(
        "followups/viewing.html",
        participant=viewer,
        event=viewer.event,
        match=found.match,
        other=found.other,
        watched=found.watched,
        form=form,
        answer=last,
        message=found.message,
        went_at=went_at(found.message),
        sent=[readable(answer) for answer in sent],
        theirs=readable(theirs) if theirs else None,
        draft=draft,
        unsent=bool(last and draft and draft.typed and not sent),
        elsewhere=_elsewhere(form, draft),
        without_question=form.lost_from(draft.typed) if form and draft else [],
        playback=playback(found.intro) if found.intro else None,
        took_back=found.took_back,
        photos=faces([found.other]),
        strip=strip_of(viewer, viewer.event, utc_now()),
    )


def _elsewhere(
    form: MatchForm | NoteForm | None, draft: AnswerDraft | None
) -> list[tuple[str, datetime, list[tuple[str, str]]]]:
    """Return what other tabs had typed, where it differs: which tab, when, label and words."""
    if form is None or draft is None:
        return []
    return [
        (tab, datetime.fromisoformat(other["at"]), form.differences(other["typed"], draft.typed))
        for tab, other in draft.others.items()
    ]


def _kept(draft: AnswerDraft | None) -> ResponseReturnValue:
    if draft is None:
        return {"version": 0, "typed": {}, "elsewhere": 0}
    return {"version": draft.version, "typed": draft.typed, "elsewhere": len(draft.others)}
