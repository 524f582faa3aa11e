"""The two sides of a check: runs of a baseline or of a results folder, by case."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from imbench.errors import NotComparable
from imbench.records.groups import Basis, Group, MethodKey, group_records, method_order
from imbench.records.metric_specs import load_metric
from imbench.records.record import Record, Scores, label_type
from imbench.records.scored import score
from imbench.stats.metrics import Metric, predict

__all__ = [
    "MATTERS",
    "CaseKey",
    "Outputs",
    "PredictedClasses",
    "RecordedOutputs",
    "Run",
    "Side",
    "side_of",
]

MATTERS = (
    "torch",
    "torchvision",
    "numpy",
    "scikit-learn",
    "platform",
    "processor",
    "device",
    "numerics",
)
"""Fields of a record's environment that can change a score. Pillow is covered by the data's
fingerprint, the number of threads by the settings."""


class CaseKey(NamedTuple):
    """One method at one minority count on one data set."""

    basis: Basis
    recipe: str
    minority: int


class Outputs(Protocol):
    """Outputs of a classifier on each test image."""

    @property
    def classes_only(self) -> bool:
        """Whether only predicted classes are known, so that probabilities are 0 and 1."""
        ...

    def arrays(self) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return labels (n,) and probabilities (n, K)."""
        ...


@dataclass(frozen=True)
class RecordedOutputs:
    """Outputs as a record keeps them."""

    scores: Scores
    classes_only: bool = False

    def arrays(self) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return labels (n,) and probabilities (n, K)."""
        labels, _, proba = self.scores.arrays()
        return labels, proba


@dataclass(frozen=True)
class PredictedClasses:
    """Only the predicted classes: a byte an image instead of four bytes a class.

    `labels` and `predicted` are arrays (n,) of `label_type`.
    """

    labels: NDArray[np.unsignedinteger]
    predicted: NDArray[np.unsignedinteger]
    classes: int
    classes_only: bool = True

    @classmethod
    def of(cls, outputs: Outputs) -> PredictedClasses:
        """Return the predicted classes of any outputs."""
        labels, proba = outputs.arrays()
        kind = label_type(proba.shape[1])
        return cls(labels.astype(kind), predict(proba).astype(kind), int(proba.shape[1]))

    def arrays(self) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return labels (n,) and one-hot rows (n, K)."""
        rows = np.eye(self.classes, dtype=np.float32)[self.predicted]
        return self.labels.astype(np.int64), rows


@dataclass(frozen=True)
class Run:
    """One cell of one side.

    Attributes
    ----------
    status, reason : str
        As its record has them.
    scores : mapping
        Metric to score; empty unless the status is ``ok``.
    environment : mapping
        Those fields of `MATTERS` that are known.
    """

    status: str
    reason: str = ""
    scores: Mapping[str, float] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    outputs: Outputs | None = None

    @property
    def done(self) -> bool:
        """Whether it has scores."""
        return self.status == "ok"


@dataclass(frozen=True)
class Side:
    """All cells of one side.

    Attributes
    ----------
    runs : dict
        Case to seed to run, in the order of the tables.
    versions : dict
        Case to part name to version; of several versions of a recipe the newest.
    names : dict
        Basis to the names the data set was run under.
    commits : tuple of str
        Commits that made its records.
    """

    runs: Mapping[CaseKey, Mapping[int, Run]]
    versions: Mapping[CaseKey, Mapping[str, int]]
    names: Mapping[Basis, Sequence[str]]
    commits: tuple[str, ...] = ()

    def finished(self) -> Side:
        """Return the side without runs that have no score, and cases that have no run."""
        runs = {
            key: {seed: run for seed, run in slot.items() if run.done}
            for key, slot in self.runs.items()
        }
        return replace(self, runs={key: slot for key, slot in runs.items() if slot})

    def scores_only(self) -> Side:
        """Return the side without environments and versions, so that only scores are compared."""
        runs = {
            key: {seed: replace(run, environment={}) for seed, run in slot.items()}
            for key, slot in self.runs.items()
        }
        return replace(self, runs=runs, versions={key: {} for key in self.versions})

    def metrics(self) -> list[str]:
        """Return the metrics that some run has."""
        runs = (run for slot in self.runs.values() for run in slot.values())
        return list(dict.fromkeys(name for run in runs for name in run.scores))


def side_of(records: Iterable[Record], metrics: Sequence[str]) -> Side:
    """Return records as one side of a check, scored by `metrics`.

    Raises
    ------
    NotComparable
        If a record was edited since it was written.
    UsageError
        If a metric is unknown.
    """
    records = list(records)
    edited = [record for record in records if not record.intact]
    if edited:
        cell = edited[0].cell
        raise NotComparable(
            f"{len(edited)} record{'s' * (len(edited) > 1)} edited since written, the first of "
            f"{cell.recipe} at {cell.minority} of {cell.dataset}, seed {cell.seed}: run the cells "
            "again with --force"
        )
    loaded = {name: load_metric(name) for name in metrics}
    runs: dict[CaseKey, dict[int, Run]] = {}
    versions: dict[CaseKey, dict[str, int]] = {}
    names: dict[Basis, list[str]] = {}
    for group in group_records(records):
        names[group.basis] = group.names
        for row in _newest(group):
            for count in group.counts:
                slot = group.slots.get((row, count))
                if slot:
                    key = CaseKey(group.basis, row.recipe, count)
                    runs[key] = {seed: _run(slot[seed], loaded) for seed in sorted(slot)}
                    versions[key] = dict(row.versions)
    commits = tuple(sorted({record.commit for record in records if record.commit}))
    return Side(runs, versions, names, commits)


def _newest(group: Group) -> list[MethodKey]:
    newest = {row.recipe: row for row in sorted(group.rows, key=lambda row: row.versions)}
    return sorted(newest.values(), key=method_order)


def _run(record: Record, metrics: Mapping[str, Metric]) -> Run:
    known = {key: record.environment[key] for key in MATTERS if key in record.environment}
    if not record.done:
        return Run(record.status, record.reason, environment=known)
    scored = {name: score(record, name, metric)[0] for name, metric in metrics.items()}
    return Run(
        record.status,
        scores={name: value for name, value in scored.items() if value is not None},
        environment=known,
        outputs=None if record.scores is None else RecordedOutputs(record.scores),
    )
