"""The two-level bootstrap: resamples scored at once as one by one, known spreads, coverage."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from scipy import stats as reference

from imbench.stats.bootstrap import CHUNK, Resamples, crossed, image_weights, rescored
from imbench.stats.intervals import mean_interval
from imbench.stats.metrics import METRICS
from imbench.stats.resampled import FEW, joint_scorer, scorer


def both(score):
    return np.column_stack([1 - score, score])


def drawn(labels, resamples, seed=0):
    return np.concatenate(list(image_weights(labels, resamples, np.random.default_rng(seed))))


@pytest.mark.parametrize("name", sorted(METRICS))
@pytest.mark.parametrize("classes", [2, 3, 20])
def test_classifiers_score_together_as_they_do_alone(name, classes):
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(classes), 6)
    probas = [rng.dirichlet(np.ones(classes), len(labels)) for _ in range(3)]
    weights = rng.integers(1, 4, (5, len(labels))).astype(float)
    together = joint_scorer(name, METRICS[name], labels, probas)(weights)
    alone = [scorer(name, METRICS[name], labels, proba)(weights) for proba in probas]
    assert together == pytest.approx(np.stack(alone, axis=1))


@pytest.mark.parametrize("classes", [2, 3, FEW + 1])
@pytest.mark.parametrize("name", METRICS)
def test_resamples_at_once_equal_resamples_one_by_one(name, classes):
    rng = np.random.default_rng(7)
    labels = np.repeat(np.arange(classes), [12, 9, 7, *[3] * FEW][:classes])
    proba = rng.dirichlet(np.ones(classes), len(labels)).round(1)  # many ties
    proba[np.arange(len(labels)), labels] += 0.3 * (classes > 3)  # else some class is never right
    proba /= proba.sum(axis=1, keepdims=True)
    weights = drawn(labels, 30)
    rows = np.arange(len(labels))
    expected = [
        METRICS[name](labels[index], proba[index])
        for index in (np.repeat(rows, row.astype(int)) for row in weights)
    ]
    found = scorer(name, METRICS[name], labels, proba)(weights)
    assert found == pytest.approx(expected, abs=1e-12)
    assert len(set(found.round(9))) > 5


@pytest.mark.parametrize("name", METRICS)
def test_memory_grows_with_the_images_and_not_with_the_square_of_the_classes(name):
    """256 classes: whole confusions would be 65,536 numbers a resample, 256 MB for these."""
    labels = np.arange(512) % 256
    proba = np.random.default_rng(5).dirichlet(np.ones(256), len(labels))
    weights = drawn(labels, CHUNK // len(labels))
    tracemalloc.start()
    scorer(name, METRICS[name], labels, proba)(weights)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 * weights.nbytes


def test_another_packages_metric_is_scored_one_by_one_whatever_its_name():
    labels = np.repeat([0, 1], 10)
    proba = both(np.linspace(0, 1, 20))
    found = scorer("f1", lambda labels, proba: float(len(labels)), labels, proba)
    assert found(drawn(labels, 3)).tolist() == [20.0] * 3


def test_images_are_drawn_within_their_class_and_with_replacement():
    labels = np.array([0, 1, 0, 0, 1, 0])
    weights = drawn(labels, 5000)
    assert weights.shape == (5000, 6)
    assert (weights[:, labels == 1].sum(axis=1) == 2).all()
    assert (weights[:, labels == 0].sum(axis=1) == 4).all()
    assert weights.mean(axis=0) == pytest.approx(np.ones(6), abs=0.05)
    # Multinomial: variance n p (1 - p).
    assert weights.var(axis=0) == pytest.approx(np.where(labels == 1, 0.5, 0.75), abs=0.05)


def test_chunks_do_not_change_the_sizes():
    labels = np.repeat([0, 1], [60_000, 40_000])
    sizes = [len(chunk) for chunk in image_weights(labels, 5, np.random.default_rng(0))]
    assert sizes == [2, 2, 1]


def pair(rng, replicates=6, images=(30, 20)):
    labels = np.repeat([0, 1], images)
    made = [
        [both(np.clip(0.4 * labels + rng.random(len(labels)) * 0.7, 0, 1)) for _ in range(2)]
        for _ in range(replicates)
    ]
    return labels, [one[0] for one in made], [one[1] for one in made]


def difference(name, labels, first, second, **options) -> Resamples:
    """Resample the mean over replicates of a metric of the first less that of the second."""
    ours, theirs = (
        rescored(name, METRICS[name], labels, probas, **options) for probas in (first, second)
    )
    return crossed(ours - theirs)


def test_the_same_records_give_the_same_interval_and_swapped_ones_its_mirror():
    labels, first, second = pair(np.random.default_rng(0))
    made = difference("f1", labels, first, second)
    again = difference("f1", labels, first, second)
    mirrored = difference("f1", labels, second, first)
    assert made.interval() == again.interval()
    assert made.interval() == pytest.approx([-end for end in mirrored.interval()[::-1]])
    low, high = made.interval(0.9)
    assert made.interval(0.95)[0] < low < high < made.interval(0.95)[1]


def test_a_method_against_itself_differs_by_nothing():
    labels, first, _ = pair(np.random.default_rng(1))
    assert difference("f1", labels, first, first).interval() == (0.0, 0.0)


def test_equal_replicates_leave_the_test_images():
    # Of 100 images 30 are right by the first method only: a mean of 100 draws that are 1 or 0.
    labels = np.repeat([0, 1], [50, 50])
    right = np.tile(np.arange(50) < 40, 2)
    less = np.tile(np.arange(50) < 25, 2)
    first, second = (both(np.where(hit, labels, 1 - labels)) for hit in (right, less))
    made = difference("accuracy", labels, [first] * 6, [second] * 6, resamples=8000)
    assert made.shift == pytest.approx(np.zeros(8000))
    assert made.centre.mean() == pytest.approx(0.3, abs=0.002)
    assert made.centre.std() == pytest.approx(np.sqrt(0.3 * 0.7 / 100), rel=0.03)


@pytest.mark.parametrize("replicates", [3, 6, 20])
def test_where_images_do_not_matter_it_is_as_wide_as_the_t_interval(replicates):
    values = reference.norm.ppf((np.arange(replicates) + 0.5) / replicates)
    mean, (least, most), _ = mean_interval(values.tolist())
    low, high = crossed(np.tile(values, (20_000, 1))).interval()
    assert (low + high) / 2 == pytest.approx(mean, abs=0.05)
    assert high - low == pytest.approx(most - least, rel=0.12)


def test_it_is_cut_at_the_bounds_of_a_difference():
    made = crossed(np.tile([1.0, 1.0, 0.9, 0.2], (2000, 1)))
    low, high = made.interval()
    assert high > 1
    assert made.interval(bounds=(-1.0, 1.0)) == (low, 1.0)


def test_what_cannot_be_resampled_is_refused():
    labels, first, second = pair(np.random.default_rng(2), replicates=2)
    with pytest.raises(ValueError, match="two or more"):
        difference("f1", labels, first[:1], second[:1])
    with pytest.raises(ValueError, match="same test images"):
        difference("f1", labels[:-1], first, second)


def world(rng, replicates, images, by_replicate, by_image):
    """Draw outputs of two methods whose replicates and test images both differ."""
    labels = np.repeat([0, 1], images)
    sign = np.where(labels == 1, 1, -1)
    level = np.array([0.9, 0.5])[:, None, None]
    level = level + by_replicate * rng.normal(size=(2, replicates, 1))
    hard = by_image * rng.normal(size=(2, 1, len(labels))) + 0.5 * rng.normal(size=len(labels))
    noise = 0.5 * rng.normal(size=(2, replicates, len(labels)))
    lean = by_replicate * rng.normal(size=(2, replicates, 1))
    score = 1 / (1 + np.exp(-(sign * (level + hard + noise) + lean)))
    return labels, [[both(one) for one in method] for method in score]


def coverage(replicates, by_replicate, by_image, worlds=250):
    """Return how often each 95 % interval holds the true difference: t, bootstrap."""
    rng, metric = np.random.default_rng(20), METRICS["f1"]
    large = [world(rng, 50, (3000, 2000), by_replicate, by_image) for _ in range(8)]
    truth = np.mean(
        [metric(y, a) - metric(y, b) for y, p in large for a, b in zip(*p, strict=True)]
    )
    held = np.zeros(2)
    for _ in range(worlds):
        labels, (first, second) = world(rng, replicates, (60, 40), by_replicate, by_image)
        gaps = [metric(labels, a) - metric(labels, b) for a, b in zip(first, second, strict=True)]
        _, (least, most), _ = mean_interval(gaps)
        low, high = difference("f1", labels, first, second, resamples=300).interval()
        held += least <= truth <= most, low <= truth <= high
    return held / worlds


@pytest.mark.parametrize("replicates", [3, 6])
def test_coverage_where_replicates_matter_most(replicates):
    t, bootstrap = coverage(replicates, by_replicate=0.5, by_image=0.2)
    assert 0.9 <= t <= 0.99
    assert bootstrap >= 0.92


def test_coverage_where_test_images_matter_most():
    t, bootstrap = coverage(6, by_replicate=0.05, by_image=1.0)
    # The t interval is about other training sets on these very images; the bootstrap about both.
    assert t < 0.75
    assert bootstrap >= 0.9
