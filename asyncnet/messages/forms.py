"""What organizers fill in about mails."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from wtforms import BooleanField, HiddenField, SelectMultipleField, StringField, TextAreaField
from wtforms.validators import AnyOf, DataRequired, Length, ValidationError

from asyncnet.messages.queries import PAGE
from asyncnet.messages.rules import Act
from asyncnet.messages.wording import (
    LONGEST_SUBJECT,
    MAX_SUBJECT,
    MAX_WORDS,
    Place,
    Wording,
    unknown_places,
)
from asyncnet.web.access import LARGEST_ID
from asyncnet.web.forms import Form, VersionedForm, one_line, text


def _unix(value: Any) -> Any:
    """Return text with plain line breaks, which is what its paragraphs are told by."""
    return "\n".join(value.split("\r\n")).strip() if isinstance(value, str) else value


class WordingForm(VersionedForm):
    """The words of a mail, around what asyncnet writes itself."""

    subject = StringField(
        "Subject",
        filters=[_unix],
        validators=[
            DataRequired("A mail needs a subject, so that people know what it is about."),
            Length(max=MAX_SUBJECT, message="Please keep the subject under 200 characters."),
            one_line,
        ],
    )
    opening = TextAreaField(
        "Opening",
        filters=[_unix],
        validators=[Length(max=MAX_WORDS, message="Please keep this under 4,000 characters.")],
    )
    closing = TextAreaField(
        "Closing",
        filters=[_unix],
        validators=[Length(max=MAX_WORDS, message="Please keep this under 4,000 characters.")],
    )

    def __init__(
        self, places: Mapping[str, Place], longest: Mapping[str, str], **options: Any
    ) -> None:
        super().__init__(**options)
        self.places = places
        self.longest = longest

    def validate(self, extra_validators: Any = None) -> bool:
        """Refuse names in braces that nothing would be put in for (CHECKLIST M2), and a subject
        that would be too long with the `longest` that is."""
        right = bool(super().validate(extra_validators))
        for field in (self.subject, self.opening, self.closing):
            unknown = unknown_places(text(field), self.places)
            if unknown:
                known = ", ".join(f"{{{name}}}" for name in self.places)
                field.errors = [
                    *field.errors,
                    f"There is nothing to put in for {', '.join(f'{{{n}}}' for n in unknown)}. "
                    f"You can use {known}.",
                ]
                right = False
        filled = len(" ".join(self.words().filled(self.longest).subject.split()))
        if filled > LONGEST_SUBJECT:
            self.subject.errors = [
                *self.subject.errors,
                f"With your own event and its longest name put in, this subject has {filled:,} "
                f"characters. Please keep it under {LONGEST_SUBJECT}.",
            ]
            right = False
        return right

    def words(self) -> Wording:
        return Wording(text(self.subject), text(self.opening), text(self.closing))


class BulkForm(Form):
    """Ticked mails, each with the version that was shown, and what to do with them."""

    wish = HiddenField(validators=[AnyOf(list(Act))])
    seen_at = HiddenField()
    everything = BooleanField()
    pick = SelectMultipleField(validate_choice=False, choices=[])

    def validate_pick(self, field: SelectMultipleField) -> None:
        if len(field.data or []) > PAGE:
            raise ValidationError("Too many at once.")

    def picked(self) -> dict[int, int]:
        """Return the versions of the ticked mails by id; what is no such pair is left out."""
        return versions_in(self.pick.data or [])

    def seen(self, now: datetime) -> datetime:
        """Return when the page was shown, which is never later than now."""
        try:
            shown = datetime.fromisoformat(text(self.seen_at)).astimezone(UTC)
        except (ValueError, OverflowError):
            return datetime.min.replace(tzinfo=UTC)
        return min(shown, now)


def versions_in(picks: Iterable[str]) -> dict[int, int]:
    """Return the versions by id that are written as `7:2`; what is no such pair is left out."""
    return {
        int(number): int(version)
        for number, _, version in (pick.partition(":") for pick in picks)
        if _small(number) and _small(version)
    }


def _small(written: str) -> bool:
    """Return whether this is a number that a row can have."""
    digits = written.isascii() and written.isdecimal() and len(written) <= len(str(LARGEST_ID))
    return digits and int(written) <= LARGEST_ID
