"""The verdict: each sentence from hand-made records of every kind of grid."""

from __future__ import annotations

import json
import math
import re

import numpy as np
import pytest

from imbench.records.record import Scores
from imbench.report.panel import Panel
from imbench.report.report import render_report
from imbench.report.tables import make_tables
from imbench.report.verdict import judge, verdict_prose, verdict_rows
from imbench.report.verdict_scores import Scored
from imbench.stats.metrics import METRICS

TRIVIAL = 0.7  # of 120 and 140 test images: 2 * 140 / (120 + 2 * 140)
HERE = " on these test images"


@pytest.fixture
def made(make_record):
    """Return a maker of records: recipe to {count: score of each seed}; None failed."""

    def make(**scores):
        return [
            make_record(
                recipe.replace("_", "+"),
                count,
                seed,
                value,
                status="ok" if value is not None else "failed",
                cost={"fit": 10.0},
            )
            for recipe, counts in scores.items()
            for count, values in counts.items()
            for seed, value in enumerate(values)
        ]

    return make


def said(records, metric="f1"):
    """Return the sentences on the only table, by subject."""
    (verdict,) = judge(make_tables(records, (metric,)))
    found = {}
    for statement in verdict.statements:
        found.setdefault(statement.subject, []).append(statement.text)
    return found


def steps(start, step, seeds):
    """Return scores that differ, as those of seeds do."""
    return [start + step * seed for seed in range(seeds)]


def noise(middle, spread, seeds, turn):
    """Return scores around a mean, whose order differs by `turn`."""
    return [middle + spread * math.sin(2.4 * seed + turn) for seed in range(seeds)]


def test_methods_above_and_below_vanilla_are_named_with_counts_and_differences(made):
    records = made(
        vanilla={10: steps(0.75, 0.001, 9), 20: steps(0.80, 0.001, 9)},
        os={10: steps(0.85, 0.002, 9), 20: steps(0.90, 0.002, 9)},
        cs={10: steps(0.86, 0.003, 9), 20: steps(0.90, 0.002, 9)},
        us={10: steps(0.85, 0.002, 9), 20: steps(0.71, 0.001, 9)},
        ts={10: steps(0.75, 0.001, 9), 20: steps(0.80, 0.001, 9)},
    )
    found = said(records)
    assert found["learned"] == ["every mean is better than the trivial score, 0.700"]
    assert found["vanilla"] == [
        f"above Vanilla by more than chance{HERE}: CS +0.104 to +0.118, OS +0.104 at 10, 20; "
        "US +0.104 at 10",
        f"below Vanilla by more than chance{HERE}: US -0.090 at 20",
        f"equivalent to Vanilla within 0.02{HERE}: TS +0.000 at 10, 20",
    ]
    assert found["ts"] == [
        f"above TS by more than chance{HERE}: CS +0.104 to +0.118, OS +0.104 at 10, 20; "
        "US +0.104 at 10"
    ]
    assert found["identical"] == [
        "Vanilla and TS have the same score in each of 18 runs: find out why before you compare "
        "them"
    ]
    assert found["next"] == ["next: nothing is open against Vanilla, 9 seeds settled it"]
    assert "runs" not in found


def test_methods_stand_in_the_order_of_the_table(make_record):
    records = [make_record("vanilla", 10, 0, 0.1), make_record("os", 10, 0, 0.9)]
    versions = {"cell": {"versions": {"alt": 1}}}
    records.append(make_record("alt", 10, 0, 0.9, **versions))
    table = make_tables(records)[0]
    recipes = Scored(table, Panel(table.group, "f1", METRICS["f1"])).recipes
    assert recipes == [line.recipe for line in table.lines] == ["vanilla", "os", "alt"]


