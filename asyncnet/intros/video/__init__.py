"""Checks and prepares recordings that nobody trusts, whole or their sound alone."""

from asyncnet.intros.video.prepare import Checked, Poster, Processed, Video, check, process
from asyncnet.intros.video.scratch import remove_leftovers, scratch
from asyncnet.intros.video.sound import ProcessedSound, Sound, check_sound, process_sound

__all__ = [
    "Checked",
    "Poster",
    "Processed",
    "ProcessedSound",
    "Sound",
    "Video",
    "check",
    "check_sound",
    "process",
    "process_sound",
    "remove_leftovers",
    "scratch",
]
