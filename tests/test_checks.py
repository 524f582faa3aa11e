"""The contract catches what it is there to catch."""

import numpy as np
import pytest

from imbench.images.dataset import Listing
from imbench.training.checks import check_listing, check_metric, check_network, check_part

PART = '''
import numpy as np
from imbench.training.part import Part

class Broken(Part):
    """A part."""
    {body}
'''

BROKEN = {
    "does more than store": "def __init__(self, a=1):\n        self.a = a\n        self.b = 2",
    "changes the images it is given": "def resample(self, x, y, rng):\n"
    "        x.pixels[0] = 0\n        return x, y",
    "changes the labels it is given": "def resample(self, x, y, rng):\n"
    "        y[:] = y[::-1].copy()\n        return x, y",
    "numpy's global random state": "def resample(self, x, y, rng):\n"
    "        np.random.rand()\n        return x, y",
    "is not deterministic": "def resample(self, x, y, rng):\n"
    "        rows = np.random.default_rng().permutation(len(y))\n        return x[rows], y[rows]",
    "loses a class": "def resample(self, x, y, rng):\n        return x[y == 0], y[y == 0]",
    "makes pixels above 255": "def resample(self, x, y, rng):\n"
    "        return np.asarray(x, float) * 9, y",
    "overrides batches and not draw": "def batches(self, state):\n        return None",
    "is not above 0": "def class_weights(self, counts, original):\n        return 0 * counts",
    "class_weights has shape": "def class_weights(self, counts, original):\n"
    "        return np.ones(3)",
    "changes the logits": "def adjust(self, logits, priors):\n"
    "        logits += 1\n        return logits",
    "adjust is not finite": "def adjust(self, logits, priors):\n        return logits + np.inf",
}


@pytest.mark.parametrize("says", BROKEN)
def test_a_broken_part_is_named(tmp_path, says):
    file = tmp_path / "broken.py"
    file.write_text(PART.format(body=BROKEN[says]))
    with pytest.raises(AssertionError, match=says):
        check_part(f"{file}:Broken")


NETWORK = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self, shape, classes):
        super().__init__()
        self.head = nn.Linear(shape[0], classes)

    def forward(self, x):
        {body}

nets = []

def network(shape, classes):
    return {made}
"""

BROKEN_NETWORKS = {
    "from torch's random state": (
        "return self.head(x.mean((2, 3)))",
        "(net := Net(shape, classes), nets.append(net),"
        " nn.init.constant_(net.head.bias, len(nets)))[0]",
    ),
    "changes the images": ("return self.head(x.mul_(2).mean((2, 3)))", "Net(shape, classes)"),
    r"gives torch.float32 \(2, 1\) for 2 images": (
        "return self.head(x.mean((2, 3)))",
        "Net(shape, 1)",
    ),
    "are not finite": ("return self.head(x.mean((2, 3)) / 0)", "Net(shape, classes)"),
    "nothing to train": ("return self.head(x.mean((2, 3))).detach()", "Net(shape, classes)"),
    "has no gradient": ("return 0 * self.head(x.mean((2, 3)))", "Net(shape, classes)"),
    "differently beside others": (
        "return self.head(x.mean((2, 3)) + x.mean())",
        "Net(shape, classes)",
    ),
}


@pytest.mark.parametrize("says", BROKEN_NETWORKS)
def test_a_broken_network_is_named(tmp_path, says):
    body, made = BROKEN_NETWORKS[says]
    file = tmp_path / "broken.py"
    file.write_text(NETWORK.format(body=body, made=made))
    with pytest.raises(AssertionError, match=says):
        check_network(f"{file}:network")


@pytest.mark.parametrize("spec", ["linear", "cnn", "resnet20", "torchvision:resnet18"])
def test_our_networks_keep_the_contract(spec):
    check_network(spec)


def test_a_metric_that_is_nan_is_refused():
    check_metric(lambda labels, proba: float((labels == proba.argmax(1)).mean()))
    with pytest.raises(AssertionError, match="not one number"):
        check_metric(lambda labels, proba: labels)
    with pytest.raises(AssertionError, match="all majority scores is nan"):
        check_metric(
            lambda labels, proba: (
                float("nan") if proba[4, 0] > 0.5 and labels[0] == 0 and proba[0, 0] > 0.5 else 0.0
            )
        )


def listing(**changes):
    values = {
        "classes": ("a", "b"),
        "sources": np.zeros((4, 8, 8, 1), np.uint8),
        "labels": np.array([0, 1, 0, 1]),
        "splits": np.array(["train", "train", "test", "test"]),
        "names": ("1", "2", "3", "4"),
    }
    return Listing(**{**values, **changes})


def test_listings():
    check_listing(listing())
    for says, changes in {
        "names: '1' stands there twice": {"names": ("1", "1", "2", "3")},
        "1 names|4 sources for 1 names": {"names": ("1",)},
        "are in test": {"labels": np.array([0, 1, 0, 0])},
        "splits: 'dev' is none of": {"splits": np.array(["train", "train", "test", "dev"])},
        "groups are in more than one split": {"groups": np.array(["x", "y", "x", "z"])},
        "classes: 'a' stands there twice": {"classes": ("a", "a")},
        "one class only": {"classes": ("a",), "labels": np.zeros(4, int)},
    }.items():
        with pytest.raises(AssertionError, match=says):
            check_listing(listing(**changes))


def test_a_metric_gets_what_it_asks_for_and_no_more_than_there_is():
    def agreement(labels, proba, halves):
        return float(halves.shape == labels.shape)

    with pytest.raises(TypeError):
        check_metric(agreement)
    agreement.wants = ("halves",)
    check_metric(agreement)
    agreement.wants = ("halves", "masks")
    with pytest.raises(AssertionError, match=r"asks for \['halves', 'masks'\], which nobody gives"):
        check_metric(agreement)
