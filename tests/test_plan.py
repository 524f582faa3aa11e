"""What a run would do, from hand-made records and listings; nothing is trained here."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from imbench.errors import UnknownName, UsageError
from imbench.records.cell import Exclusion, Grid, Settings
from imbench.records.groups import format_ranges
from imbench.records.record import Scores
from imbench.records.store import Store
from imbench.runs.estimate import Costs
from imbench.runs.job import Outcome
from imbench.runs.plan import make_plan, recipes_of
from imbench.runs.plantext import (
    failure_line,
    grid_lines,
    in_order,
    plan_lines,
    seeds_lines,
)
from imbench.runs.sources import Source, find_sources
from imbench.training.recipe import PAPER_METHODS, parse_recipe

SETTINGS = Settings(network="cnn", size=16, steps=200)
PRINT = "0123456789abcdef"
FOUND = Source("digits", Path("decoded"), PRINT, (1000, 100), (120, 140))
"""A data set as `make_record` names it: 1000 and 100 images to train with."""
COST = {"prepare": 1.0, "fit": 9.0, "predict": 2.0, "peak_mb": 900.0, "steps": 200.0}


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "results")


def grid(**changes):
    body = {
        "datasets": ("digits",),
        "minority": {"digits": (50,)},
        "majority": {"digits": None},
        "methods": ("vanilla",),
        "seeds": (0,),
        "settings": SETTINGS,
    }
    return Grid(**{**body, **changes})


def plan_of(store, *, sources=FOUND, named=(), retry_failed=False, force=False, **changes):
    found = {source.dataset: source for source in np.atleast_1d(sources)}
    return make_plan(
        grid(**changes), store, found, named=named, retry_failed=retry_failed, force=force
    )


@pytest.fixture
def put(store, make_record):
    """Return a writer of the record of a cell as `plan_of` plans it."""

    def write(recipe, seed=0, *, minority=50, dataset="digits", fingerprint=PRINT, **fields):
        cell = {
            "dataset": dataset,
            "fingerprint": fingerprint,
            "settings": SETTINGS,
            "versions": parse_recipe(recipe).versions,
        }
        record = make_record(recipe, minority, seed, cell=cell, **fields)
        store.put(record)
        return record

    return write


def cells(given):
    return [(cell.recipe, cell.seed) for cell in given]


# States


def test_cells_are_done_failed_or_to_run(store, put):
    put("us", 0)
    put("us", 1, score=None, status="failed", reason="boom")
    put("cs", 0, score=None, status="timeout")
    put("cs", 1)
    put("os", 0)
    plan = plan_of(store, methods=("vanilla", "us", "cs"), seeds=(0, 1))
    assert cells(plan.done) == [("us", 0), ("cs", 1)]
    assert [(e.cell.recipe, e.cell.seed, e.status, e.reason) for e in plan.failed] == [
        ("us", 1, "failed", "boom"),
        ("cs", 0, "timeout", ""),
    ]
    assert cells(plan.to_run) == [("vanilla", 0), ("vanilla", 1)]
    assert len(plan.cells) == 6
    assert [(job.training.recipe, job.training.seed) for job in plan.jobs] == [
        ("vanilla", 0),
        ("vanilla", 1),
    ]
    assert all(job.context.results == store.folder and job.stale == {} for job in plan.jobs)


@pytest.mark.parametrize("status", ["failed", "diverged", "timeout", "crashed", "memory"])
def test_whatever_failed_is_run_again_if_asked(store, put, status):
    done, bad = put("us"), put("cs", score=None, status=status)
    plan = plan_of(store, methods=("us", "cs"), retry_failed=True)
    assert (cells(plan.done), plan.failed, cells(plan.to_run)) == ([("us", 0)], (), [("cs", 0)])
    (job,) = plan.jobs
    assert job.stale == {bad.key: bad.checksum}
    assert done.key not in job.stale


def test_everything_is_run_again_if_forced(store, put):
    records = [put("vanilla"), put("ts"), put("us", score=None, status="failed")]
    plan = plan_of(store, methods=("vanilla", "ts", "us"), force=True)
    assert (plan.done, plan.failed) == ((), ())
    assert cells(plan.to_run) == [("vanilla", 0), ("ts", 0), ("us", 0)]
    assert {k: v for job in plan.jobs for k, v in job.stale.items()} == {
        record.key: record.checksum for record in records
    }
    assert [job.outputs for job in plan.jobs] == [None, None], "nothing kept is used"
    assert plan.trainings == 2


def test_a_record_of_other_data_settings_or_versions_is_another_cell(store, put, make_record):
    put("us", fingerprint="f" * 16)
    store.put(make_record("us", cell={"settings": Settings(steps=9), "versions": {"us": 1}}))
    store.put(make_record("us", cell={"versions": {"us": 77}}))
    assert cells(plan_of(store, methods=("us",)).to_run) == [("us", 0)]


def test_the_same_data_under_another_name_are_done(store, put):
    put("us", dataset="folder:elsewhere")
    plan = plan_of(store, methods=("us",))
    assert (cells(plan.done), plan.jobs) == ([("us", 0)], ())


@pytest.mark.parametrize("again", ["retry_failed", "force"])
def test_what_failed_under_two_names_is_run_again_under_the_one_asked_for(store, put, again):
    # A worker takes a record with another checksum than the plan's for another run's.
    here = put("us", score=None, status="failed", reason="here")
    there = put("us", dataset="folder:z", score=None, status="failed", reason="there")
    assert here.key == there.key
    for record in (here, there):
        name = record.cell.dataset
        plan = plan_of(
            store,
            sources=replace(FOUND, dataset=name),
            datasets=(name,),
            minority={name: (50,)},
            methods=("us",),
            **{again: True},
        )
        (job,) = plan.jobs
        assert job.stale == {record.key: record.checksum}


def test_a_record_under_another_name_is_not_what_is_replaced(store, put):
    put("us", dataset="folder:z", score=None, status="failed")
    (job,) = plan_of(store, methods=("us",), retry_failed=True).jobs
    assert job.stale == {}


def test_row_09_a_damaged_record_is_recomputed(store, put):
    path = store.path(put("us").cell)
    path.write_bytes(path.read_bytes()[:100])
    looked_at = plan_of(store, methods=("us",))
    assert path.exists()
    own = Store(store.folder, own=True)
    plan = plan_of(own, methods=("us",))
    assert cells(plan.to_run) == cells(looked_at.to_run) == [("us", 0)]
    assert not path.exists()
    assert len(own.quarantined) == 1


def test_exclusions_are_left_out(store):
    rules = (Exclusion(method="us"), Exclusion(seed=(1,)))
    plan = plan_of(store, methods=("vanilla", "us"), seeds=(0, 1), exclude=rules)
    assert cells(plan.cells) == [("vanilla", 0)]


def test_a_grid_of_nothing_is_refused(store):
    with pytest.raises(UsageError, match="no cell left: everything is excluded"):
        plan_of(store, exclude=(Exclusion(),))


# What is shared


def test_threshold_scaling_costs_no_training(store):
    plan = plan_of(store, methods=("ts", "vanilla", "us+ts", "us"), seeds=(0,))
    assert [(job.training.recipe, cells(job.cells)) for job in plan.jobs] == [
        ("vanilla", [("vanilla", 0), ("ts", 0)]),
        ("us", [("us", 0), ("us+ts", 0)]),
    ]
    assert plan.trainings == 2
    assert len(plan.to_run) == 4


def test_threshold_scaling_alone_trains_vanilla_once(store):
    (job,) = plan_of(store, methods=("ts",)).jobs
    assert (job.training.recipe, job.training.versions) == ("vanilla", {})
    assert cells(job.cells) == [("ts", 0)]
    assert job.key == plan_of(store).jobs[0].key


@pytest.mark.parametrize(("done", "new"), [("vanilla", "ts"), ("ts", "vanilla")])
def test_outputs_that_a_record_keeps_need_no_training(store, put, done, new):
    record = put(done, cost=COST)
    plan = plan_of(store, methods=("vanilla", "ts"))
    assert (cells(plan.done), cells(plan.to_run)) == ([(done, 0)], [(new, 0)])
    (job,) = plan.jobs
    assert job.outputs == store.path(record.cell)
    assert plan.trainings == 0
    assert plan.estimate.seconds == 0


def test_vanilla_of_an_earlier_grid_serves_too(store, put):
    record = put("vanilla")
    plan = plan_of(store, methods=("ts",))
    assert plan.jobs[0].outputs == store.path(record.cell)
    assert plan.trainings == 0


def test_a_failed_training_keeps_no_outputs(store, put):
    put("vanilla", score=None, status="diverged")
    plan = plan_of(store, methods=("vanilla", "ts"))
    assert [job.outputs for job in plan.jobs] == [None]
    assert plan.trainings == 1
    assert cells(plan.to_run) == [("ts", 0)]


def test_the_first_replicate_of_everything_comes_first(store):
    plan = plan_of(store, methods=("vanilla", "us", "cs"), seeds=(2, 0, 1))
    assert [(job.training.seed, job.training.recipe) for job in plan.jobs] == [
        (seed, recipe) for seed in (0, 1, 2) for recipe in ("vanilla", "us", "cs")
    ]


# Counts that cannot be had


@pytest.mark.parametrize(
    ("source", "minority", "majority", "says"),
    [
        (FOUND, 101, None, "101 minority images are requested; the training set has 100"),
        (FOUND, 0, None, "a minority count of 0 is too small; at least 2 are needed"),
        (FOUND, 1, None, "a minority count of 1 is too small; at least 2 are needed"),
        (FOUND, 50, 1001, "1001 majority images are requested; 2 to 1000 are possible"),
        (FOUND, 50, 0, "0 majority images are requested; 2 to 1000 are possible"),
        (FOUND, 50, 40, "50 minority images exceed the 40 of the majority"),
        (replace(FOUND, train_counts=(1000,)), 50, None, "a class is missing"),
        (replace(FOUND, train_counts=(1000, 0)), 50, None, "a class is missing"),
        (
            replace(FOUND, train_counts=(1000, 100, 49), test_counts=(9, 9, 9)),
            *(50, None),
            "50 minority images are requested; the training set has 49",
        ),
        (
            replace(FOUND, test_counts=(120, 0)),
            *(50, None),
            r"test images per class are \[120, 0\]: a class is missing",
        ),
        (replace(FOUND, test_counts=(120,)), 50, None, r"per class are \[120\]: a class is"),
        (replace(FOUND, test_counts=()), 50, None, "a class is missing"),
    ],
)
def test_row_19_what_the_data_cannot_give_is_refused_naming_the_cell(
    store, source, minority, majority, says
):
    counts = (
        {"digits": (10, minority)} if "of the majority" not in says else {"digits": (minority,)}
    )
    with pytest.raises(UsageError, match=says) as raised:
        plan_of(store, sources=source, minority=counts, majority={"digits": majority})
    assert str(raised.value).startswith("digits at minority count ")
    assert raised.value.exit_code == 2
    assert not store.folder.exists()


def test_the_largest_and_the_smallest_counts_are_possible(store):
    for minority, majority in ((100, None), (2, None), (50, 50), (2, 2), (100, 1000)):
        plan = plan_of(store, minority={"digits": (minority,)}, majority={"digits": majority})
        assert len(plan.to_run) == 1


def test_an_excluded_cell_may_be_impossible(store):
    rules = (Exclusion(minority=(101,)),)
    plan = plan_of(store, minority={"digits": (50, 101)}, exclude=rules)
    assert [cell.minority for cell in plan.cells] == [50]


@pytest.mark.parametrize(
    ("counts", "says"),
    [
        ({"train/cat": 4, "train/dog": 3, "test/cat": 2}, "no test image of class 'dog'"),
        ({"train/cat": 4, "test/cat": 2, "test/dog": 2}, "no training image of class 'dog'"),
    ],
)
def test_row_19_images_that_lack_a_class_are_refused_naming_the_data_set(
    data_folder, tmp_path, store, counts, says
):
    spec = f"folder:{data_folder(counts)}"
    asked = grid(datasets=(spec,), minority={spec: (2,)}, majority={}, settings=Settings(size=8))
    sources = find_sources(asked, root=tmp_path)
    plan = make_plan(asked, store, sources)
    (absent,) = plan.absent
    assert absent.fault.startswith(f"{spec} has {says}")
    assert plan.cells == []


def test_row_19_images_of_one_class_are_refused_naming_the_data_set(data_folder, tmp_path):
    spec = f"folder:{data_folder({'train/cat': 4, 'test/cat': 2})}"
    asked = grid(datasets=(spec,), minority={spec: (2,)}, majority={})
    with pytest.raises(UsageError, match="has one class, 'cat'; two are needed") as raised:
        find_sources(asked, root=tmp_path)
    assert spec in str(raised.value)


# Data that are there, or not


def test_sources_are_decoded_and_counted(tmp_path, data_folder, store):
    folder = data_folder({"train/cat": 6, "train/dog": 4, "test/cat": 3, "test/dog": 2})
    (folder / "train" / "cat" / "bad.png").write_bytes(b"\x89PNG cut off")
    spec = f"folder:{folder}"
    asked = grid(
        datasets=(spec, "cub"),
        minority={spec: (4,), "cub": (5,)},
        majority={},
        settings=Settings(size=8),
    )
    stopped = find_sources(asked, root=tmp_path)
    assert "bad.png" in stopped[spec].fault
    sources = find_sources(asked, root=tmp_path, bad_images="skip")
    found, missing = sources[spec], sources["cub"]
    assert (found.train_counts, found.test_counts, found.skipped) == ((6, 4), (3, 2), 1)
    assert found.fault == ""
    assert (found.folder / "pixels.npy").is_file()
    assert missing.folder is None
    assert "cub" in missing.fault
    plan = make_plan(asked, store, sources)
    assert [source.dataset for source in plan.absent] == ["cub"]
    assert {cell.dataset for cell in plan.cells} == {spec}
    assert plan.cells[0].fingerprint == found.fingerprint
    assert (plan.jobs[0].data, plan.jobs[0].skipped) == (found.folder, 1)
    lines = plan_lines(plan, 1)
    assert lines[1].endswith("    pictures found    cub missing")
    assert missing.fault not in lines, "the error that ends the run says it"
    alone = grid(datasets=("cub",), minority={"cub": (5,)}, majority={})
    nothing = make_plan(alone, store, {"cub": missing})
    told = plan_lines(nothing, 1)
    assert told[0] == "Plan  no cell can be counted while its data are missing"
    assert told[1].endswith("free    cub missing")
    assert "nothing to do" not in "".join(told)


# Methods that do not exist yet


@pytest.fixture
def unborn(monkeypatch):
    """Let the paper's table have one method more, of which there is no part."""
    monkeypatch.setattr("imbench.runs.plan.PAPER_METHODS", (*PAPER_METHODS, "unborn"))
    return "unborn"


