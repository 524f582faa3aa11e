"""Cross-validation inside a training set: folds, outputs, thresholds, expected scores."""

from __future__ import annotations

import numpy as np
import pytest

from imbench import Method, UsageError
from imbench.models.decision import Costs, Decision, best_threshold, parse_costs
from imbench.models.expected import (
    crossed_decisions,
    from_cross_validation,
    from_records,
    on_test_images,
)
from imbench.stats.metrics import f1
from imbench.training.cross_validation import assign_folds, cross_validated_outputs


def test_folds_share_every_class_evenly():
    labels = np.array([0] * 100 + [1] * 13)
    folds = assign_folds(labels, 5)
    assert np.bincount(folds[labels == 0]).tolist() == [20] * 5
    assert sorted(np.bincount(folds[labels == 1])) == [2, 2, 3, 3, 3]


def test_a_group_stays_in_one_fold():
    rng = np.random.default_rng(0)
    labels, groups = rng.integers(0, 2, 200), rng.integers(0, 30, 200)
    folds = assign_folds(labels, 4, groups.tolist())
    assert all(len(set(folds[groups == group])) == 1 for group in range(30))
    assert np.bincount(folds).min() > 30


@pytest.mark.parametrize(
    ("labels", "groups"), [([0] * 9 + [1] * 2, None), ([0] * 9 + [1] * 9, [*range(9), *[9] * 9])]
)
def test_a_class_that_cannot_be_shared_out_is_refused(labels, groups):
    with pytest.raises(UsageError, match=r"class 1 has \d training images, too few or too alike"):
        assign_folds(np.array(labels), 3, groups)


@pytest.fixture(scope="module")
def training_set():
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], [40, 20])
    pixels = rng.integers(0, 256, (60, 8, 8, 1), dtype=np.uint8)
    return pixels, labels


def test_outputs_are_those_of_networks_that_never_saw_the_fold(training_set):
    pixels, labels = training_set
    method = Method("us", network="linear", steps=5, batch_size=8)
    folds, done = assign_folds(labels, 2), []
    found = cross_validated_outputs(
        method, pixels, labels, folds, seeds=(3, 4), tell=lambda: done.append(1)
    )
    assert len(done) == 4
    for fold in (0, 1):
        rest, inside = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        outputs = [
            Method("us", network="linear", steps=5, batch_size=8, random_state=seed)
            .fit(pixels[rest], labels[rest])
            .predict_proba(pixels[inside])
            for seed in (3, 4)
        ]
        assert np.array_equal(found[inside], np.mean(outputs, axis=0))


def test_processes_give_the_same_outputs_as_one(training_set):
    pixels, labels = training_set
    method = Method("vanilla", network="linear", steps=3, batch_size=8)
    folds, weights = assign_folds(labels, 2), np.linspace(1, 2, len(labels))
    one, two = (
        cross_validated_outputs(method, pixels, labels, folds, weights=weights, jobs=jobs)
        for jobs in (1, 2)
    )
    assert np.array_equal(one, two)


def brute_force(labels, scores, costs=None):
    """Return the best value that any threshold gives."""
    found = []
    for threshold in [-1.0, *np.unique(scores)]:
        said = (scores > threshold).astype(np.int64)
        found.append(f1(labels, np.eye(2)[said]) if costs is None else -costs.mean(labels, said))
    return max(found)


@pytest.mark.parametrize("costs", [None, Costs(missed=10, false_alarm=1)])
@pytest.mark.parametrize("seed", range(10))
def test_the_threshold_is_the_best_there_is(costs, seed):
    rng = np.random.default_rng(seed)
    labels = (rng.random(60) < 0.2).astype(np.int64)
    labels[:2] = 0, 1
    scores = np.round(rng.random(60) * 0.5 + 0.3 * labels, 2)
    said = (scores > best_threshold(labels, scores, costs)).astype(np.int64)
    ours = f1(labels, np.eye(2)[said]) if costs is None else -costs.mean(labels, said)
    assert ours == pytest.approx(brute_force(labels, scores, costs))


def test_dear_misses_lower_the_threshold():
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], [300, 60])
    scores = np.clip(rng.normal(0.3 + 0.3 * labels, 0.15), 0, 1)
    ratios = ["1:10", "1:1", "10:1", "1000:1"]
    found = [best_threshold(labels, scores, parse_costs(ratio)) for ratio in ratios]
    assert found == sorted(found, reverse=True)
    assert found[0] > 0.6
    assert found[-1] < 0.3


@pytest.mark.parametrize(
    "text", ["", "10", "10:", "0:1", "-1:1", "1:1:1", "inf:1", "1e9:1", "9" * 99]
)
def test_what_is_no_ratio_of_costs_is_refused(text):
    with pytest.raises(UsageError, match="is no ratio of two numbers above 0"):
        parse_costs(text)


