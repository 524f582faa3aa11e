"""Scores with a tuned threshold and costs: by hand, by brute force, and in resamples."""

from __future__ import annotations

import numpy as np
import pytest

from imbench.stats.about_metrics import lower_is_better, score_range
from imbench.stats.configured import Configured, evaluate
from imbench.stats.costs import cost, cost_bayes, cost_tuned
from imbench.stats.halves import halves_of
from imbench.stats.metrics import f1, trivial
from imbench.stats.resampled import scorer
from imbench.stats.tuned import f1_tuned


def both(score):
    score = np.asarray(score, dtype=float)
    return np.column_stack([1 - score, score])


def outcome(labels, said):
    return f1(labels, np.eye(2)[np.asarray(said, dtype=int)])


def searched(labels, score, halves, value):
    """Tune by trying every cut, the highest first; return the value of both halves' decisions."""
    said = np.zeros(len(labels), bool)
    for half in (0, 1):
        tune, other = halves == half, halves != half
        levels = np.sort(np.unique(score[tune]))[::-1]
        bounds = [np.inf, *(levels[:-1] + levels[1:]) / 2, -np.inf]
        values = [value(labels[tune], score[tune] > bound) for bound in bounds]
        said[other] = score[other] > bounds[int(np.argmax(values))]
    return value(labels, said)


def mean_cost(ratio):
    def of(labels, said):
        return -np.mean(ratio * ((labels == 1) & ~said) + ((labels == 0) & said))

    return of


@pytest.fixture(params=range(6))
def scored(request):
    """Labels and log-odds of a noisy classifier; small sets with many ties among them."""
    rng = np.random.default_rng(request.param)
    labels = rng.permutation(np.repeat([0, 1], [40, 13] if request.param % 2 else [9, 5]))
    odds = rng.normal(size=len(labels)) + 1.5 * labels - 2
    # Levels midway between two others would be decided by rounding.
    return labels, np.expm1(odds.round()) if request.param > 3 else odds


def test_halves_are_the_same_for_all_and_each_has_half_of_each_class():
    labels = np.random.default_rng(0).integers(0, 3, 500)
    halves = halves_of(labels)
    assert (halves == halves_of(labels.copy())).all()
    for label in range(3):
        assert abs(np.diff(np.bincount(halves[labels == label]))[0]) <= 1
    # Not every second image, nor the first half of the set.
    assert 0.4 < np.mean(halves[1:] == halves[:-1]) < 0.6
    assert 0.4 < halves[:250].mean() < 0.6


def test_the_extra_images_of_two_classes_of_odd_size_are_in_different_halves():
    labels = np.repeat([0, 1], [5, 3])
    halves = halves_of(labels)
    assert np.bincount(halves[labels == 0]).tolist() == [3, 2]
    assert np.bincount(halves[labels == 1]).tolist() == [1, 2]


def test_f1_by_hand():
    """Half 0 is best at a threshold between .2 and .3, half 1 at one between .1 and .4."""
    labels = np.array([1, 0, 0, 1, 0, 0])
    score = np.array([0.3, 0.2, 0.1, 0.4, 0.22, 0.1])
    halves = np.array([0, 0, 0, 1, 1, 1])
    # Log-odds: half 0's threshold is that of .2466, half 1's that of .3018. So the minority
    # image of half 1 is found without a false alarm, and that of half 0, at .3, is missed.
    assert f1_tuned(labels, both(score), halves) == pytest.approx(2 / 3)
    assert cost_tuned(labels, both(score), halves, ratio=12) == pytest.approx(12 / 6)


def test_every_cut_is_tried(scored):
    labels, odds = scored
    proba, halves = both(1 / (1 + np.exp(-odds))), halves_of(labels)
    assert f1_tuned(labels, proba) == pytest.approx(searched(labels, odds, halves, outcome))
    for ratio in (0.2, 1, 10, 300):
        expected = -searched(labels, odds, halves, mean_cost(ratio))
        assert cost_tuned(labels, proba, ratio=ratio) == pytest.approx(expected)


def test_a_shift_of_the_log_odds_changes_nothing(scored):
    """Threshold scaling is one, so it must not look like another ranking; F1 sees it."""
    labels, odds = scored
    plain, shifted = (both(1 / (1 + np.exp(-(odds + shift)))) for shift in (0, 5))
    assert f1_tuned(labels, plain) == f1_tuned(labels, shifted)
    assert cost_tuned(labels, plain, ratio=10) == cost_tuned(labels, shifted, ratio=10)
    assert f1(labels, plain) != f1(labels, shifted)


