"""What the mails about intros say: it is ready, it cannot be used, it has not been begun."""

from datetime import datetime

from sqlalchemy.orm import Session

from asyncnet.events.model import Participant
from asyncnet.events.rules import Attendance
from asyncnet.intros.model import Intro, IntroState
from asyncnet.intros.queries import has_begun
from asyncnet.messages.letters import Draft, NotNeeded
from asyncnet.messages.model import Message
from asyncnet.people.links import Links


def intro_ready(session: Session, message: Message, links: Links, *, now: datetime) -> Draft:
    """Return the mail that says that an intro can be seen, and what to do next.

    Raises NotNeeded when it is shown no more.
    """
    intro = session.get_one(Intro, message.subject_id)
    if intro.state is not IntroState.READY:
        raise NotNeeded("This intro was replaced or withdrawn.")
    return _draft(
        intro.participant,
        links,
        subject=f"Your intro for {intro.participant.event.title} is ready",
        preheader="See what your matches see, and look at its captions.",
        template="intro_ready",
        warnings=intro.warnings,
    )


def intro_refused(session: Session, message: Message, links: Links, *, now: datetime) -> Draft:
    """Return the mail that says why a file cannot be used, and what to do instead.

    Raises NotNeeded when its owner has gone on already.
    """
    intro = session.get_one(Intro, message.subject_id)
    if intro.state is not IntroState.REJECTED or has_begun(
        session, intro.participant_id, match_id=intro.match_id, after_id=intro.id
    ):
        raise NotNeeded("They have gone on since.")
    return _draft(
        intro.participant,
        links,
        subject=f"We could not use your file for {intro.participant.event.title}",
        preheader=intro.reason,
        template="intro_refused",
        reason=intro.reason,
        is_sound_only=intro.is_sound_only,
        match_id=intro.match_id,
    )


def intro_nudge(session: Session, message: Message, links: Links, *, now: datetime) -> Draft:
    """Return the mail that asks somebody for the intro that they have not begun.

    Raises NotNeeded when they have begun, left, or come live.
    """
    reader = session.get_one(Participant, message.subject_id)
    if reader.left_at is not None or reader.attendance is not Attendance.ASYNC:
        raise NotNeeded("They do not take part asynchronously any more.")
    if has_begun(session, reader.id):
        raise NotNeeded("They have begun their intro.")
    return _draft(
        reader,
        links,
        subject="",
        preheader="A minute of video, sound or text is enough.",
        template="intro_nudge",
    )


def _draft(
    reader: Participant,
    links: Links,
    *,
    subject: str,
    preheader: str,
    template: str,
    match_id: int | None = None,
    **values: object,
) -> Draft:
    if reader.left_at is not None:
        raise NotNeeded("They no longer take part.")
    address = (
        links.match(reader.id, reader.link_version, match_id)
        if match_id
        else links.intro(reader.id, reader.link_version)
    )
    return Draft(
        subject=subject,
        preheader=preheader,
        template=template,
        values={
            "reader": reader,
            "event": reader.event,
            "address": address,
            "match_id": match_id,
            **values,
        },
        places={"name": reader.name, "event": reader.event.title},
        secrets=(address,),
    )
