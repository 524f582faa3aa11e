"""Shares, changes and distances of generated images, by hand and on worlds made for the purpose."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from imbench.generators.quality import copying, flip_rate, hit_rate, mean_change


def test_hit_rate_counts_the_target():
    assert hit_rate(np.array([1, 1, 0, 2]), 1) == 0.5
    with pytest.raises(ValueError, match="no images"):
        hit_rate(np.array([], int), 1)


def test_flip_rate_leaves_out_what_was_the_target_before():
    before, after = np.array([0, 0, 0, 1, 1]), np.array([1, 0, 0, 1, 0])
    assert flip_rate(before, after, 1) == pytest.approx(1 / 3)
    assert hit_rate(after, 1) == pytest.approx(2 / 5)


def test_flip_rate_with_nothing_to_flip_is_zero():
    assert flip_rate(np.array([1, 1]), np.array([1, 1]), 1) == 0
    with pytest.raises(ValueError, match="1 translations of 2"):
        flip_rate(np.array([0, 0]), np.array([1]), 1)


def test_a_translation_that_changes_nothing_flips_nothing():
    labels = np.array([0, 1, 0, 0])
    assert flip_rate(labels, labels, 1) == 0


def test_change_does_not_wrap_around():
    x = np.array([[[[0]]], [[[255]]]], np.uint8)
    assert mean_change(x, 255 - x) == 1
    assert mean_change(x, x) == 0
    assert mean_change(x[:1], x[:1] + 51) == pytest.approx(0.2)


def test_distances_by_hand():
    training, fakes = np.array([[0.0, 0], [10, 0]]), np.array([[0.0, 1], [10, 2], [13, 4]])
    found = copying(fakes, training, training + 4, training + 100, np.random.default_rng(0))
    assert found.fake == pytest.approx(2)
    assert found.held_out == pytest.approx(np.sqrt(32))
    assert found.ratio == pytest.approx(2 / np.sqrt(32))
    assert found.nearer == found.nearer_real == 1


D = 12


def real(n: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((n, D))


def copied(fakes: np.ndarray, training: np.ndarray, spare: int = 3):
    return copying(fakes, training, real(200, 2), real(300, spare), np.random.default_rng(0))


def test_copies_have_ratio_zero_and_are_always_nearer():
    training = real(40, 1)
    found = copied(training[np.arange(100) % 40], training)
    assert found.ratio == pytest.approx(0, abs=1e-6)
    assert found.fake == pytest.approx(0, abs=1e-6)
    assert found.nearer == 1
    assert 0.3 < found.nearer_real < 0.7


def test_near_copies_are_seen():
    training = real(40, 1)
    found = copied(training[np.arange(100) % 40] + 0.2 * real(100, 5), training)
    assert found.ratio < 0.4
    assert found.nearer > 0.99


def test_new_images_of_the_class_have_ratio_one_and_are_nearer_half_of_the_time():
    found = copied(real(400, 6), real(40, 1))
    assert found.ratio == pytest.approx(1, abs=0.05)
    assert found.nearer == pytest.approx(0.5, abs=0.1)
    assert found.held_out == pytest.approx(np.median(cdist(real(200, 2), real(40, 1)).min(axis=1)))


def test_blurred_images_have_a_low_ratio_but_are_not_nearer():
    # All in the middle of the class: nearer to every image than a real one is. Which image is
    # the nearest to all of them is chance, hence the mean over many sets.
    found = [copied(0.2 * real(100, 6), real(40, 100 + i), 200 + i) for i in range(40)]
    assert max(one.ratio for one in found) < 0.85
    assert np.mean([one.nearer for one in found]) == pytest.approx(0.5, abs=0.15)


def test_equal_numbers_are_compared():
    # 1,000 spare images hold one nearer than 10 training images do; 10 of them need not.
    found = copying(real(300, 6), real(10, 1), real(50, 2), real(1000, 3), np.random.default_rng(0))
    assert found.nearer > 0.3


def test_images_that_are_all_one_image_have_a_ratio_too():
    same = np.zeros((5, D))
    assert copying(same, same, same, same, np.random.default_rng(0)).ratio == 0
    assert copying(same + 1, same, same, same, np.random.default_rng(0)).ratio == 1
    assert copying(same, same, same, same, np.random.default_rng(0)).nearer == 0.5
