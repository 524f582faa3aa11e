"""Comparisons of hand-made records: pairs, verdicts, families, and the words for them."""

from __future__ import annotations

import csv
import io
import json

import numpy as np
import pytest
from scipy import stats

from imbench.errors import NotComparable, UsageError
from imbench.records.groups import group_records
from imbench.records.record import Scores
from imbench.report.compare import FAMILY, Comparison, compare, match_all
from imbench.report.panel import Panel
from imbench.report.report import render_report
from imbench.report.words import match_prose, p_text, sentence
from imbench.stats.effect import Effect
from imbench.stats.metrics import METRICS

NOISE = (0.004, -0.003, 0.002, -0.004, 0.003, -0.002, 0.001, -0.001, 0.0, 0.005)


@pytest.fixture
def family(make_record):
    """Return a maker of records: recipe to a lead over 0.5, with a little noise, at each count."""

    def make(leads, seeds=8, counts=(25,), **fields):
        return [
            make_record(
                recipe, count, seed, 0.5 + seed / 100 + lead + (lead != 0) * NOISE[seed], **fields
            )
            for recipe, lead in leads.items()
            for count in counts
            for seed in range(seeds)
        ]

    return make


def only(records, recipes=("us", "cs"), **options):
    (match,) = compare(records, recipes, **options)
    (cell,) = match.cells
    return cell


def test_beats_needs_all_of_it(family):
    made = only(family({"us": 0.05, "cs": 0.0}))
    assert (made.verdict, made.family, made.adjusted) == ("beats", 1, 2 / 2**8)
    assert made.effect.mean == pytest.approx(0.05)
    assert sentence(made) == (
        "US beats CS on these test images: mean difference +0.050 (+0.046..+0.054), SD 0.003; US "
        "won 8 of 8; 95 % t interval +0.048..+0.052, about these test images only, since outputs "
        "are not kept; sign-flip p 0.0078"
    )


@pytest.mark.parametrize(
    ("lead", "verdict"),
    [
        (0.05, "beats"),
        (-0.05, "beaten"),
        (0.012, "beats"),
        (0.008, "equivalent"),
        (-0.008, "equivalent"),
        (0.0, "equivalent"),
    ],
)
def test_size_decides_between_beating_and_being_equivalent(family, lead, verdict):
    assert only(family({"us": lead, "cs": 0.0})).verdict == verdict


def test_a_small_sure_difference_beats_and_is_equivalent(family):
    said = sentence(only(family({"us": 0.012, "cs": 0.0})))
    here = "on these test images, and equivalent within 0.02"
    assert said.startswith(f"US beats CS {here}: mean difference +0.012")
    said = sentence(only(family({"us": -0.012, "cs": 0.0})))
    assert said.startswith(f"CS beats US {here}: mean difference -0.012")


@pytest.mark.parametrize("seeds", [1, 2, 5])
def test_fewer_than_six_seeds_count_won_runs_and_nothing_else(family, seeds):
    made = only(family({"us": 0.3, "cs": 0.0}, seeds=seeds))
    assert made.verdict == "few"
    low, high = min(NOISE[:seeds]), max(NOISE[:seeds])
    runs = "run" if seeds == 1 else "runs"
    assert sentence(made) == (
        f"US won {seeds} of {seeds} paired {runs} against CS, mean difference "
        f"{made.effect.mean:+.3f} ({0.3 + low:+.3f}..{0.3 + high:+.3f})"
    )
    assert "signific" not in sentence(made)


def test_the_one_ahead_is_named_also_where_it_is_the_second(make_record):
    records = [make_record("us", seed=s, score=v) for s, v in enumerate((0.5, 0.75, 0.25))]
    records += [make_record("cs", seed=s, score=v) for s, v in enumerate((0.75, 0.75, 0.5))]
    assert sentence(only(records)) == (
        "CS won 2 of 3 paired runs against US (1 tied), mean difference -0.167 (-0.250..+0.000)"
    )


