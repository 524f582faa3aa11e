"""What `bench fit` prints: what it is about to train, and what the model is worth."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from imbench.models.description import Description, Expected
    from imbench.models.fitting import FitOptions, Fitted, Source

__all__ = ["end_lines", "plan_lines"]


def plan_lines(source: Source, options: FitOptions) -> Iterator[str]:
    """Yield the images, the trainings, and what was done to the data."""
    decoded = source.decoded
    counts = decoded.train.counts(len(decoded.classes)).tolist()
    images = ", ".join(f"{n} {name}" for n, name in zip(counts, decoded.classes, strict=True))
    yield f"{source.spec}: {images}; {source.view.words}"
    yield (
        f"{options.recipe}, {options.settings.network}, {options.settings.steps} steps: "
        f"{options.members} networks on all of them, and as many in each of {options.folds} folds: "
        f"{options.trainings} trainings, {options.jobs} at a time"
    )
    for note in decoded.notes:
        yield f"note: {note.line}"


def end_lines(
    written: Description, fitted: Fitted, out: Path, test_counts: Sequence[int]
) -> Iterator[str]:
    """Yield the decision, the scores expected and met, and where the model lies."""
    yield f"Decision   {written.decision.words(written.core.classes)}"
    if len(fitted.thresholds) > 1:
        yield (
            f"           the folds would have chosen {min(fitted.thresholds):.4g} to "
            f"{max(fitted.thresholds):.4g}"
        )
    by_source: dict[str, list[Expected]] = {}
    for one in written.expected:
        by_source.setdefault(one.source, []).append(one)
    for source, rows in by_source.items():
        yield from _score_lines(source, rows)
    yield from _surprises(by_source)
    yield from _share(written.core.classes, test_counts)
    size = len(fitted.weights) / 1e6
    yield f"Wrote      {out}: model.json, weights.safetensors ({size:.1f} MB), README.md"
    yield f"Next       bench predict {shlex.quote(str(out))} FOLDER --csv predictions.csv"


def _score_lines(source: str, rows: list[Expected]) -> Iterator[str]:
    from imbench.models.card import score_line

    first = rows[0]
    words = {
        "cross-validation": f"by cross-validation, {first.images} images",
        "records": f"by {first.seeds} records of single networks, decided by the highest "
        f"probability, {first.minority} minority images",
        "test images": f"on {first.images} test images, which had no part in it",
    }
    yield (
        f"Expected   {words[source]}:"
        if source != "test images"
        else f"Met        {words[source]}:"
    )
    yield f"           {', '.join(f'{one.metric} {score_line(one)}' for one in rows)}"
    ranges = [one for one in rows if one.sample_low is not None]
    if ranges:
        told = (f"{one.metric} {one.sample_low:.3f} to {one.sample_high:.3f}" for one in ranges)
        yield f"           on {ranges[0].sample} images, in 95 of 100 cases: {', '.join(told)}"


def _share(classes: Sequence[str], test_counts: Sequence[int]) -> Iterator[str]:
    """Say for which share of the minority F1 and precision hold."""
    if len(classes) == 2 and sum(test_counts) > 0:
        yield (
            f"note: F1 and precision are those of images of which {test_counts[1]} in "
            f"{sum(test_counts)} are {classes[1]}, as in the test split; where it is rarer they "
            "are lower, and recall, ACSA and AUROC are the same"
        )


def _surprises(by_source: dict[str, list[Expected]]) -> Iterator[str]:
    """Say which scores on the test images lie beyond what cross-validation led to expect."""
    met = {one.metric: one.value for one in by_source.get("test images", ())}
    beyond = []
    for one in by_source.get("cross-validation", ()):
        if one.sample_low is None or one.sample_high is None or one.metric not in met:
            continue
        if not one.sample_low <= met[one.metric] <= one.sample_high:
            beyond.append(one.metric)
    if beyond:
        yield (
            f"note: {', '.join(beyond)} on the test images lies beyond what cross-validation led "
            "to expect: test and training images differ, or training images are alike in groups "
            "that the data set does not name"
        )
