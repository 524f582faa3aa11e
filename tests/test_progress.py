"""What a run says while it works: on terminals, in files, in any encoding, and to programs."""

from __future__ import annotations

import io
import json
import os
import pty
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from imbench.errors import EnvironmentFault
from imbench.records.cell import Cell
from imbench.runs.estimate import UNKNOWN
from imbench.runs.job import Outcome
from imbench.runs.progress import EVERY, Events, Progress


class Clock:
    """A clock that a test sets."""

    def __init__(self):
        self.time = 5000.0

    def __call__(self):
        return self.time


class Filed:
    """A run of some cells that writes to a file, and what its clock says."""

    def __init__(self, total=165, *, quiet=False):
        self.stream, self.clock = io.StringIO(), Clock()
        self.progress = Progress(total, self.stream, quiet=quiet, now=self.clock)

    @property
    def lines(self):
        return [line.rstrip() for line in self.stream.getvalue().splitlines()]

    def end(self, seconds=0.0, running=2, left=UNKNOWN, **statuses):
        """Let time pass, then let cells end."""
        self.clock.time += seconds
        for status, number in statuses.items():
            for _ in range(number):
                self.progress.advance(status, running=running, left=left)


@pytest.fixture(autouse=True)
def eighty_columns(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")


@pytest.mark.parametrize(
    ("total", "seconds", "statuses", "counts", "passed"),
    [
        (165, 31, {"ok": 128, "failed": 3}, "131/165  ok 128  failed 3", "0:00:31"),
        (165, 7500, {"ok": 165}, "165/165  ok 165  failed 0", "2:05:00"),
        (30, 9, {"timeout": 9, "crashed": 1}, "10/30  ok 0  failed 10", "0:00:09"),
        (3, 8, {"ok": 1}, "1/3  ok 1  failed 0", "0:00:08"),
    ],
)
def test_the_line_counts_cells_and_says_what_it_is_told_of_the_rest(
    total, seconds, statuses, counts, passed
):
    filed = Filed(total)
    with filed.progress:
        filed.end(seconds, left=">0:12:00", **statuses)
    bar, text = filed.lines[-1][:13], filed.lines[-1][13:]
    assert text == f"{counts}  running 2 {passed} ETA >0:12:00"
    assert bar.count("━") == 12 * sum(statuses.values()) // total


def test_no_time_is_told_before_there_is_anything_to_go_by():
    filed = Filed()
    with filed.progress:
        filed.progress._print()
    assert filed.lines == [" " * 13 + "0/165  ok 0  failed 0  running 0 0:00:00 ETA -:--:--"]


@pytest.mark.parametrize("width", [120, 80, 60, 40, 30])
def test_the_line_never_fills_the_terminal_and_keeps_what_matters(width, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(width))
    filed = Filed(165_000)
    with filed.progress:
        filed.end(3600 * 30, failed=3_000)
        filed.end(ok=128_000)
    (line,) = filed.lines[1:]
    assert len(line) <= width
    assert "131000/165000  ok 128000" in line
    assert ("ETA" in line) == (width >= 72)


def test_without_a_terminal_there_are_plain_lines_now_and_then():
    filed = Filed()
    with filed.progress:
        filed.end(ok=100)
        assert filed.lines == []
        filed.end(EVERY, ok=2)
        assert len(filed.lines) == 1
        filed.progress.say(" FAILED   digits-20  os  seed 0  reason")
        filed.end(failed=1)
    assert [re.search(r"\d+/165|FAILED", line)[0] for line in filed.lines] == [
        "101/165",
        "FAILED",
        "103/165",
    ]
    assert "\x1b" not in filed.stream.getvalue()
    assert "\r" not in filed.stream.getvalue()


def test_the_last_line_is_not_said_twice():
    filed = Filed(1)
    with filed.progress:
        filed.end(EVERY, ok=1)
    assert len(filed.lines) == 1


def test_quiet_leaves_failures_alone():
    filed = Filed(quiet=True)
    with filed.progress:
        filed.end(EVERY, failed=1)
        filed.progress.say("a failure")
    assert filed.stream.getvalue() == "a failure\n"


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_a_stream_of_any_encoding_takes_any_name(encoding):
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding)
    Progress(4, stream).say("FAILED 名前 ž \udc80")
    text = raw.getvalue().decode(encoding)
    assert (
        text
        == {
            "ascii": "FAILED \\u540d\\u524d \\u017e \\udc80\n",
            "latin-1": "FAILED \\u540d\\u524d \\u017e \\udc80\n",
            "utf-8": "FAILED 名前 ž \\udc80\n",
        }[encoding]
    )


