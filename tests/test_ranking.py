"""Better ranking or another threshold: one hand-made set of records for each answer."""

from __future__ import annotations

import numpy as np
import pytest

from imbench.records.groups import group_records
from imbench.records.record import Scores
from imbench.report.panel import Panel
from imbench.report.ranking import ranking_or_threshold
from imbench.stats.metrics import METRICS, score_all

NOISE = (0.004, -0.003, 0.002, -0.004, 0.003, -0.002, 0.001, -0.001)
PLAIN = {"f1": 0.4, "f1_tuned": 0.6, "auroc": 0.8}


@pytest.fixture
def records_of(make_record):
    """Return a maker of records of Vanilla and others: recipe to leads of F1, tuned F1, AUROC."""

    def make(leads, seeds=8, spread=1.0, count=25):
        made = []
        for recipe, lead in {"vanilla": (0, 0, 0), **leads}.items():
            for seed in range(seeds):
                noise = NOISE[seed] * spread * any(lead)
                scores = {
                    name: None if more is None else PLAIN[name] + seed / 100 + more + noise
                    for name, more in zip(PLAIN, lead, strict=True)
                }
                known = {name: value for name, value in scores.items() if value is not None}
                made.append(make_record(recipe, count, seed, None, metrics=known))
        return made

    return make


def found(records, count=25, **options):
    (group,) = group_records(records)
    return ranking_or_threshold(group, count, **options)


def only(records, **options):
    (one,) = found(records, **options)
    return one


@pytest.mark.parametrize(
    ("lead", "kind", "begins"),
    [
        ((0.2, 0.05, 0.04), "ranks better", "US ranks images better than Vanilla on these test "),
        ((0.2, 0.0, 0.04), "ranks better", "US ranks images better than Vanilla on these test "),
        ((-0.1, 0.0, 0.04), "ranks better", "US ranks images better than Vanilla on these test "),
        ((0.2, 0.05, 0.0), "ranks better", "US ranks images better than Vanilla on these test "),
        ((0.2, -0.05, -0.04), "ranks worse", "US ranks images worse than Vanilla on these test "),
        ((0.2, 0.004, 0.003), "moves the threshold", "US only moves the threshold, and gains by "),
        ((-0.2, 0.004, 0.0), "moves the threshold", "US only moves the threshold, and loses by "),
        ((0.02, 0.0, 0.003), "moves the threshold", "US only moves the threshold, and gains by "),
        ((0.005, 0.004, 0.0), "equivalent", "US and Vanilla are equivalent within 0.02 in "),
        ((0.2, 0.05, -0.04), "cannot be told", "whether US ranks images better than Vanilla or "),
    ],
)
def test_each_answer(records_of, lead, kind, begins):
    one = only(records_of({"us": lead}))
    assert (one.method, one.title, one.minority, one.kind) == ("us", "US", 25, kind)
    assert one.sentence.startswith(begins)


def test_the_sentence_has_all_numbers(records_of):
    one = only(records_of({"us": (0.2, 0.0, 0.04)}))
    assert one.sentence == (
        "US ranks images better than Vanilla on these test images, by AUROC: "
        "F1 +0.200 (95 % within +0.198..+0.202, p 0.0078); "
        "AUROC +0.040 (95 % within +0.038..+0.042, p 0.0078); "
        "tuned F1 +0.000 (95 % within -0.002..+0.002, p 1)"
    )
    assert one.thresholded.effect.mean == pytest.approx(0.2)
    assert one.ranking["auroc"].verdict == "beats"


def test_contradicting_rankings_are_named(records_of):
    said = only(records_of({"us": (0.2, 0.05, -0.04)})).sentence
    assert "cannot be told, AUROC and tuned F1 contradict each other: F1 +0.200" in said


def test_few_seeds_tell_nothing_and_say_how_many_would(records_of):
    one = only(records_of({"us": (0.2, 0.0, 0.0)}, seeds=3))
    assert one.kind == "cannot be told"
    assert "cannot be told, 3 seeds cannot show it and 6 could: F1 +0.201 (+0.197..+0.204); " in (
        one.sentence
    )


