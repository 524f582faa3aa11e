"""Cells and grids: what is trained and scored, as plain data with a content key."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from functools import cache
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from imbench.code_files import file_hash, names_file
from imbench.errors import UsageError
from imbench.given import read_values
from imbench.records.later_fields import LaterFields
from imbench.spec import parse_spec
from imbench.training.augment import steps_of
from imbench.training.budget import AUGMENT, DEFAULTS, NETWORK, SETTINGS, THREADS

__all__ = ["PROTOCOL", "Cell", "Exclusion", "Grid", "Settings", "Shots", "code_of", "expand"]

PROTOCOL = 1
"""Version of the protocol (subsets, schedule, scoring): raise it when scores would change."""


Shots = int | str | tuple[int, ...] | tuple[tuple[str, int], ...]
"""Training images of the minority classes: of each alike, or by class. The texts that ask for them,
as ``natural``, and names of classes with counts become numbers when a run is planned."""


class Settings(LaterFields):
    """How every method of a grid is trained: the equal budget, network, image size, threads."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    later = ("precision", "code")

    network: str = NETWORK
    size: int = 32
    """Side of the square images, in pixels."""
    steps: int = DEFAULTS.steps
    batch_size: int = DEFAULTS.batch_size
    lr: float = DEFAULTS.lr
    momentum: float = DEFAULTS.momentum
    weight_decay: float = DEFAULTS.weight_decay
    warmup: float = DEFAULTS.warmup
    augment: str = AUGMENT
    threads: int = THREADS
    """Threads per worker: part of the cell, since float sums depend on it."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """What the layers compute in while they train."""
    code: str = ""
    """Files of the user that `network` and `augment` name, each with the hash of its content."""

    @model_validator(mode="before")
    @classmethod
    def _in_range(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        known = {key: value for key, value in given.items() if key in SETTINGS}
        try:
            return {**given, **read_values("setting", known, SETTINGS)}
        except UsageError as error:
            raise ValueError(error) from error


def code_of(network: str, augment: str) -> str:
    """Return the files that network and augmentation name, with the hashes of their content.

    Raises
    ------
    UsageError
        If one cannot be read.
    """
    named = [parse_spec(network).name, *steps_of(augment)]
    files = {
        name.rpartition(":")[0]: file_hash(name)
        for name in named
        if isinstance(name, str) and names_file(name)
    }
    return ", ".join(f"{file} {digest}" for file, digest in sorted(files.items()))


class Cell(LaterFields):
    """A training and its score on the test images.

    Two cells with equal data, counts, recipe, settings, seed and versions have the same key, on any
    machine and at any time.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    later = ("by_class",)

    dataset: str
    """Spec of the data set, e.g. ``horse2zebra`` or ``folder:clothing,majority=t-shirt``."""
    fingerprint: str
    """Content hash of the decoded data set."""
    minority: int
    """Training images of each minority class; where they differ, of the smallest."""
    majority: int | None = None
    """Training images of the majority; None for all."""
    by_class: tuple[int, ...] | None = None
    """Training images of minorities 1, 2, ... where they differ; not part of other cells."""
    recipe: str
    """Canonical recipe, e.g. ``us:rho=0.5+cs``."""
    seed: int
    """Replicate: fixes the subset, the initial weights and the batch order."""
    settings: Settings = Settings()
    versions: dict[str, int] = Field(default_factory=dict)
    """Part name to its version."""
    protocol: int = PROTOCOL

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.by_class is not None and self.minority != min(self.by_class, default=0):
            raise ValueError("minority is the smallest of the counts by class")
        return self

    @property
    def shots(self) -> int | tuple[int, ...]:
        """Training images of each minority class, or by class."""
        return self.minority if self.by_class is None else self.by_class

    def plain(self) -> dict[str, Any]:
        """Return the cell as JSON-ready data."""
        return self.model_dump(mode="json")

    @property
    def key(self) -> str:
        """Content hash, 16 hexadecimal digits. The name of a data set is not part of it."""
        body = self.plain()
        del body["dataset"]
        text = json.dumps(body, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def _settled(shots: Shots) -> int | tuple[int, ...]:
    """Return counts that are numbers; those of a grid whose data are not there may be texts."""
    if isinstance(shots, int):
        return shots
    numbers = tuple(one for one in shots if isinstance(one, int))
    if not numbers or len(numbers) != len(shots):
        raise ValueError(f"the counts {shots!r} were not settled when the run was planned")
    return numbers


@cache
def _name(dataset: str) -> str:
    return parse_spec(dataset).name


class Exclusion(BaseModel):
    """Cells to leave out: those that match every field that is set."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    dataset: str | None = None
    """Spec, or a name for all specs with this name."""
    method: str | None = None
    """Canonical recipe."""
    minority: tuple[int, ...] | None = None
    seed: tuple[int, ...] | None = None

    def matches(self, cell: Cell) -> bool:
        """Whether a cell is left out."""
        return (
            self.dataset in (None, cell.dataset, _name(cell.dataset))
            and self.method in (None, cell.recipe)
            and (self.minority is None or cell.minority in self.minority)
            and (self.seed is None or cell.seed in self.seed)
        )

    def concerns(
        self, datasets: Collection[str], recipes: Collection[str], seeds: Collection[int]
    ) -> bool:
        """Whether a cell of these data sets, canonical recipes and seeds may be left out."""
        names = {*datasets, *map(_name, datasets)}
        return (
            (self.dataset is None or self.dataset in names)
            and (self.method is None or self.method in recipes)
            and (self.seed is None or not set(self.seed).isdisjoint(seeds))
        )


class Grid(BaseModel):
    """All cells that a run is to do, with every default resolved."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: str = ""
    """Name of its grid file; empty if it comes from options alone."""
    datasets: tuple[str, ...]
    minority: dict[str, tuple[Shots, ...]]
    """Data set to counts of training images of each minority class, or by class."""
    majority: dict[str, int | None]
    """Data set to the count of the majority; None for all."""
    methods: tuple[str, ...]
    seeds: tuple[int, ...]
    settings: Settings = Settings()
    exclude: tuple[Exclusion, ...] = ()

    def plain(self) -> dict[str, Any]:
        """Return the grid as JSON-ready data."""
        return self.model_dump(mode="json")


def expand(
    grid: Grid, fingerprints: Mapping[str, str], recipes: Mapping[str, Mapping[str, int]]
) -> list[Cell]:
    """Return the cells of a grid, each once, ordered by data set, count, recipe and seed.

    Parameters
    ----------
    grid : Grid
        The grid.
    fingerprints : mapping
        Data set to its content hash; data sets without one are left out.
    recipes : mapping
        Canonical recipe to the versions of its parts, in the order of the table. These, not
        ``grid.methods``, are expanded.
    """
    cells = (
        Cell(
            dataset=dataset,
            fingerprint=fingerprints[dataset],
            minority=shots if isinstance(shots, int) else min(shots),
            by_class=None if isinstance(shots, int) else shots,
            majority=grid.majority.get(dataset),
            recipe=recipe,
            seed=seed,
            settings=grid.settings,
            versions=dict(versions),
        )
        for dataset in grid.datasets
        if dataset in fingerprints
        for shots in map(_settled, grid.minority[dataset])
        for recipe, versions in recipes.items()
        for seed in grid.seeds
    )
    kept = (cell for cell in cells if not any(rule.matches(cell) for rule in grid.exclude))
    return list({cell.key: cell for cell in kept}.values())
