"""The colour floor: what it computes, when a run writes it, and where reports show it."""

from __future__ import annotations

import json
import logging
from contextlib import chdir
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from clicked import bench, printed
from in_process import jobs_here
from sklearn.linear_model import LogisticRegression

import imbench
from imbench.errors import EnvironmentFault, NotComparable
from imbench.images.cache import prepare
from imbench.images.subsets import subset
from imbench.records.assumed_prior import assumed_prior
from imbench.records.floors import COLOUR, floors_beside, read_floors
from imbench.records.groups import group_records
from imbench.records.store import read_records
from imbench.report.compare import compare
from imbench.report.diagnosis import diagnose
from imbench.report.ranks import rank_by
from imbench.report.report import render_report
from imbench.report.tables import make_tables
from imbench.runs.floors import floor_cells, write_floors
from imbench.stats.metrics import auroc
from imbench.training.colour import colour_floor, colour_statistics


@pytest.mark.parametrize("side", [1, 2, 5, 32])
def test_statistics_are_those_of_numpy_channel_by_channel(monkeypatch, side):
    monkeypatch.setattr("imbench.training.colour.CHUNK", 7 * side * side * 3)
    rng = np.random.default_rng(side)
    pixels = rng.integers(0, 256, (17, side, side, 3), dtype=np.uint8)
    pixels[3], pixels[4] = 255, rng.integers(0, 2, pixels[4].shape) * 255
    found = colour_statistics(pixels)
    assert found.shape == (17, 12)
    for image, statistics in zip(pixels.reshape(17, -1, 3) / 255, found, strict=True):
        expected = [image.mean(0), image.std(0), *np.quantile(image, [0.1, 0.9], axis=0)]
        assert statistics == pytest.approx(np.concatenate(expected), abs=1e-7)
    flat = np.full((1, 5, 5, 1), 51, np.uint8)
    assert colour_statistics(flat)[0] == pytest.approx([0.2, 0, 0.2, 0.2])


def test_colours_tell_red_from_blue_and_nothing_else():
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 100, (120, 6, 6, 3), dtype=np.uint8)
    labels = np.arange(120) % 2
    pixels[labels == 1, :, :, 0] += 60
    statistics = colour_statistics(pixels)
    told = colour_floor(statistics[:60], labels[:60], statistics[60:])
    assert told.sum(axis=1) == pytest.approx(np.ones(60))
    assert auroc(labels[60:], told) == 1.0
    # The same pixels in another order have the same colours.
    mixed = rng.permuted(pixels[60:].reshape(60, 36, 3), axis=1).reshape(60, 6, 6, 3)
    same = colour_floor(statistics[:60], labels[:60], colour_statistics(mixed))
    assert np.abs(same.argmax(1) - labels[60:]).sum() == 0


def test_it_is_scikit_learns_regression_on_standardised_statistics_with_classes_that_count_alike():
    rng = np.random.default_rng(1)
    train, test = rng.normal(5, 3, (90, 12)), rng.normal(5, 3, (20, 12))
    train[:, 3] = 0.5  # a channel without any deviation divides by nothing
    labels = np.repeat([0, 1, 2], [60, 20, 10])
    spread = train.std(0)
    spread[3] = 1
    scaled = (train - train.mean(0)) / spread
    model = LogisticRegression(class_weight="balanced", max_iter=5000).fit(scaled, labels)
    expected = model.predict_proba((test - train.mean(0)) / spread)
    assert colour_floor(train, labels, test) == pytest.approx(expected)
    weights = rng.uniform(0.5, 2, 90)
    model.fit(scaled, labels, sample_weight=weights)
    weighted = colour_floor(train, labels, test, weights)
    assert weighted == pytest.approx(model.predict_proba((test - train.mean(0)) / spread))
    assert weighted != pytest.approx(expected)


