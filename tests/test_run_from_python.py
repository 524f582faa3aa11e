"""`imbench.run`: the same records as `bench run`, as a frame."""

from __future__ import annotations

import io
import logging
import subprocess
import sys
from contextlib import chdir, redirect_stdout
from dataclasses import fields
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from clicked import printed
from in_process import jobs_here

import imbench
from imbench.commands.run import OptionTypes
from imbench.commands.run import run as run_command
from imbench.errors import DataError, UnknownName, UsageError
from imbench.records.store import Store
from imbench.runs.from_python import RunKeywords, _plain, _settled
from imbench.runs.options import RunOptions
from imbench.runs.session import Session

SETTINGS = {"network": "linear", "size": 8, "steps": 4}
GRID = {"datasets": "digits", "minority": [20], "seeds": range(2), "settings": SETTINGS}
WORDS = ("--datasets", "digits", "--minority", "20", "--seeds", "0-1", "--network", "linear")
WORDS += ("--size", "8", "--steps", "4", "--jobs", "1")


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def bench(*words):
    return printed("run", *WORDS, *words)


def written(folder):
    return {record.key: record.checksum for record in Store(folder).records()}


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """Let the command begin, the function go on, the command find all done; what each left."""
    folder = tmp_path_factory.mktemp("work")
    with chdir(folder), jobs_here():
        bench("--methods", "vanilla")
        begun = written(folder / "results")
        out = io.StringIO()
        with redirect_stdout(out):
            scores = imbench.run(
                **GRID, methods=["vanilla", "us+cs"], metrics=["f1", "acsa"], jobs=1
            )
        done = written(folder / "results")
        last = bench("--methods", "vanilla,us+cs")
        bench("--methods", "us+cs", "--out", "typed")
    return SimpleNamespace(
        folder=folder, begun=begun, scores=scores, said=out.getvalue(), done=done, last=last
    )


def test_it_gives_the_frame_of_what_it_ran(work):
    assert len(work.scores) == 2 * 2 * 2
    assert set(work.scores.recipe) == {"vanilla", "us+cs"}
    assert work.scores.value.between(0, 1).all()
    stored = imbench.load_results(work.folder / "results", metrics=["f1", "acsa"])
    pd.testing.assert_frame_equal(
        work.scores.sort_values(["key", "metric"], ignore_index=True),
        stored.sort_values(["key", "metric"], ignore_index=True),
    )


def test_it_shows_the_plan(work):
    assert "2 done, 2 to run" in work.said


def test_the_command_and_the_function_go_on_with_each_others_work(work):
    assert len(work.begun) == 2
    assert work.begun.items() <= work.done.items()
    assert "4 done, 0 to run" in work.last
    assert written(work.folder / "results") == work.done


def test_both_give_the_same_scores(work):
    typed = imbench.load_results(work.folder / "typed", metrics=["f1", "acsa"])
    columns = ["key", "metric", "value"]
    called = work.scores[work.scores.recipe == "us+cs"]
    assert called[columns].to_dict("records") == typed[columns].to_dict("records")


def test_the_plan_that_is_kept_has_the_call(here, monkeypatch):
    monkeypatch.setattr(Session, "run", _without_work)
    with pytest.raises(KeyboardInterrupt):
        imbench.run(**GRID, methods="vanilla", jobs=1, quiet=True)
    assert [
        "imbench.run(datasets='digits', minority=[20], methods='vanilla', seeds=[0, 1], "
        f"settings={SETTINGS!r}, jobs=1, quiet=True)"
    ] == COMMANDS


COMMANDS = []


def _without_work(session):
    COMMANDS.append(session.options.command)
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    "minority", [20, "20", (20,), np.array([20]), {"digits": 20}, {"default": [20]}]
)
def test_counts_come_in_many_forms(minority):
    given = {**GRID, "minority": minority, "seeds": np.int64(3), "methods": ("vanilla", "us")}
    grid, named = _settled(None, {key: _plain(value) for key, value in given.items()})
    assert (grid.minority, grid.seeds) == ({"digits": (20,)}, (3,))
    assert grid.methods == ("vanilla", "us")
    assert named == {"vanilla", "us"}


