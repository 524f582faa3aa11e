"""Which records share a table, what holes look like, and what is bold; hand-made records."""

from __future__ import annotations

import numpy as np
import pytest

from imbench.errors import UnknownName
from imbench.records.groups import format_ranges, method_title
from imbench.records.record import Scores
from imbench.report.bold import choose_bold
from imbench.report.tables import make_tables


def entries(table):
    return {
        (line.recipe, count): entry
        for line in table.lines
        for count, entry in zip(table.counts, line.entries, strict=True)
    }


def test_rows_stand_in_the_papers_order_then_alphabetically(make_record):
    recipes = ["us+ts", "cbl:beta=0.99", "os+cs", "ts", "smote:k_neighbors=3", "vanilla", "us"]
    (table,) = make_tables([make_record(recipe) for recipe in recipes])
    assert [line.recipe for line in table.lines] == [
        *["vanilla", "ts", "us", "os+cs", "cbl:beta=0.99"],
        *["smote:k_neighbors=3", "us+ts"],
    ]
    assert [line.title for line in table.lines][:5] == ["Vanilla", "TS", "US", "OS+CS", "CBL 0.99"]


def test_a_recipe_whose_plug_in_is_gone_keeps_its_text():
    assert method_title("no_such_part:k=3") == "no_such_part:k=3"


def test_mean_and_interval_over_seeds(make_record):
    (table,) = make_tables([make_record(seed=s, score=v) for s, v in enumerate([0.5, 0.6, 0.7])])
    entry = entries(table)["vanilla", 50]
    assert entry.mean == pytest.approx(0.6)
    assert entry.ends == pytest.approx((0.6 - 0.2484, 0.6 + 0.2484), abs=1e-4)
    assert entry.mark == ""
    assert "mean over seeds" in table.notes[0]


def test_intervals_end_where_a_score_does(make_record, tmp_path):
    plugin = tmp_path / "percent.py"
    plugin.write_text(
        "def percent(labels, proba):\n    return 100.0\n"
        "percent.score_range = (0, 100)\n"
        "def free(labels, proba):\n    return 0.0\n"
    )
    names = ["f1", "mcc", "log_loss", f"{plugin}:percent", f"{plugin}:free"]
    values = {0: (0.9, 0.98), 1: (0.5, 0.501)}
    records = [
        make_record(recipe, 50, seed, None, metrics=dict.fromkeys(names, score))
        for recipe, pair in (("vanilla", values[0]), ("us", values[1]))
        for seed, score in enumerate(pair)
    ]
    tables = make_tables(records, names)
    low, high = 0.94 - 0.04 * 12.7062, 0.94 + 0.04 * 12.7062
    expected = [(low, 1.0), (low, 1.0), (low, high), (low, high), (low, high)]
    for table, ends in zip(tables, expected, strict=True):
        assert entries(table)["vanilla", 50].ends == pytest.approx(ends, abs=1e-5)
    assert [table.notes[0].partition("; lower")[0] for table in tables] == [
        "mean over seeds [its 95 % t interval within 0..1]",
        "mean over seeds [its 95 % t interval within -1..1]",
        "mean over seeds [its 95 % t interval from 0 up]",
        "mean over seeds [its 95 % t interval within 0..100]",
        "mean over seeds [its 95 % t interval]",
    ]


def test_one_seed_has_no_interval_and_says_so(make_record):
    (table,) = make_tables([make_record()])
    assert entries(table)["vanilla", 50].ends is None
    assert "one seed: no interval" in table.notes


def test_failed_cells_never_enter_a_mean_and_are_named(make_record):
    records = [make_record(seed=s, score=0.5) for s in range(4)]
    records.append(
        make_record(seed=4, score=0.99, status="diverged", reason="loss is not finite at step 812")
    )
    (table,) = make_tables(records)
    entry = entries(table)["vanilla", 50]
    assert (entry.mean, entry.mark) == (0.5, "4/5")
    assert entry.notes == ("4 of 5 seeds: seed 4 diverged (loss is not finite at step 812)",)
    assert entry.status == {0: "ok", 1: "ok", 2: "ok", 3: "ok", 4: "diverged"}


