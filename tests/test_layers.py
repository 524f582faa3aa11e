"""Imports point one way: from a room to those below it, and never round in a circle.

Every import counts, also one inside a function or for types alone.
"""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = {"benchmark": "imbench", "methods": "imbench.methods", "datasets": "imbench.datasets"}
ROOMS = (
    "imbench",
    "files",
    "stats",
    "images",
    "datasets",
    "backbones",
    "training",
    "methods",
    "records",
    "models",
    "runs",
    "report",
    "generators",
    "explain",
    "page",
    "check",
    "commands",
)
"""Lowest first; `imbench` are the modules that lie in no room: errors, spec, registry, seeds."""
FACES = {"imbench", "imbench.__main__"}
"""What stands above all rooms: the public names, and the command as a module."""


def modules() -> dict[str, Path]:
    """Return every module of ours by its name."""
    return {
        ".".join([package, *(part for part in inside.parts if part != "__init__")]): file
        for folder, package in FOLDERS.items()
        for file in (ROOT / folder).rglob("*.py")
        for inside in [file.relative_to(ROOT / folder).with_suffix("")]
    }


def imported(source: str, known: set[str]) -> set[str]:
    """Return what a source text imports of ours."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, "imports are absolute"
            whole = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in known else node.module for name in whole}
    return {name for name in found if name.partition(".")[0] == "imbench"}


FILES = modules()
GRAPH = {name: imported(file.read_text("utf-8"), set(FILES)) for name, file in FILES.items()}


def room(module: str) -> str:
    """Return the room of a module."""
    second = module.split(".")[1:2]
    return second[0] if second and second[0] in ROOMS else "imbench"


def test_every_folder_is_a_room():
    folders = {path.name for path in (ROOT / "benchmark").iterdir() if path.suffix == ""}
    assert folders - {"__pycache__"} | {"imbench", "methods", "datasets"} == set(ROOMS)
    assert len(GRAPH) > 140


@pytest.mark.parametrize("module", sorted(set(GRAPH) - FACES))
def test_a_module_imports_from_its_own_room_and_those_below(module):
    above = ROOMS[ROOMS.index(room(module)) + 1 :]
    assert not {name for name in GRAPH[module] if room(name) in above or name in FACES}


def test_no_module_imports_itself_by_way_of_others():
    try:
        TopologicalSorter(GRAPH).prepare()
    except CycleError as error:
        pytest.fail(f"a circle of imports: {error.args[1]}")


def test_statistics_know_of_errors_only():
    found = {name for module in GRAPH if room(module) == "stats" for name in GRAPH[module]}
    assert {name for name in found if room(name) != "stats"} <= {"imbench.errors"}


def test_the_search_sees_imports_inside_functions_and_for_types():
    source = "def f():\n    from imbench.runs import plan\nif TYPING:\n    import imbench.page.page"
    assert imported(source, {"imbench.runs.plan"}) == {"imbench.runs.plan", "imbench.page.page"}
