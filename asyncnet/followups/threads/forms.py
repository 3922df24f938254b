"""What two people fill in on the page that they share."""

from wtforms import BooleanField, TextAreaField
from wtforms.validators import DataRequired, Length

from asyncnet.web.forms import OnceForm

LONGEST = 4000


class ReplyForm(OnceForm):
    """Words to the other one, and whether they may be answered by mail."""

    words = TextAreaField(
        "Your words",
        validators=[
            DataRequired("Write a few words first; two sentences are plenty."),
            Length(max=LONGEST, message=f"Please keep this under {LONGEST:,} characters."),
        ],
    )
    by_mail = BooleanField("They may answer me by mail")
