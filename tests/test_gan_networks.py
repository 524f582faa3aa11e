"""Networks of CycleGAN: known parameter counts, receptive fields and sizes of score maps."""

import numpy as np
import pytest
import torch
from torch import nn

from imbench.errors import UsageError
from imbench.methods._gan_networks import Generator, PatchDiscriminator, initialise
from imbench.methods._gan_settings import GanSettings, Sizes, default_sizes, lr_factor


def parameters(net):
    return sum(parameter.numel() for parameter in net.parameters())


@pytest.mark.parametrize(
    ("width", "blocks", "count"),
    [
        (64, 9, 11_378_179),
        (64, 6, 7_837_699),
        (32, 9, 2_850_563),
        (32, 6, 1_965_059),
        (32, 4, 1_374_723),
        (16, 4, 346_371),
        (16, 3, 272_515),
    ],
)
def test_parameters_of_a_generator(width, blocks, count):
    with torch.device("meta"):
        assert parameters(Generator(3, width, blocks)) == count


@pytest.mark.parametrize(
    ("width", "layers", "count"),
    [(64, 3, 2_764_737), (32, 3, 694_241), (64, 2, 662_977), (32, 2, 167_649)],
)
def test_parameters_of_a_discriminator(width, layers, count):
    with torch.device("meta"):
        assert parameters(PatchDiscriminator(3, width, layers)) == count


def linear(net):
    """Leave only what widens the field: no norm or activation, every weight 1."""
    for module in list(net.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.GroupNorm | nn.ReLU | nn.LeakyReLU | nn.Tanh):
                setattr(module, name, nn.Identity())
    for parameter in net.parameters():
        nn.init.ones_(parameter)
    return net.double()


def field(net, side, shown):
    """Return the largest extent of input pixels that one of some outputs depends on."""
    x = torch.zeros(1, 1, side, side, dtype=torch.double, requires_grad=True)
    out = linear(net)(x)
    extents = []
    for place in shown(out.shape[-1]):
        (gradient,) = torch.autograd.grad(out[0, 0, place, place], x, retain_graph=True)
        rows = gradient[0, 0].abs().sum(dim=1).nonzero()[:, 0]
        extents.append(int(rows.max() - rows.min()) + 1)
    return max(extents)


@pytest.mark.parametrize(("layers", "size"), [(1, 16), (2, 34), (3, 70), (4, 142), (5, 286)])
def test_receptive_field_of_a_discriminator(layers, size):
    net = PatchDiscriminator(1, 1, layers)
    assert field(net, 2 * size + 4, lambda side: [side // 2]) == size


@pytest.mark.parametrize(("blocks", "size"), [(3, 73), (6, 121), (9, 169)])
def test_receptive_field_of_a_generator(blocks, size):
    # Which of four neighbours is asked matters, since the transposed layers have a stride.
    middle = size + 7
    assert field(
        Generator(1, 1, blocks), 4 * (middle // 2), lambda _: range(middle, middle + 4)
    ) == (size)


@pytest.mark.parametrize(
    ("layers", "side", "scores"),
    [(3, 256, 30), (3, 128, 14), (3, 64, 6), (3, 32, 2), (2, 64, 14), (2, 32, 6)],
)
def test_map_of_scores(layers, side, scores):
    with torch.no_grad():
        out = PatchDiscriminator(3, 4, layers)(torch.zeros(1, 3, side, side))
    assert out.shape == (1, 1, scores, scores)


@pytest.mark.parametrize("side", [6, 8, 13, 15, 16, 47])
def test_default_networks_take_images_of_a_side(side):
    sizes = GanSettings().sizes(side)
    x = torch.zeros(2, 1, side, side + 2)
    with torch.no_grad():
        assert Generator(1, sizes.width, sizes.blocks)(x).shape == x.shape
        scores = PatchDiscriminator(1, sizes.patch_width, sizes.layers)(x)
    assert scores.shape[:2] == (2, 1)
    assert min(scores.shape[2:]) > 0


def test_sizes_grow_with_the_image_and_every_one_can_be_chosen():
    chosen = [default_sizes(side) for side in (8, 16, 32, 48, 64, 96, 128, 200, 256)]
    for name in ("width", "blocks", "layers", "patch_width"):
        values = [getattr(sizes, name) for sizes in chosen]
        assert values == sorted(values)
    assert chosen[-1] == Sizes(width=64, blocks=9, layers=3, patch_width=64)
    assert chosen[2] == Sizes(width=16, blocks=3, layers=2, patch_width=32)
    given = GanSettings(width=8, blocks=1, layers=1, patch_width=4)
    assert given.sizes(32) == Sizes(8, 1, 1, 4)
    assert GanSettings(blocks=5).sizes(32) == Sizes(16, 5, 2, 32)


@pytest.mark.parametrize(("side", "layers"), [(5, 0), (11, 2), (16, 3), (32, 4)])
def test_images_too_small_for_a_discriminator_are_refused(side, layers):
    with pytest.raises(UsageError, match="too small"):
        GanSettings(layers=layers).sizes(side)


def test_initial_weights():
    nets = [Generator(3, 16, 2) for _ in range(2)]
    for net in nets:
        initialise(net, torch.Generator().manual_seed(3))
    weights = [p.detach() for p in nets[0].parameters() if p.ndim > 1]
    assert float(torch.cat([w.flatten() for w in weights]).std()) == pytest.approx(0.02, rel=0.02)
    assert all(not p.any() for p in nets[0].parameters() if p.ndim == 1)
    for a, b in zip(*(net.parameters() for net in nets), strict=True):
        assert torch.equal(a, b)


def test_a_generator_stays_in_range_and_treats_every_image_by_itself():
    net = Generator(3, 8, 1)
    initialise(net, torch.Generator().manual_seed(0))
    x = torch.from_numpy(np.random.default_rng(0).uniform(-1, 1, (3, 3, 12, 12))).float()
    with torch.no_grad():
        together, alone = net(x), torch.cat([net(one[None]) for one in x])
    assert together.abs().max() <= 1
    assert torch.allclose(together, alone, atol=1e-6)


def test_norms_are_instance_norm():
    x = torch.from_numpy(np.random.default_rng(1).normal(3, 2, (3, 4, 5, 7))).requires_grad_()
    (norm,) = [m for m in PatchDiscriminator(3, 2, 1).modules() if isinstance(m, nn.GroupNorm)]
    weights = torch.linspace(-1, 1, x.numel(), dtype=torch.double).view_as(x)
    found = []
    for module in (norm, nn.InstanceNorm2d(4)):
        out = module(x)
        found.append((out, *torch.autograd.grad((weights * out).sum(), x)))
    assert torch.allclose(found[0][0], found[1][0])
    assert torch.allclose(found[0][1], found[1][1])


def test_learning_rate_of_two_hundred_epochs():
    found = [lr_factor(epoch, 200) for epoch in (0, 99, 100, 150, 199)]
    assert found == pytest.approx([1, 1, 0.990099, 0.495050, 0.009901], abs=1e-6)
