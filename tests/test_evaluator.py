"""Evaluation of translators whose quality is known: those that do nothing, copy, or are perfect."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from imbench.errors import UsageError
from imbench.generators.evaluator import Evaluator
from imbench.generators.kid import kid
from imbench.generators.oracle import OracleSettings, trained_oracle
from imbench.images.dataset import Decoded, Images
from imbench.images.subsets import subset

CELL = {"minority": 12, "majority": None, "seed": 3}


def images(counts: tuple[int, int], seed: int) -> Images:
    """Return coarse random pictures; a lighter green channel tells the minority."""
    rng = np.random.default_rng(seed)
    labels = np.repeat([0, 1], counts)
    coarse = rng.integers(0, 120, (len(labels), 4, 4, 3))
    coarse[..., 1] += (70 * labels)[:, None, None]
    return Images(coarse.repeat(2, axis=1).repeat(2, axis=2).astype(np.uint8), labels)


@pytest.fixture(scope="module")
def evaluator() -> Evaluator:
    train, test = images((80, 60), 0), images((25, 30), 1)
    data = Decoded(Path(), ("a", "b"), "0", train, images((0, 0), 2), test)
    settings = OracleSettings(network="cnn", steps=60, batch_size=16)
    others = OracleSettings(network="linear", steps=60, batch_size=16, seed=1)
    return Evaluator(data, [trained_oracle(train, settings), trained_oracle(train, others)])


def test_a_translator_that_does_nothing_gets_the_floor(evaluator):
    found = evaluator.evaluate(lambda x, to_minority: x, 1, **CELL)
    assert [shares[:2] for shares in found.shares] == [shares[:2] for shares in evaluator.floor(1)]
    assert [shares[2:] for shares in found.shares] == [(0, 0)] * 2
    assert found.change == 0
    assert np.array_equal(found.to_minority, evaluator.real_images(0).features[:25])


def test_real_images_get_the_ceiling(evaluator):
    def perfect(x, to_minority):
        real = evaluator.real_images(int(to_minority)).pixels
        return real[np.arange(len(x)) % len(real)]

    (ceiling, _), (floor, _) = evaluator.ceiling(1), evaluator.floor(1)
    found = evaluator.evaluate(perfect, 1, **CELL)
    assert found.shares[0].to_minority == pytest.approx(ceiling.to_minority, abs=0.05)
    assert floor.to_minority < 0.2 < 0.8 < ceiling.to_minority
    assert floor.to_majority < 0.2 < 0.8 < ceiling.to_majority
    assert kid(found.to_minority, evaluator.real_images(1).features[:25]) < 0.1 * kid(
        evaluator.real_images(0).features[:25], evaluator.real_images(1).features[:25]
    )


def test_shares_are_those_of_each_classifier(evaluator):
    b = evaluator.real_images(1).pixels
    for classifier, shares in zip(evaluator.classifiers, evaluator.ceiling(1), strict=True):
        assert shares.to_minority == np.mean(classifier.classify(b)[0] == 1)


def test_copies_of_training_images_are_seen(evaluator):
    train = evaluator.data.train
    rows = subset(train.labels, minority=12, majority=None, replicate=3)
    own = train.pixels[[row for row in rows if train.labels[row] == 1]]
    assert len(own) == 12
    copy = evaluator.evaluate(lambda x, to_minority: own[np.arange(len(x)) % 12], 1, **CELL)
    for found in (copy.copying, copy.copying_pixels):
        assert found.ratio == pytest.approx(0, abs=1e-6)
        assert found.nearer == 1


def test_copies_of_images_that_the_generators_did_not_see_are_no_copies(evaluator):
    train = evaluator.data.train
    rows = subset(train.labels, minority=12, majority=None, replicate=3)
    others = train.pixels[[row for row in range(140) if row not in rows and train.labels[row] == 1]]
    assert len(others) == 48
    found = evaluator.evaluate(lambda x, to_minority: others[np.arange(len(x)) % 48], 1, **CELL)
    assert found.copying_pixels.ratio > 0.8
    assert found.copying_pixels.nearer < 0.5


def test_where_all_training_images_are_used_half_of_the_test_images_stand_for_spare_ones(evaluator):
    cell = {**CELL, "minority": 60}
    found = evaluator.evaluate(lambda x, to_minority: x, 1, **cell)
    assert 0 < found.copying.nearer < 1
    assert 0.2 < found.copying.nearer_real < 0.8


def test_only_test_images_are_translated(evaluator):
    given: list[np.ndarray] = []

    def watch(x, to_minority):
        given.append(x)
        return x

    evaluator.evaluate(watch, 1, **CELL)
    test = evaluator.data.test
    *given, again = given
    assert again is given[0], "what was translated is translated back, to be compared"
    for x, label, count in zip(given, (0, 1), (25, 30), strict=True):
        expected = {image.tobytes() for image in test.pixels[test.labels == label]}
        assert {image.tobytes() for image in x} == expected
        assert len(x) == count


def test_both_sides_are_compared_at_the_smaller_number_of_images(evaluator):
    assert evaluator.sample_size(1) == 25
    found = evaluator.evaluate(lambda x, to_minority: x, 1, **CELL)
    assert len(found.to_minority) == len(found.to_majority) == 25


def test_rows_of_features_are_refused(evaluator):
    data = evaluator.data
    flat = Images(data.test.pixels.reshape(55, -1), data.test.labels)
    features = Decoded(Path(), ("a", "b"), "0", data.train, data.validation, flat)
    with pytest.raises(UsageError, match="not rows of features"):
        Evaluator(features, evaluator.classifiers).real_images(0)
