"""The match form, made from an event's questions, and the note that may follow it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, TypeVar

from flask import request
from werkzeug.datastructures import MultiDict
from wtforms import (
    BooleanField,
    Field,
    IntegerField,
    RadioField,
    SelectMultipleField,
    StringField,
    TextAreaField,
    ValidationError,
)
from wtforms.validators import DataRequired, Length, NumberRange, Optional
from wtforms.widgets import CheckboxInput, HiddenInput, ListWidget

from asyncnet.events.model import Question
from asyncnet.events.rules import MAX_ANSWERS, QuestionKind
from asyncnet.followups.actions.answering import Seen
from asyncnet.followups.model import Answer
from asyncnet.followups.rules import Typed
from asyncnet.people.addresses import AddressWrong, normal_address
from asyncnet.web.forms import Form, VersionedForm, choices_of, number

SHORT, LONG = 300, 4000
OWN, NOTE = "own", "note"
ONE_MORE = "One more thing"
SCALE = range(1, 6)
BY_MAIL = "mail"
WAYS = {BY_MAIL: "By e-mail", "phone": "By phone", "other": "In another way"}
YES_NO = [("yes", "Yes"), ("no", "No")]
MUST = "Please answer this one; a few words are enough."


def _at_most(longest: int) -> Length:
    return Length(max=longest, message=f"Please keep this under {longest:,} characters.")


class CheckboxesField(SelectMultipleField):
    """Any of several choices, as checkboxes."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


class AnswerForm(VersionedForm):
    """What every answer says beside its words: which one it is, and what its page had shown."""

    number = IntegerField(
        default=1, widget=HiddenInput(), validators=[NumberRange(1, MAX_ANSWERS + 1)]
    )

    def seen(self) -> Seen:
        """Return what the page had shown when it was sent in."""
        return Seen(number(self.number), number(self.version))

    def fields(self) -> list[Field]:
        """Return the fields that people see, in order."""
        return [field for field in self if not isinstance(field.widget, HiddenInput)]

    def typed_in(self, sent: MultiDict[str, str]) -> dict[str, list[str]]:
        """Return what stands in the fields that people see, of what a browser sent."""
        return {field.name: sent.getlist(field.name) for field in self.fields()}

    def differences(self, typed: Typed, other: Typed) -> list[tuple[str, str]]:
        """Return label and words of each field in which one typed something that other has not."""
        return [
            (field.label.text, ", ".join(words))
            for field in self.fields()
            if any(words := typed.get(field.name, [])) and words != other.get(field.name)
        ]

    def lost_from(self, typed: Typed) -> list[str]:
        """Return what was typed in answer to questions that are no longer asked."""
        names = {field.name for field in self} | {OWN, NOTE}
        return [
            word
            for name, words in typed.items()
            if name not in names and not name.endswith(("_address", "_how"))
            for word in words
            if word.strip()
        ]


class NoteForm(AnswerForm):
    """A few more words, after the first ones have gone out."""

    note = TextAreaField(ONE_MORE, validators=[DataRequired(MUST), _at_most(LONG)])

    def items(self) -> list[dict[str, Any]]:
        """Return what was written, in the shape of an answer to a question."""
        kind = QuestionKind.LONG.value
        return [{"question": NOTE, "kind": kind, "label": ONE_MORE, "value": self.note.data}]


class MatchForm(AnswerForm):
    """One field a question, named `q` and the question's id; `own` is the other's question."""

    _texts: frozenset[str] = frozenset()
    """The fields in which people write, rather than choose."""
    _any_words: bool = False
    """True where no question must be answered, but some words be written."""

    def validate(self, extra_validators: Any = None) -> bool:
        """Return whether every field is right, and words stand somewhere where any will do."""
        is_fine = bool(super().validate(extra_validators))
        if self._any_words and not any(str(self[name].data or "").strip() for name in self._texts):
            self.form_errors.append("Write a few words first, in whichever field you like.")
            return False
        return is_fine

    def items(self, questions: Sequence[Question], own: str = "") -> list[dict[str, Any]]:
        """Return what was answered, beside each question's own words."""
        kind = QuestionKind.LONG.value
        asked: list[dict[str, Any]] = (
            [{"question": OWN, "kind": kind, "label": own, "value": self[OWN].data}] if own else []
        )
        for question in questions:
            item = {
                "question": question.id,
                "kind": question.kind.value,
                "label": question.label,
                "value": self[_name(question)].data,
            }
            if question.kind is QuestionKind.SCALE and question.choices:
                item["ends"] = list(question.choices)
            asked += [item, *self._other_way(question)]
        return asked

    def too_late_for(self, answer: Answer) -> str:
        """Return the texts in this form that an answer has not brought, one after the other."""
        sent = {str(item["value"] or "").strip() for item in answer.items} | {""}
        texts = [str(field.data or "").strip() for field in self if field.name in self._texts]
        return "\n\n".join(words for words in texts if words not in sent)

    def contact(self, questions: Sequence[Question]) -> str | None:
        """Return the address at which the author agreed to be written to, if they did."""
        for question in questions:
            if self._way(question) == BY_MAIL:
                return str(self[f"{_name(question)}_address"].data)
        return None

    def _way(self, question: Question) -> str | None:
        """Return how the author may be reached, None where they may not or are not asked."""
        if question.kind is not QuestionKind.CONTACT or not self[_name(question)].data:
            return None
        return str(self[f"{_name(question)}_how"].data)

    def _other_way(self, question: Question) -> list[dict[str, Any]]:
        """Return a way other than mail as one more answer, since its reader must see it."""
        way = self._way(question)
        if way is None or way == BY_MAIL:
            return []
        place = self[f"{_name(question)}_address"].data
        kind = QuestionKind.SHORT.value
        return [
            {"question": f"{question.id}-{way}", "kind": kind, "label": WAYS[way], "value": place}
        ]


