"""Examples stay row numbers, and become the pixels that a copy would have held."""

import numpy as np
import pytest
import torch

from imbench.errors import UsageError
from imbench.training.augment import augment, parse_augment
from imbench.training.examples import Examples


@pytest.fixture
def pixels():
    return np.random.default_rng(0).integers(0, 256, size=(6, 8, 8, 3)).astype(np.uint8)


def test_rows_are_taken_as_they_are(pixels):
    x = Examples(pixels)[np.array([4, 4, 1])]
    assert x.take(np.array([0, 2])).dtype == np.uint8
    assert (np.asarray(x) == pixels[[4, 4, 1]]).all()
    assert len(x) == 3


def test_points_between_rows_follow_selection(pixels):
    x = Examples(pixels)[np.array([5, 2, 0])]
    made = x.between(np.array([0, 1]), np.array([2, 2]), np.array([0.25, 0.0]))
    expected = 0.75 * pixels[5].astype(float) + 0.25 * pixels[0]
    assert np.asarray(made)[0] == pytest.approx(expected, abs=1e-3)
    assert (np.asarray(made)[1] == pixels[2]).all()
    again = made.between(np.array([0]), np.array([1]), np.array([0.5]))
    assert np.asarray(again)[0] == pytest.approx(0.5 * expected + 0.5 * pixels[2], abs=1e-3)


def test_join_of_one_array_copies_no_pixels(pixels):
    x = Examples(pixels)
    both = x.join(x[np.array([1, 1])])
    assert both.pixels is pixels
    assert (np.asarray(both)[6:] == pixels[[1, 1]]).all()


def test_join_of_another_array_keeps_both(pixels):
    made = np.full((2, 8, 8, 3), 0.5, np.float32)
    both = Examples(pixels).join(made)
    assert len(both) == 8
    assert (np.asarray(both)[6:] == 0.5).all()
    assert (np.asarray(both)[:6] == pixels).all()


def test_weights_follow_the_rows(pixels):
    x = Examples(pixels, weights=np.arange(6.0))
    assert x[np.array([3, 3, 5])].weights.tolist() == [3, 3, 5]
    made = x.between(np.array([2]), np.array([4]), np.array([0.5]))
    assert made.weights.tolist() == [3]
    assert x.join(np.zeros((1, 8, 8, 3), np.uint8)).weights.tolist() == [0, 1, 2, 3, 4, 5, 1]
    assert Examples(pixels).weights is None


def test_flat_rows_are_floats_in_0_1(pixels):
    flat = Examples(pixels).flat()
    assert flat.dtype == np.float32
    assert flat == pytest.approx(pixels.reshape(6, -1) / 255)


def test_augmentation_draws_the_same_for_any_images(pixels):
    a = augment(pixels, ("crop", "flip"), np.random.default_rng(1))
    b = augment(255 - pixels, ("crop", "flip"), np.random.default_rng(1))
    assert (a == 255 - b).all()
    assert (a != pixels).any()
    assert a.shape == pixels.shape
    assert a.flags.c_contiguous


def test_augmentation_leaves_its_input_alone(pixels):
    before = pixels.copy()
    for steps in ((), ("flip",), ("crop",), ("flip", "crop")):
        augment(pixels, steps, np.random.default_rng(0))
        assert (pixels == before).all()


def test_flips_are_mirror_images(pixels):
    out = augment(pixels, ("flip",), np.random.default_rng(0))
    kept = [bool((a == b).all()) for a, b in zip(out, pixels, strict=True)]
    mirrored = [bool((a == b[:, ::-1]).all()) for a, b in zip(out, pixels, strict=True)]
    assert set(kept) == {True, False}
    assert [not k for k in kept] == mirrored


def test_crops_are_shifts_by_at_most_an_eighth():
    x = np.tile(np.arange(16, dtype=np.uint8)[None, None, :, None], (50, 16, 1, 1))
    out = augment(x, ("crop",), np.random.default_rng(0))
    shifts = out[:, 8, 8, 0].astype(int) - 8
    assert set(shifts.tolist()) == {-2, -1, 0, 1, 2}


@pytest.mark.parametrize("channels", [1, 3])
def test_trivial_augmentation_follows_the_stream_it_is_given(channels):
    x = np.random.default_rng(0).integers(0, 256, (40, 8, 8, channels)).astype(np.uint8)
    before, state = x.copy(), torch.random.get_rng_state()
    first, again, other = (augment(x, ("trivial",), np.random.default_rng(s)) for s in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any()
    assert (x == before).all()
    assert torch.equal(torch.random.get_rng_state(), state)
    assert first.shape == x.shape
    assert first.dtype == np.uint8
    assert first.flags.c_contiguous
    # One of 14 changes is none, and several are none at strength 0: most images change.
    assert 0.5 < (first != x).any(axis=(1, 2, 3)).mean() < 1
    floats = augment(x.astype(np.float32), ("trivial",), np.random.default_rng(1))
    assert floats.dtype == np.float32
    assert (floats == first).all()


def test_trivial_augmentation_comes_after_the_flip_and_the_crop(pixels):
    plain = augment(pixels, ("flip", "crop"), np.random.default_rng(1))
    rng = np.random.default_rng(1)
    augment(pixels, ("flip", "crop"), rng)
    expected = augment(plain, ("trivial",), rng)
    found = augment(pixels, ("flip", "crop", "trivial"), np.random.default_rng(1))
    assert (found == expected).all()


@pytest.mark.parametrize("text", ["rotate", "flip+flip", "flip,crop"])
def test_unknown_augmentation_is_refused(text):
    with pytest.raises(UsageError, match="write flip"):
        parse_augment(text)


def test_augmentation_by_name():
    assert parse_augment("flip+crop") == ("flip", "crop")
    assert parse_augment("flip+crop+trivial") == ("flip", "crop", "trivial")
    assert parse_augment("none") == ()