def test_with_too_few_seeds_nothing_is_established_and_who_was_ahead_is_said(made):
    records = made(
        vanilla={10: steps(0.0, 0.0, 5), 20: steps(0.55, 0.09, 5)},
        os={10: steps(0.8, 0.01, 5), 20: steps(0.9, 0.01, 5)},
        us={10: steps(0.8, 0.01, 5), 20: steps(0.6, 0.01, 5)},
    )
    found = said(records)
    assert found["vanilla"] == [
        "no method is above Vanilla by more than chance: 5 seeds cannot show it, 7 could",
        "ahead of Vanilla in every seed, not established: US +0.820 at 10; OS +0.190 to +0.820 at "
        "10, 20",
    ]
    assert found["learned"] == ["2 of 6 means are not better than the trivial score, 0.700"]
    assert found["best"] == [
        "best means: US 0.820 at 10, OS 0.920 at 20; no other method is separated from them by "
        "more than chance (5 seeds cannot separate the best of 3 methods, 7 can)"
    ]
    assert found["next"] == [
        "next: 7 seeds are the fewest that can establish a difference of 2 other methods from "
        "Vanilla, 2 more: about 2 min of computing"
    ], "3 methods x 2 counts x 2 seeds x 10 s"


def test_one_seed_shows_nothing_and_says_so(made):
    found = said(made(vanilla={10: [0.1]}, os={10: [0.9]}))
    assert found["vanilla"] == [
        "no method is above Vanilla by more than chance: 1 seed cannot show it, 6 could"
    ]
    assert found["best"] == [
        "best: OS 0.900 at 10, not separated from Vanilla -0.800 "
        "(1 seed cannot separate the best of 2 methods, 6 can)"
    ]
    assert found["next"][0].startswith("next: 6 seeds are the fewest that can establish")


def test_noise_alone_recommends_nothing(made):
    draw = np.random.default_rng(1)
    records = made(
        **{
            recipe: {count: draw.normal(0.8, 0.03, 9).tolist() for count in (10, 20)}
            for recipe in ("vanilla", "cs", "us", "os", "smote")
        }
    )
    found = said(records)
    assert found["vanilla"] == ["no method is above Vanilla by more than chance with 9 seeds"]
    (best,) = found["best"]
    assert best.endswith("no other method is separated from them by more than chance")
    (nothing,) = found["next"]
    assert "comparisons with Vanilla are open: to find a difference of 0.02 takes" in nothing
    assert nothing.endswith("of computing")


def test_what_is_open_is_called_small_where_the_seeds_would_have_found_it(made):
    plain = noise(0.8, 0.002, 9, 0)
    ahead = [0.012 + (0.0175, -0.0175)[seed % 2] * (seed < 8) for seed in range(9)]
    other = [value + gain for value, gain in zip(plain, ahead, strict=True)]
    found = said(made(vanilla={10: plain}, os={10: other}))
    assert found["vanilla"] == ["no method is above Vanilla by more than chance with 9 seeds"]
    assert found["next"] == [
        "next: 1 comparison with Vanilla is open, but 9 seeds are enough to find a difference of "
        "0.02 at the spread seen (SD 0.017, power 0.8): what is open is probably smaller"
    ]


def test_a_spread_that_no_number_of_seeds_overcomes_is_said(made):
    wild = {10: noise(0.5, 0.45, 8, 0)}
    steady = {10: noise(0.8, 0.1, 8, 2)}
    (told,) = said(made(vanilla=wild, os=steady))["next"]
    assert told.startswith(
        "next: 1 comparison with Vanilla is open, and seeds alone will not decide at the spread "
        "seen (SD 0."
    )
    own, others = map(float, re.findall(r"by SD (0\.\d+)", told))
    assert own > 2 * others
    assert told.endswith("so give it more steps (--steps, now 200)")
    (more,) = said(made(vanilla=wild, os=steady, us=steady))["next"]
    assert more.endswith(
        "more steps (--steps, now 200); or compare the others: bench report --compare us,os"
    )
    (all_wild,) = said(made(vanilla=wild, os={10: noise(0.7, 0.29, 8, 3)}))["next"]
    assert re.search(r"more steps \(--steps, now 200\) or test on more than \d+ images$", all_wild)


