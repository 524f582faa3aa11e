"""Faults of a run, one after the other, as they happen to `bench run`: see each test's row.

The rows are those of the specification of faults. What one module alone has to stand is tested
beside it, by the same kind of name.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from finished import done_keys
from waiting import GATE, until

from imbench.files.processes import alive, start_time
from imbench.images.cache import prepare
from imbench.records.store import Store
from imbench.runs.job import Job, RunContext
from imbench.runs.training_leases import held_leases

pytestmark = pytest.mark.timeout(900)  # several runs a fixture; a busy machine needs minutes
BENCH = Path(sys.executable).with_name("bench")
PARTS = '''
"""Parts that go wrong, each in its own way; what they leave lies beside this file."""
import os, signal, sys, time
from pathlib import Path
import numpy as np
from imbench import Part

HERE = Path(__file__).parent


class Imports(Part):
    """Notes which modules a cell imports after its training has begun."""

    def resample(self, x, y, rng):
        (HERE / "early").write_text(" ".join(sys.modules))
        return x, y

    def adjust(self, logits, priors):
        (HERE / "late").write_text(" ".join(sys.modules))
        return logits


class Raises(Part):
    def resample(self, x, y, rng):
        raise ValueError("broken\\non purpose")


class Renames(Part):
    """Dies between the temporary file of its record and the rename."""

    def finish(self, state):
        os.link = Path.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)


class NanLoss(Part):
    def weigh(self, state, x, y, rows):
        import torch

        return torch.full((len(x),), float("nan") if state.step == 2 else 1.0)


class Huge(Part):
    def resample(self, x, y, rng):
        return np.empty(1 << 50, np.uint8), y


class Slow(Part):
    def before_step(self, state):
        time.sleep(600)


class Blocked(Part):
    """Keeps whatever is raised in it."""

    def before_step(self, state):
        while True:
            try:
                time.sleep(0.1)
            except BaseException:
                pass


class Fills(Part):
    """Fills the disk of the results in the third replicate, if there is a file `fill`."""

    def before_step(self, state):
        if state.step == 0 and state.seed == 2 and (HERE / "fill").exists():
            (HERE / "fill").unlink()
            with (HERE / "results" / "ballast").open("wb", buffering=0) as file:
                try:
                    while file.write(bytes(4096)) == 4096:
                        pass
                except OSError:
                    pass


class Cut(Part):
    """Saves generators often, counts their steps, and dies in the 33rd unless it did before."""

    def resample(self, x, y, rng):
        from imbench.methods import _kept
        from imbench.methods._cyclegan import CycleGAN

        _kept.SAVE_EVERY = 0.0
        whole = CycleGAN.step

        def step(gan, *given):
            with (HERE / "steps").open("a") as file:
                file.write(".")
            if (HERE / "steps").stat().st_size == 33 and not (HERE / "uncut").exists():
                os.kill(os.getpid(), signal.SIGKILL)
            return whole(gan, *given)

        CycleGAN.step = step
        return x, y


class Deaf(Part):
    """Hears neither the alarm nor SIGTERM."""

    def before_step(self, state):
        for number in (signal.SIGALRM, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        while True:
            time.sleep(0.1)
'''
TINY = ("--datasets", "digits", "--minority", "20", "--size", "8", "--network", "linear")
TINY += ("--steps", "3", "--json-log", "log.jsonl")


def parts_in(folder):
    """Write ``parts.py`` into a folder of its own."""
    (folder / "parts.py").write_text(PARTS + GATE)
    return folder


def start(folder, *command, **options):
    """Start a command in a folder, in a process group of its own, as a shell does."""
    return subprocess.Popen(
        [str(word) for word in command],
        cwd=folder,
        env={**os.environ, "IMBENCH_CACHE": str(folder.parent / "imbench-cache")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        **options,
    )


def finish(process):
    """Return exit code, standard output and standard error."""
    out, err = process.communicate(timeout=240)
    return process.returncode, out, err


def events(folder):
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def records(folder):
    """Return the records of a folder by their cell's key."""
    return {record.key: record for record in Store(folder / "results").records()}


