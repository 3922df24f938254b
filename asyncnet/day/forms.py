"""What organizers and participants fill in during the event."""

from typing import Any

from wtforms import BooleanField, IntegerField, SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired, Length, NumberRange, Optional
from wtforms.widgets import HiddenInput

from asyncnet.events.forms import trimmed
from asyncnet.events.model import Event
from asyncnet.web.forms import Form, OnceForm, VersionedForm, chosen, number, one_line, text

LONGEST_EXTENSION = 60


class TurnForm(VersionedForm, OnceForm):
    """A button of the clock, as it stood when the button was drawn."""

    minutes = IntegerField(
        widget=HiddenInput(), default=0, validators=[NumberRange(0, LONGEST_EXTENSION)]
    )
    sure = BooleanField(widget=HiddenInput())
    """They were asked whether they mean it."""


class NoticeForm(VersionedForm, OnceForm):
    """A sentence for everybody's open page."""

    notice = StringField(
        "Message on every open page",
        filters=[trimmed],
        validators=[
            Length(max=300, message="Please keep the message under 300 characters."),
            one_line,
        ],
    )


class MoveForm(Form):
    """Somebody and the closing group in which they are to sit."""

    who = SelectField("Who", coerce=chosen, validators=[DataRequired("Choose a person.")])
    group = SelectField(
        "To which group", coerce=chosen, validators=[DataRequired("Choose a group.")]
    )


class ExitForm(OnceForm):
    """Somebody who cannot go on as planned; `match` is the conversation that it is about."""

    match = StringField(default="")
    words = TextAreaField(
        "Anything the organizers should know",
        filters=[trimmed],
        validators=[
            Optional(),
            Length(max=500, message="Please keep this under 500 characters."),
        ],
    )


class _PromptsForm(VersionedForm):
    closing_minutes = IntegerField(
        "Minutes for closing groups",
        default=0,
        validators=[NumberRange(0, 120, "Between 0 and 120 minutes; 0 for no groups.")],
    )
    closing_prompt = TextAreaField(
        "What the closing groups talk about",
        filters=[trimmed],
        validators=[
            Optional(),
            Length(max=300, message="Please keep this under 300 characters."),
        ],
    )

    def prompts(self) -> dict[int, str]:
        """Return what was written for each round, by number; only once it is accepted."""
        return {
            int(field.name.removeprefix("round_")): text(field)
            for field in self
            if field.name.startswith("round_")
        }

    def minutes(self) -> int:
        return number(self.closing_minutes)


def prompts_form(event: Event, **given: Any) -> _PromptsForm:
    """Return a form with one field for each round of an event, filled with what is there."""
    fields: dict[str, Any] = {
        f"round_{slot.number}": TextAreaField(
            f"Round {slot.number}",
            filters=[trimmed],
            validators=[
                Optional(),
                Length(max=300, message="Please keep a prompt under 300 characters."),
            ],
        )
        for slot in event.rounds
    }
    form: _PromptsForm = type("PromptsForm", (_PromptsForm,), fields)(
        data={
            "version": event.version,
            "closing_minutes": event.closing_minutes,
            "closing_prompt": event.closing_prompt,
            **{f"round_{slot.number}": slot.icebreaker for slot in event.rounds},
        },
        **given,
    )
    return form
