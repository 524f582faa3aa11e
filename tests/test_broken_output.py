"""Output that is full, closed or read no more, and errors nobody foresaw: never a verdict of 1."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from imbench import registry
from imbench.commands.cli import COMMANDS, exit_code
from imbench.records.store import Store

BENCH = Path(sys.executable).with_name("bench")
WORDS = {
    "run": ("run", "--datasets", "digits", "--minority", "5", "--methods", "os", "--dry-run"),
    "status": ("status",),
    "report": ("report", "--metric", "f1"),
    "check": ("check", "--baseline", "results"),
    "baseline": ("baseline", "diff", "--baseline", "baseline.json"),
    "board": ("board", "results", "--out", "board"),
    "pack": ("pack", "results", "out.pack"),
    "export": ("export", "--csv", "out.csv"),
    "generators": ("generators", "--help"),
    "explain": ("explain", "--help"),
    "list": ("list", "methods"),
    "info": ("info", "os"),
    "data": ("data", "stats", "digits"),
    "doctor": ("doctor", "--help"),
    "fit": ("fit", "--help"),
    "predict": ("predict", "--help"),
}
"""A command line of each command that prints something."""


@pytest.fixture
def results(tmp_path, make_record):
    """Return a folder with results that are their own baseline."""
    for seed in range(2):
        Store(tmp_path / "results").put(make_record(seed=seed, environment={"device": "cpu"}))
    update = ("baseline", "update", "--reason", "x", "--metric", "f1", "--baseline")
    assert (
        exit_code([*update, str(tmp_path / "baseline.json"), "--from", str(tmp_path / "results")])
        == 0
    )
    return tmp_path


def in_shell(folder: Path, words, redirected: str) -> tuple[int, str]:
    """Run a command with its output redirected; return its exit code and standard error."""
    done = subprocess.run(
        ["bash", "-c", f'"$@" {redirected}', "bash", BENCH, *words],
        cwd=folder,
        env={**os.environ, "IMBENCH_CACHE": str(folder / "cache"), "TMPDIR": str(folder)},
        stderr=subprocess.PIPE,
        text=True,
        timeout=250,
    )
    return done.returncode, done.stderr


def test_every_command_is_tried():
    assert set(WORDS) == set(COMMANDS)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("command", WORDS)
def test_a_full_output_ends_with_4(command, results):
    code, err = in_shell(results, WORDS[command], "> /dev/full")
    assert code == 4, err
    assert err.splitlines()[-1] == (
        "bench: standard output cannot be written: No space left on device; send it elsewhere"
    )
    assert "Traceback" not in err
    assert "Exception ignored" not in err


@pytest.mark.parametrize("command", ["check", "list"])
def test_a_closed_output_ends_with_4_before_anything_is_done(command, results):
    code, err = in_shell(results, WORDS[command], ">&-")
    assert (code, err) == (
        4,
        "bench: standard output is closed; send it to a file, or to /dev/null\n",
    )


def test_whatever_is_closed_no_file_gets_what_is_printed(results):
    code, err = in_shell(results, WORDS["export"], "> /dev/null 2>&- <&-")
    assert (code, err) == (0, "")
    assert (results / "out.csv").read_text().startswith("dataset,")


def test_errors_that_cannot_be_printed_leave_the_exit_code(results):
    assert in_shell(results, ("report", "nowhere"), "2> /dev/full")[0] == 3
    assert in_shell(results, ("nothing",), "2>&-")[0] == 2


@pytest.mark.parametrize("command", ["list", "check"])
def test_a_reader_that_leaves_is_no_fault(command, results):
    code, err = in_shell(results, WORDS[command], "| true; exit ${PIPESTATUS[0]}")
    assert (code, err) == (0, "")
    code, err = in_shell(results, (command, "--help"), "| true; exit ${PIPESTATUS[0]}")
    assert (code, err) == (0, "")


def test_a_reader_that_leaves_turns_no_regression_into_success(results, make_record):
    for seed in range(2):
        worse = make_record(seed=seed, score=0.1, environment={"device": "cpu"})
        Store(results / "results").put(worse)
    words = ("check", "--baseline", "baseline.json")
    code, err = in_shell(results, words, "| true; exit ${PIPESTATUS[0]}")
    assert code == 1, err
    assert "got worse" in err


def broken_command(monkeypatch, error):
    def broken(*_given, **_named):
        raise error

    monkeypatch.setattr("imbench.records.results.read_result_records", broken)


class Mute(BaseException):
    def __str__(self):
        raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        (KeyError("x"), 70, "KeyError: 'x'"),
        (SystemExit(0), 70, "SystemExit: 0"),
        (SystemExit(1), 70, "SystemExit: 1"),
        (EOFError("cut"), 70, "EOFError: cut"),
        (Mute(), 70, "its message cannot be printed"),
        (RecursionError("deep"), 70, "RecursionError: deep"),
        (MemoryError(), 4, "too little memory"),
        (PermissionError(13, "Permission denied", "/a/b"), 4, "'/a/b': Permission denied"),
        (OSError(36, "File name too long", "x"), 4, "'x': File name too long"),
        (BrokenPipeError(32, "Broken pipe"), 4, "Broken pipe"),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else None,
)
def test_no_error_ends_a_check_as_a_regression_does(
    error, code, says, results, monkeypatch, capfd, tmp_path
):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.chdir(results)
    broken_command(monkeypatch, error)
    capfd.readouterr()
    assert exit_code(["check", "--baseline", "baseline.json"]) == code
    out, err = capfd.readouterr()
    (line,) = err.splitlines()
    assert out == ""
    assert line.startswith("bench: ")
    assert says in line
    if code == 70:
        path = Path(re.search(r"report it with (\S+),", line)[1])
        told = path.read_text()
        assert "in broken" in told
        assert "imbench" in told


def test_where_nothing_can_be_written_down_the_error_is_still_told(results, monkeypatch, capfd):
    monkeypatch.chdir(results)
    broken_command(monkeypatch, KeyError("x"))
    capfd.readouterr()
    with monkeypatch.context() as patched:
        patched.setattr("tempfile.tempdir", str(results / "nowhere"))
        assert exit_code(["check", "--baseline", "baseline.json"]) == 70
    assert "cannot be written down" in capfd.readouterr().err


def test_a_plugin_that_exits_in_a_command_does_not_end_it_in_silence(results, monkeypatch, capfd):
    (results / "m.py").write_text("import sys\ndef exits(labels, proba):\n    sys.exit(0)\n")
    monkeypatch.chdir(results)
    registry.clear_cache()
    assert exit_code(["report", "--metric", "m.py:exits"]) == 0
    assert "n/a" in capfd.readouterr().out
