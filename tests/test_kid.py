"""KID and FID against values worked out by hand, other programs' values, and known truths."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics.pairwise import polynomial_kernel

from imbench.generators.kid import fid, frechet, kernel, kid, kid_interval, mean_norm, unit


def normals(n: int, d: int, seed: int, scale: float = 1.0, shift: float = 0.0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((n, d)) * scale + shift


X, Y = np.array([(0.0, 0), (1, 0)]), np.array([(0.0, 1), (1, 1)])


def test_kid_by_hand():
    assert kid(X, Y) == pytest.approx(1.1875, abs=1e-12)


def test_kid_by_hand_of_samples_of_unequal_size_is_zero():
    assert kid(X, np.vstack([Y, [(2.0, 0)]])) == pytest.approx(0, abs=1e-12)


def test_the_biased_estimate_differs_by_the_pairs_of_an_image_with_itself():
    biased = kernel(X, X).mean() + kernel(Y, Y).mean() - 2 * kernel(X, Y).mean()
    assert biased == pytest.approx(2.9375, abs=1e-12)


def test_the_kernel_is_scikit_learns():
    x, y = normals(5, 7, 0), normals(4, 7, 1)
    assert np.allclose(kernel(x, y), polynomial_kernel(x, y, degree=3, gamma=1 / 7, coef0=1))


def test_kid_and_fid_are_those_of_other_programs():
    # Computed once with torch-fidelity 0.4.0 (mmd2, fid_statistics_to_metric); torchmetrics 1.9.0
    # gives the same to the four digits that it printed.
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((40, 6)), rng.standard_normal((40, 6)) * 1.5 + 0.3
    assert kid(x, y) == pytest.approx(1.0896155670164838, rel=1e-12)
    assert fid(x, y) == pytest.approx(3.0280201954245456, rel=1e-9)


def test_kid_is_unbiased_and_may_be_negative():
    values = [kid(normals(50, 64, 2 * i), normals(50, 64, 2 * i + 1)) for i in range(200)]
    error = np.std(values) / np.sqrt(len(values))
    assert abs(np.mean(values)) < 4 * error
    assert 0.3 < np.mean(np.array(values) < 0) < 0.7
    assert np.std(values) == pytest.approx(0.024, abs=0.006)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (([0.0], [[1.0]]), ([3.0], [[4.0]]), 10),
        (([0.0, 0], np.diag([1.0, 4])), ([1.0, 2], np.diag([9.0, 1])), 10),
        (([1.0, 2], np.eye(2)), ([1.0, 2], np.eye(2)), 0),
    ],
)
def test_frechet_distance_of_known_gaussians(first, second, expected):
    given = [np.array(part) for pair in (first, second) for part in pair]
    assert frechet(*given) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(("n", "expected"), [(50, 43.5), (100, 22.1), (200, 10.9), (1000, 2.2)])
def test_fid_of_equal_distributions_falls_with_the_number_of_images(n, expected):
    found = [fid(normals(n, 64, 2 * i), normals(n, 64, 2 * i + 1)) for i in range(4)]
    assert np.mean(found) == pytest.approx(expected, rel=0.05)


def test_fid_of_a_sample_with_itself_is_zero_with_fewer_images_than_features():
    x = normals(10, 30, 0)
    assert fid(x, x) == pytest.approx(0, abs=1e-6)


def test_the_interval_is_around_the_estimate_and_repeats():
    x, y = normals(60, 8, 0), normals(60, 8, 1, shift=0.5)
    first = kid_interval([(x, y)], np.random.default_rng(0), draws=300)
    assert first == kid_interval([(x, y)], np.random.default_rng(0), draws=300)
    mean, low, high = first
    assert mean == pytest.approx(kid(x, y))
    assert low < mean < high


def test_a_pair_of_equal_draws_is_no_pair():
    # With such pairs every resample of equal samples would be too far from the other sample: by
    # the mean of k(x, x) - k(x, x') over n, here 0.07.
    x, y = normals(100, 16, 0), normals(100, 16, 1)
    _, low, high = kid_interval([(x, y)], np.random.default_rng(0), draws=400)
    assert low < kid(x, y) < (low + high) / 2 + 0.05
    assert low < 0 < high


def test_intervals_hold_the_truth_as_often_as_they_say():
    rng = np.random.default_rng(7)
    size, d, shift = 60, 8, 0.5
    truth = kid(rng.standard_normal((4000, d)), rng.standard_normal((4000, d)) + shift)
    held = 0
    for _ in range(60):
        pair = rng.standard_normal((size, d)), rng.standard_normal((size, d)) + shift
        _, low, high = kid_interval([pair], rng, draws=200)
        held += low <= truth <= high
    assert held >= 52


def test_several_pairs_share_their_draws():
    # Two seeds' translations of the same images differ little: so does their mean's interval from
    # that of one, which independent draws would make narrower.
    x, y = normals(60, 8, 0), normals(60, 8, 1, shift=0.5)
    one = kid_interval([(x, y)], np.random.default_rng(0), draws=300)
    two = kid_interval([(x, y), (x + 1e-9, y)], np.random.default_rng(0), draws=300)
    assert two == pytest.approx(one, abs=1e-6)


def test_what_cannot_be_compared_is_refused():
    with pytest.raises(ValueError, match="at least two"):
        kid(X[:1], Y)
    with pytest.raises(ValueError, match="cannot be compared"):
        fid(X, normals(3, 4, 0))
    with pytest.raises(ValueError, match="of the same sizes"):
        kid_interval([(X, Y), (X, np.vstack([Y, Y]))], np.random.default_rng(0))


def test_features_of_one_length_bound_what_one_image_can_do():
    # 117 images of the same distribution, and three that are thirty times as far out.
    x, y = np.abs(normals(120, 64, 0)), np.abs(normals(120, 64, 1))
    far = np.vstack([x[:-3], 30 * x[-3:]])
    assert abs(kid(x, y)) < 0.1
    assert kid(far, y) > 1000
    assert abs(kid(unit(far), unit(y))) == pytest.approx(abs(kid(unit(x), unit(y))), abs=1e-12)
    assert mean_norm(far) > 1.5 * mean_norm(x)


def test_features_of_one_length_have_cosines_for_products_and_nothing_has_none():
    x, y = normals(5, 7, 0, scale=3), normals(4, 7, 1)
    cosines = (x @ y.T) / np.linalg.norm(x, axis=1)[:, None] / np.linalg.norm(y, axis=1)
    assert np.allclose(kernel(unit(x), unit(y)), (cosines + 1) ** 3)
    assert (unit(np.zeros((1, 3))) == 0).all()
    one, other = np.tile([1.0, 0], (9, 1)), np.tile([-1.0, 0], (9, 1))
    assert kid(unit(one), unit(other)) == pytest.approx(16)


def test_a_shift_of_the_distribution_is_still_seen():
    x, y = normals(120, 16, 0), normals(120, 16, 1)
    same = kid(unit(x), unit(y))
    noise = np.random.default_rng(2).uniform(-1, 1, (120, 16)) + 2
    assert kid(unit(noise), unit(y)) > 10 * abs(same) + 0.5
