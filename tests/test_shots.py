"""Counts of minority images: the grammar, what it comes to, and cells that hold it."""

from __future__ import annotations

import json

import numpy as np
import pytest

import imbench
from imbench.check.baseline import read_baseline
from imbench.check.sides import side_of
from imbench.check.update import baseline_of
from imbench.errors import UsageError
from imbench.images.subsets import check_counts, subset
from imbench.records.cell import Cell, Grid, Settings, expand
from imbench.records.export import load_results, to_csv
from imbench.records.floors import read_floors
from imbench.records.groups import group_records
from imbench.records.planned import read_plans
from imbench.records.record import SCHEMA, Record
from imbench.records.store import read_records
from imbench.records.upgrade import upgrade
from imbench.report.tables import make_tables
from imbench.runs.gridfile import GridFile
from imbench.runs.settling import GridOptions, settle_grid
from imbench.runs.shots import parse_shots, resolve_shots

CLASSES = ("ok", "crack", "soiling", "hot: spot")
AVAILABLE = (1000, 400, 100, 50)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("25,50", (25, 50)),
        ([25, "50"], (25, 50)),
        ("10-12", (10, 11, 12)),
        ("all", ("all",)),
        (
            "25, natural ,long-tail:100,long-tail:2.5",
            (25, "natural", "long-tail:100", "long-tail:2.5"),
        ),
        ("crack:200,soiling:50", ((("crack", 200), ("soiling", 50)),)),
        ("9,crack:200,soiling:50,natural", (9, (("crack", 200), ("soiling", 50)), "natural")),
        (
            "crack:200,soiling:50,crack:100,soiling:25",
            ((("crack", 200), ("soiling", 50)), (("crack", 100), ("soiling", 25))),
        ),
        (
            ["crack:200,soiling:50", "crack:9,soiling:9"],
            ((("crack", 200), ("soiling", 50)), (("crack", 9), ("soiling", 9))),
        ),
        ("hot: spot:7,a\\,b:8", ((("hot: spot", 7), ("a,b", 8)),)),
        ([{"crack": 200, "soiling": "50"}, 3], ((("crack", 200), ("soiling", 50)), 3)),
    ],
)
def test_what_minority_takes(given, expected):
    assert parse_shots(given) == expected


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("", "the list of minority counts is empty"),
        ("naturel", "'naturel' is not a whole number, a range like 10-12, all, natural"),
        ("1.5", "'1.5' is not a whole number"),
        ("long-tail", "is not a whole number"),
        ("long-tail:0.5", "no ratio of the largest class"),
        ("long-tail:nan", "no ratio of the largest class"),
        ("long-tail:many", "no ratio of the largest class"),
        ("crack:many", "images of 'crack': 'many' is not a whole number"),
        ("crack:1-3", "'crack' has one count, not 3"),
        ([None], "minority counts"),
    ],
)
def test_what_it_refuses_in_one_sentence(given, said):
    with pytest.raises(UsageError, match="minority counts") as caught:
        parse_shots(given)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("shots", "majority", "expected"),
    [
        (25, None, 25),
        ("all", None, (400, 100, 50)),
        ("all", 500, (400, 100, 50)),
        ("natural", None, (400, 100, 50)),
        ("natural", 500, (200, 50, 25)),
        ("natural", 10, (4, 2, 2)),  # rounded, and two at least
        ("long-tail:1000", None, (100, 10, 2)),
        ("long-tail:27", 900, (300, 100, 33)),
        ((("Soiling", 60), ("hot: spot", 50), ("crack", 70)), None, (70, 60, 50)),
        ((("crack", 50), ("soiling", 50), ("hot: spot", 50)), None, 50),
    ],
)
def test_counts_of_each_class(shots, majority, expected):
    assert resolve_shots(shots, AVAILABLE, CLASSES, majority) == expected


def test_a_long_tail_falls_exponentially_in_the_order_of_what_there_is():
    counts = resolve_shots("long-tail:100", (1000, 300, 30, 900, 90), tuple("abcde"))
    assert counts == (100, 10, 316, 32)  # 1000 times 100 to the -2/4, -4/4, -1/4, -3/4
    ratios = [counts[0] / counts[3], counts[2] / counts[0], counts[3] / counts[1]]
    assert ratios == pytest.approx([100**0.25] * 3, rel=0.02)


