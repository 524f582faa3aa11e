"""Inception accuracy on random weights in place of ImageNet's, at the smallest size there is."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from traps import Trap

from imbench.errors import DataError
from imbench.generators.inception import DOWNLOAD, FineTuning, Inception, fine_tuned, read_weights
from imbench.images.dataset import Images
from imbench.training.device import fixed_threads

TINY = FineTuning(steps=1, batch_size=2, lr=1e-8, side=75)


@pytest.fixture(autouse=True)
def one_thread():
    """Train on one thread: several that share a core wait for each other in turns."""
    with fixed_threads(1):
        yield


@pytest.fixture(scope="module")
def weights_file(tmp_path_factory):
    """Return a file like torchvision's: 1,000 classes and an auxiliary head."""
    torch.manual_seed(0)
    state = Inception(1000, 299).body.state_dict()
    state["AuxLogits.fc.bias"] = torch.zeros(1000)
    path = tmp_path_factory.mktemp("weights") / "inception_v3_google.pth"
    torch.save(state, path)
    return path


def images(n: int = 4) -> Images:
    pixels = np.random.default_rng(0).integers(0, 256, (n, 8, 8, 3), dtype=np.uint8)
    return Images(pixels, np.arange(n) % 2)


def test_the_weights_are_fitted_to_the_classes_and_kept(weights_file, tmp_path):
    given, digest = read_weights(str(weights_file))
    logged: list[str] = []
    classifier = fine_tuned(
        images(), (given, digest), TINY, tmp_path, device="cpu", log=logged.append
    )
    assert classifier.name == "inception"
    state = classifier.net.state_dict()
    assert state["body.fc.weight"].shape == (2, 2048)
    for name in ("Conv2d_1a_3x3.conv.weight", "Mixed_7c.branch_pool.conv.weight"):
        assert torch.allclose(state[f"body.{name}"], given[name], atol=1e-4)
    labels, features = classifier.classify(images().pixels)
    assert features.shape == (4, 2048)
    again = fine_tuned(images(), (given, digest), TINY, tmp_path, device="cpu", log=logged.append)
    assert len(logged) == 1
    assert np.allclose(again.classify(images().pixels)[1], features, atol=1e-5)
    assert set(labels) <= {0, 1}


def test_images_go_in_as_the_weights_expect_them():
    # Torchvision's own preparation: ImageNet's mean and deviation, then back to -1..1.
    net = Inception(2, 75)
    seen = []
    net.body.Conv2d_1a_3x3.register_forward_pre_hook(lambda _, x: seen.append(x[0]))
    x = torch.rand(1, 1, 75, 75)
    net.eval()(x)
    assert torch.allclose(seen[0], (x.expand(-1, 3, -1, -1) - 0.5) / 0.5, atol=1e-6)


@pytest.mark.parametrize("name", ["inception_v3_google-0cc3c7bd.pth"])
def test_row_18_code_in_the_place_of_torchvisions_download_does_not_run(
    tmp_path, monkeypatch, name
):
    from torchvision.models import Inception_V3_Weights

    assert Inception_V3_Weights.IMAGENET1K_V1.url.endswith(name)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    path = tmp_path / "hub" / "checkpoints" / name
    path.parent.mkdir(parents=True)
    torch.save({"fc.weight": Trap(tmp_path / "ran")}, path)
    with pytest.raises(DataError, match="weights cannot be downloaded"):
        read_weights(DOWNLOAD)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("kind", ["missing", "empty", "other", "code"])
def test_a_file_without_such_weights_is_refused(tmp_path, kind):
    path = tmp_path / "weights.pth"
    if kind == "empty":
        path.write_bytes(b"")
    elif kind == "other":
        torch.save({"fc.weight": torch.zeros(2, 2)}, path)
    elif kind == "code":
        torch.save({"fc.weight": Trap(tmp_path / "ran")}, path)
    with pytest.raises(DataError, match="torchvision publishes, or leave out --inception"):
        read_weights(str(path))
    assert not (tmp_path / "ran").exists()
