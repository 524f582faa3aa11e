"""Two names of the same images and classes: their cells are one, and the plan says so."""

from __future__ import annotations

from in_process import bench_here

WORDS = ("--minority", "20", "--methods", "vanilla", "--seeds", "0-1", "--network", "linear")


def planned(folder, datasets):
    done = bench_here("run", "--datasets", datasets, *WORDS, "--dry-run", cwd=folder)
    assert done.returncode == 0, done.stderr
    return " ".join(done.stdout.split())


def test_the_plan_names_the_data_set_that_another_one_repeats(tmp_path):
    said = planned(tmp_path, "digits,digits:minority=8")
    assert "Plan 2 cells (2 of 4 left out)" in said
    assert (
        "digits:minority=8: the same images and classes as digits; a cell that both ask for is "
        "trained once" in said
    )


def test_other_classes_of_the_same_images_are_other_data(tmp_path):
    said = planned(tmp_path, "digits,digits:minority=3")
    assert "= 4 cells" in said
    assert "the same images" not in said
