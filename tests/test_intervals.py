"""Intervals and tests against scipy.stats and against the specification's table."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from imbench.stats.intervals import holm, mean_interval, paired_p


@pytest.mark.parametrize(
    ("n", "ratio"), [(3, 2.484), (5, 1.242), (6, 1.049), (8, 0.836), (10, 0.715), (20, 0.468)]
)
def test_half_width_over_deviation_of_the_specification(n, ratio):
    scores = np.random.default_rng(n).normal(size=n)
    interval = mean_interval(scores.tolist())
    assert interval.half / np.std(scores, ddof=1) == pytest.approx(ratio, abs=5e-4)
    low, high = stats.t.interval(0.95, n - 1, np.mean(scores), stats.sem(scores))
    assert (interval.mean - interval.half, interval.mean + interval.half) == pytest.approx(
        (low, high)
    )


def test_one_score_has_no_interval_and_none_no_mean():
    assert mean_interval([0.25]) == (0.25, None, 1)
    with pytest.raises(ValueError, match="no scores"):
        mean_interval([])


def test_equal_scores_have_an_interval_of_exactly_zero():
    assert mean_interval([0.1] * 3).half == 0.0


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
