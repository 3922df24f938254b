"""What organizers tick in the list of those who wait."""

from wtforms import HiddenField
from wtforms.validators import AnyOf

from asyncnet.followups.waiting.helps import Wish
from asyncnet.followups.waiting.queries import For, Thing
from asyncnet.messages.forms import BulkForm, versions_in


class HelpForm(BulkForm):
    """Ticked rows, each with what was shown of it, and what to do for those who wait."""

    wish = HiddenField(validators=[AnyOf(list(Wish))])

    def things(self) -> dict[Thing, int]:
        """Return what was seen of each ticked row; what is no row is left out."""
        seen: dict[Thing, int] = {}
        for pick in self.pick.data or []:
            what, _, pair = pick.partition(":")
            if what in set(For):
                seen |= {(For(what), thing): at for thing, at in versions_in([pair]).items()}
        return seen
