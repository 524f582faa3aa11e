"""The fifteen claims on hand-made records of which each is true, false or open by construction."""

from __future__ import annotations

import csv
import io
import json

import pytest

from imbench.errors import DataError
from imbench.generators.scores_file import generator_differences
from imbench.records.groups import group_records
from imbench.report.claim_tests import BASELINES
from imbench.report.measured import FLIPS, LIFT, ORACLE, pair_name
from imbench.report.paper import published
from imbench.report.paper_claims import CLAIMS, judge_claims
from imbench.report.report import render_report

CBL = [f"cbl:beta={beta}" for beta in ("0.9", "0.99", "0.999", "0.9999")]
COUNTS = (25, 50, 100)
NOISE = (0.002, -0.001, 0.001, -0.002, 0.0015, -0.0005, 0.0, 0.0005)

# A world in which all that the paper says is so: F1 at 25, 50 and 100 images.
TRUE = {
    "vanilla": (0.10, 0.40, 0.62),
    "ts": (0.11, 0.41, 0.61),
    "cs": (0.60, 0.66, 0.70),
    "us": (0.58, 0.64, 0.69),
    "os": (0.40, 0.55, 0.65),
    "us+cs": (0.59, 0.65, 0.69),
    "os+cs": (0.60, 0.66, 0.70),
    "smote": (0.40, 0.50, 0.66),
    CBL[0]: (0.30, 0.50, 0.64),
    CBL[1]: (0.40, 0.55, 0.66),
    CBL[2]: (0.50, 0.60, 0.68),
    CBL[3]: (0.60, 0.66, 0.70),
    "alt": (0.50, 0.55, 0.58),
    "aug": (0.70, 0.72, 0.73),
}
# And one in which nothing of it is.
FALSE = TRUE | {
    "vanilla": (0.75, 0.70, 0.66),
    "ts": (0.40, 0.40, 0.40),
    "us": (0.30, 0.30, 0.10),
    "os+cs": (0.20, 0.30, 0.40),
    "alt": (0.60, 0.65, 0.75),
    "aug": (0.40, 0.50, 0.65),
    CBL[0]: (0.75, 0.50, 0.60),
    CBL[3]: (0.40, 0.45, 0.50),
}


@pytest.fixture
def world(make_record):
    """Return a maker of records whose scores are those of a world, with noise by seed."""

    def make(scores, seeds=8, dataset="digits", noise=NOISE):
        # The noise differs from method to method, so that no difference is without any.
        return [
            make_record(
                recipe,
                count,
                seed,
                score + noise[(seed + 3 * place) % len(noise)],
                cell={"dataset": dataset},
            )
            for place, (recipe, row) in enumerate(scores.items())
            for count, score in zip(COUNTS, row, strict=True)
            for seed in range(seeds)
        ]

    return make


def findings(records):
    ((_, found),) = judge_claims(records)
    return {one.claim.number: one for one in found}


def test_there_are_fifteen_in_order():
    assert [claim.number for claim in CLAIMS] == list(range(1, 16))


def measured(apart, pairs, seeds=8, counts=(25, 50)):
    """Return differences of so much, with a little noise, for pairs of methods."""
    return {
        (pair_name(*pair), count): {
            seed: apart + NOISE[(seed + place) % len(NOISE)] for seed in range(seeds)
        }
        for place, pair in enumerate(pairs)
        for count in counts
    }


LOOKING = [(joint, rival) for joint in ("aug", "alt") for rival in ("vanilla", "cs", "us")]


def judged(world, number, **given):
    records = world(TRUE)
    (group,) = group_records(records)
    ((_, found),) = judge_claims(records, {group.code: given})
    return found[number - 1]


