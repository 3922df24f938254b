"""The house has floors: a file imports from a lower rank, or from a feature further left."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FEATURES = ("audit", "messages", "people", "events", "intros", "matches", "followups", "day")
RANKS: tuple[tuple[int, tuple[str, ...]], ...] = (
    (0, ("rules", "clock", "zones", "port", "messages/wording", "matching/*", "config")),
    (0, ("events/spelling", "events/naming", "intros/cues")),
    (1, ("database", "people/addresses", "people/links")),
    (2, ("model", "messages/queue", "messages/queue/*", "events/roster")),
    (
        3,
        (
            "queries",
            "matches/instance",
            "followups/unanswered",
            "followups/funnel",
            "followups/waiting",
        ),
    ),
    (4, ("actions", "actions/*", "letters", "intros/video", "intros/video/*", "intros/work")),
    (4, ("intros/listening", "intros/portraits", "messages/drain", "messages/bounces")),
    (0, ("storage/digests",)),
    (5, ("storage/checksums",)),
    (5, ("disk", "s3", "smtp", "inbox", "mail/mime")),
    (6, ("wiring",)),
    (7, ("web/*",)),
    (8, ("forms", "events/registration")),
    (9, ("views", "profiles", "intros/faces", "intros/board")),
    (9, ("intros/playing", "intros/captions", "intros/signing")),
    (10, ("tasks",)),
    (11, ("commands/*", "commands/demo/*")),
    (12, ("__init__", "wsgi")),
    # pages that outgrew one file
    (3, ("followups/funnel", "followups/waiting")),
    (9, ("messages/views/*", "followups/desk", "followups/threads/recordings")),
    # the day itself
    (3, ("day/board", "day/leaves", "day/windows")),
    (9, ("day/show", "day/exits", "day/groups")),
    (4, ("mail/conversation",)),
    # the curator's bench
    (
        0,
        (
            "sheets",
            "calendars",
            "listing",
            "matches/rooms",
            "matches/bench/draft",
            "matches/bench/job",
        ),
    ),
    (3, ("matches/bench/worth", "matches/bench/limits", "matches/bench/swaps")),
    (4, ("matches/closing", "matches/exports", "matches/bench/solving", "matches/bench/work")),
    (5, ("matches/bench/desk",)),
    (9, ("matches/bench/downloads",)),
)


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


def test_a_breach_would_be_seen() -> None:
    assert not may_import("people/actions", "events/model")
    assert not may_import("events/actions", "events/views")
    assert not may_import("messages/queue", "people/actions")
    assert may_import("followups/actions", "messages/queue")
