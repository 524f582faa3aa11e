"""What is said of records that show nothing, hand-made so that one thing is wrong with each."""

from __future__ import annotations

import json

import numpy as np
import pytest

from imbench.records.groups import group_records
from imbench.records.record import Scores
from imbench.report.diagnosis import KINDS, diagnose
from imbench.report.report import render_report
from imbench.report.tables import make_tables

COUNTS = [60, 60]  # the best constant has an F1 of 2/3
COST = {"train_loss": 0.2, "constant_loss": 0.69, "first_loss": 0.7, "zero_loss_steps": 0.0}


def outputs(recognised, called=0, counts=COUNTS):
    """Return outputs that recognise so many of the minority and call so many others minority."""
    labels = np.repeat([0, 1], counts)
    said = np.zeros(len(labels), int)
    said[:called] = 1
    said[counts[0] : counts[0] + recognised] = 1
    proba = np.eye(2)[said]
    return Scores.of(labels, np.log(proba + 1e-6), proba)


@pytest.fixture
def make(make_record):
    """Return a maker of records in which nothing is wrong, unless told otherwise."""

    def made(recipe="vanilla", count=25, seed=0, f1=0.9, auroc=0.95, cost=None, **fields):
        body = {
            "metrics": {"f1": f1, "acsa": f1, "auroc": auroc},
            "scores": outputs(50, 5),
            "test_counts": COUNTS,
            "cost": {**COST, **(cost or {})},
        }
        return make_record(recipe, count, seed, None, **{**body, **fields})

    return made


def found(records, **options):
    (group,) = group_records(records)
    return diagnose(group, **options)


def only(records, kind):
    """Return the one diagnosis of these records, which is of this kind."""
    (one,) = found(records)
    assert one.kind == kind
    return one


def test_nothing_is_said_of_records_in_which_nothing_is_wrong(make):
    assert found([make("vanilla", 25, seed) for seed in range(6)]) == ()


def test_not_above_the_trivial_score(make):
    records = [make("cs", 25, seed, f1=value) for seed, value in enumerate([0.5, 0.7])]
    records += [make("cs", 50, seed, f1=0.9) for seed in range(2)]
    one = only(records, "trivial")
    assert (one.methods, one.counts, one.places) == (("cs",), (25,), (("cs", 25),))
    assert one.sentence == (
        "mean F1 of the minority (0.600) is not better than the trivial score, 0.667: CS at 25"
    )
    assert one.numbers == pytest.approx({"trivial": 2 / 3, "lowest": 0.6, "highest": 0.6})


def test_advice_is_about_the_threshold_where_images_are_ranked(make):
    assert "moves the threshold" in only([make(f1=0.3, auroc=0.9)], "trivial").advice
    below, chance = found([make(f1=0.3, auroc=0.55)])
    assert (below.kind, chance.kind) == ("trivial", "chance")
    assert "--steps 800" in below.advice
    assert "--size 32" in below.advice


def test_the_trivial_score_of_a_metric_where_lower_is_better(make):
    scores = {"vanilla": {"brier": 0.3, "auroc": 0.9}, "cs": {"brier": 0.2, "auroc": 0.9}}
    records = [make(recipe, metrics=metrics) for recipe, metrics in scores.items()]
    one = next(iter(found(records, metric="brier")))
    assert one.places == (("vanilla", 25),)
    assert one.numbers["trivial"] == 0.25


def test_auroc_not_above_chance(make):
    one = only([make(f1=0.7, auroc=0.58), make(count=50, auroc=0.62)], "chance")
    # 0.5 + 1.645 sqrt(121 / 43200)
    assert one.sentence == (
        "AUROC (0.580) is not above 0.587, which chance alone exceeds in one of twenty test sets "
        "of 60+60 images: Vanilla at 25"
    )
    assert one.numbers["limit"] == pytest.approx(0.5 + 1.6449 * (121 / 43200) ** 0.5, abs=1e-4)


def test_a_loss_that_has_hardly_fallen(make):
    stuck = make("cs", cost={"train_loss": 0.65, "constant_loss": 0.69})
    one = only([stuck, make("cs", 50)], "loss")
    assert one.sentence == (
        "the training loss has hardly fallen: it ends at 0.94 of what it is without learning "
        "(0.650 of 0.690 for CS at 25): CS at 25"
    )


def test_a_loss_is_held_against_the_shares_of_the_classes_not_against_the_first(make):
    learned_shares = {"first_loss": 0.69, "train_loss": 0.19, "constant_loss": 0.2}
    assert only([make(cost=learned_shares)], "loss").numbers["lowest"] == pytest.approx(0.95)


def test_records_of_an_older_imbench_tell_of_vanilla_alone(make):
    # The entropy of the shares is 0.325; of CS neither its weights nor its first loss are known.
    old = {"cost": {"train_loss": 0.32}, "sampled_counts": [900.0, 100.0]}
    records = [make(recipe).model_copy(update=old) for recipe in ("vanilla", "cs")]
    (one,) = found(records, kinds=["loss"])
    assert one.places == (("vanilla", 25),)


