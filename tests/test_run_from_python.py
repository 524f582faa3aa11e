"""`imbench.run`: the same records as `bench run`, as a frame."""

from __future__ import annotations

import logging
import subprocess
import sys
from dataclasses import fields

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

import imbench
from imbench.commands.cli import cli
from imbench.errors import DataError, UnknownName, UsageError
from imbench.records.store import Store
from imbench.runs.from_python import RunKeywords
from imbench.runs.session import RunOptions

SETTINGS = {"network": "linear", "size": 8, "steps": 4}
GRID = {"datasets": "digits", "minority": [20], "seeds": range(2), "settings": SETTINGS}
WORDS = ("--datasets", "digits", "--minority", "20", "--seeds", "0-1", "--network", "linear")
WORDS += ("--size", "8", "--steps", "4", "--jobs", "1")


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def bench(*words):
    done = CliRunner().invoke(cli, ["run", *WORDS, *words])
    assert done.exit_code == 0, f"{done.output}{done.exception!r}"
    return done.output


def written(folder):
    return {record.key: record.checksum for record in Store(folder).records()}


def test_it_gives_the_frame_of_what_it_ran(here, capsys):
    scores = imbench.run(**GRID, methods=["vanilla", "us+cs"], metrics=["f1", "acsa"], jobs=1)
    assert len(scores) == 2 * 2 * 2
    assert set(scores.recipe) == {"vanilla", "us+cs"}
    assert scores.value.between(0, 1).all()
    stored = imbench.load_results("results", metrics=["f1", "acsa"])
    pd.testing.assert_frame_equal(
        scores.sort_values(["key", "metric"], ignore_index=True),
        stored.sort_values(["key", "metric"], ignore_index=True),
    )
    out = capsys.readouterr().out
    assert "1 data set x 1 minority count x 2 methods x 2 seeds = 4 cells" in out


def test_the_command_and_the_function_go_on_with_each_others_work(here):
    bench("--methods", "vanilla")
    by_command = written(here / "results")
    scores = imbench.run(**GRID, methods="vanilla,us", jobs=1, quiet=True)
    assert len(by_command) == 2
    assert by_command.items() <= written(here / "results").items()
    assert set(scores.key) == set(written(here / "results"))
    after = written(here / "results")
    assert "4 done, 0 to run" in bench("--methods", "vanilla,us")
    imbench.run(**GRID, methods="vanilla,us", jobs=1, quiet=True)
    assert written(here / "results") == after


def test_both_give_the_same_scores(here):
    bench("--methods", "us+cs", "--out", "typed")
    called = imbench.run(**GRID, methods="us+cs", results="called", jobs=1, quiet=True)
    typed = imbench.load_results("typed")
    columns = ["key", "metric", "value"]
    assert called[columns].to_dict("records") == typed[columns].to_dict("records")


def test_the_plan_that_is_kept_has_the_call(here):
    imbench.run(**GRID, methods="vanilla", jobs=1, quiet=True)
    kept = (here / "results" / "grid.json").read_text("utf-8")
    assert "imbench.run(datasets='digits', minority=[20], methods='vanilla', seeds=[0, 1]" in kept


@pytest.mark.parametrize(
    "minority", [20, "20", (20,), np.array([20]), {"digits": 20}, {"default": [20]}]
)
def test_counts_come_in_many_forms(here, minority):
    given = {**GRID, "minority": minority, "seeds": 0}
    scores = imbench.run(**given, methods="vanilla", metrics=["f1"], jobs=1, quiet=True)
    assert scores.minority.tolist() == [20]


def test_a_grid_file_is_changed_by_what_is_given(here):
    (here / "mine.toml").write_text(
        'datasets = ["digits"]\nminority = [20, 40]\nmethods = "vanilla"\nseeds = 0\n'
        '[settings]\nnetwork = "linear"\nsize = 8\nsteps = 9\n'
    )
    scores = imbench.run(
        here / "mine.toml", minority=20, settings={"steps": 4}, metrics=["f1"], jobs=1, quiet=True
    )
    assert (scores.minority.tolist(), scores.steps.tolist()) == ([20], [4])
    assert scores.network.tolist() == ["linear"]


def test_a_cell_without_a_score_is_in_the_frame_and_said(here, caplog):
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


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ({"datasets": "digitz"}, UnknownName, "did you mean digits"),
        ({"methods": "smoth"}, UnknownName, "did you mean smote"),
        ({"settings": {"stepz": 4}}, UsageError, "did you mean steps"),
        ({"minority": 1.5}, UsageError, "minority counts"),
        ({"minority": 10**6}, UsageError, "minority count 1000000"),
        ({"exclude": ["methd=us"]}, UsageError, "exclude"),
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


def test_a_script_without_a_main_guard_runs_once(here):
    # Workers that imported the script again would each start a run of their own.
    script = here / "script.py"
    script.write_text(
        "import imbench\nprint('began')\n"
        f"scores = imbench.run(datasets='digits', minority=20, methods='vanilla,us', seeds=0,"
        f" settings={SETTINGS!r}, metrics=['f1'], jobs=2, quiet=True)\n"
        "print(len(scores), scores.status.unique().tolist())\n"
    )
    done = subprocess.run(
        [sys.executable, "-P", str(script)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "began\n2 ['ok']\n"), done.stderr
