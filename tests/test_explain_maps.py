"""Maps and their measures on known answers; captum as a yardstick; networks without a map."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch
from captum.attr import LayerGradCam
from torch import nn

from imbench.errors import UsageError
from imbench.explain.chosen import Chosen
from imbench.explain.context import filled, swapped
from imbench.explain.feature_map import feature_maps
from imbench.explain.folded import folded
from imbench.explain.gradcam import GradCAM, weighted_map
from imbench.explain.measured_maps import measured
from imbench.explain.measures import deletion, energy, hits, insertion, lift
from imbench.explain.rise import RISE, estimate, masks_of
from imbench.explain.saliency import Maps, Saliency, make_saliency
from imbench.explain.trained import TrainedNetwork
from imbench.registry import registered_names
from imbench.training.building import build_network
from imbench.training.members import Joined
from imbench.training.networks import (
    Linear,
    Normalise,
    ResNet,
    SmallCNN,
)

RNG = np.random.default_rng(0)
BOX = np.zeros((4, 4), bool)
BOX[1:3, 1:3] = True
GRID = np.array([[0, 1, 2, 0], [0, 6, 4, 1], [0, 2, 3, 1], [0, 0, 0, 0]], float)


def pixels(n: int = 5, side: int = 16) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (n, side, side, 3), dtype=np.uint8)


def images(n: int = 5, side: int = 16) -> torch.Tensor:
    return torch.from_numpy(pixels(n, side)).permute(0, 3, 1, 2).float() / 255


def small(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return ResNet((3, 16, 16), 2, blocks=1, width=4).eval()


def test_grad_cam_of_two_channels_by_hand():
    features = torch.tensor([[[[1.0, 2], [3, 4]], [[0.0, 1], [0, 0]]]])
    # A linear head of weights 1 and -2 on the means of the channels: gradients are weight / 4.
    gradients = torch.tensor([0.25, -0.5]).view(1, 2, 1, 1).expand(1, 2, 2, 2)
    assert weighted_map([features], [gradients]).tolist() == [[[0.25, 0], [0.75, 1]]]


def test_grad_cam_is_captums():
    net, x, labels = small(), images(), torch.tensor([0, 1, 0, 1, 1])
    theirs = LayerGradCam(net, net.stages).attribute(x, labels, relu_attributions=True)
    features, logits = feature_maps(net, x)
    gradients = torch.autograd.grad(logits.gather(1, labels[:, None]).sum(), features)
    ours = weighted_map([one.detach() for one in features], gradients)
    assert ours.shape == (5, 4, 4)
    assert torch.allclose(ours, theirs[:, 0].detach(), atol=1e-6)
    assert float(ours.max()) > 0


def test_the_map_of_the_small_cnn_lies_before_its_last_pooling():
    net = SmallCNN((3, 16, 16), 2, width=4).eval()
    (features,), logits = feature_maps(net, images())
    assert features.shape == (5, 16, 4, 4)
    assert torch.allclose(logits, net(images()))


def test_an_ensemble_has_the_sum_of_its_members_maps():
    nets = [small(0), small(1)]
    joined = Joined(nets, lambda logits: logits.sum(dim=0))
    x, labels = pixels(), np.array([0, 1, 0, 1, 1])
    single = [GradCAM().maps(TrainedNetwork(net), x, labels).values for net in nets]
    both = GradCAM().maps(TrainedNetwork(joined), x, labels).values
    np.testing.assert_allclose(both, single[0] + single[1], atol=1e-5)


def test_a_frozen_backbone_passes_gradients_to_its_map():
    net = small()
    before = GradCAM().maps(TrainedNetwork(net), pixels(), np.ones(5, np.int64)).values
    for weights in net.stages.parameters():
        weights.requires_grad_(False)
    after = GradCAM().maps(TrainedNetwork(net), pixels(), np.ones(5, np.int64)).values
    np.testing.assert_allclose(after, before, atol=1e-6)


def test_a_torchvision_network_has_the_last_map_that_has_places():
    for name, shape in (("mobilenet_v3_small", (576, 2, 2)), ("resnet18", (512, 2, 2))):
        net = build_network(f"torchvision:{name}", (3, 64, 64), 2).eval()
        (features,), _ = feature_maps(net, images(2, 64))
        assert features.shape[1:] == shape


class Attending(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.patches, self.attention = nn.Conv2d(3, 4, 4, 4), nn.MultiheadAttention(4, 1)
        self.head = nn.Linear(4, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        rows = self.patches(x).flatten(2).permute(2, 0, 1)
        return self.head(self.attention(rows, rows, rows)[0].mean(dim=0))


@pytest.mark.parametrize(
    ("net", "x", "why"),
    [
        (Linear((3, 16, 16), 2), images(), "no convolution"),
        (Attending(), images(), "no feature map behind its attention"),
        (Linear((7,), 2), torch.zeros(3, 7), "rows of features"),
    ],
    ids=["linear", "attention", "features"],
)
def test_a_network_without_a_map_says_so(net, x, why):
    with pytest.raises(UsageError, match=why):
        feature_maps(net, x)


@pytest.mark.parametrize("name", registered_names("maps"))
def test_maps_change_when_the_weights_are_random(name):
    x, labels = pixels(4), np.array([0, 1, 0, 1])
    made = [make_saliency(name).maps(TrainedNetwork(small(s)), x, labels).values for s in (0, 1)]
    assert made[0].shape == (4, 16, 16)
    assert (made[0] >= 0).all()
    alike = np.corrcoef(made[0].ravel(), made[1].ravel())[0, 1]
    assert abs(alike) < 0.95
    again = make_saliency(name).maps(TrainedNetwork(small(0)), x, labels).values
    np.testing.assert_array_equal(made[0], again)


def test_rise_of_all_masks_of_two_by_two():
    masks = np.array(list(product((0, 1), repeat=4)), np.float32)
    corner = estimate(masks[:, 0].astype(float), masks).values
    np.testing.assert_allclose(corner, [1, 0.5, 0.5, 0.5])
    mean = estimate(masks.mean(axis=1).astype(float), masks).values
    np.testing.assert_allclose(mean, 0.625)
    assert estimate(np.full(16, 0.3), masks).values == pytest.approx(0.3)


class Patch(nn.Module):
    """Says class 1 as far as one patch is bright."""

    def __init__(self) -> None:
        super().__init__()
        self.unused = nn.Parameter(torch.zeros(1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        bright = 6 * (x[:, :, 8:16, 8:16].mean(dim=(1, 2, 3)) - 0.5)
        return torch.stack([-bright, bright], dim=1)


def test_rise_finds_the_patch_that_decides():
    white = np.full((1, 32, 32, 3), 255, np.uint8)
    found = RISE().maps(TrainedNetwork(Patch()), white, np.array([1]))
    inside = np.zeros((32, 32), bool)
    inside[8:16, 8:16] = True
    assert inside.reshape(-1)[found.values[0].argmax()]
    assert energy(found.values[0], inside) > 3 * inside.mean()
    assert found.errors[0] <= 0.1
    assert 250 <= found.passes[0] <= 1000


class Odd(nn.Module):
    """Decides by a value, so that its code cannot be traced."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 2, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out = self.conv(x).mean(dim=(2, 3))
        return out if float(out.detach().sum()) > -100 else -out