WORDS = ("--datasets", "digits", "--seeds", "0-1", "--network", "linear", "--size", "8")
WORDS += ("--steps", "4", "--jobs", "1", "--methods", "vanilla,os")


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """Run a grid twice and look at it; keep what was said and what lies in the folder."""
    folder = tmp_path_factory.mktemp("work")
    with chdir(folder), jobs_here():
        said = printed("run", *WORDS, "--minority", "20")
        first = {one.key: one.checksum for one in read_floors(folder / "results")}
        bench("run", *WORDS, "--minority", "20,30")
        status, report = printed("status"), printed("report", "--metric", "f1,auroc")
        plain = json.loads(printed("report", "--json", "-"))
    results = folder / "results"
    return SimpleNamespace(
        results=results, said=said, first=first, status=status, report=report, plain=plain
    )


def test_a_run_writes_the_floor_of_each_count_and_seed_once(work):
    floors = read_floors(work.results)
    assert {(one.cell.minority, one.cell.seed) for one in floors} == {
        (count, seed) for count in (20, 30) for seed in (0, 1)
    }
    assert all(one.intact and one.done and one.cell.recipe == COLOUR for one in floors)
    assert work.first.items() <= {one.key: one.checksum for one in floors}.items()


def test_its_scores_are_those_of_the_cells_own_images(work):
    data = prepare("digits", root=Path("data"), size=8)
    record = next(one for one in read_floors(work.results) if one.cell.minority == 30)
    labels = data.train.labels
    rows = subset(labels, minority=30, majority=None, replicate=record.cell.seed)
    train, test = (colour_statistics(part.pixels) for part in (data.train, data.test))
    proba = colour_floor(train[rows], labels[rows], test)
    assert record.metrics["auroc"] == pytest.approx(auroc(data.test.labels, proba), abs=1e-6)
    assert record.train_counts == np.bincount(labels[rows]).tolist()


def test_it_stands_below_the_trivial_score_of_tables_and_in_json(work):
    rows = [line.split()[0] for line in work.report.splitlines() if line[:1].isalpha()]
    assert "trivial" in rows
    lines = work.report.splitlines()
    places = [index for index, line in enumerate(lines) if line.startswith("trivial ")]
    assert [lines[place + 1][:12] for place in places] == ["colour floor"] * 2
    assert "colour floor" in work.said
    floors = work.plain["tables"][0]["floors"]
    assert [(row["recipe"], row["minority"], row["n"]) for row in floors] == [
        (COLOUR, 20, 2),
        (COLOUR, 30, 2),
    ]
    assert {row["recipe"] for row in work.plain["tables"][0]["rows"]} == {"vanilla", "os"}


def with_floors(results):
    """Return the records of a results folder as a report takes them."""
    records = read_records(results)
    return [*records, *floors_beside(records, read_floors(results))]


@pytest.mark.parametrize("form", ["markdown", "latex"])
def test_other_forms_have_the_row_too(work, form):
    records = with_floors(work.results)
    assert "colour floor" in render_report(records, form=form)
    beside = render_report(records, form=form, metrics=("f1", "acsa"), together=True)
    assert "colour floor" in beside
    assert "floor" not in render_report(records, form="csv")


def test_a_run_keeps_names_that_reports_use(work):
    with chdir(work.results.parent):
        rows = json.loads(printed("report", "--wrong", "--json"))["wrong"]
        classes = json.loads(printed("report", "--per-class", "--json"))["classes"]
        bench("export", "--npz", "outputs.npz")
        kept = np.load("outputs.npz", allow_pickle=False)
    data = prepare("digits", root=Path("data"), size=8)
    assert all(row["image"] == data.test.names[row["row"]] for row in rows)
    assert {row["class"] for row in classes} == set(data.classes)
    assert kept[f"{data.fingerprint}.images"].tolist() == list(data.test.names)
    wrong = {row["row"]: row["wrong"] for row in rows if row["recipe"] == "os"}
    records = [one for one in read_records(work.results) if one.cell.recipe == "os"]
    outputs = [record.scores.arrays() for record in records]
    counts = np.sum([proba.argmax(1) != labels for labels, _, proba in outputs], axis=0)
    assert sum(wrong.values()) <= counts.sum()
    assert set(wrong) == set(np.flatnonzero(counts).tolist())