def test_scattered_differences_are_ahead_not_established(make_record):
    gains = (0.2, -0.1, 0.15, -0.05, 0.1, 0.02, 0.0, 0.08)
    records = [make_record("us", seed=s, score=0.5 + gain) for s, gain in enumerate(gains)]
    records += [make_record("cs", seed=s, score=0.5) for s in range(8)]
    made = only(records)
    assert made.verdict == "ahead"
    assert sentence(made).startswith("US is ahead, not established: mean difference +0.050")
    assert "US won 5 of 8 (1 tied)" in sentence(made)
    mirrored = only(records, ("cs", "us"))
    assert mirrored.verdict == "behind"
    assert sentence(mirrored).startswith("US is ahead, not established: mean difference -0.050")
    cancelled = [make_record("us", seed=s, score=0.5 + 0.1 * (-1) ** s) for s in range(8)]
    level = only(cancelled + records[8:])
    assert (level.verdict, level.effect.mean) == ("level", 0.0)
    # A mean that is printed as +0.000 puts nobody ahead.
    near = [make_record("us", seed=s, score=0.5004 + 0.1 * (-1) ** s) for s in range(8)]
    told = only(near + records[8:])
    assert sentence(told).startswith("US and CS cannot be told apart: mean difference +0.000")


def test_holm_counts_every_rival_named(family):
    leads = {
        "us": 0.05,
        "cs": 0.0,
        "os": 0.0,
        "ts": 0.0,
        "vanilla": 0.0,
        "smote": 0.0,
        "us+cs": 0.0,
    }
    for rivals, seeds, verdict in (
        (1, 6, "beats"),
        (2, 6, "ahead"),
        (2, 7, "beats"),
        (6, 8, "beats"),
    ):
        found = compare(family(leads, seeds=seeds), list(leads)[: rivals + 1])
        assert [match.cells[0].verdict for match in found] == [verdict] * rivals
        assert {match.cells[0].adjusted for match in found} == {rivals * 2 / 2**seeds}
    (first, _) = compare(family(leads, seeds=6), ["us", "cs", "os"])
    assert "6 seeds cannot establish a difference from 2 rivals, 7 can" in sentence(first.cells[0])
    assert "p 0.031, 0.062 after Holm over 2 rivals" in sentence(first.cells[0])


def test_a_rival_without_a_score_at_a_count_still_counts(family, make_record):
    records = family({"us": 0.05, "cs": 0.0}, seeds=6)
    records += [make_record("os", 100, seed) for seed in range(6)]
    found = compare(records, ["us", "cs", "os"])
    assert [(m.recipes[1], c.minority, c.verdict) for m in found for c in m.cells] == [
        ("cs", 25, "ahead"),
        ("os", 25, "none"),
        ("os", 100, "none"),
    ]
    assert found[0].cells[0].adjusted == 2 * 2 / 2**6


def test_holm_steps_down_at_each_count_by_itself(family):
    records = family({"us": 0.05, "cs": 0.0}, seeds=8, counts=(25, 50))
    records += family({"os": 0.05}, seeds=8)  # as good as us at 25, not run at 50
    first, second = compare(records, ["us", "cs", "os"])
    assert [cell.adjusted for cell in first.cells] == [2 * 2 / 2**8] * 2
    assert second.cells[0].effect.p == second.cells[0].adjusted == 1.0
    assert second.cells[0].verdict == "equivalent"


@pytest.mark.parametrize(("ours", "verdict"), [(True, "ahead"), (False, "beats")])
def test_a_failed_run_never_helps_its_method(family, make_record, ours, verdict):
    records = family({"us": 0.05, "cs": 0.0})
    bad = "us" if ours else "cs"
    records = [r for r in records if (r.cell.recipe, r.cell.seed) != (bad, 7)]
    records.append(make_record(bad, 25, 7, None, status="diverged", reason="NaN"))
    made = only(records)
    assert (len(made.effect), made.verdict) == (7, verdict)
    title = "US" if ours else "CS"
    assert sentence(made).endswith(f"[left out: seed 7: {title} diverged]")
    assert ("runs of the method ahead ended without a score" in sentence(made)) == ours
    near = family({"us": 0.001, "cs": 0.0})
    assert only(near).verdict == "equivalent"
    near = [r for r in near if (r.cell.recipe, r.cell.seed) != (bad, 7)]
    near.append(make_record(bad, 25, 7, None, status="timeout"))
    assert only(near).verdict == "ahead"


def test_what_is_not_run_is_left_out_and_named(family, make_record):
    records = [
        r for r in family({"us": 0.05, "cs": 0.0}) if (r.cell.recipe, r.cell.seed) != ("cs", 3)
    ]
    records.append(make_record("us", 25, 9))
    records.append(make_record("cs", 25, 10, None, status="ok", metrics={}))
    made = only(records)
    assert (made.verdict, made.failed) == ("beats", (0, 1))
    assert dict(made.lost) == {
        3: "CS not run",
        9: "CS not run",
        10: "US not run, CS has no such score",
    }
    assert (
        "[left out: seeds 3,9: CS not run; seed 10: US not run, CS has no such score]"
        in sentence(made)
    )


