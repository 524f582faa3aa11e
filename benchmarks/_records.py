"""Made-up records, real in form: outputs on test images, written by the store, no training."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from imbench.records.cell import Cell
from imbench.records.record import Record, Scores
from imbench.records.store import Store
from imbench.stats.metrics import score_all

__all__ = ["Made", "outputs", "put_all", "records"]

Made = tuple[dict[str, float], Scores]
"""Scores by name, and what they are of."""


def outputs(test: Sequence[int]) -> Iterator[Made]:
    """Yield outputs without end, on so many test images of each class."""
    labels = np.repeat(np.arange(len(test)), test)
    rng = np.random.default_rng(0)
    while True:
        logits = rng.normal(np.eye(len(test))[labels])
        powers = np.exp(logits)
        proba = powers / powers.sum(axis=1, keepdims=True)
        yield score_all(labels, proba), Scores.of(labels, logits, proba)


def records(
    cells: Iterable[Cell], made: Iterable[Made], *, majority: int, test: Sequence[int]
) -> Iterator[Record]:
    """Make a finished record of each cell, from the next of the outputs."""
    for cell, (metrics, scores) in zip(cells, made, strict=False):
        yield Record(
            key=cell.key,
            cell=cell,
            status="ok",
            metrics=metrics,
            scores=scores,
            train_counts=[majority, cell.minority],
            sampled_counts=[majority, cell.minority],
            test_counts=list(test),
            cost={"prepare": 0.1, "fit": 1.0, "predict": 0.1},
            environment={"device": "cpu", "torch": "2.4"},
            started="2025-01-01T00:00:00.000+00:00",
        )


def put_all(folder: Path, made: Iterable[Record]) -> int:
    """Write records to a results folder, as runs leave them; return how many."""
    store, sync, count = Store(folder), os.fsync, 0
    os.fsync = lambda _: None  # writing is not what is measured
    try:
        for record in made:
            store.put(record)
            count += 1
    finally:
        os.fsync = sync
    return count