@dataclass
class Ended:
    """How a start of `bench run` ended, and what it left."""

    code: int
    out: str
    err: str
    events: list[dict]
    done: set[str]
    workers: dict[int, str]
    """Number of each worker that began a cell, and when it was born."""

    @property
    def alive(self) -> list[int]:
        return [pid for pid, born in self.workers.items() if alive(pid, born)]


class Gated:
    """Starts `bench run` of six cells that wait at a gate, two at a time."""

    def __init__(self, folder):
        self.folder = folder
        self.command = [BENCH, "run", *TINY, "--methods", "parts.py:Gate", "--seeds", "0-5"]
        self.command += ["--jobs", "2", "--quiet"]

    def start(self, *options, cells=2, runs=1):
        """Return processes that have begun so many cells."""
        for path in [*self.folder.glob("begun/*"), *self.folder.glob("log.jsonl")]:
            path.unlink()
        processes = [start(self.folder, *self.command, *options) for _ in range(runs)]
        until(lambda: len(list(self.folder.glob("begun/*"))) >= cells)
        return processes

    def open(self):
        (self.folder / "open").touch()

    def end(self, process):
        workers = self.workers()
        code, out, err = finish(process)
        done = done_keys(self.folder / "results")
        return Ended(code, out, err, events(self.folder), done, workers)

    def workers(self):
        pids = [int(path.name.split("-")[1]) for path in self.folder.glob("begun/*")]
        return {pid: start_time(pid) for pid in pids}

    def again(self, text):
        """Take over the command that a line on standard error says to go on with."""
        words = re.search(r"go on with: bench (.*)", text)[1].split()
        self.command = [BENCH, *words]


@pytest.fixture(scope="module")
def stops(tmp_path_factory):
    """Stop one grid in three ways, each time going on where the last one ended.

    Ctrl-C, Ctrl-C twice and kill -9; then two runs at once do the rest.
    """
    gated = Gated(parts_in(tmp_path_factory.mktemp("stops")))
    ends = {}

    (process,) = gated.start()
    os.killpg(process.pid, signal.SIGINT)
    heard = process.stderr.readline()
    gated.open()
    ends["once"] = gated.end(process)
    ends["once"].err = heard + ends["once"].err
    (gated.folder / "open").unlink()

    gated.again(ends["once"].err)
    (process,) = gated.start()
    os.killpg(process.pid, signal.SIGINT)
    heard = process.stderr.readline()
    os.killpg(process.pid, signal.SIGINT)
    ends["twice"] = gated.end(process)
    ends["twice"].err = heard + ends["twice"].err

    gated.again(ends["twice"].err)
    (process,) = gated.start()
    process.kill()
    ends["kill"] = gated.end(process)
    until(lambda: not ends["kill"].alive)

    pair = gated.start("--jobs", 1, runs=2)
    gated.open()
    ends["pair"] = [gated.end(process) for process in pair]
    return gated.folder, ends


ROWS = range(1, 30)


def test_every_fault_of_the_specification_has_a_test(request):
    named = [
        name
        for file in sorted(Path(__file__).parent.glob("test_*.py"))
        for name in re.findall(r"^def (test_row_\w*)", file.read_text("utf-8"), flags=re.MULTILINE)
    ]
    assert not [name for name in named if not re.match(r"test_row_\d\d_[a-z]", name)]
    assert {int(name[9:11]) for name in named} == set(ROWS)
    collected = [item for item in request.session.items if item.name.startswith("test_row_")]
    assert all(item.get_closest_marker("faults") for item in collected)
    assert request.node.get_closest_marker("faults") is None


def test_the_page_on_security_names_tests_that_exist():
    here = Path(__file__).parent
    page = (here.parent / "SECURITY.md").read_text("utf-8")
    tests = "\n".join(file.read_text("utf-8") for file in here.glob("test_*.py"))
    named = re.findall(r"`(test_\w+\*?)`", page)
    assert len(named) >= 25
    for file in re.findall(r"`tests/(\w+\.py)`", page):
        assert (here / file).is_file(), file
    shared = page.partition("## What a writer to the shared folder")[2].partition("\n## ")[0]
    rows = [line for line in shared.splitlines() if line.startswith("| ")]
    assert len(rows) >= 12
    assert all("`test_" in row for row in rows if "shown by" not in row), "each has its test"
    for name in named:
        ending = r"\w" if name.endswith("*") else r"\("
        assert re.search(rf"^def {name.rstrip('*')}{ending}", tests, flags=re.MULTILINE), name