def test_where_lower_is_better_a_difference_above_0_is_better(family):
    records = family({"us": 0.05, "cs": 0.0}, metrics={})
    records = [
        r.model_copy(
            update={"metrics": {"brier": 0.3 - 0.05 * (r.cell.recipe == "us") + NOISE[r.cell.seed]}}
        )
        for r in records
    ]
    (match,) = compare(records, ["us", "cs"], ["brier"])
    assert match.lower
    assert match.cells[0].verdict == "beats"
    assert match.cells[0].effect.mean == pytest.approx(0.05)
    assert "a lower score is better, and a difference above 0 means a better one" in (
        match_prose(match).above
    )


def outputs(rng, labels, skill):
    score = 1 / (1 + np.exp(-(rng.normal(size=len(labels)) + skill * (2 * labels - 1))))
    proba = np.column_stack([1 - score, score])
    return Scores.of(labels, np.log(proba), proba)


def kept(make_record, skills, images, seeds=8):
    from imbench.stats.metrics import score_all

    rng, labels = np.random.default_rng(0), np.repeat([0, 1], images)
    records = []
    for recipe, skill in skills.items():
        for seed in range(seeds):
            scores = outputs(rng, labels, skill)
            said = score_all(labels, scores.arrays()[2])
            records.append(
                make_record(recipe, 25, seed, scores=scores, metrics=said, test_counts=list(images))
            )
    return records


def test_intervals_of_differences_end_where_a_difference_does(make_record):
    pairs = zip((1.0, 0.9, 1.0, 0.1, 1.0, 0.0), (0.0, 0.1, 0.9, 0.0, 0.0, 1.0), strict=True)
    records = [
        make_record(recipe, 25, seed, score)
        for seed, pair in enumerate(pairs)
        for recipe, score in zip(("us", "cs"), pair, strict=True)
    ]
    made = only(records)
    assert made.effect.bounds == (-1.0, 1.0)
    mean, (low, high), _ = made.effect.interval(0.99)
    assert (mean, high) == (pytest.approx(1 / 3), 1.0)
    gaps = list(made.effect.values.values())
    whole = stats.t.interval(0.99, 5, np.mean(gaps), stats.sem(gaps))
    assert whole[1] > 1.6
    assert low == pytest.approx(whole[0])


def test_cutting_an_interval_changes_no_verdict():
    rng = np.random.default_rng(0)
    seen = set()
    for number in range(400):
        middle, spread = rng.uniform(-0.3, 0.3), 10 ** rng.uniform(-3, 0)
        drawn = np.clip(rng.normal(middle, spread, 6 + number % 5), -1, 1)
        values = dict(enumerate(drawn.tolist()))
        ends, inner = ((middle - 2 * width, middle + 2 * width) for width in (spread, 0.8 * spread))
        free = Effect(values, ends=ends, inner=inner)
        held = Effect(values, (-1.0, 1.0), ends, inner)
        verdicts = {Comparison("a", "b", 25, one, adjusted=one.p).verdict for one in (free, held)}
        assert len(verdicts) == 1
        seen |= verdicts
    assert seen == {"beats", "beaten", "equivalent", "ahead", "behind"}


def test_kept_outputs_are_resampled_over_images_too(make_record):
    made = only(kept(make_record, {"us": 1.5, "cs": 0.5}, (60, 40)))
    assert made.verdict == "beats"
    assert made.effect.images == 100
    t, ends = made.effect.interval(), made.effect.ends
    assert ends[0] < t.mean < ends[1]
    assert ends[1] - ends[0] > 1.2 * (t.ends[1] - t.ends[0])
    assert made.effect.hull[0] == min(ends[0], t.ends[0])
    assert "bootstrap over 100 test images too +" in sentence(made)


def test_few_test_images_keep_a_difference_from_being_established(make_record):
    records = kept(make_record, {"us": 0.95, "cs": 0.5}, (12, 8))
    bare = [record.model_copy(update={"scores": None}) for record in records]
    assert only(bare).effect.hull[0] > 0
    assert only(bare).verdict == "beats"
    assert only(records).effect.ends[0] < 0
    assert only(records).verdict == "ahead"


