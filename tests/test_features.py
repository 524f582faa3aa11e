"""Networks on a backbone: heads on features that are embedded once, and all of it trained on."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tiny_backbone import LOG, TINY, embedded_images
from torch import nn

import imbench
from imbench import Method, UsageError, prepare, subset
from imbench.backbones.embedded import embed_entries, entries_of
from imbench.backbones.frozen import frozen_backbone, make_backbone, settle_size
from imbench.commands.cli import exit_code
from imbench.datasets.digits import Digits
from imbench.errors import DataError
from imbench.models.cell_inputs import scoring_inputs, training_inputs
from imbench.records.cell import Cell
from imbench.records.store import read_records
from imbench.runs.estimate import training_cell
from imbench.runs.feasible import versions_of
from imbench.stats.metrics import auroc
from imbench.training.augment import augmented, steps_for
from imbench.training.building import build_network
from imbench.training.examples import Examples
from imbench.training.groups import GROUPS
from imbench.training.recipe import parse_recipe

NETWORK = f"features:{TINY}"
RUN = ["run", "--datasets", "digits", "--minority", "20", "--seeds", "0", "--jobs", "1", "--quiet"]
RUN += ["--network", f"{NETWORK},size=8", "--steps", "20"]
pytestmark = pytest.mark.usefixtures("jobs_here")


@pytest.fixture(scope="module")
def digits():
    return prepare("digits", root=Path("data"), size=8)


@pytest.fixture(scope="module")
def training(digits):
    rows = subset(digits.train.labels, minority=20, majority=60, replicate=0)
    return np.asarray(digits.train.pixels[rows]), digits.train.labels[rows]


def quarters(pixels):
    x = np.repeat(pixels, 3, axis=3) / 255
    n, half = len(x), x.shape[1] // 2
    means = x.reshape(n, 2, half, 2, half, 3).mean(axis=(2, 4))
    return means.transpose(0, 3, 1, 2).reshape(n, -1).astype(np.float32)


def outputs(results):
    return {one.cell.recipe: one.scores.arrays()[1] for one in read_records(results)}


@pytest.mark.parametrize(
    ("given", "network", "size"),
    [
        ({"network": "features:lite0,size=96"}, "features:lite0", "96"),
        ({"network": "features:lite0", "size": 64}, "features:lite0", 64),
        ({"network": "features"}, "features:lite0", 96),
        ({"network": "features:lite0,hidden=8,size=96"}, "features:lite0,hidden=8", "96"),
        ({"network": "finetune:lite1", "size": "32"}, "finetune:lite1", "32"),
        ({"network": "cnn:width=4", "size": 24}, "cnn:width=4", 24),
    ],
)
def test_the_size_in_the_text_of_a_network_is_the_size_of_the_images(given, network, size):
    settled = settle_size(given)
    assert (settled["network"], settled["size"]) == (network, size)


def test_two_sizes_are_refused_and_that_of_a_grid_gives_way(capfd):
    with pytest.raises(UsageError, match="size of images is given twice: 64, and 96"):
        settle_size({"network": "features:lite0,size=96", "size": 64})
    words = ["run", "quick", "--methods", "os", "--network", NETWORK, "--dry-run"]
    assert exit_code(words) == 0
    assert re.search(r"network=features:\S+:Tiny  size=8  ", capfd.readouterr().out)


def test_a_run_trains_a_head_on_features_that_are_embedded_once(
    digits, tmp_path, monkeypatch, capfd
):
    log = tmp_path / "log"
    monkeypatch.setenv(LOG, str(log))
    monkeypatch.setenv("IMBENCH_CACHE", str(tmp_path / "cache"))
    words = [word for word in RUN if word != "--quiet"]
    words += ["--methods", "vanilla,ts,os", "--out", str(tmp_path / "r"), "--seeds", "0-1"]
    assert exit_code(words) == 0
    said = capfd.readouterr().out
    images = sum(map(len, (digits.train, digits.validation, digits.test)))
    assert "12 of each image at 8 px, weights " in said
    assert f"{2 * images} images to embed" in said
    assert "crop cannot act on them, each image is embedded mirrored too" in said
    assert 2 * images <= embedded_images(log) < 2 * images + 6 * 32
    before = embedded_images(log)
    assert exit_code([*words, "--minority", "30"]) == 0
    assert "all embedded" in capfd.readouterr().out
    assert embedded_images(log) == before

    record = next(one for one in read_records(tmp_path / "r") if one.cell.recipe == "vanilla")
    assert record.cell.settings.size == 8
    assert list(record.cell.versions) == [TINY]
    cell = record.cell
    rows = subset(digits.train.labels, minority=cell.minority, majority=None, replicate=cell.seed)
    pixels = np.asarray(digits.train.pixels[rows])
    both = np.stack([quarters(pixels), quarters(pixels[:, :, ::-1])], axis=1)
    method = Method(**cell.settings.model_dump(exclude={"size"}), random_state=cell.seed)
    logits = method.fit(both, digits.train.labels[rows]).logits(quarters(digits.test.pixels))
    assert record.scores.arrays()[1] == pytest.approx(logits, abs=1e-4)


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("features", "12 of each image at 8 px, weights "),
        ("finetune", "a batch of 64 images of 8 px holds 0.0 GB, 0.0 MB each"),
    ],
)
def test_a_plan_says_what_a_backbone_takes_and_what_it_has_seen(kind, says, monkeypatch, capfd):
    monkeypatch.setattr(Digits, "overlaps", ("ImageNet",))
    changed = {f"{NETWORK},size=8": f"{kind}:{TINY},size=8"}
    words = [changed.get(word, word) for word in RUN if word != "--quiet"]
    words += ["--methods", "vanilla", "--dry-run"]
    assert exit_code(words) == 0
    said = " ".join(capfd.readouterr().out.split())
    assert says in said
    assert "was trained on ImageNet, which holds these images or their classes" in said


def test_a_plan_says_where_nobody_knows_what_a_backbone_has_seen(monkeypatch, capfd):
    monkeypatch.setattr(type(make_backbone(TINY)), "seen", lambda self: None)
    monkeypatch.setattr(Digits, "overlaps", ("ImageNet",))
    changed = {f"{NETWORK},size=8": f"features:{TINY},size=8"}
    words = [changed.get(word, word) for word in RUN if word != "--quiet"]
    assert exit_code([*words, "--methods", "vanilla", "--dry-run"]) == 0
    said = " ".join(capfd.readouterr().out.split())
    assert f"what {TINY} was trained on is not known: where these images or their" in said
    assert "which holds these images" not in said


def test_other_weights_are_other_cells_and_shared_trainings_know_them():
    recipes = {name: parse_recipe(name) for name in ("vanilla", "us+ts")}
    first, second = (versions_of(recipes, f"{NETWORK}:weights={name}") for name in "ab")
    assert first["us+ts"].keys() == {"us", "ts", f"{TINY}:weights=a"}
    assert set(first["vanilla"].values()) != set(second["vanilla"].values())
    cell = Cell(dataset="d", fingerprint="f", minority=2, recipe="us+ts", seed=0)
    cell = cell.model_copy(update={"versions": first["us+ts"]})
    shared = training_cell(cell, recipes["us+ts"])
    assert (shared.recipe, shared.versions.keys()) == ("us", {"us", f"{TINY}:weights=a"})
    assert versions_of(recipes, "cnn")["vanilla"] == {}


def test_a_batch_has_either_view_of_an_image():
    x = np.arange(400 * 2 * 3, dtype=np.float32).reshape(400, 2, 3)
    assert steps_for(x, "flip+crop+trivial") == ("flip",)
    assert steps_for(x[:, 0], "flip+crop") == ()
    rows = np.arange(400)
    taken = augmented(Examples(x), rows, ("flip",), np.random.default_rng(0))
    mirrored = (taken == x[:, 1]).all(axis=1)
    assert ((taken == x[:, 0]).all(axis=1) ^ mirrored).all()
    assert 150 < mirrored.sum() < 250
    assert (augmented(Examples(x), rows, (), np.random.default_rng(0)) == x[:, 0]).all()


def test_points_between_images_lie_between_equal_views():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(9, 2, 4)).astype(np.float32)
    first, second, share = rng.integers(9, size=20), rng.integers(9, size=20), rng.random(20)
    points = Examples(x).between(first, second, share)
    rows, mirrored = np.arange(20), rng.random(20) < 0.5
    whole = points.take(rows)[rows, mirrored.astype(int)]
    assert points.take_views(rows, mirrored) == pytest.approx(whole, abs=1e-6)


def test_images_are_embedded_where_a_method_is_given_them(training):
    pixels, labels = training
    given = Method("os", network=NETWORK, steps=15, augment="flip").fit(pixels, labels)
    both = np.stack([quarters(pixels), quarters(pixels[:, :, ::-1])], axis=1)
    rows = Method("os", network=NETWORK, steps=15, augment="flip").fit(both, labels)
    assert given.logits(pixels) == pytest.approx(rows.logits(quarters(pixels)), abs=1e-4)
    assert rows.logits(pixels) == pytest.approx(given.logits(pixels), abs=1e-4)
    with pytest.raises(UsageError, match="is to see images of 16 px, and these have 8"):
        Method(network=f"{NETWORK},size=16", steps=2).fit(pixels, labels)


@pytest.mark.parametrize("recipe", GROUPS["features"])
def test_every_method_of_the_group_learns_on_features(training, recipe):
    pixels, labels = training
    both = np.stack([quarters(pixels), quarters(pixels[:, :, ::-1])], axis=1)
    method = Method(recipe, network=NETWORK, steps=20, batch_size=16, lr=0.5).fit(both, labels)
    proba = method.predict_proba(quarters(pixels))
    assert np.isfinite(proba).all()
    assert proba[labels == 1, 1].mean() > proba[labels == 0, 1].mean(), "it learned nothing"


def test_the_group_leaves_out_those_alone_that_need_pixels():
    left = (*GROUPS["paper-cheap"], *GROUPS["rivals"])
    assert set(left) - set(GROUPS["features"]) == {"cutmix", "cmo", "m2m", "deepsmote", "ssl"}
    for name in left:
        refused = any(part.needs_pixels for part in parse_recipe(name).parts)
        assert refused == (name not in GROUPS["features"]), name


@pytest.mark.parametrize(
    ("method", "why"),
    [
        ("cmo", "it pastes a box of one image onto another"),
        ("alt", "it changes pixels at every step"),
        ("aug:gamma=learned", "a learned gamma holds images out"),
    ],
)
def test_a_plan_refuses_what_needs_pixels(tmp_path, capfd, method, why):
    words = [*RUN, "--methods", f"vanilla,{method}", "--out", str(tmp_path / "r")]
    assert exit_code(words) == 2
    said = capfd.readouterr().err
    assert f"cannot act on features, which are made once of each image: {why}" in said
    assert "--network finetune:" in said
    assert not (tmp_path / "r" / "digits").exists()


def test_generated_images_are_embedded_after_they_are_added(training, tmp_path, monkeypatch):
    pixels, labels = training
    fakes = np.random.default_rng(0).integers(0, 256, (7, 8, 8), dtype=np.uint8)
    for number, fake in enumerate(fakes):
        Image.fromarray(fake).save(tmp_path / f"{number}.png")
    seen = []
    monkeypatch.setattr(
        "imbench.training.members.train",
        lambda state, *_: (seen.append(state.examples), state.losses.append(torch.zeros(()))),
    )
    monkeypatch.setattr("imbench.training.method.normalised", lambda examples, _: examples)
    recipe = f"generated:{tmp_path}"
    known = np.stack([quarters(pixels), quarters(pixels[:, :, ::-1])], axis=1)
    log = tmp_path / "log"
    monkeypatch.setenv(LOG, str(log))
    Method(recipe, network=NETWORK, steps=2).fit(pixels, labels, features=known)
    (examples,) = seen
    assert examples.pixels.shape == (len(pixels) + 7, 2, 12)
    assert (examples.pixels[: len(pixels)] == known).all()
    made = examples.pixels[len(pixels) :]
    assert made[:, 0] == pytest.approx(quarters(fakes[..., None]), abs=1e-6)
    assert made[:, 1] == pytest.approx(quarters(fakes[:, :, ::-1, None]), abs=1e-6)
    assert embedded_images(log) == 2 * 32, "the known ones were embedded again"


def test_python_runs_it_too_and_images_of_a_folder_join(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "fakes").mkdir()
    for number in range(5):
        Image.new("L", (8, 8), 50 * number).save(tmp_path / "fakes" / f"{number}.png")
    scores = imbench.run(
        datasets="digits",
        minority=20,
        methods="vanilla,ts,generated:fakes",
        seeds=0,
        settings={"network": f"{NETWORK},size=8", "steps": 10},
        jobs=1,
        quiet=True,
    )
    assert set(scores.network) == {NETWORK}
    assert scores.value.notna().all()
    records = {one.cell.recipe: one for one in read_records(tmp_path / "results")}
    assert records["ts"].shared_with == records["vanilla"].key
    assert "5 of class 1" in records["generated:path=fakes"].notes[0]


def test_features_of_a_file_are_trained_on(digits, tmp_path):
    parts = (digits.train, digits.validation, digits.test)
    names = [name for part in parts for name in part.names]
    labels = np.concatenate([part.labels for part in parts])
    rows = np.random.default_rng(0).normal(size=(len(names), 4)) + 3 * labels[:, None]
    np.savez(tmp_path / "mine.npz", names=np.array(names), features=rows)
    frozen = frozen_backbone(f"features:file:{tmp_path}/mine.npz")
    entries = entries_of(digits, frozen, frozen.views_of(("flip",)), tmp_path)
    embed_entries(digits, frozen, entries)
    chosen = subset(digits.train.labels, minority=20, majority=60, replicate=0)
    inputs, known = training_inputs(entries, digits, chosen, ())
    assert known is None
    method = Method("os", network=f"features:file:{tmp_path}/mine.npz", steps=50)
    method.fit(inputs, digits.train.labels[chosen])
    assert auroc(digits.test.labels, method.predict_proba(scoring_inputs(entries, digits))) > 0.99
    with pytest.raises(UsageError, match="belong to the names of images"):
        method.predict_proba(digits.test.pixels)


def test_missing_weights_stop_a_plan_with_what_to_type(tmp_path, capfd, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    words = ["run", "--datasets", "digits", "--minority", "20", "--methods", "vanilla"]
    words += ["--network", "features:torchvision:resnet18,size=32", "--out", str(tmp_path / "r")]
    assert exit_code(words) == DataError.exit_code
    assert "nothing is downloaded unasked" in capfd.readouterr().err


def test_the_head_is_linear_with_a_hidden_layer_if_asked_for():
    net = build_network("features:lite0", (1280,), 3)
    assert [type(layer).__name__ for layer in net] == ["Scale", "Linear"]
    assert net(torch.ones(2, 1280)).shape == (2, 3)
    assert len(build_network("features:lite0,hidden=5", (1280,), 3)) == 4
    with pytest.raises(UsageError, match="takes rows of features, not images"):
        build_network("features:lite0", (3, 8, 8), 2)
    with pytest.raises(UsageError, match="network features takes no 'hiden': did you mean hidden"):
        build_network("features:lite0,hiden=5", (1280,), 2)


class Weighted(nn.Module):
    """One weight before twelve pixels; remembers what it was shown."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))
        self.seen = []

    def forward(self, x):
        self.seen.append(x.detach())
        return self.weight * x.flatten(1)[:, :12]


def test_finetune_trains_the_backbone_on_images_as_they_are(training, monkeypatch):
    pixels, labels = training
    monkeypatch.setattr(type(make_backbone(TINY)), "network", lambda _self: Weighted())
    method = Method(network=f"finetune:{TINY}", steps=3, augment="none").fit(pixels, labels)
    (body,) = [one for one in method.network_.modules() if isinstance(one, Weighted)]
    assert 0 <= float(body.seen[-1].min()) <= float(body.seen[-1].max()) <= 1
    assert body.seen[-1].shape[1:] == (3, 8, 8)
    assert body.weight.item() != 1.0
    with pytest.raises(UsageError, match="takes images, not rows of features"):
        build_network(f"finetune:{TINY}", (12,), 2)
