"""What two people fill in on the page that they share."""

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby

from wtforms import BooleanField, SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired, InputRequired, Length, Optional
from wtforms.widgets import HiddenInput

from asyncnet.events.model import Participant
from asyncnet.web.filters import local_day, local_time
from asyncnet.web.forms import OnceForm, VersionedForm, choices_of
from asyncnet.zones import city_of

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


class TimesForm(VersionedForm):
    """Up to three moments at which the two could talk."""

    first = SelectField(
        "A time that suits you", validators=[InputRequired("Choose at least one time.")]
    )
    second = SelectField("Another one", validators=[Optional()])
    third = SelectField("A third one", validators=[Optional()])

    def offer(self, moments: Sequence[datetime], me: Participant, other: Participant) -> None:
        """Let these moments be chosen, each told on both clocks, by the chooser's days."""
        times = choices_of([("", "Choose a time")])
        for day, found in groupby(moments, key=lambda at: local_day(at, me.zone)):
            told = ((at.isoformat(), _on_both_clocks(at, me, other)) for at in found)
            times += choices_of(told, group=day)
        for field in (self.first, self.second, self.third):
            field.choices = times

    def chosen(self) -> list[datetime]:
        """Return what was chosen; only after the form was accepted."""
        fields = (self.first, self.second, self.third)
        return [datetime.fromisoformat(field.data) for field in fields if field.data]


def _on_both_clocks(at: datetime, me: Participant, other: Participant) -> str:
    theirs = local_time(at, other.zone)
    if local_day(at, other.zone) != local_day(at, me.zone):
        theirs = f"{local_day(at, other.zone)}, {theirs}"
    mine = f"{local_day(at, me.zone)}, {local_time(at, me.zone)}"
    return f"{mine} for you – {theirs} in {city_of(other.zone)}"


class AnswerForm(VersionedForm):
    """What somebody says to the times that were offered, or to the one that is agreed on."""

    option = StringField(widget=HiddenInput(), validators=[Optional(), Length(max=40)])

    def moment(self) -> datetime:
        """Return the chosen moment. Raises ValueError when that is none."""
        at = datetime.fromisoformat(self.option.data or "")
        if at.tzinfo is None:
            raise ValueError("a moment has a zone")
        return at
