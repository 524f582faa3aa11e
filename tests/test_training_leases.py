"""Who works on what: real processes that want the same, die, or are left by their parents."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict

import pytest
from waiting import until

from imbench.errors import EnvironmentFault
from imbench.files import leases
from imbench.files.leases import RENEWAL_SECONDS, STALE_SECONDS, LeaseWatch
from imbench.files.processes import alive, host_id, start_time
from imbench.runs.training_leases import TrainingLease, drop, drop_dead, held_leases, leased

HOLDS = """
import sys
from pathlib import Path
from imbench.runs.training_leases import leased

with leased(Path(sys.argv[1]), sys.argv[2], run=sys.argv[3], cells=["c1", "c2"]) as mine:
    print(mine, flush=True)
    sys.stdin.read()
"""


def child(code, *arguments):
    """Start Python in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-P", "-c", code, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def holder(tmp_path):
    """Return a starter of processes that hold a claim until their input ends or they are killed."""
    started = []

    def start(key, run="r"):
        process = child(HOLDS, tmp_path, key, run)
        started.append(process)
        assert process.stdout.readline() == "True\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def file_of(folder, key):
    return folder / ".imbench" / "claims" / f"{key}.json"


def take(folder, key="k", run="mine"):
    """Return whether the claim can be had, giving it back at once."""
    with leased(folder, key, run=run, cells=[]) as mine:
        return mine


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    """Return the clock by which this process judges the claims of other machines."""
    clock = Clock()
    monkeypatch.setattr(leases, "LEASE_WATCH", LeaseWatch(clock))
    return clock


def pass_time(clock, seconds, look=lambda: None):
    """Let time pass, looking all the while."""
    for _ in range(int(seconds)):
        clock.now += 1.0
        look()


def age(path, seconds):
    now = time.time()
    os.utime(path, (now - seconds, now - seconds))


def foreign(folder, key="k", run="r"):
    """Write a claim as a process of another machine does."""
    claim = TrainingLease(key, run, "0" * 12, os.getpid(), "1", 0.0, ("c",))
    file_of(folder, key).parent.mkdir(parents=True, exist_ok=True)
    file_of(folder, key).write_text(json.dumps(asdict(claim)))
    return claim


def test_a_claim_is_held_inside_the_block_and_says_whose_it_is(tmp_path):
    before = time.monotonic()
    with leased(tmp_path, "k", run="r", cells=["c1", "c2"]) as mine:
        assert mine
        (claim,) = held_leases(tmp_path)
        assert (claim.key, claim.run, claim.cells) == ("k", "r", ("c1", "c2"))
        assert (claim.host, claim.pid, claim.born) == (
            host_id(),
            os.getpid(),
            start_time(os.getpid()),
        )
        assert before <= claim.since <= time.monotonic()
        assert claim.here
        assert not take(tmp_path), "not even by the same process"
        assert take(tmp_path, "another")
        assert drop_dead(tmp_path) == []
    assert held_leases(tmp_path) == []
    assert not file_of(tmp_path, "k").exists()


def test_a_claim_is_given_back_when_the_work_fails(tmp_path):
    with pytest.raises(ZeroDivisionError), leased(tmp_path, "k", run="r", cells=[]):
        raise ZeroDivisionError
    assert take(tmp_path)


def test_another_process_waits_until_it_is_given_back(tmp_path, holder):
    process = holder("k")
    assert [claim.pid for claim in held_leases(tmp_path)] == [process.pid]
    assert not take(tmp_path)
    process.communicate()
    assert process.returncode == 0
    assert held_leases(tmp_path) == []
    assert take(tmp_path)


RACES = """
import sys, time
from contextlib import ExitStack
from pathlib import Path
from imbench.runs import training_leases
from imbench.files import leases

judge = leases._is_free

def slowly(*given):
    # Time for the others to come to the same judgement, if nothing holds them back.
    judged = judge(*given)
    time.sleep(0.02)
    return judged

leases._is_free = slowly
with ExitStack() as held:
    print("ready", flush=True)
    for key in map(str.strip, sys.stdin):
        claim = training_leases.leased(Path(sys.argv[1]), key, run="r", cells=[])
        print(held.enter_context(claim), flush=True)
"""