def test_row_04_after_ctrl_c_running_cells_are_finished_and_no_new_one_is_begun(stops):
    _, ends = stops
    once = ends["once"]
    assert once.code == 130
    assert len(once.workers) == 2
    assert len(once.done) == 2
    assert once.alive == []
    assert [one["event"] for one in once.events] == ["plan", "cell", "cell", "end"]
    assert (once.events[-1]["stopped"], once.events[-1]["left"]) == ("interrupted", 4)
    heard, said = once.err.splitlines()
    assert heard == " stopping: cells that run are finished; Ctrl-C again to stop at once"
    assert said.startswith("bench: interrupted with 4 cells to go; what is done is kept, go on")
    assert "bench run --datasets digits" in said


def test_row_04_a_second_ctrl_c_stops_now(stops):
    _, ends = stops
    twice = ends["twice"]
    assert twice.code == 130
    assert len(twice.workers) == 2
    assert twice.alive == []
    assert twice.done == ends["once"].done
    assert [one["event"] for one in twice.events] == ["plan", "end"]
    assert (twice.events[0]["done"], twice.events[-1]["left"]) == (2, 4)
    assert len(twice.err.splitlines()) == 2, "no traceback"
    assert "bench: interrupted with 4 cells to go" in twice.err


def test_row_01_workers_of_a_killed_run_end_and_leave_no_half_record(stops):
    _, ends = stops
    killed = ends["kill"]
    assert killed.code == -signal.SIGKILL
    assert len(killed.workers) == 2
    assert killed.done == ends["once"].done


def test_row_01_the_next_run_does_only_what_is_unfinished(stops):
    _, ends = stops
    for end in ends["pair"]:
        (plan, *_) = end.events
        assert (end.code, end.out, end.err) == (0, "", "")
        assert (plan["done"], plan["to_run"]) == (2, 4)


def test_row_13_of_two_runs_at_once_each_cell_is_computed_by_one(stops):
    folder, ends = stops
    told = [one for one in ends["pair"][-1].events if one["event"] == "cell"]
    computed = [one["key"] for one in told if not one["elsewhere"]]
    assert len(computed) == len(set(computed)) == 4
    assert len(told) == 8, "and both tell of all"
    assert {one["status"] for one in told} == {"ok"}
    begun = sorted(path.name.partition("-")[0] for path in folder.glob("begun/*"))
    assert len(begun) == len(set(begun)) == 4


def test_row_01_final_scores_are_those_of_an_uninterrupted_run(stops, monkeypatch):
    from imbench.runs.worker import run_job

    folder, ends = stops
    found = records(folder)
    assert len(found) == 6
    assert found.keys() == ends["pair"][-1].done
    assert held_leases(folder / "results") == []
    monkeypatch.chdir(folder)
    whole, data = Store(folder / "whole"), prepare("digits", root=folder, size=8).folder
    for record in found.values():
        cell = record.cell
        run_job(Job(RunContext(whole.folder, device="cpu"), cell, (cell,), data))
        same = whole.get(cell)
        assert (same.key, same.status) == (record.key, "ok")
        assert (same.scores, same.metrics) == (record.scores, record.metrics)


ZOO = ("Imports", "Raises", "Renames", "NanLoss", "Huge")


def twice(folder, names, jobs):
    """Run cells that go wrong beside two that do not, then the same command again."""
    methods = ",".join(["vanilla", *(f"parts.py:{name}" for name in names), "os"])
    command = [BENCH, "run", *TINY, "--methods", methods, "--seeds", "0", "--jobs", jobs]
    code, out, err = finish(start(folder, *command))
    first = Ended(code, out, err, events(folder), done_keys(folder / "results"), {})
    left = sorted(folder.glob("results/*/*/*/.*.tmp"))
    (folder / "log.jsonl").unlink()
    code, out, err = finish(start(folder, *command))
    second = Ended(code, out, err, events(folder), done_keys(folder / "results"), {})
    return folder, first, left, second


@pytest.fixture(scope="module")
def zoo(tmp_path_factory):
    """Run all kinds of them, two at a time."""
    return twice(parts_in(tmp_path_factory.mktemp("zoo")), ZOO, jobs=2)


