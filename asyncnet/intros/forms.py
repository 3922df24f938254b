"""What the studio takes in. Whatever else a browser sends is not looked at (CHECKLIST A3)."""

from flask_wtf.file import FileField, FileRequired
from wtforms import BooleanField, IntegerField, StringField, TextAreaField
from wtforms.validators import AnyOf, InputRequired, Length, NumberRange, Optional

from asyncnet.events.forms import trimmed
from asyncnet.intros.actions.consenting import CONSENT_VERSION
from asyncnet.intros.model import IntroKind
from asyncnet.web.access import LARGEST_ID
from asyncnet.web.forms import Form, one_line

MAX_PARTS = 10_000
MIN_WORDS, MAX_WORDS = 40, 1_500


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


class QuestionForm(Form):
    """What a participant asks each of their matches."""

    own_question = StringField(
        "Your question",
        filters=[trimmed],
        validators=[
            Optional(),
            Length(max=300, message="Keep your question within 300 characters."),
            one_line,
        ],
        render_kw={"maxlength": 300, "autocomplete": "off"},
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


class NudgeForm(Form):
    """Whom an organizer wants to remind; nobody by name means everybody who has not begun."""

    person_id = IntegerField(validators=[Optional(), NumberRange(min=1, max=LARGEST_ID)])


class StepForm(Form):
    """Which request of the upload protocol a browser wants to make next."""

    method = StringField(validators=[AnyOf(["POST", "PUT", "GET", "DELETE"])])
    upload_id = StringField(validators=[Optional(), Length(max=1024)])
    part_number = IntegerField(validators=[Optional(), NumberRange(min=1, max=MAX_PARTS)])