@pytest.mark.parametrize("left", ["nothing", "the claim of a dead process"])
def test_of_several_processes_exactly_one_gets_each_claim(tmp_path, holder, left):
    keys = [f"key{number}" for number in range(12)]
    if left != "nothing":
        dead = holder(keys[0])
        dead.kill()
        dead.wait()
        text = file_of(tmp_path, keys[0]).read_text()
        for key in keys:
            file_of(tmp_path, key).write_text(text)
    racers = [child(RACES, tmp_path) for _ in range(3)]
    for racer in racers:
        racer.stdout.readline()
    winner = {}
    for key in keys:
        for racer in racers:
            racer.stdin.write(f"{key}\n")
            racer.stdin.flush()
        won = [racer.pid for racer in racers if racer.stdout.readline() == "True\n"]
        assert len(won) == 1, key
        winner[key] = won[0]
    assert {claim.key: claim.pid for claim in held_leases(tmp_path)} == winner
    for racer in racers:
        racer.communicate()
        assert racer.returncode == 0
    assert held_leases(tmp_path) == []


def test_the_claim_of_a_killed_process_is_free_at_once(tmp_path, holder):
    process = holder("k")
    assert not take(tmp_path)
    process.kill()
    # It has ended, but nobody has waited for it: a zombie counts as dead.
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert file_of(tmp_path, "k").exists()
    assert held_leases(tmp_path) == []
    assert take(tmp_path)
    assert not file_of(tmp_path, "k").exists()


def test_claims_of_the_dead_are_dropped_of_one_run_or_of_all(tmp_path, holder):
    first, second, third = holder("a", "run1"), holder("b", "run2"), holder("c", "run1")
    for process in (first, second):
        process.kill()
        process.wait()
    (dropped,) = drop_dead(tmp_path, run="run1")
    assert (dropped.key, dropped.pid, dropped.cells) == ("a", first.pid, ("c1", "c2"))
    assert drop_dead(tmp_path, run="run3") == []
    assert [claim.key for claim in drop_dead(tmp_path)] == ["b"]
    assert [claim.pid for claim in held_leases(tmp_path)] == [third.pid]


def test_a_number_that_another_process_has_now_holds_nothing(tmp_path):
    with leased(tmp_path, "k", run="r", cells=[]):
        plain = json.loads(file_of(tmp_path, "k").read_text())
    file_of(tmp_path, "k").write_text(json.dumps({**plain, "born": str(int(plain["born"]) - 1)}))
    assert held_leases(tmp_path) == []
    assert take(tmp_path)


@pytest.mark.parametrize("jump", [-1e9, -3600, 3600, 1e9])
def test_row_27_jumps_of_the_clock_neither_free_nor_hold_a_claim(tmp_path, holder, jump):
    live, dead = holder("live"), holder("dead")
    for key in ("live", "dead"):
        age(file_of(tmp_path, key), jump)
    assert not take(tmp_path, "live")
    assert {claim.pid for claim in held_leases(tmp_path)} == {live.pid, dead.pid}
    dead.kill()
    dead.wait()
    assert [claim.pid for claim in held_leases(tmp_path)] == [live.pid]
    assert take(tmp_path, "dead")


@pytest.mark.parametrize("wrong", [0.0, -7200.0, 7200.0])
def test_a_claim_of_another_machine_is_held_while_it_is_renewed(tmp_path, clock, wrong):
    claim = foreign(tmp_path)
    assert not claim.here
    for number in range(5):
        # Whatever time the other machine thinks it is: only that it changes counts.
        age(file_of(tmp_path, "k"), wrong - number)
        pass_time(clock, STALE_SECONDS - 10, lambda: held_leases(tmp_path))
        assert held_leases(tmp_path) == [claim]
        assert not take(tmp_path)
        assert drop_dead(tmp_path) == []


def test_a_claim_of_another_machine_that_is_not_renewed_is_free(tmp_path, clock):
    claim = foreign(tmp_path)
    age(file_of(tmp_path, "k"), 1e6)
    assert not take(tmp_path), "an old date alone says nothing"
    pass_time(clock, STALE_SECONDS + 2, lambda: held_leases(tmp_path))
    assert held_leases(tmp_path) == []
    assert drop_dead(tmp_path) == [claim]
    assert take(tmp_path)
    assert list(file_of(tmp_path, "k").parent.iterdir()) == []


def test_time_in_which_nobody_looked_frees_nothing(tmp_path, clock):
    foreign(tmp_path)
    for _ in range(3):
        assert not take(tmp_path)
        clock.now += 1e6  # this process was stopped, and perhaps the other one beside it
    assert not take(tmp_path)


def test_a_claim_that_was_taken_anew_is_watched_anew(tmp_path, clock):
    foreign(tmp_path)
    pass_time(clock, STALE_SECONDS - 10, lambda: held_leases(tmp_path))
    file_of(tmp_path, "k").unlink()
    assert held_leases(tmp_path) == []
    claim = foreign(tmp_path, run="r2")
    pass_time(clock, STALE_SECONDS - 10, lambda: held_leases(tmp_path))
    assert held_leases(tmp_path) == [claim]