def cell_of(zoo, name):
    """Return the record, the event and the log's text of a recipe."""
    folder, first, *_ = zoo
    (record,) = [one for one in records(folder).values() if one.cell.recipe.endswith(name)]
    (event,) = [one for one in first.events if one.get("key") == record.key]
    log = (folder / "results" / record.log).read_text() if record.log else ""
    return record, event, log


@pytest.mark.slow
def test_row_03_after_the_death_of_a_worker_all_others_are_finished(zoo):
    _, first, _, _ = zoo
    assert first.code == 1
    for name in ("vanilla", "Imports", "os"):
        assert cell_of(zoo, name)[0].status == "ok"
    record, event, log = cell_of(zoo, "Renames")
    assert record.status == event["status"] == "crashed"
    assert record.reason == "worker killed twice (SIGKILL, out of memory?)"
    assert (record.log, log) == ("", ""), "nothing was said, so there is no log"
    assert f" CRASHED  digits-20  parts.py:Renames  seed 0  {record.reason}\n" in first.err


@pytest.mark.slow
def test_row_02_what_a_killed_writer_leaves_is_never_read_and_removed(tmp_path):
    # One at a time: whoever works beside a worker that dies is ended with it, perhaps as it writes.
    ran = twice(parts_in(tmp_path), ["Renames"], jobs=1)
    _, _, left, _ = ran
    assert len(left) == 2, "one of each try"
    assert {path.parent.name.partition("-")[0] for path in left} == {"parts.py_Renames"}
    assert_removed(*ran)


@pytest.mark.slow
def test_row_02_what_is_left_of_neighbours_is_removed_as_well(zoo):
    assert len(zoo[2]) >= 2
    assert_removed(*zoo)


def assert_removed(folder, first, left, second):
    """What killed writers left is gone after the second run, and nobody took it for a record."""
    assert "quarantine" not in first.err + second.err
    assert not (folder / "results" / "quarantine").exists()
    assert [path for path in left if path.exists()] == []
    assert list(folder.glob("results/**/.*.tmp")) == []


@pytest.mark.slow
def test_row_05_a_cell_that_raises_is_told_at_once_with_its_log(zoo):
    _, first, _, _ = zoo
    record, event, log = cell_of(zoo, "Raises")
    assert record.status == event["status"] == "failed"
    assert record.reason == event["reason"] == "ValueError: broken on purpose"
    assert log.splitlines()[:2] == ["failed: ValueError: broken on purpose", ""]
    assert log.endswith("ValueError: broken\n  on purpose\n")
    (line,) = [line for line in first.err.splitlines() if "Raises" in line and "FAILED" in line]
    assert line.split() == [
        *("FAILED", "digits-20", "parts.py:Raises", "seed", "0"),
        *("ValueError:", "broken", "on", "purpose", f"results/{record.log}"),
    ]
    assert first.err.index(line) < first.err.index(f"{len(ZOO) + 2}/{len(ZOO) + 2}")


@pytest.mark.slow
def test_row_07_what_diverged_is_in_no_mean_and_the_table_says_so(zoo):
    _, first, _, _ = zoo
    record, event, _ = cell_of(zoo, "NanLoss")
    assert record.status == event["status"] == "diverged"
    assert record.reason == "loss is not finite at step 2"
    assert "DIVERGED digits-20  parts.py:NanLoss  seed 0  loss is not finite at step 2" in first.err
    (line,) = [line for line in first.out.splitlines() if line.startswith("parts.py:NanLoss")]
    assert re.fullmatch(r"parts\.py:NanLoss +div\[\w\]", line)


@pytest.mark.slow
def test_row_08_out_of_memory_is_recorded_and_the_rest_goes_on(zoo):
    record, event, log = cell_of(zoo, "Huge")
    assert record.status == event["status"] == "memory"
    assert record.reason.startswith("Unable to allocate 1.00 PiB")
    assert "Traceback" in log


@pytest.mark.slow
def test_a_run_with_failures_ends_with_1_and_says_how_to_retry(zoo):
    _, first, _, _ = zoo
    last = first.err.splitlines()[-1]
    assert last.startswith("bench: 4 of 7 cells have no score; 2 would fail again: ")
    assert "then retry what failed; run the others again (better with" in last
    assert last.endswith("--retry-failed")
    assert "3 of 7 cells ok; again: bench report results" in first.out
    end = first.events[-1]
    assert (end["event"], end["stopped"], end["failed"], end["left"]) == ("end", "", 4, 0)


