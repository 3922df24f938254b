"""The lines of captions: read, checked, drafted from heard words, written as WebVTT."""

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

MAX_CUES = 120
MAX_TEXT = 160
LINE_LENGTH, LINE_SECONDS = 70, 6.0
"""How much of what was heard goes into one line of a draft."""
PAUSE_SECONDS = 0.8
"""So long a silence ends a line."""
LINGER_SECONDS = 0.4
"""How much longer than it is said a line may stay, where nothing follows."""

_TIME = re.compile(r"(?:(?:(\d{1,2}):)?(\d{1,3}):)?(\d{1,5}(?:[.,]\d{1,3})?)", re.ASCII)
_ENTITIES = {ord("&"): "&amp;", ord("<"): "&lt;", ord(">"): "&gt;"}
_BREAKS = re.compile(r"[\s\x00-\x1f\x7f\x85\u2028\u2029]+")


class BadTime(ValueError):
    """No time is written like this."""


@dataclass(frozen=True)
class Cue:
    """One line of captions, shown from `start` to `end`, in seconds."""

    start: float
    end: float
    text: str

    def as_json(self) -> dict[str, Any]:
        return {"start": self.start, "end": self.end, "text": self.text}


@dataclass(frozen=True)
class Word:
    """One word as it was heard, `start` and `end` in seconds."""

    start: float
    end: float
    text: str


def read_time(words: str) -> float:
    """Return seconds from `7`, `7.5`, `0:07.5` or `00:00:07,500`. Raises BadTime."""
    found = _TIME.fullmatch(words.strip())
    if not found:
        raise BadTime(words)
    hours, minutes, seconds = found.groups()
    return int(hours or 0) * 3600 + int(minutes or 0) * 60 + float(seconds.replace(",", "."))


def write_time(seconds: float) -> str:
    """Return seconds as people read them: `1:07.5`."""
    tenths = round(seconds * 10)
    return f"{tenths // 600}:{tenths % 600 // 10:02}.{tenths % 10}"


def tidy(words: str) -> str:
    """Return words on one line, which WebVTT's own marks cannot break."""
    return _BREAKS.sub(" ", words).strip()


def troubles(cues: Sequence[Cue], seconds: float) -> dict[int, str]:
    """Return what is wrong with these lines, by their place: order, overlap, length."""
    found = {}
    for place, cue in enumerate(cues):
        before = cues[place - 1] if place else None
        if cue.end <= cue.start:
            found[place] = "This line ends before it begins."
        elif cue.start >= seconds:
            found[place] = f"The recording is over by then; it ends at {write_time(seconds)}."
        elif before and cue.start < before.start:
            found[place] = "This line begins before the one above it. Put them in order."
        elif before and cue.start < before.end:
            found[place] = f"The line above stays until {write_time(before.end)}."
    return found


def as_webvtt(cues: Iterable[Cue]) -> str:
    """Return a WebVTT file; nothing in the text is taken for markup."""
    blocks = [
        f"{_stamp(cue.start)} --> {_stamp(cue.end)}\n{tidy(cue.text).translate(_ENTITIES)}\n"
        for cue in cues
    ]
    return "\n".join(["WEBVTT\n", *blocks])


def drafted(words: Iterable[Word], seconds: float) -> list[Cue]:
    """Return what was heard as lines that can be read in time, none of them overlapping."""
    lines = list(_lines(words))
    cues = []
    for line, following in zip(lines, [*lines[1:], None], strict=True):
        limit = following[0].start if following else seconds
        end = max(line[-1].end, min(line[-1].end + LINGER_SECONDS, limit))
        start, end = round(line[0].start, 1), round(min(end, limit, seconds), 1)
        text = tidy(" ".join(tidy(word.text) for word in line))[:MAX_TEXT]
        if text and end > start:
            cues.append(Cue(start, end, text))
    return cues[:MAX_CUES]


def _lines(words: Iterable[Word]) -> Iterator[list[Word]]:
    line: list[Word] = []
    for word in words:
        if line and (
            word.start - line[-1].end > PAUSE_SECONDS
            or word.end - line[0].start > LINE_SECONDS
            or sum(len(said.text) + 1 for said in line) + len(word.text) > LINE_LENGTH
            or line[-1].text.rstrip().endswith((".", "!", "?"))
        ):
            yield line
            line = []
        line.append(word)
    if line:
        yield line


def _stamp(seconds: float) -> str:
    thousandths = math.floor(seconds * 1000 + 0.5)
    minutes, rest = divmod(thousandths, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest // 1000:02}.{rest % 1000:03}"
