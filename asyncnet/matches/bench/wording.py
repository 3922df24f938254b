"""Plans, edits and people in a few words."""

from collections.abc import Sequence, Set

from asyncnet.listing import listed
from asyncnet.matches.bench.draft import Draft
from asyncnet.matches.bench.edits import Act, Edit
from asyncnet.matches.bench.model import Plan, PlanOrigin
from asyncnet.matches.bench.worth import Worth

NOT_FOR_YOU = (
    "Something that it was to keep cannot be kept. Another organizer can see what, and why."
)


def why_none(plan: Plan, unsaid: Set[int]) -> str:
    """Return why there is no such plan, in a sentence; who keeps apart from one of the `unsaid`
    is not in it."""
    if any(not unsaid.isdisjoint(duo) for duo in plan.apart):
        return NOT_FOR_YOU
    return plan.reason


class Words:
    """How organizers read of a plan and of what was done to it."""

    def __init__(self, draft: Draft, worth: Worth) -> None:
        self.draft = draft
        self.worth = worth

    def origin_of(self, plan: Plan) -> str:
        """Return where a plan comes from, in a few words."""
        return {
            PlanOrigin.SUGGESTED: "Suggested by the solver",
            PlanOrigin.REPAIRED: "Mended after a change",
            PlanOrigin.EDITED: "Changed by hand",
        }[plan.origin]

    def of_plan(self, plan: Plan) -> str:
        """Return what made a plan, in a few words; of an edit, which one."""
        if plan.origin is not PlanOrigin.EDITED:
            return self.origin_of(plan)
        return self.of_edit(Edit.of_data(plan.edit))

    def of_coming_edit(self, edit: Edit) -> str:
        """Return an edit of the plan on the bench that is still to be made, in such a sentence."""
        found = self.draft.find(edit.one, edit.other) if edit.act is Act.OUT else None
        if found and found[0] == edit.number and len(found[1].who) > 2:
            return f"{self.worth.name(edit.one)} leaves the three of round {edit.number}"
        return self.of_edit(edit)

    def of_edit(self, edit: Edit) -> str:
        """Return an edit in a sentence without its full stop."""
        one, other = self.worth.name(edit.one), self.worth.name(edit.other)
        return {
            Act.SWAP: f"{one} and {other} change places in round {edit.number}",
            Act.ADD: f"{one} and {other} meet in round {edit.number}",
            Act.OUT: f"{one} and {other} no longer meet in round {edit.number}",
            Act.MOVE: f"{one} and {other} meet in round {edit.to} instead of {edit.number}",
            Act.PIN: f"{one} and {other} stay together in round {edit.number}",
            Act.UNPIN: f"{one} and {other} are free again in round {edit.number}",
            Act.FORBID: f"{one} and {other} are kept apart",
            Act.ALLOW: f"{one} and {other} may meet again",
        }[edit.act]

    def names(self, people: Sequence[int], *, most: int | None = None) -> str:
        """Return the names of some people, listed, the `most` and how many more there are;
        "nobody" where there are none."""
        names = sorted(self.worth.name(person) for person in people)
        more = len(names) - most if most is not None else 0
        return listed([*names[:most], f"{more} more"] if more > 0 else names) or "nobody"