@pytest.mark.parametrize(
    ("lift", "flips", "finding"),
    [
        (0.1, -0.1, "holds"),
        (0.1, 0.1, "does not hold"),
        (-0.1, -0.1, "does not hold"),
        (0.0, -0.1, "does not hold"),
    ],
)
def test_where_methods_look_is_judged_by_maps_and_swapped_backgrounds(world, lift, flips, finding):
    given = {LIFT: measured(lift, LOOKING), FLIPS: measured(flips, LOOKING)}
    found = judged(world, 15, **given)
    assert found.finding == finding, found.text
    assert "flips, Vanilla - AUG" in found.text


def test_one_rival_that_looks_as_well_refutes_that_aug_and_alt_look_at_the_content(world):
    lift = measured(0.1, LOOKING) | measured(-0.1, [("alt", "us")])
    found = judged(world, 15, **{LIFT: lift, FLIPS: measured(-0.1, LOOKING)})
    assert found.finding == "does not hold"


@pytest.mark.parametrize(
    ("apart", "seeds", "finding"),
    [
        (0.0, 8, "holds"),
        (-0.05, 8, "holds"),
        (0.1, 8, "does not hold"),
        (-0.3, 8, "does not hold"),
        (-0.05, 5, "cannot be told"),
    ],
)
def test_generators_are_at_par_or_slightly_worse_by_their_oracle_accuracy(
    world, apart, seeds, finding
):
    found = judged(world, 14, **{ORACLE: measured(apart, [("alt", "aug")], seeds)})
    assert found.finding == finding, found.text


def test_without_explanations_the_two_say_what_to_run(world):
    found = findings(world(TRUE))
    assert "bench explain" in found[15].text
    assert "bench generators --json" in found[14].text
    lift = measured(0.1, LOOKING[:3])
    partial = judged(world, 15, **{LIFT: lift, FLIPS: measured(-0.1, LOOKING[:3])})
    assert partial.finding == "cannot be told"
    assert "ALT and vanilla were not explained at the same count" in partial.text


def written(tmp_path, group, **change):
    rows = [
        {
            "recipe": recipe,
            "minority": 25,
            "numbers": {"forth": {"scores": {str(seed): score + seed / 100 for seed in range(6)}}},
        }
        for recipe, score in (("aug", 0.5), ("alt:judge=2", 0.4))
    ]
    basis = group.basis
    plain = {
        "fingerprint": basis.fingerprint,
        "settings": basis.settings.model_dump(mode="json"),
        "rows": rows,
    }
    path = tmp_path / "generators.json"
    path.write_text(json.dumps({"groups": [plain | change]}))
    return path


def test_scores_of_generators_are_read_from_their_report(world, tmp_path):
    records = world(TRUE)
    (group,) = group_records(records)
    found = generator_differences(written(tmp_path, group), records)
    differences = found[group.code][ORACLE]
    assert list(differences) == [("alt - aug", 25)]
    assert differences["alt - aug", 25] == pytest.approx(dict.fromkeys(range(6), -0.1))
    assert generator_differences(written(tmp_path, group, fingerprint="other"), records) == {}


@pytest.mark.parametrize("text", ["", "[]", '{"groups": [{}]}', '{"groups": 3}'])
def test_what_is_no_report_of_generators_is_refused(world, tmp_path, text):
    path = tmp_path / "generators.json"
    path.write_text(text)
    with pytest.raises(DataError, match="is not what `bench generators --json` writes"):
        generator_differences(path, world(TRUE))
    with pytest.raises(DataError, match="cannot be read"):
        generator_differences(tmp_path / "none.json", world(TRUE))


def test_where_all_is_so_all_that_records_can_tell_holds(world):
    found = findings(world(TRUE))
    assert {n: one.finding for n, one in found.items() if one.finding != "holds"} == {
        14: "cannot be told",
        15: "cannot be told",
    }


def test_where_nothing_is_so_nothing_holds(world):
    found = findings(world(FALSE))
    assert {n: one.finding for n, one in found.items() if one.finding != "does not hold"} == {
        14: "cannot be told",
        15: "cannot be told",
    }


