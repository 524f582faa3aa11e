"""Outputs that are rounded keep every decision, every ranking of classes, and themselves."""

from __future__ import annotations

import lzma

import numpy as np
import pytest

from imbench.records.rounded_outputs import (
    FIRST_ROUNDING,
    ROUNDING,
    DamagedOutputs,
    Reader,
    restored,
    rounded,
)
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


ROUNDINGS = pytest.mark.parametrize("rounding", [ROUNDING, FIRST_ROUNDING], ids=["new", "first"])


def again(labels, proba, rounding=ROUNDING):
    """Return outputs as bytes, and as they are restored from them."""
    made = rounded(labels, proba, rounding)
    reader = Reader(made, rounding)
    found = restored(labels, proba.shape[1], reader)
    assert reader.spent
    return made, found


def log_odds(proba):
    """Return the log-odds of each class; of the second, if there are two."""
    exact = proba.astype(np.float64)
    with np.errstate(divide="ignore"):
        if exact.shape[1] == 2:
            return (np.log(exact[:, 1]) - np.log(exact[:, 0]))[:, None]
        return np.log(exact) - np.log(1 - exact)


def with_log_odds(*odds):
    return softmax(np.stack([np.zeros(len(odds)), odds], axis=1))


@pytest.mark.parametrize(
    ("labels", "odds", "found", "digits"),
    [
        # of one class: the middle of [.25, .3125), [.4375, .5) and [-.125, -.0625)
        ([1, 1, 0], [0.30, 0.45, -0.1], [0.28125, 0.46875, -0.09375], []),
        # of two classes: [.25, .3125) is halved once, and a bit says which half
        ([0, 1], [0.26, 0.30], [0.265625, 0.296875], [0b01000000]),
        # halved twice: both lie in the upper half, then in its lower and upper one
        ([0, 1], [0.285, 0.305], [0.2890625, 0.3046875], [0b11000000, 0b01000000]),
        # the third image leaves with the first half, and has no second bit
        (
            [0, 1, 1],
            [0.285, 0.305, 0.26],
            [0.2890625, 0.3046875, 0.265625],
            [0b11000000, 0b01000000],
        ),
    ],
)
def test_steps_of_a_16th_are_halved_until_classes_are_apart(labels, odds, found, digits):
    made, proba = again(np.array(labels), with_log_odds(*odds))
    assert log_odds(proba)[:, 0] == pytest.approx(found, abs=1e-6)
    assert list(made["digits"]) == digits
    assert not made["values"]


def test_the_first_rounding_divides_steps_of_a_64th_by_16():
    labels, proba = np.array([0, 1, 1]), with_log_odds(0.30, 0.31, 0.45)  # steps 19, 19, 28
    made, found = again(labels, proba, FIRST_ROUNDING)
    assert log_odds(found)[:, 0] == pytest.approx([307.5 / 1024, 317.5 / 1024, 28.5 / 64], abs=1e-6)
    assert list(made["low"]) == [19, 19, 28]
    assert list(made["digits"]) == [307 - 19 * 16, 317 - 19 * 16]


@ROUNDINGS
@pytest.mark.parametrize("kind", KINDS)
def test_decisions_and_ranks_of_two_classes_are_kept_in_every_resample(kind, rounding):
    labels, proba = two_classes(kind)
    _, found = again(labels, proba, rounding)
    assert (found.argmax(axis=1) == proba.argmax(axis=1)).all()
    weights = np.random.default_rng(1).multinomial(len(labels), np.full(400, 1 / 400), size=50)
    weights[:, [0, -1]] += 1  # each class is drawn
    for name in RANKED:
        before, after = (
            scorer(name, METRICS[name], labels, one)(weights.astype(np.float64))
            for one in (proba, found)
        )
        assert (before == after).all(), name


