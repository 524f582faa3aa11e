import io

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from imbench.images.decode import decode
from imbench.images.duplicates import Copies, Leak, find_copies, find_near_copies, perceptual_hash


def seen(image, kind="PNG", **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return decode(file.getvalue(), size=8)


def stack(pictures):
    return [one.digest for one in pictures], [one.thumbnail for one in pictures]


@pytest.fixture
def crowd(data_picture):
    return [seen(data_picture(seed)) for seed in range(300)]


def test_different_pictures_are_not_near(crowd):
    assert find_near_copies(np.stack(stack(crowd)[1])) == []


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
    assert find_near_copies(np.stack(stack(crowd)[1])) == [(7, 200)]


def copies_of(pictures):
    return find_copies(*stack(pictures))


def groups_of(copies):
    return [group.tolist() for group in copies.groups()]


def test_a_recompressed_copy_is_near_and_not_exact(crowd, data_picture):
    crowd[200] = seen(data_picture(7), "JPEG", quality=40)
    copies = copies_of(crowd)
    assert copies.near == [(7, 200)]
    assert groups_of(copies) == []


def test_equal_pixels_in_another_format_are_exact(crowd, data_picture):
    crowd[200] = seen(data_picture(7), "BMP")
    copies = copies_of(crowd)
    assert groups_of(copies) == [[7, 200]]
    assert copies.near == []


def test_every_one_of_equal_images_leaks_with_their_near_copy(data_picture):
    a, b = seen(data_picture(1)), seen(data_picture(1), "JPEG", quality=50)
    copies = copies_of([a, seen(data_picture(2)), a, b, a])
    assert groups_of(copies) == [[0, 2, 4]]
    assert copies.near == [(0, 3)]
    test = np.array([False, False, False, True, False])
    assert copies.leaks(test) == [Leak(0, 3, False), Leak(2, 3, False), Leak(4, 3, False)]
    # The other way round: the near copy of any one of equal test images leaks.
    assert copies.leaks(~test & (np.arange(5) != 0)) == [Leak(0, 2, True), Leak(3, 2, False)]


def test_leaks_make_no_chains():
    # 1 is a near copy of 0 and of 2, which are no copies of each other.
    copies = Copies(np.arange(3), [(0, 1), (1, 2)])
    assert copies.leaks(np.array([False, False, True])) == [Leak(1, 2, False)]


def test_many_equal_images_are_one_group():
    picture = np.zeros((32, 32), np.uint8)
    copies = find_copies(["a"] * 50_000 + ["b"] * 50_000, [picture] * 100_000)
    assert [len(group) for group in copies.groups()] == [50_000, 50_000]
    assert copies.near == []
    test = np.arange(100_000) % 2 == 0
    assert len(copies.leaks(test)) == 50_000


def test_images_of_one_grey_are_not_all_copies():
    greys = [seen(Image.new("RGB", (20, 20), (v, v, v))) for v in (10, 20, 30)]
    assert copies_of(greys).near == []
    assert groups_of(copies_of([greys[0], greys[0]])) == [[0, 1]]


def test_nothing_to_compare():
    assert groups_of(find_copies([], None)) == []
    assert find_copies(["a", "b"], [None, None]).near == []
    assert find_near_copies(np.zeros((2, 32, 32), np.uint8)) == []


def test_brightness_is_not_in_the_hash(data_picture):
    grey = np.asarray(seen(data_picture(3)).thumbnail)
    darker = (grey // 2).astype(np.uint8)
    bits = perceptual_hash(np.stack([grey, darker]))
    assert bits.shape == (2, 63)
    assert (bits[0] != bits[1]).sum() <= 2
