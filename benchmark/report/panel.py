"""All scores of comparable records by one metric, and sums of them by replicate."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imbench.contained import Fault, contained
from imbench.errors import NotComparable, UsageError
from imbench.records.groups import Group, MethodKey, method_title
from imbench.records.record import Record
from imbench.records.scored import outputs, score
from imbench.report.means import WORDS
from imbench.stats.about_metrics import lower_is_better, score_range
from imbench.stats.bootstrap import RESAMPLES, crossed, rescored
from imbench.stats.effect import Effect
from imbench.stats.intervals import sum_bounds
from imbench.stats.metrics import Metric
from imbench.stats.paired import ENOUGH

__all__ = ["Panel", "RecipeCount", "Terms"]

RecipeCount = tuple[str, int]
"""Recipe and minority count."""
Terms = Mapping[RecipeCount, float]
"""Coefficients of the scores that are summed in each replicate."""


UNSCORED = "outputs cannot be scored on resamples"
_Outputs = tuple[NDArray[np.int64], NDArray[Any]]


class _Resampled:
    """Scores of the replicates of a recipe and count in each resample of the test images."""

    def __init__(self, faults: Mapping[int, str], columns: Mapping[int, NDArray[Any]]) -> None:
        self.faults = faults
        """Seed to the reason why it has none."""
        self._seeds = sorted(columns)
        ordered = [columns[seed] for seed in self._seeds]
        self._matrix = np.stack(ordered, axis=1) if columns else np.zeros((RESAMPLES, 0))

    def of(self, seeds: Sequence[int]) -> NDArray[np.float64]:
        """Return the scores of some replicates, shape (resamples, replicates)."""
        if list(seeds) == self._seeds:
            return self._matrix
        return self._matrix[:, [self._seeds.index(seed) for seed in seeds]]


class Panel:
    """Scores by recipe, minority count and seed.

    Parameters
    ----------
    group : Group
        Comparable records; of several versions of a recipe's parts the newest is used.
    name : str
        Registered name of the metric.
    metric : callable
        The metric.
    """

    def __init__(self, group: Group, name: str, metric: Metric) -> None:
        self.group, self.name, self.metric = group, name, metric
        self.lower = lower_is_better(name, metric)
        newest = sorted(group.rows, key=lambda row: row.versions)
        self.rows: dict[str, MethodKey] = {row.recipe: row for row in newest}
        self._scores: dict[RecipeCount, dict[int, float]] = {}
        self._faults: dict[RecipeCount, dict[int, str]] = {}
        self._resamples: dict[RecipeCount, _Resampled] = {}
        self._effects: dict[tuple[frozenset[tuple[RecipeCount, float]], float], Effect] = {}

    def title(self, recipe: str) -> str:
        """Return a method's name as a table prints it."""
        return method_title(recipe)

    def scores(self, key: RecipeCount) -> dict[int, float]:
        """Return seed to score."""
        self._read(key)
        return self._scores[key]

    def faults(self, key: RecipeCount) -> dict[int, str]:
        """Return the seeds that ended without a score, with the reason."""
        self._read(key)
        return self._faults[key]

    def counts(self, recipes: Sequence[str], seeds: int = 1) -> list[int]:
        """Return the counts at which at least `seeds` seeds have scores of all recipes."""
        return [
            count
            for count in self.group.counts
            if len(self.seeds([(recipe, count) for recipe in recipes])) >= seeds
        ]

    def seeds(self, keys: Sequence[RecipeCount]) -> list[int]:
        """Return the seeds that have a score of every recipe and count."""
        return sorted(set.intersection(*(set(self.scores(key)) for key in keys)))

    def lacking(self, keys: Sequence[RecipeCount]) -> dict[int, list[int]]:
        """Return the seeds with some of the scores, not all: seed to the counts that lack one."""
        scored = {key: self.scores(key) for key in keys}
        return {
            seed: sorted({count for (_, count), found in scored.items() if seed not in found})
            for seed in sorted(set().union(*scored.values()) - set(self.seeds(keys)))
        }

    def mean(self, key: RecipeCount) -> float:
        """Return the mean over seeds, NaN if there is none."""
        values = self.scores(key).values()
        return math.fsum(values) / len(values) if values else math.nan

    def effect(self, terms: Terms, constant: float = 0.0) -> Effect:
        """Return the sum of the terms and a constant in each replicate that has all scores.

        That of the opposite terms is kept, for a page compares every two methods both ways.
        """
        key, opposite = (
            (frozenset((term, sign * factor) for term, factor in terms.items()), sign * constant)
            for sign in (1, -1)
        )
        if key not in self._effects:
            known = self._effects.get(opposite)
            self._effects[key] = self._effect(terms, constant) if known is None else -known
        return self._effects[key]

    def quick_effect(self, terms: Terms, constant: float = 0.0) -> Effect:
        """Return what `effect` does, without the bootstrap over test images.

        The bootstrap can only widen what the t interval says. So what cannot be established here
        cannot be established by `effect` either, and a page of many cells need not resample it.
        """
        scored = [(factor, self.scores(key)) for key, factor in terms.items()]
        seeds = sorted(set.intersection(*(set(found) for _, found in scored)))
        values = {
            seed: math.fsum([constant, *(factor * found[seed] for factor, found in scored)])
            for seed in seeds
        }
        return Effect(
            values, sum_bounds(terms.values(), score_range(self.name, self.metric), constant)
        )

    def _effect(self, terms: Terms, constant: float) -> Effect:
        quick = self.quick_effect(terms, constant)
        values, bounds, seeds = quick.values, quick.bounds, list(quick.values)
        if len(seeds) < ENOUGH:  # too few for words that need an interval
            return quick
        resampled = {key: self._resampled(key) for key in terms}
        faults = [
            one.faults[seed] for seed in seeds for one in resampled.values() if seed in one.faults
        ]
        if faults:
            return Effect(values, bounds, no_bootstrap=faults[0])
        summed = np.full((RESAMPLES, len(seeds)), constant)
        for key, factor in terms.items():
            summed += factor * resampled[key].of(seeds)
        made = crossed(summed)
        ends, inner = (made.interval(level, bounds) for level in (0.95, 0.9))
        return Effect(values, bounds, ends, inner, self._images)

    @property
    def _images(self) -> int:
        return sum(self.group.test_counts)

    def _read(self, key: RecipeCount) -> None:
        if key in self._scores:
            return
        scores, faults = {}, {}
        for seed, record in self._slot(key).items():
            value = score(record, self.name, self.metric)[0] if record.done else None
            if value is None:
                faults[seed] = WORDS["unscored" if record.done else record.status]
            else:
                scores[seed] = value
        self._scores[key], self._faults[key] = scores, faults

    def _slot(self, key: RecipeCount) -> dict[int, Record]:
        recipe, count = key
        return self.group.slots.get((self.rows[recipe], count), {}) if recipe in self.rows else {}

    def _resampled(self, key: RecipeCount) -> _Resampled:
        """Score the records of a recipe and count in resamples of the test images.

        The resamples are the same for all records.
        """
        if key not in self._resamples:
            read = {seed: self._outputs(self._slot(key)[seed]) for seed in self.scores(key)}
            faults = {seed: one for seed, one in read.items() if isinstance(one, str)}
            outputs = {seed: one for seed, one in read.items() if not isinstance(one, str)}
            self._resamples[key] = self._rescored(outputs, faults)
        return self._resamples[key]

    def _outputs(self, record: Record) -> _Outputs | str:
        """Return labels and probabilities of a record's test images, or why there are none."""
        try:
            # Parts of others say what their outputs assume.
            with contained(NotComparable, UsageError, ValueError):
                labels, proba = outputs(record, self.metric)
                counts = np.bincount(labels, minlength=proba.shape[1]).tolist()
        except (NotComparable, UsageError) as error:
            return str(error)
        except (ValueError, Fault) as error:
            return f"{UNSCORED} ({error})"
        fits = counts == self.group.test_counts
        return (labels, proba) if fits else "some outputs are of other test images"

    def _rescored(self, outputs: Mapping[int, _Outputs], faults: dict[int, str]) -> _Resampled:
        """Score outputs in all resamples, by seed; add to `faults` what cannot be scored."""
        columns: dict[int, NDArray[np.float64]] = {}
        same: dict[bytes, list[int]] = {}
        for seed, (labels, _) in outputs.items():
            same.setdefault(labels.tobytes(), []).append(seed)
        for seeds in same.values():
            try:
                columns |= self._scored_together({seed: outputs[seed] for seed in seeds})
            except (ValueError, NotComparable):  # damaged outputs, a metric that fails on some
                for seed in seeds:
                    try:
                        columns |= self._scored_together({seed: outputs[seed]})
                    except (ValueError, NotComparable) as error:
                        faults[seed] = f"{UNSCORED} ({error})"
        return _Resampled(faults, columns)

    def _scored_together(self, outputs: Mapping[int, _Outputs]) -> dict[int, NDArray[np.float64]]:
        labels = next(iter(outputs.values()))[0]
        made = rescored(self.name, self.metric, labels, [proba for _, proba in outputs.values()])
        return dict(zip(outputs, made.T, strict=True))
