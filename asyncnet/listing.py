"""Lists names as a sentence does."""

from collections.abc import Sequence


def listed(names: Sequence[str]) -> str:
    """Return names in words: `Ana`, `Ana and Ben`, `Ana, Ben and Cy`; nothing for nobody."""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"