def test_a_loss_that_is_0_since_long(make):
    records = [make("os", 25, 0, cost={"train_loss": 0.0, "zero_loss_steps": 150.0})]
    records += [make("os", 50, 0, cost={"train_loss": 0.0, "zero_loss_steps": 99.0})]
    one = only(records, "memorised")
    assert one.sentence == (
        "the mean training loss from step 50 of 200 on is below .001, so the training images are "
        "memorised: OS at 25"
    )
    assert one.advice == "more images or more augmentation leave something to learn"
    assert only(records[:1], "memorised").advice.startswith("fewer steps (--steps 62) cost less; ")


def test_a_score_that_a_constant_reaches(make):
    constant = {"f1": 0.667, "acsa": 0.5, "auroc": 0.95}
    flat = [make("us", 25, 0, metrics=constant, scores=outputs(60, 60)), make("us", 25, 1)]
    one = only([*flat, make("us", 50, 0), make("us", 50, 1)], "constant")
    assert one.sentence == (
        "1 of 2 runs call all test images one class, so a constant has their score: US at 25"
    )
    assert one.advice.startswith("they rank better than chance (AUROC 0.950): look at AUROC")


def test_what_only_scores_as_a_constant_does_is_none(make):
    level = {"f1": 0.5, "acsa": 0.5, "auroc": 0.95}
    runs = [make(seed=seed, metrics=level, scores=outputs(30, 30)) for seed in range(6)]
    assert "constant" not in {one.kind for one in found(runs)}


def test_a_test_set_in_which_one_image_moves_f1(make):
    few = {"test_counts": [200, 20], "scores": outputs(10, 10, [200, 20])}
    one = only([make(**few)], "coarse")
    # F1 .5 of 20 + 20: 1.5 / 41
    assert one.numbers == pytest.approx({"step": 1.5 / 41, "images": 20})
    assert "by 0.037 (mean of these runs; the smallest minority has 20 test" in one.sentence


@pytest.mark.parametrize(("seeds", "said"), [(3, "described, not established"), (6, "of two")])
def test_fewer_seeds_than_the_words_need(make, seeds, said):
    records = [
        make(recipe, 25, seed) for recipe in ("vanilla", "cs", "us") for seed in range(seeds)
    ]
    one = only(records, "seeds")
    assert said in one.sentence
    assert one.numbers == {"seeds": seeds, "needed": 7, "pair": 6}
    assert one.advice == "run 7 seeds (--seeds 0-6)"


def test_enough_seeds_are_not_mentioned(make):
    assert (
        found([make(recipe, 25, seed) for recipe in ("vanilla", "cs") for seed in range(6)]) == ()
    )


def test_places_with_the_same_counts_are_named_together_and_everywhere_is_everywhere(make):
    records = [make(r, c, f1=0.1) for r in ("cs", "us") for c in (25, 50)]
    (one,) = found([*records, make("vanilla", 25)], kinds=["trivial"])
    assert one.sentence.endswith(": CS, US at 25, 50")
    (one,) = found(records, kinds=["trivial"])
    assert one.sentence.endswith(": every method at every count")
    (one,) = found(records, kinds=["trivial"], counts=[50])
    assert one.places == (("cs", 50), ("us", 50))


def test_every_form_of_a_report_has_the_notes(make):
    records = [make(f1=0.1, auroc=0.51)]
    for form in ("terminal", "markdown", "latex"):
        text = " ".join(render_report(records, form=form, metrics=("f1", "acsa")).split())
        assert text.count("AUROC (0.510) is not above 0.587") == 1, form
        assert text.count("is not better than the trivial score") == 2, form
    plain = json.loads(render_report(records, form="json"))
    said = plain["tables"][0]["diagnoses"]
    assert [one["kind"] for one in said] == ["trivial", "chance"]
    assert said[0].keys() == {
        *("kind", "methods", "counts", "places", "sentence", "advice", "numbers")
    }


def test_records_without_a_score_or_outputs_are_passed_over(make):
    records = [make(scores=None), make("cs", status="failed", reason="x", metrics={}, scores=None)]
    assert {one.kind for one in found(records)} == {"seeds"}
    damaged = Scores(classes=2, labels="AAAA", logits="", proba="AAAA")
    assert found([make(scores=damaged)]) == ()


def test_diagnoses_come_in_the_order_of_the_kinds(make):
    few = {"test_counts": [200, 20], "scores": outputs(0, 0, [200, 20])}
    loss = {"train_loss": 0.69, "zero_loss_steps": 200.0}
    records = [make(r, f1=0.0, auroc=0.5, cost=loss, **few) for r in ("vanilla", "cs")]
    records.append(make("floor:colour", f1=0.5, auroc=0.6, **few))
    assert [one.kind for one in found(records)] == list(KINDS)
    (table,) = make_tables(records)
    assert len(table.advice) == len(KINDS)
    chance = table.advice[list(KINDS).index("chance")]
    assert chance.endswith(": every method at every count; to do: as above")
    assert "as above" not in table.advice[0]