def test_swapping_the_methods_mirrors_everything(make_record):
    records = kept(make_record, {"us": 1.0, "cs": 0.5}, (60, 40))
    one, other = only(records), only(records, ("cs", "us"))
    assert other.effect.ends == pytest.approx((-one.effect.ends[1], -one.effect.ends[0]))
    assert other.effect.inner == pytest.approx((-one.effect.inner[1], -one.effect.inner[0]))
    assert other.effect.p == one.effect.p
    assert {one.verdict, other.verdict} == {"beats", "beaten"}


def test_records_without_outputs_or_of_other_images_are_not_resampled(make_record):
    records = kept(make_record, {"us": 1.0, "cs": 0.5}, (60, 40))
    one_bare = [records[0].model_copy(update={"scores": None}), *records[1:]]
    assert only(one_bare).effect.ends is None
    assert "since outputs are not kept; sign-flip" in sentence(only(one_bare))
    labels = np.repeat([0, 1], (40, 60))
    other = records[0].model_copy(update={"scores": outputs(np.random.default_rng(1), labels, 1.0)})
    mixed = only([other, *records[1:]])
    assert mixed.effect.ends is None
    assert "since some outputs are of other test images; sign-flip" in sentence(mixed)


def test_a_metric_that_cannot_bear_resamples_costs_the_bootstrap_only(make_record, tmp_path):
    plugin = tmp_path / "picky.py"
    plugin.write_text(
        "def picky(labels, proba):\n"
        "    if len(set(proba[:, 1].tolist())) < len(labels):\n"
        "        raise ValueError('ties')\n"
        "    return float(proba[labels == 1, 1].mean())\n"
    )
    records = kept(make_record, {"us": 1.5, "cs": 0.5}, (60, 40))
    (match,) = compare(records, ["us", "cs"], [f"{plugin}:picky"])
    assert match.cells[0].effect.ends is None
    assert match.cells[0].verdict == "beats"
    why = "outputs cannot be scored on resamples (ValueError: ties)"
    assert f"about these test images only, since {why}; sign-flip" in sentence(match.cells[0])


def test_without_a_bootstrap_nothing_is_said_of_other_test_images(make_record, family):
    records = kept(make_record, {"us": 1.5, "cs": 0.5}, (60, 40))
    bare = [record.model_copy(update={"scores": None}) for record in records]
    assert sentence(only(records)).startswith("US beats CS here: ")
    assert sentence(only(bare)).startswith("US beats CS on these test images: ")
    small = sentence(only(family({"us": 0.008, "cs": 0.0})))
    assert small.startswith("US and CS are equivalent within 0.02 on these test images: ")


def test_outputs_that_are_no_probabilities_are_not_resampled(make_record):
    records = kept(make_record, {"us": 1.0, "cs": 0.5}, (60, 40))
    labels = np.repeat([0, 1], (60, 40))
    holed = Scores.of(labels, np.zeros((100, 2)), np.full((100, 2), np.nan))
    made = only([records[0].model_copy(update={"scores": holed}), *records[1:]])
    why = "outputs cannot be scored on resamples (some probabilities are not finite)"
    assert made.effect.no_bootstrap == why


def test_a_fault_of_our_own_is_not_taken_for_outputs_that_cannot_be_scored(
    make_record, monkeypatch
):
    def broken(*_arguments, **_options):
        raise TypeError("a fault of ours")

    monkeypatch.setattr("imbench.report.panel.rescored", broken)
    with pytest.raises(TypeError, match="ours"):
        only(kept(make_record, {"us": 1.5, "cs": 0.5}, (60, 40)))


def test_replicates_that_a_partial_count_leaves_out_of_the_mean_are_named(family):
    """Three seeds at 25, one of them at 50: the mean over counts has that one only."""
    records = family({"us": 0.02, "cs": 0.0}, seeds=3, counts=(25, 50))
    records = [r for r in records if r.cell.minority == 25 or r.cell.seed == 1]
    (match,) = compare(records, ["us", "cs"])
    assert [len(cell.effect) for cell in match.cells] == [3, 1]
    assert dict(match.over.lost) == dict.fromkeys((0, 2), "no score of both at 50")
    (item,) = [item for item in match_prose(match).items if item.startswith("mean over")]
    assert item == (
        "mean over 2 counts: mean difference +0.017 (+0.017..+0.017) over 1 replicate "
        "[left out: seeds 0,2: no score of both at 50]"
    )
    rows = json.loads(render_report(records, compare=["us", "cs"], form="json"))["comparisons"]
    assert rows[-1]["left_out"] == dict.fromkeys(("0", "2"), "no score of both at 50")


