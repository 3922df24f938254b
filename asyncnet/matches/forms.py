"""Pairing by hand."""

from wtforms import SelectField
from wtforms.validators import DataRequired

from asyncnet.web.forms import Form


def chosen(value: str) -> int | str:
    """Return the id that was chosen, or nothing as it stands in the page."""
    return int(value) if value else ""


class PairForm(Form):
    """Two people and a round; the choices are the event's own."""

    slot = SelectField("Round", coerce=int)
    one = SelectField("Who", coerce=chosen, validators=[DataRequired("Choose a person.")])
    other = SelectField("meets whom", coerce=chosen, validators=[DataRequired("Choose a person.")])
