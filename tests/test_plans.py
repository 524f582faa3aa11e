"""Plans of runs that share a results folder: they add up, and none is lost or passed over."""

from __future__ import annotations

import errno
import json
import os
import re
from pathlib import Path

import pytest
from bench_process import RAISES, started
from in_process import bench_here
from waiting import GATE, until

from imbench.commands.cli import exit_code
from imbench.errors import UsageError
from imbench.records import planned
from imbench.records.cell import Grid, Settings
from imbench.records.ownership import refuse_foreign
from imbench.records.planned import SCHEMA, Plans, read_plans, write_plan
from imbench.records.store import Store
from imbench.report.plan_notes import plan_notes

TINY = ("--datasets", "digits", "--size", "8", "--network", "linear", "--steps", "2", "--jobs", "1")


def ended(folder, *words):
    done = bench_here(*words, cwd=folder)
    return done.returncode, done.stdout, done.stderr


def page(folder):
    assert ended(folder, "report", "--html", "page.html", "--images", "0")[0] == 0
    text = (folder / "page.html").read_text()
    return " ".join(re.sub("<[^>]+>", " ", text[text.index('id="failures-title"') :]).split())


@pytest.fixture(scope="module")
def two_runs(tmp_path_factory):
    """Look at two runs into one folder while both wait, after the second's end, and at the end."""
    folder = tmp_path_factory.mktemp("two")
    (folder / "parts.py").write_text(GATE)
    words = ("--minority", "20", "--seeds", "0-3", "--methods", "vanilla,parts.py:Gate")
    others = ("--minority", "30", "--seeds", "5", "--methods", "parts.py:Gate,os")
    looks = []
    with started(folder, "run", *TINY, *words) as first:
        try:
            until(lambda: any(folder.glob("begun/0-*")))
            with started(folder, "run", *TINY, *others) as second:
                until(lambda: any(folder.glob("begun/5-*")))
                looks.append((ended(folder, "status"), page(folder)))
                (folder / "open").touch()
                assert second.wait(240) == 0
            assert first.wait(240) == 0
        finally:
            (folder / "open").touch()
    looks.append((ended(folder, "status"), page(folder)))
    return folder, looks


@pytest.mark.slow
def test_cells_of_two_runs_at_once_are_counted_together(two_runs):
    _, [((code, out, err), shown), _] = two_runs
    assert (code, err) == (0, "")
    counts = re.search(r"^(\d) done, 0 failed, 2 running, (\d) missing", out, flags=re.MULTILINE)
    assert counts, out
    assert sum(map(int, counts.groups())) == 8 + 2 - 2
    to_go = [line for line in out.splitlines() if line.startswith(" TO GO ")]
    assert [re.search(r"(\d+) cells of `bench run .*--minority (\d+)", line)[1] for line in to_go]
    assert {re.search(r"of (\d+) cells .*--minority (\d+)", line).groups() for line in to_go} == {
        ("8", "20"),
        ("2", "30"),
    }
    assert "Every planned cell" not in shown
    assert "30 5 not run planned, and no run has done it yet" in shown, "the second run's os"


@pytest.mark.slow
def test_two_finished_runs_leave_nothing_to_go(two_runs):
    folder, [_, ((code, out, _), shown)] = two_runs
    assert code == 0
    assert "10 done, 0 failed, 0 running, 0 missing\n" in out
    assert "TO GO" not in out
    assert "Every planned cell has a score." in shown
    assert len(list((folder / "results/plans").iterdir())) == 2


