"""A grid whose workers and runs are killed again and again ends as one that was left alone."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from imbench.records.ownership import MARKER
from imbench.records.store import Store
from imbench.runs.training_leases import held_leases

BENCH = Path(sys.executable).with_name("bench")
PARTS = '''
"""A part that changes nothing, takes its time, and leaves a file for each training begun."""
import os, time
from pathlib import Path
from imbench import Part

HERE = Path(__file__).parent


class Linger(Part):
    def __init__(self, mark=0):
        self.mark = mark

    def before_step(self, state):
        if state.step == 0:
            name = f"{state.seed},{self.mark},{os.getpid()},{time.monotonic_ns()}"
            (HERE / "begun" / name).touch()
        time.sleep(0.02)
'''
RECIPES = ("parts.py:Linger", "parts.py:Linger+ts", "parts.py:Linger:mark=1+cs")
SEEDS = 24
CELLS = len(RECIPES) * SEEDS
COMMAND = [BENCH, "run", "--datasets", "digits", "--minority", "20", "--size", "8", "--quiet"]
COMMAND += ["--network", "linear", "--steps", "3", "--seeds", f"0-{SEEDS - 1}", "--jobs", "2"]
COMMAND += ["--methods", ",".join(RECIPES), "--json-log", "log.jsonl", "--retry-failed"]
KILLS = ("worker", "run", "worker", "run")


class Chaos:
    """Kills at random what works on a grid, and watches what becomes of its records."""

    def __init__(self, folder):
        self.folder = folder
        self.store = Store(folder / "results")
        self.random = random.Random(0)
        self.process = None
        self.sessions = set()
        self.killed = []
        self.seen = {}

    def start(self):
        """Start the run, in a session of its own, unless it works already."""
        if self.process is None or self.process.poll() is not None:
            with (self.folder / "said").open("ab") as said:
                self.process = subprocess.Popen(
                    COMMAND,
                    cwd=self.folder,
                    env={**os.environ, "IMBENCH_CACHE": str(self.folder.parent / "imbench-cache")},
                    stdout=said,
                    stderr=said,
                    start_new_session=True,
                )
            self.sessions.add(self.process.pid)

    def records(self):
        return list(self.folder.glob("results/digits/*/*/*.json"))

    def wait(self, more):
        """Wait for so many records more, or the end of the run."""
        wanted = min(len(self.records()) + more, CELLS)
        end = time.monotonic() + 240
        while len(self.records()) < wanted and self.process.poll() is None:
            assert time.monotonic() < end
            time.sleep(0.01)

    def kill(self, what):
        """Kill the run or one of its workers, in the midst of whatever it does."""
        time.sleep(self.random.uniform(0, 0.1))
        if what == "run":
            self.process.kill()
            self.process.wait()
            self.killed.append(what)
            return
        held = [claim.pid for claim in held_leases(self.store.folder)]
        with suppress(ProcessLookupError):
            if held:
                os.kill(self.random.choice(held), signal.SIGKILL)
                self.killed.append(what)

    def look(self):
        """Compare the finished records with what they were: none is ever written again."""
        for entry in self.store.index().values():
            if entry.done:
                state = entry.path.stat()
                now = state.st_ino, state.st_mtime_ns
                assert self.seen.setdefault(entry.path, now) == now

    def left(self):
        """Return the processes that are left of all runs."""
        found = []
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):
                fields = stat.read_text("utf-8", "replace").rpartition(")")[2].split()
                if int(fields[3]) in self.sessions and fields[0] != "Z":
                    found.append(int(stat.parent.name))
        return found


def ended(folder):
    """Run a grid undisturbed, to its end; return its records by key."""
    chaos = Chaos(folder)
    chaos.start()
    assert chaos.process.wait(timeout=280) == 0, (folder / "said").read_text()
    return {record.key: record for record in chaos.store.records()}


def made(folder):
    folder.mkdir()
    (folder / "parts.py").write_text(PARTS)
    (folder / "begun").mkdir()
    return folder


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_row_01_a_grid_killed_at_random_ends_as_one_that_was_left_alone(tmp_path):
    calm = ended(made(tmp_path / "calm"))
    chaos = Chaos(made(tmp_path / "wild"))
    for what in KILLS:
        chaos.start()
        chaos.wait(chaos.random.randint(2, 8))
        chaos.kill(what)
        chaos.look()
    assert {"run", "worker"} <= set(chaos.killed)
    for _ in range(5):
        chaos.start()
        code = chaos.process.wait(timeout=280)
        chaos.look()
        if code == 0:
            break
    assert code == 0, (chaos.folder / "said").read_text()

    wild = {record.key: record for record in chaos.store.records()}
    assert len(wild) == CELLS
    assert wild.keys() == calm.keys()
    for key, record in wild.items():
        same = calm[key]
        assert record.intact
        assert (record.status, record.scores, record.metrics) == ("ok", same.scores, same.metrics)
    assert chaos.store.flagged == chaos.store.quarantined == []
    nothing_done_twice(chaos, wild)
    nothing_left_over(chaos)


def nothing_done_twice(chaos, found):
    """Check by the times of files that no training began once all its cells had their record."""
    last = {}
    for record in found.values():
        place = record.cell.seed, int("mark=1" in record.cell.recipe)
        written = chaos.store.path(record.cell).stat().st_mtime_ns
        last[place] = max(last.get(place, 0), written)
    begun = list((chaos.folder / "begun").iterdir())
    for path in begun:
        seed, mark, *_ = path.name.split(",")
        assert path.stat().st_mtime_ns <= last[int(seed), int(mark)]
    assert len(last) == 2 * SEEDS <= len(begun)
    events = [json.loads(line) for line in (chaos.folder / "log.jsonl").read_text().splitlines()]
    told = [
        event["key"]
        for event in events
        if event["event"] == "cell" and event["status"] == "ok" and not event["elsewhere"]
    ]
    assert len(told) == len(set(told))


def nothing_left_over(chaos):
    results = chaos.store.folder
    files = {path for path in results.rglob("*") if path.is_file()}
    (plan,) = (results / "plans").iterdir()  # of the same run, however often it was started
    floors = set(results.glob("floors/digits/*/*/*.json"))
    assert len(floors) == SEEDS  # of colours alone, one a seed
    (names,) = (results / "images").iterdir()  # of the test images
    assert files == {*chaos.records(), *floors, names, plan, results / MARKER}
    assert held_leases(results) == []
    end = time.monotonic() + 120
    while chaos.left():
        assert time.monotonic() < end, chaos.left()
        time.sleep(0.1)
