"""Compute the floors that a run lacks, from the images it has decoded, before it trains.

A floor depends on data set, counts and seed alone and takes some 10 ms, once the statistics of the
images are there; so the run itself computes it, not a worker.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imbench.errors import EnvironmentFault
from imbench.images.cache_reader import open_decoded
from imbench.images.dataset import Decoded
from imbench.images.subsets import subset
from imbench.records.cell import Cell
from imbench.records.environment import describe_environment
from imbench.records.floors import COLOUR, floor_store
from imbench.records.record import Record, Scores
from imbench.records.store import Store
from imbench.runs.plan import Plan
from imbench.stats.metrics import score_all
from imbench.training.colour import COLOUR_VERSION, colour_floor, colour_statistics

__all__ = ["floor_cells", "floor_records", "lacking_cells", "write_floors"]

_LOG = logging.getLogger(__name__)
TINY = 1e-30
"""Least probability whose logarithm is kept, so that it is finite as float32."""


def floor_cells(
    cells: Iterable[Cell], recipe: str = COLOUR, versions: Mapping[str, int] | None = None
) -> list[Cell]:
    """Return the cells of a floor, that of colours if none is named, beside those of methods."""
    known = {"colour": COLOUR_VERSION} if versions is None else dict(versions)
    made = (cell.model_copy(update={"recipe": recipe, "versions": known}) for cell in cells)
    return list({cell.key: cell for cell in made}.values())


def lacking_cells(store: Store, cells: Iterable[Cell]) -> dict[str, list[Cell]]:
    """Return the cells of a floor that have no record yet, by data set."""
    lacking: dict[str, list[Cell]] = {}
    for cell in cells:
        if store.get(cell) is None:
            lacking.setdefault(cell.dataset, []).append(cell)
    return lacking


def write_floors(plan: Plan, results: Path, commit: str = "") -> int:
    """Write the floors of a plan that a results folder lacks; return how many there were.

    One that cannot be computed or written is logged and costs the run nothing else: a full disk
    ends it at its first record.
    """
    store = floor_store(results, own=True)
    lacking = lacking_cells(store, floor_cells(plan.own_cells))
    for dataset, cells in lacking.items():
        folder = plan.sources[dataset].folder
        try:
            for record in _colour_floors(folder, cells, commit) if folder else ():
                store.put_first(record)
        except (EnvironmentFault, ValueError, OSError) as error:
            _LOG.warning("no colour floor of %s: %s", dataset, error)
    return sum(map(len, lacking.values()))


def _colour_floors(folder: Path, cells: list[Cell], commit: str) -> list[Record]:
    data = open_decoded(folder)
    train, test = colour_statistics(data.train.pixels), colour_statistics(data.test.pixels)
    return floor_records(data, cells, train, test, colour_floor, commit)


def floor_records(
    data: Decoded,
    cells: Iterable[Cell],
    train: NDArray[Any],
    test: NDArray[Any],
    floor: Callable[..., NDArray[np.float64]],
    commit: str,
) -> list[Record]:
    """Return the records of a floor, from numbers of all training and test images.

    `floor` takes those of a cell's training images, their labels, those of the test images and the
    weights of the training images, and returns probabilities.
    """
    made = []
    for cell in cells:
        started, clock = datetime.now(UTC).isoformat(timespec="milliseconds"), time.perf_counter()
        rows = subset(
            data.train.labels,
            minority=cell.shots,
            majority=cell.majority,
            replicate=cell.seed,
        )
        weights = None if data.train.weights is None else data.train.weights[rows]
        proba = floor(train[rows], data.train.labels[rows], test, weights)
        counts = np.bincount(data.train.labels[rows], minlength=len(data.classes)).tolist()
        facts = {
            "train_counts": counts,
            "sampled_counts": [float(count) for count in counts],
            "test_counts": data.test.counts(len(data.classes)).tolist(),
            "cost": {"fit": time.perf_counter() - clock},
            "started": started,
            "commit": commit,
        }
        made.append(_record(cell, np.asarray(data.test.labels), proba, facts))
    return made


def _record(
    cell: Cell,
    labels: NDArray[np.int64],
    proba: NDArray[np.float64],
    facts: Mapping[str, object],
) -> Record:
    scores = Scores.of(labels, np.log(np.maximum(proba, TINY)), proba)
    kept_labels, _, kept = scores.arrays()
    return Record.model_validate(
        {
            "key": cell.key,
            "cell": cell,
            "status": "ok",
            "metrics": score_all(kept_labels, kept.astype(np.float64)),
            "scores": scores,
            "environment": describe_environment("cpu", 1),
            **facts,
        }
    )