def test_methods_near_the_best_are_named_and_many_are_counted(made):
    base = noise(0.8, 0.004, 12, 0)

    def near(shift, turn):
        rough = noise(0, 0.01, 12, turn)
        middle = math.fsum(rough) / 12
        return {10: [value + shift + r - middle for value, r in zip(base, rough, strict=True)]}

    few = {"vanilla": {10: base}, "us": near(0.1, 0), "os": near(0.099, 1)}
    (told,) = said(made(**few))["best"]
    mean = math.fsum(base) / 12 + 0.1
    assert told == f"best: US {mean:.3f} at 10, not separated from OS -0.001, within 0.02 of it"
    many = {"cs": near(0.098, 2), "smote": near(0.097, 3), "us_cs": near(0.096, 4)}
    (told,) = said(made(**few, **many))["best"]
    assert told == (
        f"best: US {mean:.3f} at 10, not separated from 4 of the 5 others, 4 of them within 0.02 "
        "of it"
    )


def test_the_truly_best_method_is_rarely_called_beaten(made):
    draw = np.random.default_rng(2)
    missed = wrong = 0
    for _ in range(100):
        middles = {"vanilla": 0.8, "cs": 0.8, "us": 0.805, "os": 0.8, "smote": 0.8}
        scores = {name: {10: draw.normal(at, 0.03, 9).tolist()} for name, at in middles.items()}
        table = make_tables(made(**scores))[0]
        scored = Scored(table, Panel(table.group, "f1", METRICS["f1"]))
        best, cells = scored.best[10]
        beaten = {cell.second for cell in cells if cell.verdict == "beats"}
        assert best != "us" or "US" not in beaten
        missed += "US" in beaten
        wrong += bool(beaten)
    assert missed <= 5
    assert wrong <= 15


def test_all_at_chance_says_what_to_change_before_anything_is_compared(made):
    records = made(vanilla={10: [0.0] * 3, 20: [0.0] * 3}, os={10: [TRIVIAL] * 3, 20: [0.3] * 3})
    found = said(records)
    assert found["learned"] == [
        "no mean is better than the trivial score, 0.700: nothing was learned beyond it"
    ]
    (advice,) = found["next"]
    assert "at 10, 20 none does; try more steps (--steps, now 200), larger images" in advice


def test_a_lead_below_the_trivial_score_is_called_that(made):
    records = made(
        vanilla={10: steps(0.1, 0.001, 7), 20: steps(0.1, 0.001, 7)},
        os={10: steps(0.6, 0.002, 7), 20: steps(0.8, 0.002, 7)},
    )
    found = said(records)
    assert found["vanilla"] == [
        f"above Vanilla by more than chance{HERE}: OS +0.503 to +0.703 at 10, 20",
        "of these not better than the trivial score: OS +0.503 at 10",
    ]
    assert found["next"][0].startswith(
        "next: methods cannot be compared before one learns, and at 10 none does"
    )


def test_means_are_held_against_the_floor_at_their_count(made, make_record):
    floors = [make_record("floor:colour", count, 0, bar) for count, bar in ((10, 0.8), (20, 0.9))]
    records = made(vanilla={10: [0.75], 20: [0.95]}, os={10: [0.85], 20: [0.89]})
    assert said([*records, *floors])["learned"] == [
        "every mean is better than the trivial score, 0.700",
        "2 of 4 means are not better than the colour floor, 0.800 to 0.900",
    ]


