"""What organizers fill in about the questions of their match form."""

from wtforms import (
    BooleanField,
    RadioField,
    SelectField,
    StringField,
    TextAreaField,
    ValidationError,
)
from wtforms.validators import DataRequired, InputRequired, Length, Optional

from asyncnet.events.forms import trimmed
from asyncnet.events.model import Question
from asyncnet.events.questions.rules import QUESTION_SETS, Asked
from asyncnet.events.rules import WITH_CHOICES, WITH_LINES, QuestionKind
from asyncnet.web.forms import Form, VersionedForm, choices_of, text

KINDS = {
    QuestionKind.SHORT: "A short text",
    QuestionKind.LONG: "A longer text",
    QuestionKind.ONE: "One of several choices",
    QuestionKind.SEVERAL: "Any of several choices",
    QuestionKind.SCALE: "A scale from 1 to 5",
    QuestionKind.YES_NO: "Yes or no",
    QuestionKind.CONTACT: "May they write back, and where",
}


class QuestionForm(VersionedForm):
    """One question of the match form. What it asks for is chosen once."""

    kind = SelectField(
        "What it asks for", choices=choices_of((kind.value, words) for kind, words in KINDS.items())
    )
    label = StringField(
        "Question",
        filters=[trimmed],
        validators=[
            DataRequired("Write the question as the viewer will read it."),
            Length(max=200, message="Please keep the question under 200 characters."),
        ],
    )
    help = StringField(
        "Help beneath it",
        filters=[trimmed],
        validators=[
            Optional(),
            Length(max=300, message="Please keep the help under 300 characters."),
        ],
    )
    choices = TextAreaField(
        "Choices, or the ends of a scale, one a line",
        validators=[Length(max=2000, message="Please keep the choices under 2,000 characters.")],
    )
    required = BooleanField("Must be answered")

    @classmethod
    def about(cls, question: Question) -> "QuestionForm":
        """Return the form filled with what a question is now."""
        return cls(
            data={
                "kind": question.kind.value,
                "label": question.label,
                "help": question.help,
                "choices": "\n".join(question.choices),
                "required": question.required,
                "version": question.version,
            }
        )

    def asked(self) -> Asked:
        """Return what was filled in; only after the form was accepted."""
        kind = QuestionKind(self.kind.data)
        return Asked(
            kind,
            text(self.label),
            text(self.help),
            self.required.data and kind is not QuestionKind.CONTACT,
            tuple(self.chosen()) if kind in WITH_LINES else (),
        )

    def chosen(self) -> list[str]:
        """Return the choices, one a line, without empty ones."""
        return [line.strip() for line in text(self.choices).splitlines() if line.strip()]

    def validate_choices(self, field: TextAreaField) -> None:
        if self.kind.data in WITH_CHOICES and not 2 <= len(self.chosen()) <= 20:
            raise ValidationError("Write between 2 and 20 choices, one a line.")
        if self.kind.data in WITH_CHOICES and len(set(self.chosen())) < len(self.chosen()):
            raise ValidationError("Two choices are the same. Write each of them once.")
        if self.kind.data == QuestionKind.SCALE and len(self.chosen()) != 2:
            raise ValidationError("Say in two lines what 1 means, and what 5 means.")


class StartForm(Form):
    """Begins the match form anew with one of the ready ones."""

    start = RadioField(
        "Which one?",
        choices=choices_of(
            (name, f"{ready.title}: {ready.about}") for name, ready in QUESTION_SETS.items()
        ),
        validators=[InputRequired("Choose one of the forms.")],
    )


class OrderForm(Form):
    """The questions in another order, by their ids with a comma between them."""

    order = StringField(validators=[InputRequired(), Length(max=400)])

    def ids(self) -> list[int]:
        """Return the ids as they were sent, without what is no number."""
        return [int(word) for word in text(self.order).split(",") if word.strip().isdecimal()]
