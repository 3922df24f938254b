"""The house has floors: a file imports from a lower rank, or from a feature further left."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FEATURES = ("audit", "messages", "people", "events", "intros", "matches", "followups", "day")
RANKS: tuple[tuple[int, tuple[str, ...]], ...] = (
    (0, ("calendars", "clock", "config", "listing", "port", "rules", "sheets", "stopping",
         "zones", "events/naming", "events/spelling", "intros/cues", "matches/bench/draft",
         "matches/bench/edits", "matches/bench/job", "matches/bench/seating", "matches/rooms",
         "matching/*", "messages/wording", "storage/digests")),
    (1, ("database", "people/addresses", "people/links")),
    (2, ("model", "events/roster", "messages/queue", "messages/queue/*")),
    (3, ("queries", "queries/*", "day/board", "day/leaves", "day/windows", "followups/funnel",
         "followups/unanswered", "followups/waiting", "matches/bench/comparing",
         "matches/bench/limits", "matches/bench/swaps", "matches/bench/worth",
         "matches/instance")),
    (4, ("actions", "letters", "actions/*", "intros/listening", "intros/portraits",
         "intros/video", "intros/video/*", "intros/work", "mail/conversation",
         "matches/bench/solving", "matches/bench/work", "matches/closing", "matches/exports",
         "messages/bounces", "messages/drain")),
    (5, ("disk", "inbox", "s3", "smtp", "mail/mime", "matches/bench/desk", "storage/checksums",
         "storage/folders")),
    (6, ("wiring",)),
    (7, ("web/*",)),
    (8, ("forms",)),
    (9, ("profiles", "views", "day/exits", "day/groups", "day/polling", "day/show",
         "followups/desk", "followups/threads/recordings", "followups/threads/returning",
         "intros/board", "intros/captions", "intros/faces", "intros/playing", "intros/signing",
         "matches/bench/downloads", "messages/views/*")),
    (10, ("tasks",)),
    (11, ("commands/*", "commands/demo/*")),
    (12, ("app", "wsgi")),
)  # fmt: skip


def files() -> Iterator[str]:
    for path in sorted((ROOT / "asyncnet").rglob("*.py")):
        name = path.relative_to(ROOT / "asyncnet").with_suffix("").as_posix()
        if path.stat().st_size and (not name.endswith("__init__") or name == "__init__"):
            yield name


def rank_of(name: str) -> int:
    last = name.rpartition("/")[2]
    folder = name.rpartition("/")[0]
    exact = [rank for rank, names in RANKS if name in names]
    rooms = {f"{folder}/*", f"{folder.rpartition('/')[2]}/*"} if folder else set()
    inside = [rank for rank, names in RANKS if rooms.intersection(names)]
    plain = [rank for rank, names in RANKS if last in names]
    for found in (exact, inside, plain):
        if found:
            return found[0]
    raise LookupError(f"{name} has no rank; is it in the right room?")


def imports_of(name: str) -> Iterator[str]:
    tree = ast.parse((ROOT / "asyncnet" / f"{name}.py").read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                yield from _ours(f"{node.module}.{alias.name}", node.module)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                yield from _ours(alias.name, alias.name)


def _ours(longest: str, module: str) -> Iterator[str]:
    for candidate in (longest, module):
        if candidate == "config":
            yield "config"
            return
        if not candidate.startswith("asyncnet."):
            continue
        path = candidate.removeprefix("asyncnet.").replace(".", "/")
        if (ROOT / "asyncnet" / f"{path}.py").exists():
            yield path
            return
        package = ROOT / "asyncnet" / path / "__init__.py"
        if package.exists() and package.stat().st_size:
            yield path
            return


def feature_of(name: str) -> str | None:
    first = name.partition("/")[0]
    return first if first in FEATURES else None


def may_import(importer: str, imported: str) -> bool:
    here, there = rank_of(importer), rank_of(imported)
    own, other = feature_of(importer), feature_of(imported)
    leftward = own is None or other is None or FEATURES.index(other) <= FEATURES.index(own)
    same_folder = importer.rpartition("/")[0] == imported.rpartition("/")[0] != ""
    if here == there:
        return same_folder or (own is not None and leftward)
    return there < here and leftward


@pytest.mark.parametrize("name", list(files()))
def test_every_import_goes_down_or_left(name: str) -> None:
    breaches = [imported for imported in imports_of(name) if not may_import(name, imported)]

    assert breaches == []


@pytest.mark.parametrize("name", list(files()))
def test_no_import_hides_inside_a_function(name: str) -> None:
    tree = ast.parse((ROOT / "asyncnet" / f"{name}.py").read_text())

    hidden = [
        inner.lineno
        for outer in ast.walk(tree)
        if isinstance(outer, ast.FunctionDef | ast.AsyncFunctionDef)
        for inner in ast.walk(outer)
        if isinstance(inner, ast.Import | ast.ImportFrom)
    ]

    assert hidden == []


def test_the_solver_knows_nothing_of_ours() -> None:
    inside = [name for name in files() if name.startswith("matching/")]

    outside = {i for name in inside for i in imports_of(name) if not i.startswith("matching/")}

    assert outside == set()


def test_what_solves_loads_neither_app_nor_database() -> None:
    reached = {"commands/matching", "matches/bench/solving"}
    waiting = sorted(reached)

    while waiting:
        new = set(imports_of(waiting.pop())) - reached - {"config"}
        reached |= new
        waiting += sorted(new)

    assert not reached & {"app", "database", "tasks", "wiring"}


def test_a_breach_would_be_seen() -> None:
    assert not may_import("people/actions", "events/model")
    assert not may_import("events/actions", "events/views")
    assert not may_import("messages/queue", "people/actions")
    assert may_import("followups/actions", "messages/queue")
