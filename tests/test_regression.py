"""Verdicts on hand-made scores: every one of them, in both modes, and when a check may fail."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from imbench.check import judging
from imbench.check.conclusion import counted, fault_of
from imbench.check.regression import TOLERANCE, Rules, check_results
from imbench.check.sides import PredictedClasses, Side, side_of
from imbench.errors import NotComparable, Regression, UsageError
from imbench.records.cell import Settings
from imbench.records.record import Scores
from imbench.stats.flips import fewest, max_t

HERE = {"torch": "2.9", "numpy": "2.0", "device": "cpu", "numerics": "aaa", "processor": "x"}
ELSEWHERE = {**HERE, "processor": "y", "numerics": "bbb"}
STATISTICAL = Rules("statistical", {"f1": 0.02})


@pytest.fixture
def side(make_record):
    """Return a maker of sides: ``{(recipe, count): scores by seed}``, None for no record."""

    def make(table, *, environment=HERE, metrics=("f1",), names="digits", **fields) -> Side:
        records = []
        for (recipe, count), scores in table.items():
            for seed, value in enumerate(scores):
                if value is None:
                    continue
                given = {"environment": environment, **fields}
                if isinstance(value, str):
                    given |= {"status": value, "reason": "NaN at step 3", "metrics": {}}
                    value = None
                if isinstance(value, dict):
                    given["metrics"], value = value, None
                cell = {"dataset": names, **given.pop("cell", {})}
                records.append(make_record(recipe, count, seed, value, cell=cell, **given))
        return side_of(records, metrics)

    return make


def verdicts(cases) -> dict[tuple[str, int], str]:
    return {(case.key.recipe, case.key.minority): case.verdict for case in cases}


def only(cases):
    (case,) = cases
    return case


# ---- exact


def test_equal_scores_are_the_same_wherever_they_were_computed(side):
    table = {("cs", 10): [0.5, 0.6, 0.7], ("us", 10): [0.1, 0.2, 0.3]}
    cases = check_results(side(table), side(table, environment=ELSEWHERE), Rules())
    assert verdicts(cases) == {("cs", 10): "same", ("us", 10): "same"}
    assert fault_of(cases) is None


@pytest.mark.parametrize(
    ("now", "verdict", "why"),
    [
        ([0.5, 0.6, 0.69], "worse", "seed 2 got worse"),
        ([0.9, 0.6, 0.69], "worse", "seed 2 got worse, seed 0 got better"),
        ([0.5, 0.6, 0.71], "better", "seed 2 got better"),
        ([0.4, 0.5, 0.6], "worse", "seeds 0-2 got worse"),
        ([0.5 + 1e-11, 0.6, 0.7], "same", "equal"),
    ],
)
def test_any_fall_of_a_deterministic_score_is_worse(side, now, verdict, why):
    case = only(
        check_results(side({("cs", 10): [0.5, 0.6, 0.7]}), side({("cs", 10): now}), Rules())
    )
    assert (case.verdict, case.worst.reason) == (verdict, why)


def test_a_margin_lets_a_small_fall_pass_and_picks_the_metric(side):
    rules = Rules("exact", {"f1": 0.02})
    before = side({("cs", 10): [{"f1": 0.5, "acsa": 0.5}]}, metrics=("f1", "acsa"))
    now = side({("cs", 10): [{"f1": 0.49, "acsa": 0.1}]}, metrics=("f1", "acsa"))
    case = only(check_results(before, now, rules))
    assert [one.metric for one in case.results] == ["f1"]
    assert (case.verdict, case.worst.reason) == ("same", "changed by 0.02 or less")


def test_of_a_score_that_is_better_when_lower_a_rise_is_worse(side):
    before, now = (
        side({("cs", 10): [{"log_loss": value}]}, metrics=("log_loss",)) for value in (0.3, 0.31)
    )
    assert only(check_results(before, now, Rules())).verdict == "worse"
    assert only(check_results(now, before, Rules())).verdict == "better"


def test_the_gravest_of_several_metrics_counts(side):
    metrics = ("f1", "acsa")
    before = side({("cs", 10): [{"f1": 0.5, "acsa": 0.5}]}, metrics=metrics)
    now = side({("cs", 10): [{"f1": 0.6, "acsa": 0.4}]}, metrics=metrics)
    case = only(check_results(before, now, Rules()))
    assert [one.verdict for one in case.results] == ["better", "worse"]
    assert (case.verdict, case.worst.metric) == ("worse", "acsa")


def test_the_order_of_records_does_not_matter(make_record):
    records = [
        make_record("cs", count, seed, 0.1 * seed + 0.01 * count, environment=HERE)
        for count, seed in itertools.product((10, 20), range(5))
    ]
    shuffled = [records[index] for index in np.random.default_rng(0).permutation(len(records))]
    for rules in (Rules(), STATISTICAL):
        cases = check_results(side_of(records, ["f1"]), side_of(shuffled, ["f1"]), rules)
        assert set(verdicts(cases).values()) == {"same"}


# ---- where the two sides round differently


def fallen(table, by):
    return {place: [score - by for score in scores] for place, scores in table.items()}


TABLE = {
    ("cs", 10): [0.42, 0.51, 0.38],
    ("cs", 20): [0.6, 0.7, 0.65],
    ("us", 10): [0.5, 0.5, 0.52],
    ("us", 20): [0.7, 0.72, 0.71],
}


def moved(rng, table, size):
    return {place: [s + rng.normal(0, size) for s in scores] for place, scores in table.items()}


def test_elsewhere_scores_that_differ_by_rounding_are_the_same_and_it_is_said(side):
    now = side(moved(np.random.default_rng(1), TABLE, 0.03), environment=ELSEWHERE)
    cases = check_results(side(TABLE), now, Rules())
    assert set(verdicts(cases).values()) == {"same"}
    why = cases[0].worst.reason
    assert f"compared within {TOLERANCE:g}" in why
    assert "numerics aaa -> bbb" in why
    assert fault_of(cases) is None


def test_elsewhere_a_broken_method_is_still_found(side):
    broken = {place: [0.0] * 3 if place[0] == "cs" else s for place, s in TABLE.items()}
    now = side(moved(np.random.default_rng(2), broken, 0.02), environment=ELSEWHERE)
    cases = check_results(side(TABLE), now, Rules())
    assert verdicts(cases) == {
        ("cs", 10): "worse",
        ("cs", 20): "worse",
        ("us", 10): "same",
        ("us", 20): "same",
    }
    assert "CS at 10,20 of digits got worse (f1 0.437 ->" in str(fault_of(cases))


def test_elsewhere_a_method_that_jumps_about_is_inconclusive(side):
    now = side(
        {**TABLE, ("cs", 10): [0.0, 0.95, 0.0], ("cs", 20): [0.9, 0.1, 0.95]},
        environment=ELSEWHERE,
    )
    found = verdicts(check_results(side(TABLE), now, Rules()))
    assert found["cs", 10] == found["cs", 20] == "inconclusive"


def test_elsewhere_four_cells_are_too_few(side):
    table = {("cs", 10): [0.4, 0.5, 0.6, 0.7]}
    cases = check_results(side(table), side(fallen(table, 0.3), environment=ELSEWHERE), Rules())
    assert only(cases).verdict == "inconclusive"
    assert isinstance(fault_of(cases), NotComparable)


def test_elsewhere_a_score_without_a_range_is_passed_over(side):
    metrics = ("f1", "log_loss")
    scores = [{"f1": 0.5 + 0.01 * seed, "log_loss": 0.4} for seed in range(5)]
    other = [{"f1": 0.5 + 0.012 * seed, "log_loss": 0.9} for seed in range(5)]
    before = side({("cs", 10): scores}, metrics=metrics)
    now = side({("cs", 10): other}, metrics=metrics, environment=ELSEWHERE)
    case = only(check_results(before, now, Rules()))
    assert [(one.metric, one.verdict) for one in case.results] == [("f1", "same")]
    alone = only(check_results(side({("cs", 10): scores}, metrics=("log_loss",)), now, Rules()))
    assert alone.verdict == "not comparable"


def test_scores_of_a_gpu_need_not_be_equal(side):
    cuda = {**HERE, "device": "cuda:0 (A)"}
    now = side(moved(np.random.default_rng(1), TABLE, 0.03), environment=cuda)
    cases = check_results(side(TABLE, environment=cuda), now, Rules())
    assert set(verdicts(cases).values()) == {"same"}
    assert "CUDA" in cases[0].worst.reason


# ---- what cannot be set side by side


def test_a_cell_that_ended_without_a_score_failed(side):
    before = side({("cs", 10): [0.5, 0.6], ("us", 10): [0.5]})
    now = side({("cs", 10): [0.5, "diverged"], ("us", 10): [0.5], ("os", 10): ["crashed"]})
    cases = check_results(before, now, Rules())
    assert verdicts(cases) == {("cs", 10): "failed", ("us", 10): "same", ("os", 10): "failed"}
    fault = fault_of(cases)
    assert isinstance(fault, Regression)
    assert "CS at 10 of digits failed (seed 1 diverged: NaN at step 3)" in str(fault)


def test_what_only_one_side_has_is_missing_or_new(side):
    before = side({("cs", 10): [0.5, 0.6], ("us", 10): [0.5]})
    now = side({("cs", 10): [0.5], ("os", 10): [0.7]})
    cases = check_results(before, now, Rules())
    assert verdicts(cases) == {("cs", 10): "same", ("us", 10): "missing", ("os", 10): "new"}
    assert next(case.lacks for case in cases if case.key.recipe == "cs") == (1,)
    assert fault_of(cases) is None
    complete = fault_of(cases, require_complete=True)
    assert isinstance(complete, NotComparable)
    assert "CS at 10 of digits lacks seeds" in str(complete)
    assert "US at 10 of digits missing" in str(complete)


def test_other_seeds_alone_are_missing(side):
    before, now = side({("cs", 10): [0.5, 0.5]}), side({("cs", 10): [None, None, 0.5]})
    case = only(check_results(before, now, Rules()))
    assert case.verdict == "missing"
    assert "(0-1)" in case.worst.reason


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ({"fingerprint": "f" * 16}, "data 0123456789ab -> ffffffffffff"),
        ({"protocol": 9}, "protocol 1 -> 9"),
        ({"settings": Settings(network="cnn", size=16, steps=300)}, "steps 200 -> 300"),
        ({"majority": 100}, "majority all -> 100"),
    ],
)
@pytest.mark.parametrize("rules", [Rules(), STATISTICAL])
def test_row_25_other_data_or_protocol_is_not_comparable(side, cell, said, rules):
    table = {("cs", 10): [0.5] * 6}
    cases = check_results(side(table), side(table, cell=cell), rules)
    assert [case.verdict for case in cases] == ["not comparable", "new"]
    assert said in cases[0].worst.reason
    assert isinstance(fault_of(cases), NotComparable)


def test_data_of_another_name_is_no_counterpart(side):
    cases = check_results(
        side({("cs", 10): [0.5]}),
        side({("cs", 10): [0.5]}, names="cub", cell={"fingerprint": "f" * 16}),
        Rules(),
    )
    assert {case.dataset: case.verdict for case in cases} == {"digits": "missing", "cub": "new"}
    assert "nothing could be decided" in str(fault_of(cases))


def test_a_part_that_was_changed_on_purpose(side):
    before = side({("cs", 10): [0.5] * 6}, cell={"versions": {"cs": 1}})
    now = side({("cs", 10): [0.5] * 6}, cell={"versions": {"cs": 2}})
    exact = only(check_results(before, now, Rules()))
    assert exact.verdict == "not comparable"
    assert exact.worst.reason.endswith("cs version 1 -> 2")
    statistical = only(check_results(before, now, STATISTICAL))
    assert statistical.verdict == "same"
    assert "cs version 1 -> 2" in statistical.worst.reason


def test_records_of_an_older_part_never_stand_in_for_the_newest(make_record):
    old = [make_record("cs", 10, s, 0.5, cell={"versions": {"cs": 1}}) for s in range(3)]
    new = [make_record("cs", 10, 0, 0.1, cell={"versions": {"cs": 2}})]
    case = only(check_results(side_of(old, ["f1"]), side_of([*new, *old], ["f1"]), Rules()))
    assert case.verdict == "not comparable"


def test_a_metric_that_one_side_lacks(side):
    before = side({("cs", 10): [0.5] * 6})
    now = side({("cs", 10): [{"acsa": 0.5}] * 6}, metrics=("f1", "acsa"))
    case = only(check_results(before, now, Rules("exact", {"f1": 0.0, "acsa": 0.0})))
    assert [one.reason for one in case.results] == [
        "the results have no f1",
        "the baseline has no acsa",
    ]


def test_what_the_baseline_had_no_score_of_is_new(side):
    cases = check_results(side({("cs", 10): ["failed"]}), side({("cs", 10): [0.5]}), Rules())
    assert only(cases).verdict == "new"


@pytest.mark.parametrize("rules", [Rules(), Rules("statistical")], ids=["exact", "statistical"])
def test_a_baseline_without_any_score_is_nothing_to_compare_with(side, rules):
    scored, bare = side({("cs", 10): [0.5]}), side({("cs", 10): [{}]})
    for now in (scored, bare):
        case = only(check_results(bare, now, rules))
        assert case.verdict == "not comparable"
        assert "the baseline has no score of any metric" in case.worst.reason
        assert isinstance(fault_of([case]), NotComparable)


def test_row_10_an_edited_record_is_refused(make_record):
    record = make_record("cs", 10, 3, 0.5)
    edited = record.model_copy(update={"metrics": {"f1": 0.9}})
    with pytest.raises(NotComparable, match="cs at 10 of digits, seed 3"):
        side_of([make_record(), edited], ["f1"])


def test_an_unknown_metric_is_a_usage_error(make_record):
    with pytest.raises(UsageError, match="did you mean auroc"):
        side_of([make_record()], ["auroq"])


def test_no_case_at_all_is_no_pass(side):
    assert isinstance(fault_of([]), NotComparable)
    assert counted([]) == "no case"


# ---- statistical


def test_a_fall_beyond_margin_and_noise_is_worse(side):
    before = {("cs", 10): [0.5, 0.52, 0.55, 0.48, 0.51, 0.53]}
    case = only(check_results(side(before), side(fallen(before, 0.1)), STATISTICAL))
    assert case.verdict == "worse"
    assert "p 0.016 against a change within 0.02, for all cases together" in case.worst.reason
    assert (
        only(check_results(side(fallen(before, 0.1)), side(before), STATISTICAL)).verdict
        == "better"
    )


def test_a_sure_fall_that_may_lie_within_the_margin_is_inconclusive(side):
    """Every seed fell, by .031 on average: a fall is sure (p 1/64), one above .02 is not."""
    before = {("cs", 10): [0.5] * 6}
    now = {("cs", 10): [0.5 - fall for fall in (0.01, 0.05, 0.04, 0.03, 0.045, 0.012)]}
    case = only(check_results(side(before), side(now), STATISTICAL))
    assert case.verdict == "inconclusive"
    tight = only(check_results(side(before), side(now), Rules("statistical", {"f1": 0.005})))
    assert tight.verdict == "worse"
    rose = only(check_results(side(now), side(before), STATISTICAL))
    assert rose.verdict == "same", "a rise is no fall, whether or not it is beyond the margin"


def test_a_fall_within_the_margin_is_the_same(side):
    before = {("cs", 10): [0.5, 0.52, 0.55, 0.48, 0.51, 0.53]}
    assert (
        only(check_results(side(before), side(fallen(before, 0.01)), STATISTICAL)).verdict == "same"
    )


def test_a_fall_within_the_noise_is_inconclusive_and_says_how_many_seeds_would_tell(side):
    before = {("cs", 10): [0.5] * 6}
    now = {("cs", 10): [0.1, 0.62, 0.7, 0.3, 0.4, 0.55]}
    case = only(check_results(side(before), side(now), STATISTICAL))
    assert case.verdict == "inconclusive"
    # (1.645 + 0.842)^2 * (0.223 / 0.02)^2 = 769, and two more for t in place of the normal
    assert "about 771 seeds would tell no change from a fall of 0.02" in case.worst.reason
    strict = only(check_results(side(before), side(now), Rules("statistical", {"f1": 0.01})))
    assert "more than 1,000 seeds would tell no change from a fall of 0.01" in strict.worst.reason


@pytest.mark.parametrize(
    ("seeds", "verdict"), [(1, "inconclusive"), (4, "inconclusive"), (5, "worse")]
)
def test_too_few_seeds_decide_nothing(side, seeds, verdict):
    before = {("cs", 10): [0.5 + 0.01 * seed for seed in range(seeds)]}
    cases = check_results(side(before), side(fallen(before, 0.3)), STATISTICAL)
    assert only(cases).verdict == verdict
    if verdict == "inconclusive":
        assert "at least 5 are needed" in only(cases).worst.reason
        assert isinstance(fault_of(cases), NotComparable)


def test_equal_scores_of_too_few_seeds_are_no_pass_either(side):
    table = {("cs", 10): [0.5, 0.6]}
    assert isinstance(fault_of(check_results(side(table), side(table), STATISTICAL)), NotComparable)


def test_unless_told_otherwise_the_first_metric_counts_with_a_margin_of_002(side):
    metrics = ("f1", "acsa")
    before = side({("cs", 10): [{"f1": 0.5, "acsa": 0.5}] * 6}, metrics=metrics)
    now = side({("cs", 10): [{"f1": 0.485, "acsa": 0.1}] * 6}, metrics=metrics)
    case = only(check_results(before, now, Rules("statistical")))
    assert [(one.metric, one.verdict) for one in case.results] == [("f1", "same")]


def outputs(labels, hits) -> Scores:
    """Return outputs that are right where `hits` says so."""
    said = np.where(hits, labels, 1 - labels)
    proba = np.eye(2)[said] * 0.8 + 0.1
    return Scores.of(labels, np.log(proba), proba)


def records_of(make_record, labels, hits_by_seed):
    from imbench.stats.metrics import f1

    made = []
    for seed, hits in enumerate(hits_by_seed):
        scores = outputs(labels, hits)
        value = f1(labels, scores.arrays()[2].astype(float))
        made.append(make_record("cs", 10, seed, value, scores=scores, environment=HERE))
    return made


def test_a_fall_that_rests_on_a_few_test_images_is_not_established(make_record):
    """Every seed falls by as much, but only because of the same two images."""
    labels = np.repeat([0, 1], [30, 10])
    all_right = [np.ones(40, bool)] * 6
    two_wrong = [np.arange(40) < 38] * 6
    cases = check_results(
        side_of(records_of(make_record, labels, all_right), ["f1"]),
        side_of(records_of(make_record, labels, two_wrong), ["f1"]),
        STATISTICAL,
    )
    assert only(cases).verdict == "inconclusive"
    assert "more test images would decide" in only(cases).worst.reason
    six_wrong = [np.arange(40) < 34] * 6
    cases = check_results(
        side_of(records_of(make_record, labels, all_right), ["f1"]),
        side_of(records_of(make_record, labels, six_wrong), ["f1"]),
        STATISTICAL,
    )
    assert only(cases).verdict == "worse"
    assert "over test images too" in only(cases).worst.reason


def test_a_metric_that_cannot_bear_resamples_costs_the_bootstrap_only(make_record, tmp_path):
    plugin = tmp_path / "picky.py"
    plugin.write_text("def picky(labels, proba):\n    raise ArithmeticError('none')\n")
    name, labels = f"{plugin}:picky", np.repeat([0, 1], [30, 10])
    records = [
        record.model_copy(update={"metrics": {name: 0.5}}).sealed()
        for record in records_of(make_record, labels, [np.arange(40) < 37] * 6)
    ]
    side = side_of(records, [name])
    case = only(check_results(side, side, Rules("statistical", {name: 0.02})))
    assert case.verdict == "same"
    assert case.worst.reason == (
        "mean change +0.000, +0.000..+0.000 over 6 seeds, about these test images only, since "
        "outputs cannot be scored on resamples (ArithmeticError: none)"
    )


@pytest.mark.parametrize("metric", ["f1", "log_loss"])
def test_intervals_end_where_a_gain_of_a_score_does(make_record, metric):
    from imbench.check.judging import Pairs

    place = next(iter(side_of([make_record()], ["f1"]).runs))
    gains = [-1.0, -1.0, -0.1, 0.0, -1.0, 0.0]
    before, after = dict.fromkeys(range(6), 1.0), {s: 1 + gain for s, gain in enumerate(gains)}
    pairs = Pairs(place, metric, False, before, after)
    margins = {metric: 0.1}
    (near,) = judging.near([pairs], margins, 0.001, "torch 1 -> 2")
    (chance,) = judging.statistical([pairs], margins, 0.04, lambda *_: "none")
    for judged, level, what in (
        (near, 0.998, "mean over 6 cells of the method -0.517 ({:+.3f}..{:+.3f})"),
        (chance, 0.92, "mean change -0.517, {:+.3f}..{:+.3f} over 6 seeds"),
    ):
        low, high = stats.t.interval(level, 5, np.mean(gains), stats.sem(gains))
        if metric == "f1":
            low = max(low, -1.0)
        assert what.format(low, high) in judged.reason
        assert judged.verdict == "inconclusive"


def test_decisions_serve_scores_of_classes_only(make_record):
    from imbench.check.judging import Pairs, over_images

    labels = np.repeat([0, 1], [30, 10])
    rng = np.random.default_rng(0)
    old, new = (
        side_of(records_of(make_record, labels, [rng.random(40) < p for _ in range(6)]), ["f1"])
        for p in (0.9, 0.6)
    )
    place = next(iter(old.runs))
    slot = old.runs[place]
    kept = {s: replace(run, outputs=PredictedClasses.of(run.outputs)) for s, run in slot.items()}
    old = replace(old, runs={place: kept})
    scores = [{seed: run.scores["f1"] for seed, run in s.runs[place].items()} for s in (old, new)]
    full = over_images(Pairs(place, "f1", False, *scores), old, new, 0.9)
    assert full is not None
    assert full[1] < 0
    assert over_images(Pairs(place, "auroc", False, *scores), old, new, 0.9) == (
        "one side has no outputs"
    )


# ---- the test behind it


def test_p_values_of_one_case_are_those_of_a_one_sided_sign_flip_test():
    down = np.array([[-0.4, -0.5, -0.3, -0.45, -0.35]])
    rise, fall = max_t(down, [0.02])
    assert (rise[0], fall[0]) == (1.0, 1 / 32)
    mixed = np.array([[0.1, -0.2, 0.4, 0.05, 0.3, -0.1]])
    signs = np.array(list(itertools.product((1, -1), repeat=6)))
    sums = signs @ mixed[0]
    rise, fall = max_t(mixed, [0.02])
    assert rise[0] == np.mean(sums >= mixed.sum() - 1e-12)
    assert fall[0] == np.mean(sums <= mixed.sum() + 1e-12)


def test_zeros_and_no_case_are_no_evidence():
    assert [list(p) for p in max_t(np.zeros((2, 6)), [0.0, 0.02])] == [[1, 1], [1, 1]]
    assert [list(p) for p in max_t(np.zeros((0, 0)), [])] == [[], []]


def test_many_replicates_are_drawn_and_give_nearly_the_exact_p():
    values = np.random.default_rng(3).normal(0.1, 0.3, (1, 13))
    exact = max_t(values, [0.02])[0][0]
    padded = np.concatenate([values, np.zeros((1, 4))], axis=1)  # 17 replicates: drawn
    assert max_t(padded, [0.02])[0][0] == pytest.approx(exact, abs=0.02)
    assert max_t(padded, [0.02])[0][0] != exact


def test_a_p_value_of_drawn_flips_is_never_0():
    """20 replicates that all fell: the flip that was seen is one of the 10,000."""
    fell = np.full((1, 20), -0.4) + np.linspace(0, 0.1, 20)
    assert [p[0] for p in max_t(fell, [0.02])] == [1.0, 1 / 10_000]
    assert [p[0] for p in max_t(-fell, [0.02])] == [1 / 10_000, 1.0]


@pytest.mark.parametrize(("alpha", "least"), [(0.05, 5), (0.01, 7), (0.03125, 5), (0.4, 2)])
def test_the_fewest_replicates_that_can_tell(alpha, least):
    assert fewest(alpha) == least


def unchanged(rng, replicates):
    """Differences of runs that nothing changed: methods that collapse now and then, and others."""
    runs = rng.choice([0.0, 0.6], size=(2, 12, replicates)) * (rng.random((12, 1)) < 0.7)
    runs = runs + rng.normal(0, 0.05, (2, 12, replicates))
    shared = rng.normal(0, 0.1, (2, 1, replicates))  # initial weights, say
    return (runs + shared)[1] - (runs + shared)[0]


@pytest.mark.parametrize("replicates", [5, 6, 8])
def test_a_check_of_twelve_unchanged_methods_cries_wolf_no_more_often_than_alpha(replicates):
    rng = np.random.default_rng(replicates)
    alarms = 0
    for _ in range(600):
        fall = max_t(unchanged(rng, replicates), [0.0] * 12)[1]
        alarms += bool((fall <= 0.05).any())
    assert alarms <= 45  # 30 at most are expected; 46 or more have a chance of 0.002 there


def test_it_finds_one_broken_method_among_twelve():
    rng = np.random.default_rng(7)
    found = 0
    for _ in range(50):
        table = unchanged(rng, 6)
        table[4] = rng.normal(-0.35, 0.08, 6)
        found += max_t(table, [0.02] * 12)[1][4] <= 0.05
    assert found >= 45


def test_near_tests_each_method_once():
    assert judging.near([], {}, 0.05, "") == []