def test_its_outputs_are_about_classes_that_count_alike(work):
    record = read_floors(work.results)[0]
    assert assumed_prior(record).tolist() == [0.5, 0.5]
    (table, *_) = make_tables(with_floors(work.results), ["cost_bayes:ratio=10"])
    assert all(entry.mean is not None for entry in table.floors[0].entries)


def test_it_is_no_method(work):
    assert "floor" not in work.status
    assert len(read_records(work.results)) == 8
    assert set(imbench.load_results(work.results).recipe) == {"vanilla", "os"}
    records = with_floors(work.results)
    (group,) = group_records(records)
    assert {row.recipe for row in group.rows} == {"vanilla", "os"}
    assert len(group.records) == 8
    assert {match.recipes for match in compare(records, ["vanilla", "os"])} == {("vanilla", "os")}
    with pytest.raises(NotComparable, match="here are 2 in 2"):
        rank_by(make_tables(records), "f1")


def test_floors_without_a_method_beside_them_are_not_shown(work):
    records = [one for one in read_records(work.results) if one.cell.minority == 20]
    shown = floors_beside(records, read_floors(work.results))
    assert {one.cell.minority for one in shown} == {20}
    assert group_records(read_floors(work.results)) == []


def test_cells_of_methods_have_one_floor_and_its_version_is_in_the_key(make_record, monkeypatch):
    cells = [make_record(recipe, 50, seed).cell for recipe in ("vanilla", "os") for seed in (0, 1)]
    floors = floor_cells(cells)
    assert [cell.seed for cell in floors] == [0, 1]
    monkeypatch.setattr("imbench.runs.floors.COLOUR_VERSION", 2)
    assert not {cell.key for cell in floor_cells(cells)} & {cell.key for cell in floors}


def hand_made(make_record, f1, auroc, floor_f1=0.8, floor_auroc=0.9):
    metrics = {"metrics": {"f1": f1, "auroc": auroc}}
    floor = {"metrics": {"f1": floor_f1, "auroc": floor_auroc}}
    records = [make_record(score=None, **metrics), make_record(COLOUR, score=None, **floor)]
    (group,) = group_records(records)
    return {one.kind: one for one in diagnose(group)}


def test_a_method_that_colours_alone_beat_is_named(make_record):
    one = hand_made(make_record, 0.75, 0.85)["floor"]
    assert one.sentence == (
        "mean F1 of the minority (0.750) is not better than the colour floor (0.800): Vanilla at 50"
    )
    assert one.advice.startswith("nothing shows that they see more than light and colours")
    assert "threshold" in hand_made(make_record, 0.75, 0.95)["floor"].advice
    assert "floor" not in hand_made(make_record, 0.85, 0.85)


def test_a_floor_that_cannot_be_computed_costs_the_run_nothing(tmp_path, make_record, caplog):
    cell = make_record().cell
    source = SimpleNamespace(folder=tmp_path / "gone")
    plan = SimpleNamespace(own_cells=[cell], sources={cell.dataset: source})
    source.folder.mkdir()
    (source.folder / "manifest.json").write_text("{}")
    caplog.set_level(logging.WARNING, "imbench")
    write_floors(plan, tmp_path)
    assert "no colour floor of digits" in caplog.text
    assert read_floors(tmp_path) == []


def test_a_floor_that_cannot_be_written_costs_the_run_nothing(work, monkeypatch, caplog):
    data = prepare("digits", root=Path("data"), size=8)
    cell = read_floors(work.results)[0].cell.model_copy(update={"seed": 77})
    plan = SimpleNamespace(own_cells=[cell], sources={cell.dataset: data})

    def full(*_, **__):
        raise EnvironmentFault("no space")

    monkeypatch.setattr("imbench.records.store.write_atomic", full)
    caplog.set_level(logging.WARNING, "imbench")
    write_floors(plan, work.results)
    assert "no colour floor of digits: no space" in caplog.text
    assert len(read_floors(work.results)) == 4
