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
from types import SimpleNamespace

import pytest

from imbench.errors import EnvironmentFault
from imbench.records.cell import Cell
from imbench.runs.job import Outcome
from imbench.runs.progress import EVERY, Events, Progress, Tally, clock, progress_line, spoken

NOW = 5000.0


@pytest.fixture(autouse=True)
def clock_stands(monkeypatch):
    """Let no time pass while a test looks at times."""
    monkeypatch.setattr("imbench.runs.progress.time", SimpleNamespace(monotonic=lambda: NOW))


def tally_of(total=165, running=2, ago=31.0, **status):
    return Tally(total, status=status, running=running, begun=NOW - ago)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0:00"), (9.4, "0:09"), (31, "0:31"), (3599.4, "59:59"), (7500, "2:05:00"), (-3, "0:00")],
)
def test_a_clock(seconds, text):
    assert clock(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.2, "about 1 s"),
        (41, "about 41 s"),
        (89.9, "about 90 s"),
        (90, "about 2 min"),
        (2460, "about 41 min"),
        (5400, "about 1.5 h"),
        (86400, "about 24.0 h"),
    ],
)
def test_a_time_in_words(seconds, text):
    assert spoken(seconds) == text


def test_a_tally_counts_cells_by_how_they_ended():
    tally = Tally(10)
    assert (tally.finished, tally.bad, tally.left) == (0, 0, None)
    for status in ("ok", "failed", "ok", "diverged"):
        tally.add(status)
    assert (tally.finished, tally.bad) == (4, 2)
    assert tally.status == {"ok": 2, "failed": 1, "diverged": 1}


def test_the_rest_is_expected_to_take_as_long_as_what_was_done():
    tally = tally_of(ago=100, ok=30, failed=3, total=66)
    assert tally.left == pytest.approx(100)
    assert tally_of(ok=165).left == 0


def test_the_line_is_the_one_of_the_specification():
    tally = tally_of(ok=128, failed=3)
    assert progress_line(tally) == (
        " [######--]  131/165  ok 128  failed 3  running 2  0:31  ETA 0:08"
    )


@pytest.mark.parametrize(
    ("total", "status", "line"),
    [
        (165, {}, " [--------]  0/165  ok 0  failed 0  running 2  0:31"),
        (165, {"ok": 164}, " [#######-]  164/165  ok 164  failed 0  running 2  0:31  ETA 0:00"),
        (165, {"ok": 165}, " [########]  165/165  ok 165  failed 0  running 2  0:31  ETA 0:00"),
        (30, {"timeout": 9, "crashed": 1}, " [##------]  10/30  ok 0  failed 10  running 2  0:31"),
        (0, {}, " [########]  0/0  ok 0  failed 0  running 2  0:31"),
    ],
)
def test_the_line_at_either_end(total, status, line):
    assert progress_line(tally_of(total, **status)).startswith(line)


def test_no_time_is_told_before_there_is_anything_to_go_by():
    assert "ETA" not in progress_line(tally_of())


@pytest.mark.parametrize("width", [120, 80, 60, 40, 30])
def test_the_line_never_fills_the_terminal_and_keeps_what_matters(width):
    line = progress_line(tally_of(total=165_000, ok=128_000, failed=3_000, ago=3600 * 30), width)
    assert len(line) < width
    assert line.startswith(" [######--]  131000/165000")
    if width >= 60:
        assert "ok 128000" in line


def filed(quiet=False, **status):
    """Return the stream and the progress of a run that writes to a file."""
    stream = io.StringIO()
    return stream, Progress(tally_of(**status), stream, quiet=quiet)


def test_without_a_terminal_there_are_plain_lines_now_and_then():
    stream, progress = filed(ok=1)
    with progress:
        for _ in range(1000):
            progress.update()
        assert stream.getvalue() == ""
        progress._shown -= EVERY
        progress.update()
        assert stream.getvalue().count("\n") == 1
        progress.say(" FAILED   digits-20  os  seed 0  reason")
        progress.tally.add("failed")
    lines = stream.getvalue().splitlines()
    assert [line[:12] for line in lines] == [" [--------] ", " FAILED   di", " [--------] "]
    assert "2/165" in lines[-1]
    assert "\x1b" not in stream.getvalue()
    assert "\r" not in stream.getvalue()


def test_the_last_line_is_not_said_twice():
    stream, progress = filed(ok=165)
    with progress:
        progress._shown -= EVERY
        progress.update()
    assert len(stream.getvalue().splitlines()) == 1


def test_quiet_leaves_failures_alone():
    stream, progress = filed(quiet=True, ok=1)
    with progress:
        progress._shown -= EVERY
        progress.update()
        progress.say("a failure")
    assert stream.getvalue() == "a failure\n"


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_a_stream_of_any_encoding_takes_any_name(encoding):
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding)
    Progress(tally_of(), stream).say("FAILED 名前 ž \udc80")
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
from imbench.runs.progress import Progress, Tally

tally = Tally(4, running=2)
with Progress(tally, sys.stderr) as progress:
    for status in ("ok", "failed", "ok"):
        tally.add(status)
        progress.update()
        if status == "failed":
            progress.say(" FAILED   [bold]digits-20[/bold] :smile: os  " + "x" * 80 + " end")
        time.sleep(0.4)
    tally.add("ok")
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
    assert not re.search(r"\x1b\[[0-9;]*3[0-9][;m]", text), "no colour"
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
