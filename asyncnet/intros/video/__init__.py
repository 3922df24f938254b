"""Checks and prepares videos that nobody trusts: `check` and `process`."""

from asyncnet.intros.video.isolate import WorkerStops
from asyncnet.intros.video.prepare import Checked, Poster, Processed, Video, check, process

__all__ = ["Checked", "Poster", "Processed", "Video", "WorkerStops", "check", "process"]