@pytest.mark.parametrize(
    ("status", "mark", "words"),
    [
        ("diverged", "div", "diverged"),
        ("timeout", "t/o", "timed out"),
        ("memory", "mem", "ran out of memory"),
        ("failed", "err", "failed"),
        ("crashed", "crash", "crashed"),
    ],
)
def test_cells_without_any_score_are_marked(make_record, status, mark, words):
    records = [make_record("vanilla", seed=0), make_record("vanilla", seed=1)]
    records += [make_record("us", seed=s, score=None, status=status, reason="a\nb") for s in (0, 1)]
    (table,) = make_tables(records)
    entry = entries(table)["us", 50]
    assert (entry.mean, entry.mark) == (None, mark)
    assert entry.notes == (f"seeds 0-1 {words} (a b)",)


def test_what_was_not_run_is_a_hole(make_record):
    records = [make_record("vanilla", 50), make_record("us", 100), make_record("us", 100, seed=1)]
    (table,) = make_tables(records)
    found = entries(table)
    assert found["vanilla", 100].mark == found["us", 50].mark == "--"
    assert found["vanilla", 50].notes == ("1 of 2 seeds: seed 1 not run",)
    assert "-- not run" in table.notes


def test_planned_cells_without_a_record_are_holes(make_record):
    planned = [make_record("aug", 25).cell, make_record("vanilla", 50, seed=1).cell]
    (table,) = make_tables([make_record("vanilla", 50)], planned=planned)
    assert table.counts == (25, 50)
    assert [line.recipe for line in table.lines] == ["vanilla", "aug"]
    assert entries(table)["aug", 25].mark == "--"
    assert entries(table)["vanilla", 50].mark == "1/2"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"fingerprint": "f" * 16}, "data 0123456789ab / ffffffffffff"),
        ({"majority": 500}, "majority 500 / all"),
        ({"protocol": 99}, "protocol 1 / 99"),
        ({"settings": {"network": "cnn", "size": 16, "steps": 300}}, "steps 200 / 300"),
    ],
)
def test_other_data_settings_or_protocol_never_share_a_table(make_record, change, said):
    records = [make_record("vanilla"), make_record("us", cell=change)]
    tables = make_tables(records)
    assert sorted([line.recipe for line in table.lines] for table in tables) == [
        ["us"],
        ["vanilla"],
    ]
    for table in tables:
        (note,) = [note for note in table.notes if "not comparable" in note]
        assert note.endswith(said)


def test_the_same_data_under_another_name_share_a_table(make_record):
    records = [make_record(seed=0), make_record(seed=1, cell={"dataset": "folder:elsewhere"})]
    (table,) = make_tables(records)
    assert len(entries(table)["vanilla", 50].scores) == 2
    assert "the same data were also run as folder:elsewhere" in table.notes


def test_two_folders_with_the_same_last_component_have_different_titles(make_record):
    specs = [f"folder:/scans/{year}/images,majority=sound,minority=defect" for year in (24, 25)]
    cells = [{"dataset": spec, "fingerprint": str(place)} for place, spec in enumerate(specs)]
    tables = make_tables([make_record(cell=cell) for cell in cells])
    assert [table.title for table in tables] == [
        "24/images (sound, defect): F1 of the minority",
        "25/images (sound, defect): F1 of the minority",
    ]


def test_other_versions_of_a_part_are_another_row(make_record):
    records = [make_record("us", cell={"versions": {"us": v}}, score=v / 10) for v in (1, 2)]
    (table,) = make_tables(records)
    assert [line.title for line in table.lines] == ["US [us v1]", "US [us v2]"]
    assert [line.entries[0].mean for line in table.lines] == [0.1, 0.2]


def test_a_finished_record_wins_over_a_failed_one_of_the_same_cell(make_record):
    records = [make_record(score=None, status="failed"), make_record(score=0.5)]
    for order in (records, records[::-1]):
        (table,) = make_tables(order)
        assert entries(table)["vanilla", 50].scores == {0: 0.5}


def test_an_edited_record_is_flagged(make_record):
    forged = make_record("us", score=0.5).model_copy(update={"metrics": {"f1": 0.99}})
    (table,) = make_tables([make_record("vanilla"), forged])
    assert entries(table)["us", 50].notes == ("seed 0 edited after writing: the checksum is wrong",)
    (warning,) = [note for note in table.notes if note.startswith("WARNING")]
    assert forged.key in warning


def test_protocol_line(make_record):
    (table,) = make_tables([make_record(seed=seed) for seed in (0, 1, 2, 5)])
    assert table.protocol == (
        "majority 1000; test 120+140 (minority share 0.538); trivial F1 0.700, ACSA 0.500; "
        "cnn, 16 px; 200 steps of 64 images; seeds 0-2,5; data 0123456789ab"
    )
    assert table.trivial == pytest.approx(0.7)


