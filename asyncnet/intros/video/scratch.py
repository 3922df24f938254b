"""Folders for what a job writes while it works. A killed job leaves its own; others remove it.

A job holds a lock on its folder for as long as it lives, and the system ends the lock with the
process, however that ends. So a folder that nobody holds is a dead job's (CHECKLIST D4, F2).
"""

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import mkdtemp

import structlog

log = structlog.get_logger()
LOCK = "lock"


@contextmanager
def scratch(work: Path) -> Iterator[Path]:
    """Yield a new folder inside `work`, which is made when missing; remove it afterwards."""
    work.mkdir(mode=0o700, parents=True, exist_ok=True)
    with ExitStack() as held:
        with _locked(work / LOCK):
            folder = Path(mkdtemp(dir=work))
            held.enter_context(_locked(folder / LOCK))
        try:
            yield folder
        finally:
            with _locked(work / LOCK):
                _remove(folder)


def remove_leftovers(work: Path) -> None:
    """Remove the folders of dead jobs; whatever a living one holds stays."""
    if not work.is_dir():
        return
    with _locked(work / LOCK):  # no new folder is without its holder meanwhile
        for folder in [path for path in work.iterdir() if path.is_dir()]:
            with (
                suppress(BlockingIOError, FileNotFoundError),
                _locked(folder / LOCK, fcntl.LOCK_NB),
            ):
                _remove(folder)


@contextmanager
def _locked(path: Path, how: int = 0) -> Iterator[None]:
    """Hold a lock on a file, which is made when missing."""
    with path.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX | how)
        yield


def _remove(folder: Path) -> None:
    try:
        shutil.rmtree(folder)
    except FileNotFoundError:
        pass
    except OSError as error:
        log.warning("scratch folder not removed", folder=folder.name, error=repr(error))
