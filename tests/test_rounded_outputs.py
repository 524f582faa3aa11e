"""Outputs that are rounded keep every decision, every ranking of classes, and themselves."""

from __future__ import annotations

import numpy as np
import pytest

from imbench.records.rounded_outputs import STEP, DamagedOutputs, Reader, restored, rounded
from imbench.stats.metrics import METRICS
from imbench.stats.resampled import scorer

RANKED = ("f1", "f1_balanced", "acsa", "g_mean", "mcc", "accuracy", "auroc")
"""Metrics of decisions, and of which images lie above those of other classes."""


def softmax(logits):
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)


def two_classes(kind, n=400):
    rng = np.random.default_rng(len(kind))
    labels = (np.arange(n) >= n * 3 // 4).astype(np.int64)
    odds = {
        "common": lambda: labels * 2.0 - 3 + 2 * rng.normal(size=n),
        "saturated": lambda: 40 * rng.normal(size=n),
        "sure of the minority": lambda: 12 + 3 * rng.normal(size=n),
        "dense": lambda: 1e-3 * rng.normal(size=n),
        "denser than any step": lambda: 1e-7 * rng.normal(size=n),
        "equal": lambda: np.full(n, 0.3),
        "in twos": lambda: np.repeat(rng.normal(size=n // 2), 2)[np.argsort(np.arange(n) % 2)],
        "around no decision": lambda: rng.choice([-1e-6, 0.0, 1e-6], size=n),
    }[kind]()
    return labels, softmax(np.stack([np.zeros(n), odds], axis=1))


KINDS = (
    *("common", "saturated", "sure of the minority", "dense", "denser than any step", "equal"),
    *("in twos", "around no decision"),
)


@pytest.mark.parametrize("kind", KINDS)
def test_decisions_and_ranks_of_two_classes_are_kept_in_every_resample(kind):
    labels, proba = two_classes(kind)
    found = restored(labels, 2, Reader(rounded(labels, proba)))
    assert (found.argmax(axis=1) == proba.argmax(axis=1)).all()
    weights = np.random.default_rng(1).multinomial(len(labels), np.full(400, 1 / 400), size=50)
    weights[:, [0, -1]] += 1  # each class is drawn
    for name in RANKED:
        before, after = (
            scorer(name, METRICS[name], labels, one)(weights.astype(np.float64))
            for one in (proba, found)
        )
        assert (before == after).all(), name


@pytest.mark.parametrize("kind", KINDS)
def test_the_change_is_half_a_step_at_most_and_none_when_rounded_again(kind):
    labels, proba = two_classes(kind)
    made = rounded(labels, proba)
    found = restored(labels, 2, Reader(made))
    inside = (proba > 1e-30).all(axis=1)
    before, after = (
        np.diff(np.log(one[inside].astype(np.float64)))[:, 0] for one in (proba, found)
    )
    assert np.abs(before - after).max(initial=0) <= STEP / 2 + 1e-6
    assert rounded(labels, found) == made


def test_more_classes_keep_decisions_and_the_ranks_of_each():
    rng = np.random.default_rng(3)
    labels = rng.integers(4, size=300)
    proba = softmax(2 * rng.normal(size=(300, 4)) + 2 * np.eye(4)[labels])
    made = rounded(labels, proba)
    found = restored(labels, 4, Reader(made))
    assert (found.argmax(axis=1) == proba.argmax(axis=1)).all()
    for name in RANKED:
        assert METRICS[name](labels, found) == METRICS[name](labels, proba), name
    assert rounded(labels, found) == made


def test_they_are_small():
    labels, proba = two_classes("common", n=4000)
    made = rounded(labels, proba)
    assert len(made["values"]) < 400  # a handful of images is kept as it is
    assert len(made["digits"]) < 8000
    assert np.abs(np.frombuffer(made["high"], np.int8)).max() < 16


@pytest.mark.parametrize("n", [0, 1, 2, 9])
def test_few_images(n):
    labels, proba = np.arange(n) % 2, np.full((n, 2), 0.5, np.float32)
    assert (restored(labels, 2, Reader(rounded(labels, proba))) == proba).all()


@pytest.mark.parametrize(
    ("labels", "proba"),
    [
        ([0, 1], [[0.5, 0.5]]),
        ([0, 2], [[0.5, 0.5]] * 2),
        ([0, 1], [[np.nan, 0.5]] * 2),
        ([0, 1], [[1.5, 0.5]] * 2),
        ([0], [[1.0]]),
    ],
)
def test_what_are_no_outputs_is_refused(labels, proba):
    with pytest.raises(ValueError, match=r"labels|probabilities"):
        rounded(np.array(labels), np.array(proba, np.float32))


def test_streams_that_are_too_short_or_too_long_are_found():
    labels, proba = two_classes("dense")
    made = rounded(labels, proba)
    for name in ("low", "high", "digits", "kept"):
        with pytest.raises(DamagedOutputs, match=name):
            restored(labels, 2, Reader({**made, name: made[name][:-1]}))
    reader = Reader({**made, "low": made["low"] + b"\0"})
    restored(labels, 2, reader)
    assert not reader.spent
