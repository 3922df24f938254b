"""What an organizer says on the bench: what a plan should be like, and what to change in it."""

from typing import Any

from wtforms import BooleanField, IntegerField, RadioField, SelectField, ValidationError
from wtforms.validators import DataRequired, InputRequired, NumberRange, Optional
from wtforms.widgets import HiddenInput

from asyncnet.events.model import Event
from asyncnet.events.rules import EventMode
from asyncnet.matches.bench.edits import Act, Edit
from asyncnet.matches.rules import PlanSettings
from asyncnet.web.access import LARGEST_ID
from asyncnet.web.forms import Form, choices_of, chosen, number

FLOORS = [
    ("0", "no floor: the most for everybody together"),
    ("0.3", "at least 30 % of their own ideal"),
    ("0.5", "at least half of their own ideal"),
    ("0.6", "at least 60 % of their own ideal"),
    ("0.7", "at least 70 % of their own ideal"),
]
NO_GROUPS = "0-0"
CLOSING_MINUTES = 15
"""Proposed for closing groups that have no time yet."""
GROUPS = [
    (NO_GROUPS, "none"),
    ("3-5", "3 to 5 people"),
    ("4-6", "4 to 6 people"),
    ("5-8", "5 to 8 people"),
]


def _count(label: str, least: int, most: int) -> IntegerField:
    return IntegerField(
        label,
        validators=[
            InputRequired("Write a number."),
            NumberRange(least, most, f"Write a number from {least} to {most}."),
        ],
    )


def _closing(minutes: int) -> dict[str, Any]:
    return {"closing_minutes": minutes or CLOSING_MINUTES, "closing_seen": minutes}


class SuggestForm(Form):
    """What a suggested plan should be like, and how long its closing groups talk.

    `closing_seen` are the minutes that the event had when the form was drawn.
    """

    floor = SelectField("Everybody gets", choices=choices_of(FLOORS))
    odd = RadioField(
        "When the number of live people is odd and nobody can be watched",
        choices=choices_of(
            [("trio", "three people talk together"), ("out", "one person sits out a round")]
        ),
    )
    promised_viewers = _count("Viewers promised to each asynchronous person", 0, 20)
    most_viewers = _count("Most viewers of one asynchronous person", 1, 50)
    viewers_at_once = _count("Most viewers of one asynchronous person in one round", 1, 50)
    most_viewings = _count("Most viewings of one live person", 0, 20)
    groups = SelectField("Closing groups", choices=choices_of(GROUPS))
    closing_minutes = IntegerField(
        "Minutes for closing groups",
        default=CLOSING_MINUTES,
        validators=[NumberRange(0, 120, "Write a number from 1 to 120.")],
    )
    closing_seen = IntegerField(default=0, widget=HiddenInput(), validators=[NumberRange(0, 1440)])
    repeat = BooleanField("People who met at an earlier event of yours may meet again")

    @classmethod
    def about(cls, event: Event, settings: PlanSettings) -> "SuggestForm":
        """Return the form filled with these settings of an event's plan."""
        smallest, largest = settings.group_size
        form = cls(
            formdata=None,
            floor=f"{settings.floor:g}",
            odd="trio" if settings.trio else "out",
            promised_viewers=settings.promised_viewers,
            most_viewers=settings.most_viewers,
            viewers_at_once=settings.viewers_at_once,
            most_viewings=settings.most_viewings,
            groups=f"{smallest}-{largest}",
            repeat=settings.repeat,
            **_closing(event.closing_minutes),
        )
        form.fit(event)
        return form

    def fit(self, event: Event) -> None:
        """Leave out what an event without anybody live has no use for."""
        if event.mode is EventMode.ASYNC:
            for name in {field.name for field in self} - {"floor", "repeat", "csrf_token"}:
                del self[name]

    def validate_closing_minutes(self, field: IntegerField) -> None:
        if self.groups.data != NO_GROUPS and not field.data:
            raise ValidationError("Groups need a minute at least. Choose none above to have none.")

    def validate_promised_viewers(self, field: IntegerField) -> None:
        """Promise nobody more viewers than anybody may have. Raises ValidationError."""
        if (field.data or 0) > (self.most_viewers.data or 0):
            raise ValidationError(
                "That is more than anybody may have at most. Promise fewer, or allow more."
            )

    def minutes(self) -> int:
        """Return how long the closing groups are to talk, 0 for none; once it is accepted."""
        return number(self.closing_minutes) if self.groups.data != NO_GROUPS else 0

    def closing_now(self, minutes: int) -> None:
        """Take the form as made while the groups have these minutes."""
        self.closing_seen.data, self.closing_seen.raw_data = minutes, None

    def settings(self) -> PlanSettings:
        """Return what was chosen; only after the form was accepted."""
        if "groups" not in self:
            return PlanSettings(
                floor=float(self.floor.data), group_size=(0, 0), repeat=self.repeat.data
            )
        smallest, largest = self.groups.data.split("-")
        return PlanSettings(
            floor=float(self.floor.data),
            trio=self.odd.data == "trio",
            promised_viewers=number(self.promised_viewers),
            most_viewers=number(self.most_viewers),
            viewers_at_once=number(self.viewers_at_once),
            most_viewings=number(self.most_viewings),
            group_size=(int(smallest), int(largest)),
            repeat=self.repeat.data,
        )


def _id(name: str) -> IntegerField:
    return IntegerField(name, validators=[InputRequired(), NumberRange(1, LARGEST_ID)])


class EditForm(Form):
    """One edit of a plan. It is first shown, in an address that can be read again, then made."""

    act = SelectField("What", choices=choices_of((act.value, act.value) for act in Act))
    number = IntegerField("Round", validators=[InputRequired(), NumberRange(1, 20)])
    one = _id("Who")
    other = _id("with whom")
    to = IntegerField("To round", validators=[Optional(), NumberRange(0, 20)])
    seen = IntegerField("Plan", validators=[Optional(), NumberRange(0, LARGEST_ID)])
    """The plan that it was decided on, 0 for the published matches."""

    def edit(self) -> Edit:
        """Return the edit; only after the form was accepted."""
        return Edit(
            Act(self.act.data),
            number(self.number),
            number(self.one),
            number(self.other),
            number(self.to),
        )


class SeenForm(Form):
    """A button about the plan that was seen."""

    seen = IntegerField("Plan", validators=[InputRequired(), NumberRange(0, LARGEST_ID)])
    plan = IntegerField("Which plan", validators=[Optional(), NumberRange(0, LARGEST_ID)])


class PublishForm(SeenForm):
    """The button that publishes the plan that was seen, and whether its people hear of it."""

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
