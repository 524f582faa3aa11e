"""Networks of CycleGAN: known parameter counts, receptive fields and sizes of score maps."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from imbench.errors import UsageError
from imbench.methods._gan_design import design_for
from imbench.methods._gan_networks import (
    Generator,
    PatchDiscriminator,
    generator_of,
    initialise,
)
from imbench.methods._gan_settings import GanSettings, lr_factor


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


@pytest.mark.parametrize("design", ["small", "paper"])
@pytest.mark.parametrize("side", [6, 8, 13, 15, 16, 47])
def test_default_networks_take_images_of_a_side(side, design):
    chosen = GanSettings(design=design).chosen(side)
    x = torch.zeros(2, 1, side, side + 2)
    with torch.no_grad():
        assert generator_of(chosen, 1)(x).shape == x.shape
        scores = PatchDiscriminator(1, chosen.patch_width, chosen.layers)(x)
    assert scores.shape[:2] == (2, 1)
    assert min(scores.shape[2:]) > 0


def test_the_papers_design_grows_with_the_image():
    chosen = [design_for("paper", side) for side in (8, 16, 32, 48, 64, 96, 128, 200, 256)]
    for name in ("width", "blocks", "layers", "patch_width"):
        values = [getattr(design, name) for design in chosen]
        assert values == sorted(values)
    assert sizes(chosen[-1]) == (64, 9, 3, 64)
    assert sizes(chosen[2]) == (16, 3, 2, 32)
    weights = {(d.lr, d.cycle, d.identity, d.norm, d.init, d.down) for d in chosen}
    assert weights == {(2e-4, 10, 5, "instance", "normal", 2)}


def sizes(design):
    return design.width, design.blocks, design.layers, design.patch_width


def test_the_design_follows_the_side_and_every_choice_of_it_can_be_made_otherwise():
    chosen = [GanSettings().chosen(side) for side in (8, 32, 47, 95, 96, 199, 200, 256)]
    assert {design.name for design in chosen} == {"small"}
    assert [design.layers for design in chosen] == [1, 1, 1, 1, 2, 2, 3, 3]
    assert [design.blocks for design in chosen] == [2, *[3] * 7]
    # Up to 95 px nothing but the blocks moves with the side: stored pairs hang on it.
    assert replace(chosen[0], blocks=3) == chosen[1] == chosen[3]
    assert GanSettings(design="paper").chosen(32) == design_for("paper", 32)
    small = design_for("small", 32)
    assert (small.norm, small.down) == ("none", 1)
    given = GanSettings(width=8, blocks=1, layers=1, patch_width=4, lr=0.5, cycle=0, identity=0.0)
    chosen = given.chosen(32)
    assert sizes(chosen) == (8, 1, 1, 4)
    assert (chosen.lr, chosen.cycle, chosen.identity) == (0.5, 0, 0)
    chosen = GanSettings(norm="instance", init="normal", down=2).chosen(32)
    assert chosen == replace(small, norm="instance", init="normal", down=2)
    assert GanSettings(design="small").plain(32) == GanSettings().plain(32)
    assert GanSettings(design="paper").plain(32) != GanSettings().plain(32)


@pytest.mark.parametrize(("side", "layers"), [(5, 0), (11, 2), (16, 3), (32, 4)])
def test_images_too_small_for_a_discriminator_are_refused(side, layers):
    with pytest.raises(UsageError, match="too small"):
        GanSettings(layers=layers).chosen(side)


def test_initial_weights():
    nets = [Generator(3, 16, 2) for _ in range(2)]
    for net in nets:
        initialise(net, torch.Generator().manual_seed(3))
    weights = [p.detach() for p in nets[0].parameters() if p.ndim > 1]
    assert float(torch.cat([w.flatten() for w in weights]).std()) == pytest.approx(0.02, rel=0.02)
    assert all(not p.any() for p in nets[0].parameters() if p.ndim == 1)
    for a, b in zip(*(net.parameters() for net in nets), strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize("down", [1, 2])
def test_he_keeps_the_size_of_activations_and_scaled_blocks_begin_small(down):
    x = torch.from_numpy(np.random.default_rng(0).normal(0, 1, (4, 3, 16, 16))).float()
    found = {}
    for init in ("normal", "he", "scaled"):
        net = Generator(3, 16, 3, down=down, norm=False, kernel=3, padding="zeros")
        initialise(net, torch.Generator().manual_seed(0), init)
        with torch.no_grad():
            found[init] = float(net.body[:-1](x).std())  # before tanh
    assert found["normal"] < 0.01
    assert 0.3 < found["scaled"] < 3
    # Three blocks that each double the variance.
    assert found["scaled"] < found["he"] < 20


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
