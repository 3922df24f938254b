"""The organizers' pages about mail: the board, one mail, and what each kind of mail says."""

from asyncnet.messages.views import board, one, texts
from asyncnet.messages.views.place import pages

__all__ = ["board", "one", "pages", "texts"]
