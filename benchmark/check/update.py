"""Make a baseline of results."""

from __future__ import annotations

import math
from collections.abc import Iterable

from imbench.check.baseline import Baseline, BaselineRow, Data, pack_classes
from imbench.check.sides import CaseKey, PredictedClasses, Run, Side
from imbench.errors import NotComparable
from imbench.records.groups import Basis
from imbench.version import imbench_version

__all__ = ["baseline_of"]

DIGITS = 10
"""Decimals of a score in the file."""


def baseline_of(side: Side, *, reason: str, made: str, predictions: bool = False) -> Baseline:
    """Return a side's finished runs as a baseline.

    Parameters
    ----------
    side : Side
        Returned by `imbench.check.sides.side_of`; all its metrics are kept.
    reason : str
        Why the scores changed.
    made : str
        Day.
    predictions : bool
        Keep the predicted class of each test image, for statistical checks.

    Raises
    ------
    NotComparable
        If no run is finished.
    """
    side = side.finished()
    if not side.runs:
        raise NotComparable("no record has a score, so there is nothing to make a baseline of")
    environments: list[dict[str, str]] = []
    data = [
        _baseline_data(basis, side, environments, predictions)
        for basis in dict.fromkeys(key.basis for key in side.runs)
    ]
    return Baseline(
        reason=reason,
        made=made,
        imbench=imbench_version(),
        commits=list(side.commits),
        environments=environments,
        data=data,
    )


def _baseline_data(
    basis: Basis, side: Side, environments: list[dict[str, str]], predictions: bool
) -> Data:
    keys = [key for key in side.runs if key.basis == basis]
    labels, classes = "", 0
    if predictions:
        first = _predicted_classes(run for key in keys for run in side.runs[key].values())
        labels, classes = pack_classes(first.labels), first.classes
    return Data(
        names=list(side.names[basis]),
        fingerprint=basis.fingerprint,
        majority=basis.majority,
        protocol=basis.protocol,
        settings=basis.settings,
        by_class=basis.by_class,
        classes=classes,
        labels=labels,
        lines=[_baseline_row(key, side, environments, predictions) for key in keys],
    )


def _baseline_row(
    key: CaseKey, side: Side, environments: list[dict[str, str]], predictions: bool
) -> BaselineRow:
    runs = side.runs[key]
    numbers = []
    for run in runs.values():
        if run.environment not in environments:
            environments.append(dict(run.environment))
        numbers.append(environments.index(dict(run.environment)))
    known = dict.fromkeys(name for run in runs.values() for name in run.scores)
    scores = {name: [_rounded(run.scores.get(name)) for run in runs.values()] for name in known}
    packed = (
        [pack_classes(_predicted_classes([run]).predicted) for run in runs.values()]
        if predictions
        else None
    )
    return BaselineRow(
        recipe=key.recipe,
        minority=key.minority,
        versions=dict(side.versions[key]),
        seeds=list(runs),
        environment=numbers,
        scores=scores,
        predicted=packed,
    )


def _rounded(score: float | None) -> float | None:
    return None if score is None or not math.isfinite(score) else round(score, DIGITS)


def _predicted_classes(runs: Iterable[Run]) -> PredictedClasses:
    for run in runs:
        if run.outputs is not None:
            return PredictedClasses.of(run.outputs)
    raise NotComparable("the records keep no outputs, so there are no predictions to keep")