@pytest.mark.parametrize("shots", ["all", "natural"])
def test_two_classes_as_they_are_have_a_number_like_any_other(shots):
    assert resolve_shots(shots, (1000, 120), ("ok", "bad")) == 120


@pytest.mark.parametrize(
    ("shots", "said"),
    [
        (
            (("crack", 401), ("soiling", 9), ("hot: spot", 9)),
            "401 images of 'crack' are requested; the training set has 400",
        ),
        ((("crack", 9), ("soiling", 9)), "no count is given for hot: spot"),
        ((("crak", 9),), "'crak' is no minority class: there are crack, soiling, hot: spot"),
        ("long-tail:2", "takes 794 of 'crack', and the training set has 400: say --majority 101"),
    ],
)
def test_counts_that_cannot_be_are_refused(shots, said):
    with pytest.raises(UsageError) as caught:
        resolve_shots(shots, AVAILABLE, CLASSES)
    assert said in str(caught.value)


def test_the_majority_that_a_refusal_names_is_possible_and_the_largest():
    with pytest.raises(UsageError, match="--majority 101,"):
        resolve_shots("long-tail:2", AVAILABLE, CLASSES)
    assert resolve_shots("long-tail:2", AVAILABLE, CLASSES, 101) == (80, 64, 50)
    with pytest.raises(UsageError):
        resolve_shots("long-tail:2", AVAILABLE, CLASSES, 102)


LABELS = np.repeat(np.arange(3), [50, 30, 20])


def test_a_class_has_the_same_images_at_a_count_whatever_the_others_have():
    def rows(minority, label):
        chosen = subset(LABELS, minority=minority, majority=None, replicate=3)
        return set(chosen[LABELS[chosen] == label])

    assert rows((30, 10), 1) == rows((30, 20), 1)
    assert rows((30, 10), 2) == rows(10, 2)
    assert rows((10, 5), 1) < rows((20, 5), 1)  # nested
    assert len(rows((30, 10), 0)) == 50


@pytest.mark.parametrize(
    ("minority", "said"),
    [
        ((30, 21), "21 minority images are requested; the training set has 20"),
        ((1, 20), "a minority count of 1 is too small"),
        ((30, 20, 9), "3 minority counts are given for 2 minority classes"),
    ],
)
def test_subsets_that_cannot_be(minority, said):
    with pytest.raises(UsageError, match=said):
        check_counts(np.bincount(LABELS), minority=minority, majority=None)
    with pytest.raises(UsageError, match="exceed the 25 of the majority"):
        check_counts(np.bincount(LABELS), minority=(30, 20), majority=25)


OLD = {
    "dataset": "digits",
    "fingerprint": "0123456789abcdef",
    "minority": 50,
    "majority": None,
    "recipe": "us:rho=0.5+cs",
    "seed": 3,
    "settings": Settings().model_dump(),
    "versions": {"us": 1, "cs": 1},
    "protocol": 1,
}


def test_cells_of_one_count_keep_the_key_that_they_had():
    cell = Cell.model_validate(OLD)
    assert cell.key == "0e578f8592dc067b"
    assert cell.plain() == OLD
    other = cell.model_copy(update={"by_class": (50, 200)})
    assert other.key != cell.key
    assert Cell.model_validate_json(other.model_dump_json()) == other
    assert (cell.shots, other.shots) == (50, (50, 200))


def test_the_smallest_count_by_class_is_that_of_the_cell():
    with pytest.raises(ValueError, match="smallest"):
        Cell.model_validate({**OLD, "by_class": [60, 200]})


def test_records_of_the_schema_before_are_read_as_they_were(make_record):
    plain = make_record().plain()
    assert "by_class" not in plain["cell"]
    old = Record.model_validate(upgrade({**plain, "schema": 3}))
    assert old.schema_ == SCHEMA
    assert old.intact


def grid_of(options, **file):
    return settle_grid(
        GridFile.model_validate({"datasets": ["digits"], "seeds": [0], **file}),
        GridOptions(minority=options),
    )