def test_a_method_of_the_paper_that_does_not_exist_is_missing_but_not_fatal(store, unborn):
    plan = plan_of(store, methods=("vanilla", unborn, "us"))
    assert plan.missing == (unborn,)
    assert cells(plan.to_run) == [("vanilla", 0), ("us", 0)]
    assert "      missing: unborn (part not available)" in plan_lines(plan, 1)


def test_a_method_that_the_user_named_has_to_exist(store, unborn):
    with pytest.raises(UnknownName, match="unknown method 'unborn'"):
        plan_of(store, methods=("vanilla", unborn), named={unborn})
    with pytest.raises(UnknownName, match="did you mean smote"):
        plan_of(store, methods=("vanilla", "somte"))
    with pytest.raises(UnknownName, match="unknown method 'unborn'"):
        plan_of(store, methods=(f"{unborn}+cs",))


def test_a_grid_whose_methods_all_do_not_exist_is_refused(store, unborn):
    with pytest.raises(UsageError, match="or no method exists"):
        plan_of(store, methods=(unborn,))


def test_recipes_merge_however_they_are_written():
    recipes, missing = recipes_of(["cs", " cs ", "cbl:0.9", "cbl:beta=0.90", "vanilla"])
    assert (list(recipes), missing) == (["cs", "cbl:beta=0.9", "vanilla"], ())


