"""The organizer's pages about the questions of their match form."""

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from asyncnet.clock import utc_now
from asyncnet.database import ChangedMeanwhile, db, transaction
from asyncnet.events.actions import asking
from asyncnet.events.actions.asking import TooMany
from asyncnet.events.model import Event, Question
from asyncnet.events.questions.forms import KINDS, OrderForm, QuestionForm, StartForm
from asyncnet.events.questions.rules import QUESTION_SETS
from asyncnet.web.access import Role, actor, organized_event, requires
from asyncnet.web.forms import ButtonForm, number

pages = Blueprint("questions", __name__)


@pages.route("/events/<int:event_id>/questions", methods=["GET", "POST"])
@requires(Role.ORGANIZER)
def index(event_id: int) -> ResponseReturnValue:
    """Show the match form as a list of questions, and add one."""
    event = organized_event(event_id)
    form = QuestionForm()
    if not form.accepted():
        return _list(event, form, StartForm(formdata=None))
    try:
        with transaction() as session:
            asking.add_question(session, event.id, form.asked(), actor=actor(), now=utc_now())
    except TooMany as error:
        flash(str(error), "bad")
    return redirect(url_for(".index", event_id=event.id))


@pages.route("/events/<int:event_id>/questions/<int:question_id>", methods=["GET", "POST"])
@requires(Role.ORGANIZER)
def change(event_id: int, question_id: int) -> ResponseReturnValue:
    """Change the words of one question."""
    event = organized_event(event_id)
    question = _question(event, question_id)
    form = QuestionForm() if request.method == "POST" else QuestionForm.about(question)
    form.kind.data = question.kind.value
    if not form.accepted():
        return render_template(
            "events/question.html", form=form, event=event, question=question, kinds=KINDS
        )
    try:
        with transaction() as session:
            asking.change_question(
                session,
                question,
                form.asked(),
                version=number(form.version),
                actor=actor(),
                now=utc_now(),
            )
    except ChangedMeanwhile:
        db.session.refresh(question)
        form.now_at(question.version)
        return render_template(
            "events/question.html",
            form=form,
            event=event,
            question=question,
            kinds=KINDS,
            theirs=question,
        ), 409
    flash("Saved.", "good")
    return redirect(url_for(".index", event_id=event.id))


@pages.post("/events/<int:event_id>/questions/<int:question_id>/<any(up,down,remove):act>")
@requires(Role.ORGANIZER)
def treat(event_id: int, question_id: int, act: str) -> ResponseReturnValue:
    event = organized_event(event_id)
    question = _question(event, question_id)
    if ButtonForm().accepted():
        with transaction() as session:
            if act == "remove":
                asking.remove_question(session, question, actor=actor(), now=utc_now())
            else:
                asking.move_question(
                    session, question, up=act == "up", actor=actor(), now=utc_now()
                )
    moved = question.id if act != "remove" else None
    return redirect(url_for(".index", event_id=event.id, moved=moved))


@pages.post("/events/<int:event_id>/questions/order")
@requires(Role.ORGANIZER)
def order(event_id: int) -> ResponseReturnValue:
    """Put the questions into the order in which they were dragged."""
    event = organized_event(event_id)
    form = OrderForm()
    if not form.accepted():
        abort(400)
    with transaction() as session:
        asking.order_questions(session, event.id, form.ids(), actor=actor(), now=utc_now())
    return redirect(url_for(".index", event_id=event.id))


@pages.post("/events/<int:event_id>/questions/start")
@requires(Role.ORGANIZER)
def start(event_id: int) -> ResponseReturnValue:
    """Begin anew with one of the ready forms."""
    event = organized_event(event_id)
    form = StartForm()
    if not form.accepted():
        return _list(event, QuestionForm(formdata=None), form)
    with transaction() as session:
        ready = QUESTION_SETS[form.start.data]
        asking.start_with(session, event.id, ready.questions, actor=actor(), now=utc_now())
    flash("These are your questions now. Change them as you like.", "good")
    return redirect(url_for(".index", event_id=event.id))


def _list(event: Event, form: QuestionForm, start: StartForm) -> str:
    return render_template(
        "events/questions.html",
        form=form,
        start=start,
        event=event,
        kinds=KINDS,
        moved=request.args.get("moved", type=int),
    )


def _question(event: Event, question_id: int) -> Question:
    return next((q for q in event.questions if q.id == question_id), None) or abort(404)
