import numpy as np
import pytest

from imbench.images.look_alikes import LIKENESS, MOST, look_alikes


def thumbnails(n, seed=0, form=1.0):
    """Return thumbnails that share a form, more or less, and are otherwise noise."""
    rng = np.random.default_rng(seed)
    coarse = rng.normal(size=(4, 8, 8))
    shared = np.kron(coarse[rng.integers(0, 4, n)], np.ones((4, 4)))
    share = rng.uniform(0.2, 1, n)[:, None, None] * form
    values = 128 + 30 * (share * shared + 0.15 * rng.normal(size=(n, 32, 32)))
    return np.clip(values, 0, 255).astype(np.uint8)


def every(rows):
    return np.arange(rows, dtype=np.int64)


def correlations(images):
    return np.corrcoef(images.reshape(len(images), -1).astype(float))


def test_no_pair_is_missed():
    images = thumbnails(60)
    alike = correlations(images)
    pairs, found = look_alikes(images, every(60), every(60))
    expected = set()
    for row in range(60):
        others = [other for other in np.argsort(-alike[row]) if other != row]
        expected |= {
            (min(row, other), max(row, other))
            for other in others[:MOST]
            if alike[row, other] >= LIKENESS
        }
    assert set(pairs) == expected
    assert len(pairs) == len(expected) > 20
    assert found == (alike >= LIKENESS).sum() - 60 > 2 * len(pairs)


def test_pairs_are_linear_in_the_number_of_images():
    images = thumbnails(1, form=1)[0].astype(float)
    noise = np.random.default_rng(1).normal(0, 3, (1500, 32, 32))
    series = np.clip(images + noise, 0, 255).astype(np.uint8)
    pairs, found = look_alikes(series, every(1500), every(1500))
    assert found == 1500 * 1499
    assert 1500 * MOST / 2 <= len(pairs) <= 1500 * MOST


def test_pairs_of_two_sides_only():
    images = thumbnails(40)
    first, second = every(40)[:25], every(40)[20:]  # equal images may be on both sides
    pairs, found = look_alikes(images, first, second)
    alike = correlations(images)
    assert found == (alike[:25, 20:] >= LIKENESS).sum() - 5
    assert all((a < 25 and b >= 20) or (b < 25 and a >= 20) for a, b in pairs)
    assert all(a < b and alike[a, b] >= LIKENESS for a, b in pairs)


@pytest.mark.parametrize("block", [7, 16])
def test_blocks_change_nothing(monkeypatch, block):
    images = thumbnails(50, seed=3)
    whole = look_alikes(images, every(50), every(50))
    monkeypatch.setattr("imbench.images.look_alikes._ROWS", block)
    monkeypatch.setattr("imbench.images.look_alikes._COLUMNS", block)
    assert look_alikes(images, every(50), every(50)) == whole


def test_brightness_and_contrast_do_not_matter():
    (image,) = thumbnails(1)
    changed = np.stack([image, image // 2, 90 + image // 4])
    assert look_alikes(changed, every(3), every(3))[0] == [(0, 1), (0, 2), (1, 2)]


def test_images_of_one_grey_look_like_no_other():
    flat = np.full((3, 32, 32), 90, np.uint8) + np.arange(3, dtype=np.uint8)[:, None, None]
    assert look_alikes(flat, every(3), every(3)) == ([], 0)
    assert look_alikes(np.zeros((0, 32, 32), np.uint8), every(0), every(0)) == ([], 0)