@ROUNDINGS
@pytest.mark.parametrize("kind", KINDS)
def test_the_change_is_half_a_step_at_most_and_none_when_rounded_again(kind, rounding):
    labels, proba = two_classes(kind)
    made, found = again(labels, proba, rounding)
    inside = (proba > 1e-30).all(axis=1)
    change = np.abs(log_odds(proba[inside]) - log_odds(found[inside]))
    assert change.max(initial=0) <= rounding.step / 2 + 1e-6
    assert rounded(labels, found, rounding) == made


def test_what_the_first_rounding_left_is_rounded_to_steps_of_a_16th():
    labels, proba = two_classes("common", n=4000)
    first, before = again(labels, proba, FIRST_ROUNDING)
    made, found = again(labels, before)
    small, large = (len(lzma.compress(b"".join(one.values()))) for one in (made, first))
    assert small < 0.95 * large  # of images that are less mixed 0.8
    change = np.abs(log_odds(proba) - log_odds(found))
    assert 1 / 64 < change.max() <= 1 / 32 + 1 / 128 + 1e-6
    assert same_ranks(labels, proba, found)


def same_ranks(labels, before, after):
    """Whether decisions are the same, and the others below and above each image of a class."""
    columns = range(1 if before.shape[1] == 2 else 0, before.shape[1])
    for column in columns:
        mine = labels == column
        for side in ("left", "right"):
            one, two = (
                np.searchsorted(np.sort(proba[~mine, column]), proba[mine, column], side)
                for proba in (before, after)
            )
            if (one != two).any():
                return False
    return bool((before.argmax(axis=1) == after.argmax(axis=1)).all())


def drawn(seed):
    """Return random labels and outputs: of few or many images, dense or sure, tied, 0 and 1."""
    rng = np.random.default_rng(seed)
    classes, n = rng.choice([2, 5]), rng.choice([0, 1, 2, 9, 200])
    labels = rng.integers(classes, size=n)
    logits = rng.choice([1e-7, 1e-3, 1, 20]) * rng.normal(size=(n, classes))
    logits += rng.choice([0, 4]) * np.eye(classes)[labels]
    if rng.random() < 0.5:
        logits = np.round(logits, 1)  # many are equal
    proba = softmax(logits) if n else np.zeros((0, classes), np.float32)
    sure = rng.random(n) < rng.choice([0, 0.3])
    proba[sure] = np.eye(classes, dtype=np.float32)[rng.integers(classes, size=sure.sum())]
    return labels, proba


@ROUNDINGS
@pytest.mark.parametrize("seed", range(40))
def test_random_outputs_keep_decisions_ranks_bounds_and_themselves(seed, rounding):
    labels, proba = drawn(seed)
    made, found = again(labels, proba, rounding)
    assert same_ranks(labels, proba, found)
    assert rounded(labels, found, rounding) == made
    before, after = log_odds(proba), log_odds(found)
    assert (np.isinf(before) == np.isinf(after)).all()
    exact = np.abs(before) < 9  # beyond, of five classes, float32 has too few digits near 1
    change = np.abs(before[exact] - after[exact])
    assert change.max(initial=0) <= rounding.step / 2 + 1e-3


def test_scores_next_to_1_of_many_classes_are_rounded_once():
    """There a float32 has steps of its own, which are wider than those of log-odds."""
    proba = 1 - np.arange(3000, dtype=np.float32) * np.float32(2**-24)
    proba = np.stack([proba, (1 - proba) / 2, (1 - proba) / 2], axis=1)
    for labels in (np.zeros(3000, np.int64), np.arange(3000) % 3):
        made, found = again(labels, proba)
        assert rounded(labels, found) == made
        assert same_ranks(labels, proba, found)


def test_more_classes_keep_decisions_and_the_ranks_of_each():
    rng = np.random.default_rng(3)
    labels = rng.integers(4, size=300)
    proba = softmax(2 * rng.normal(size=(300, 4)) + 2 * np.eye(4)[labels])
    made, found = again(labels, proba)
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
