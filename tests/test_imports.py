"""The house has floors: a file imports from a lower rank, or from a feature further left."""

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FEATURES = ("audit", "messages", "people", "events", "intros", "matches", "followups", "day")
RANKS: tuple[tuple[int, tuple[str, ...]], ...] = (
    (0, ("calendars", "clock", "config", "listing", "port", "rules", "sheets", "stopping",
         "zones", "events/naming", "events/spelling", "intros/cues", "matches/bench/draft",
         "matches/bench/edits", "matches/bench/job", "matches/rooms", "matches/seating",
         "matching/*", "messages/wording", "storage/digests")),
    (1, ("database", "people/addresses", "people/links")),
    (2, ("leases", "model", "events/roster", "events/understood", "messages/queue",
         "messages/queue/*")),
    (3, ("queries", "queries/*", "day/board", "day/leaves", "day/windows", "followups/funnel",
         "followups/unanswered", "matches/bench/comparing", "matches/bench/desk",
         "matches/bench/limits", "matches/bench/rows", "matches/bench/shares",
         "matches/bench/swaps", "matches/bench/wording", "matches/bench/worth",
         "matches/instance", "matches/sayings")),
    (4, ("actions", "letters", "actions/*", "followups/waiting/helps", "intros/listening",
         "intros/portraits", "intros/video", "intros/video/*", "intros/work", "mail/conversation",
         "matches/announcing", "matches/bench/solving", "matches/bench/work", "matches/closing",
         "matches/exports", "messages/bounces", "messages/drain")),
    (5, ("disk", "inbox", "s3", "smtp", "mail/mime", "storage/checksums",
         "storage/folders")),
    (6, ("wiring",)),
    (7, ("web/*",)),
    (8, ("forms",)),
    (9, ("profiles", "views", "day/exits", "day/groups", "day/page", "day/polling", "day/show",
         "day/zoom", "followups/threads/leftovers", "followups/threads/recordings",
         "followups/threads/returning", "intros/board", "intros/captions", "intros/faces",
         "intros/playing", "intros/signing",
         "matches/bench/views/*", "matches/downloads", "messages/views/*")),
    (10, ("tasks",)),
    (11, ("commands/*", "commands/demo/*")),
    (12, ("app", "wsgi")),
)  # fmt: skip
EDGE = 7
WORKERS_STEPS = {
    "intros/listening",
    "intros/portraits",
    "intros/work",
    "matches/bench/work",
    "messages/drain",
}
"""What works outside of transactions, in steps with a commit before and after each."""


def files() -> Iterator[str]:
    """Yield every module of ours; a package with code of its own goes by its folder's name."""
    for path in sorted((ROOT / "asyncnet").rglob("*.py")):
        name = path.relative_to(ROOT / "asyncnet").with_suffix("").as_posix()
        if path.stat().st_size:
            yield name.removesuffix("/__init__")


def source_of(name: str) -> ast.Module:
    path = ROOT / "asyncnet" / name
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return ast.parse(file.read_text())


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
    for node in ast.walk(source_of(name)):
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
    tree = source_of(name)

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


def test_only_matches_and_commands_ask_the_solver() -> None:
    asking = {
        name.partition("/")[0]
        for name in files()
        for imported in imports_of(name)
        if imported.startswith("matching/")
    }

    assert asking == {"commands", "matches", "matching"}


def test_only_edges_and_the_workers_own_steps_open_transactions() -> None:
    opening = {
        name
        for name in files()
        for node in ast.walk(source_of(name))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "transaction"
    }

    assert {name for name in opening if rank_of(name) < EDGE} == WORKERS_STEPS


def test_no_two_files_need_each_other() -> None:
    order = TopologicalSorter({name: set(imports_of(name)) - {name} for name in files()})

    order.prepare()  # raises CycleError, which names the files

    assert order.is_active()


def test_what_is_published_knows_nothing_of_the_bench() -> None:
    inside = [name for name in files() if name.startswith("matches/")]
    published = [name for name in inside if not name.startswith("matches/bench/")]

    bench = {i for name in published for i in imports_of(name) if i.startswith("matches/bench/")}

    assert bench == set()


def test_a_breach_would_be_seen() -> None:
    assert not may_import("people/actions", "events/model")
    assert not may_import("events/actions", "events/views")
    assert not may_import("messages/queue", "people/actions")
    assert may_import("followups/actions", "messages/queue")