def test_a_mean_over_counts_says_which_counts_and_replicates_it_lacks(family):
    records = family({"us": 0.02, "cs": 0.0}, seeds=4, counts=(25, 50, 100))
    first = {25: (0, 1), 50: (2, 3)}  # no replicate is at both counts, none of CS at 100
    records = [
        r
        for r in records
        if r.cell.seed in first.get(r.cell.minority, (0, 1, 2, 3) if r.cell.recipe == "us" else ())
    ]
    (match,) = compare(records, ["us", "cs"])
    (item,) = [item for item in match_prose(match).items if item.startswith("mean over")]
    assert item == (
        "mean over 2 of 3 counts: no replicate has scores of both at each of them "
        "[left out: seeds 0-1: no score of both at 50; seeds 2-3: no score of both at 25]"
    )


def test_the_mean_over_counts_pairs_replicates_that_have_them_all(family):
    records = family({"us": 0.02, "cs": 0.0}, counts=(25, 50))
    records = [r for r in records if (r.cell.minority, r.cell.seed, r.cell.recipe) != (50, 2, "us")]
    (match,) = compare(records, ["us", "cs"])
    assert [len(cell.effect) for cell in match.cells] == [8, 7]
    assert match.over is not None
    assert sorted(match.over.effect.values) == [0, 1, 3, 4, 5, 6, 7]
    assert match.over.effect.values[0] == pytest.approx(0.02 + NOISE[0])
    (item,) = [item for item in match_prose(match).items if item.startswith("mean over 2 counts")]
    assert "over 7 replicates; 95 % t interval" in item


def test_one_count_has_no_mean_over_counts(family):
    (match,) = compare(family({"us": 0.02, "cs": 0.0}), ["us", "cs"])
    assert match.over is None


def test_it_says_how_many_seeds_would_do(make_record):
    records = [make_record("us", seed=s, score=0.5 + 0.02 * (-1) ** s) for s in range(3)]
    records += [make_record("cs", seed=s, score=0.5) for s in range(3)]
    (match,) = compare(records, ["us", "cs"])
    # SD 0.0231, so an effect of 0.866 of it: 13 pairs for a power of 0.8.
    assert match_prose(match).items[-1] == (
        "seeds: 6 are the fewest that can establish a difference from one rival; at the spread "
        "seen (SD 0.023) a difference of 0.02 takes 13 for a power of 0.8"
    )
    settled = compare(
        [make_record(r, seed=s) for r in ("us", "cs") for s in range(6)], ["us", "cs"]
    )
    assert not any(item.startswith("seeds:") for item in match_prose(settled[0]).items)


def test_other_data_are_compared_apart(family):
    records = family({"us": 0.05, "cs": 0.0})
    records += family(
        {"us": -0.05, "cs": 0.0}, cell={"fingerprint": "f" * 16, "dataset": "savanna"}
    )
    found = compare(records, ["us", "cs"])
    assert [(match.group.name, match.cells[0].verdict) for match in found] == [
        ("digits", "beats"),
        ("savanna", "beaten"),
    ]


def test_of_several_versions_the_newest_is_compared(family):
    records = family({"us": 0.05, "cs": 0.0}) + family({"us": -0.05}, cell={"versions": {"us": 2}})
    assert only(records).verdict == "beaten"


def test_one_method_alone_meets_the_family_that_was_run(family):
    found = compare(family({"vanilla": 0.05, "us": 0.0, "os": 0.0, "us+cs": 0.0}), ["vanilla"])
    assert [match.recipes for match in found] == [("vanilla", "us"), ("vanilla", "us+cs")]
    assert {match.cells[0].family for match in found} == {2}
    assert FAMILY == ("cs", "us", "us+cs", "cbl:beta=0.9999", "la")


@pytest.mark.parametrize(
    ("recipes", "error", "said"),
    [
        ([], UsageError, "names no method"),
        (["us", "us"], UsageError, "names us twice"),
        (["us", "cbl:beta=.9", "cbl:beta=0.9"], UsageError, "names cbl:beta=0.9 twice"),
        (["us", "cbl:beta=.9"], NotComparable, "no record of cbl:beta=0.9"),
        (["us", "smoet"], UsageError, "smote"),
        (["os"], NotComparable, "no table has both os and us"),
        (["us"], NotComparable, "any of cs, us"),
        (["us", "os"], NotComparable, "same data and settings"),
    ],
)
def test_what_cannot_be_compared_is_a_sentence(family, make_record, recipes, error, said):
    records = [*family({"us": 0.0}), make_record("os", cell={"fingerprint": "f" * 16})]
    with pytest.raises(error, match=said):
        compare(records, recipes)


