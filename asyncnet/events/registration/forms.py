"""What people say of themselves when they register, and later; what an organizer says of them."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from wtforms import (
    BooleanField,
    Field,
    RadioField,
    SelectMultipleField,
    StringField,
    TextAreaField,
    ValidationError,
)
from wtforms.validators import DataRequired, InputRequired, Length, Optional
from wtforms.widgets import CheckboxInput, ListWidget, TextArea, TextInput

from asyncnet.events.actions.registering import Profile
from asyncnet.events.forms import trimmed
from asyncnet.events.model import Mention, Participant
from asyncnet.events.rules import (
    MAX_NAME,
    MAX_NAMES,
    MAX_SKILLS,
    MAX_TOPICS,
    MAX_WISH_ROLES,
    MAX_WORD,
    Ask,
    Attendance,
    Kinds,
    MentionKind,
    names_a_page,
)
from asyncnet.events.spelling import tidy
from asyncnet.web.forms import (
    AddressField,
    Form,
    OnceForm,
    VersionedForm,
    ZoneField,
    choices_of,
    one_line,
    text,
)

ATTENDANCES = [
    (Attendance.LIVE.value, "Live: I will be there when it happens"),
    (Attendance.ASYNC.value, "Asynchronously: I will record a short intro beforehand"),
]
ASKS = {
    Ask.ROLE: "What they do",
    Ask.COMMUNITY: "The kind of community they are from",
    Ask.TOPICS: "Topics they work on",
    Ask.EXPERIENCE: "Areas they have worked in and have something to contribute to",
    Ask.SKILLS: "What they offer and what they seek",
    Ask.ACROSS: "Whether they want to meet their own field or others",
    Ask.WISH_ROLES: "What people do whom they hope to meet",
    Ask.MEET: "Whom they would like to meet, by name",
    Ask.AVOID: "Whom they would rather not be matched with",
    Ask.KNOWN: "Whom they know already",
    Ask.GREETING: "A greeting to their matches",
    Ask.WISHES: "Whom they would like to meet, in their own words",
}
FIELDS = {Ask.SKILLS: ("offers", "seeks")}
"""The fields of a part of the form, where they are not the one of its name."""


def no_page(form: Any, field: StringField) -> None:
    """Refuse a name that holds the address of a web page."""
    if names_a_page(text(field)):
        raise ValidationError("Please write your name alone, without the address of a web page.")


class WordField(StringField):
    """One word or a few, which may be left out."""

    def __init__(self, label: str, **options: Any) -> None:
        super().__init__(
            label,
            filters=[trimmed],
            validators=[
                Optional(),
                Length(max=MAX_WORD, message=f"Please keep this under {MAX_WORD} characters."),
                one_line,
            ],
            **options,
        )


class WordsField(Field):
    """A few short answers, each in an input of its own; its data is a list without empty ones."""

    widget = TextInput()

    def __init__(self, label: str, *, each: str, most: int, **options: Any) -> None:
        super().__init__(label, validators=[Optional()], **options)
        self.each = each
        self.most = most

    @property
    def boxes(self) -> list[str]:
        """What stands in each input, as many as there may be answers."""
        said = list(self.data or [])
        return said + [""] * (self.most - len(said))

    def process_formdata(self, valuelist: list[Any]) -> None:
        self.data = tidy(map(str, valuelist))

    def pre_validate(self, form: Any) -> None:
        said = self.data or []
        if len(said) > self.most:
            raise ValidationError(f"Please keep this to {self.most} at most.")
        for word in said:
            if len(word) > MAX_WORD:
                raise ValidationError(f"Please keep each under {MAX_WORD} characters.")
            if not word.isprintable():
                raise ValidationError("Please keep this to ordinary characters.")


class NamesField(Field):
    """People's names or addresses, one a line; its data is a list without empty ones."""

    widget = TextArea()  # type: ignore[assignment]  # it draws any field that has a _value

    def __init__(self, label: str, **options: Any) -> None:
        super().__init__(label, validators=[Optional()], render_kw={"rows": 3}, **options)

    def _value(self) -> str:
        return "\n".join(self.data or [])

    def process_formdata(self, valuelist: list[Any]) -> None:
        self.data = tidy(line for value in valuelist for line in str(value).splitlines())

    def pre_validate(self, form: Any) -> None:
        names = self.data or []
        if len(names) > MAX_NAMES:
            raise ValidationError(f"Please name {MAX_NAMES} people at most.")
        for name in names:
            if len(name) > MAX_NAME:
                raise ValidationError(f"Please keep each name under {MAX_NAME} characters.")
            if not name.isprintable():
                raise ValidationError("Please keep this to ordinary characters.")


