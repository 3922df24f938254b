"""The match form, made from an event's questions."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from wtforms import (
    BooleanField,
    Field,
    RadioField,
    SelectMultipleField,
    StringField,
    TextAreaField,
    ValidationError,
)
from wtforms.validators import DataRequired, Length, Optional
from wtforms.widgets import CheckboxInput, ListWidget

from asyncnet.events.model import Question
from asyncnet.events.rules import QuestionKind
from asyncnet.followups.model import Answer
from asyncnet.people.addresses import AddressWrong, normal_address
from asyncnet.web.forms import Form

SHORT, LONG = 300, 4000
SCALE = [(str(step), str(step)) for step in range(1, 6)]
YES_NO = [("yes", "Yes"), ("no", "No")]
MUST = "Please answer this one; a few words are enough."


class CheckboxesField(SelectMultipleField):
    """Any of several choices, as checkboxes."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


class MatchForm(Form):
    """One field a question, named `q` and the question's id."""

    def items(self, questions: Sequence[Question]) -> list[dict[str, Any]]:
        """Return what was answered, beside each question's own words."""
        return [
            {
                "question": question.id,
                "kind": question.kind.value,
                "label": question.label,
                "value": self[_name(question)].data,
            }
            for question in questions
        ]

    def contact(self, questions: Sequence[Question]) -> str | None:
        """Return the address at which the author agreed to be written to, if they did."""
        for question in questions:
            if question.kind is QuestionKind.CONTACT and self[_name(question)].data:
                return str(self[f"{_name(question)}_address"].data)
        return None


def match_form(
    questions: Sequence[Question], *, address: str, answer: Answer | None = None
) -> MatchForm:
    """Return the form for these questions, filled with an answer given before.

    `address` is offered where the form asks how the author may be reached.
    """
    given = {item["question"]: item["value"] for item in answer.items} if answer else {}
    filled: dict[str, Any] = {}
    for question in questions:
        if question.id in given:
            filled[_name(question)] = given[question.id]
        if question.kind is QuestionKind.CONTACT:
            filled[f"{_name(question)}_address"] = (answer and answer.contact) or address
    return _form_of(tuple(map(_asked, questions)))(data=filled)


@dataclass(frozen=True)
class _Asked:
    """What a form class depends on, so that one is made once for many readers."""

    id: int
    kind: QuestionKind
    label: str
    help: str
    required: bool
    choices: tuple[str, ...]


def _asked(question: Question) -> _Asked:
    return _Asked(
        question.id,
        question.kind,
        question.label,
        question.help,
        question.required,
        tuple(question.choices),
    )


@lru_cache(maxsize=500)
def _form_of(questions: tuple[_Asked, ...]) -> type[MatchForm]:
    fields: dict[str, Any] = {}
    for question in questions:
        name = _name(question)
        fields[name] = _field(question)
        if question.kind is QuestionKind.CONTACT:
            fields[f"{name}_address"] = StringField(
                "Where they may write to you",
                validators=[Length(max=254), _reachable_if(name)],
                render_kw={"type": "email", "autocomplete": "email"},
            )
    return type("MatchForm", (MatchForm,), fields)


def _name(question: Question | _Asked) -> str:
    return f"q{question.id}"


def _field(question: _Asked) -> Field:
    must = [DataRequired(MUST)] if question.required else [Optional()]
    common: dict[str, Any] = {"label": question.label, "description": question.help}
    choices = [(choice, choice) for choice in question.choices]
    match question.kind:
        case QuestionKind.SHORT:
            return StringField(validators=[*must, _at_most(SHORT)], **common)
        case QuestionKind.LONG:
            return TextAreaField(validators=[*must, _at_most(LONG)], **common)
        case QuestionKind.ONE:
            return RadioField(choices=choices, validators=must, **common)
        case QuestionKind.SEVERAL:
            return CheckboxesField(choices=choices, validators=must, **common)
        case QuestionKind.SCALE:
            return RadioField(choices=SCALE, validators=must, **common)
        case QuestionKind.YES_NO:
            return RadioField(choices=YES_NO, validators=must, **common)
        case QuestionKind.CONTACT:
            return BooleanField(**common)


def _at_most(longest: int) -> Length:
    return Length(max=longest, message=f"Please keep this under {longest:,} characters.")


def _reachable_if(contact: str) -> Any:
    """Return a validator that wants one mailbox, but only where the author may be reached."""

    def check(form: Form, field: StringField) -> None:
        if not form[contact].data:
            return
        try:
            field.data = normal_address(field.data or "")
        except AddressWrong as error:
            raise ValidationError(str(error)) from error

    return check
