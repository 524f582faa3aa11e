import io

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from imbench.images.copy_policy import LIMIT
from imbench.images.fine_detail import FullSize, distance, fine_detail


def apart(*pictures):
    return FullSize(lambda row: pictures[row]).distance(0, 1)


def recompressed(image, quality):
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return Image.open(file)


@pytest.mark.parametrize(
    "change",
    {
        "recompressed": lambda image: recompressed(image, 50),
        "half the size": lambda image: image.resize((48, 40), Image.Resampling.LANCZOS),
        "twice the size": lambda image: image.resize((192, 160), Image.Resampling.BICUBIC),
        "darker": lambda image: ImageEnhance.Brightness(image).enhance(0.7),
        "brighter": lambda image: ImageEnhance.Brightness(image).enhance(1.3),
        "more contrast": lambda image: ImageEnhance.Contrast(image).enhance(1.4),
        "less contrast": lambda image: ImageEnhance.Contrast(image).enhance(0.6),
        "grey": lambda image: image.convert("L"),
        "small and recompressed": lambda image: recompressed(image.resize((48, 40)), 60),
    }.items(),
    ids=lambda item: item[0],
)
@pytest.mark.parametrize("seed", [0, 1])
def test_row_29_changed_copies_are_near(data_photograph, change, seed):
    image = data_photograph(seed)
    assert apart(image, change[1](image)) < LIMIT


def test_different_photographs_have_nothing_in_common(data_photograph):
    assert apart(data_photograph(0), data_photograph(1)) > 0.9
    assert apart(data_photograph(0), data_photograph(0)) < 1e-3


def test_products_of_one_form_differ_by_their_grain(data_photograph):
    form = np.asarray(data_photograph(0).convert("L"), np.float32)

    def product(seed):
        grain = np.random.default_rng(seed).normal(0, 12, form.shape)
        return Image.fromarray(np.clip(form + grain, 0, 255).astype(np.uint8))

    first, second = product(1), product(2)
    large = [np.asarray(one.resize((16, 16))).ravel() for one in (first, second)]
    assert np.corrcoef(*large)[0, 1] > 0.99
    assert apart(first, second) > LIMIT
    assert apart(first, recompressed(first, 70)) < LIMIT


def test_a_picture_of_little_detail_must_agree_more():
    # All of a frame agree in its edges, which is nearly all the detail that they have.
    frame = np.full((40, 24), 60.0)
    frame[3:37, 3:21] = 180

    def module(seed):
        noise = np.random.default_rng(seed).normal(0, 4, frame.shape)
        return fine_detail((frame + noise).astype(np.uint8))

    first, second = module(1), module(2)
    assert float(first.values @ second.values) > 0.7
    assert distance(first, second) > LIMIT
    assert distance(first, first) < 0.1
    assert first.free < 100


def test_flat_pictures_have_no_detail():
    flat = Image.new("L", (20, 20), 90)
    assert apart(flat, flat) == 1


def test_large_pictures_are_compared_at_one_size_and_read_once(data_photograph):
    read = []
    image = data_photograph(0, (900, 600))

    def load(row):
        read.append(row)
        return image if row else image.resize((450, 300))

    pictures = FullSize(load)
    assert [pictures.distance(0, row) < LIMIT for row in (1, 2, 1)] == [True] * 3
    assert read == [0, 1, 2]


def test_pictures_that_are_kept_are_limited(data_photograph, monkeypatch):
    monkeypatch.setattr("imbench.images.fine_detail._KEPT", 3 * 96 * 80 * 4)
    read = []

    def load(row):
        read.append(row)
        return data_photograph(row)

    pictures = FullSize(load)
    for row in range(1, 40):
        pictures.distance(0, row)
    assert sorted(set(read)) == list(range(40))
    assert read.count(0) == 1  # it was used all the time
    pictures.distance(1, 2)
    assert read[-2:] == [1, 2]
