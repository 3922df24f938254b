"""Checks and prepares videos that nobody trusts: `check` and `process`."""

from asyncnet.intros.video.isolate import WorkerStops
from asyncnet.intros.video.prepare import Checked, Poster, Processed, Video, check, process
from asyncnet.intros.video.scratch import remove_leftovers, scratch

__all__ = [
    "Checked",
    "Poster",
    "Processed",
    "Video",
    "WorkerStops",
    "check",
    "process",
    "remove_leftovers",
    "scratch",
]