def test_small_p_values_keep_the_digits_that_count():
    assert [p_text(p) for p in (1.0, 0.0625, 0.0078125, 0.00001)] == [
        "1",
        "0.062",
        "0.0078",
        "< 0.0001",
    ]


def test_an_effect_without_a_replicate_says_nothing():
    effect = Effect({})
    assert (len(effect), effect.mean, effect.p, effect.within(), effect.beyond()) == (
        0,
        0.0,
        1.0,
        False,
        False,
    )
    assert Effect({0: 0.5}).hull == (-np.inf, np.inf)


WHOLE = """\
digits: US against CS by F1 of the minority
majority 1000; test 120+140 (minority share 0.538); trivial F1 0.700, ACSA
  0.500; cnn, 16 px; 200 steps of 64 images; seeds 0-2; data 0123456789ab

- 25 minority images: US won 3 of 3 paired runs against CS, mean difference
  +0.101 (+0.097..+0.104)
- seeds: 6 are the fewest that can establish a difference from one rival; at the
  spread seen (SD 0.004) a difference of 0.02 takes 6 for a power of 0.8
"""


def test_a_whole_report_for_the_terminal(family):
    records = family({"us": 0.1, "cs": 0.0}, seeds=3)
    assert render_report(records, compare=["us", "cs"]) == WHOLE
    assert render_report(records[::-1], compare=["us", "cs"]) == WHOLE


def test_the_protocol_stands_once_for_several_rivals(family):
    text = render_report(family({"us": 0.1, "cs": 0.0, "os": 0.0}), compare=["us", "cs", "os"])
    assert text.count("majority 1000") == 1
    assert text.count("digits: US against") == 2


def test_other_forms(family):
    records = family({"us": 0.1, "cs": 0.0}, counts=(25, 50))
    body = json.loads(
        render_report(records, compare=["us", "cs"], form="json", command="bench report")
    )
    rows = body["comparisons"]
    assert [row["minority"] for row in rows] == [25, 50, None]
    assert rows[0]["verdict"] == "beats"
    assert rows[0]["differences"]["1"] == pytest.approx(0.097)
    assert rows[0]["p_holm"] == 2 / 2**8
    assert (rows[2]["verdict"], rows[2]["pairs"]) == (None, 8)
    lines = list(
        csv.DictReader(io.StringIO(render_report(records, compare=["us", "cs"], form="csv")))
    )
    assert [line["verdict"] for line in lines] == ["beats", "beats", ""]
    markdown = render_report(records, compare=["us", "cs"], form="markdown")
    assert markdown.startswith("### digits: US against CS by F1 of the minority\n\nmajority 1000;")
    assert (
        "\n- 25 minority images: US beats CS on these test images: mean difference +0.100"
        in markdown
    )
    tex = render_report(records, compare=["us", "cs"], form="latex", command="bench report")
    assert tex.startswith("% imbench ")
    assert "\\item 25 minority images: US beats CS on these test images" in tex


@pytest.mark.parametrize(
    "options",
    [
        {"vs_paper": True},
        {"together": True},
        {"form": "macros"},
        {"form": "csv", "ranks": True},
    ],
)
def test_parts_that_do_not_go_together_are_refused(family, options):
    leads = {"us": 0.1, "cs": 0.0, "os": 0.0}
    with pytest.raises(UsageError):
        render_report(family(leads, counts=(25, 50)), compare=["us", "cs"], **options)


def test_a_comparison_turned_around_has_the_opposite_numbers(make_record):
    records = kept(make_record, {"us": 0.5, "cs": 0.8, "os": 1.0}, (60, 60), seeds=7)
    (group,) = group_records(records)
    panel = Panel(group, "f1", METRICS["f1"])
    made = {
        match.recipes: match.cells[0].effect
        for first in ("us", "cs", "os")
        for match in match_all(panel, first, sorted({"us", "cs", "os"} - {first}))
    }
    alone = Panel(group, "f1", METRICS["f1"]).effect({("us", 25): -1.0, ("cs", 25): 1.0})
    assert made["cs", "us"].ends == pytest.approx(alone.ends)
    assert made["cs", "us"].inner == pytest.approx(alone.inner)
    assert made["us", "cs"].ends == (-made["cs", "us"].ends[1], -made["cs", "us"].ends[0])
    assert made["us", "cs"].mean == -made["cs", "us"].mean
    assert made["us", "cs"].p == made["cs", "us"].p