@pytest.mark.parametrize(
    ("scores", "subject", "first"),
    [
        (
            {"vanilla": {10: [0.9]}},
            "vanilla",
            "only Vanilla has scores, and there is nothing to compare",
        ),
        (
            {"os": {10: [0.9]}},
            "vanilla",
            "Vanilla was not among the methods, so nothing can be compared with it; other results "
            "that have it, of the same data and settings, are read together with these by "
            "`bench report OTHERS THESE`",
        ),
        (
            {"os": {10: [0.9, 0.8]}},
            "next",
            "next: run vanilla too, 2 cells: about 20 s of computing",
        ),
        (
            {"vanilla": {10: [None, None]}, "os": {10: [0.9, 0.9]}},
            "vanilla",
            "Vanilla has no score, so nothing can be compared with it",
        ),
        (
            {"vanilla": {10: [None, None]}, "os": {10: [0.9, 0.9]}},
            "runs",
            "2 of 4 cells have no score (Vanilla 2), and nothing is said of them",
        ),
        (
            {"vanilla": {10: [0.9]}, "os": {20: [0.8]}},
            "vanilla",
            "no method is above Vanilla by more than chance: no seed has a score of both",
        ),
        (
            {"vanilla": {10: [None]}},
            "runs",
            "no cell has a score: 1 of 1 failed or were not run",
        ),
    ],
)
def test_where_nothing_can_be_compared_the_reason_is_said(made, scores, subject, first):
    assert said(made(**scores))[subject][0] == first


def test_a_method_that_lost_seeds_is_not_called_ahead(made):
    records = made(vanilla={10: [0.1, 0.2, 0.3]}, os={10: [0.9, None, 0.9]})
    assert not [line for line in said(records)["vanilla"] if line.startswith("ahead")]


def test_a_metric_where_lower_is_better(make_record):
    def record(recipe, seed, value):
        return make_record(recipe, 10, seed, None, metrics={"brier": value})

    records = [record("vanilla", seed, 0.3 + seed / 100) for seed in range(6)]
    records += [record("os", seed, 0.1 + seed / 50) for seed in range(6)]
    found = said(records, "brier")
    assert found["vanilla"][0] == f"above Vanilla by more than chance{HERE}: OS +0.175 at 10"
    assert found["learned"] == ["1 of 2 means are not better than the trivial score, 0.249"]
    assert found["best"] == [f"best: OS 0.150 at 10, above the other by more than chance{HERE}"]


def test_counts_by_class_are_named_as_the_head_of_the_column(make_record):
    cell = {"by_class": (10, 40)}
    records = [
        make_record(name, 10, seed, score + seed / 500, cell=cell, test_counts=[60, 30, 30])
        for name, score in (("vanilla", 0.7), ("os", 0.8))
        for seed in range(7)
    ]
    found = said(records)
    assert found["vanilla"] == [f"above Vanilla by more than chance{HERE}: OS +0.100 at 10-40"]
    assert found["best"][0].startswith("best: OS 0.806 at 10-40, above the other")
    assert found["ranking"] == [
        "by AUROC and tuned F1, which no threshold enters: it cannot be told, for their outputs "
        "are not kept"
    ]


def test_methods_on_several_minorities_rank_better_or_move_thresholds(make_record):
    scores = {"vanilla": (0.5, 0.6, 0.8), "os": (0.7, 0.7, 0.9), "cs": (0.6, 0.6, 0.8)}
    records = [
        make_record(
            *(name, 10, seed, None),
            cell={"by_class": (10, 40)},
            test_counts=[60, 30, 30],
            metrics={
                key: value + seed / 500
                for key, value in zip(("f1", "f1_tuned", "auroc"), values, strict=True)
            },
        )
        for name, values in scores.items()
        for seed in range(8)
    ]
    assert said(records)["ranking"] == [
        "by AUROC and tuned F1, which no threshold enters: OS at 10-40 (+0.100, +0.100) rank "
        "images better than Vanilla; CS at 10-40 (+0.000, +0.000) move the threshold, and no "
        "better ranking is established",
        "a lead in ranking after 200 steps may be time, as plain training shows the minority less "
        "often; to do: see what vanilla has after --steps 800",
    ]


