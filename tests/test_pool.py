"""What replicates of one pool hide, and a claim about picked methods: simulated."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest

from imbench.records.image_names import ImageNames
from imbench.report.claim_tests import convergence
from imbench.report.evidence import SumTest
from imbench.report.pools import pool_notes, pool_of
from imbench.stats.intervals import mean_interval, stretch
from imbench.stats.pool import disjoint, widening
from imbench.stats.spans import span_of
from imbench.training.groups import PAPER_METHODS


def coverage(drawn, pool, replicates, wider, studies=2000):
    """Return how often an interval of replicates of one pool holds the mean over pools, 0."""
    rng = np.random.default_rng(17)
    held = 0
    for _ in range(studies):
        images = rng.normal(size=pool)
        means = [images[rng.permutation(pool)[:drawn]].mean() for _ in range(replicates)]
        mean, ends, _ = mean_interval(means)
        held += abs(mean) <= wider * (ends[1] - ends[0]) / 2
    return held / studies


def test_replicates_of_most_of_a_pool_know_little_of_other_pools():
    assert coverage(125, 210, 6, 1.0) == pytest.approx(0.56, abs=0.03)


@pytest.mark.parametrize(("drawn", "pool"), [(125, 210), (50, 210), (25, 1333)])
def test_the_widened_interval_holds_the_mean_over_pools(drawn, pool):
    assert 0.94 <= coverage(drawn, pool, 6, widening(drawn, pool, 6)) <= 0.99


def test_how_much_a_pool_may_matter():
    assert widening(125, 210, 6) == pytest.approx(math.sqrt(1 + 6 * 125 / 85))
    assert widening(210, 210, 6) == math.inf
    assert widening(1, 10**6, 6) == pytest.approx(1, abs=1e-5)
    assert [disjoint(25, 100), disjoint(26, 100), disjoint(101, 100)] == [4, 3, 0]
    for wrong in ((0, 10, 6), (11, 10, 6), (5, 10, 0)):
        with pytest.raises(ValueError, match="cannot draw"):
            widening(*wrong)


def group(counts, seeds=6):
    slots = {("vanilla", count): dict.fromkeys(range(seeds)) for count in counts}
    basis = SimpleNamespace(fingerprint="abcdef01")
    return SimpleNamespace(counts=counts, slots=slots, basis=basis)


def test_the_pool_is_told_with_what_each_seed_draws_of_it():
    (line,) = pool_notes(group([25, 125, 210]), (300, 210))
    assert "this pool of 210 minority images" in line
    assert "at 25 12% of it" in line
    assert "at 125 60% of it, so that intervals about any pool may be 3.1 times as wide" in line
    assert "at 210 all of it, so that no interval knows of other images" in line
    (line,) = pool_notes(group([2]), (300, 210, 250))
    assert "at 2 so little that 6 seeds could be disjoint" in line
    (line,) = pool_notes(group([2, 3, 210]), (300, 210))
    assert line.endswith(
        "at 2, 3 so little that 6 seeds could be disjoint; at 210 all of it, so that no "
        "interval knows of other images"
    )
    assert list(pool_notes(group([2]), ())) == [
        "all of it is about the pool of training images that the seeds share"
    ]
    names = ImageNames(fingerprint="abcdef01", classes=("a", "b"), test=(), pool=(300, 210))
    assert pool_of(group([2]), {"abcdef01": names}) == (300, 210)
    assert pool_of(group([2]), {}) == ()


def test_few_units_stretch_what_is_resampled():
    assert [round(stretch(units), 2) for units in (3, 6)] == [2.69, 1.44]
    assert stretch(1) == math.inf


class Scores:
    """As much of a panel as the claim that methods converge asks for."""

    def __init__(self, scores):
        self.given = scores  # (methods, counts, seeds)
        self.rows = [*PAPER_METHODS, "la", "cas"][: len(scores)]
        self.group = SimpleNamespace(counts=(25, 100))

    def scores(self, key):
        name, count = key
        found = self.given[self.rows.index(name), self.group.counts.index(count)]
        return dict(enumerate(found.tolist()))

    def mean(self, key):
        return float(np.mean(list(self.scores(key).values())))

    def seeds(self, keys):
        return sorted(self.scores(keys[0]))

    def faults(self, key):
        return {}

    def lacking(self, keys):
        return {}


def converge(scores):
    return convergence(SumTest(Scores(scores), {}))


@pytest.mark.parametrize("methods", [2, 14])
def test_the_span_of_the_true_means_is_as_near_as_it_is_said(methods):
    rng = np.random.default_rng(3)
    truth = np.linspace(0, 0.05, methods)[:, None]
    near = 0
    for _ in range(300):
        blocks = rng.normal(size=(1, 8))
        span, half = span_of(truth + blocks + 0.03 * rng.normal(size=(methods, 8)))
        near += abs(span - 0.05) <= half
    assert near / 300 >= 0.93


@pytest.mark.parametrize(("methods", "replicates", "known"), [(2, 11, 3.151), (3, 6, 3.877)])
def test_the_studentised_range_is_that_of_tables(methods, replicates, known):
    degrees = (methods - 1) * (replicates - 1)
    scores = np.random.default_rng(1).normal(size=(methods, replicates))
    span, half = span_of(scores)
    left = scores - scores.mean(axis=1)[:, None] - scores.mean(axis=0) + scores.mean()
    error = math.sqrt((left**2).sum() / degrees / scores.shape[1])
    assert half / error == pytest.approx(known, rel=0.01)
    assert span == pytest.approx(np.ptp(scores.mean(axis=1)))


@pytest.mark.parametrize("seeds", [6, 10])
def test_identical_methods_rarely_converge(seeds):
    rng = np.random.default_rng(5)
    spreads = np.array([0.06, 0.03])[:, None]
    held = [
        converge(0.5 + spreads * rng.normal(size=(14, 2, seeds))).finding == "holds"
        for _ in range(400)
    ]
    assert np.mean(held) <= 0.05


def test_methods_that_the_paper_does_not_have_do_not_count():
    leads = np.linspace(-1, 1, 14)[:, None, None] * np.array([0.2, 0.02])[:, None]
    scores = 0.5 + leads + 0.02 * np.random.default_rng(6).normal(size=(14, 2, 8))
    beside = np.concatenate([scores, np.stack([scores[0] - 0.4, scores[0] - 0.4])])
    assert converge(beside) == converge(scores)


def test_methods_that_converge_are_found():
    rng = np.random.default_rng(6)
    leads = np.linspace(-1, 1, 14)[:, None, None] * np.array([0.2, 0.02])[:, None]
    found = converge(0.5 + leads + 0.02 * rng.normal(size=(14, 2, 8)))
    assert found.finding == "holds"
    assert "for all pairs of methods at once" in found.text
