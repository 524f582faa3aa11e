"""Paths that cannot be used, given to every command: a sentence and a documented exit code.

Names of 300 bytes, paths below a folder that nobody may enter, below a file, and below a link to
itself.
"""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from imbench.commands.cli import COMMANDS, exit_code
from imbench.errors import UsageError
from imbench.records.cell import Cell
from imbench.records.record import Record
from imbench.records.store import Store
from imbench.registry import load_plugin

LINES = """
status PATH
report PATH
report results --csv PATH
report results --json PATH
report results --html PATH
report results --plots PATH
check PATH --baseline results
check results --baseline PATH
check results --baseline results --junit PATH
baseline show PATH
baseline update --reason x --from PATH
baseline update --reason x --from results --metric f1 --baseline PATH
baseline diff --from results --baseline PATH
pack PATH x.pack
board PATH --out b
board results --out PATH
pack results PATH
export PATH --csv x.csv
export results --csv PATH
export results --json PATH
explain PATH
generators PATH
info PATH
list PATH
data stats folder:PATH
data stats csv:PATH
data verify folder:PATH
data stats horse2zebra --data PATH
data fetch horse2zebra --data PATH
data import horse2zebra PATH --data d
doctor --out PATH
run PATH
run PATH.toml
run --datasets folder:PATH --minority 5
run --datasets digits --minority 5 --methods PATH.py:X
run --datasets digits --minority 5 --methods generated:PATH
run --datasets digits --minority 5 --methods us --out PATH
run --datasets digits --minority 5 --methods us --dry-run --json-log PATH
fit folder:PATH --method cs --out model
fit digits --method PATH.py:X --out model
fit digits --method cs --from PATH --out model
fit digits --method cs --out PATH
predict PATH results
predict PATH results --csv PATH
"""
COMMAND_LINES = [line.split() for line in LINES.strip().splitlines()]
PATHS = {
    "long": "n" * 300,
    "closed": "closed/in",
    "below a closed folder": "closed/in/deep",
    "below a file": "file/x",
    "below a link to itself": "loop/x",
}
ALL = """
import contextlib, io, json, sys
from imbench.commands.cli import exit_code

told = {}
for kind, path in json.loads(sys.argv[2]).items():
    for line in json.loads(sys.argv[1]):
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = exit_code([word.replace("PATH", path) for word in line])
        told.setdefault(kind, []).append([code, out.getvalue(), err.getvalue()])
print(json.dumps(told))
"""
"""Runs every command line with every path in one process, since each imports torch."""
OVERRIDES = (1, 2)
"""Capabilities by which root enters every folder."""


def lose_overrides() -> None:
    """Let root of the next program enter no folder that is closed to it."""
    for number in OVERRIDES if os.geteuid() == 0 else ():
        ctypes.CDLL(None).prctl(24, number, 0, 0, 0)  # PR_CAPBSET_DROP


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """Return what every command line came to with every path: code, output and errors."""
    base = tmp_path_factory.mktemp("paths")
    for seed in range(2):
        cell = Cell(dataset="digits", fingerprint="0" * 16, minority=5, recipe="us", seed=seed)
        record = Record(key=cell.key, cell=cell, status="ok", metrics={"f1": 0.5})
        Store(base / "results").put(record.sealed())
    (base / "closed" / "in").mkdir(parents=True)
    (base / "file").touch()
    (base / "loop").symlink_to("loop")
    (base / "closed").chmod(0)
    done = subprocess.run(
        [sys.executable, "-P", "-c", ALL, json.dumps(COMMAND_LINES), json.dumps(PATHS)],
        cwd=base,
        env={**os.environ, "IMBENCH_CACHE": str(base / "cache"), "TMPDIR": str(base)},
        preexec_fn=lose_overrides,
        capture_output=True,
        text=True,
        timeout=500,
    )
    (base / "closed").chmod(0o777)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


def test_every_command_is_tried():
    assert {line[0] for line in COMMAND_LINES} == set(COMMANDS)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", PATHS)
def test_no_path_ends_a_command_but_with_a_sentence(kind, told):
    for line, (code, out, err) in zip(COMMAND_LINES, told[kind], strict=True):
        # The doctor says of a folder that is not there that it will be made.
        assert code in (2, 3, 4) or (line[0] == "doctor" and code == 0), (line, code, err)
        assert code == 0 or err.splitlines()[-1].startswith("bench: "), (line, err)
        assert "Traceback" not in out + err, line


def test_a_folder_that_is_closed_is_no_folder_that_is_missing(told):
    for line, (_, _, err) in zip(COMMAND_LINES, told["closed"], strict=True):
        if line[0] not in ("info", "list", "doctor") and "--dry-run" not in line:
            assert "denied" in err or "cannot be written" in err, (line, err)


def test_no_argument_and_no_name_of_a_file_holds_a_nul(capfd, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for line in COMMAND_LINES:
        assert exit_code([word.replace("PATH", "a\0b") for word in line]) == 2
    assert capfd.readouterr().err.count("holds a NUL") == len(COMMAND_LINES)
    Path("grid.toml").write_text('datasets = ["folder:a\\u0000b"]\nminority = 5\n')
    assert exit_code(["run", "grid.toml", "--dry-run"]) in (2, 4)
    Path("grid.toml").write_text(
        'datasets = ["digits"]\nminority = 5\nmethods = ["a\\u0000b.py:X", "generated:a\\u0000b"]\n'
    )
    assert exit_code(["run", "grid.toml", "--dry-run"]) in (2, 4)
    err = capfd.readouterr().err
    assert [line.partition(" ")[0] for line in err.splitlines()] == ["bench:"] * 2
    with pytest.raises(UsageError):
        load_plugin("methods", "a\0b.py:X")


@pytest.mark.parametrize("form", ["--csv", "--html"])
def test_a_device_or_a_pipe_is_written_into_and_stays_what_it_is(form, tmp_path, capfd):
    cell = Cell(dataset="digits", fingerprint="0" * 16, minority=5, recipe="us", seed=0)
    record = Record(key=cell.key, cell=cell, status="ok", metrics={"f1": 0.5})
    Store(tmp_path / "results").put(record.sealed())
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    words = ["report", str(tmp_path / "results"), "--metric", "f1", form, str(pipe)]
    assert exit_code(words) == 4, "nobody reads, and nobody may come"
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert exit_code(words) == 0
        assert os.read(reader, 1 << 20)
    finally:
        os.close(reader)
    assert pipe.is_fifo()
    (tmp_path / "null").symlink_to("/dev/null")
    assert exit_code([*words[:-1], str(tmp_path / "null")]) == 0
    assert (tmp_path / "null").is_symlink()
    assert Path("/dev/null").is_char_device()
    capfd.readouterr()