def test_folded_batch_norms_give_the_same_outputs():
    torch.manual_seed(0)
    net = nn.Sequential(Normalise(torch.zeros(3), torch.ones(3)), small())
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.running_mean)
            nn.init.uniform_(module.running_var, 0.5, 2)
    x = images()
    made = folded(net, x)
    assert not [module for module in made.modules() if isinstance(module, nn.BatchNorm2d)]
    assert torch.allclose(made(x), net(x), atol=1e-4)
    odd = Odd().eval()
    assert torch.equal(folded(odd, x)(x), odd(x))


def test_the_masks_are_the_same_for_all_and_keep_half():
    masks = masks_of(32)
    assert masks is masks_of(32)
    assert masks.shape == (1000, 1, 32, 32)
    assert masks.min() >= 0
    assert masks.max() <= 1
    assert float(masks.mean()) == pytest.approx(0.5, abs=0.01)


def test_energy_pointing_and_lift_by_hand():
    assert energy(GRID, BOX) == 0.75
    assert hits(GRID, BOX) == 1
    found = lift(np.array([0.75, 0.25, 0.0, 1.0]), np.array([0.25, 0.25, 0.5, 1.0]))
    assert found == pytest.approx([2 / 3, 0, -1, np.nan], nan_ok=True)
    assert hits(np.eye(4)[::-1] * np.arange(4), BOX) == 0  # the corner is 1.4 px away, .27 count
    assert np.isnan(energy(np.zeros((4, 4)), BOX))
    assert np.isnan(hits(np.zeros((4, 4)), BOX))