def test_a_best_method_that_none_is_separated_from_is_said_so(made):
    records = made(**{name: {10: [0.5, 0.5 + n / 90]} for n, name in enumerate(
        ("vanilla", "ts", "cs", "us", "os"))})  # fmt: skip
    (best,) = said(records)["best"]
    assert best.startswith(
        "best: OS 0.522 at 10, not separated from the 4 others, 3 of them within"
    )


# What more minority images would bring.


def curve(made, seeds, **counts):
    scores = {int(name[1:]): noise(value, 0.002, seeds, 1) for name, value in counts.items()}
    return said(made(vanilla=scores))["images"][0].removeprefix("more minority images: Vanilla ")


def test_gains_that_shrink_bound_what_more_images_bring(made):
    told = curve(made, 7, n10=0.75, n20=0.85, n40=0.90)
    assert told == (
        f"from 20 to 40, for a doubling +0.050 (95 % +0.050..+0.050{HERE}); gains shrink (+0.100 "
        "from 10 to 20), and 80 would bring at most +0.050 more if they go on to"
    )


def test_gains_that_grow_bound_nothing(made):
    told = curve(made, 7, n10=0.75, n20=0.77, n40=0.87)
    assert told.endswith(
        "gains grew (+0.020 from 10 to 20), and what 80 would bring cannot be told"
    )


def test_two_counts_cannot_tell_whether_gains_shrink(made):
    told = curve(made, 7, n10=0.75, n40=0.85)
    assert told.startswith("from 10 to 40, for a doubling +0.050")
    assert told.endswith(
        "80 would bring at most +0.050 more if gains do not grow, which two counts cannot tell"
    )


def test_a_level_curve_is_called_level(made):
    assert curve(made, 7, n10=0.75, n20=0.751).endswith(
        ": level within 0.02, so more of them bring little here"
    )


def test_a_curve_that_falls_is_looked_at(made):
    assert curve(made, 7, n10=0.75, n20=0.71).endswith(
        ": worse with more images, so look at them before you add any"
    )


@pytest.mark.parametrize(
    ("few", "many", "found", "advice"),
    [
        pytest.param(
            *(0.90, 0.96, ", but AUROC, which no threshold enters, +0.060 (+0.060..+0.060): "),
            "they help, and the threshold has to be moved",
            id="better",
        ),
        pytest.param(
            *(0.90, 0.90, ", yet AUROC, which no threshold enters, +0.000 (+0.000..+0.000): "),
            "tune the threshold before you blame them",
            id="level",
        ),
        pytest.param(
            *(0.96, 0.90, ", and AUROC, which no threshold enters, -0.060 (-0.060..-0.060), "),
            "so look at them before you add any",
            id="worse",
        ),
    ],
)
def test_a_curve_that_falls_may_do_so_for_its_threshold(make_record, few, many, found, advice):
    told = images_told(make_record, f1=(0.75, 0.71), auroc=(few, many))
    assert told.endswith(f": worse with more images{found}{advice}")


def test_a_level_curve_may_hide_a_better_ranking(make_record):
    told = images_told(make_record, f1=(0.75, 0.751), auroc=(0.90, 0.96))
    assert told.endswith(
        ": level within 0.02, but AUROC, which no threshold enters, +0.060 (+0.060..+0.060): they "
        "bring ranking, not this score"
    )


def images_told(make_record, f1, auroc):
    """Return what is said of 20 images beside 10, from the scores of seven seeds at both."""
    records = [
        make_record(
            "vanilla",
            count,
            seed,
            metrics={"f1": f1[place] + seed / 500, "auroc": auroc[place] + seed / 500},
        )
        for place, count in enumerate((10, 20))
        for seed in range(7)
    ]
    return said(records)["images"][0]


def test_a_noisy_curve_cannot_be_told(made):
    rough = {10: noise(0.8, 0.1, 7, 1), 20: noise(0.83, 0.1, 7, 4)}
    assert said(made(vanilla=rough))["images"][0].endswith("what more would bring cannot be told")