@pytest.mark.slow
def test_row_05_what_failed_before_is_neither_done_again_nor_taken_for_success(zoo):
    _, first, _, second = zoo
    assert second.code == 1
    assert second.done == first.done
    assert [one["event"] for one in second.events] == ["plan", "end"]
    plan, end = second.events
    assert (plan["done"], plan["failed_before"], plan["to_run"]) == (3, 4, 0)
    assert end["failed"] == 4
    assert "3 done, 4 failed before, 0 to run" in second.out
    assert second.err.splitlines()[-1] == first.err.splitlines()[-1]


@pytest.mark.slow
def test_what_the_first_cell_of_a_worker_imports_is_not_its_cost(zoo):
    folder, *_ = zoo
    early, late = ((folder / name).read_text().split() for name in ("early", "late"))
    assert "torch" in early
    assert len(set(late) - set(early)) < 20


@pytest.mark.slow
def test_no_more_cells_run_at_a_time_than_there_are_workers(zoo):
    _, first, _, _ = zoo
    running = [int(number) for number in re.findall(r"running (\d+)", first.err)]
    assert running
    assert max(running) <= 2


@pytest.mark.slow
def test_row_06_alarm_then_sigterm_then_sigkill_and_the_next_cell_starts(tmp_path):
    parts_in(tmp_path)
    impatient = (
        "import imbench.runs.timekeeper\n"
        "imbench.runs.timekeeper.GRACE, imbench.runs.timekeeper.KILL = 2, 1\n"
        "from imbench.commands.cli import main; main()"
    )
    methods = ",".join(f"parts.py:{name}" for name in ("Slow", "Blocked", "Deaf"))
    command = [sys.executable, "-P", "-c", impatient, "run", *TINY, "--methods"]
    command += [f"{methods},vanilla", "--seeds", "0", "--jobs", "1", "--timeout", "3s"]
    code, out, err = finish(start(tmp_path, *command))
    assert code == 1, err
    assert "Exception" not in err
    for found in records(tmp_path).values():
        if found.log:  # a killed worker may have said nothing
            log = (tmp_path / "results" / found.log).read_text()
            assert log.splitlines()[0] == f"timeout: {found.reason}"
    assert any(found.log for found in records(tmp_path).values())
    ended = {one["recipe"]: one for one in events(tmp_path) if one["event"] == "cell"}
    alarm, killed = "not finished after 3 s", "killed: not finished after 3 s"
    assert {recipe: (one["status"], one["reason"]) for recipe, one in ended.items()} == {
        "parts.py:Slow": ("timeout", alarm),
        "parts.py:Blocked": ("timeout", killed),
        "parts.py:Deaf": ("timeout", killed),
        "vanilla": ("ok", ""),
    }
    assert re.search(r"parts\.py:Deaf +t/o", out)
    assert held_leases(tmp_path / "results") == []


@pytest.mark.slow
def test_row_12_a_full_disk_stops_the_run_with_4_and_the_figures(tmp_path):
    prepare("digits", root=tmp_path, size=8)  # the images are larger than a record
    limited = ["bash", "-c", 'ulimit -f 8; exec "$@"', "bash"]  # KB a file: a record has 22
    command = [BENCH, "run", *TINY, "--methods", "vanilla", "--seeds", "0-9", "--jobs", "1"]
    code, _, err = finish(start(tmp_path, *limited, *command))
    assert code == 4, err
    said = re.fullmatch(
        r"bench: no space for (\S+): 0\.02 MB needed, \d+\.\d\d MB free; "
        r"make room and start the same command again",
        err.splitlines()[-1],
    )
    assert said, err
    assert "Traceback" not in err
    assert not (tmp_path / said[1]).exists()
    assert records(tmp_path) == {}
    assert list(tmp_path.glob("results/**/*.tmp")) == []
    plan, end = events(tmp_path)
    assert (plan["to_run"], end["left"], end["failed"]) == (10, 10, 0)
    assert end["stopped"].startswith("no space for ")


