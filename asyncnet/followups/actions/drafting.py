"""Keeps what somebody types about a match until they send it in."""

from datetime import datetime

from sqlalchemy.orm import Session

from asyncnet.audit.actions import Actor, record
from asyncnet.database import NotFound
from asyncnet.followups.model import AnswerDraft
from asyncnet.followups.queries import locked_to_answer
from asyncnet.followups.rules import Typed, differs, kept_of, with_other


def keep_draft(
    session: Session,
    match_id: int,
    author_id: int,
    *,
    typed: Typed,
    tab: str,
    seen: int,
    actor: Actor,
    now: datetime,
) -> AnswerDraft:
    """Keep what somebody is typing; the newest wins, and nothing of the other tabs is lost.

    `seen` is the version on which the tab's words are based, 0 for none. What another tab had
    saved meanwhile is put beside, where it differs. The audit log is told when a draft begins,
    not of every word.
    """
    found = locked_to_answer(session, match_id, author_id)
    kept, draft = kept_of(typed), found.draft
    if draft is None:
        draft = AnswerDraft(
            match_id=match_id, author_id=author_id, typed=kept, tab=tab, others={}, changed_at=now
        )
        session.add(draft)
        session.flush()
        record(session, actor, "match.draft_begun", f"match:{match_id}", now=now)
        return draft
    others = {name: kept for name, kept in draft.others.items() if name != tab}
    if draft.tab != tab and draft.version != seen and differs(draft.typed, kept):
        others = with_other(others, draft.tab, draft.typed, at=draft.changed_at.isoformat())
    draft.others = others
    draft.typed = kept
    draft.tab = tab
    draft.version += 1
    draft.changed_at = now
    session.flush()
    return draft


def choose_draft(
    session: Session,
    match_id: int,
    author_id: int,
    tab: str,
    *,
    take: bool,
    actor: Actor,
    now: datetime,
) -> None:
    """Take what another tab had typed into the form, or drop it; what it replaces stays beside.

    Raises NotFound when nothing of that tab is left.
    """
    draft = locked_to_answer(session, match_id, author_id).draft
    if draft is None or tab not in draft.others:
        raise NotFound
    record(session, actor, "match.draft_chosen", f"match:{match_id}", now=now)
    others = dict(draft.others)
    other = others.pop(tab)
    if take:
        if draft.typed:
            others = with_other(others, draft.tab, draft.typed, at=draft.changed_at.isoformat())
        draft.typed, draft.tab = other["typed"], tab
    draft.others = others
    draft.version += 1
    draft.changed_at = now


def empty(draft: AnswerDraft | None, *, now: datetime) -> None:
    """Forget what was typed, since it was sent in."""
    if draft is not None:
        draft.typed, draft.others = {}, {}
        draft.version += 1
        draft.changed_at = now
