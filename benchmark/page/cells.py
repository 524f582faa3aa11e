"""One record as the page shows it: scores, curves, confusion, cost, end of its log, pictures."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imbench.page.images import Gallery, Pictures, wrong_rows
from imbench.records.record import PHASES, Record
from imbench.records.scored import score
from imbench.report.sheet import visible
from imbench.spec import short_name
from imbench.stats.curves import precision_recall, reliability, roc, thinned
from imbench.stats.metrics import Metric, confusion, predict

__all__ = ["Maker", "seconds"]

POINTS = 60
"""Points of a curve: at 260 pixels none is missed."""
FEWER = 20
MANY = 1000
"""Records from which on a curve has `FEWER` points, so that the page stays below 10 MB."""
CURVES = 4
"""Minority classes that curves are drawn of."""
LOG_BYTES = 3000
LOG_LINES = 25


@dataclass
class Maker:
    """Turns records into plain data.

    Attributes
    ----------
    metrics : dict
        Name to metric: the scores to show beside those that a record holds.
    pictures : Pictures
        What generators left.
    folder : Path or None
        The results folder, for logs.
    images : int
        Most wrongly classified images a record.
    points : int
        Most points of a curve.
    settings, environments : list
        What records share, each kept once.
    """

    metrics: Mapping[str, Metric]
    pictures: Pictures
    folder: Path | None = None
    images: int = 8
    points: int = POINTS
    settings: list[dict[str, str]] = field(default_factory=list)
    environments: list[dict[str, str]] = field(default_factory=list)

    def __call__(self, record: Record, gallery: Gallery) -> dict[str, Any]:
        """Return a record as plain data; what cannot be made of it is left out with a reason."""
        made = {
            "seed": record.cell.seed,
            "minority": record.cell.minority,
            "dataset": visible(short_name(record.cell.dataset)),
            "status": record.status,
            "reason": visible(record.reason),
            "key": visible(record.key),
            "commit": visible(record.commit),
            "started": visible(record.started),
            "versions": {visible(k): v for k, v in record.cell.versions.items()},
            "shared": visible(record.shared_with),
            "train": record.train_counts,
            "sampled": [number(count) for count in record.sampled_counts],
            "test": record.test_counts,
            "skipped": record.images_skipped,
            "notes": [visible(note) for note in record.notes],
            "cost": {visible(name): number(value) for name, value in record.cost.items()},
            "intact": record.intact,
            "scores": self._scores(record),
            "settings": place_among(self.settings, _texts(record.cell.settings.model_dump())),
            "environment": place_among(self.environments, _texts(record.environment)),
            "log": self._log(record),
            "pictures": self.pictures.of(record.files),
        }
        try:
            made |= self._outputs(record, gallery)
        except Exception as error:  # a damaged record must not cost the page
            made["no_outputs"] = visible(f"the outputs cannot be read: {error}")
        return made

    def _scores(self, record: Record) -> dict[str, float | None]:
        found = {visible(name): number(value) for name, value in record.metrics.items()}
        for name, metric in self.metrics.items():
            if record.done and name not in record.metrics:
                found[name] = number(score(record, name, metric)[0])
        return found

    def _outputs(self, record: Record, gallery: Gallery) -> dict[str, Any]:
        if record.scores is None:
            return {"no_outputs": "the record keeps no outputs of single images"}
        labels, _, proba = record.scores.arrays()
        counts = confusion(labels, proba)
        chosen = range(1, min(proba.shape[1], 1 + CURVES))
        return {
            "confusion": counts.tolist(),
            "curves": [self._curves(labels == c, proba[:, c]) for c in chosen],
            **self._wrong(labels, proba, gallery),
        }

    def _curves(self, positive: NDArray[np.bool_], share: NDArray[Any]) -> dict[str, Any]:
        return {
            "roc": rounded(thinned(roc(positive, share), self.points)),
            "pr": rounded(thinned(precision_recall(positive, share), self.points)),
            "reliability": rounded(reliability(positive, share)),
        }

    def _wrong(
        self, labels: NDArray[np.int64], proba: NDArray[Any], gallery: Gallery
    ) -> dict[str, Any]:
        predicted = predict(proba)
        count = int((predicted != labels).sum())
        if not self.images:
            return {"wrong_count": count, "no_images": "images were not asked for"}
        if gallery.decoded is None:
            return {"wrong_count": count, "no_images": gallery.reason}
        if not gallery.fits(labels):
            return {"wrong_count": count, "no_images": "the record has other test images"}
        wrong = [
            [row, int(labels[row]), int(predicted[row]), number(proba[row, predicted[row]])]
            for row in wrong_rows(labels, predicted, proba, self.images)
            if gallery.add(row)
        ]
        return {"wrong_count": count, "wrong": wrong}

    def _log(self, record: Record) -> str:
        """Return the end of a record's log; empty if there is none below the results folder."""
        if self.folder is None or not record.log:
            return ""
        path = self.folder / record.log
        try:
            if not path.resolve().is_relative_to(self.folder.resolve()):
                return ""
            with path.open("rb") as file:
                file.seek(max(0, path.stat().st_size - LOG_BYTES))
                lines = file.read().decode("utf-8", "replace").splitlines()
        except (OSError, ValueError):
            return ""
        return "\n".join(visible(line) for line in lines[-LOG_LINES:])


def seconds(record: Record, others: Mapping[str, Record]) -> float | None:
    """Return what a record's training and scoring took, its generator's training included.

    Who shares a training, or a generator that another cell had trained, is charged for it too: it
    is not free. None where the time is not known, or not the record whose training was shared.

    Parameters
    ----------
    record : Record
        Of any status.
    others : mapping
        Key to record, for the one that trained.
    """
    source = others.get(record.shared_with) if record.shared_with else record
    if source is None:
        return None
    spent = [source.cost.get(phase) for phase in PHASES]
    known = [value for value in spent if value is not None]
    if not known:
        return None
    reused = bool(source.cost.get("generator_reused"))
    return number(math.fsum(known) + (source.cost.get("generator_seconds", 0.0) if reused else 0.0))


def number(value: float | None, digits: int = 6) -> float | None:
    """Return a number with so many significant digits; None for what JSON cannot hold."""
    if value is None or not math.isfinite(value):
        return None
    return float(f"{value:.{digits}g}")


def rounded(points: NDArray[np.float64]) -> list[list[float]]:
    """Return points with four decimals, which is half a pixel of a plot 5,000 wide."""
    return [[round(value, 4) for value in row] for row in points.tolist()]


def place_among(shared: list[dict[str, str]], one: dict[str, str]) -> int:
    """Return the place of `one` among `shared`, appended if it is new."""
    if one not in shared:
        shared.append(one)
    return shared.index(one)


def _texts(plain: Mapping[str, Any]) -> dict[str, str]:
    return {visible(str(key)): visible(str(value)) for key, value in plain.items()}
