"""Pairing by hand."""

from wtforms import SelectField
from wtforms.validators import InputRequired

from asyncnet.web.forms import Form


class PairForm(Form):
    """Two people and a round; the choices are the event's own."""

    slot = SelectField("Round", coerce=int)
    one = SelectField("Who", coerce=int, validators=[InputRequired("Choose a person.")])
    other = SelectField("meets whom", coerce=int, validators=[InputRequired("Choose a person.")])
