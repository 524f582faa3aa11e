"""`bench status`: during a run, after it, and of records made by hand."""

from __future__ import annotations

import os
import re
import time
from dataclasses import dataclass, replace

import pytest
from bench_process import RAISES, started
from in_process import bench_here
from waiting import GATE, until

from imbench.commands.cli import exit_code
from imbench.commands.status import _running_lines
from imbench.files.processes import host_id, start_time
from imbench.records.cell import Cell
from imbench.records.environment import cores
from imbench.records.store import Store
from imbench.runs.cell_states import cell_states
from imbench.runs.training_leases import TrainingLease, held_leases


def files(folder):
    """Return every file with its content, claims (which are renewed) by name."""
    return {
        path: b"" if ".imbench" in path.parts else path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "clock"
    }


@dataclass
class Seen:
    code: int
    out: str
    err: str
    changed: bool
    watched: tuple = ()


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    """Look at a run while its third cell waits, and when it has ended."""
    folder = tmp_path_factory.mktemp("status")
    (folder / "parts.py").write_text(GATE + RAISES)
    methods = "parts.py:Raises,vanilla,parts.py:Gate,os"
    words = ("--datasets", "digits", "--minority", "20", "--size", "8", "--network", "linear")
    words += ("--steps", "2", "--seeds", "0", "--jobs", "1", "--methods", methods)
    run = started(folder, "run", *words)
    until(lambda: any(folder.glob("begun/*")))
    watch = started(folder, "status", "--watch")
    watched = [next(line for line in watch.stdout if " running, " in line)]
    looks = []
    for _ in range(2):
        before = files(folder / "results")
        status = bench_here("status", cwd=folder)
        changed = files(folder / "results") != before
        looks.append(Seen(status.returncode, status.stdout, status.stderr, changed))
        (folder / "open").touch()
        run.communicate(timeout=240)
    assert run.returncode == 1
    out, err = watch.communicate(timeout=280)
    watched += [line for line in out.splitlines() if " running, " in line]
    looks[1].watched = watch.returncode, watched, err
    return looks


def rows(text):
    """Return the counts of each method: columns as they are printed, empty where there is none."""
    head, rule, *lines = text[: text.index("\n\n")].splitlines()
    assert re.split(r"  +", head) == ["data set", "method", "done", "failed", "running", "missing"]
    spans = [match.span() for match in re.finditer("-+", rule)]
    cells = [[line[a:b].strip() for a, b in spans] for line in lines]
    assert {cell[0] for cell in cells} == {"digits"}
    return {cell[1]: cell[2:] for cell in cells}


@pytest.mark.slow
def test_during_a_run_each_cell_has_its_state(seen):
    look, _ = seen
    assert (look.code, look.err) == (0, "")
    assert rows(look.out) == {
        "vanilla": ["1", "", "", ""],
        "os": ["", "", "", "1"],
        "parts.py:Gate": ["", "", "1", ""],
        "parts.py:Raises": ["", "1", "", ""],
    }
    assert re.search(
        r"^1 done, 1 failed, 1 running, 1 missing; to go: about \d+ (s|min) on 1 worker$",
        look.out,
        flags=re.MULTILINE,
    )


def test_what_runs_is_named_with_its_time(seen):
    running = [[line for line in look.out.splitlines() if "RUNNING" in line] for look in seen]
    assert running[1] == []
    (line,) = running[0]
    assert re.fullmatch(r" RUNNING  digits-20  parts\.py:Gate  seed 0  for about \d+ (s|min)", line)


def test_watching_ends_when_every_cell_has_ended(seen):
    code, (first, *_, last), err = seen[1].watched
    assert (code, err) == (0, "")
    assert first.startswith("1 done, 1 failed, 1 running, 1 missing; ")
    assert last == "3 done, 1 failed, 0 running, 0 missing"


def test_a_claim_of_several_cells_or_of_another_machine_is_a_line(entries):
    known = entries(s0=("ok", 4.0))
    cells = [cell(seed) for seed in range(4)]
    mine = replace(claim_of(*cells[:3]), since=time.monotonic() - 600)
    theirs = replace(claim_of(cells[3]), host="other")
    assert list(
        _running_lines(cells, known, [mine, theirs, claim_of(cells[0]), claim_of(cell(9))])
    ) == [
        " RUNNING  digits-9  os and 1 more  seed 1  for about 10 min",
        " RUNNING  digits-9  os  seed 3  elsewhere",
    ]


def test_the_last_errors_are_shown_with_their_logs(seen):
    for look in seen:
        last = look.out.splitlines()[-1].split()
        assert " ".join(last[:7]) == "FAILED digits-20 parts.py:Raises seed 0 ValueError: broken"
        assert re.fullmatch(r"results/digits/20/parts.py_Raises-\w+/0-\w+\.log", last[7])


def test_after_a_run_there_is_nothing_to_go(seen):
    _, look = seen
    assert (look.code, look.err) == (0, "")
    assert rows(look.out)["parts.py:Gate"] == rows(look.out)["os"] == ["1", "", "", ""]
    assert "\n3 done, 1 failed, 0 running, 0 missing\n" in look.out


