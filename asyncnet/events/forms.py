"""What organizers and participants fill in about events."""

from datetime import UTC, datetime, time, timedelta
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from flask_wtf.file import FileField, FileRequired
from wtforms import (
    DateTimeLocalField,
    IntegerField,
    RadioField,
    StringField,
    TextAreaField,
    ValidationError,
)
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Optional

from asyncnet.events.actions.making import EventPlan
from asyncnet.events.clock import rhythm_of
from asyncnet.events.model import Event
from asyncnet.events.rules import MAX_ROUNDS, WINDOW_HOURS, EventMode
from asyncnet.web.forms import (
    AddressField,
    Form,
    HourField,
    OnceForm,
    VersionedForm,
    ZoneField,
    choices_of,
    number,
    one_line,
    text,
)
from asyncnet.zones import around_gap, city_of, is_on_clock, zone_named

FOLLOW_UPS = [
    ("digest", "One mail a morning with everything that was written to somebody"),
    ("each", "One mail for every match"),
]
MODES = [
    (EventMode.MIXED.value, "Live, and some in their own time"),
    (
        EventMode.ASYNC.value,
        "Everybody in their own time, in windows of a day or two in which people watch and answer "
        "each other's intros",
    ),
]
YEARS = range(2000, 2100)
NOT_IN_ADDRESSES = set(' <>"\\^`{|}')
"""Signs that stand in no address (RFC 3986), and in what is pasted around one."""


def trimmed(value: Any) -> Any:
    """Return text without surrounding space."""
    return value.strip() if isinstance(value, str) else value


def _moment(field: DateTimeLocalField, zone: ZoneInfo) -> datetime:
    """Return what stands in the field on a zone's clock, in UTC; only once it is accepted."""
    if field.data is None:
        raise ValueError("the form was not accepted")
    return field.data.replace(tzinfo=zone).astimezone(UTC)


def https_address(form: Any, field: StringField) -> None:
    """Refuse whatever is not one whole https address without a name and password in it."""
    typed = field.data or ""
    try:
        address = urlsplit(typed)
        whole = address.scheme == "https" and bool(address.hostname) and address.port != 0
        plain = "@" not in address.netloc and not set(typed) & NOT_IN_ADDRESSES
    except ValueError:
        whole = plain = False
    if not (whole and plain and typed.isprintable()):
        raise ValidationError(
            "Paste the address alone, from https:// to its end, as your video service shows it."
        )


