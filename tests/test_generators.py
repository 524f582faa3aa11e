"""Generators loaded again: the same translations, and nothing from other files."""

from __future__ import annotations

import os

import numpy as np
import pytest
import torch

from imbench.errors import DataError
from imbench.files import checkpoint
from imbench.generators.stored import load_generators, stored_generators
from imbench.methods._gan_settings import GanSettings
from imbench.methods._pair import GeneratorPair, trained_pair
from imbench.records.cell import Settings
from imbench.training.device import fixed_threads
from imbench.training.part import Context

SETTINGS = Settings(network="cnn", size=16, steps=6)


@pytest.fixture(autouse=True)
def one_thread():
    """Train on one thread: several that share a core wait for each other in turns."""
    with fixed_threads(1):
        yield


def pixels(n: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (n, 16, 16, 3), dtype=np.uint8)


def stored_by(make_record, file: str, recipe: str = "aug", **fields):
    files = {"generator-1": file, "samples-1.png": "d/8/aug/s.png"}
    record = make_record(recipe, 8, cell={"settings": SETTINGS}, files=files, **fields)
    return next(stored_generators([record]))


def trained(folder, settings: GanSettings) -> GeneratorPair:
    context = Context(steps=6, folder=folder / "generators")
    return trained_pair(
        GeneratorPair(pixels(9, 0), pixels(5, 1), settings, context), settings.steps
    )


@pytest.mark.parametrize(
    ("recipe", "settings"),
    [
        ("aug", GanSettings(steps=12)),
        ("aug:ema=0.9", GanSettings(steps=12, ema=0.9)),
        ("us+aug:width=8,blocks=1,steps=4", GanSettings(steps=4, width=8, blocks=1)),
    ],
)
def test_what_is_read_translates_as_what_was_trained(tmp_path, make_record, recipe, settings):
    pair = trained(tmp_path, settings)
    stored = stored_by(make_record, f"generators/{pair.file}", recipe)
    again = load_generators(stored, tmp_path, (16, 16, 3), "cpu")
    for to_minority in (True, False):
        x = pixels(70, 2)
        expected = pair.translate(x, to_minority=to_minority)
        assert np.array_equal(again(x, to_minority=to_minority), expected)
    assert (stored.label, stored.samples) == (1, "d/8/aug/s.png")


def test_generators_that_an_earlier_version_stored_are_read(tmp_path, make_record):
    """Their names are hashes without the environment, and their files name none."""
    pair = trained(tmp_path, GanSettings(steps=2))
    content = checkpoint.load_tensors(tmp_path / "generators" / pair.file)
    del content["environment"]
    checkpoint.save_tensors(tmp_path / "generators" / "0123-2.pt", {**content, "key": "0123"})
    stored = stored_by(make_record, "generators/0123-2.pt", "aug:steps=2")
    again = load_generators(stored, tmp_path, (16, 16, 3), "cpu")
    x = pixels(3, 2)
    assert np.array_equal(again(x, to_minority=True), pair.translate(x, to_minority=True))


def test_generators_of_unfinished_cells_are_passed_over(make_record):
    files = {"generator-1": "generators/x.pt", "losses-1.png": "x.png"}
    assert not list(stored_generators([make_record("aug", status="failed", files=files)]))
    found = list(stored_generators([make_record("aug", files=files | {"generator-2": "y.pt"})]))
    assert [(pair.label, pair.file, pair.samples) for pair in found] == [
        (1, "generators/x.pt", ""),
        (2, "y.pt", ""),
    ]


def test_a_file_outside_the_results_is_refused(tmp_path, make_record):
    inside = tmp_path / "results"
    inside.mkdir()
    checkpoint.save_tensors(tmp_path / "x.pt", {"gan": {"nets": {}}})
    with pytest.raises(DataError, match="outside the results folder"):
        load_generators(stored_by(make_record, "../x.pt"), inside, (16, 16, 3))
    assert (tmp_path / "x.pt").exists()


@pytest.mark.parametrize(
    "content",
    [
        {"gan": {"nets": {}}},
        {"other": 1},
        {"gan": {"nets": {"g_ab": {"x": torch.zeros(1)}, "g_ba": {"x": torch.zeros(1)}}}},
    ],
)
def test_a_file_without_these_generators_is_refused(tmp_path, make_record, content):
    checkpoint.save_tensors(tmp_path / "generators" / "x.pt", content)
    with pytest.raises(DataError, match="does not hold the generators"):
        load_generators(stored_by(make_record, "generators/x.pt"), tmp_path, (16, 16, 3))


def test_a_file_that_is_missing_or_a_method_that_is_not_installed_is_refused(tmp_path, make_record):
    with pytest.raises(DataError, match="is missing or damaged"):
        load_generators(stored_by(make_record, "generators/x.pt"), tmp_path, (16, 16, 3))
    pair = trained(tmp_path, GanSettings(steps=2))
    for recipe, reason in (("gone", "is not installed"), ("us", "only its own part can read")):
        stored = stored_by(make_record, f"generators/{pair.file}", recipe)
        with pytest.raises(DataError, match=reason):
            load_generators(stored, tmp_path, (16, 16, 3))


def test_row_18_code_in_stored_generators_does_not_run_and_nothing_is_renamed(
    tmp_path, make_record
):
    path = tmp_path / "generators" / "x.pt"
    path.parent.mkdir()
    torch.save({"gan": Trap(tmp_path / "ran")}, path)
    with pytest.raises(DataError, match="is missing or damaged"):
        load_generators(stored_by(make_record, "generators/x.pt"), tmp_path, (16, 16, 3))
    assert not (tmp_path / "ran").exists()
    assert [one.name for one in path.parent.iterdir()] == ["x.pt"]


class Trap:
    """Would make a folder when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)
