"""What the studio takes in. Whatever else a browser sends is not looked at (CHECKLIST A3)."""

from wtforms import BooleanField, IntegerField, StringField
from wtforms.validators import AnyOf, InputRequired, Length, NumberRange, Optional

from asyncnet.intros.actions.consenting import CONSENT_VERSION
from asyncnet.web.forms import Form

MAX_PARTS = 10_000


class ConsentForm(Form):
    """The box beside the words about the video; never ticked beforehand (CHECKLIST D1)."""

    agreed = BooleanField(
        "I agree that my matches and the organizers of this event see and hear my video.",
        validators=[InputRequired("Tick the box if you agree; without it we show no video.")],
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


class BeginForm(Form):
    """Which file a browser wants to send, in its own words."""

    size = IntegerField(validators=[InputRequired("Choose a file first."), NumberRange(min=0)])
    content_type = StringField(validators=[Length(max=100)])


class StepForm(Form):
    """Which request of the upload protocol a browser wants to make next."""

    method = StringField(validators=[AnyOf(["POST", "PUT", "GET", "DELETE"])])
    upload_id = StringField(validators=[Optional(), Length(max=1024)])
    part_number = IntegerField(validators=[Optional(), NumberRange(min=1, max=MAX_PARTS)])