class ProfileForm(VersionedForm, OnceForm):
    """A participant as an organizer describes them."""

    name = StringField(
        "Name",
        filters=[trimmed],
        render_kw={"autocomplete": "name"},
        validators=[
            DataRequired("Write the name that matches will read."),
            Length(max=100, message="Please keep the name under 100 characters."),
            one_line,
            no_page,
        ],
    )
    email = AddressField("E-mail")
    zone = ZoneField("Time zone")
    attendance = RadioField(
        "How will you take part?",
        choices=choices_of(ATTENDANCES),
        validators=[InputRequired("Choose live or asynchronously.")],
    )
    role = WordField("What do you do?")
    community = WordField("What kind of community are you from?")
    topics = WordsField("Topics you work on", each="Topic", most=MAX_TOPICS)
    experience = TextAreaField(
        "Areas you have worked in and have something to contribute to",
        filters=[trimmed],
        render_kw={"rows": 3},
        validators=[
            Optional(),
            Length(max=500, message="Please keep this under 500 characters."),
        ],
    )
    offers = WordsField("What could you help somebody with?", each="Offer", most=MAX_SKILLS)
    seeks = WordsField("What would you like help with?", each="Wish", most=MAX_SKILLS)
    across = RadioField(
        "Whom would you rather meet?",
        choices=choices_of(
            [
                (Kinds.EITHER.value, "Either"),
                (Kinds.OWN.value, "People from my own kind of community"),
                (Kinds.ACROSS.value, "People from other kinds of communities"),
            ]
        ),
        default=Kinds.EITHER.value,
        validators=[InputRequired("Choose one of the three.")],
    )
    wish_roles = WordsField(
        "What do people do whom you hope to meet?", each="Role", most=MAX_WISH_ROLES
    )
    meet = NamesField("People you would like to meet")
    avoid = NamesField("People you would rather not be matched with")
    known = NamesField("People you know already")
    greeting = TextAreaField(
        "A greeting to your matches",
        filters=[trimmed],
        validators=[
            Optional(),
            Length(max=300, message="Please keep the greeting under 300 characters."),
        ],
    )
    wishes = TextAreaField(
        "Whom would you like to meet, in your own words?",
        filters=[trimmed],
        validators=[
            Optional(),
            Length(max=2000, message="Please keep this under 2,000 characters."),
        ],
    )

    def asking(self, asks: Collection[str]) -> None:
        """Leave out what the organizer does not want to be asked."""
        for ask in Ask:
            if ask not in asks:
                for name in FIELDS.get(ask, (ask.value,)):
                    del self[name]

    @classmethod
    def about(
        cls, participant: Participant, mentions: Iterable[Mention], asks: Collection[str]
    ) -> "ProfileForm":
        """Return the form filled with what is known of a participant."""
        names: dict[MentionKind, list[str]] = {kind: [] for kind in MentionKind}
        for mention in mentions:
            names[mention.kind].append(mention.written)
        form = cls(
            formdata=None,
            data={
                "name": participant.name,
                "email": participant.email,
                "zone": participant.zone,
                "attendance": participant.attendance.value,
                "role": participant.role,
                "community": participant.community,
                "topics": participant.topics,
                "experience": participant.experience,
                "offers": participant.offers,
                "seeks": participant.seeks,
                "across": Kinds.of(participant.across).value,
                "wish_roles": participant.wish_roles,
                "meet": names[MentionKind.MEET],
                "avoid": names[MentionKind.AVOID],
                "known": names[MentionKind.KNOWN],
                "greeting": participant.greeting,
                "wishes": participant.wishes,
                "version": participant.version,
            },
        )
        form.asking(asks)
        return form

    def own(self) -> None:
        """Leave out the address: whoever has the personal link must not take it over."""
        del self["email"]

    def profile(self, now: Participant | None = None) -> Profile:
        """Return what was filled in; only after the form was accepted.

        `now` is the participant, whose address and way of taking part stay where the form does
        not have them.
        """
        return Profile(
            name=text(self.name),
            email=text(self.email) if "email" in self or now is None else now.email,
            zone=self.zone.data,
            attendance=Attendance(self.attendance.data)
            if "attendance" in self or now is None
            else now.attendance,
            greeting=self._text("greeting"),
            wishes=self._text("wishes"),
            role=self._text("role"),
            community=self._text("community"),
            experience=self._text("experience"),
            topics=self._list("topics"),
            offers=self._list("offers"),
            seeks=self._list("seeks"),
            across=Kinds(self.across.data) if "across" in self else None,
            wish_roles=self._list("wish_roles"),
            meet=self._list("meet"),
            avoid=self._list("avoid"),
            known=self._list("known"),
        )

    def _text(self, name: str) -> str | None:
        return text(self[name]) if name in self else None

    def _list(self, name: str) -> Sequence[str] | None:
        return list(self[name].data or []) if name in self else None


class RegistrationForm(ProfileForm):
    """A participant describing themselves."""

    consent = BooleanField(
        "I agree that the organizers and asyncnet use what I wrote here to introduce me to "
        "others at this event.",
        validators=[InputRequired("Please tick this if you agree; without it we cannot add you.")],
    )


class AsksForm(VersionedForm):
    """Which parts of the profile the registration form of an event asks for."""

    asks = SelectMultipleField(
        "Ask people for",
        choices=choices_of((ask.value, words) for ask, words in ASKS.items()),
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )

    def chosen(self) -> list[str]:
        """Return what was ticked, in the order of the form."""
        return [ask.value for ask in Ask if ask in (self.asks.data or [])]


class WordForm(Form):
    """The word that a spelling stands for."""

    word = StringField(
        "Counts as",
        filters=[trimmed],
        validators=[
            DataRequired("Write the word that this counts as."),
            Length(max=MAX_WORD, message=f"Please keep the word under {MAX_WORD} characters."),
            one_line,
        ],
    )
