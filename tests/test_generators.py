"""Generators loaded again: the same translations, and nothing from other files."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from traps import Trap

from imbench.errors import DataError
from imbench.files import checkpoint
from imbench.generators.stored import load_generators, stored_generators
from imbench.methods._gan_settings import GanSettings
from imbench.methods._kept import trained as kept
from imbench.methods._pair import GeneratorPair
from imbench.methods._star_training import StarTraining
from imbench.records.cell import Settings
from imbench.training.device import fixed_threads
from imbench.training.part import Context
from imbench.training.recipe import parse_recipe

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
    return kept(GeneratorPair(pixels(9, 0), pixels(5, 1), settings, context), settings.steps)


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


@pytest.mark.parametrize(
    ("recipe", "versions"), [("aug:steps=2", {"aug": 2}), ("alt:steps=2,judge=0", {"alt": 1})]
)
def test_generators_of_a_version_without_designs_are_the_papers(
    tmp_path, make_record, recipe, versions
):
    """Records of versions 1 and 2 name no design; their files hold the paper's networks."""
    pair = trained(tmp_path, GanSettings(steps=2, design="paper"))
    cell = {"settings": SETTINGS, "versions": versions}
    files = {"generator-1": f"generators/{pair.file}"}
    (stored,) = stored_generators([make_record(recipe, 8, cell=cell, files=files)])
    again = load_generators(stored, tmp_path, (16, 16, 3), "cpu")
    assert again.gan.design.name == "paper"
    x = pixels(3, 2)
    assert np.array_equal(again(x, to_minority=True), pair.translate(x, to_minority=True))


def test_networks_of_another_design_than_the_recipe_names_are_refused(tmp_path, make_record):
    for recipe, trained_as in (("aug:design=paper", "small"), ("aug:design=small", "paper")):
        pair = trained(tmp_path, GanSettings(steps=2, design=trained_as))
        stored = stored_by(make_record, f"generators/{pair.file}", recipe)
        with pytest.raises(DataError, match="does not hold the generators: Error"):
            load_generators(stored, tmp_path, (16, 16, 3), "cpu")


def test_one_generator_of_all_classes_is_read_as_a_pair_of_each_minority(tmp_path, make_record):
    x, y = pixels(14, 0), np.repeat([0, 1, 2], [7, 4, 3])
    (part,) = parse_recipe("aug-star:batch=2,steps=2").parts
    context = Context(steps=6, folder=tmp_path / "generators")
    training = kept(StarTraining(x, y, part.star_settings, context), 2)
    files = {f"generator-{label}": f"generators/{training.file}" for label in (1, 2, 3)}
    record = make_record("aug-star:batch=2,steps=2", cell={"settings": SETTINGS}, files=files)
    *pairs, none = stored_generators([record])
    for stored in pairs:
        again = load_generators(stored, tmp_path, (16, 16, 3), "cpu")
        for to_minority, label in ((True, stored.label), (False, 0)):
            found = again(x, to_minority=to_minority)
            assert np.array_equal(found, training.translate(x, label))
    with pytest.raises(DataError, match="a generator of 3 classes has no label 3"):
        load_generators(none, tmp_path, (16, 16, 3), "cpu")


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
        {"gan": 7},
        {"gan": {"nets": {"g_ab": {"body.0.weight": 7}, "g_ba": {}}}},
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
