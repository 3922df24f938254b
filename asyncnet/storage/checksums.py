"""What storage says of its files, soon enough for a page."""

from collections.abc import Callable, Mapping
from queue import Empty, SimpleQueue
from threading import Thread
from time import monotonic

import structlog

from asyncnet.storage.port import Storage, StorageError

REMEMBERED_SECONDS = 60
MOST_REMEMBERED = 1000
PATIENCE_SECONDS = 0.5
PAUSE_SECONDS = 15

log = structlog.get_logger()
Said = Mapping[str, str]


class Checksums:
    """Asks storage what stands for the bytes of files, and remembers the answer for a minute.

    No page waits longer than half a second for it; storage that does not answer in that time
    is then left alone for some seconds, so that a silent one slows down hardly any (CHECKLIST
    F4). The question has a thread of its own, since neither disks nor resolvers know time-outs;
    an answer that comes too late is remembered all the same.
    """

    def __init__(self, storage: Storage, clock: Callable[[], float] = monotonic) -> None:
        self._storage = storage
        self._clock = clock
        self._said: dict[str, tuple[float, Said]] = {}
        self._silent_until = clock()

    def remembered(self, folder: str) -> Said | None:
        """Return what was said of the files in a folder within the last minute, by name."""
        asked_at, said = self._said.get(folder, (0.0, None))
        return said if self._clock() - asked_at < REMEMBERED_SECONDS else None

    def of(self, folder: str) -> Said | None:
        """Return what stands for the files in a folder, by name; None when nobody can say now."""
        said = self.remembered(folder)
        if said is None and self._clock() >= self._silent_until:
            said = self._asked(folder)
            if said is None:
                self._silent_until = self._clock() + PAUSE_SECONDS
        return said

    def _asked(self, folder: str) -> Said | None:
        answers: SimpleQueue[Said | None] = SimpleQueue()
        Thread(target=lambda: answers.put(self._answer(folder)), daemon=True).start()
        try:
            return answers.get(timeout=PATIENCE_SECONDS)
        except Empty:
            log.warning("checksums not said in time", folder=folder)
            return None

    def _answer(self, folder: str) -> Said | None:
        asked_at = self._clock()
        try:
            said = self._storage.checksums(folder)
        except StorageError as error:
            log.warning("checksums not said", folder=folder, error=type(error).__name__)
            return None
        if len(self._said) >= MOST_REMEMBERED:
            self._said.clear()
        self._said[folder] = asked_at, said
        return said