def test_protocol_line_tells_what_was_done_to_the_pixels(make_record):
    notes = ["left out: 2 files", "rescaled: 3 images of more than 8 bits", "padded: 3 images"]
    (table,) = make_tables([make_record(seed=0), make_record(seed=1, data_notes=notes)])
    assert "; cnn, 16 px (padded, rescaled); " in table.protocol


def test_what_records_note_becomes_a_footnote_and_what_all_note_a_line(make_record):
    records = [
        make_record("vanilla", notes=["left out 2 leaks"]),
        make_record("smote", notes=["left out 2 leaks", "k lowered to 3"], images_skipped=4),
    ]
    (table,) = make_tables(records)
    assert entries(table)["vanilla", 50].notes == ()
    assert entries(table)["smote", 50].notes == (
        "k lowered to 3",
        "4 images left out (copies of test images, or undecodable)",
    )
    assert "every cell with a score: left out 2 leaks" in table.notes


def test_what_some_seeds_of_a_cell_note_says_how_many(make_record):
    records = [
        make_record("bsmote", seed=seed, notes=notes)
        for seed, notes in enumerate([["acts as SMOTE", "k lowered"], ["k lowered"], ["k lowered"]])
    ]
    records += [make_record("bsmote", seed=3, status="failed"), make_record("os", seed=0)]
    (table,) = make_tables(records)
    assert entries(table)["bsmote", 50].notes[1:] == ("in 1 of 3 seeds: acts as SMOTE", "k lowered")


def test_several_commits_and_devices_are_said(make_record):
    records = [
        make_record("vanilla", commit="a" * 40, environment={"device": "cpu"}),
        make_record("us", commit="b" * 40, environment={"device": "cuda"}),
    ]
    (table,) = make_tables(records)
    assert "records of 2 commits: aaaaaaaaaaaa, bbbbbbbbbbbb" in table.notes
    assert "records of 2 devices: cpu, cuda" in table.notes


def test_a_cell_that_ended_before_a_device_was_chosen_adds_none(make_record):
    tried = {"commit": "b" * 40, "environment": {"device": "auto"}}
    records = [
        make_record("vanilla", commit="a" * 40, environment={"device": "cpu"}),
        make_record("us", score=None, status="failed", **tried),
    ]
    (table,) = make_tables(records)
    assert not [note for note in table.notes if note.startswith("records of")]


def test_a_metric_that_was_not_recorded_is_computed_from_the_kept_outputs(make_record, tmp_path):
    plugin = tmp_path / "share.py"
    plugin.write_text(
        "def share(labels, proba):\n    return float((proba[:, 1] > 0.5).mean() + labels.sum())\n"
    )
    labels, proba = np.array([0, 1]), np.array([[0.25, 0.75], [0.25, 0.75]])
    kept = make_record("vanilla", scores=Scores.of(labels, np.log(proba), proba))
    (table,) = make_tables([kept, make_record("us")], [f"{plugin}:share"])
    found = entries(table)
    assert found["vanilla", 50].mean == 2.0
    assert (found["us", 50].mean, found["us", 50].mark) == (None, "n/a")
    assert "has no outputs" in found["us", 50].notes[0]


def test_a_metric_that_fails_or_is_not_finite_costs_its_cell_only(make_record, tmp_path):
    plugin = tmp_path / "bad.py"
    plugin.write_text(
        "def bad(labels, proba):\n    raise KeyError('weights')\n\n\n"
        "def nan(labels, proba):\n    return float('nan')\n"
    )
    kept = make_record(scores=Scores.of(np.array([0, 1]), np.eye(2), np.eye(2)))
    tables = make_tables([kept], ["f1", f"{plugin}:bad", f"{plugin}:nan"])
    assert [entries(table)["vanilla", 50].mean for table in tables] == [0.5, None, None]
    assert "KeyError: 'weights'" in entries(tables[1])["vanilla", 50].notes[0]
    assert "the score is nan" in entries(tables[2])["vanilla", 50].notes[0]
    assert tables[1].trivial is None


