"""What is said of the features of generated images, by numbers known beforehand and a real run."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest
from clicked import bench
from in_process import jobs_here

from imbench.explain.embedding import purity, separability
from imbench.explain.feature_numbers import NUMBERS
from imbench.explain.stored import kept
from imbench.records.store import Store, read_records
from imbench.training.device import fixed_threads

TRAIN, TEST, MADE = 0, 1, 2


def cloud(places, n=40, spread=0.1, seed=0):
    """Return n points around each place, and its label and kind: place, label, kind."""
    rng = np.random.default_rng(seed)
    points = [rng.normal(place, spread, (n, 2)) for place, *_ in places]
    labels, kinds = (np.repeat([one[i] for one in places], n) for i in (1, 2))
    return np.concatenate(points), labels, kinds


REAL = [((0, 0), 0, TRAIN), ((9, 0), 1, TRAIN), ((0, 0), 0, TEST), ((9, 0), 1, TEST)]


@pytest.mark.parametrize(
    ("place", "own", "apart"),
    [
        pytest.param((9, 0), 1.0, 0.5, id="on the class"),
        pytest.param((0, 0), 0.0, 1.0, id="on the other class"),
        pytest.param((9, 9), 1.0, 1.0, id="nearest to the class, and nowhere in it"),
    ],
)
def test_numbers_of_clouds_are_those_one_sees(place, own, apart):
    points = cloud([*REAL, (place, 1, MADE)])
    assert purity(*points) == pytest.approx(own)
    assert separability(*points, "generated") == pytest.approx(apart, abs=0.15)
    assert separability(*points, "test") == pytest.approx(0.5, abs=0.15)


def test_chance_is_a_half_where_a_class_is_rare_too():
    points, labels, kinds = cloud([((0, 0), 0, TRAIN), ((0, 0), 1, MADE)], n=900)
    few, ones, real = cloud([((0, 0), 1, TRAIN)], n=100, seed=1)
    mixed = np.concatenate([points, few]), np.append(labels, ones), np.append(kinds, real)
    assert purity(*mixed) == pytest.approx(0.5, abs=0.05)


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """Return the results of AUG and Vanilla, two seeds, with their features placed."""
    out = tmp_path_factory.mktemp("made") / "results"
    os.environ["IMBENCH_CACHE"] = str(tmp_path_factory.getbasetemp() / "imbench-cache")
    aug = "aug:steps=2,batch=2,width=4,blocks=1,patch_width=4"
    words = ("--datasets", "savanna:train=24,test=12,size=16", "--minority", 12, "--seeds", "0-1")
    words += ("--methods", f"vanilla,{aug}", "--network", "cnn:width=4", "--size", "16")
    with jobs_here(), fixed_threads(1):
        bench("run", *words, "--steps", "4", "--keep", "models", "--jobs", "1", "--out", out)
        done = bench("explain", out, "--images", "4", "--swaps", "2", "--maps", "gradcam", "--tsne")
    return out, done.stdout


def test_the_table_tells_methods_with_generated_images_and_what_its_columns_are(ran):
    out, told = ran
    _, title, table = told.partition("features of generated")
    assert title
    rows = [line for line in table.splitlines() if line.startswith(("AUG", "Vanilla"))]
    assert {row.split()[0] for row in rows} == {"AUG"}, "Vanilla makes no images"
    assert "own class: share of the ten nearest" in " ".join(table.split())
    values = [
        kept(Store(out), record, "features").arrays["purity"]
        for record in read_records(out)
        if record.cell.recipe.startswith("aug")
    ]
    assert f"{np.mean(values):.2f}"[1:] in rows[0]


def test_json_has_the_numbers_of_each_cell(ran):
    out, _ = ran
    told = bench("explain", out, "--images", "4", "--swaps", "2", "--maps", "gradcam", "--json")
    (group,) = json.loads(told.stdout)["groups"]
    assert [one["seed"] for one in group["features"]] == [0, 1]
    for one in group["features"]:
        (record,) = (
            record
            for record in read_records(out)
            if (record.cell.recipe, record.cell.seed) == (one["recipe"], one["seed"])
        )
        arrays = kept(Store(out), record, "features").arrays
        assert [one[name] for name in NUMBERS] == [float(arrays[name]) for name in NUMBERS]