def test_a_ranking_that_is_not_separated_is_said_to_be_so(records_of):
    """A large gain by F1, and a spread of AUROC that is beyond the margin either way."""
    one = only(records_of({"us": (0.3, 0.02, 0.02)}, seeds=6, spread=12))
    assert one.ranking["auroc"].verdict == "ahead"
    assert one.kind == "moves the threshold"
    assert one.sentence.startswith(
        "US gains by where its threshold lies, and that it ranks images better than Vanilla is "
        "not established: F1 +0.300"
    )


def test_six_seeds_of_many_methods_are_said_to_be_too_few(records_of):
    leads = dict.fromkeys(("us", "os", "cs", "us+cs"), (0.3, 0.0, 0.02))
    first, *_ = found(records_of(leads, seeds=6, spread=12))
    assert first.kind == "moves the threshold"
    assert "not established (6 seeds cannot establish it, 8 can): F1" in first.sentence
    assert ", Holm p 0.12)" in first.sentence


def test_a_gain_that_stays_when_it_is_tuned_is_not_the_threshold_alone(records_of):
    one = only(records_of({"us": (0.3, 0.17, 0.0)}, seeds=6, spread=50))
    assert (one.thresholded.verdict, one.ranking["f1_tuned"].verdict) == ("beats", "ahead")
    assert one.kind == "cannot be told"
    assert "more than half of the difference stays with a tuned threshold: F1" in one.sentence


def test_nothing_moved_and_nothing_equivalent_cannot_be_told(records_of):
    one = only(records_of({"us": (0.01, 0.0, 0.0)}, seeds=6, spread=20))
    assert one.kind == "cannot be told"
    assert "cannot be told, no difference is established: F1" in one.sentence


def test_runs_without_a_score_help_nobody(records_of, make_record):
    records = records_of({"us": (0.2, 0.0, 0.0)})
    failed = make_record("us", 25, 8, None, status="diverged", reason="loss of step 3")
    one = only([*records, failed])
    assert one.kind == "cannot be told"
    assert "runs ended without a score" in one.sentence


def test_without_tuned_scores_auroc_alone_may_rank(records_of):
    """More than two classes have none."""
    assert only(records_of({"us": (0.2, None, 0.04)})).kind == "ranks better"
    one = only(records_of({"us": (0.2, None, 0.0)}))
    assert one.kind == "cannot be told"
    assert one.sentence.endswith("tuned F1: no seed has a score of both")


def test_methods_come_in_the_order_of_the_table_and_only_those_of_the_count(records_of):
    records = records_of({"us": (0.2, 0, 0), "cs": (0.2, 0, 0)})
    records += records_of({"os": (0.2, 0, 0)}, count=50)
    assert [one.method for one in found(records)] == ["cs", "us"]
    assert [one.method for one in found(records, 50)] == ["os"]
    # The family are all methods of the table, as in every other comparison.
    assert {one.thresholded.family for one in found(records)} == {3}


def test_without_vanilla_nothing_is_said(records_of):
    records = [r for r in records_of({"us": (0.2, 0, 0)}) if r.cell.recipe != "vanilla"]
    assert found(records) == ()


def test_threshold_scaling_of_the_same_outputs_only_moves_the_threshold(make_record):
    """From outputs: its AUROC and tuned F1 are Vanilla's to the last digit."""
    labels, records = np.repeat([0, 1], [120, 60]), []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        odds = rng.normal(size=180) + 2 * labels - 4
        for recipe, shift in (("vanilla", 0.0), ("ts", 3.0)):
            minority = 1 / (1 + np.exp(-(odds + shift)))
            proba = np.column_stack([1 - minority, minority])
            scores = Scores.of(labels, np.log(proba), proba)
            records.append(
                make_record(
                    recipe,
                    25,
                    seed,
                    scores=scores,
                    metrics=score_all(labels, scores.arrays()[2].astype(float)),
                    test_counts=[120, 60],
                )
            )
    (group,) = group_records(records)
    panels = {"f1": Panel(group, "f1", METRICS["f1"])}
    (one,) = ranking_or_threshold(group, 25, panels=panels)
    assert one.kind == "moves the threshold"
    assert one.sentence.startswith("TS only moves the threshold, and gains by that alone: F1 +0.")
    assert set(one.ranking["f1_tuned"].effect.values.values()) == {0.0}
    assert one.ranking["f1_tuned"].effect.ends == (0.0, 0.0)
    assert panels["f1"].effect({("ts", 25): 1.0, ("vanilla", 25): -1.0}).images == 180
