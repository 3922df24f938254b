"""The form that every form of asyncnet is, and the fields that they share."""

import secrets
from collections.abc import Iterable
from contextlib import suppress
from datetime import time
from typing import Any
from zoneinfo import ZoneInfo

from flask_wtf import CSRFProtect, FlaskForm
from markupsafe import Markup, escape
from wtforms import (
    Field,
    HiddenField,
    IntegerField,
    SelectField,
    StringField,
    TimeField,
    ValidationError,
)
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # newer than its types
from wtforms.validators import InputRequired, Length, NumberRange
from wtforms.widgets import HiddenInput, Select

from asyncnet.people.addresses import AddressWrong, normal_address
from asyncnet.zones import UnknownZone, zone_named, zone_names

csrf = CSRFProtect()


class Form(FlaskForm):  # type: ignore[misc]  # Flask-WTF has no types
    """A form with an anti-forgery token (CHECKLIST B1)."""

    def accepted(self) -> bool:
        """Return whether the form was sent in and every field is right."""
        return bool(self.validate_on_submit())


class OnceForm(Form):
    """A form that may be sent twice and still acts once (CHECKLIST F8)."""

    form_key = HiddenField(
        default=lambda: secrets.token_urlsafe(16),
        validators=[
            InputRequired("Something of this page got lost. Please open it anew."),
            Length(max=32),
        ],
    )

    def another(self) -> None:
        """Make what is drawn next a form of its own, with what was typed."""
        self.form_key.data = secrets.token_urlsafe(16)


class VersionedForm(Form):
    """A form that never overwrites unseen what somebody else saved meanwhile (CHECKLIST F9)."""

    version = IntegerField(default=0, widget=HiddenInput(), validators=[NumberRange(0, 10**9)])
    """The version that the page shows, 0 for something that is not saved yet."""

    def now_at(self, version: int) -> None:
        """Take the form as made on this version, since its page now shows both texts."""
        self.version.data, self.version.raw_data = version, None


def text(field: Field) -> str:
    """Return what stands in a text field, empty when nothing does."""
    return str(field.data or "")


def chosen(value: str) -> int | str:
    """Return the id that was chosen, or nothing as it stands in the page."""
    return int(value) if value else ""


def number(field: IntegerField) -> int:
    """Return what stands in a number field; only after the form was accepted."""
    return int(field.data or 0)


def choices_of(pairs: Iterable[tuple[Any, str]], *, group: str | None = None) -> list[Any]:
    """Return what a field lets people choose: what is sent, and the words beside it.

    Options of one `group` stand under its name in the list.
    """
    return [SelectChoice(value, words, optgroup=group) for value, words in pairs]


def one_line(form: Any, field: StringField) -> None:
    """Refuse line breaks and control characters, which a name in a mail must not have."""
    if any(not c.isprintable() for c in field.data or ""):
        raise ValidationError("Please keep this to one line of ordinary characters.")


class ButtonForm(Form):
    """A button and nothing else."""


class AddressField(StringField):
    """One mailbox; its data is in lower case once validated."""

    def __init__(self, label: str, **options: Any) -> None:
        keywords = {
            "type": "email",
            "autocomplete": "email",
            "maxlength": 254,
            "inputmode": "email",
        }
        super().__init__(
            label,
            validators=[
                InputRequired("Write an e-mail address, so that we can send the link to it."),
                Length(max=254),
            ],
            render_kw=keywords | options.pop("render_kw", {}),
            **options,
        )

    def post_validate(self, form: Any, validation_stopped: bool) -> None:
        if validation_stopped:
            return
        try:
            self.data = normal_address(self.data or "")
        except AddressWrong as error:
            raise ValidationError(str(error)) from error


class _LongList(Select):
    """Draws options that have no attributes of their own, ten times faster than WTForms does."""

    @classmethod
    def render_option(cls, choice: Any, **_: Any) -> Markup:  # type: ignore[override]  # as of 3.3
        value, words = escape(choice.value), escape(choice.label)
        selected = " selected" if choice.selected else ""
        return Markup(f'<option{selected} value="{value}">{words}</option>')  # noqa: S704 - escaped


class ZoneField(SelectField):
    """An IANA time zone. Left empty in the page, it is filled with the browser's own.

    Cities are offered; another name that somebody has, as from a list, is offered beside them.
    """

    widget = _LongList()

    def __init__(self, label: str, **options: Any) -> None:
        super().__init__(
            label,
            choices=choices_of(
                [("", "Choose your time zone"), *((n, n.replace("_", " ")) for n in zone_names())]
            ),
            validators=[InputRequired("Choose the time zone that your clock shows.")],
            render_kw={"data-detect-zone": True},
            **options,
        )

    def process_data(self, value: Any) -> None:
        super().process_data(value)
        self._offer_own()

    def process_formdata(self, valuelist: list[Any]) -> None:
        super().process_formdata(valuelist)
        self._offer_own()

    def _offer_own(self) -> None:
        with suppress(UnknownZone):
            if self.data and (own := zone_named(self.data).key) not in zone_names():
                self.choices = [*(self.choices or []), *choices_of([(own, own)])]

    @property
    def zone(self) -> ZoneInfo:
        """The chosen zone; only after the form was accepted."""
        return zone_named(self.data)

    def pre_validate(self, form: Any) -> None:
        if not self.data:
            return
        try:
            zone_named(self.data)
        except UnknownZone as error:
            raise ValidationError(str(error)) from error


class HourField(TimeField):
    """A time of day, `HH:MM`."""

    @property
    def written(self) -> str:
        """The chosen time as it is stored; only after the form was accepted."""
        return (self.data or time()).strftime("%H:%M")