def test_a_grid_file_is_changed_by_what_is_given(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text(
        'datasets = ["digits"]\nminority = [20, 40]\nmethods = "paper"\nseeds = 0\n'
        '[settings]\nnetwork = "linear"\nsize = 8\nsteps = 9\n'
    )
    grid, named = _settled(file, {"minority": 20, "settings": {"steps": 4}})
    assert (grid.name, grid.minority, grid.seeds) == ("mine", {"digits": (20,)}, (0,))
    assert (grid.settings.network, grid.settings.steps) == ("linear", 4)
    assert len(grid.methods) == 14
    assert named == set()


def test_without_a_grid_and_data_sets_it_is_the_quick_grid():
    assert _settled(None, {})[0].name == "quick"
    assert _settled(None, {"seeds": 7})[0].seeds == (7,)


def test_a_network_itself_is_for_method_and_not_for_a_run():
    net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 2))
    with pytest.raises(UsageError, match=r"network: workers load it from a file.*Sequential is n"):
        imbench.run(datasets="digits", minority=10, settings={"network": net})


def test_a_cell_without_a_score_is_in_the_frame_and_said(here, caplog, jobs_here):
    (here / "bad.py").write_text(
        "import imbench\nclass Fails(imbench.Part):\n"
        "    def resample(self, x, y, rng):\n        raise ValueError('no room')\n"
    )
    logging.getLogger("imbench").propagate = True
    scores = imbench.run(**GRID, methods="vanilla,bad.py:Fails", metrics=["f1"], jobs=1, quiet=True)
    bad = scores[scores.recipe == "bad.py:Fails"]
    assert bad.status.tolist() == ["failed", "failed"]
    assert bad.value.isna().all()
    assert bad.reason.str.contains("no room").all()
    assert "2 of 4 cells have no score" in caplog.text
    assert "2 would fail again: ValueError: no room" in caplog.text
    assert "retry_failed=True" not in caplog.text


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ({"datasets": "digitz"}, UnknownName, "did you mean digits"),
        ({"methods": "smotee"}, UnknownName, "did you mean smote"),
        ({"settings": {"stepz": 4}}, UsageError, "did you mean steps"),
        ({"minority": 1.5}, UsageError, "minority counts"),
        ({"minority": 10**6}, UsageError, "minority count 1000000"),
        ({"exclude": ["methd=us"]}, UsageError, "did you mean method"),
        ({"datasets": "folder:nowhere"}, DataError, "nowhere"),
        ({"device": "auto,cpu"}, UsageError, "auto is one device"),
    ],
)
def test_what_cannot_be_used_is_refused_before_anything_is_written(here, given, error, words):
    with pytest.raises(error, match=words):
        imbench.run(**{"methods": "vanilla", **GRID, **given}, quiet=True)
    assert not (here / "results" / "digits").exists()


def test_an_unknown_keyword_is_refused(here):
    with pytest.raises(TypeError, match="colour"):
        imbench.run(**GRID, methods="vanilla", colour="red")


def test_keywords_are_the_options_of_a_run():
    assert {field.name for field in fields(RunOptions)} - {"command"} == set(
        RunKeywords.__annotations__
    )


def test_the_types_of_the_command_name_its_options():
    parameters = {parameter.name for parameter in run_command.params} - {"grid"}
    assert set(OptionTypes.__annotations__) == parameters


def test_a_script_without_a_main_guard_runs_once(here):
    # Workers that imported the script again would each start a run of their own.
    script = here / "script.py"
    script.write_text(
        "import imbench\nprint('began')\n"
        f"scores = imbench.run(datasets='digits', minority=20, methods='vanilla,us', seeds=0,"
        f" settings={SETTINGS!r}, metrics=['f1'], jobs=1, quiet=True)\n"
        "print(len(scores), scores.status.unique().tolist())\n"
    )
    done = subprocess.run(
        [sys.executable, "-P", str(script)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "began\n2 ['ok']\n"), done.stderr