def test_grid_files_and_options_take_them_all():
    assert grid_of(["natural,20"]).minority == {"digits": ("natural", 20)}
    table = {"digits": ["natural", {"crack": 9, "soiling": 4}], "cub": "all"}
    found = grid_of([], minority=table).minority["digits"]
    assert found == ("natural", (("crack", 9), ("soiling", 4)))
    grid = Grid.model_validate_json(json.dumps(grid_of(["natural"]).plain()))
    assert grid.minority == {"digits": ("natural",)}


def test_a_settled_grid_is_read_back_and_expands_to_cells_by_class():
    grid = grid_of(["20"]).model_copy(update={"minority": {"digits": (20, (30, 9))}})
    again = Grid.model_validate_json(json.dumps(grid.plain()))
    assert again == grid
    cells = expand(again, {"digits": "f" * 16}, {"vanilla": {}})
    assert [(cell.minority, cell.by_class) for cell in cells] == [(20, None), (9, (30, 9))]
    with pytest.raises(ValueError, match="not settled"):
        expand(grid_of(["natural"]), {"digits": "f" * 16}, {"vanilla": {}})


def test_counts_by_class_have_a_table_of_their_own_that_says_them(make_record):
    by_class = {"by_class": (50, 200)}
    records = [make_record(), make_record(cell=by_class), make_record("us", cell=by_class)]
    plain, own = make_tables(records)
    assert [len(table.lines) for table in (plain, own)] == [1, 2]
    assert own.protocol.startswith("majority 1000; minorities 50+200; ")
    assert own.group.label(50) == "50-200"
    assert any("minorities alike / 50+200" in note for note in own.notes)
    assert plain.group.code == group_records(records[:1])[0].code


def test_a_run_takes_the_data_as_they_are_and_goes_on_with_them(data_folder, tmp_path, jobs_here):
    data_folder(
        {
            f"{split}/{name}": count
            for split, counts in (
                ("train", {"a": 12, "b": 8, "c": 4}),
                ("test", dict.fromkeys("abc", 3)),
            )
            for name, count in counts.items()
        }
    )
    grid = {
        "datasets": "folder:pictures,majority=a,minority=b/c",
        "methods": "vanilla,os",
        "seeds": [0],
        "settings": {"network": "linear", "size": 8, "steps": 2},
        "data": tmp_path,
        "results": tmp_path / "results",
        "jobs": 1,
        "quiet": True,
    }
    frame = imbench.run(**grid, minority=["natural", {"b": 5, "C": 3}, 3], metrics=["f1"])
    assert set(zip(frame.minority, frame.by_class, strict=True)) == {
        (4, "8/4"),
        (3, "5/3"),
        (3, ""),
    }
    assert frame.value.notna().all()
    records = read_records(tmp_path / "results")
    assert {(one.cell.shots, tuple(one.train_counts)) for one in records} == {
        ((8, 4), (12, 8, 4)),
        ((5, 3), (12, 5, 3)),
        (3, (12, 3, 3)),
    }
    assert {one.cell.shots for one in read_floors(tmp_path / "results")} == {(8, 4), (5, 3), 3}
    plans = read_plans(tmp_path / "results")
    assert {cell.key for cell in plans.cells} == {one.key for one in records}
    before = {one.key: one.checksum for one in records}
    # The same counts in words of their own are the same cells.
    imbench.run(**grid, minority=["all", "b:5,c:3", "3"])
    assert {one.key: one.checksum for one in read_records(tmp_path / "results")} == before
    exported = tmp_path / "scores.csv"
    to_csv(exported, load_results(tmp_path / "results", ["f1"]))
    assert set(load_results(exported, ["f1"]).by_class) == {"8/4", "5/3", ""}
    older = exported.read_text().splitlines()
    exported.write_text("\n".join(line.rpartition(",")[0] for line in older) + "\n")
    assert set(load_results(exported, ["f1"]).by_class) == {""}
    side = side_of(records, ("f1",))
    path = tmp_path / "baseline.json"
    path.write_text(baseline_of(side, reason="a test", made="2020-01-01").text())
    assert read_baseline(path).side().runs.keys() == side.runs.keys()
    with pytest.raises(UsageError, match="9 images of 'b' are requested; the training set has 8"):
        imbench.run(**grid, minority=["b:9,c:3"])