def test_a_perfect_ranking_scores_one_wherever_its_probabilities_lie():
    labels = np.repeat([0, 1], [50, 20])
    proba = both(np.where(labels == 1, 1e-7, 1e-9))
    assert f1(labels, proba) == 0
    assert f1_tuned(labels, proba) == 1
    assert cost_tuned(labels, proba, ratio=10) == 0


def test_a_threshold_of_equally_good_ones_is_the_highest():
    """Cuts behind the first and the third image of half 0 have an F1 of 2/3: the first is taken."""
    labels = np.array([1, 0, 0, 1, 1, 0])
    score = np.array([0.9, 0.8, 0.6, 0.5, 0.7, 0.1])
    halves = np.array([0, 0, 0, 0, 1, 1])
    tuned = both(score)
    # Behind .9: hit 1 of 1 called, F1 2/3; behind .5: hit 2 of 4 called, F1 4/6. So half 1 is
    # judged above .85, and its minority image at .7 missed; half 0 above .4, so F1 4/7 in all.
    assert f1_tuned(labels, tuned, halves) == pytest.approx(2 * 2 / (4 + 3))


def test_constant_outputs_score_what_calling_everything_one_class_does():
    labels = np.repeat([0, 1], [80, 20])
    constant = both(np.full(100, 0.3))
    assert f1_tuned(labels, constant) == pytest.approx(2 * 0.2 / 1.2)
    assert cost_tuned(labels, constant, ratio=10) == pytest.approx(0.8)
    assert cost_tuned(labels, constant, ratio=2) == pytest.approx(0.4)


def test_the_trivial_scores_are_those_of_the_best_constant():
    assert trivial(f1_tuned, [80, 20]) == pytest.approx(2 * 0.2 / 1.2)
    for ratio, best in ((10, 0.8), (2, 0.4)):
        for function in (cost, cost_bayes, cost_tuned):
            metric = Configured(function, {"ratio": ratio})
            assert trivial(metric, [80, 20], lower=True) == pytest.approx(best)


def test_two_images_of_a_class_are_enough_and_one_is_refused():
    labels = np.array([0, 0, 1, 1])
    proba = both([0.1, 0.2, 0.8, 0.9])
    assert f1_tuned(labels, proba) == 1
    with pytest.raises(ValueError, match=r"class 1 has one test image: .* two of each class"):
        f1_tuned(labels[:3], proba[:3])


def test_a_half_without_both_classes_keeps_the_likeliest_class():
    labels, halves = np.array([0, 0, 0, 1, 0]), np.array([0, 0, 0, 1, 1])
    # Half 0 has no minority image: half 1 is judged at .5, which finds its image; half 1, at
    # best between .7 and .2, says of half 0 that .6 is a minority image.
    proba = both([0.1, 0.2, 0.6, 0.7, 0.2])
    assert f1_tuned(labels, proba, halves) == pytest.approx(2 / (2 + 1))


@pytest.mark.parametrize("metric", [f1_tuned, *(Configured(f, {"ratio": 5}) for f in
    (cost, cost_bayes, cost_tuned))])  # fmt: skip
def test_what_cannot_be_scored_is_refused(metric):
    labels = np.array([0, 0, 1, 1])
    with pytest.raises(ValueError, match="not finite"):
        metric(labels, both([0.1, 0.2, np.nan, 0.9]))


@pytest.mark.parametrize("function", [cost, cost_bayes, cost_tuned])
def test_costs_of_more_than_two_classes_are_refused_with_what_to_do(function):
    with pytest.raises(ValueError, match=r"between two classes, and there are 3: report f1_tuned"):
        function(np.array([0, 0, 1, 1]), np.full((4, 3), 1 / 3), ratio=5)


def test_tuned_f1_of_two_minorities_by_hand():
    """One is ranked perfectly, of the other nothing is known: (1 + 2 x .25 / 1.25) / 2."""
    labels = np.repeat([0, 1, 2], [8, 4, 4])
    one = np.where(labels == 1, 0.2, 0.01)
    proba = np.column_stack([0.7 - one, one, np.full(16, 0.3)])
    assert f1(labels, proba) == 0, "the likeliest class is always the majority"
    assert f1_tuned(labels, proba) == pytest.approx(0.7)
    assert trivial(f1_tuned, [8, 4, 4]) == pytest.approx(0.4)


