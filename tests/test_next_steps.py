"""What `bench run` offers to type next."""

from __future__ import annotations

from pathlib import Path

from imbench.commands.next_steps import next_lines

RESULTS = [Path("results")]


def test_nothing_is_said_of_no_record():
    assert next_lines([], RESULTS, "bench run") == []


def test_what_to_type_next(make_record):
    records = [
        make_record(recipe, 10, seed, 0.8) for recipe in ("vanilla", "os") for seed in (0, 1)
    ]
    command = "bench run quick --seeds 0-1 --force --out 'my results'"
    assert next_lines(records, [Path("my results")], command) == [
        "Next   bench report 'my results' --html  # the same on one page, with images and costs",
        "       bench run quick --out 'my results' --seeds 0-5  # 6 seeds, enough to call methods "
        "better",
        "       bench run --datasets folder:PATH,majority=ok,minority=defect --minority 25,50  "
        "# your own images: a folder for each class",
    ]


def test_what_is_there_already_is_not_advised(make_record):
    cell = {"dataset": "folder:mine,majority=a,minority=b"}
    enough = [
        make_record(recipe, 10, seed, 0.9, cell=cell)
        for recipe in ("vanilla", "os")
        for seed in range(6)
    ]
    assert len(next_lines(enough, RESULTS, "bench run")) == 1
    (_, more) = next_lines(enough[:1] + enough[6:7], RESULTS, "bench run --seeds=0 x.toml")
    assert more.strip().startswith("bench run x.toml --seeds 0-5  # ")
    assert len(next_lines(enough[:1], RESULTS, "bench run")) == 1, "one method needs no more"


def test_seeds_that_the_grid_leaves_out_are_not_advised(make_record):
    names = {"quick": range(6), "slow": range(2)}
    records = [
        make_record(recipe, 10, seed, 0.9, cell={"dataset": f"folder:{name},majority=a,minority=b"})
        for name, seeds in names.items()
        for recipe in ("vanilla", "os")
        for seed in seeds
    ]
    assert len(next_lines(records, RESULTS, "bench run grid.toml")) == 1


def test_stored_generators_are_to_be_looked_at(make_record):
    cell = {"dataset": "folder:mine,majority=a,minority=b"}
    records = [make_record(recipe, 10, 0, 0.9, cell=cell) for recipe in ("vanilla", "aug", "alt")]
    kept = [
        record.model_copy(update={"files": {"generator-1": "generators/1.pt"}})
        if record.cell.recipe != "vanilla"
        else record
        for record in records
    ]
    wanted = "bench generators 'my results'  # whether the images that ALT and AUG made are of"
    found = [line.strip() for line in next_lines(kept, [Path("my results")], "bench run")]
    assert [line for line in found if line.startswith(wanted)]
    assert "generators" not in "".join(next_lines(records, RESULTS, "bench run"))
