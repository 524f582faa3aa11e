"""What makes a step faster leaves its values, gradients and their format as torch has them."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from imbench.training import loop, networks
from imbench.training.building import build_network
from imbench.training.method import Method
from imbench.training.networks import Normalise, SmallCNN
from imbench.training.passes import mean_over_places, thinned

LAST = torch.channels_last


def maps(*shape, seed=0):
    x = torch.randn(*shape, generator=torch.Generator().manual_seed(seed))
    return x.contiguous(memory_format=LAST).requires_grad_()


def gradient(function, x):
    """Return the result, and the gradient of a sum of it with weights that all differ."""
    made = function(x)
    weights = torch.randn(made.shape, generator=torch.Generator().manual_seed(1))
    return made.detach(), torch.autograd.grad((made * weights).sum(), x)[0]


def thinned_of_any(x, stride, extra):
    low = extra // 2
    return F.pad(x[:, :, ::stride, ::stride], (0, 0, 0, 0, low, extra - low))


def thinned_by_torch(x):
    return thinned_of_any(x, 2, 5)


@pytest.mark.parametrize("side", [8, 7])
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (mean_over_places, lambda x: x.mean(dim=(2, 3))),
        (lambda x: thinned(x, 2, 5), thinned_by_torch),
    ],
)
def test_passes_are_torchs_bit_for_bit_and_their_gradients_channels_last(ours, theirs, side):
    x = maps(3, 4, side, side)
    (made, ours_back), (wanted, theirs_back) = gradient(ours, x), gradient(theirs, x)
    assert torch.equal(made, wanted)
    assert torch.equal(ours_back, theirs_back)
    assert ours_back.is_contiguous(memory_format=LAST)
    assert not theirs_back.is_contiguous(memory_format=LAST)  # else this module is not needed
    with torch.no_grad():
        assert torch.equal(ours(x), wanted)


@pytest.mark.parametrize("name", ["cnn", "resnet20"])
def test_networks_can_be_differentiated_twice_as_a_gradient_penalty_does(name):
    net = build_network(name, (3, 8, 8), 2).eval().to(memory_format=LAST)
    x = maps(4, 3, 8, 8)
    slope = torch.autograd.grad(net(x)[:, 1].sum(), x, create_graph=True)[0]
    slope.square().sum().backward()
    (first, *_) = net.parameters()
    assert float(first.grad.abs().sum()) > 0


def plain_cnn(net, x):
    """The layers of the small CNN in the order that its description gives."""
    return net.head(net.body(x).mean(dim=(2, 3)))


@pytest.mark.parametrize("mode", ["train", "eval"])
def test_pooling_before_the_relu_changes_no_bit(mode):
    net = getattr(SmallCNN((3, 9, 9), 3).to(memory_format=LAST), mode)()
    x = maps(6, 3, 9, 9)
    with torch.no_grad():
        x[0] = 0.5  # flat: every window is a tie
        net.body[1].weight[:8] *= -1
    found, wanted = [], []
    for forward, kept in ((net, found), (lambda x: plain_cnn(net, x), wanted)):
        logits = forward(x)
        inputs = [x, *net.parameters()]
        kept += [logits, *torch.autograd.grad(logits[:, 1].square().sum(), inputs)]
    assert all(torch.equal(one, other) for one, other in zip(found, wanted, strict=True))
    with torch.no_grad():
        assert torch.equal(net(x), plain_cnn(net, x))


def test_normalising_in_training_and_in_use_is_one_calculation():
    layer = Normalise(torch.tensor([0.1, 0.5, 0.9]), torch.tensor([0.2, 0.0, 0.7]))
    x = maps(4, 3, 5, 6).detach()
    before = x.clone()
    trained = layer.train()(x)
    assert torch.equal(trained, layer.eval()(x))
    assert torch.allclose(trained[:, 2], (x[:, 2] - 0.9) / 0.7)
    assert trained.is_contiguous(memory_format=LAST)
    assert torch.equal(x, before)


def test_every_gradient_of_resnet_is_channels_last():
    """One in the default format makes the layers before it several times as slow."""
    net = build_network("resnet20", (3, 16, 16), 2).to(memory_format=LAST).train()
    formats = []

    def watch(module, _inputs, output):
        output.register_hook(lambda g: formats.append(g.is_contiguous(memory_format=LAST)))

    for module in net.modules():
        if isinstance(module, nn.Conv2d | nn.BatchNorm2d):
            module.register_forward_hook(watch)
    net(maps(4, 3, 16, 16)).sum().backward()
    assert len(formats) == 38
    assert all(formats)


@pytest.mark.parametrize("network", ["cnn:width=4", "resnet20"])
def test_a_training_ends_with_the_weights_that_torchs_own_passes_give(monkeypatch, network):
    rng = np.random.default_rng(0)
    x = rng.integers(0, 255, (24, 8, 8, 3), dtype=np.uint8)
    y = np.arange(24) % 2
    settings = {"network": network, "steps": 4, "batch_size": 8, "device": "cpu"}
    ours = Method("us+cs", **settings).fit(x, y)
    monkeypatch.setattr(SmallCNN, "forward", plain_cnn)
    monkeypatch.setattr(networks, "thinned", thinned_of_any)
    monkeypatch.setattr(networks, "mean_over_places", lambda x: x.mean(dim=(2, 3)))
    monkeypatch.setattr(loop, "Descent", torch.optim.SGD)
    theirs = Method("us+cs", **settings).fit(x, y)
    assert np.array_equal(ours.logits(x), theirs.logits(x))
