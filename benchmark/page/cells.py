"""Records as data of the page: scores, curves, confusion, cost, end of the log, pictures."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imbench.files.reading import open_regular
from imbench.page.images import Gallery, Pictures, misclassified_rows
from imbench.records.groups import shots_label
from imbench.records.record import PHASES, Record
from imbench.records.scored import score
from imbench.safe_text import visible
from imbench.short_names import short_name
from imbench.stats.curves import precision_recall, reliability, roc, thinned
from imbench.stats.metrics import Metric, confusion, predict
from imbench.stats.shot_groups import shot_groups

__all__ = [
    "FEWER_POINTS",
    "MANY_RECORDS",
    "POINTS",
    "CellBuilder",
    "cell_seconds",
    "json_number",
]

POINTS = 60
"""Points of a curve: enough for a plot of 260 pixels."""
FEWER_POINTS = 20
MANY_RECORDS = 1000
"""From so many records on a curve has `FEWER_POINTS`, so that the page stays below 10 MB."""
CURVES = 4
"""Minority classes with curves."""
LOG_BYTES = 3000
LOG_LINES = 25


@dataclass
class CellBuilder:
    """Turns records into plain data for the scripts of the page.

    Attributes
    ----------
    metrics : dict
        Name to metric: scores to add to those in a record.
    pictures : Pictures
        Embeds the pictures that generators drew.
    folder : Path or None
        The results folder, to read logs from.
    images : int
        Maximum number of misclassified images a record.
    points : int
        Maximum number of points of a curve.
    settings, environments : list
        Settings and environments of all records, each once; cells hold their indices.
    """

    metrics: Mapping[str, Metric]
    pictures: Pictures
    folder: Path | None = None
    images: int = 8
    points: int = POINTS
    settings: list[dict[str, str]] = field(default_factory=list)
    environments: list[dict[str, str]] = field(default_factory=list)

    def build(self, record: Record, gallery: Gallery) -> dict[str, Any]:
        """Return a record as plain data; outputs that cannot be read are left out with a reason."""
        settings = _visible_items(record.cell.settings.model_dump())
        cell = {
            "seed": record.cell.seed,
            "minority": shots_label(record.cell),
            "dataset": visible(short_name(record.cell.dataset)),
            "status": record.status,
            "reason": visible(record.reason),
            "key": visible(record.key),
            "commit": visible(record.commit),
            "started": visible(record.started),
            "versions": {visible(k): v for k, v in record.cell.versions.items()},
            "shared": visible(record.shared_with),
            "train": record.train_counts,
            "sampled": [json_number(count) for count in record.sampled_counts],
            "test": record.test_counts,
            "skipped": record.images_skipped,
            "notes": [visible(note) for note in record.notes],
            "cost": {visible(name): json_number(value) for name, value in record.cost.items()},
            "intact": record.intact,
            "scores": self._scores(record),
            "settings": _shared_index(self.settings, settings),
            "environment": _shared_index(self.environments, _visible_items(record.environment)),
            "log": self._log(record),
            "pictures": self.pictures.of(record.files),
        }
        try:
            cell |= self._outputs(record, gallery)
        except Exception as error:  # one damaged record must not prevent the page
            cell["no_outputs"] = visible(f"the outputs cannot be read: {error}")
        return cell

    def build_brief(self, record: Record, _: Gallery) -> dict[str, Any]:
        """Return what a record of many shows: the scores of the page, its state and key."""
        scores = self._scores(record)
        return {
            "seed": record.cell.seed,
            "minority": shots_label(record.cell),
            "status": record.status,
            "reason": visible(record.reason),
            "key": visible(record.key),
            "scores": {name: scores[name] for name in map(visible, self.metrics) if name in scores},
            "brief": True,
        }

    def _scores(self, record: Record) -> dict[str, float | None]:
        scores = {visible(name): json_number(value) for name, value in record.metrics.items()}
        for name, metric in self.metrics.items():
            if record.done and name not in record.metrics:
                scores[name] = json_number(score(record, name, metric)[0])
        return scores

    def _outputs(self, record: Record, gallery: Gallery) -> dict[str, Any]:
        if record.scores is None:
            return {"no_outputs": "the record keeps no outputs of single images"}
        labels, _, proba = record.scores.arrays()
        counts = confusion(labels, proba)
        minorities = range(1, min(proba.shape[1], 1 + CURVES))
        return {
            "confusion": counts.tolist(),
            "shots": _shots(record, proba.shape[1]),
            "curves": [self._curves(labels == c, proba[:, c]) for c in minorities],
            **self._misclassified(labels, proba, gallery),
        }

    def _curves(self, positive: NDArray[np.bool_], proba: NDArray[Any]) -> dict[str, Any]:
        return {
            "roc": json_points(thinned(roc(positive, proba), self.points)),
            "pr": json_points(thinned(precision_recall(positive, proba), self.points)),
            "reliability": json_points(reliability(positive, proba)),
        }

    def _misclassified(
        self, labels: NDArray[np.int64], proba: NDArray[Any], gallery: Gallery
    ) -> dict[str, Any]:
        predicted = predict(proba)
        count = int((predicted != labels).sum())
        if not self.images:
            return {"wrong_count": count, "no_images": "images were not requested"}
        if gallery.decoded is not None and not gallery.fits(labels):
            return {"wrong_count": count, "no_images": "the record has other test images"}
        wrong = []
        for row in misclassified_rows(labels, predicted, proba, self.images):
            gallery.name(row, len(labels))
            if gallery.add(row) or row in gallery.names:
                said = int(predicted[row])
                wrong.append([row, int(labels[row]), said, json_number(proba[row, said])])
        if not wrong and gallery.decoded is None:
            return {"wrong_count": count, "no_images": gallery.reason}
        return {"wrong_count": count, "wrong": wrong}

    def _log(self, record: Record) -> str:
        """Return the end of a record's log; empty if the results folder has none."""
        if self.folder is None or not record.log:
            return ""
        path = self.folder / record.log
        try:
            if not path.resolve().is_relative_to(self.folder.resolve()):
                return ""
            with open_regular(path) as file:
                file.seek(max(0, path.stat().st_size - LOG_BYTES))
                lines = file.read().decode("utf-8", "replace").splitlines()
        except (OSError, ValueError):
            return ""
        return "\n".join(visible(line) for line in lines[-LOG_LINES:])