@pytest.fixture
def small_disk(tmp_path):
    """Return a maker of a results folder that is a file system of its own, of so many KB."""
    place = tmp_path / "results"

    def make(kilobytes):
        place.mkdir()
        options = ["-t", "tmpfs", "-o", f"size={kilobytes}k", "imbench-test"]
        done = subprocess.run(["mount", *options, place], capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"no small disk can be made here: {done.stderr.strip()}")
        return place

    yield make
    if place.is_mount():
        subprocess.run(["umount", place], check=True)


@pytest.mark.slow
def test_row_12_a_disk_that_is_too_small_ends_the_plan_and_no_cell_is_begun(tmp_path, small_disk):
    results = small_disk(64)
    command = [BENCH, "run", *TINY, "--methods", "vanilla", "--seeds", "0-9", "--jobs", "1"]
    short = r"the records need 0\.\d\d MB, the results folder has 0\.0\d MB free: make room, or "
    for options in (["--dry-run"], []):
        code, out, err = finish(start(tmp_path, *command, *options))
        assert code == 4, err
        assert "10 cells: 10 to run (10 trainings)" in out
        assert re.fullmatch(rf"bench: {short}name another --out", err.splitlines()[-1]), err
        assert list(results.iterdir()) == []


@pytest.mark.slow
def test_row_12_a_disk_that_fills_up_leaves_old_records_and_the_run_goes_on_when_there_is_room(
    tmp_path, small_disk
):
    results = small_disk(1024)
    parts_in(tmp_path)
    (tmp_path / "fill").touch()
    command = [BENCH, "run", *TINY, "--methods", "parts.py:Fills", "--seeds", "0-4"]
    command += ["--jobs", "1"]
    code, _, err = finish(start(tmp_path, *command))
    assert code == 4, err
    assert re.fullmatch(
        r"bench: no space for \S+/2-\w+\.json: 0\.02 MB needed, 0\.\d\d MB free; "
        r"make room and start the same command again",
        err.splitlines()[-1],
    ), err
    kept = {path: path.read_bytes() for path in results.glob("digits/**/*.json")}
    assert sorted(path.name.partition("-")[0] for path in kept) == ["0", "1"]
    assert {record.status for record in records(tmp_path).values()} == {"ok"}
    assert [path for path in results.rglob("*") if path.suffix in (".tmp", ".log")] == []
    assert held_leases(results) == []

    (results / "ballast").unlink()
    numbers = {path: path.stat().st_ino for path in kept}
    code, out, err = finish(start(tmp_path, *command))
    assert code == 0, err
    assert "2 done, 3 to run" in out
    assert {path: path.read_bytes() for path in kept} == kept
    assert {path: path.stat().st_ino for path in kept} == numbers
    assert len(records(tmp_path)) == 5


def alike(a, b):
    """Whether two states are equal to the last bit."""
    import torch

    if isinstance(a, torch.Tensor):
        return a.dtype == b.dtype and torch.equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(alike(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(alike, a, b))
    return a == b


@pytest.mark.slow
def test_row_24_a_generator_whose_training_was_killed_goes_on_bit_for_bit(tmp_path):
    import torch

    recipe = "parts.py:Cut+aug:steps=40,batch=2,width=4,blocks=1,layers=1,patch_width=4"
    command = [BENCH, "run", *TINY, "--methods", recipe, "--seeds", "0", "--jobs", "1"]
    found = {}
    for name, steps in (("cut", 33 + 10), ("whole", 40)):
        (tmp_path / name).mkdir()
        folder = parts_in(tmp_path / name)
        if name == "whole":
            (folder / "uncut").touch()
        code, _, err = finish(start(folder, *command))
        assert code == 0, err
        # On from the checkpoint after 30 steps: 2 are done twice, and 1 was begun and is again.
        assert (folder / "steps").stat().st_size == steps
        (record,) = records(folder).values()
        place = folder / "results" / record.files["generator-1"]
        found[name] = record, torch.load(place, weights_only=True)
        assert not list(place.parent.glob("*-part.pt"))
    (cut, generator), (whole, straight) = found.values()
    assert (cut.status, cut.files, cut.metrics) == ("ok", whole.files, whole.metrics)
    assert cut.scores == whole.scores
    del generator["seconds"], straight["seconds"]
    assert {"done", "gan", "history"} <= generator.keys()
    assert alike(generator, straight)