def test_few_seeds_and_one_count_say_so(made):
    told = curve(made, 3, n10=0.75, n20=0.85)
    assert told == (
        "from 10 to 20, for a doubling: mean difference +0.100 (+0.100..+0.100) over 3 seeds, not "
        "established with fewer than 6"
    )
    assert said(made(vanilla={10: [0.8]}))["images"] == [
        "what more minority images would bring cannot be told from one count"
    ]
    apart = made(vanilla={10: [0.8, None], 20: [None, 0.9]})
    assert said(apart)["images"][0].endswith("no seed has a score at both")


# With outputs of the test images.


@pytest.fixture
def with_outputs(make_record):
    """Return a maker of records with outputs: `wrong` of the minority's test images are missed."""

    def make(recipe, seed, wrong, test=(30, 30)):
        labels = np.repeat([0, 1], test)
        minority = np.where(labels == 1, 0.9, 0.1)
        rng = np.random.default_rng([seed, wrong])
        minority[rng.choice(np.arange(test[0], sum(test)), wrong, replace=False)] = 0.2
        proba = np.stack([1 - minority, minority], axis=1).astype(np.float32)
        f1 = 2 * (test[1] - wrong) / (2 * (test[1] - wrong) + wrong)
        return make_record(
            recipe,
            10,
            seed,
            f1,
            scores=Scores.of(labels, np.log(proba), proba),
            test_counts=list(test),
        )

    return make


def test_what_other_test_images_could_turn_is_held_open_by_them(with_outputs):
    records = [with_outputs("vanilla", seed, 4, (12, 12)) for seed in range(7)]
    records += [with_outputs("os", seed, 3, (12, 12)) for seed in range(7)]
    found = said(records)
    assert found["vanilla"][0] == "no method is above Vanilla by more than chance with 7 seeds"
    assert found["next"] == [
        "next: OS at 10 (+0.057 against Vanilla) is held open by 24 test images, not by 7 seeds: "
        "add test images"
    ]


def test_what_is_wrong_with_the_runs_is_pointed_to_first(with_outputs):
    records = [with_outputs("vanilla", seed, 4, (12, 12)) for seed in range(7)]
    assert said(records)["faults"] == [
        "read first the notes below the table: one test image moves F1 by more than .02"
    ]


def test_with_outputs_the_words_are_about_other_test_images_too(with_outputs):
    records = [with_outputs("vanilla", seed, 20) for seed in range(7)]
    records += [with_outputs("os", seed, 2 + seed % 3) for seed in range(7)]
    assert said(records)["vanilla"][0].startswith("above Vanilla by more than chance: OS +0.4")


@pytest.fixture
def ranked(make_record):
    """Return a maker of records whose minority images score `gap` higher, all moved by `shift`."""

    def make(recipe, seed, gap, shift):
        labels = np.repeat([0, 1], (60, 40))
        rng = np.random.default_rng(seed)
        odds = rng.normal(size=100) + gap * labels + shift
        minority = 1 / (1 + np.exp(-odds))
        proba = np.stack([1 - minority, minority], axis=1).astype(np.float32)
        scores = Scores.of(labels, np.log(proba), proba)
        f1 = METRICS["f1"](labels, proba)
        return make_record(recipe, 10, seed, f1, scores=scores, test_counts=[60, 40])

    return make


def test_a_threshold_that_moves_is_told_from_a_better_ranking(ranked):
    records = [ranked("vanilla", seed, 1.5, -3) for seed in range(8)]
    records += [ranked("us", seed, 1.5, -0.75) for seed in range(8)]
    records += [ranked("os", seed, 3.5, -1.75) for seed in range(8)]
    told, time = said(records)["ranking"]
    assert time.endswith("to do: see what vanilla has after --steps 800")
    head = "by AUROC and tuned F1, which no threshold enters: "
    better, moved = told.removeprefix(head).split("; ")
    assert re.fullmatch(
        r"OS at 10 \(\+0\.1\d\d, \+0\.[12]\d\d\) rank images better than Vanilla", better
    )
    assert moved == (
        "US at 10 (+0.000, +0.000) move the threshold, and no better ranking is established"
    )


