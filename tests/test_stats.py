"""Exact tests and what a number of pairs can show: the specification's table, and by counting."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy import stats as reference

from imbench.stats.effect import Effect
from imbench.stats.paired import pairs_for_power, seeds_needed, sign_flip, smallest_p


@pytest.mark.parametrize(("pairs", "least"), [(3, 0.25), (5, 0.0625), (6, 0.03125), (8, 0.0078125)])
def test_smallest_p_of_the_specification(pairs, least):
    assert smallest_p(pairs) == least
    assert sign_flip([0.3] * pairs) == least
    # The most lopsided differences there are do not pass the floor.
    assert sign_flip([-(10.0**k) for k in range(pairs)]) == least


@pytest.mark.parametrize("decimals", [1, 6])
def test_sign_flip_counts_every_assignment_ties_included(decimals):
    rng = np.random.default_rng(decimals)
    for pairs in range(1, 10):
        differences = rng.normal(0.5, 1, pairs).round(decimals)
        sums = [
            abs(sum(sign * size for sign, size in zip(signs, differences, strict=True)))
            for signs in itertools.product((1, -1), repeat=pairs)
        ]
        expected = np.mean([total >= abs(differences.sum()) - 1e-12 for total in sums])
        assert sign_flip(differences.tolist()) == expected


def test_sign_flip_agrees_with_scipys_permutation_test():
    differences = np.random.default_rng(3).normal(0.6, 1, 12)
    found = reference.permutation_test(
        (differences,), np.mean, permutation_type="samples", n_resamples=np.inf
    )
    assert sign_flip(differences.tolist()) == pytest.approx(found.pvalue, abs=1e-12)


def test_sign_flip_of_many_pairs():
    differences = np.random.default_rng(5).normal(0.25, 1, 41)
    exact, normal = sign_flip(differences[:40].tolist()), sign_flip(differences.tolist())
    z = differences.sum() / math.sqrt(float(np.sum(differences**2)))
    assert normal == pytest.approx(2 * reference.norm.sf(abs(z)))
    t = reference.ttest_1samp(differences[:40], 0).pvalue
    assert exact == pytest.approx(t, rel=0.1)
    assert sign_flip([0.0] * 50) == 1.0


def test_sign_flip_of_differences_that_are_all_zero_or_cancel():
    assert sign_flip([0.0, 0.0, 0.0]) == 1.0
    assert sign_flip([0.1, -0.1]) == 1.0
    # Zeros have no sign to flip and leave the p value as it is.
    assert sign_flip([0.1] * 6 + [0.0] * 4) == 0.03125


@pytest.mark.parametrize("bad", [[], [0.1, math.nan], [math.inf]])
def test_what_has_no_test_is_refused(bad):
    with pytest.raises(ValueError, match="a test needs"):
        sign_flip(bad)


@pytest.mark.parametrize(
    ("rivals", "needed"), [(1, 6), (2, 7), (3, 7), (4, 8), (5, 8), (6, 8), (7, 9), (13, 10)]
)
def test_seeds_that_a_family_needs(rivals, needed):
    assert seeds_needed(rivals) == needed
    assert rivals * smallest_p(needed) < 0.05 <= rivals * smallest_p(needed - 1)


@pytest.mark.parametrize(("effect", "pairs"), [(1, 10), (1.5, 6), (2, 5), (0.5, 34), (-1, 10)])
def test_pairs_for_power_of_the_specification(effect, pairs):
    assert pairs_for_power(effect) == pairs


def test_pairs_for_power_by_simulation():
    rng = np.random.default_rng(0)
    found = reference.ttest_1samp(rng.normal(1, 1, (20_000, 10)), 0, axis=1).pvalue < 0.05
    assert np.mean(found) == pytest.approx(0.8, abs=0.02)
    assert pairs_for_power(0.0) is None


def effect(differences: list[float]) -> Effect:
    return Effect(dict(enumerate(differences)))


def test_equivalence_is_two_one_sided_tests():
    near = [0.004, -0.003, 0.006, -0.001, 0.002, 0.0]
    for margin in (0.001, 0.004, 0.005, 0.02):
        below = reference.ttest_1samp(near, -margin, alternative="greater").pvalue
        above = reference.ttest_1samp(near, margin, alternative="less").pvalue
        assert effect(near).within(margin) == (max(below, above) < 0.05)
    assert effect(near).within()
    assert not effect([0.01]).within()
    made = effect([0.01, 0.03] * 3)
    assert made.mean == pytest.approx(0.02)
    assert not made.within()
