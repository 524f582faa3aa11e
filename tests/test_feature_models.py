"""Models on features: kept, saved, fitted and loaded, their backbone named and not copied."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from imbench import Method, UsageError, load_model, prepare, registry, save_model
from imbench.backbones.frozen import make_backbone
from imbench.models.core import View
from imbench.models.fitting import FitOptions, find_source, fit
from imbench.models.model import Model
from imbench.models.onnx_file import onnx_bytes
from imbench.models.saving import core_of, packed
from imbench.models.weights import unpack
from imbench.records.cell import Settings
from imbench.stats.metrics import auroc
from imbench.training.pretrained import embed_images

INSTALLED = """
import torch
from tiny_backbone import Tiny as Base


class Tiny(Base):
    \"\"\"As the one for tests, under a name.\"\"\"

    digits = "a"

    def __init__(self):
        pass

    def digest(self):
        return f"tiny {self.digits}"
"""
SETTINGS = Settings(network="features:tiny", size=8, steps=20, batch_size=16, augment="flip")


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Install a package that registers the backbone ``tiny``."""
    info = tmp_path / "site" / "tiny-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[imbench.backbones]\ntiny = tiny_code:Tiny\n")
    (tmp_path / "site" / "tiny_code.py").write_text(INSTALLED)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    registry.clear_cache()
    make_backbone.cache_clear()
    yield
    registry.clear_cache()
    make_backbone.cache_clear()


@pytest.fixture(scope="module")
def digits():
    return prepare("digits", root=Path("data"), size=8)


def fitted(decoded, **given):
    keep = np.sort(np.r_[np.flatnonzero(decoded.train.labels == 1), np.arange(150)])
    rows = np.unique(keep)
    method = Method(**{**SETTINGS.model_dump(exclude={"size", "code"}), **given})
    return method.fit(np.array(decoded.train.pixels[rows]), decoded.train.labels[rows])


def test_a_saved_model_names_its_backbone_and_predicts_what_the_method_does(
    installed, digits, tmp_path
):
    method = fitted(digits, recipe="os")
    save_model(tmp_path / "MODEL", method, classes=["rest", "8"])
    model = load_model(tmp_path / "MODEL")
    pixels = np.array(digits.test.pixels[:40])
    assert model.predict_proba(pixels) == pytest.approx(method.predict_proba(pixels), abs=1e-6)
    known = model.core.backbone
    assert (known.name, known.width, len(known.digest)) == ("tiny", 12, 32)
    assert (tmp_path / "MODEL" / "weights.safetensors").stat().st_size < 20_000


def test_a_model_is_not_opened_with_other_weights_or_without_its_backbone(
    installed, digits, tmp_path, monkeypatch
):
    save_model(tmp_path / "MODEL", fitted(digits), classes=["rest", "8"])
    monkeypatch.setattr(type(make_backbone("tiny")), "digits", "b")
    with pytest.raises(UsageError, match=r"with the weights [0-9a-f]{8}, here are [0-9a-f]{8}"):
        load_model(tmp_path / "MODEL")
    known = {"networks": ["features"], "backbones": []}
    monkeypatch.setattr("imbench.models.backbone.registered_names", known.get)
    with pytest.raises(UsageError, match="backbone 'tiny' has no registered name here"):
        load_model(tmp_path / "MODEL")


def test_a_model_holds_neither_code_of_a_file_nor_features_by_name(digits, tmp_path):
    from tiny_backbone import TINY

    with pytest.raises(UsageError, match="a model holds no code"):
        save_model(tmp_path / "MODEL", fitted(digits, network=f"features:{TINY}"), classes="ab")
    names = np.array(digits.train.names)
    rows = np.random.default_rng(0).normal(size=(len(names), 3))
    np.savez(tmp_path / "mine.npz", names=names, features=rows)
    method = Method(network=f"features:file:{tmp_path}/mine.npz", steps=2)
    method.fit(rows[:50].astype(np.float32), np.arange(50) % 2)
    method.image_shape_ = (8, 8, 1)
    with pytest.raises(UsageError, match="belong to the names of images"):
        save_model(tmp_path / "MODEL", method, classes=["rest", "8"])


def test_what_a_run_keeps_is_a_model(installed, digits):
    method = fitted(digits)
    core = core_of([method], digits.classes, View(size=8, channels=1, geometry="crop"))
    core, networks, _ = unpack(packed(core, [method], {}), "it")
    assert core.backbone.name == "tiny"
    assert len(networks) == 1


def test_fit_embeds_once_for_all_folds_and_members(installed, digits, monkeypatch):
    source = find_source("digits", size=8, root=Path("data"))
    shown = []

    def watched(frozen, pixels, *given, **named):
        shown.append(len(pixels))
        return embed_images(frozen, pixels, *given, **named)

    monkeypatch.setattr("imbench.training.method.embed_images", watched)
    options = FitOptions(recipe="os", settings=SETTINGS, members=1, folds=2, device="cpu")
    made = fit(source, options)
    assert max(shown, default=0) <= 8, "a training embedded its images itself"
    model = Model(made.description, unpack(made.weights, "it")[1], device="cpu")
    scores = {one.metric: one for one in made.description.expected if one.source == "test images"}
    test = source.decoded.test
    assert scores["auroc"].value == pytest.approx(
        auroc(test.labels, model.predict_squares(test.pixels)), abs=1e-9
    )
    assert model.core.backbone.name == "tiny"
    with pytest.raises(UsageError, match="are not part of the model, and an ONNX file"):
        onnx_bytes(model)
    refused = FitOptions(recipe="cmo", settings=SETTINGS, members=1, folds=2, device="cpu")
    with pytest.raises(UsageError, match="CMO cannot act on features of a frozen backbone"):
        fit(source, refused)
