"""The grid of the last run of a results folder, stored in it as ``grid.json``."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imbench.files.atomic import write_atomic
from imbench.records.cell import Cell, Grid, expand

__all__ = ["FILE", "PlannedRun", "read_planned", "write_planned"]

FILE = "grid.json"
SCHEMA = 1


@dataclass(frozen=True)
class PlannedRun:
    """The grid of a run, its cells and the methods that did not exist."""

    grid: Grid
    cells: tuple[Cell, ...]
    missing: tuple[str, ...]
    command: str


def write_planned(
    folder: Path,
    grid: Grid,
    *,
    fingerprints: Mapping[str, str],
    recipes: Mapping[str, Mapping[str, int]],
    missing: Sequence[str],
    command: str,
) -> None:
    """Write the grid of a run to its results folder."""
    from importlib.metadata import version

    body: dict[str, Any] = {
        "schema": SCHEMA,
        "imbench": version("imbench"),
        "command": command,
        "grid": grid.plain(),
        "fingerprints": dict(fingerprints),
        "recipes": {text: dict(versions) for text, versions in recipes.items()},
        "missing": list(missing),
    }
    write_atomic(folder / FILE, json.dumps(body, indent=1) + "\n")


def read_planned(folder: Path) -> PlannedRun | None:
    """Return the grid of the last run; None if it is missing or damaged."""
    try:
        body = json.loads((folder / FILE).read_text("utf-8"))
        grid = Grid.model_validate(body["grid"])
        cells = expand(grid, body["fingerprints"], body["recipes"])
        return PlannedRun(grid, tuple(cells), tuple(body["missing"]), str(body["command"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