def test_it_only_reads(seen):
    assert [look.changed for look in seen] == [False, False]


def call(capfd, *words):
    return exit_code([str(word) for word in words]), *capfd.readouterr()


def test_no_folder_and_an_empty_one_end_with_3_and_say_what_to_do(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    said = "bench: there is no results folder 'results': run `bench run` first, or name another\n"
    assert call(capfd, "status") == (3, "", said)
    (tmp_path / "results").mkdir()
    said = "bench: 'results' holds neither a plan nor a record\n"
    assert call(capfd, "status") == (3, "", said)
    assert list((tmp_path / "results").iterdir()) == []


def test_records_without_a_grid_are_counted(tmp_path, make_record, capfd):
    store = Store(tmp_path)
    for seed in range(3):
        store.put(make_record("us+cs", seed=seed, cost={"fit": 3.0}))
    store.put(make_record("os", status="crashed", reason="worker killed twice (SIGKILL)"))
    code, out, err = call(capfd, "status", tmp_path)
    assert (code, err) == (0, "")
    assert rows(out) == {"us+cs": ["3", "", "", ""], "os": ["", "1", "", ""]}
    assert out.splitlines()[-1].split() == (
        ["CRASHED", "digits-50", "os", "seed", "0", "worker", "killed", "twice", "(SIGKILL)"]
    )


def test_a_cell_that_ends_between_the_two_looks_of_a_status_is_done(
    tmp_path, make_record, monkeypatch, capfd
):
    def ends(look):
        def looked(*arguments):
            found = look(*arguments)
            Store(tmp_path).put(make_record("os"))
            return found

        return looked

    monkeypatch.setattr("imbench.runs.training_leases.held_leases", ends(held_leases))
    monkeypatch.setattr(Store, "index", ends(Store.index))
    code, out, _ = call(capfd, "status", tmp_path)
    assert (code, rows(out)) == (0, {"os": ["1", "", "", ""]})


def test_at_most_five_failures_are_shown_the_latest_last(tmp_path, make_record, capfd):
    store = Store(tmp_path)
    for seed in range(8):
        path = store.put(make_record("os", seed=seed, status="failed", reason=f"no {seed}"))
        os.utime(path, (1000 - seed, 1000 - seed))
    _, out, _ = call(capfd, "status", tmp_path)
    shown = [line.rpartition("  ")[2] for line in out.splitlines() if "FAILED" in line]
    assert shown == ["no 4", "no 3", "no 2", "no 1", "no 0"]


def cell(seed, recipe="os"):
    return Cell(dataset="digits", fingerprint="0", minority=9, recipe=recipe, seed=seed)


def claim_of(*cells):
    me = os.getpid()
    keys = tuple(cell.key for cell in cells)
    return TrainingLease("t", "r", host_id(), me, start_time(me), 0.0, keys)


@pytest.fixture
def entries(tmp_path, make_record):
    """Return a maker of what the store knows of cells: seed to (status, seconds)."""

    def make(**known):
        store = Store(tmp_path)
        for name, (status, seconds) in known.items():
            one = cell(int(name[1:]))
            fields = {"dataset": "digits", "fingerprint": "0", "settings": one.settings}
            record = make_record(
                *("os", 9, one.seed), status=status, cell=fields, cost={"fit": seconds}
            )
            assert record.key == one.key
            store.put(record)
        return store.index()

    return make


def test_a_cell_has_one_state_and_done_goes_first(entries):
    known = entries(s0=("ok", 4.0), s1=("failed", 0.0), s2=("failed", 0.0), s3=("ok", 2.0))
    cells = [cell(seed) for seed in range(6)]
    held = [claim_of(cells[2], cells[3], cells[4])]
    state = cell_states(cells, known, held)
    assert state.counts == {("digits", "os"): {"done": 2, "failed": 1, "running": 2, "missing": 1}}
    assert state.total == {"done": 2, "failed": 1, "running": 2, "missing": 1}
    assert [entry.cell.seed for entry in state.failed] == [1], "what runs again has not failed yet"


def test_who_works_shares_what_is_left(entries):
    known = entries(s0=("ok", 4.0), s1=("ok", 2.0))
    cells = [cell(seed) for seed in range(8)]
    two = [claim_of(cells[2]), claim_of(cells[3])]
    for held in (two, iter(two)):
        states = cell_states(cells, known, held)
        assert (states.left.seconds, states.workers) == (6 * 3.0, 2)
    alone = cell_states(cells, known, [])
    assert (alone.left.seconds, alone.workers) == (6 * 3.0, min(6, cores()))
    assert cell_states(cells[:1], known, []).left.seconds == 0


def test_no_time_is_told_without_anything_to_go_by(entries):
    known = entries(s0=("failed", 0.0))
    assert cell_states([cell(seed) for seed in range(3)], known, []).left.seconds is None
