"""The published table: its files, and our scores beside it."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from importlib.resources import files

import pytest

from imbench.report.means import TableCell
from imbench.report.paper import Published, published, verdict
from imbench.report.report import render_report
from imbench.training.recipe import PAPER_METHODS


@pytest.fixture
def horses(make_record):
    """Vanilla agrees, US is far above, CBL 0.9 failed, TS has one seed; AUG was not run."""
    cell = {"dataset": "horse2zebra"}
    scores = {"vanilla": (0.04, 0.05, 0.07), "us": (0.6, 0.61, 0.62), "os+ts": (0.4, 0.5, 0.6)}
    made = [
        make_record(recipe, 25, seed, score, cell=cell)
        for recipe, values in scores.items()
        for seed, score in enumerate(values)
    ]
    made.append(make_record("ts", 25, 0, 0.03, cell=cell))
    made += [
        make_record("cbl:beta=0.9", 25, seed, None, cell=cell, status="timeout", reason="2h")
        for seed in range(3)
    ]
    return made


def test_the_published_file_is_the_one_described():
    data = files("imbench.published").joinpath("published.csv").read_bytes()
    assert hashlib.sha256(data).hexdigest() == (
        "c301a8fe8eb59627fa83f703a767d5f3d0793980f7cd7529a2b1fd84ed7ccc1c"
    )


def test_every_cell_of_the_paper_is_read():
    cells = published()
    assert len(cells) == 224
    sizes = {"CelebA": 84, "CUB-200-2011": 84, "Horse2Zebra": 56}
    assert {name: sum(key[0] == name for key in cells) for name in sizes} == sizes
    assert {recipe for _, recipe, _ in cells} == set(PAPER_METHODS)
    marked = [cell for cell in cells.values() if cell.severity]
    assert len(marked) == 30
    assert sum(cell.severity == "high" for cell in marked) == 10
    assert all(cell.reason for cell in marked)


def test_known_cells():
    cell = published()["CelebA", "cbl:beta=0.9", 50]
    assert (cell.value, cell.severity, cell.title) == (0.6736, "high", "CBL 0.9")
    assert "must equal Vanilla" in cell.reason
    assert published()["Horse2Zebra", "aug", 25].severity == ""


@pytest.mark.parametrize(
    ("mean", "half", "words"),
    [
        (0.5, 0.1, "agrees within interval"),
        (0.45, 0.1, "agrees within interval"),
        (0.4, 0.1, "agrees within interval"),
        (0.7, 0.1, "above"),
        (0.3, 0.1, "below"),
        (0.5, None, "not established: 1 seed"),
    ],
)
def test_verdict(mean, half, words):
    cell = Published("CelebA", "us", "US", 50, 0.5)
    ends = None if half is None else (mean - half, mean + half)
    assert verdict(TableCell({0: mean}, {0: "ok"}, mean, ends), cell) == words


def test_verdict_of_holes():
    cell = Published("CelebA", "us", "US", 50, 0.5)
    hole = TableCell({}, {0: "failed"}, mark="err", notes=("seed 0 failed",))
    assert verdict(None, cell) == "not run"
    assert verdict(TableCell({}, {0: "missing"}, mark="--"), cell) == "not run"
    assert verdict(hole, cell) == "no score"
    assert verdict(TableCell({0: 0.5}, {0: "ok"}, 0.5), None) == "not in the paper"


def test_terminal(horses):
    lines = render_report(horses, vs_paper=True).splitlines()
    assert lines[0] == "horse2zebra: F1 of the minority, beside the published Horse2Zebra"
    rows = [" ".join(line.split()) for line in lines if line[11:16] == "   25"]
    assert rows == [
        "Vanilla 25 .053 [.01,.10] .0500 +.003 agrees within interval",
        "TS 25 .030 1/3[a] .0340 !![b] -.004 not established: 1 seed",
        "CS 25 -- .7925 -- not run",
        "US 25 .610 [.58,.64] .1333 !!![c] +.477 above",
        "OS 25 -- .4750 -- not run",
        "US+CS 25 -- .2865 !![d] -- not run",
        "OS+CS 25 -- .7366 -- not run",
        "SMOTE 25 -- .2108 !![e] -- not run",
        "CBL 0.9 25 t/o[f] .7613 !!![g] -- no score",
        "CBL 0.99 25 -- .8116 -- not run",
        "CBL 0.999 25 -- .8263 -- not run",
        "CBL 0.9999 25 -- .8120 -- not run",
        "ALT 25 -- .8040 -- not run",
        "AUG 25 -- .8500 -- not run",
        "OS+TS 25 .500 [.25,.75] -- -- not in the paper",
    ]
    assert max(map(len, lines)) <= 80


def test_captions_say_what_is_inferred_and_unknown(horses):
    text = " ".join(render_report(horses, vs_paper=True).split())
    assert "Their metric is inferred [I] to be the F1 of the minority" in text
    assert "unknown [U]" in text
    assert "marked high: weight ratio 1.077 only, Vanilla is 0.0500" in text
    assert "published counts not run: 50, 75, 100" in text
    assert "with fewer than 6 seeds, above and below mean only" in text
    assert "6 of 14 published values are below the trivial F1 of our test split" in text
    assert "significant" not in text


def test_json_and_csv(horses):
    (table,) = json.loads(render_report(horses, vs_paper=True, form="json"))["tables"]
    rows = {row["recipe"]: row for row in table["rows"]}
    assert rows["us"]["published"] == 0.1333
    assert rows["us"]["difference"] == pytest.approx(0.4767)
    assert (rows["us"]["verdict"], rows["us"]["severity"]) == ("above", "high")
    assert rows["us"]["scores"] == {"0": 0.6, "1": 0.61, "2": 0.62}
    assert rows["aug"]["mean"] is None
    lines = list(csv.DictReader(io.StringIO(render_report(horses, vs_paper=True, form="csv"))))
    assert [line["recipe"] for line in lines] == [*PAPER_METHODS, "os+ts"]
    assert lines[0]["published"] == "0.05"


def test_both_versions_of_a_part_are_compared(make_record):
    cell = {"dataset": "horse2zebra"}
    records = [
        make_record("us", 25, cell={**cell, "versions": {"us": version}}) for version in (1, 2)
    ]
    text = render_report(records, vs_paper=True)
    assert "US [us v1]" in text
    assert "US [us v2]" in text


def test_a_data_set_the_paper_lacks_keeps_its_own_table(horses, make_record):
    other = make_record("us", 25, cell={"fingerprint": "f" * 16})
    text = render_report([*horses, other], vs_paper=True)
    assert "digits: F1 of the minority (minority training images in columns)" in text
    assert "beside the published Horse2Zebra" in text
