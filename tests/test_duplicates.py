import io

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from imbench.images.decode import decode
from imbench.images.duplicates import (
    CopyPair,
    exact_groups,
    find_copies,
    find_near_copies,
    perceptual_hash,
)


def seen(image, kind="PNG", **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return decode(file.getvalue(), size=8)


def stack(pictures):
    return [one.digest for one in pictures], np.stack([one.thumbnail for one in pictures])


@pytest.fixture
def crowd(data_picture):
    return [seen(data_picture(seed)) for seed in range(300)]


def test_different_pictures_are_not_near(crowd):
    assert find_near_copies(stack(crowd)[1]) == []


@pytest.mark.parametrize(
    "change",
    [
        lambda image: image.resize((24, 20), Image.Resampling.LANCZOS),
        lambda image: ImageEnhance.Brightness(image).enhance(0.8),
        lambda image: ImageEnhance.Contrast(image).enhance(1.2),
        lambda image: image.convert("L"),
    ],
)
def test_row_29_changed_copies_are_near(crowd, data_picture, change):
    crowd[200] = seen(change(data_picture(7)))
    assert find_near_copies(stack(crowd)[1]) == [(7, 200)]


def test_a_recompressed_copy_is_near_and_not_exact(crowd, data_picture):
    crowd[200] = seen(data_picture(7), "JPEG", quality=40)
    assert find_copies(*stack(crowd)) == [CopyPair(7, 200, False)]


def test_equal_pixels_in_another_format_are_exact(crowd, data_picture):
    crowd[200] = seen(data_picture(7), "BMP")
    assert find_copies(*stack(crowd)) == [CopyPair(7, 200, True)]


def test_pairs_across_a_split_are_found_through_a_group(data_picture):
    a, b = seen(data_picture(1)), seen(data_picture(1), "JPEG", quality=50)
    pictures = [a, a, seen(data_picture(2)), a, b]
    side = np.array([False, False, False, True, True])
    found = find_copies(*stack(pictures), side=side)
    assert found == [CopyPair(0, 3, True), CopyPair(0, 4, False), CopyPair(1, 3, True)]


def test_images_of_one_grey_are_not_all_copies():
    greys = [seen(Image.new("RGB", (20, 20), (v, v, v))) for v in (10, 20, 30)]
    assert find_copies(*stack(greys)) == []
    assert find_copies(*stack([greys[0], greys[0]])) == [CopyPair(0, 1, True)]


def test_nothing_to_compare():
    assert exact_groups([]) == []
    assert find_near_copies(np.zeros((0, 32, 32), np.uint8)) == []
    assert find_near_copies(np.zeros((2, 32, 32), np.uint8), np.array([False, True])) == []


def test_brightness_is_not_in_the_hash(data_picture):
    grey = np.asarray(seen(data_picture(3)).thumbnail)
    darker = (grey // 2).astype(np.uint8)
    bits = perceptual_hash(np.stack([grey, darker]))
    assert bits.shape == (2, 63)
    assert (bits[0] != bits[1]).sum() <= 2
