"""Augmentation on tensors: what it may change, that gradients pass, and that it is repeatable."""

import numpy as np
import pytest
import torch

from imbench.methods import _diffaugment as da
from imbench.training.augment import augment, parse_augment


@pytest.fixture
def x():
    return torch.from_numpy(np.random.default_rng(0).uniform(-1, 1, (6, 3, 16, 16))).float()


def rng(seed=0):
    return np.random.default_rng(seed)


def test_every_image_is_changed_in_its_own_way_and_the_same_at_the_same_seed(x):
    same = x[:1].expand_as(x)
    out = da.diff_augment(same, rng())
    assert out.shape == x.shape
    assert not torch.equal(out[0], out[1])
    assert torch.equal(out, da.diff_augment(same, rng()))


def test_gradients_reach_every_image(x):
    x.requires_grad_()
    da.diff_augment(x, rng()).square().sum().backward()
    assert x.grad.isfinite().all()
    assert (x.grad.flatten(1).abs().sum(dim=1) > 0).all()


def test_colour_moves_brightness_by_at_most_a_half_and_keeps_grey_grey(x):
    grey = x.mean(dim=1, keepdim=True).expand_as(x)
    out = da._colour(grey, rng())
    assert torch.allclose(out[:, 0], out[:, 1], atol=1e-6)
    moved = (out - grey).mean(dim=(1, 2, 3))
    assert moved.abs().max() <= 0.5 + 1e-6
    assert moved.abs().max() > 0.1
    spread = out.std(dim=(1, 2, 3)) / grey.std(dim=(1, 2, 3))
    assert spread.min() >= 0.5
    assert spread.max() <= 1.5


def test_translation_shifts_by_an_eighth_at_most_and_fills_with_zeros():
    x = torch.zeros(200, 1, 16, 16)
    x[:, :, 8, 8] = 1
    out = da._translate(x, rng())
    places = out.flatten(1).argmax(dim=1)
    rows, columns = places // 16, places % 16
    for found in (rows, columns):
        assert set(found.tolist()) == {6, 7, 8, 9, 10}
    assert (out.flatten(1).sum(dim=1) == 1).all()


def test_cutout_blanks_one_square_of_half_the_side():
    out = da._cutout(torch.ones(400, 2, 16, 16), rng())
    blank = (out == 0)[:, 0]
    assert torch.equal(blank, (out == 0)[:, 1])
    rows, columns = blank.any(dim=2).sum(dim=1), blank.any(dim=1).sum(dim=1)
    assert torch.equal(blank.sum(dim=(1, 2)), rows * columns)
    for sides in (rows, columns):
        assert int(sides.max()) == 8
        assert int(sides.min()) == 4  # the middle lies on the edge


@pytest.mark.parametrize("steps", ["none", "flip", "crop", "flip+crop"])
def test_what_generators_are_shown_to_the_classifier_through_is_its_own_augmentation(steps):
    pixels = rng(1).integers(0, 256, (20, 16, 16, 3), dtype=np.uint8)
    expected = augment(pixels, parse_augment(steps), rng(2))
    x = torch.from_numpy(pixels).permute(0, 3, 1, 2).float()
    out = da.flip_and_crop(x, parse_augment(steps), rng(2))
    assert (out.permute(0, 2, 3, 1).numpy() == expected).all()
