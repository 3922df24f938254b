"""What each kind of mail of an event says, in the organizers' own words."""

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from asyncnet.clock import utc_now
from asyncnet.database import ChangedMeanwhile, db, transaction
from asyncnet.messages import actions, queries
from asyncnet.messages.forms import WordingForm
from asyncnet.messages.queue import Copy
from asyncnet.messages.views.place import pages, sample_of, wording_form
from asyncnet.messages.wording import WORDABLE, Wording
from asyncnet.web.access import Role, actor, organized_event, requires
from asyncnet.web.forms import VersionedForm, number
from asyncnet.web.frame import SANDBOX, framed


@pages.get("/events/<int:event_id>/texts")
@requires(Role.ORGANIZER)
def texts(event_id: int) -> ResponseReturnValue:
    """Show what every kind of mail of an event says."""
    event = organized_event(event_id)
    own = queries.texts_of(db.session(), event.id)
    return render_template(
        "messages/texts.html",
        event=event,
        kinds=[
            (kind, wordable, own.get(kind, wordable.usual), kind in own)
            for kind, wordable in WORDABLE.items()
        ],
    )


@pages.route("/events/<int:event_id>/texts/<kind>", methods=["GET", "POST"])
@requires(Role.ORGANIZER)
def change_text(event_id: int, kind: str) -> ResponseReturnValue:
    event = organized_event(event_id)
    if kind not in WORDABLE:
        abort(404)
    words, version = queries.words_for(db.session(), event.id, kind)
    form = wording_form(event.id, kind, version=version, words=words)
    if form.accepted() and "preview" not in request.form:
        try:
            with transaction() as session:
                actions.word_kind(
                    session,
                    event.id,
                    kind,
                    form.words(),
                    version=number(form.version),
                    actor=actor(),
                    now=utc_now(),
                )
        except ChangedMeanwhile:
            theirs, version = queries.words_for(db.session(), event.id, kind)
            form.now_at(version)
            return _page(event_id, kind, form, theirs=theirs), 409
        flash("Saved. Every mail that has not gone yet says this.", "good")
        return redirect(url_for(".change_text", event_id=event.id, kind=kind))
    shown = sample_of(kind, form.words()) if form.is_submitted() and not form.errors else None
    return _page(event_id, kind, form, shown=shown)


@pages.post("/events/<int:event_id>/texts/<kind>/usual")
@requires(Role.ORGANIZER)
def usual_text(event_id: int, kind: str) -> ResponseReturnValue:
    """Let a kind of mail say the usual words again."""
    event = organized_event(event_id)
    wordable = WORDABLE.get(kind) or abort(404)
    form = VersionedForm()
    if not form.accepted():
        abort(400)
    try:
        with transaction() as session:
            actions.word_kind(
                session,
                event.id,
                kind,
                wordable.usual,
                version=number(form.version),
                actor=actor(),
                now=utc_now(),
            )
    except ChangedMeanwhile:
        flash("It has changed since you opened this page. Here is how it stands now.", "bad")
    else:
        flash("It says the usual words again.", "good")
    return redirect(url_for(".change_text", event_id=event.id, kind=kind))


@pages.get("/events/<int:event_id>/texts/<kind>/html")
@requires(Role.ORGANIZER)
def text_html(event_id: int, kind: str) -> ResponseReturnValue:
    """Show how the saved words look in a mail to somebody made up."""
    event = organized_event(event_id)
    if kind not in WORDABLE:
        abort(404)
    words, _ = queries.words_for(db.session(), event.id, kind)
    return framed(sample_of(kind, words).html)


def _page(
    event_id: int,
    kind: str,
    form: WordingForm,
    *,
    shown: Copy | None = None,
    theirs: Wording | None = None,
) -> str:
    return render_template(
        "messages/text.html",
        event=organized_event(event_id),
        kind=kind,
        wordable=WORDABLE[kind],
        form=form,
        shown=shown,
        theirs=theirs,
        sandbox=SANDBOX,
    )
