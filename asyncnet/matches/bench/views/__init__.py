"""The organizers' pages about plans: the plan itself, one person in it, edits, solving."""

from asyncnet.matches.bench.views import comparing, editing, person, solving
from asyncnet.matches.bench.views.place import pages

__all__ = ["comparing", "editing", "pages", "person", "solving"]
