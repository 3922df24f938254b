"""What the sign-in mail says."""

from datetime import datetime

from sqlalchemy.orm import Session

from asyncnet.messages.letters import Draft, NotNeeded
from asyncnet.messages.model import Message
from asyncnet.people.actions import new_token
from asyncnet.people.links import Links
from asyncnet.people.model import SignInLink
from asyncnet.people.rules import SIGN_IN_LINK_LIVES


def sign_in(session: Session, message: Message, links: Links, *, now: datetime) -> Draft:
    """Return the mail with a one-time link; its token is made here and never kept.

    Raises NotNeeded for a link that was refused, or ended by a newer one.
    """
    link = session.get_one(SignInLink, message.subject_id)
    if link.used_at is not None:
        raise NotNeeded("This link has ended.")
    address = links.sign_in(new_token(link, now=now))
    return Draft(
        subject="Your link to sign in",
        preheader="It works once, for ten minutes.",
        template="sign_in",
        values={
            "address": address,
            "minutes": int(SIGN_IN_LINK_LIVES.total_seconds() // 60),
        },
        secrets=(address,),
    )