def test_a_run_that_asks_for_less_hides_nothing_of_the_one_before(tmp_path, jobs_here):
    (tmp_path / "parts.py").write_text(RAISES)
    words = ("run", *TINY, "--minority", "20", "--methods")
    code, _, _ = ended(tmp_path, *words, "parts.py:Raises,vanilla", "--seeds", "0-1", "--fail-fast")
    assert code == 1
    for _ in range(2):  # the same run again has the same plan
        assert ended(tmp_path, *words, "vanilla", "--seeds", "0")[0] == 0
    code, out, _ = ended(tmp_path, "status")
    assert (code, "1 done, 1 failed, 0 running, 2 missing" in out) == (0, True)
    (line,) = (line for line in out.splitlines() if line.startswith(" TO GO "))
    assert line.startswith(" TO GO  2 of 4 cells of `bench run ")
    name = re.search(r"delete (results/plans/\w+\.json)$", line)[1]
    (tmp_path / name).unlink()
    _, out, _ = ended(tmp_path, "status")
    assert "1 done, 1 failed, 0 running, 0 missing" in out
    assert "TO GO" not in out


def grid(seeds, **fields):
    given = {
        "datasets": ("digits",),
        "minority": {"digits": (9,)},
        "majority": {"digits": None},
        "methods": ("vanilla", "aug"),
        "settings": Settings(size=8),
    }
    return Grid(**(given | {"seeds": seeds} | fields))


def plan(folder, seeds, *, version=1, data="0", command="bench run", **fields):
    return write_plan(
        folder,
        grid(seeds, **fields),
        fingerprints={"digits": data},
        recipes={"vanilla": {"vanilla": version}},
        missing=("aug",),
        command=command,
    )


def test_plans_add_up_and_cells_that_two_share_count_once(tmp_path):
    assert read_plans(tmp_path) == Plans()
    plan(tmp_path, (0, 1))
    plan(tmp_path, (1, 2))
    plans = read_plans(tmp_path)
    assert sorted(cell.seed for cell in plans.cells) == [0, 1, 2]
    assert (plans.missing, plans.faults, len(plans.runs)) == (("aug",), (), 2)


def test_the_same_grid_and_data_have_one_plan_with_the_versions_of_the_last_start(tmp_path):
    old = plan(tmp_path, (0,))
    new = plan(tmp_path, (0,), version=2, command="bench run --jobs 2")
    assert old == new
    (run,) = read_plans(tmp_path).runs
    assert [cell.versions for cell in run.cells] == [{"vanilla": 2}]
    assert (run.command, run.path) == ("bench run --jobs 2", new)
    assert plan(tmp_path, (0,), data="1") != new, "other data are other cells"


def test_the_one_plan_of_an_earlier_version_is_read_until_it_is_written_anew(tmp_path):
    written = plan(tmp_path, (0, 1))
    old = written.rename(tmp_path / "grid.json")
    assert [run.path for run in read_plans(tmp_path).runs] == [old]
    plan(tmp_path, (2,))
    assert sorted(cell.seed for cell in read_plans(tmp_path).cells) == [0, 1, 2]
    plan(tmp_path, (0, 1), version=2)
    assert {cell.versions["vanilla"] for cell in read_plans(tmp_path).cells} == {1, 2}
    assert old not in [run.path for run in read_plans(tmp_path).runs]


def test_a_folder_with_nothing_but_the_plan_of_an_earlier_version_is_ours(tmp_path):
    plan(tmp_path, (0,)).rename(tmp_path / "grid.json")
    (tmp_path / "plans").rmdir()
    refuse_foreign(tmp_path)
    (tmp_path / "grid.json").write_text("{}")
    with pytest.raises(UsageError, match="no run wrote"):
        refuse_foreign(tmp_path)


def damaged(text, **changes):
    return json.dumps(json.loads(text) | changes)


BROKEN = {
    "empty": lambda text: "",
    "cut off": lambda text: text[:200],
    "a list": lambda text: "[]",
    "nothing": lambda text: "null",
    "deep": lambda text: "[" * 100_000,
    "not a grid": lambda text: damaged(text, grid={"datasets": 3}),
    "no counts": lambda text: text.replace('"minority": {\n   "digits"', '"minority": {\n   "d"'),
    "no schema": lambda text: damaged(text, schema=None),
}


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("old", [False, True], ids=["new", "old"])
def test_a_damaged_plan_is_named_beside_the_others(tmp_path, name, old):
    path = plan(tmp_path, (0,))
    text = BROKEN[name](path.read_text())
    assert text != path.read_text()
    if old:
        path = path.rename(tmp_path / "grid.json")
    path.write_text(text)
    plan(tmp_path, (5,))
    plans = read_plans(tmp_path)
    assert [cell.seed for cell in plans.cells] == [5]
    assert plans.faults == (
        f"{path} is damaged, so cells that it asked for and nobody ran are not counted: start "
        "that run again, and delete the file if this is still said",
    )


