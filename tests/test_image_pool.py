"""The pool of past fakes."""

import numpy as np
import torch

from imbench.methods._image_pool import ImagePool


def images(*values):
    return torch.tensor(values, dtype=torch.float)[:, None, None, None].expand(-1, 1, 2, 2)


def values(batch):
    return [float(image.mean()) for image in batch]


def test_a_pool_that_fills_hands_back_what_it_is_given():
    pool, rng = ImagePool(3), np.random.default_rng(0)
    assert values(pool.query(images(1, 2), rng)) == [1, 2]
    assert values(pool.query(images(3), rng)) == [3]
    assert values(pool.images) == [1, 2, 3]


def test_a_full_pool_swaps_half_of_what_it_is_given():
    pool, rng = ImagePool(50), np.random.default_rng(1)
    pool.query(images(*range(50)), rng)
    new = list(range(50, 2050))
    out = [values(pool.query(images(value), rng))[0] for value in new]
    kept = sum(a == b for a, b in zip(new, out, strict=True))
    assert 900 < kept < 1100
    # A swapped image leaves the pool, and each image is in one place only.
    swapped = [value for given, value in zip(new, out, strict=True) if value != given]
    assert len(set(swapped)) == len(swapped)
    assert sorted(values(pool.images) + out) == sorted([*range(50), *new])


def test_a_pool_of_size_0_is_no_pool():
    pool, fakes = ImagePool(0), images(1, 2)
    assert pool.query(fakes, np.random.default_rng(0)) is fakes
    assert pool.images == []


def test_a_pool_keeps_images_not_the_batches_they_came_in():
    pool, rng = ImagePool(2), np.random.default_rng(2)
    for _ in range(20):
        pool.query(torch.rand(64, 3, 4, 4), rng)
    assert {image.untyped_storage().nbytes() for image in pool.images} == {3 * 4 * 4 * 4}
