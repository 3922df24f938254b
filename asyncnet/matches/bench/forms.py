"""What an organizer says on the bench: what a plan should be like, and what to change in it."""

from wtforms import BooleanField, IntegerField, RadioField, SelectField
from wtforms.validators import InputRequired, NumberRange, Optional

from asyncnet.matches.bench.draft import Act, Edit
from asyncnet.matches.rules import PlanSettings
from asyncnet.web.access import LARGEST_ID
from asyncnet.web.forms import Form, number

FLOORS = [
    ("0", "no floor: the most for everybody together"),
    ("0.3", "at least 30 % of their own ideal"),
    ("0.5", "at least half of their own ideal"),
    ("0.6", "at least 60 % of their own ideal"),
    ("0.7", "at least 70 % of their own ideal"),
]
GROUPS = [
    ("0-0", "none"),
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


class SuggestForm(Form):
    """What a suggested plan should be like."""

    floor = SelectField("Everybody gets", choices=FLOORS)
    odd = RadioField(
        "When the number of live people is odd and nobody can be watched",
        choices=[("trio", "three people talk together"), ("out", "one person sits out a round")],
    )
    promised_viewers = _count("Viewers promised to each asynchronous person", 0, 20)
    most_viewers = _count("Most viewers of one asynchronous person", 1, 50)
    viewers_at_once = _count("Most viewers of one asynchronous person in one round", 1, 50)
    most_viewings = _count("Most viewings of one live person", 0, 20)
    groups = SelectField("Closing groups", choices=GROUPS)
    repeat = BooleanField("People who met at an earlier event of yours may meet again")

    @classmethod
    def about(cls, settings: PlanSettings) -> "SuggestForm":
        """Return the form filled with these settings."""
        smallest, largest = settings.group_size
        return cls(
            formdata=None,
            floor=f"{settings.floor:g}",
            odd="trio" if settings.trio else "out",
            promised_viewers=settings.promised_viewers,
            most_viewers=settings.most_viewers,
            viewers_at_once=settings.viewers_at_once,
            most_viewings=settings.most_viewings,
            groups=f"{smallest}-{largest}",
            repeat=settings.repeat,
        )

    def settings(self) -> PlanSettings:
        """Return what was chosen; only after the form was accepted."""
        smallest, largest = self.groups.data.split("-")
        return PlanSettings(
            floor=float(self.floor.data),
            trio=self.odd.data == "trio",
            promised_viewers=number(self.promised_viewers),
            most_viewers=max(number(self.most_viewers), number(self.promised_viewers)),
            viewers_at_once=number(self.viewers_at_once),
            most_viewings=number(self.most_viewings),
            group_size=(int(smallest), int(largest)),
            repeat=self.repeat.data,
        )


def _id(name: str) -> IntegerField:
    return IntegerField(name, validators=[InputRequired(), NumberRange(1, LARGEST_ID)])


class EditForm(Form):
    """One edit of a plan. It is first shown, in an address that can be read again, then made."""

    act = SelectField("What", choices=[(act.value, act.value) for act in Act])
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
