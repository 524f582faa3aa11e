"""Intervals and tests against scipy.stats and against the specification's table."""

from __future__ import annotations

import doctest
import math

import numpy as np
import pytest
from scipy import stats

from imbench.stats import intervals
from imbench.stats.intervals import cut, holm, mean_interval, paired_p, sum_bounds


@pytest.mark.parametrize(
    ("n", "ratio"), [(3, 2.484), (5, 1.242), (6, 1.049), (8, 0.836), (10, 0.715), (20, 0.468)]
)
def test_half_width_over_deviation_of_the_specification(n, ratio):
    scores = np.random.default_rng(n).normal(size=n)
    mean, (low, high), _ = mean_interval(scores.tolist())
    assert (high - mean) / np.std(scores, ddof=1) == pytest.approx(ratio, abs=5e-4)
    expected = stats.t.interval(0.95, n - 1, np.mean(scores), stats.sem(scores))
    assert (low, high) == pytest.approx(expected)


def test_one_score_has_no_interval_and_none_no_mean():
    assert mean_interval([0.25]) == (0.25, None, 1)
    with pytest.raises(ValueError, match="no scores"):
        mean_interval([])


def test_equal_scores_have_an_interval_of_exactly_zero():
    mean, ends, _ = mean_interval([0.1] * 3, bounds=(0.0, 1.0))
    assert ends == (mean, mean)


@pytest.mark.parametrize(
    ("scores", "bounds", "expected"),
    [
        ([0.9, 0.98], (0.0, 1.0), (0.43175, 1.0)),
        ([0.0, 0.6, 0.6], (0.0, 1.0), (0.0, 1.0)),  # +-0.86 around 0.4
        ([0.02, 0.1], (0.0, np.inf), (0.0, 0.56825)),
        ([-0.5, 0.5], (-1.0, 1.0), (-1.0, 1.0)),
        ([0.5, 0.6, 0.7], (0.0, 1.0), (0.35159, 0.84841)),
        ([1.5, 2.5], (0.0, 1.0), (0.0, 2.0)),  # beyond the bounds: the mean stays within
    ],
)
def test_known_intervals_within_bounds(scores, bounds, expected):
    assert mean_interval(scores, bounds=bounds).ends == pytest.approx(expected, abs=1e-5)


SAMPLES = [
    np.random.default_rng([n, seed]).beta(*shape, n).round(seed % 3 + 1).tolist()
    for shape in ((0.3, 0.3), (20, 1), (0.2, 4), (50, 50))
    for n in (2, 3, 5, 10)
    for seed in range(25)
]


def test_no_interval_leaves_the_bounds_or_its_own_mean():
    for scores in SAMPLES:
        mean, (low, high), _ = mean_interval(scores, bounds=(0.0, 1.0))
        assert 0 <= low <= mean <= high <= 1


def test_cutting_takes_away_nothing_but_what_no_mean_can_be():
    for scores in SAMPLES:
        _, (low, high), _ = mean_interval(scores)
        ends = mean_interval(scores, bounds=(0.0, 1.0)).ends
        assert ends == (max(low, 0.0), min(high, 1.0))
        assert mean_interval(scores, bounds=(-99.0, 99.0)).ends == (low, high)


def test_an_interval_widens_with_the_spread_and_the_level():
    for scores in SAMPLES:
        middle = mean_interval(scores).mean
        closer = [middle + (score - middle) / 2 for score in scores]
        _, (low, high), _ = mean_interval(scores, bounds=(0.0, 1.0))
        for narrower in (
            mean_interval(closer, bounds=(0.0, 1.0)),
            mean_interval(scores, 0.9, bounds=(0.0, 1.0)),
        ):
            assert narrower.ends is not None
            assert low - 1e-12 <= narrower.ends[0] <= narrower.ends[1] <= high + 1e-12


def test_a_mirrored_score_has_the_mirrored_interval():
    for scores in SAMPLES:
        low, high = mean_interval(scores, bounds=(0.0, 1.0)).ends
        mirrored = mean_interval([1 - score for score in scores], bounds=(0.0, 1.0)).ends
        assert mirrored == pytest.approx((1 - high, 1 - low))


def test_what_lies_outside_the_bounds_is_cut_to_their_nearer_end():
    assert cut((-0.5, 1.5), (0.0, 1.0)) == (0.0, 1.0)
    assert cut((1.2, 1.5), (0.0, 1.0)) == (1.0, 1.0)
    assert cut((-3.0, -2.0), (0.0, 1.0)) == (0.0, 0.0)


def test_bounds_of_sums():
    assert sum_bounds((1, -1), (0.0, 1.0)) == (-1.0, 1.0)
    assert sum_bounds((1, -1), (-1.0, 1.0)) == (-2.0, 2.0)
    assert sum_bounds((1, -1), (0.0, np.inf)) == (-np.inf, np.inf)
    assert sum_bounds((-1,), (0.0, 1.0), 0.7) == pytest.approx((-0.3, 0.7))
    assert sum_bounds((1.5, -0.5, 0.0), (0.0, 1.0)) == (-0.5, 1.5)
    assert sum_bounds((2.0,), (0.0, np.inf), -1.0) == (-1.0, np.inf)


def test_no_sum_of_scores_leaves_its_bounds_by_rounding():
    rng = np.random.default_rng(0)
    for _ in range(200):
        factors = (rng.normal(size=4) / 3).tolist()
        low, high = sum_bounds(factors, (0.0, 1.0), 0.1)
        for scores in rng.integers(2, size=(5, 4)).tolist():
            pairs = zip(factors, scores, strict=True)
            assert low <= math.fsum([0.1, *(f * s for f, s in pairs)]) <= high


def test_the_example_runs():
    assert doctest.testmod(intervals).failed == 0


def test_paired_test_agrees_with_scipy():
    rng = np.random.default_rng(0)
    first = rng.normal(size=8)
    second = first + 0.3 * rng.normal(size=8) - 0.2
    expected = stats.ttest_rel(first, second).pvalue
    assert paired_p(first.tolist(), second.tolist()) == pytest.approx(expected)


def test_paired_test_of_constant_differences():
    assert paired_p([0.5, 0.6], [0.5, 0.6]) == 1.0
    assert paired_p([0.75, 0.5], [0.5, 0.25]) == 0.0
    with pytest.raises(ValueError, match="two pairs"):
        paired_p([1.0], [2.0])


def test_holm_steps_down_and_never_falls():
    # worked by hand: sorted .01 .02 .03 .04 -> .04, .06, .06, .06
    assert holm([0.04, 0.01, 0.03, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []
