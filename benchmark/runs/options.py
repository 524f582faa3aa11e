"""How a grid is run: the options of `bench run` and `imbench.run` that move no score."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from imbench.constraints import (
    NONE,
    Constraint,
    choice,
    number,
    whole,
)
from imbench.given import read_values
from imbench.runs.feature_floors import AUTO

__all__ = ["LIMITS", "MODELS", "RunOptions"]

LIMITS: Mapping[str, Constraint] = {
    "jobs": choice("auto") | whole(1, 10_000),
    "per_device": whole(1, 1000) | NONE,
    "timeout": number(0, 1000 * 86400, open_low=True) | NONE,
    "max_failures": whole(1, 10**9) | NONE,
    "max_cells": whole(1, 10**9),
}
"""Which values the options of a run may take that are numbers; times are in seconds."""
MODELS = "models"
"""In `RunOptions.keep`: the networks of new trainings."""


@dataclass(frozen=True)
class RunOptions:
    """How a grid is run. No score depends on it, `bad_images` and `drop_leaks` excepted.

    `imbench.run` takes each of them by its name, `command` excepted, and texts for paths.
    """

    results: Path = Path("results")
    """Folder of the records; what is done there is not done again."""
    data: Path = Path("data")
    """Folder that holds the data of all data sets."""
    jobs: str = "auto"
    """Workers: a number, or ``auto`` for as many as the machine or the backend has room for."""
    backend: Literal["local", "dask", "slurm"] = "local"
    """Where cells are trained: here, on a Dask cluster, as SLURM jobs."""
    scheduler: str | None = None
    """Address or file of the Dask scheduler."""
    slurm: tuple[str, ...] = ()
    """``KEY=VALUE`` options of sbatch."""
    device: str = "auto"
    """A device, or several with commas between them."""
    per_device: int | None = None
    """Cells at a time on each device."""
    timeout: float | None = None
    """Seconds a training and its scoring may take."""
    max_failures: int | None = None
    """Cells without a score after which no new one is begun."""
    retry_failed: bool = False
    """Rerun cells that have no score because they failed."""
    force: bool = False
    """Rerun all cells, finished ones too."""
    bad_images: Literal["stop", "skip"] = "stop"
    """Images that cannot be decoded: stop, or leave them out and count them."""
    drop_leaks: bool | None = None
    """Drop training images that are copies of test images; None does so where some are known."""
    quiet: bool = False
    """Print failures only."""
    keep: tuple[str, ...] = ()
    """What is kept beside the records of new trainings: ``models``, their networks."""
    floor: str = AUTO
    """Backbone of the floor of features, or ``none``; ``auto``: the default one if it is cheap."""
    json_log: Path | None = None
    """File to which an event a line is appended."""
    max_cells: int = 100_000
    """Most cells of a grid: 100,000 take 400 MB before anything is trained."""
    known: tuple[Path, ...] = ()
    """Other results, folders and packs: what they have a score of is not run."""
    command: str = ""
    """What starts the same run again; kept with the plan."""

    def __post_init__(self) -> None:
        given = {name: getattr(self, name) for name in LIMITS}
        for name, value in read_values("run", given, LIMITS).items():
            object.__setattr__(self, name, str(value) if name == "jobs" else value)
        for name in self.keep:
            choice(MODELS).read("run", "keep", name)
