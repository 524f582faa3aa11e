"""Whole tables of evaluated generators, from numbers made by hand."""

from __future__ import annotations

import json

import pytest

from imbench.generators.evaluator import TargetShares
from imbench.generators.report import EvaluationSettings, GeneratorReport, render_generators
from imbench.generators.rows import Distance, GeneratorRow, Standard
from imbench.records.groups import group_records
from imbench.training.device import choose_device
from imbench.training.numerics import training_environment

STANDARD = Standard(
    ceiling=(TargetShares(0.9, 0.8),),
    floor=(TargetShares(0.2, 0.1),),
    untranslated=Distance(1.25, 1.0, 1.5, 3.0, 120, 0.75),
    blocks={8: 0.2, 4: 0.125},
)
NUMBERS = {
    "forth": {0: 0.5, 1: 0.6},
    "back": {0: 0.25, 1: 0.25},
    "flip_forth": {0: 0.375, 1: 0.5},
    "oracles_apart": {0: 0.0, 1: 0.125},
    "copy_ratio": {0: 0.9, 1: 1.1},
    "nearer": {0: 0.5, 1: 0.5},
    "nearer_real": {0: 0.25, 1: 0.25},
    "change": {0: 0.125, 1: 0.25},
    "restored": {0: 0.1, 1: 0.112},
    "seconds": {0: 1000.0, 1: 1468.9},
    "steps": {0: 1600.0, 1: 1600.0},
}


def row(recipe: str, minority: int, **numbers: dict[int, float]) -> GeneratorRow:
    return GeneratorRow(
        recipe=recipe,
        minority=minority,
        label=1,
        scores={**NUMBERS, **numbers},
        to_minority=Distance(-0.00041, -0.02, 0.03, 2.0, 120, 1.5),
        to_majority=Distance(0.5, 0.4, 0.6, 2.0, 120, 1.0),
        samples=(f"d/{minority}/{recipe}/0-x-samples-1.png", "d/other.png"),
    )


@pytest.fixture
def report(make_record, tmp_path):
    """Return a maker of reports on two methods at 25 and one at 100."""
    (group,) = group_records([make_record("aug", 25, seed) for seed in (0, 1)])

    def make(
        standard: Standard = STANDARD, faults: tuple[str, ...] = (), **options
    ) -> GeneratorReport:
        extra = {}
        if options.get("inception"):
            extra = {"inception_forth": {0: 0.7, 1: 0.7}, "inception_back": {0: 0.1, 1: 0.1}}
        rows = (row("alt", 25, **extra), row("aug", 25, **extra), row("aug", 100, **extra))
        settings = EvaluationSettings(tmp_path, tmp_path, **{"oracles": 1, **options})
        return GeneratorReport(group, ("horse", "zebra"), settings, {1: standard}, rows, faults)

    return make


def test_the_whole_table(report):
    text = render_generators([report()], width=160)
    lines = text.splitlines()
    assert lines[0] == "digits: generators, A = horse, B = zebra"
    assert " ".join(lines[1:3]).startswith(
        "1000 majority images, minority count before each method, 16 px; seeds 0-1; oracle: "
        "resnet20, 1000 steps on all real training images"
    )
    assert "N = 120" in text
    assert "of averages over blocks: 8 px 0.200, 4 px 0.125" in " ".join(text.split())
    start = next(i for i, line in enumerate(lines) if line.startswith("method"))
    shown = [" ".join(line.split()) for line in lines[start : start + 9]]
    same = (
        ".55 [.00,1.00] .25 [.25,.25] .44 [.00,1.00] .000 [-.02,.03] 1.50 1.00 [.00,2.28] "
        ".50 [.50,.50] .25 [.25,.25] .19 .106 1,234 1,600"
    )
    assert [line for line in shown if not line.startswith("-")] == [
        "method A>B B>A flip KID-r20 norm copy ratio nearer real change restored seconds steps",
        "real images .90 .80 -- -- -- -- -- -- -- -- -- --",
        "untranslated .20 .10 -- 1.25 [1.00,1.50] .75 -- -- -- -- -- -- --",
        f"25 ALT {same}",
        f"25 AUG {same}",
        f"100 AUG {same}",
    ]
    rules = [i for i, line in enumerate(shown) if line.startswith("-")]
    assert rules == [1, 4, 7]
    assert "pictures of 25 ALT: d/25/alt/0-x-samples-1.png and 1 more" in text
    assert "Inception accuracy: not measured" in text


def test_inception_has_columns_of_its_own_and_is_never_the_oracle(report):
    standard = Standard(
        ceiling=(TargetShares(0.9, 0.8), TargetShares(0.99, 0.98)),
        floor=(TargetShares(0.2, 0.1), TargetShares(0.02, 0.01)),
        untranslated=STANDARD.untranslated,
        blocks=STANDARD.blocks,
    )
    text = render_generators([report(standard, inception="weights.pth")], width=200)
    lines = [" ".join(line.split()) for line in text.splitlines()]
    (head,) = (line for line in lines if line.startswith("method"))
    assert head.endswith("steps Inception A>B Inception B>A")
    assert any(
        line.startswith("real images .90 .80") and line.endswith(".99 .98") for line in lines
    )
    assert any(line.startswith("untranslated") and line.endswith(".02 .01") for line in lines)
    assert any(
        line.startswith("25 ALT") and line.endswith(".70 [.70,.70] .10 [.10,.10]") for line in lines
    )
    assert "not measured" not in text


def test_two_oracles_are_averaged_and_their_difference_is_noted(report):
    standard = Standard(
        ceiling=(TargetShares(0.9, 0.8), TargetShares(0.7, 0.8)),
        floor=(TargetShares(0.2, 0.1), TargetShares(0.2, 0.1)),
        untranslated=STANDARD.untranslated,
        blocks=STANDARD.blocks,
    )
    text = render_generators([report(standard, oracles=2)], width=200)
    assert "; 2 oracles: resnet20" in " ".join(text.split())
    assert any(line.split()[:3] == ["real", "images", ".80"] for line in text.splitlines())
    assert "the oracles differ by at most 0.12" in text


def test_what_could_not_be_evaluated_is_named_in_every_form(report):
    made = report(faults=("generators/x.pt is missing or damaged",))
    assert "generators/x.pt is missing or damaged" in render_generators([made])
    assert "generators/x.pt is missing or damaged" in render_generators([made], "markdown")
    assert json.loads(render_generators([made], "json"))["groups"][0]["faults"] == list(made.faults)


def test_markdown_is_one_table_that_names_its_classes(report):
    text = render_generators([report()], "markdown")
    assert text.startswith("### digits: generators, A = horse, B = zebra\n")
    assert text.count("| 25 ALT ") == 1
    assert "| real images" in text


def test_json_has_each_seed(report):
    (group,) = json.loads(render_generators([report()], "json", command="bench generators"))[
        "groups"
    ]
    numbers = group["rows"][0]["numbers"]["forth"]
    assert numbers["scores"] == {"0": 0.5, "1": 0.6}
    assert numbers["mean"] == pytest.approx(0.55)
    assert group["rows"][0]["distance_forth"]["images"] == 120
    here = training_environment(choose_device("auto"))
    known = {"network": "resnet20", "steps": 1000, "seeds": [0], "environment": here}
    assert group["oracle"] == known
    assert group["inception"] is None
