"""What long work asks again and again: was this process asked to stop?"""

from threading import Event

stopping = Event()
"""Set when this process was asked to stop: no child goes on, and none is started."""


class WorkerStops(Exception):
    """Work was given up because this process was asked to stop; nothing is wrong with it."""
