"""Models as ONNX files: equal to torch on images, or refused in a sentence."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest
import torch

from imbench import EnvironmentFault, Method, UsageError, load_model, save_model
from imbench.commands.cli import exit_code
from imbench.models import onnx_file
from imbench.models.onnx_file import check_onnx, onnx_bytes, require_onnx
from imbench.training.part import Part

INSTALLED = all(importlib.util.find_spec(name) for name in ("onnx", "onnxscript", "onnxruntime"))
needs_onnx = pytest.mark.skipif(not INSTALLED, reason="the extra onnx is not installed")


def saved(path, recipe="vanilla", *, seeds=(0,), network="cnn:width=4", channels=3):
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], [20, 10])
    pixels = rng.integers(0, 256, (30, 8, 8, channels), dtype=np.uint8)
    methods = [
        Method(recipe, network=network, steps=3, batch_size=8, random_state=seed).fit(
            pixels, labels
        )
        for seed in seeds
    ]
    save_model(path, methods, classes=["ok", "defect"])
    return load_model(path, device="cpu")


@needs_onnx
@pytest.mark.slow
@pytest.mark.parametrize(
    ("recipe", "network", "channels"),
    [("ts", "cnn:width=4", 3), ("vanilla", "resnet20", 1), ("la-post+cs", "linear", 3)],
)
def test_probabilities_are_those_of_torch_for_any_number_of_images(
    recipe, network, channels, tmp_path
):
    model = saved(tmp_path / "M", recipe, seeds=(0, 1), network=network, channels=channels)
    content = onnx_bytes(model)
    for n in (1, 5, 33):
        pixels = np.random.default_rng(n).integers(0, 256, (n, 8, 8, channels), dtype=np.uint8)
        assert check_onnx(content, model, pixels) < 1e-5


@needs_onnx
@pytest.mark.slow
def test_fit_writes_it_beside_and_a_change_is_refused(tmp_path, capsys):
    words = ["fit", "digits", "--method", "ts", "--network", "linear", "--size", "8", "--onnx"]
    words += ["--steps", "20", "--members", "1", "--folds", "2", "--jobs", "1", "--out"]
    assert exit_code([*words, str(tmp_path / "M")]) == 0
    assert "on 256 test images its probabilities are those of torch" in capsys.readouterr().out
    path = tmp_path / "M" / "model.onnx"
    assert "model.onnx" in load_model(tmp_path / "M").description.files
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(Exception, match="its checksum is wrong"):
        load_model(tmp_path / "M")


@needs_onnx
def test_a_file_of_another_model_is_refused(tmp_path):
    model = saved(tmp_path / "M", network="linear")
    content = onnx_bytes(model)
    with torch.no_grad():
        for parameter in model.networks[0].parameters():
            parameter.mul_(-3)
    pixels = np.random.default_rng(0).integers(0, 256, (9, 8, 8, 3), dtype=np.uint8)
    with pytest.raises(UsageError, match="gives other probabilities than the model"):
        check_onnx(content, model, pixels)


class Squares(Part):
    """What no shift of the outputs is."""

    def adjust(self, logits, priors):
        return logits**2


def test_what_is_no_shift_is_refused(tmp_path):
    model = saved(tmp_path / "M", network="linear")
    model.parts = [Squares()]
    with pytest.raises(UsageError, match="is no shift of the outputs"):
        onnx_file._Averaged(model)


def test_a_missing_package_is_named_before_anything_is_trained(monkeypatch, tmp_path, capsys):
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "onnxscript" else real(name)
    )
    if not INSTALLED:
        with pytest.raises(EnvironmentFault, match=r"pip install 'imbench\[onnx\]'"):
            require_onnx()
        return
    words = ["fit", "digits", "--method", "ts", "--onnx", "--out", str(tmp_path / "M")]
    assert exit_code(words) == 4
    assert "of which onnxscript is not installed: `pip install" in capsys.readouterr().err
