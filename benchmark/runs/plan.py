"""What a run would do: its cells by state, the trainings they need, time and space.

Planning reads records and listings; it imports no torch.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from imbench.errors import UnknownName
from imbench.records.cell import Cell, Grid
from imbench.records.store import Store
from imbench.records.summary import RecordSummary
from imbench.runs.estimate import Costs, Estimate, kinds, training_cell
from imbench.runs.feasible import checked_cells
from imbench.runs.job import Job, RunContext
from imbench.runs.sources import Source
from imbench.training.recipe import PAPER_METHODS, Recipe, parse_recipe

__all__ = [
    "Plan",
    "make_plan",
    "recipes_of",
]

BASE_BYTES = 3000
"""Size of a record without its scores."""


@dataclass(frozen=True)
class Plan:
    """What a run would do."""

    grid: Grid
    sources: Mapping[str, Source]
    recipes: Mapping[str, Recipe]
    missing: tuple[str, ...]
    """Methods of the paper that are no registered parts yet."""
    done: tuple[Cell, ...]
    """Cells that have a score, here or in other results."""
    elsewhere: frozenset[str]
    """Keys of those that have it in other results alone."""
    failed: tuple[RecordSummary, ...]
    """Cells that an earlier run failed at and that are not asked for again."""
    to_run: tuple[Cell, ...]
    jobs: tuple[Job, ...]
    costs: Costs
    """What trainings of earlier runs took."""
    bytes_needed: int
    bytes_free: int

    @property
    def cells(self) -> list[Cell]:
        """All cells of the grid that can be run."""
        return [*self.done, *(entry.cell for entry in self.failed), *self.to_run]

    @property
    def own_cells(self) -> list[Cell]:
        """Cells that have a record in the results folder of the run, or will have."""
        return [cell for cell in self.cells if cell.key not in self.elsewhere]

    @property
    def absent(self) -> list[Source]:
        """Data sets that are not there."""
        return [source for source in self.sources.values() if source.fault]

    @property
    def estimate(self) -> Estimate:
        """Time of all jobs; those that only adjust kept outputs take none."""
        return self.costs.estimate(kinds(job.training for job in self.jobs if job.outputs is None))

    @property
    def trainings(self) -> int:
        """Jobs that train: those that only adjust kept outputs do not."""
        return sum(not job.outputs for job in self.jobs)


def recipes_of(
    methods: Sequence[str], named: Collection[str] = ()
) -> tuple[dict[str, Recipe], tuple[str, ...]]:
    """Return the recipes by canonical text, each once, and the paper's that do not exist yet.

    A method that the user named (`named`) has to exist.
    """
    recipes: dict[str, Recipe] = {}
    missing = []
    for text in methods:
        try:
            recipe = parse_recipe(text)
        except UnknownName:
            if text not in PAPER_METHODS or text in named:
                raise
            missing.append(text)
        else:
            recipes[str(recipe)] = recipe
    return recipes, tuple(missing)


def make_plan(
    grid: Grid,
    store: Store,
    sources: Mapping[str, Source],
    *,
    context: RunContext | None = None,
    named: Collection[str] = (),
    retry_failed: bool = False,
    force: bool = False,
    elsewhere: Mapping[str, RecordSummary] | None = None,
) -> Plan:
    """Sort the cells of a grid by state, and those to run into jobs.

    Cells `elsewhere`, by key, have a score in other results and are not run.
    Without a context the plan is only looked at: its jobs belong to no run.
    """
    recipes, missing = recipes_of(grid.methods, named)
    cells = checked_cells(grid, sources, recipes)
    known, elsewhere = store.index(), {} if force else dict(elsewhere or {})
    for key in {key for key, entry in known.items() if entry.done}:
        elsewhere.pop(key, None)
    done, failed, to_run = [], [], []
    for cell in cells:
        entry = known.get(cell.key)
        if cell.key in elsewhere:
            done.append(cell)
        elif entry is None or force or (retry_failed and not entry.done):
            to_run.append(cell)
        elif entry.done:
            done.append(cell)
        else:
            failed.append(entry)
    here = [cell for cell in done if cell.key not in elsewhere]
    kept = {} if force or not to_run else _kept(here, recipes, known)
    stale = _stale(store, [cell for cell in to_run if cell.key in known], known)
    context = context or RunContext(store.folder)
    return Plan(
        grid=grid,
        sources=sources,
        recipes=recipes,
        missing=missing,
        done=tuple(done),
        elsewhere=frozenset(cell.key for cell in done if cell.key in elsewhere),
        failed=tuple(failed),
        to_run=tuple(to_run),
        jobs=_jobs(to_run, context, sources, recipes, kept=kept, stale=stale),
        costs=Costs([*known.values(), *elsewhere.values()]),
        bytes_needed=sum(_record_bytes(sources[cell.dataset]) for cell in to_run),
        bytes_free=shutil.disk_usage(_existing(store.folder)).free,
    )


def _stale(
    store: Store, cells: Sequence[Cell], known: Mapping[str, RecordSummary]
) -> dict[str, str]:
    """Return the checksums of the records that lie where those of the cells will go.

    The one that is known of a cell may lie elsewhere, below another name of its data set.
    """
    found = {}
    for cell in cells:
        entry = known[cell.key]
        held = entry if entry.path == store.path(cell) else store.get(cell)
        if held is not None:
            found[cell.key] = held.checksum
    return found


def _kept(
    done: Sequence[Cell], recipes: Mapping[str, Recipe], known: Mapping[str, RecordSummary]
) -> dict[str, Path]:
    """Return the key of each training to a record that holds its outputs."""
    kept = {key: entry.path for key, entry in known.items() if entry.done}
    for cell in done:
        kept.setdefault(training_cell(cell, recipes[cell.recipe]).key, known[cell.key].path)
    return kept


def _jobs(
    cells: Sequence[Cell],
    context: RunContext,
    sources: Mapping[str, Source],
    recipes: Mapping[str, Recipe],
    *,
    kept: Mapping[str, Path],
    stale: Mapping[str, str],
) -> tuple[Job, ...]:
    """Group cells that one training serves; the first replicate of everything comes first."""
    grouped: dict[str, list[Cell]] = {}
    trained: dict[str, Cell] = {}
    for cell in cells:
        training = training_cell(cell, recipes[cell.recipe])
        trained[training.key] = training
        grouped.setdefault(training.key, []).append(cell)
    # Methods outermost: jobs of one data set and count that share a generator do not start
    # side by side, where one of two workers would wait for the other.
    order = {text: place for place, text in enumerate(recipes)}
    trainings = sorted(
        trained.values(), key=lambda cell: (cell.seed, order.get(cell.recipe, len(order)))
    )
    jobs = []
    for training in trainings:
        served = grouped[training.key]
        source, outputs = sources[training.dataset], kept.get(training.key)
        assert source.folder is not None  # noqa: S101 - only data that are there have cells
        jobs.append(
            Job(
                context=context,
                training=training,
                cells=tuple(sorted(served, key=lambda cell: cell.recipe != training.recipe)),
                # Absolute: a worker may run in another folder.
                data=source.folder.absolute(),
                geometry=source.geometry,
                view=source.view,
                features=source.features,
                outputs=None if outputs is None else outputs.absolute(),
                skipped=source.skipped,
                data_notes=tuple(note.line for note in source.notes),
                stale={cell.key: stale[cell.key] for cell in served if cell.key in stale},
            )
        )
    return tuple(jobs)


def _record_bytes(source: Source) -> int:
    # A label and two floats each for logits and probabilities, in base64.
    images, classes = sum(source.test_counts), len(source.test_counts)
    return BASE_BYTES + images * (1 + 8 * classes) * 4 // 3


def _existing(folder: Path) -> Path:
    resolved = folder.resolve()
    return next(place for place in (resolved, *resolved.parents) if place.is_dir())
