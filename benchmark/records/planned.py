"""Plans: what each run into a results folder was asked for, one file a grid in ``plans/``.

Runs that share a folder write different files, so none takes away what another has still to do. A
plan stays when its cells are done: it is what a record that is lost later is missed by.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from imbench.files.atomic import write_atomic
from imbench.files.reading import SMALL, read_bytes
from imbench.records.cell import Cell, Grid, expand
from imbench.version import imbench_version

__all__ = ["FOLDER", "PlannedRun", "Plans", "parse_plan", "read_plans", "write_plan"]

FOLDER = "plans"
OLD_FILE = "grid.json"
"""What earlier versions wrote instead: the grid of the last run alone."""
SCHEMA = 1
_NAME = re.compile(r"[0-9a-f]{16}\.json")


class _Head(BaseModel):
    """What says whether a file can be read."""

    schema_: int = Field(alias="schema")


class _PlanFile(_Head):
    """Content of a plan's file."""

    model_config = ConfigDict(frozen=True)

    imbench: str = ""
    command: str
    grid: Grid
    fingerprints: dict[str, str]
    recipes: dict[str, dict[str, int]]
    missing: tuple[str, ...]

    @property
    def key(self) -> str:
        """Content hash of what is to be run, 16 hexadecimal digits.

        Versions of parts are left out, so that a run that is started again after one was raised
        replaces its plan: nobody can do the cells of the old version any more.
        """
        body = {"grid": self.grid.plain(), "fingerprints": self.fingerprints}
        text = json.dumps(body, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class PlannedRun:
    """A grid that was run: its cells, the methods that did not exist, and the command."""

    path: Path
    grid: Grid
    cells: tuple[Cell, ...]
    missing: tuple[str, ...]
    command: str
    text: str = ""
    """What its file holds, without the command, which names folders of whoever ran it."""


@dataclass(frozen=True)
class Plans:
    """All plans of a results folder.

    Attributes
    ----------
    runs : tuple of PlannedRun
        In the order of their files.
    faults : tuple of str
        Files that hold no plan this version can read, with what to do, a sentence each.
    """

    runs: tuple[PlannedRun, ...] = ()
    faults: tuple[str, ...] = ()

    @property
    def cells(self) -> tuple[Cell, ...]:
        """The cells of all plans, each once."""
        return tuple({cell.key: cell for run in self.runs for cell in run.cells}.values())

    @property
    def missing(self) -> tuple[str, ...]:
        """Methods of the plans that did not exist, each once."""
        return tuple(dict.fromkeys(name for run in self.runs for name in run.missing))


def write_plan(
    folder: Path,
    grid: Grid,
    *,
    fingerprints: Mapping[str, str],
    recipes: Mapping[str, Mapping[str, int]],
    missing: Sequence[str],
    command: str,
) -> Path:
    """Write the plan of a run to its results folder; the same grid and data have the same file.

    Raises
    ------
    EnvironmentFault
        If it cannot be written.
    """
    plan = _PlanFile(
        schema=SCHEMA,
        imbench=imbench_version(),
        command=command,
        grid=grid,
        fingerprints=dict(fingerprints),
        recipes={text: dict(versions) for text, versions in recipes.items()},
        missing=tuple(missing),
    )
    path = folder / FOLDER / f"{plan.key}.json"
    write_atomic(path, plan.model_dump_json(by_alias=True, indent=1) + "\n")
    return path


def read_plans(folder: Path) -> Plans:
    """Return the plans of a results folder; name files that cannot be read."""
    runs: list[PlannedRun] = []
    faults: list[str] = []
    keys = set()
    try:
        paths = _listed(folder / FOLDER)
    except OSError as error:
        paths, faults = [], [f"{folder / FOLDER} {_reason(error)}"]
    for path in (*paths, folder / OLD_FILE):
        try:
            if not path.is_file():
                continue
            plan = _read(path)
            if path.name == OLD_FILE and plan.key in keys:
                continue
            keys.add(plan.key)
            runs.append(_planned(plan, path))
        except (OSError, ValueError, KeyError) as error:
            faults.append(f"{path} {_reason(error)}")
    return Plans(tuple(runs), tuple(faults))


def parse_plan(raw: bytes, path: Path) -> PlannedRun:
    """Return the plan that a text holds; raise ValueError if it holds none this version reads."""
    return _planned(_parse(raw), path)


def _planned(plan: _PlanFile, path: Path) -> PlannedRun:
    cells = tuple(expand(plan.grid, plan.fingerprints, plan.recipes))
    text = plan.model_copy(update={"command": ""}).model_dump_json(by_alias=True)
    return PlannedRun(path, plan.grid, cells, plan.missing, plan.command, text)


class _Newer(ValueError):
    """A plan of a later schema."""


def _listed(folder: Path) -> list[Path]:
    """Return the files of a folder that have a plan's name; others are somebody else's."""
    try:
        return sorted(path for path in folder.iterdir() if _NAME.fullmatch(path.name))
    except (FileNotFoundError, NotADirectoryError):
        return []


def _read(path: Path) -> _PlanFile:
    return _parse(read_bytes(path, SMALL))


def _parse(raw: bytes) -> _PlanFile:
    if _Head.model_validate_json(raw).schema_ > SCHEMA:
        raise _Newer
    return _PlanFile.model_validate_json(raw)


def _reason(error: Exception) -> str:
    if isinstance(error, _Newer):
        return (
            "is the plan of a newer imbench, so cells that it asked for and nobody ran are not "
            "counted: update imbench"
        )
    fault = f"cannot be read ({error.strerror})" if isinstance(error, OSError) else "is damaged"
    return (
        f"{fault}, so cells that it asked for and nobody ran are not counted: start that run "
        "again, and delete the file if this is still said"
    )