def test_a_plan_of_a_newer_version_is_named(tmp_path):
    path = plan(tmp_path, (0,))
    path.write_text(damaged(path.read_text(), schema=SCHEMA + 1))
    assert read_plans(tmp_path).faults == (
        f"{path} is the plan of a newer imbench, so cells that it asked for and nobody ran are not "
        "counted: update imbench",
    )


@pytest.mark.parametrize("what", ["iterdir", "read_bytes"])
def test_a_plan_that_may_not_be_read_is_named(tmp_path, monkeypatch, what):
    path = plan(tmp_path, (0,))

    def refuse(*_arguments, **_options):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path if what == "iterdir" else planned, what, refuse)
    (fault,) = read_plans(tmp_path).faults
    named = path.parent if what == "iterdir" else path
    assert fault.startswith(f"{named} cannot be read (Permission denied), so cells that it asked")


def test_what_others_put_beside_plans_is_no_plan(tmp_path):
    folder = plan(tmp_path, (0,)).parent
    (folder / "mine.json").write_text("{")
    (folder / f"{0:016x}.json").mkdir()
    os.mkfifo(folder / f"{1:016x}.json")
    plans = read_plans(tmp_path)
    assert (len(plans.runs), plans.faults) == (1, ())


@pytest.fixture
def faulty(tmp_path, make_record):
    """Return a folder with a record and a damaged plan."""
    Store(tmp_path / "results").put(make_record("vanilla", 9))
    path = plan(tmp_path / "results", (0,))
    path.write_text("{")
    return tmp_path / "results"


def call(capfd, *words):
    code = exit_code([str(word) for word in words])
    return code, *capfd.readouterr()


@pytest.mark.parametrize("form", ["", "markdown", "json", "latex", "macros", "csv", "html"])
def test_every_report_says_that_a_plan_cannot_be_read(faulty, capfd, form):
    options = (f"--{form}", "-") if form == "html" else (f"--{form}",) if form else ()
    code, out, err = call(capfd, "report", faulty, *options)
    said = " ".join((err if form == "csv" else out).replace("\\", "").split())
    assert code == 0
    assert "is damaged, so cells that it asked for and nobody ran are not counted" in said
    assert "has a score." not in said


def test_comparisons_and_status_say_that_a_plan_cannot_be_read(faulty, make_record, capfd):
    Store(faulty).put(make_record("cs", 9))
    for words in (("report", faulty, "--compare", "vanilla,cs"), ("status", faulty)):
        code, out, _ = call(capfd, *words)
        assert (code, "is damaged, so cells" in " ".join(out.split())) == (0, True)


def test_a_folder_with_nothing_but_a_damaged_plan_is_nothing_comparable(tmp_path, capfd):
    plan(tmp_path, (0,)).write_text("{")
    code, out, err = call(capfd, "status", tmp_path)
    assert (code, out) == (3, "")
    assert "is damaged" in err


def test_cells_of_data_without_any_record_are_named(tmp_path, make_record):
    record = make_record("vanilla", 9)
    plan(tmp_path, (0, 1, 2))
    assert plan_notes(read_plans(tmp_path), [record]) == (
        "3 planned cells of digits stand in no table, for none with the same data and settings has "
        "a record yet: `bench status` names their plan",
    )
    some = read_plans(tmp_path).cells[0]
    assert plan_notes(read_plans(tmp_path), [record.model_copy(update={"cell": some})]) == ()