def test_a_near_miss_counts_within_the_tolerance():
    mask = np.zeros((32, 32), bool)
    mask[10, 10] = True
    for place, hit in (((10, 12), 1), ((10, 13), 0), ((12, 12), 0)):
        values = np.zeros((32, 32))
        values[place] = 1
        assert hits(values, mask) == hit, place


def test_insertion_and_deletion_areas_by_hand():
    image = np.ones((8, 8, 1), np.float32)
    first = np.zeros((8, 8))
    first[0, 0] = 1

    def corner(x):
        return x[:, 0, 0, 0].astype(float)

    # The corner is black from the first step of 32 on: half of one step is left.
    assert deletion(image, first, corner) == pytest.approx(1 / 64)
    assert deletion(image, -first, corner) == pytest.approx(63 / 64)
    dark = np.zeros((8, 8, 1), np.float32)
    dark[0, 0] = 1
    whole = insertion(dark, first, corner)
    assert whole > insertion(dark, -first, corner)
    assert whole > 0.98


def chosen(masks: np.ndarray | None = None) -> Chosen:
    x = pixels(4)
    return Chosen("test", np.arange(4), x, np.array([0, 0, 1, 1]), masks)


class Given(Saliency):
    def __init__(self, values) -> None:
        self.values = np.asarray(values, np.float32)

    def maps(self, network, pixels, labels, done=lambda _: None) -> Maps:
        return Maps(self.values)


def test_maps_of_zeros_and_of_no_numbers_have_no_measures():
    values = np.zeros((4, 16, 16))
    values[1, 3, 3], values[2, 0, 0], values[3, 5, 5] = np.nan, -1, 7
    masks = np.zeros((4, 16, 16), bool)
    masks[:, 4:8, 4:8] = True
    found = measured(TrainedNetwork(small()), Given(values), chosen(masks))
    assert found["empty"].tolist() == [True, False, False, False]
    assert found["broken"].tolist() == [False, True, True, False]
    for name in ("energy", "hits", "insertion", "deletion"):
        assert np.isfinite(found[name]).tolist() == [False, False, False, True], name
    assert found["maps"].max() == 1
    assert found["energy"][3] == 1


def test_maps_of_another_shape_are_refused():
    with pytest.raises(ValueError, match="maps have shape"):
        measured(TrainedNetwork(small()), Given(np.ones((4, 3, 3))), chosen())


def test_the_object_is_filled_in_from_around_it():
    image = np.full((32, 32, 3), 90, np.uint8)
    mask = np.zeros((32, 32), bool)
    mask[4:30, 6:20] = True
    image[mask] = 255
    assert (filled(image, mask) == 90).all()
    everything = np.ones_like(mask)
    assert filled(image, everything) is image


def test_swaps_keep_the_object_and_take_the_right_background():
    x = np.stack([np.full((8, 8, 3), shade, np.uint8) for shade in (10, 20, 110, 120)])
    masks = np.zeros((4, 8, 8), bool)
    masks[:, 2:4, 2:4] = True
    made = swapped(x, masks, np.array([0, 0, 1, 1]), x)
    assert list(made) == ["other", "same", "erased"]
    assert made["other"][:, 0, 0, 0].tolist() == [110, 120, 10, 20]
    assert made["same"][:, 0, 0, 0].tolist() == [20, 10, 120, 110]
    for name in ("other", "same"):
        assert made[name][:, 2, 2, 0].tolist() == [10, 20, 110, 120]
    alone = swapped(x[:2], masks[:2], np.array([0, 0]), x[:2])
    assert list(alone) == ["same", "erased"]


def test_swaps_take_the_backgrounds_of_all_other_classes_in_turn():
    labels = np.repeat([0, 1, 2], [4, 4, 2])
    x = np.broadcast_to(np.arange(10, dtype=np.uint8)[:, None, None, None], (10, 8, 8, 3))
    made = swapped(x, np.zeros((10, 8, 8), bool), labels, x)
    assert made["other"][:, 0, 0, 0].tolist() == [4, 8, 5, 9, 0, 8, 1, 9, 0, 4]
