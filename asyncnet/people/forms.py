"""What organizers fill in to sign in."""

from wtforms import HiddenField
from wtforms.validators import Length

from asyncnet.web.forms import AddressField, Form


class SignInForm(Form):
    """Asks for a mailed link. `next` is where they wanted to go."""

    email = AddressField("Your e-mail address")
    next = HiddenField(validators=[Length(max=500)])
