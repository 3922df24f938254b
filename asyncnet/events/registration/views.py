"""What the registration form asks for, how people spell their words, and the list to take out."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from asyncnet.clock import utc_now
from asyncnet.database import ChangedMeanwhile, db, transaction
from asyncnet.events import queries
from asyncnet.events.actions.making import choose_asks
from asyncnet.events.actions.mentioning import respell
from asyncnet.events.model import Spelling
from asyncnet.events.registration.forms import AsksForm, WordForm
from asyncnet.events.roster import rows_of
from asyncnet.events.rules import FORM_STARTS, WordKind
from asyncnet.sheets import as_csv
from asyncnet.web.access import Role, actor, organized_event, requires
from asyncnet.web.downloads import download
from asyncnet.web.forms import number, text

pages = Blueprint("asking", __name__)
KINDS = {
    WordKind.TOPIC: "Topics",
    WordKind.SKILL: "What people offer and seek",
    WordKind.COMMUNITY: "Kinds of communities",
    WordKind.ROLE: "What people do",
}


@pages.route("/events/<int:event_id>/registration", methods=["GET", "POST"])
@requires(Role.ORGANIZER)
def asks(event_id: int) -> ResponseReturnValue:
    """Choose what the registration form asks for; `start` fills in a good beginning."""
    event = organized_event(event_id)
    start = FORM_STARTS.get(request.args.get("start", ""))
    shown = [ask.value for ask in start] if start else event.asks
    form = AsksForm(data=None if request.method == "POST" else {"asks": shown})
    if request.method == "GET":
        form.now_at(event.version)
    status = 200
    if form.accepted():
        try:
            with transaction() as session:
                choose_asks(
                    session,
                    event,
                    form.chosen(),
                    version=number(form.version),
                    actor=actor(),
                    now=utc_now(),
                )
        except ChangedMeanwhile:
            db.session.refresh(event)
            form.now_at(event.version)
            form.form_errors.append(
                "Somebody else saved this event while you had the page open. Nothing was saved "
                "yet; save once more to let your choice stand."
            )
            status = 409
        else:
            flash("Saved. Whoever registers from now on sees this form.", "good")
            return redirect(url_for(".asks", event_id=event.id))
    return render_template(
        "events/registration.html", form=form, event=event, starts=FORM_STARTS
    ), status


@pages.get("/events/<int:event_id>/words")
@requires(Role.ORGANIZER)
def words(event_id: int) -> ResponseReturnValue:
    """Show which spellings are taken for the same word, and how many people use each."""
    event = organized_event(event_id)
    uses = queries.uses(db.session(), event.id)
    groups: dict[WordKind, dict[str, list[tuple[Spelling, int]]]] = {kind: {} for kind in KINDS}
    for spelling in queries.spellings_of(db.session(), event.id):
        count = uses[spelling.kind][spelling.folded]
        groups[spelling.kind].setdefault(spelling.word, []).append((spelling, count))
    return render_template("events/words.html", event=event, groups=groups, kinds=KINDS)


@pages.route("/events/<int:event_id>/words/<int:spelling_id>", methods=["GET", "POST"])
@requires(Role.ORGANIZER)
def word(event_id: int, spelling_id: int) -> ResponseReturnValue:
    """Take a spelling for another word, or for one of its own."""
    event = organized_event(event_id)
    spelling = queries.spelling_of(db.session(), event.id, spelling_id)
    form = WordForm(data=None if request.method == "POST" else {"word": spelling.word})
    if form.accepted():
        with transaction() as session:
            respell(session, spelling, text(form.word), actor=actor(), now=utc_now())
        flash("Saved. The next plan counts these as you say.", "good")
        return redirect(url_for(".words", event_id=event.id))
    known = queries.words_in(db.session(), event.id)[spelling.kind]
    return render_template(
        "events/word.html", event=event, form=form, spelling=spelling, known=known
    )


@pages.get("/events/<int:event_id>/participants.csv")
@requires(Role.ORGANIZER)
def export(event_id: int) -> ResponseReturnValue:
    """Give the list of participants as a spreadsheet, in the columns that an import takes."""
    event = organized_event(event_id)
    people = queries.everyone(db.session(), event.id)
    names = queries.named_in(db.session(), event.id)
    return download(as_csv(rows_of(people, names)), "text/csv", "participants.csv")