SHOWS = """
import sys, time
from imbench.runs.progress import Progress

with Progress(4, sys.stderr) as progress:
    for status in ("ok", "failed", "ok"):
        progress.advance(status, running=2)
        if status == "failed":
            progress.say(" FAILED   [bold]digits-20[/bold] :smile: os  " + "x" * 80 + " end")
        time.sleep(0.4)
    progress.advance("ok", running=0)
"""


def on_terminal(code, columns=80, **environment):
    """Run code with a terminal for standard error; return what it wrote there."""
    ours, theirs = pty.openpty()
    keep = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "TERM")}
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", code],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=theirs,
        env={**keep, "TERM": "xterm-256color", "COLUMNS": str(columns), **environment},
    )
    os.close(theirs)
    written = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # the other side was closed
            break
        if not piece:
            break
        written += piece
    os.close(ours)
    assert process.communicate()[0] == b""
    assert process.returncode == 0, written
    return written.decode()


@pytest.mark.parametrize("environment", [{}, {"NO_COLOR": "1"}])
def test_a_terminal_has_one_line_that_changes_and_failures_above_it(environment):
    text = on_terminal(SHOWS, **environment)
    assert "\x1b[2K" in text, "the line is taken back"
    assert "2/4  ok 1  failed 1" in text
    assert " FAILED   [bold]digits-20[/bold] :smile: os" in text
    assert "x" * 80 + " end" in text, "a long failure is not folded, so that it can be copied"
    coloured = re.search(r"\x1b\[[0-9;]*3[0-9][;m]", text) is not None
    assert coloured == ("NO_COLOR" not in environment)
    assert "4/4  ok 3  failed 1" in text.splitlines()[-1]
    assert text.count("\x1b[?25l") == text.count("\x1b[?25h"), "the cursor is given back"


def test_row_27_a_narrow_terminal_has_a_line_that_fits():
    text = on_terminal(SHOWS, columns=40)
    shown = [line for line in re.split(r"\x1b\[[0-9;?]*[A-Za-z]|[\r\n]", text) if "/4" in line]
    assert shown
    assert all(len(line.rstrip()) < 40 for line in shown[:-1])


def test_a_dumb_terminal_has_plain_lines():
    text = on_terminal(SHOWS, TERM="dumb")
    assert "\x1b" not in text
    assert "4/4  ok 3  failed 1" in text


OUTCOME = Outcome(
    Cell(dataset="digits", fingerprint="0", minority=20, recipe="us+cs", seed=3),
    "failed",
    'ValueError: "quoted"\n\u2028 名',
    "digits/20/us+cs/3-0.log",
    1.23456,
)


def test_events_are_one_object_a_line_with_the_time_in_utc(tmp_path):
    path = tmp_path / "log.jsonl"
    for _ in range(2):  # a second run appends
        events = Events(path)
        events.write("plan", cells=1, grid={"seeds": [3]})
        events.cell(OUTCOME)
    lines = path.read_text("utf-8").split("\n")
    assert lines.pop() == ""
    plan, cell, *again = map(json.loads, lines)
    assert [one["event"] for one in again] == ["plan", "cell"]
    assert plan == {"event": "plan", "time": plan["time"], "cells": 1, "grid": {"seeds": [3]}}
    when = datetime.fromisoformat(plan["time"])
    assert when.utcoffset() == timedelta(0)
    assert abs(datetime.now(UTC) - when) < timedelta(minutes=5)
    assert cell == {
        "event": "cell",
        "time": cell["time"],
        "key": OUTCOME.cell.key,
        "dataset": "digits",
        "minority": 20,
        "recipe": "us+cs",
        "seed": 3,
        "status": "failed",
        "reason": 'ValueError: "quoted"\n\u2028 名',
        "log": "digits/20/us+cs/3-0.log",
        "seconds": 1.235,
        "elsewhere": False,
    }


def test_without_a_file_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Events(None).write("plan")
    Events(None).cell(OUTCOME)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_written_is_said(tmp_path):
    with pytest.raises(EnvironmentFault, match=r"^--json-log .*nowhere/log: No such file"):
        Events(tmp_path / "nowhere" / "log").write("plan")
    if Path("/dev/full").exists():
        with pytest.raises(EnvironmentFault, match="No space left"):
            Events(Path("/dev/full")).write("plan")
