"""Metrics against the known answers of the specification and against scikit-learn."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import sklearn.metrics as reference

from imbench import registry
from imbench.stats import about_metrics, metrics

# labels and probability of the minority whose scores are known by hand
LABELS = np.array([0, 0, 1, 1, 0, 1, 0, 0])
SCORE = np.array([0.1, 0.4, 0.35, 0.8, 0.2, 0.9, 0.6, 0.05])


def both(score):
    return np.column_stack([1 - score, score])


def from_counts(tp, fn, fp, tn):
    labels = np.repeat([1, 1, 0, 0], [tp, fn, fp, tn])
    said = np.repeat([1, 0, 1, 0], [tp, fn, fp, tn])
    return labels, np.eye(2)[said]


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        (
            (40, 10, 20, 930),
            {
                "f1": 0.727273,
                "acsa": 0.889474,
                "g_mean": 0.884962,
                "mcc": 0.714851,
                "accuracy": 0.97,
            },
        ),
        (
            (30, 20, 10, 90),
            {"f1": 0.666667, "acsa": 0.75, "g_mean": 0.734847, "mcc": 0.533002, "accuracy": 0.80},
        ),
        ((60, 40, 5, 95), {"f1": 0.727273, "acsa": 0.775, "mcc": 0.587137}),
        ((0, 50, 0, 950), {"f1": 0, "acsa": 0.5, "g_mean": 0, "mcc": 0, "precision": 0}),
        ((60, 40, 5, 95), {"recall": 0.6, "precision": 60 / 65}),
    ],
)
def test_confusion_matrices_of_the_specification(counts, expected):
    scores = metrics.score_all(*from_counts(*counts))
    assert {name: scores[name] for name in expected} == pytest.approx(expected, abs=5e-7)


def test_scores_of_the_specification():
    proba = both(SCORE)
    scores = metrics.score_all(LABELS, proba)
    expected = {
        "auroc": 0.866667,
        "auprc": 0.866667,
        "brier": 0.130625,
        "log_loss": 0.398155,
        "f1": 0.666667,
        "acsa": 0.733333,
    }
    assert {name: scores[name] for name in expected} == pytest.approx(expected, abs=5e-7)
    assert metrics.ece_conf(LABELS, proba, bins=10) == pytest.approx(0.1875)
    assert metrics.ece_pos(LABELS, proba, bins=10) == pytest.approx(0.2875)


def test_auprc_is_the_step_sum_not_the_trapezoid():
    precision, recall, _ = reference.precision_recall_curve(LABELS, SCORE)
    assert reference.auc(recall, precision) == pytest.approx(0.85)
    assert metrics.auprc(LABELS, both(SCORE)) == pytest.approx(0.866667, abs=5e-7)


@pytest.mark.parametrize(("prevalence", "expected"), [(0.5, 0.727), (0.24, 0.682), (0.05, 0.471)])
def test_f1_falls_with_the_prevalence_and_f1_balanced_does_not(prevalence, expected):
    positives = round(1000 * prevalence)
    negatives = 1000 - positives
    tp, fp = round(0.6 * positives), 0.05 * negatives
    f1 = 2 * tp / (tp + fp + positives)
    assert f1 == pytest.approx(expected, abs=5e-4)
    labels, proba = from_counts(tp, positives - tp, round(fp), negatives - round(fp))
    assert metrics.f1(labels, proba) == pytest.approx(f1, abs=5e-3)
    assert metrics.f1_balanced(labels, proba) == pytest.approx(0.727, abs=5e-3)


def test_trivial_is_the_best_constant_classifier():
    def score(name, counts):
        metric = metrics.METRICS[name]
        return metrics.trivial(metric, counts, lower=about_metrics.lower_is_better(name))

    assert score("f1", [120, 140]) == pytest.approx(0.7)
    assert score("f1_balanced", [950, 50]) == pytest.approx(2 / 3)
    assert score("acsa", [950, 50]) == 0.5
    assert score("accuracy", [950, 50]) == 0.95
    assert score("auroc", [950, 50]) == 0.5
    assert score("auprc", [950, 50]) == pytest.approx(0.05)
    assert score("brier", [950, 50]) == pytest.approx(0.05 * 0.95)
    assert score("mcc", [950, 50]) == 0
    assert score("acsa", [50, 30, 20]) == pytest.approx(1 / 3)
    # always the larger of two minorities: its F1 is 2 * .3 / 1.3, the other's 0
    assert score("f1", [50, 30, 20]) == pytest.approx(0.3 / 1.3)


@pytest.mark.parametrize("classes", [2, 3, 5])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_agrees_with_scikit_learn(classes, seed):
    rng = np.random.default_rng(seed)
    labels = np.concatenate([np.arange(classes), rng.integers(0, classes, 300)])
    logits = np.round(rng.normal(size=(len(labels), classes)) + 1.5 * np.eye(classes)[labels], 1)
    proba = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    said = proba.argmax(axis=1)
    minority = list(range(1, classes))
    expected = {
        "f1": reference.f1_score(labels, said, labels=minority, average="macro"),
        "acsa": reference.balanced_accuracy_score(labels, said),
        "mcc": reference.matthews_corrcoef(labels, said),
        "accuracy": reference.accuracy_score(labels, said),
        "recall": reference.recall_score(labels, said, labels=minority, average="macro"),
        "precision": reference.precision_score(labels, said, labels=minority, average="macro"),
        "log_loss": reference.log_loss(labels, proba),
        "brier": np.mean([np.mean((proba[:, c] - (labels == c)) ** 2) for c in range(classes)])
        * classes
        / 2,
        "auroc": np.mean([reference.roc_auc_score(labels == c, proba[:, c]) for c in minority]),
        "auprc": np.mean(
            [reference.average_precision_score(labels == c, proba[:, c]) for c in minority]
        ),
    }
    scores = metrics.score_all(labels, proba)
    assert {name: scores[name] for name in expected} == pytest.approx(expected, rel=1e-10)
    np.testing.assert_array_equal(
        metrics.confusion(labels, proba), reference.confusion_matrix(labels, said)
    )


def test_row_20_a_class_that_is_never_predicted_costs_a_zero_and_no_warning():
    labels = np.array([0, 0, 0, 1, 2])
    scores = metrics.score_all(labels, np.tile([0.8, 0.1, 0.1], (5, 1)))
    assert scores["f1"] == scores["precision"] == scores["recall"] == scores["g_mean"] == 0.0
    assert scores["acsa"] == pytest.approx(1 / 3)
    assert all(np.isfinite(value) for value in scores.values())


def test_row_20_binary_never_predicted_is_zero_and_a_half():
    scores = metrics.score_all(np.array([0, 1]), np.array([[0.9, 0.1], [0.9, 0.1]]))
    assert (scores["f1"], scores["acsa"]) == (0.0, 0.5)
    assert all(np.isfinite(value) for value in scores.values())


def test_a_sure_mistake_costs_a_finite_log_loss():
    loss = metrics.log_loss(np.array([0, 1]), np.array([[1.0, 0.0], [1.0, 0.0]]))
    assert loss == pytest.approx(-np.log(1e-15) / 2)


def test_ties_go_to_the_majority():
    assert metrics.predict(np.array([[0.5, 0.5], [0.4, 0.6]])).tolist() == [0, 1]
    assert metrics.recall(np.array([0, 1]), np.full((2, 2), 0.5)) == 0.0


@pytest.mark.parametrize(
    ("labels", "proba", "reason"),
    [
        ([0, 1], [[0.5, 0.5]], "expected"),
        ([0, 1], [0.5, 0.5], "expected"),
        ([], np.empty((0, 2)), "no test image"),
        ([0, 2], [[0.5, 0.5], [0.5, 0.5]], "outside"),
        ([0, -1], [[0.5, 0.5], [0.5, 0.5]], "outside"),
        ([0, 1], [[0.5, 0.5], [np.nan, 0.5]], "not finite"),
        ([0, 0], [[0.5, 0.5], [0.5, 0.5]], "class 1 has no test image"),
    ],
)
def test_what_cannot_be_scored_is_refused(labels, proba, reason):
    with pytest.raises(ValueError, match=reason):
        metrics.score_all(np.asarray(labels, dtype=np.int64), np.asarray(proba))


def test_every_metric_is_registered_and_titled():
    assert set(registry.registered_names("metrics")) == set(about_metrics.TITLES)
    assert set(metrics.METRICS) < set(about_metrics.TITLES)
    for name, metric in metrics.METRICS.items():
        assert registry.load_plugin("metrics", name) is metric
        assert metric.__doc__


def test_another_packages_metric_says_that_lower_is_better():
    def regret(labels, proba):
        return 1 - metrics.accuracy(labels, proba)

    assert not about_metrics.lower_is_better("regret", regret)
    regret.lower_is_better = True
    assert about_metrics.lower_is_better("regret", regret)
    assert metrics.trivial(regret, [90, 10], lower=True) == pytest.approx(0.1)


def test_importing_metrics_imports_neither_scikit_learn_nor_torch():
    code = "import sys, imbench.stats.metrics as _; print(*{'sklearn', 'torch'} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == ""