def note_form(
    number: int, *, words: str = "", answer: Answer | None = None, typed: Typed | None = None
) -> NoteForm:
    """Return the form of a note, filled with words, with what was sent before, or typed since."""
    filled: dict[str, Any] = {"number": number, NOTE: words}
    if answer:
        filled |= {"version": answer.version, NOTE: answer.items[0]["value"]}
    return _form(NoteForm, typed, filled)


def match_form(
    questions: Sequence[Question],
    *,
    address: str,
    own: str = "",
    answer: Answer | None = None,
    typed: Typed | None = None,
    has_intro: bool = True,
) -> MatchForm:
    """Return the form for these questions, filled with what was sent before, or typed since.

    `address` is offered where the form asks how the author may be reached; `own` is what the
    person whose intro was watched asks themselves. Without an intro, questions about it need no
    answer: a few words anywhere are enough.
    """
    given = {item["question"]: item["value"] for item in answer.items} if answer else {}
    filled: dict[str, Any] = {"version": answer.version if answer else 0, OWN: given.get(OWN)}
    for question in questions:
        if question.id in given:
            filled[_name(question)] = given[question.id]
        if question.kind is QuestionKind.CONTACT:
            way, place = _way_given(question, answer)
            filled[f"{_name(question)}_how"] = way
            filled[f"{_name(question)}_address"] = place or address
    asked = tuple(map(_asked, questions))
    if not has_intro:
        asked = tuple(replace(question, required=False) for question in asked)
    return _form(_form_of(own, asked, any_words=not has_intro), typed, filled)


F = TypeVar("F", bound=AnswerForm)


def _form(kind: type[F], typed: Typed | None, filled: dict[str, Any]) -> F:
    """Return a form as it was sent in, else as it was typed, else as it is filled."""
    if typed and request.method != "POST":
        return kind(MultiDict({name: list(words) for name, words in typed.items()}), data=filled)
    return kind(data=filled)


def no_longer_asked(
    before: Sequence[dict[str, Any]], now: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Return what was answered before to questions that the form does not ask any more."""
    asked = {_question_of(item) for item in now}
    return [item for item in before if _question_of(item) not in asked]


def _question_of(item: dict[str, Any]) -> str:
    return str(item["question"]).partition("-")[0]


def _way_given(question: Question, answer: Answer | None) -> tuple[str, str | None]:
    """Return how and where the author of an answer may be reached, as they said in it."""
    for item in answer.items if answer else []:
        for way in WAYS:
            if item["question"] == f"{question.id}-{way}":
                return way, item["value"]
    return BY_MAIL, answer.contact if answer else None


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
def _form_of(own: str, questions: tuple[_Asked, ...], *, any_words: bool) -> type[MatchForm]:
    fields: dict[str, Any] = {}
    if own:
        fields[OWN] = TextAreaField(own, validators=[Optional(), _at_most(LONG)])
    for question in questions:
        name = _name(question)
        fields[name] = _field(question)
        if question.kind is QuestionKind.CONTACT:
            fields[f"{name}_how"] = RadioField(
                "How?", choices=choices_of(WAYS.items()), default=BY_MAIL
            )
            fields[f"{name}_address"] = StringField(
                "Address, number or name", validators=[_at_most(254), _reachable_if(name)]
            )
    texts = {_name(q) for q in questions if q.kind in {QuestionKind.SHORT, QuestionKind.LONG}}
    texts |= {OWN} & set(fields)
    kept = {"_texts": frozenset(texts), "_any_words": any_words and bool(texts)}
    return type("MatchForm", (MatchForm,), fields | kept)


def _name(question: Question | _Asked) -> str:
    return f"q{question.id}"


def _field(question: _Asked) -> Field:
    must = [DataRequired(MUST)] if question.required else [Optional()]
    common: dict[str, Any] = {"label": question.label, "description": question.help}
    choices = choices_of((choice, choice) for choice in question.choices)
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
            return RadioField(
                choices=choices_of(_steps(question.choices)), validators=must, **common
            )
        case QuestionKind.YES_NO:
            return RadioField(choices=choices_of(YES_NO), validators=must, **common)
        case QuestionKind.CONTACT:
            return BooleanField(**common)


def _steps(ends: Sequence[str]) -> list[tuple[str, str]]:
    """Return the steps of a scale, the first and the last saying what they mean."""
    meanings = dict(zip((SCALE[0], SCALE[-1]), ends, strict=False))
    return [
        (str(step), f"{step} – {meanings[step]}" if step in meanings else str(step))
        for step in SCALE
    ]


def _reachable_if(contact: str) -> Any:
    """Return a validator that wants somewhere to write, but only where the author may be reached.

    By mail it is one mailbox, in any other way a few words.
    """

    def check(form: Form, field: StringField) -> None:
        if not form[contact].data:
            return
        if form[f"{contact}_how"].data != BY_MAIL:
            field.data = " ".join((field.data or "").split())
            if not field.data:
                raise ValidationError("Write a number or another way to reach you.")
            return
        try:
            field.data = normal_address(field.data or "")
        except AddressWrong as error:
            raise ValidationError(str(error)) from error

    return check