def test_lower_is_better_and_another_prior_are_said(make_record):
    records = [
        make_record(recipe, seed=s, score=None, metrics={"brier": score + s / 100})
        for recipe, score in (("vanilla", 0.2), ("us", 0.3))
        for s in (0, 1)
    ]
    (table,) = make_tables(records, ["brier"])
    assert entries(table)["vanilla", 50].bold
    assert not entries(table)["us", 50].bold
    assert table.notes[0].endswith("lower is better")
    assert any("another prior" in note for note in table.notes)


def test_an_unknown_metric_is_refused_with_the_nearest(make_record):
    with pytest.raises(UnknownName, match="did you mean acsa"):
        make_tables([make_record()], ["asca"])


def test_bold_is_the_best_mean_and_ties_are_all_bold():
    column = [{0: 0.1, 1: 0.3}, {0: 0.3, 1: 0.3}, {}, {0: 0.2, 1: 0.4}]
    assert choose_bold(column) == ([1, 3], ["bold: best mean of a column"])
    assert choose_bold(column, lower=True)[0] == [0]


def test_row_28_no_bold_for_one_method_or_one_seed():
    assert choose_bold([{0: 0.1, 1: 0.2}, {}]) == ([], ["no bold in a column with one method only"])
    assert choose_bold([{0: 0.1}, {0: 0.2}]) == ([], ["no bold in a column with one seed only"])
    assert choose_bold([{}, {}]) == ([], [])


def test_a_method_whose_hard_seed_failed_is_not_the_best():
    chosen, notes = choose_bold([{0: 0.5, 1: 0.3}, {0: 0.6}, {0: 0.4, 1: 0.2}])
    assert chosen == [0]
    assert "only methods with the most seeds of their column can be bold" in notes


def test_with_too_few_seeds_for_the_exact_test_nothing_is_called_worse():
    # After Holm over k rivals the least p is k / 2^(seeds - 1): 5 seeds 0.0625, 9 seeds and 13
    # rivals 0.0508.
    for seeds, rivals, needed in ((5, 1, 6), (6, 2, 7), (9, 13, 10)):
        far = [dict.fromkeys(range(seeds), 0.9), *[dict.fromkeys(range(seeds), 0.1)] * rivals]
        chosen, (note,) = choose_bold(far, rule="not-worse")
        assert chosen == [0]
        assert f"fewer than {needed} seeds no other method can be called worse" in note
        assert note.endswith(f"(Holm over {rivals})")
        enough = [dict.fromkeys(range(needed), scores[0]) for scores in far]
        chosen, (note,) = choose_bold(enough, rule="not-worse")
        assert chosen == [0]
        assert "sign-flip test over seeds, Holm over the column, 0.05" in note


def test_not_worse_keeps_what_the_paired_test_cannot_tell_apart():
    noise = [0.02, -0.01, 0.015, -0.02, 0.01, -0.005, 0.004]
    best = {s: 0.8 + 0.1 * s for s in range(7)}
    near = {s: best[s] - 0.001 + noise[s] for s in range(7)}
    far = {s: best[s] - 0.1 + noise[s] for s in range(7)}
    assert choose_bold([best, near, far], rule="not-worse")[0] == [0, 1]
    assert choose_bold([near, far, best], rule="not-worse", lower=True)[0] == [1]


def test_not_worse_corrects_for_the_number_of_rivals():
    # Of 2^7 sign flips of the rival's differences 4 are as far from 0, all but the smallest being
    # of one sign: p = 0.031, worse when it stands alone, not beside another.
    best = dict.fromkeys(range(7), 0.5)
    rival = dict(enumerate([0.5 - 0.01 * x for x in (-0.1, 1.0, 2.0, 1.3, 1.7, 0.8, 1.1)]))
    same = {s: 0.5 - 1e-6 * (-1) ** s - 1e-9 for s in range(7)}
    assert choose_bold([best, rival], rule="not-worse")[0] == [0]
    assert choose_bold([best, rival, same], rule="not-worse")[0] == [0, 1, 2]


def test_ranges():
    assert format_ranges([5, 0, 1, 2, 2]) == "0-2,5"
    assert format_ranges([]) == ""


def test_tables_of_several_minorities_say_where_the_classes_are(make_record):
    several = make_tables([make_record(test_counts=[50, 20, 30])])[0]
    assert "recall and F1 of each class, and confusion: `bench report --per-class`" in several.notes
    assert several.title == "digits: mean F1 of 2 minorities"
    assert "test 50+20+30 (minorities' share 0.500)" in several.protocol
    assert not any("--per-class" in note for note in make_tables([make_record()])[0].notes)
