"""What the studio takes in. Whatever else a browser sends is not looked at (CHECKLIST A3)."""

import wtforms
from flask_wtf.file import FileField, FileRequired
from wtforms import (
    BooleanField,
    FieldList,
    FormField,
    IntegerField,
    StringField,
    TextAreaField,
    ValidationError,
)
from wtforms.validators import AnyOf, InputRequired, Length, NumberRange, Optional

from asyncnet.events.forms import trimmed
from asyncnet.intros.actions.consenting import CONSENT_VERSION
from asyncnet.intros.cues import MAX_CUES, MAX_TEXT, BadTime, Cue, read_time, tidy, troubles
from asyncnet.intros.model import IntroKind
from asyncnet.web.access import LARGEST_ID
from asyncnet.web.forms import Form, VersionedForm, one_line, text

MAX_PARTS = 10_000
MIN_WORDS, MAX_WORDS = 40, 1_500


def on_one_line(value: str | None) -> str:
    """Return text with single spaces where there was room of any kind."""
    return " ".join((value or "").split())


class ConsentForm(Form):
    """The box beside the words about the intro; never ticked beforehand (CHECKLIST D1)."""

    agreed = BooleanField(
        "I agree that my matches and the organizers of this event see and hear my intro.",
        validators=[InputRequired("Tick the box if you agree; without it we show nothing of you.")],
    )
    text_version = StringField(
        default=CONSENT_VERSION,
        validators=[
            AnyOf(
                [CONSENT_VERSION],
                "These words have changed since you opened the page. Please read them once more.",
            )
        ],
    )


class WordsForm(Form):
    """An intro in words."""

    words = TextAreaField(
        "Your words",
        filters=[trimmed],
        validators=[
            InputRequired("Write two or three sentences first."),
            Length(
                min=MIN_WORDS,
                max=MAX_WORDS,
                message=f"Write at least {MIN_WORDS} and at most {MAX_WORDS:,} characters.",
            ),
        ],
        render_kw={"rows": 9, "minlength": MIN_WORDS, "maxlength": MAX_WORDS},
    )

    def validate_words(self, field: TextAreaField) -> None:
        """Refuse a page of signs that nobody sees, such as direction marks."""
        if sum(sign.isprintable() and not sign.isspace() for sign in text(field)) < MIN_WORDS // 2:
            raise ValidationError("Write your sentences in letters that people can see.")


class QuestionForm(Form):
    """What a participant asks each of their matches."""

    own_question = TextAreaField(
        "Your question",
        filters=[on_one_line],
        validators=[
            Optional(),
            Length(max=300, message="Keep your question within 300 characters."),
            one_line,
        ],
        render_kw={"maxlength": 300, "rows": 2},
    )


class PhotoForm(Form):
    """A picture of oneself."""

    picture = FileField(
        "Your picture",
        validators=[FileRequired("Choose a picture first.")],
        render_kw={"accept": "image/*"},
    )


class BeginForm(Form):
    """Which file a browser wants to send, in its own words."""

    kind = StringField(
        default=IntroKind.VIDEO.value,
        validators=[AnyOf([IntroKind.VIDEO.value, IntroKind.AUDIO.value])],
    )
    size = IntegerField(validators=[InputRequired("Choose a file first."), NumberRange(min=0)])
    content_type = StringField(validators=[Length(max=100)])


class CueForm(wtforms.Form):
    """One line of captions; a line without words is left out."""

    start = StringField("From", validators=[Length(max=12)])
    end = StringField("Until", validators=[Length(max=12)])
    text = StringField("Words", validators=[Length(max=MAX_TEXT)])

    def cue(self) -> Cue | None:
        """Return the line, None when it is empty; what cannot be read is told at its field."""
        text = tidy(self.text.data or "")
        if not text:
            return None
        times = []
        for field in (self.start, self.end):
            try:
                times.append(read_time(field.data or ""))
            except BadTime:
                field.errors = [*field.errors, "Write it like 0:07.5: minutes, seconds, tenths."]
        return Cue(times[0], times[1], text) if len(times) == 2 else None


class CaptionsForm(VersionedForm):
    """All lines of captions, as they were when `version` was what one saw."""

    cues = FieldList(FormField(CueForm), max_entries=MAX_CUES)

    def lines(self, seconds: float) -> list[Cue] | None:
        """Return the lines of a form that was sent in, None when something is wrong with them.

        `seconds` is how long the intro is.
        """
        if not self.accepted():
            return None
        for number, entry in enumerate(self.cues, start=1):
            entry.label.text = f"Line {number}"
        written = [(entry.form, entry.form.cue()) for entry in self.cues]
        if not any(form.errors for form, _ in written):
            kept = [(form, cue) for form, cue in written if cue]
            cues = [cue for _, cue in kept]
            for place, words in troubles(cues, seconds).items():
                field = kept[place][0].text
                field.errors = [*field.errors, words]
        self.cues.errors = [entry.errors for entry in self.cues if entry.errors]
        return None if self.cues.errors else cues


class NudgeForm(Form):
    """Whom an organizer wants to remind; nobody by name means everybody who has not begun."""

    person_id = IntegerField(validators=[Optional(), NumberRange(min=1, max=LARGEST_ID)])


class StepForm(Form):
    """Which request of the upload protocol a browser wants to make next."""

    method = StringField(validators=[AnyOf(["POST", "PUT", "GET", "DELETE"])])
    upload_id = StringField(validators=[Optional(), Length(max=1024)])
    part_number = IntegerField(validators=[Optional(), NumberRange(min=1, max=MAX_PARTS)])
