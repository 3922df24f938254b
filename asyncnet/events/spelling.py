"""Which words are the same word, written differently: case, space, plural, a slip of the finger."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import lru_cache

from rapidfuzz.distance import OSA

SWAPPED_FROM = 5
ONE_SLIP_FROM = 6
TWO_SLIPS_FROM = 10
LONGEST_ENDING = 2
FOLDED = 20_000
"""How many words are kept as they compare; people of one event say the same ones over and over."""


@lru_cache(maxsize=FOLDED)
def folded(text: str) -> str:
    """Return words without case, accents, punctuation and doubled space, to be compared."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    kept = "".join(c for c in plain if not unicodedata.combining(c))
    return " ".join(re.findall(r"[^\W_]+", kept)) or " ".join(text.split())


def joined(text: str, known: Mapping[str, str]) -> str | None:
    """Return the word that `text` is another spelling of, or None for a new one.

    `known` maps folded spellings to the words that they stand for.
    """
    wanted = folded(text)
    if wanted in known:
        return known[wanted]
    close = [(OSA.distance(wanted, other), other) for other in known if same(wanted, other)]
    return known[min(close)[1]] if close else None


def same(one: str, other: str) -> bool:
    """Return whether two folded texts are one thing.

    Each word must be close to its counterpart, so that `ocean data` never becomes `open data`.
    """
    if one.replace(" ", "") == other.replace(" ", ""):
        return True
    words, others = one.split(), other.split()
    return len(words) == len(others) and all(map(_close, words, others))


def tidy(written: Iterable[str]) -> list[str]:
    """Return what stands in the lines, without surrounding space, empty ones and repetitions."""
    lines = (" ".join(line.split()) for line in written)
    return list({folded(line): line for line in lines if line}.values())


def _close(one: str, other: str) -> bool:
    one, other = _singular(one), _singular(other)
    if one == other:
        return True
    if len(one) >= SWAPPED_FROM and sorted(one) == sorted(other) and OSA.distance(one, other) == 1:
        return True
    shorter, longer = sorted((one, other), key=len)
    if not (one.isalpha() and other.isalpha()) or len(shorter) < ONE_SLIP_FROM:
        return False
    if longer.startswith(shorter):
        return len(longer) - len(shorter) <= LONGEST_ENDING
    slips = 2 if len(shorter) >= TWO_SLIPS_FROM else 1
    return one[0] == other[0] and OSA.distance(one, other, score_cutoff=slips) <= slips


def _singular(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return f"{word[:-3]}y"
    if word.endswith("s") and not word.endswith("ss") and len(word) > 3:
        return word[:-1]
    return word
