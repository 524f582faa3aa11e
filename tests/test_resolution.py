"""One image's weight, chance and the least loss, against counting and brute force."""

from __future__ import annotations

import math

import numpy as np
import pytest

from imbench.stats.metrics import auroc, f1
from imbench.stats.resolution import (
    COARSE,
    chance_auroc,
    constant_loss,
    expected_f1_step,
    f1_step,
)


def outputs(matrix):
    """Return labels and sure probabilities with this confusion matrix."""
    labels = np.repeat(np.arange(len(matrix)), np.sum(matrix, axis=1))
    said = np.concatenate([np.repeat(np.arange(len(matrix)), row) for row in matrix])
    return labels, np.eye(len(matrix))[said]


@pytest.mark.parametrize("matrix", [[[40, 10], [5, 5]], [[50, 0], [10, 0]], [[9, 1], [1, 30]]])
def test_step_is_what_one_more_recognised_image_moves_f1(matrix):
    better = [matrix[0], [matrix[1][0] - 1, matrix[1][1] + 1]]
    moved = f1(*outputs(better)) - f1(*outputs(matrix))
    assert f1_step(np.array(matrix)) == pytest.approx(moved)


def test_step_of_several_minorities_is_that_of_the_one_that_moves_most():
    # Of class 2, F1 .8 of 5 + 5 answers: (2 - .8) / 11, of class 1 (2 - .9) / 41; half of it each.
    matrix = np.array([[50, 1, 1], [2, 18, 0], [0, 1, 4]])
    assert f1_step(matrix) == pytest.approx((2 - 0.8) / 11 / 2)


def test_expected_step_is_that_at_half_recall_and_precision():
    assert expected_f1_step([100, 20]) == pytest.approx(f1_step(np.array([[90, 10], [10, 10]])))
    assert expected_f1_step([100, 20, 50]) == pytest.approx(expected_f1_step([100, 20]) / 2)
    assert expected_f1_step([9, 36]) > COARSE
    assert expected_f1_step([9, 37]) <= COARSE


@pytest.mark.parametrize("counts", [[30, 10], [40, 12, 20]])
def test_chance_exceeds_the_limit_of_auroc_in_one_case_of_twenty(counts):
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(len(counts)), counts)
    found = [auroc(labels, rng.random((len(labels), len(counts)))) for _ in range(2000)]
    share = np.mean(np.array(found) > chance_auroc(counts))
    # 2,000 draws have a deviation of .005; with several minorities the limit is on the safe side.
    assert share == pytest.approx(0.05, abs=0.015) if len(counts) == 2 else share < 0.05


def test_limit_of_auroc_by_hand():
    assert chance_auroc([50, 50]) == pytest.approx(0.5 + 1.6449 * math.sqrt(101 / 30000), abs=1e-4)
    assert chance_auroc([1, 1]) == 1.0


@pytest.mark.parametrize("weights", [None, [1.0, 1.0], [0.6, 8.0], [1.0, 0.0]])
def test_no_constant_has_a_smaller_loss(weights):
    counts = np.array([95.0, 5.0])
    share = counts / counts.sum() * (1.0 if weights is None else np.array(weights))
    grid = np.linspace(1e-9, 1 - 1e-9, 200_001)
    least = (-share[0] * np.log(grid) - share[1] * np.log(1 - grid)).min()
    given = None if weights is None else np.array(weights)
    assert constant_loss(counts, given) == pytest.approx(least, abs=1e-6)


def test_balanced_classes_have_the_loss_of_a_guess():
    assert constant_loss([7, 7, 7, 7]) == pytest.approx(math.log(4))