def test_without_outputs_ranking_cannot_be_told(made):
    found = said(made(vanilla={10: steps(0.75, 0.001, 7)}, os={10: steps(0.85, 0.002, 7)}))
    assert found["ranking"] == [
        "by AUROC and tuned F1, which no threshold enters: it cannot be told, for "
        "their outputs are not kept"
    ]


def test_in_a_large_report_ranking_is_about_these_test_images(ranked, monkeypatch):
    monkeypatch.setattr("imbench.report.verdict.MANY", 10)
    records = [ranked("vanilla", seed, 1.5, -3) for seed in range(8)]
    records += [ranked("os", seed, 3.5, -1.75) for seed in range(8)]

    def refuse(*_, **__):
        raise AssertionError("AUROC was resampled")

    resampled = Panel._resampled
    monkeypatch.setattr(
        Panel,
        "_resampled",
        lambda panel, key: resampled(panel, key) if panel.name == "f1" else refuse(),
    )
    assert "OS at 10 (+0.1" in said(records)["ranking"][0]


# In every form of report.


def test_every_form_of_report_has_the_verdict(made):
    records = made(vanilla={10: [0.75] * 2, 20: [0.8] * 2}, os={10: [0.8] * 2, 20: [0.9] * 2})
    (verdict,) = judge(make_tables(records))
    sentence = verdict.statements[0].text
    assert verdict.title == "Verdict on digits by F1 of the minority"
    terminal = render_report(records, width=70)
    assert max(map(len, terminal.splitlines())) <= 70
    assert f"{verdict.title}\n\n- {sentence}\n" in terminal
    assert f"### {verdict.title}\n\n- {sentence}\n" in render_report(records, form="markdown")
    latex = render_report(records, form="latex")
    assert rf"\paragraph{{{verdict.title}.}}" in latex
    assert rf"\item {sentence[0].upper()}{sentence[1:]}." in latex
    plain = json.loads(render_report(records, form="json"))
    assert plain["verdicts"] == verdict_rows([verdict])
    assert plain["verdicts"][0]["statements"][0] == {"subject": "learned", "text": sentence}


def test_a_group_has_one_verdict_by_the_first_metric(made):
    records = made(vanilla={10: [0.75]}, os={10: [0.8]})
    found = judge(make_tables(records, ("acsa", "f1")))
    assert [verdict.table.metric for verdict in found] == ["acsa"]


def test_each_group_has_its_own(made, make_record):
    other = {"dataset": "folder:/a/very/long/path/to/lines,majority=ok,minority=hole"}
    records = [
        *made(vanilla={10: [0.8]}, os={10: [0.9]}),
        make_record(score=0.9, cell={**other, "fingerprint": "f" * 16}),
    ]
    titles = [verdict_prose(verdict).title for verdict in judge(make_tables(records))]
    assert titles == [
        "Verdict on digits by F1 of the minority",
        "Verdict on lines (ok, hole) by F1 of the minority",
    ]


def test_verdicts_on_one_data_set_say_what_tells_them_apart(make_record):
    many = {"test_counts": [60, 20, 20], "train_counts": [100, 9, 40]}
    records = [
        make_record("vanilla", 9, 0, 0.4, cell={"by_class": (9, 40)}, **many),
        make_record("vanilla", 9, 0, 0.5, **many | {"train_counts": [100, 9, 9]}),
    ]
    titles = {verdict.title for verdict in judge(make_tables(records, ("f1",)))}
    assert titles == {
        "Verdict on digits by mean F1 of 2 minorities (minorities 9+40)",
        "Verdict on digits by mean F1 of 2 minorities (minorities alike)",
    }
    (alone,) = judge(make_tables(records[:1], ("f1",)))
    assert alone.title == "Verdict on digits by mean F1 of 2 minorities"
