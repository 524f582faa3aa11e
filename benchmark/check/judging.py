"""Judge pairs of scores in three ways: equal, nearly equal, or no worse than by chance.

- `exact`: only a change of code changes a score, so every fall counts.
- `near`: the two sides round differently (another processor, another torch). Training amplifies
  that independently in each cell, so the cells of a method, over all its counts and seeds, are a
  sample of its effect.
- `statistical`: runs differ by chance, which the cells of a replicate may share.

All are pure functions; gains are above 0 where the score got better, also where lower is better.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from imbench.check.sides import CaseKey, Side
from imbench.errors import NotComparable
from imbench.records.groups import format_ranges
from imbench.records.metric_specs import load_metric
from imbench.stats import confusions
from imbench.stats.about_metrics import score_range
from imbench.stats.bootstrap import crossed, rescored
from imbench.stats.configured import TEST_PRIOR, wants
from imbench.stats.flips import fewest, max_t
from imbench.stats.intervals import Ends, holm, mean_interval, paired_p, sum_bounds
from imbench.stats.paired import pairs_for_power

__all__ = [
    "LEAST_CELLS",
    "Judgement",
    "Pairs",
    "Verdict",
    "exact",
    "method_of",
    "near",
    "over_images",
    "statistical",
]

Verdict = Literal[
    "worse", "failed", "not comparable", "missing", "inconclusive", "better", "new", "same"
]
"""Outcome of a comparison with the baseline; docs/regression.md defines each."""

ROUNDED = 1e-9
"""Scores closer than this are equal: a baseline keeps ten digits."""
LEAST_CELLS = 5
"""Fewest cells of a method that `near` judges."""


@dataclass(frozen=True)
class Pairs:
    """Scores of one method at one count by one metric, on both sides, by seed."""

    key: CaseKey
    metric: str
    lower: bool
    before: Mapping[int, float]
    after: Mapping[int, float]

    @cached_property
    def gains(self) -> dict[int, float]:
        """Return how much better each seed of both sides became."""
        sign = -1 if self.lower else 1
        gains = {
            seed: sign * (self.after[seed] - self.before[seed])
            for seed in sorted(self.before)
            if seed in self.after
        }
        return {seed: 0.0 if abs(gain) <= ROUNDED else gain for seed, gain in gains.items()}

    @cached_property
    def bounds(self) -> Ends:
        """Return the least and the largest gain there can be."""
        metric = load_metric(self.metric)
        return sum_bounds((1.0, -1.0), score_range(self.metric, metric))

    @property
    def equal(self) -> bool:
        """Whether no score changed."""
        return not any(self.gains.values())


@dataclass(frozen=True)
class Judgement:
    """A verdict and the reason for it."""

    verdict: Verdict
    reason: str


OverImages = Callable[[Pairs, float], Ends | str]
"""Pairs and a level to the interval of the mean gain over replicates and test images, or why there
is none."""


def exact(pairs: Pairs, margin: float = 0.0) -> Judgement:
    """Judge scores that must be equal: worse if any seed fell by more than `margin`."""
    if pairs.equal:
        return Judgement("same", "equal")
    fell = [seed for seed, gain in pairs.gains.items() if gain < -margin]
    rose = [seed for seed, gain in pairs.gains.items() if gain > margin]
    reasons = [f"{_format_seeds(fell)} got worse"] if fell else []
    reasons += [f"{_format_seeds(rose)} got better"] if rose else []
    if fell or rose:
        return Judgement("worse" if fell else "better", ", ".join(reasons))
    return Judgement("same", f"changed by {margin:g} or less")


def near(
    cases: Sequence[Pairs], margins: Mapping[str, float], alpha: float, because: str
) -> list[Judgement]:
    """Judge each method by one metric over all its counts and seeds: one-sided t tests, Holm.

    The verdict on a method is that on each of its cases.
    """
    methods: dict[tuple[object, ...], list[Pairs]] = {}
    for pairs in cases:
        methods.setdefault(method_of(pairs), []).append(pairs)
    gains = {
        method: [gain for pairs in cells for gain in pairs.gains.values()]
        for method, cells in methods.items()
    }
    tested = [method for method, values in gains.items() if len(values) >= LEAST_CELLS]
    fall = dict(zip(tested, holm([_fall_p(gains[method]) for method in tested]), strict=True))
    rise = dict(
        zip(tested, holm([_fall_p(_negated(gains[method])) for method in tested]), strict=True)
    )
    judged = {}
    for method, cells in methods.items():
        values, margin = gains[method], margins[cells[0].metric]
        if method not in fall:
            reason = f"{len(values)} cells of the method, at least {LEAST_CELLS} are needed"
            judged[method] = Judgement("inconclusive", f"{reason} ({because})")
            continue
        mean, ends, n = mean_interval(values, 1 - 2 * alpha, cells[0].bounds)
        assert ends is not None  # noqa: S101 - there are five values or more
        summary = f"mean over {n} cells of the method {mean:+.3f} ({ends[0]:+.3f}..{ends[1]:+.3f})"
        verdict: Verdict = "inconclusive"
        if mean < -margin and fall[method] <= alpha:
            verdict = "worse"
        elif mean > margin and rise[method] <= alpha:
            verdict = "better"
        elif ends[0] >= -margin:
            verdict = "same"
        judged[method] = Judgement(verdict, f"{summary}, compared within {margin:g} ({because})")
    return [judged[method_of(pairs)] for pairs in cases]


def statistical(
    cases: Sequence[Pairs], margins: Mapping[str, float], alpha: float, ends: OverImages
) -> list[Judgement]:
    """Judge each case by its paired differences; see `imbench.stats.flips` for the test.

    All of it is about the margin, not about 0. Worse: a fall of the margin or less is refuted by
    the test, at level `alpha` for all cases together, and by the interval over test images. Same:
    the lower end of the intervals, one-sided at `alpha`, lies above minus the margin.
    """
    least = fewest(alpha)
    testable = [index for index, pairs in enumerate(cases) if len(pairs.gains) >= least]
    seeds = sorted({seed for index in testable for seed in cases[index].gains})
    scales = [margins[cases[i].metric] for i in testable]

    def beyond(sign: int) -> NDArray[np.float64]:
        """Return the gains less the margin; 0, no evidence, for seeds that one side lacks."""
        table = [
            [pairs.gains[seed] - sign * margin if seed in pairs.gains else 0.0 for seed in seeds]
            for pairs, margin in zip((cases[i] for i in testable), scales, strict=True)
        ]
        return np.array(table).reshape(len(testable), len(seeds))

    rise, fall = max_t(beyond(1), scales)[0], max_t(beyond(-1), scales)[1]
    p_values = {index: (rise[row], fall[row]) for row, index in enumerate(testable)}
    return [
        _judge_case(pairs, margins[pairs.metric], alpha, p_values[index], ends)
        if index in p_values
        else Judgement(
            "inconclusive",
            f"{len(pairs.gains)} seed{'s' * (len(pairs.gains) != 1)} of both sides, at "
            f"least {least} are needed at alpha {alpha:g}",
        )
        for index, pairs in enumerate(cases)
    ]


def _judge_case(
    pairs: Pairs, margin: float, alpha: float, p: tuple[float, float], ends: OverImages
) -> Judgement:
    values = list(pairs.gains.values())
    mean, of_seeds, n = mean_interval(values, 1 - 2 * alpha, pairs.bounds)
    assert of_seeds is not None  # noqa: S101 - alpha < 0.5, so there are two or more
    low, high = of_seeds
    over = ends(pairs, 1 - 2 * alpha)
    span = f"{low:+.3f}..{high:+.3f} over {n} seeds"
    if isinstance(over, str):
        span += f", about these test images only, since {over}"
        over = mean, mean
    else:
        span += f", {over[0]:+.3f}..{over[1]:+.3f} over test images too"
    summary = f"mean change {mean:+.3f}, {span}"
    rise, fall = p
    if fall <= alpha and over[1] < -margin:
        return Judgement("worse", f"{summary}, {_p_text(fall, margin)}")
    if rise <= alpha and over[0] > margin:
        return Judgement("better", f"{summary}, {_p_text(rise, margin)}")
    if min(low, over[0]) >= -margin:
        return Judgement("same", summary)
    if fall <= alpha:
        return Judgement(
            "inconclusive", f"{summary}; the seeds agree, more test images would decide"
        )
    return Judgement("inconclusive", f"{summary}; {_seeds_needed(values, margin, alpha)}")


def _p_text(p: float, margin: float) -> str:
    return f"p {p:.2g} against a change within {margin:g}, for all cases together"


def _seeds_needed(values: Sequence[float], margin: float, alpha: float) -> str:
    """Return how many seeds tell no change from a fall of the margin with a power of 0.8."""
    mean = math.fsum(values) / len(values)
    spread = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1))
    if margin == 0:
        return "no number of seeds tells no change from a fall of 0: set a margin above it"
    pairs = pairs_for_power(margin / spread, alpha=2 * alpha) if spread else fewest(alpha)
    number = "more than 1,000" if pairs is None else f"about {max(pairs, len(values) + 1)}"
    return (
        f"{number} seeds would tell no change from a fall of {margin:g} "
        f"(power 0.8, SD {spread:.3f})"
    )


def _fall_p(values: Sequence[float]) -> float:
    """Return the one-sided p value of the paired t test that the mean is below 0."""
    both = paired_p(values, [0.0] * len(values))
    return both / 2 if math.fsum(values) < 0 else 1 - both / 2


def _negated(values: Sequence[float]) -> list[float]:
    return [-value for value in values]


def method_of(pairs: Pairs) -> tuple[object, ...]:
    """Return what all cells of a method by one metric share: basis, recipe and metric."""
    return pairs.key.basis, pairs.key.recipe, pairs.metric


def _format_seeds(seeds: Sequence[int]) -> str:
    return f"seed{'s' * (len(seeds) > 1)} {format_ranges(seeds)}"


def over_images(pairs: Pairs, baseline: Side, now: Side, level: float) -> Ends | str:
    """Return the two-level bootstrap interval of the mean gain, or why there is none.

    Both sides get the same resamples of images.
    """
    if len(pairs.gains) < 2:
        return "one seed has no interval"
    metric = load_metric(pairs.metric)
    if wants(metric, TEST_PRIOR):
        return f"a baseline keeps no probabilities for {pairs.metric}"
    try:
        sides = [_outputs(pairs, side) for side in (baseline, now)]
        if any(kept is None for kept in sides):
            return "one side has no outputs"
        (old_labels, before), (labels, after) = (kept for kept in sides if kept is not None)
        if not np.array_equal(old_labels, labels):
            return "outputs are of other test images"
        old, new = (rescored(pairs.metric, metric, labels, proba) for proba in (before, after))
    except (ValueError, NotComparable) as error:  # damaged outputs, a metric that fails on some
        return f"outputs cannot be scored on resamples ({error})"
    gains = (old - new) if pairs.lower else (new - old)
    return crossed(gains).interval(level, pairs.bounds)


def _outputs(
    pairs: Pairs, side: Side
) -> tuple[NDArray[np.int64], list[NDArray[np.float32]]] | None:
    """Return the labels and the probabilities of each seed; None if the metric needs more."""
    outputs = [side.runs[pairs.key][seed].outputs for seed in pairs.gains]
    arrays = []
    for output in outputs:
        if output is None or (output.classes_only and pairs.metric not in confusions.SCORES):
            return None
        arrays.append(output.arrays())
    labels = arrays[0][0]
    if any(not np.array_equal(labels, other) for other, _ in arrays):
        raise ValueError("seeds differ in their test images")
    return labels, [proba for _, proba in arrays]