class EventForm(VersionedForm, OnceForm):
    """An event as its organizer describes it.

    With `earliest`, a moment in UTC, it begins no earlier: a new one is not over by a slip.
    """

    title = StringField(
        "Title",
        filters=[trimmed],
        validators=[
            DataRequired("Give the event a title that people will recognize in a mail."),
            Length(max=120, message="Please keep the title under 120 characters."),
            one_line,
        ],
    )
    purpose = TextAreaField(
        "Purpose",
        filters=[trimmed],
        validators=[
            Optional(),
            Length(max=1000, message="Please keep the purpose under 1,000 characters."),
        ],
    )
    zone = ZoneField("Host time zone")
    starts = DateTimeLocalField(
        "Start",
        format=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"],
        validators=[InputRequired("Say when it starts, on the host's clock.")],
    )
    mode = RadioField(
        "How do people take part?", choices=choices_of(MODES), default=EventMode.MIXED.value
    )
    hours = IntegerField(
        "Hours per window",
        default=48,
        validators=[NumberRange(*WINDOW_HOURS, "Between {} and {} hours.".format(*WINDOW_HOURS))],
    )
    rounds = IntegerField(
        "Rounds, or windows",
        default=4,
        validators=[NumberRange(1, MAX_ROUNDS, f"Between 1 and {MAX_ROUNDS} rounds.")],
    )
    minutes = IntegerField(
        "Minutes per round",
        default=5,
        validators=[NumberRange(1, 120, "Between 1 and 120 minutes.")],
    )
    pause = IntegerField(
        "Minutes between rounds",
        default=2,
        validators=[NumberRange(0, 120, "Between 0 and 120 minutes.")],
    )
    live_link = StringField(
        "Link of the video call",
        filters=[trimmed],
        render_kw={"type": "url", "inputmode": "url", "autocomplete": "off"},
        validators=[
            Optional(),
            Length(max=500, message="Please keep the link under 500 characters."),
            https_address,
        ],
    )
    send_hour = HourField(
        "Send follow-ups at",
        default=time(9),
        format=["%H:%M", "%H:%M:%S"],
        validators=[InputRequired("Say at what hour follow-ups arrive; 09:00 works well.")],
    )
    follow_ups = RadioField("Follow-ups come as", choices=choices_of(FOLLOW_UPS), default="digest")
    reminder_days = IntegerField(
        "Remind people who have not written back after (days)",
        default=4,
        validators=[NumberRange(0, 30, "Between 0 and 30 days; 0 for never.")],
    )
    retention_days = IntegerField(
        "Keep people's data for (days after the event)",
        default=90,
        validators=[NumberRange(7, 730, "Between 7 and 730 days.")],
    )

    def __init__(self, *args: Any, earliest: datetime | None = None, **options: Any) -> None:
        super().__init__(*args, **options)
        self.earliest = earliest

    def validate_starts(self, field: DateTimeLocalField) -> None:
        if field.data and field.data.year not in YEARS:
            raise ValidationError(f"Choose a year from {YEARS[0]} to {YEARS[-1]}.")
        if not field.data or self.zone.errors:
            return
        if not is_on_clock(field.data, self.zone.zone):
            before, after = around_gap(field.data, self.zone.zone)
            eve = " the day before" if before.date() < field.data.date() else ""
            raise ValidationError(
                f"On this day the clocks in {city_of(self.zone.data)} go forward and skip "
                f"{field.data:%H:%M}. Choose {before:%H:%M}{eve} or {after:%H:%M}, or another time."
            )
        if self.earliest and _moment(field, self.zone.zone) < self.earliest:
            raise ValidationError("This start has passed. Check the day and the year.")

    def validate(self, extra_validators: Any = None) -> bool:
        """What belongs to the other way of taking part is not shown, and never in the way."""
        windows = self.mode.data == EventMode.ASYNC.value
        for name in ("minutes", "pause", "live_link") if windows else ("hours",):
            field = self[name]
            field.process(None, field.default)
        return bool(super().validate(extra_validators))

    @classmethod
    def about(cls, event: Event) -> "EventForm":
        """Return the form filled with what an event is now, its start on the host's clock."""
        length, pause = rhythm_of([slot.slot for slot in event.rounds])
        windows = event.mode is EventMode.ASYNC
        return cls(
            formdata=None,
            data={
                "mode": event.mode.value,
                "hours": length // timedelta(hours=1) if windows else WINDOW_HOURS[1],
                "title": event.title,
                "purpose": event.purpose,
                "zone": event.zone,
                "starts": event.starts_at.astimezone(zone_named(event.zone)).replace(tzinfo=None),
                "rounds": len(event.rounds),
                "minutes": 5 if windows else length // timedelta(minutes=1),
                "pause": 2 if windows else pause // timedelta(minutes=1),
                "live_link": event.live_link,
                "send_hour": time.fromisoformat(event.send_hour),
                "follow_ups": "digest" if event.digest else "each",
                "reminder_days": event.reminder_days,
                "retention_days": event.retention_days,
                "version": event.version,
            },
        )

    def plan(self) -> EventPlan:
        """Return what was filled in; only after the form was accepted."""
        mode = EventMode(self.mode.data)
        length, pause = (
            (timedelta(hours=number(self.hours)), timedelta(0))
            if mode is EventMode.ASYNC
            else (timedelta(minutes=number(self.minutes)), timedelta(minutes=number(self.pause)))
        )
        return EventPlan(
            mode=mode,
            title=text(self.title),
            purpose=text(self.purpose),
            zone=self.zone.data,
            starts_at=_moment(self.starts, self.zone.zone),
            rounds=number(self.rounds),
            length=length,
            pause=pause,
            live_link="" if mode is EventMode.ASYNC else text(self.live_link),
            send_hour=self.send_hour.written,
            retention_days=number(self.retention_days),
            digest=self.follow_ups.data == "digest",
            reminder_days=number(self.reminder_days),
        )


class RosterForm(Form):
    """A list of participants from a spreadsheet."""

    file = FileField(
        "CSV file",
        validators=[FileRequired("Choose the CSV file that your spreadsheet exported.")],
        render_kw={"accept": ".csv,text/csv"},
    )


class LostLinkForm(Form):
    """Asks for a new personal link."""

    email = AddressField("The e-mail address you registered with")
