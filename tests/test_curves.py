"""Curves of outputs, on the known answers of the metrics that summarise them."""

from __future__ import annotations

import numpy as np
import pytest

from imbench.stats.curves import precision_recall, reliability, roc, thinned
from imbench.stats.metrics import auprc, auroc, ece_pos

LABELS = np.array([0, 0, 1, 1, 0, 1, 0, 0])
SCORE = np.array([0.1, 0.4, 0.35, 0.8, 0.2, 0.9, 0.6, 0.05])
PROBA = np.stack([1 - SCORE, SCORE], axis=1)
POSITIVE = LABELS == 1


def test_roc_goes_through_each_threshold_and_has_the_area_of_the_metric():
    points = roc(POSITIVE, SCORE)
    third, fifth = 1 / 3, 1 / 5
    assert points[:4] == pytest.approx(
        np.array([[0, 0], [0, third], [0, 2 * third], [fifth, 2 * third]])
    )
    assert points[-1].tolist() == [1, 1]
    area = np.sum(np.diff(points[:, 0]) * (points[1:, 1] + points[:-1, 1]) / 2)
    assert area == pytest.approx(auroc(LABELS, PROBA)) == pytest.approx(0.866667, abs=1e-6)


def test_tied_scores_are_one_point():
    assert roc(POSITIVE, np.full(8, 0.5)).tolist() == [[0, 0], [1, 1]]


def test_precision_recall_has_the_steps_of_average_precision():
    points = precision_recall(POSITIVE, SCORE)
    assert points[0] == pytest.approx([1 / 3, 1])
    assert points[-1] == pytest.approx([1, 3 / 8])
    steps = np.diff(points[:, 0], prepend=0) * points[:, 1]
    assert steps.sum() == pytest.approx(auprc(LABELS, PROBA)) == pytest.approx(0.866667, abs=1e-6)


def test_reliability_has_the_bins_of_the_calibration_error():
    points = reliability(POSITIVE, SCORE, bins=10)
    assert points[:, 2].sum() == 8
    bins = {round(mean, 3): (share, images) for mean, share, images in points.tolist()}
    assert bins[0.35] == (1.0, 1.0)
    gap = np.sum(points[:, 2] * np.abs(points[:, 0] - points[:, 1])) / 8
    assert gap == pytest.approx(ece_pos(LABELS, PROBA, bins=10)) == pytest.approx(0.2875)


@pytest.mark.parametrize("curve", [roc, precision_recall])
def test_a_curve_needs_images_of_both_kinds(curve):
    with pytest.raises(ValueError, match="inside and outside"):
        curve(np.zeros(3, bool), np.arange(3.0))


def test_thinned_curves_keep_their_ends_and_lie_on_the_path():
    x = np.linspace(0, 1, 1001)
    points = np.stack([x, x**2], axis=1)
    few = thinned(points, 20)
    assert 2 < len(few) <= 20
    assert few[0].tolist() == [0, 0]
    assert few[-1].tolist() == [1, 1]
    assert few[:, 1] == pytest.approx(few[:, 0] ** 2)
    assert thinned(points[:5], 20) is not None
    assert len(thinned(points[:5], 20)) == 5
