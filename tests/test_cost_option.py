"""`--cost 10:1` of `bench report` and `bench run`: costs at three thresholds beside a constant."""

from __future__ import annotations

import json

import numpy as np
import pytest
from clicked import printed, refused

from imbench.records.record import Scores
from imbench.records.store import Store
from imbench.report.tables import make_tables

LABELS = np.repeat([0, 1], [30, 10])


@pytest.fixture
def results(tmp_path, make_record):
    folder = tmp_path / "results"
    for recipe, sampled in (("vanilla", [900, 100]), ("us", [100, 100])):
        for seed in range(2):
            odds = np.random.default_rng(seed).normal(size=40) + 2 * LABELS - 4 + 2 * (seed > 5)
            minority = 1 / (1 + np.exp(-odds))
            proba = np.column_stack([1 - minority, minority])
            scores = Scores.of(LABELS, np.log(proba), proba)
            counts = {"sampled_counts": sampled, "train_counts": [900, 100]}
            fields = {**counts, "test_counts": [30, 10], "scores": scores}
            Store(folder).put(make_record(recipe, 100, seed, None, **fields))
    return folder


def test_costs_at_three_thresholds_stand_beside_each_other(results):
    text = printed("report", results, "--cost", "20:2")
    for words in (
        "cost:ratio=10, cost_bayes:ratio=10, cost_tuned:ratio=10, auroc",
        "100 cost",
        "100 cost_bayes",
        "100 cost_tuned",
        "costs: 10 for a missed minority image, 1 for a false alarm; trivial is the best of",
        "cost: an image is called the likelier class",
        "cost_bayes: called minority where that costs less by probabilities corrected to",
        "cost_tuned: the threshold is chosen on one half of the test images and scored",
        "lower is better",
    ):
        assert words in " ".join(text.split())
    # Calling all 40 minority costs 30, calling all majority 100.
    trivial = next(line for line in text.splitlines() if line.startswith("trivial"))
    assert trivial.split()[1:3] == [".750", ".750"]


def test_json_has_the_same_costs(results):
    report = json.loads(printed("report", results, "--cost", "10:1", "--json"))
    metrics = {table["metric"]: table for table in report["tables"]}
    assert {"cost:ratio=10", "cost_bayes:ratio=10", "cost_tuned:ratio=10"} <= set(metrics)
    for name in ("cost:ratio=10", "cost_bayes:ratio=10", "cost_tuned:ratio=10"):
        assert metrics[name]["lower_is_better"]
        assert metrics[name]["trivial"] == pytest.approx(0.75)
    # Vanilla is trained at 1 : 9 and the test set has 1 : 3; US at 1 : 1, with equal outputs.
    vanilla, us = (row["mean"] for row in metrics["cost_bayes:ratio=10"]["rows"])
    assert vanilla != us


def test_costs_come_after_the_metrics_asked_for(results):
    text = printed("report", results, "--metric", "f1_tuned", "--cost", "10:1", "--json")
    named = [table["metric"] for table in json.loads(text)["tables"]]
    assert named[:2] == ["f1_tuned", "cost:ratio=10"]


@pytest.mark.parametrize("command", ["report", "run"])
@pytest.mark.parametrize("cost", ["0:1", "-1:1", "10", "ten:1", "1:0", "inf:1", "1e9:1"])
def test_what_is_no_ratio_is_refused_in_a_sentence(results, command, cost):
    said = refused(command, f"--cost={cost}")
    assert f"cost {cost!r} is no ratio of two numbers above 0, such as 10:1" in said


def test_a_huge_ratio_is_refused(results):
    said = refused("report", results, "--cost", "999999999:0.001")
    assert said == "--cost: ratio=999999999000 must be a number in (0, 1000000]"


def test_a_run_ends_with_costs(tmp_path, jobs_here):
    options = [
        "--datasets",
        "digits",
        "--minority",
        "20",
        "--methods",
        "vanilla,ts",
        "--seeds",
        "0",
    ]
    options += ["--network", "linear", "--steps", "5", "--size", "8", "--jobs", "1"]
    text = printed("run", *options, "--cost", "10:1", "--out", tmp_path / "results")
    assert "20 cost_tuned" in text
    assert "costs: 10 for a missed minority image" in text


def test_a_table_of_costs_is_bold_where_they_are_low(results):
    from imbench.records.store import read_records

    (table,) = make_tables(read_records(results), ["cost:ratio=10"])
    best = min(line.entries[0].mean for line in table.lines)
    assert all(line.entries[0].bold == (line.entries[0].mean == best) for line in table.lines)


def test_a_check_has_no_interval_over_images_for_what_needs_a_records_prior(results):
    from imbench.check.judging import Pairs, over_images
    from imbench.check.sides import side_of
    from imbench.records.store import read_records

    sides = {}
    for name in ("cost:ratio=10", "cost_bayes:ratio=10"):
        side = side_of(read_records(results), (name,))
        key = next(iter(side.runs))
        scores = {seed: run.scores[name] for seed, run in side.runs[key].items()}
        pairs = Pairs(key, name, True, scores, scores)
        sides[name] = over_images(pairs, side, side, 0.95)
    assert sides["cost:ratio=10"] == (0.0, 0.0)
    assert sides["cost_bayes:ratio=10"] == (
        "a baseline keeps no probabilities for cost_bayes:ratio=10"
    )