def test_every_method_of_the_paper_exists_or_is_said_to_be_missing():
    recipes, missing = recipes_of(PAPER_METHODS)
    assert [*recipes, *missing] == [*(m for m in PAPER_METHODS if m not in missing), *missing]
    assert set(missing) <= {"alt", "aug"}


# Space


@pytest.mark.parametrize("classes", [2, 5])
def test_space_is_that_of_the_records(store, put, classes):
    tests = 300
    source = replace(
        FOUND,
        train_counts=(1000,) + (100,) * (classes - 1),
        test_counts=(tests // classes,) * classes,
    )
    needed = plan_of(store, sources=source, seeds=(0, 1)).bytes_needed
    rng = np.random.default_rng(0)
    outputs = rng.normal(size=(tests, classes))
    kept = Scores.of(rng.integers(0, classes, tests), outputs, outputs)
    metrics = {f"metric_{number}": float(rng.normal()) for number in range(14)}
    written = sum(
        store.path(put("vanilla", seed, scores=kept, metrics=metrics).cell).stat().st_size
        for seed in (0, 1)
    )
    assert written <= needed <= 1.5 * written


def test_the_free_space_is_that_of_the_place_even_if_it_is_not_made_yet(store, tmp_path):
    usage = shutil.disk_usage(tmp_path)
    assert 0 < plan_of(store).bytes_free <= usage.total
    (tmp_path / "file").write_text("")
    assert plan_of(Store(tmp_path / "file" / "results")).bytes_free > 0
    assert not store.folder.exists(), "a plan leaves nothing behind"


# In words


def test_the_plan_in_words(store, put):
    put("us", 0, cost=COST)
    put("us", 1, score=None, status="failed")
    plan = plan_of(store, methods=("vanilla", "ts", "us"), seeds=(0, 1, 2))
    plan = replace(plan, bytes_free=75_400_000_000)
    assert plan_lines(plan, 2) == [
        "Plan  1 data set x 1 minority count x 3 methods x 3 seeds = 9 cells: "
        "1 done, 1 failed before, 7 to run (4 trainings)",
        "      about 24 s on 2 workers    disk 0.000 GB of 75 free    digits found",
        "      3 seeds: differences can be described, not established; 6 are needed for a pair of "
        "methods; 7 for one method against 2 others",
    ]
    twice = plan_lines(plan_of(store, methods=("cs", "cs+ts"), seeds=(0,)), 1)
    assert [line for line in twice if "twice" in line] == [
        "      cs+ts: cs and ts each correct for the same imbalance, so it is corrected twice: "
        "mean it, or leave one out"
    ]
    big = replace(plan, bytes_needed=234_000_000, costs=Costs())
    assert plan_lines(big, 1)[1].startswith(
        "      time not known before the first cells end, on 1 worker    disk 0.2 GB of 75 free"
    )


@pytest.mark.parametrize(
    ("seeds", "methods", "expected"),
    [
        (5, 1, []),
        (
            1,
            2,
            [
                "1 seed: differences can be described, not established; 6 are needed for a pair of "
                "methods"
            ],
        ),
        (6, 2, ["6 seeds: enough to establish any difference of two methods"]),
        (
            6,
            14,
            [
                "6 seeds: enough to establish a difference of two; 10 for one method against 13 "
                "others"
            ],
        ),
        (10, 14, ["10 seeds: enough to establish any difference of two methods"]),
    ],
)
def test_the_plan_says_how_many_seeds_a_comparison_needs(seeds, methods, expected):
    assert seeds_lines(seeds, methods) == expected


def test_a_plan_of_what_is_done_says_so(store, put):
    put("vanilla")
    lines = plan_lines(plan_of(store), 1)
    assert lines[0] == (
        "Plan  1 data set x 1 minority count x 1 method x 1 seed = 1 cell: "
        "1 done, 0 to run (0 trainings)"
    )
    assert lines[1].startswith("      nothing to do    disk ")


def test_a_plan_that_is_no_product_says_what_is_left_out(store):
    plan = plan_of(store, methods=("vanilla", "us"), seeds=(0, 1), exclude=(Exclusion(seed=(1,)),))
    assert plan_lines(plan, 1)[0] == "Plan  2 cells (2 of 4 left out): 2 to run (2 trainings)"
    two = (FOUND, replace(FOUND, dataset="cub", fingerprint="f" * 16))
    uneven = plan_of(
        store,
        sources=two,
        datasets=("digits", "cub"),
        minority={"digits": (10, 20), "cub": (10,)},
        majority={},
    )
    assert plan_lines(uneven, 1)[0] == "Plan  3 cells: 3 to run (3 trainings)"


def test_a_grid_in_words():
    asked = grid(
        name="mine",
        datasets=("digits", "cub"),
        minority={"digits": (10, 20), "cub": (5,)},
        majority={"digits": 100, "cub": None},
        methods=("vanilla", "us+cs"),
        seeds=(0, 1, 2, 7),
        exclude=(
            Exclusion(dataset="cub", seed=(0, 1)),
            Exclusion(method="us+cs", dataset="digits"),
            Exclusion(method="us"),
            Exclusion(dataset="rbc"),
            Exclusion(dataset="cub", seed=(3, 4)),
        ),
    )
    assert grid_lines(asked) == [
        "Grid  mine: digits (minority 10,20; majority 100)  cub (minority 5; majority all)",
        "      methods vanilla us+cs",
        "      seeds 0-2,7",
        "      network=cnn  size=16  steps=200  batch_size=64  lr=0.05  momentum=0.9  "
        "weight_decay=0.0002  warmup=0.05  augment=flip+crop  threads=1",
        "      without dataset=cub,seed=0-1",
        "      without dataset=digits,method=us+cs",
    ], "those that leave out nothing that was asked for are not told"


def test_a_failure_in_words(make_record):
    cell = make_record("us+cs", seed=3).cell
    ended = Outcome(cell, "timeout", "not finished after 5 s", "digits/50/us+cs/3-ab.log")
    assert failure_line(ended, "out") == (
        " TIMEOUT  digits-50  us+cs  seed 3  not finished after 5 s  out/digits/50/us+cs/3-ab.log"
    )
    assert failure_line(replace(ended, log=""), "out").endswith("not finished after 5 s")


@pytest.mark.parametrize(
    ("numbers", "text"),
    [((), ""), ((3,), "3"), ((0, 1), "0-1"), ((0, 1, 2, 5, 7, 8), "0-2,5,7-8"), ((2, 1), "1-2")],
)
def test_ranges_in_words(numbers, text):
    from imbench.lists import parse_integers

    assert format_ranges(numbers) == text
    if numbers:
        assert parse_integers(text, "seeds") == tuple(sorted(numbers))


def test_rows_stand_in_the_papers_order():
    rows = {("b", "us"): 1, ("a", "zzz"): 2, ("a", "us"): 3, ("a", "vanilla"): 4, ("a", "aaa"): 5}
    assert [key for key, _ in in_order(rows)] == [
        *[("a", "vanilla"), ("a", "us"), ("a", "aaa"), ("a", "zzz")],
        ("b", "us"),
    ]


def test_the_plan_names_test_sets_in_which_one_image_moves_f1(store):
    few = replace(FOUND, test_counts=(120, 25))
    (said,) = [line.strip() for line in plan_lines(plan_of(store, sources=few), 1) if "F1" in line]
    assert said == (
        "digits: one test image moves F1 by about 0.029 (25 test images of the smallest minority), "
        "so take no smaller difference for one of methods"
    )
    assert not any("moves F1" in line for line in plan_lines(plan_of(store), 1))
    absent = Source("digits", fault="is not there")
    assert not any("moves F1" in line for line in plan_lines(plan_of(store, sources=absent), 1))
