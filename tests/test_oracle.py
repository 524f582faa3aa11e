"""The oracle: what it is trained on, what it says, and that it is trained once."""

from __future__ import annotations

import inspect
from dataclasses import replace

import numpy as np
import pytest
import torch
from traps import Trap

from imbench.errors import DataError, EnvironmentFault
from imbench.files import checkpoint
from imbench.generators.oracle import OracleSettings, images_digest, trained_oracle
from imbench.images.dataset import Images
from imbench.training.numerics import training_environment

FAST = OracleSettings(network="cnn", steps=30, batch_size=16)


def images(counts: tuple[int, ...] = (40, 40), seed: int = 0) -> Images:
    """Return noisy squares whose green channel tells the class."""
    labels = np.repeat(np.arange(len(counts)), counts)
    noise = np.random.default_rng(seed).integers(0, 100, (len(labels), 8, 8, 3))
    noise[..., 1] += (60 * labels)[:, None, None]
    return Images(noise.astype(np.uint8), labels)


@pytest.fixture(scope="module")
def oracle():
    return trained_oracle(images(), FAST)


def test_it_tells_the_classes_of_images_it_has_not_seen(oracle):
    test = images(seed=1)
    assert np.mean(oracle.classify(test.pixels)[0] == test.labels) > 0.95


def test_a_rare_class_weighs_as_much_as_a_frequent_one():
    test = images(seed=1)
    labels, _ = trained_oracle(images((200, 8)), FAST).classify(test.pixels)
    assert np.mean(labels[test.labels == 1] == 1) > 0.9


def test_features_are_what_the_last_layer_turns_into_logits(oracle):
    x = images(seed=1).pixels
    labels, features = oracle.classify(x)
    logits = features @ oracle.head.weight.detach().double().numpy().T
    logits += oracle.head.bias.detach().double().numpy()
    assert features.shape == (80, 64)
    assert (logits.argmax(axis=1) == labels).all()
    with torch.inference_mode():
        direct = oracle.net(torch.from_numpy(x).permute(0, 3, 1, 2) / 255)
    assert np.allclose(logits, direct.numpy(), atol=1e-4)


def test_what_it_says_does_not_depend_on_how_many_it_looks_at(oracle):
    x = images(seed=1).pixels
    assert np.allclose(oracle.classify(x, batch=7)[1], oracle.classify(x)[1], atol=1e-5)


def test_looking_changes_nothing(oracle):
    before = {name: value.clone() for name, value in oracle.net.state_dict().items()}
    oracle.classify(images(seed=1).pixels)
    assert not oracle.head._forward_pre_hooks
    assert all(torch.equal(value, oracle.net.state_dict()[name]) for name, value in before.items())


def test_it_is_given_training_images_only_and_remembers_which(oracle):
    assert next(iter(inspect.signature(trained_oracle).parameters)) == "train"
    assert oracle.trained_on == images_digest(images())


@pytest.mark.parametrize("what", ["pixel", "label", "weight", "order"])
def test_the_digest_of_what_was_seen_tells_apart(what):
    base = images()
    pixels, labels = base.pixels.copy(), base.labels.copy()
    weights = None
    if what == "pixel":
        pixels[3, 0, 0, 0] ^= 1
    elif what == "label":
        labels[0] = 1
    elif what == "weight":
        weights = np.ones(80)
    else:
        pixels = pixels[::-1]
    changed = replace(base, pixels=pixels, labels=labels, weights=weights)
    assert images_digest(changed) != images_digest(base)


def test_it_is_trained_once_and_read_again(tmp_path):
    logged: list[str] = []
    first = trained_oracle(images(), FAST, tmp_path, log=logged.append)
    again = trained_oracle(images(), FAST, tmp_path, log=logged.append)
    assert len(logged) == 1
    assert "80 images" in logged[0]
    x = images(seed=1).pixels
    assert np.array_equal(first.classify(x)[1], again.classify(x)[1])
    (kept,) = tmp_path.glob("oracle-*.pt")
    assert checkpoint.load_tensors(kept)["facts"]["seen"] == images_digest(images())


@pytest.mark.parametrize("change", [{"seed": 1}, {"steps": 31}, {"network": "linear"}, {}])
def test_other_settings_or_images_are_another_oracle(tmp_path, change):
    trained_oracle(images(), FAST, tmp_path)
    trained_oracle(images(seed=0 if change else 5), replace(FAST, **change), tmp_path)
    assert len(list(tmp_path.glob("oracle-*.pt"))) == 2


def test_what_another_torch_trained_is_another_oracle(tmp_path, monkeypatch):
    trained_oracle(images(), FAST, tmp_path)
    newer = {**training_environment(torch.device("cpu")), "torch": "99.0"}
    monkeypatch.setattr("imbench.generators.oracle.training_environment", lambda _device: newer)
    logged: list[str] = []
    for _ in range(2):
        trained_oracle(images(), FAST, tmp_path, device="cpu", log=logged.append)
    assert len(logged) == 1
    kept = [checkpoint.load_tensors(path)["facts"] for path in tmp_path.glob("oracle-*.pt")]
    assert {facts["environment"]["torch"] for facts in kept} == {torch.__version__, "99.0"}


def test_a_damaged_one_is_trained_again(tmp_path):
    first = trained_oracle(images(), FAST, tmp_path)
    (kept,) = tmp_path.glob("oracle-*.pt")
    raw = bytearray(kept.read_bytes())
    raw[len(raw) // 2] ^= 255
    kept.write_bytes(raw)
    logged: list[str] = []
    again = trained_oracle(images(), FAST, tmp_path, log=logged.append)
    assert len(logged) == 1
    x = images(seed=1).pixels
    assert np.array_equal(first.classify(x)[1], again.classify(x)[1])


def test_a_folder_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(EnvironmentFault, match="no oracle can be saved"):
        trained_oracle(images(), FAST, tmp_path / "file")


def test_names_in_tables():
    assert OracleSettings().name == "r20"
    assert OracleSettings(network="torchvision:resnet18").name == "torchvision"


def test_row_18_code_in_an_oracle_does_not_run_and_another_network_is_said(tmp_path):
    trained_oracle(images(), FAST, tmp_path)
    (kept,) = tmp_path.glob("oracle-*.pt")
    content = checkpoint.load_tensors(kept)
    torch.save({**content, "weights": Trap(tmp_path / "ran")}, kept)
    trained_oracle(images(), FAST, tmp_path)
    assert not (tmp_path / "ran").exists()
    for weights in ({}, 7, {"0.mean": torch.zeros(9)}):
        checkpoint.save_tensors(kept, {**content, "weights": weights})
        with pytest.raises(DataError, match="does not hold the network that its name says"):
            trained_oracle(images(), FAST, tmp_path)
