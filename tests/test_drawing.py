"""Rows of batches beside numpy's own draws."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest

from imbench.training.drawing import cumulated, draw_rows, shuffled_passes


@pytest.mark.parametrize("n", [1, 2, 25, 1091, 5075])
@pytest.mark.parametrize("seed", range(4))
def test_rows_are_those_that_numpy_draws_one_batch_after_the_other(n, seed):
    chances = np.random.default_rng(seed).random(n) ** 3
    chances /= chances.sum()
    ours, theirs, sums = np.random.default_rng(9), np.random.default_rng(9), cumulated(chances)
    for m in (64, 1, 7, 64):
        found = draw_rows(sums, m, ours)
        np.testing.assert_array_equal(found, theirs.choice(n, size=m, p=chances))
        assert found.dtype == np.int64
    assert ours.random() == theirs.random(), "both have taken as many numbers"


def test_a_row_without_a_chance_is_never_drawn_and_the_others_by_theirs():
    chances = np.array([0, 0.7, 0, 0.3, 0])
    found = draw_rows(cumulated(chances), 100_000, np.random.default_rng(0))
    np.testing.assert_allclose(np.bincount(found, minlength=5) / 100_000, chances, atol=0.01)


def test_chances_whose_sum_is_rounded_below_one_reach_the_last_row():
    chances = np.full(10, 0.1)
    assert chances.cumsum()[-1] != 1
    assert cumulated(chances)[-1] == 1


def test_passes_hold_each_row_once_whatever_the_batch():
    rows = np.concatenate(list(islice(shuffled_passes(10, 4, np.random.default_rng(0)), 5)))
    assert sorted(rows[:10]) == sorted(rows[10:]) == list(range(10))