@pytest.mark.parametrize("seeds", [1, 2, 5])
def test_fewer_than_six_seeds_tell_nothing_but_numbers(world, seeds):
    found = findings(world(TRUE, seeds=seeds))
    assert {one.finding for one in found.values()} == {"cannot be told"}
    runs = "run" if seeds == 1 else "runs"
    assert found[3].text.startswith(
        f"{seeds} seed{'s' * (seeds > 1)}, 6 needed: AUG - ALT, above 0 at 3 of 3 counts, on "
        "average +0.17"
    )
    assert f"above 0 in {seeds} of {seeds} {runs}" in found[3].text


def test_noise_leaves_everything_open(world):
    wild = (0.3, -0.35, 0.25, -0.3, 0.35, -0.25, 0.28, -0.28)
    found = findings(world(dict.fromkeys(TRUE, (0.5, 0.5, 0.5)), noise=wild))
    assert found[3].finding == found[9].finding == found[10].finding == "cannot be told"
    assert "95 % t interval" in found[3].text


def test_a_run_without_a_score_leaves_its_claims_open(world, make_record):
    records = [
        record
        for record in world(TRUE)
        if (record.cell.recipe, record.cell.minority, record.cell.seed) != ("alt", 50, 7)
    ]
    records.append(make_record("alt", 50, 7, None, status="diverged", reason="NaN"))
    found = findings(records)
    assert found[3].finding == "cannot be told"
    assert "1 run ended without a score" in found[3].text
    assert found[4].finding == "holds", "its counts are the smallest and the largest"
    assert found[1].finding == "holds"


def test_a_method_that_fails_at_the_hardest_count_is_not_judged_at_the_others(world, make_record):
    records = [r for r in world(TRUE) if (r.cell.recipe, r.cell.minority) != ("alt", 25)]
    for seed, status in enumerate(("diverged", "timeout")):
        records.append(make_record("alt", 25, seed, None, status=status, reason="NaN"))
    found = findings(records)
    for number in (3, 4):
        assert found[number].finding == "cannot be told"
        assert found[number].text == "at 25 ALT diverged, timed out"


def test_numbers_of_the_collapse(world):
    found = findings(world(TRUE))[1]
    assert "Vanilla 0.100, 0.400, 0.620 at 25, 50, 100" in found.text
    # 120 and 140 test images: the trivial F1 is 0.7.
    assert "trivial 0.700 - Vanilla at 25 +0.600" in found.text
    assert "Vanilla at 100 - at 25 +0.520" in found.text
    above = TRUE | {"vanilla": (0.75, 0.80, 0.85)}
    assert findings(world(above))[1].finding == "does not hold"
    assert "Vanilla at 100 - at 25 +0.100" in findings(world(above))[1].text


def test_the_lead_of_aug_must_shrink(world):
    constant = TRUE | {"aug": (0.2, 0.5, 0.75)}
    found = findings(world(constant))[2]
    assert found.finding == "does not hold"
    # Leads 0.1, 0.1, 0.13 over 1, 2, 3 doublings: least squares 0.015.
    assert "fall of it per doubling -0.015" in found.text
    assert found.text.count(": holds") == 2
    assert found.text.count(": does not hold") == 1


def test_the_best_baseline_is_that_of_each_count_and_equivalence_refutes(world):
    near = TRUE | {"aug": (0.601, 0.661, 0.70), "cs": (0.61, 0.65, 0.70)}
    found = findings(world(near))[5]
    assert found.finding == "does not hold"
    assert "CS at 25" in found.text
    assert "OS+CS at 50" in found.text or "CBL 0.9999 at 50" in found.text
    assert "by the same scores" in found.text
    assert not {"aug", "alt"} & set(BASELINES)


def test_a_baseline_with_fewer_seeds_is_not_the_best(world):
    lucky = TRUE | {"smote": (0.99, 0.99, 0.99)}
    records = [r for r in world(lucky) if (r.cell.recipe, r.cell.seed) != ("smote", 7)]
    assert "SMOTE" not in findings(records)[5].text