def several(seed):
    """Labels and probabilities of three minorities, of a noisy classifier."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.repeat([0, 1, 2, 3], [40, 13, 9, 6]))
    logits = rng.normal(size=(len(labels), 4)) + 1.5 * np.eye(4)[labels] + [2, 0, 0, 0]
    proba = np.exp(logits)
    return labels, proba / proba.sum(axis=1, keepdims=True)


def test_each_minority_has_a_threshold_of_its_own_against_the_rest():
    labels, proba = several(0)
    halves = halves_of(labels)
    alone = [
        searched(labels == label, np.log(own / (1 - own)), halves, outcome)
        for label, own in enumerate(proba.T)
        if label
    ]
    assert f1_tuned(labels, proba) == pytest.approx(np.mean(alone))
    assert len({round(score, 6) for score in alone}) == 3


def test_resamples_of_several_minorities_equal_resamples_one_by_one():
    labels, proba = several(1)
    halves, rng, rows = halves_of(labels), np.random.default_rng(1), np.arange(len(labels))
    drawn = [np.sort(np.concatenate([rng.choice(rows[labels == c], sum(labels == c))
        for c in range(4)])) for _ in range(20)]  # fmt: skip
    weights = np.array([np.bincount(index, minlength=len(rows)) for index in drawn], float)
    expected = [f1_tuned(labels[i], proba[i], halves[i]) for i in drawn]
    assert scorer("f1_tuned", f1_tuned, labels, proba)(weights) == pytest.approx(expected)


def test_costs_by_hand():
    labels = np.array([0, 0, 0, 1, 1])
    proba = both([0.1, 0.6, 0.2, 0.4, 0.7])
    assert cost(labels, proba, 10) == pytest.approx((10 + 1) / 5)
    assert cost(labels, both([0.5] * 5), 10) == pytest.approx(20 / 5), "a tie goes to the majority"
    # At 10:1 the minority is called from 1/11 on: all but nothing is below.
    assert cost_bayes(labels, proba, 10) == pytest.approx(3 / 5)
    # At 1:10 from 10/11 on.
    assert cost_bayes(labels, proba, 0.1) == pytest.approx(0.2 / 5)
    assert cost_bayes(labels, both([0.5] * 5), 1) == pytest.approx(2 / 5), "a tie, too"


def test_costs_are_better_where_lower_and_have_a_range():
    for function in (cost, cost_bayes, cost_tuned):
        metric = Configured(function, {"ratio": 10})
        assert lower_is_better("x:ratio=10", metric)
        assert score_range("x:ratio=10", metric) == (0, 10)
        assert score_range("x", Configured(function, {"ratio": 0.1})) == (0, 1)
    assert score_range("f1_tuned", f1_tuned) == (0, 1)
    assert not lower_is_better("f1_tuned", f1_tuned)


@pytest.mark.parametrize("metric", [f1_tuned, *(Configured(f, {"ratio": 5}) for f in
    (cost, cost_bayes, cost_tuned))])  # fmt: skip
def test_resamples_at_once_equal_resamples_one_by_one(metric, scored):
    """Copies of an image stay in its half, and the threshold of each resample is its own."""
    labels, odds = scored
    proba, halves = both(1 / (1 + np.exp(-odds))), halves_of(labels)
    rows, rng = np.arange(len(labels)), np.random.default_rng(1)
    drawn = [np.sort(np.concatenate([rng.choice(rows[labels == c], sum(labels == c))
        for c in (0, 1)])) for _ in range(40)]  # fmt: skip
    weights = np.array([np.bincount(index, minlength=len(rows)) for index in drawn], float)
    expected = [evaluate(metric, labels[i], proba[i], halves[i]) for i in drawn]
    found = scorer("any", metric, labels, proba)(weights)
    assert found == pytest.approx(expected, abs=1e-12)
    # Costs at a fixed threshold may be those of a constant answer, whatever is drawn.
    assert len(set(found.round(9))) > 4 or metric is not f1_tuned


def test_another_packages_metric_that_asks_for_halves_gets_those_of_the_images():
    labels, seen = np.repeat([0, 1], [12, 8]), []

    def odd(labels, proba, halves):
        seen.append((proba[:, 1], halves))
        return 0.5

    odd.wants = ("halves",)
    proba = both(np.linspace(0, 1, 20))
    whole = halves_of(labels)
    assert evaluate(odd, labels, proba) == 0.5
    assert (seen.pop()[1] == whole).all()
    weights = np.random.default_rng(0).multinomial(20, np.full(20, 0.05), 3).astype(float)
    scorer("odd", odd, labels, proba)(weights)
    for scores, halves in seen:
        assert (halves == whole[np.searchsorted(proba[:, 1], scores)]).all()


def test_the_tuned_score_of_noise_is_not_that_of_the_best_threshold():
    """Tuned and scored on the same images noise would look better than a constant answer."""
    rng, labels = np.random.default_rng(0), np.repeat([0, 1], [160, 40])
    tuned = [f1_tuned(labels, both(rng.random(200))) for _ in range(200)]
    assert np.mean(tuned) < 2 * 0.2 / 1.2