ELSEWHERE = """
import sys
from pathlib import Path
from imbench.files import leases
from imbench.runs import training_leases

leases.host_id = lambda: "0" * 12
leases.RENEWAL_SECONDS = 0.02
with training_leases.leased(Path(sys.argv[1]), "k", run="r", cells=[]) as mine:
    print(mine, flush=True)
    sys.stdin.readline()
"""


@pytest.mark.parametrize("ends", ["it is killed", "it is stopped and goes on"])
def test_the_claim_of_another_machine_is_taken_over_when_it_falls_silent(
    tmp_path, monkeypatch, ends
):
    monkeypatch.setattr(leases, "STALE_SECONDS", 0.5)
    other = child(ELSEWHERE, tmp_path)
    assert other.stdout.readline() == "True\n"
    try:
        assert not take(tmp_path)
        if ends == "it is killed":
            other.kill()
        else:
            other.send_signal(signal.SIGSTOP)
        until(lambda: not held_leases(tmp_path))
        with leased(tmp_path, "k", run="mine", cells=[]) as mine:
            assert mine
            (ours,) = held_leases(tmp_path)
            other.send_signal(signal.SIGCONT)
            other.communicate("\n")  # its beats and its end leave the new claim alone
            assert held_leases(tmp_path) == [ours]
            assert not take(tmp_path)
        assert list(file_of(tmp_path, "k").parent.iterdir()) == []
    finally:
        other.kill()
        other.communicate()


def test_a_claim_that_another_machine_took_over_is_not_taken_from_it(tmp_path):
    with leased(tmp_path, "k", run="r", cells=[]) as mine:
        assert mine
        theirs = foreign(tmp_path)
    assert held_leases(tmp_path) == [theirs]


RENEWS = """
import sys, time
from pathlib import Path
from imbench.runs import training_leases
from imbench.files import leases

leases.RENEWAL_SECONDS = 0.02
with training_leases.leased(Path(sys.argv[1]), "k", run="r", cells=[]):
    print("held", flush=True)
    time.sleep(600)
"""


def test_a_claim_is_renewed(tmp_path):
    process = child(RENEWS, tmp_path)
    process.stdout.readline()
    path = file_of(tmp_path, "k")
    try:
        for _ in range(2):
            age(path, 1000)
            until(lambda: time.time() - path.stat().st_mtime < 500)
    finally:
        process.kill()
        process.communicate()


PARENT = """
import subprocess, sys

process = subprocess.Popen([sys.executable, "-P", "-c", *sys.argv[1:]])
print(process.pid, flush=True)
process.wait()
"""


def test_a_worker_whose_parent_was_killed_ends_and_gives_its_claim_back(tmp_path):
    parent = child(PARENT, RENEWS, tmp_path)
    worker = int(parent.stdout.readline())
    assert parent.stdout.readline() == "held\n"
    started = start_time(worker)
    try:
        parent.kill()
        parent.wait()
        until(lambda: not alive(worker, started))
        assert not file_of(tmp_path, "k").exists()
    finally:
        if alive(worker, started):
            os.kill(worker, signal.SIGKILL)
        parent.communicate()


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"key": "k", "cells": 5}', "\0\0"])
def test_a_claim_cut_off_is_free_after_a_moment(tmp_path, clock, text):
    path = file_of(tmp_path, "k")
    path.parent.mkdir(parents=True)
    path.write_text(text)
    assert not take(tmp_path), "it may be about to be written"
    assert held_leases(tmp_path) == []
    assert drop_dead(tmp_path) == []
    pass_time(clock, RENEWAL_SECONDS + 1)
    assert take(tmp_path)


def test_a_folder_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(EnvironmentFault, match=r"file/\.imbench/claims cannot be written: "):
        take(tmp_path / "file")
    assert held_leases(tmp_path / "file") == []
    assert held_leases(tmp_path / "nowhere") == []
    assert drop_dead(tmp_path / "nowhere") == []
    assert not (tmp_path / "nowhere").exists()


def test_a_claim_reads_back_as_it_was(tmp_path):
    with leased(tmp_path, "k", run="r", cells=("a", "b")):
        (claim,) = held_leases(tmp_path)
        plain = json.loads(file_of(tmp_path, "k").read_text())
        assert TrainingLease(**{**plain, "cells": tuple(plain["cells"])}) == claim


def test_a_run_drops_its_own_claims_only(tmp_path):
    claim = foreign(tmp_path)
    assert not drop(tmp_path, "k", run="another")
    assert held_leases(tmp_path) == [claim]
    assert drop(tmp_path, "k", run="r")
    assert not drop(tmp_path, "k", run="r")
    assert held_leases(tmp_path) == []