def test_the_four_rivals_are_a_family(world):
    found = findings(world(TRUE, seeds=6))[6]
    # Six seeds: p 0.031 each, 0.12 after Holm over four.
    assert found.finding == "cannot be told"
    assert "p 0.031, 0.12 after Holm" in found.text
    assert findings(world(TRUE, seeds=8))[6].finding == "holds"


def test_equal_weights_refute_that_they_help(world):
    equal = TRUE | {CBL[0]: TRUE["vanilla"]}
    assert findings(world(equal))[7].finding == "does not hold"


def test_one_part_is_enough_to_refute(world):
    found = findings(world(TRUE | {"os": (0.61, 0.67, 0.71)}))[12]
    assert found.finding == "does not hold"
    assert "OS+CS - CS" in found.text
    assert found.text.count(": holds") == 1


def test_what_was_not_run_is_said(world):
    some = {recipe: TRUE[recipe] for recipe in ("vanilla", "cs")}
    found = findings(world(some))
    assert found[1].finding == "holds"
    assert found[3].text == "AUG, ALT not run"
    assert found[13].text == "two counts and three of the paper's methods at both of them needed"
    one_count = [r for r in world(some) if r.cell.minority == 25]
    assert findings(one_count)[1].text == "scores at 1 of the counts, 2 needed"
    alone = findings(world({"aug": TRUE["aug"]}))
    assert alone[5].text == "no baseline was run"


def test_published_values_stand_beside_ours(world, make_record):
    # Printed for 25 zebras: AUG 0.8500, Vanilla 0.0500.
    records = world(TRUE, dataset="horse2zebra")
    found = findings(records)
    assert "AUG - Vanilla at 25 +0.600" in found[2].text
    assert "(published +0.800)" in found[2].text
    assert "published" not in findings(world(TRUE))[2].text
    # The published leads over the published best, whatever is
    # best here; and the published spans at the smallest and the largest count.
    cells = {key[1:]: c.value for key, c in published().items() if key[0] == "Horse2Zebra"}
    lead = [cells["aug", n] - max(cells[name, n] for name in BASELINES) for n in COUNTS]
    assert f"(published {sum(lead) / 3:+.3f})" in found[5].text
    spans = [max(v) - min(v) for v in ([cells[name, n] for name in TRUE] for n in (25, 100))]
    assert f"(published {spans[0] - spans[1]:+.3f})" in found[13].text


def test_data_sets_are_judged_apart(world, make_record):
    other = [
        make_record(
            r.cell.recipe,
            r.cell.minority,
            r.cell.seed,
            1 - r.metrics["f1"],
            cell={"dataset": "savanna", "fingerprint": "f" * 16},
        )
        for r in world(TRUE)
    ]
    (one, mirrored) = judge_claims(world(TRUE) + other)
    assert [group.name for group, _ in (one, mirrored)] == ["digits", "savanna"]
    assert (one[1][2].finding, mirrored[1][2].finding) == ("holds", "does not hold")


def test_whole_reports(world):
    records = world(TRUE)
    text = render_report(records, claims=True)
    assert text.startswith("digits: claims about the paper's methods, by F1 of the minority\n")
    assert "; holds 13, does not hold 0, cannot be told 2; all of it is about the pool" in " ".join(
        text.split()
    )
    assert "- 11. US is ahead of OS: holds; US - OS, above 0 at 3 of 3 counts" in text
    assert max(map(len, text.splitlines())) <= 80
    body = json.loads(render_report(records, claims=True, form="json"))
    assert [row["number"] for row in body["claims"]] == list(range(1, 16))
    assert body["claims"][10]["finding"] == "holds"
    rows = list(csv.DictReader(io.StringIO(render_report(records, claims=True, form="csv"))))
    assert len(rows) == 15
    assert render_report(records, claims=True, form="markdown").count("\n- ") == 15
    assert render_report(records, claims=True, form="latex").count("\\item") == 15
    both = render_report(records, claims=True, compare=["aug", "cs"], ranks=True)
    assert both.index("AUG against CS") < both.index("average ranks") < both.index("claims about")
