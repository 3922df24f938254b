"""Pairing by hand, and publishing."""

from wtforms import BooleanField, IntegerField, SelectField
from wtforms.validators import DataRequired, Optional
from wtforms.widgets import HiddenInput

from asyncnet.web.forms import Form


def chosen(value: str) -> int | str:
    """Return the id that was chosen, or nothing as it stands in the page."""
    return int(value) if value else ""


class PublishForm(Form):
    """The button that publishes a plan, and whether its people hear of it."""

    tell = BooleanField(
        "Mail everybody who is there live whom they meet, with the rounds for their calendar",
        default=True,
    )


class PairForm(Form):
    """Two people and a round; the choices are the event's own."""

    slot = SelectField("Round", coerce=int)
    one = SelectField("Who", coerce=chosen, validators=[DataRequired("Choose a person.")])
    other = SelectField("meets whom", coerce=chosen, validators=[DataRequired("Choose a person.")])
    seen = IntegerField("Plan", validators=[Optional()], widget=HiddenInput())
    """The plan on the bench that the page showed, 0 for the published matches."""
