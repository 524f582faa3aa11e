"""Networks: published sizes, any image, one or three channels."""

import re

import numpy as np
import pytest
import torch
from torch import nn

from imbench.errors import UsageError
from imbench.training.building import build_network, layer_outputs
from imbench.training.forward import forward_all
from imbench.training.networks import Normalise, ResNet


def size(net):
    return sum(p.numel() for p in net.parameters())


@pytest.mark.parametrize(("classes", "expected"), [(10, 269_722), (2, 269_202), (1, 269_137)])
def test_resnet20_has_the_published_size(classes, expected):
    net = build_network("resnet20", (3, 32, 32), classes)
    assert size(net) == expected


def test_resnet32_and_buffers():
    assert size(ResNet((3, 32, 32), 10, blocks=5)) == 464_154
    buffers = build_network("resnet20", (3, 32, 32), 10).buffers()
    assert sum(b.numel() for b in buffers) == 1_395


@pytest.mark.parametrize(
    "name", ["resnet20", "cnn", "cnn:width=4", "linear", "torchvision:resnet18"]
)
@pytest.mark.parametrize("shape", [(1, 33, 33), (3, 64, 64)])
def test_any_image_passes(name, shape):
    net = build_network(name, shape, 3).eval()
    with torch.inference_mode():
        logits = net(torch.rand(2, *shape))
    assert logits.shape == (2, 3)
    assert logits.isfinite().all()


@pytest.mark.parametrize("side", [8, 9, 28])
def test_small_images_pass(side):
    for name in ("resnet20", "cnn"):
        net = build_network(name, (1, side, side), 2).eval()
        assert net(torch.rand(1, 1, side, side)).shape == (1, 2)


def test_torchvision_models_with_side_heads_give_logits():
    net = build_network("torchvision:googlenet", (3, 64, 64), 2)
    assert net.train()(torch.rand(2, 3, 64, 64)).shape == (2, 2)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("resnet2", "did you mean resnet20"),
        ("torchvision:resnet19", "did you mean resnet1"),
        ("cnn:widht=8", "network cnn takes no 'widht': did you mean width?"),
        ("linear:width=8", "network linear takes no 'width': none is known"),
        ("cnn:width=wide", "network cnn: width=wide must be a whole number from 1 to 1024"),
        ("cnn:width=-1", "network cnn: width=-1 must be a whole number from 1 to 1024"),
    ],
)
def test_unknown_networks_are_refused(name, says):
    with pytest.raises(UsageError, match=re.escape(says)):
        build_network(name, (3, 32, 32), 2)


@pytest.fixture
def made(monkeypatch):
    """Return a function that builds the network that another one makes."""

    def build(maker, spec="mine", shape=(3, 8, 8)):
        monkeypatch.setattr("imbench.training.building.load_plugin", lambda _kind, _name: maker)
        return build_network(spec, shape, 2)

    return build


def linear(classes, **options):
    return nn.Sequential(nn.Flatten(), nn.Linear(192, classes, **options))


def test_a_network_that_takes_any_option_is_left_to_it(made):
    net = made(lambda shape, classes, **options: linear(classes, **options), "mine:bias=false")
    assert net[1].bias is None


class Pair(nn.Sequential):
    def forward(self, x):
        return super().forward(x), x


@pytest.mark.parametrize(
    ("maker", "says"),
    [
        (lambda shape, classes: None, "is NoneType, not a torch.nn.Module"),
        (lambda shape, classes: nn.Linear, "is type, not a torch.nn.Module"),
        (lambda shape, classes: {}["x"], "cannot be built: KeyError: 'x'"),
        (lambda shape, classes: linear(1), "gives torch.float32 (2, 1) for 2 images, not logits"),
        (
            lambda shape, classes: linear(5),
            "gives torch.float32 (2, 5) for 2 images, not logits (2",
        ),
        (lambda shape, classes: nn.Flatten(0), "gives torch.float32 (384,) for 2 images"),
        (lambda shape, classes: Pair(linear(2)), "gives tuple for 2 images"),
        (lambda shape, classes: nn.Linear(7, 2), "cannot take images of shape (3, 8, 8): Runtime"),
    ],
    ids=["none", "class", "raises", "fewer", "more", "flat", "pair", "other shape"],
)
def test_what_is_no_network_is_a_sentence(made, maker, says):
    with pytest.raises(UsageError, match=re.escape(f"network 'mine' {says}")):
        made(maker)


def test_a_check_leaves_no_trace(made):
    def maker(shape, classes):
        net = nn.Sequential(nn.BatchNorm2d(3), nn.Dropout(), linear(classes))
        net[1].eval()
        return net

    torch.manual_seed(0)
    maker((3, 8, 8), 2)
    expected = torch.get_rng_state()
    torch.manual_seed(0)
    net = made(maker)
    assert torch.equal(torch.get_rng_state(), expected)
    assert [module.training for module in net] == [True, False, True]
    assert net[0].num_batches_tracked == 0


def test_features_need_the_linear_network():
    assert build_network("linear", (7,), 2)(torch.rand(4, 7)).shape == (4, 2)
    with pytest.raises(UsageError, match="use linear"):
        build_network("resnet20", (7,), 2)


def test_normalisation_of_a_constant_channel_is_finite():
    norm = Normalise(torch.tensor([0.5, 1.0]), torch.tensor([0.0, 2.0]))
    out = norm(torch.tensor([[[[0.5]], [[3.0]]]]))
    assert out.flatten().tolist() == [0.0, 1.0]


def test_what_the_layers_of_a_network_give_is_counted_without_content():
    # Three times convolution and batch norm at 8, 4 and 2 px, pooling and ReLU of a quarter, and
    # the last layer.
    sizes = [2 * 4 * (64 + 16), 2 * 8 * (16 + 4), 2 * 16 * (4 + 1), 2]
    assert layer_outputs("cnn:width=4", (3, 8, 8), 2) == sum(sizes)


def test_large_images_are_shown_in_smaller_batches_with_the_same_outputs():
    torch.manual_seed(0)
    net, seen = build_network("cnn:width=4", (3, 96, 96), 2), []
    net.register_forward_hook(lambda _net, given, _made: seen.append(len(given[0])))
    x = np.random.default_rng(0).integers(0, 256, (66, 64, 64, 3), dtype=np.uint8)
    found = forward_all(net, x, torch.device("cpu"))
    assert seen == [32, 32, 16]  # 2, padded to a multiple of 16
    np.testing.assert_allclose(found, forward_all(net, x, torch.device("cpu"), 256), atol=1e-5)
    forward_all(net, x[:, :32, :32], torch.device("cpu"))
    assert seen[-1] == 80
