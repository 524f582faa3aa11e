"""Networks: published sizes, any image, one or three channels."""

import re

import pytest
import torch

from imbench.errors import UsageError
from imbench.training.networks import Normalise, ResNet, build_network


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


def test_a_network_that_takes_any_option_is_left_to_it(monkeypatch):
    def made(shape, classes, **options):
        return torch.nn.Linear(classes, options["anything"])

    monkeypatch.setattr("imbench.training.networks.load_plugin", lambda _kind, _name: made)
    assert build_network("mine:anything=3", (3, 8, 8), 2).out_features == 3


def test_features_need_the_linear_network():
    assert build_network("linear", (7,), 2)(torch.rand(4, 7)).shape == (4, 2)
    with pytest.raises(UsageError, match="use linear"):
        build_network("resnet20", (7,), 2)


def test_normalisation_of_a_constant_channel_is_finite():
    norm = Normalise(torch.tensor([0.5, 1.0]), torch.tensor([0.0, 2.0]))
    out = norm(torch.tensor([[[[0.5]], [[3.0]]]]))
    assert out.flatten().tolist() == [0.0, 1.0]