def cell_seconds(record: Record, others: Mapping[str, Record]) -> float | None:
    """Return the time of a record's training and scoring, with its generator's training.

    A training or generator that another cell trained counts in full for every cell that uses it.
    None if the time, or the record whose training was shared, is unknown.

    Parameters
    ----------
    record : Record
        Of any status.
    others : mapping
        Key to record, to find the one whose training was shared.
    """
    source = others.get(record.shared_with) if record.shared_with else record
    if source is None:
        return None
    times = [source.cost[phase] for phase in PHASES if source.cost.get(phase) is not None]
    if not times:
        return None
    if source.cost.get("generator_reused"):
        times.append(source.cost.get("generator_seconds", 0.0))
    return json_number(math.fsum(times))


def json_number(value: float | None, digits: int = 6) -> float | None:
    """Return a number rounded to significant digits; None for NaN and infinity."""
    if value is None or not math.isfinite(value):
        return None
    return float(f"{value:.{digits}g}")


def json_points(points: NDArray[np.float64]) -> list[list[float]]:
    """Return points with four decimals: half a pixel of a plot 5,000 pixels wide."""
    return [[round(value, 4) for value in row] for row in points.tolist()]


def _shots(record: Record, classes: int) -> dict[str, list[int]]:
    """Return the labels of classes with many, medium and few training images, of three or more."""
    known = len(record.train_counts) == classes > 2
    return shot_groups(record.train_counts) if known else {}


def _shared_index(shared: list[dict[str, str]], item: dict[str, str]) -> int:
    """Return the index of an item in a list, appended if it is new."""
    if item not in shared:
        shared.append(item)
    return shared.index(item)


def _visible_items(plain: Mapping[str, Any]) -> dict[str, str]:
    return {visible(str(key)): visible(str(value)) for key, value in plain.items()}