def test_the_margin_is_the_distance_from_being_called_otherwise():
    decision = Decision(rule="threshold", threshold=0.2, tuned_for="f1")
    proba = np.array([[0.8, 0.2], [0.5, 0.5], [0.95, 0.05], [1.0, 0.0]])
    assert decision.said(proba).tolist() == [0, 1, 0, 0]
    expected = [0, np.log(4), np.log(4.75)]
    assert decision.margins(proba)[:3] == pytest.approx(expected)
    assert np.isfinite(decision.margins(proba)).all()
    three = Decision(rule="highest")
    assert three.said(np.array([[0.2, 0.4, 0.4]])).tolist() == [1]
    assert three.margins(np.array([[0.1, 0.3, 0.6]])) == pytest.approx(np.log(2))


def test_no_fold_is_decided_by_a_threshold_that_it_chose():
    labels = np.array([0, 0, 1, 1] * 2)
    scores = np.array([0.1, 0.2, 0.6, 0.7, 0.3, 0.4, 0.8, 0.9])
    folds = np.repeat([0, 1], 4)
    said, thresholds = crossed_decisions(labels, np.stack([1 - scores, scores], 1), folds, None)
    assert thresholds == pytest.approx([0.6, 0.4])  # of the other fold each
    assert said.tolist() == [0, 0, 0, 1, 0, 0, 1, 1]


def world(n, seed, prevalence=0.2):
    rng = np.random.default_rng(seed)
    labels = (rng.random(n) < prevalence).astype(np.int64)
    score = rng.normal(1.5 * labels)
    proba = 1 / (1 + np.exp(2 - 1.5 * score))
    return labels, np.stack([1 - proba, proba], 1)


@pytest.mark.slow
def test_intervals_hold_the_score_of_many_images_and_wider_ones_that_of_a_few():
    """A fixed classifier on 60 sets of 300 and 60 of 100 images, against its true score."""
    many, outputs = world(200_000, 1)
    truth = f1(many, np.eye(2)[(outputs[:, 1] > 0.5).astype(int)])
    held = sampled = 0
    rounds = 60
    for seed in range(rounds):
        labels, proba = world(300, 100 + seed)
        tests, tested = world(100, 5000 + seed)
        said = (proba[:, 1] > 0.5).astype(np.int64)
        counts = np.bincount(tests, minlength=2).tolist()
        one = next(
            e
            for e in from_cross_validation(labels, proba, said, None, test=counts)
            if e.metric == "f1"
        )
        held += one.low <= truth <= one.high
        met = f1(tests, np.eye(2)[(tested[:, 1] > 0.5).astype(int)])
        sampled += one.sample_low <= met <= one.sample_high
        assert one.sample_high - one.sample_low > one.high - one.low
    assert held >= 0.85 * rounds
    assert sampled >= 0.85 * rounds


def test_groups_that_are_drawn_together_widen_the_interval():
    labels, proba = world(60, 3)
    said = (proba[:, 1] > 0.5).astype(np.int64)
    rows = np.repeat(np.arange(60), 8)
    alone = from_cross_validation(labels[rows], proba[rows], said[rows], None)
    together = from_cross_validation(
        labels[rows], proba[rows], said[rows], None, groups=rows.tolist()
    )
    for one, other in zip(alone, together, strict=True):
        assert one.value == other.value
        assert other.high - other.low > 1.5 * (one.high - one.low)


def test_costs_are_told_where_they_were_given():
    labels, proba = world(100, 4)
    costs = Costs(missed=10, false_alarm=1)
    decision = Decision(rule="threshold", threshold=0.1, tuned_for="cost", costs=costs)
    found = {one.metric: one for one in on_test_images(labels, proba, decision)}
    said = (proba[:, 1] > 0.1).astype(np.int64)
    assert found["cost"].value == pytest.approx(costs.mean(labels, said))
    crossed = from_cross_validation(labels, proba, said, costs, test=[50, 10])
    assert crossed[-1].metric == "cost"
    assert crossed[-1].low <= found["cost"].value <= crossed[-1].high


def test_of_records_those_with_most_minority_images_count(make_record):
    def record(minority, seed, f1_score):
        made = make_record(minority=minority, seed=seed)
        return made.model_copy(update={"metrics": {"f1": f1_score}, "test_counts": [50, 10]})

    records = [record(10, 0, 0.1), record(20, 0, 0.5), record(20, 1, 0.7)]
    (found,) = from_records(records)
    assert (found.value, found.seeds, found.minority, found.images) == (
        pytest.approx(0.6),
        2,
        20,
        60,
    )
    assert found.low < 0.5
    assert found.high > 0.7
    assert from_records([]) == []
