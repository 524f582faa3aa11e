"""Machines that let no workers start: no semaphores, no processes, no threads."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

import pytest
from bench_process import BENCH

from imbench.errors import EnvironmentFault
from imbench.records.store import Store
from imbench.runs import room

RUN = ("run", "--datasets", "digits", "--minority", "20", "--methods", "vanilla", "--seeds", "0")
RUN += ("--size", "8", "--network", "linear", "--steps", "3", "--quiet")


@pytest.fixture
def place():
    """Return an empty folder that every user may write to: pytest's own are closed to others."""
    with tempfile.TemporaryDirectory() as made:
        Path(made).chmod(0o777)
        yield Path(made)


def ended(place: Path, *before: object, jobs: int = 1) -> tuple[int, str]:
    """Return the exit code of a run and what it said on standard error."""
    # One thread needs few processes, so that a limit of 15 would do.
    inherited = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    command = [*before, BENCH, *RUN, "--jobs", jobs, "--out", place / "results"]
    done = subprocess.run(
        [str(word) for word in command],
        cwd=place,
        env={**inherited, "IMBENCH_CACHE": str(place / "cache"), "HOME": str(place)},
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    ("option", "reason"),
    [
        ("size=4k", "No space left on device"),
        ("size=30k", "No space left on device"),
        ("ro", "Read-only file system"),
    ],
)
def test_a_shared_memory_that_holds_no_semaphores_is_said_with_what_to_do(place, option, reason):
    mount = 'mount -t tmpfs -o "$0" imbench-test /dev/shm || exit 77; exec "$@"'
    code, said = ended(place, "unshare", "--mount", "sh", "-c", mount, option)
    if code == 77 or said.startswith("unshare: "):
        pytest.skip("a /dev/shm of one's own needs root")
    assert (code, said.splitlines()[-1]) == (
        4,
        f"bench: workers cannot be started, as no semaphores can be made ({reason}): /dev/shm must "
        f"be writable and have 36 kB free (docker run --shm-size, or mount -o "
        f"remount,rw,size=64m /dev/shm)",
    )


OTHER = 54_321
"""A user that has no process; the limit does not hold for root."""
AS_OTHER = ("setpriv", f"--reuid={OTHER}", f"--regid={OTHER}", "--clear-groups")
# What root may read and the other may not, such as the folder of this checkout.
AS_OTHER += ("--inh-caps=-all,+dac_override", "--ambient-caps=-all,+dac_override")
AS_OTHER += ("--bounding-set=-all,+dac_override",)


@pytest.mark.parametrize("most", [1, 4, 9, 15])
def test_a_user_who_may_start_few_processes_is_told_so(place, most):
    limited = ("prlimit", f"--nproc={most}", *AS_OTHER)
    if os.geteuid() or subprocess.run([*limited, "true"], capture_output=True).returncode:
        pytest.skip("the limit holds for another user, whom root can become")
    code, said = ended(place, *limited, jobs=2)
    line = said.splitlines()[-1] if "OpenBLAS" not in said else said
    assert code == 4, said
    assert "processes" in line, said
    assert "raise the limit (`ulimit -u`" in line
    assert Store(place / "results").records() == []


def test_a_run_needs_no_more_than_it_asks_for(place):
    limited = ("prlimit", f"--nproc={room.OF_RUN + room.OF_WORKER + 8}", *AS_OTHER)
    if os.geteuid() or subprocess.run([*limited, "true"], capture_output=True).returncode:
        pytest.skip("the limit holds for another user, whom root can become")
    code, said = ended(place, *limited)
    assert code == 0, said
    assert len(Store(place / "results").records()) == 1


def test_room_is_asked_for_in_earnest_and_given_back():
    import threading

    before = threading.active_count()
    assert room.may_start(20)
    assert threading.active_count() == before
    room.check_room(workers=2, threads=1)


def test_what_lacks_threads_is_told_from_other_faults():
    assert room.lacks_threads(RuntimeError("can't start new thread"))
    assert room.lacks_threads(BlockingIOError(11, "Resource temporarily unavailable"))
    assert not room.lacks_threads(BlockingIOError(11, "Resource temporarily unavailable", "x"))
    assert not room.lacks_threads(RuntimeError("shapes"))


def test_fewer_workers_are_advised_where_there_are_several(monkeypatch):
    monkeypatch.setattr(room, "may_start", lambda count: False)
    with pytest.raises(EnvironmentFault, match=r"start 38 .* 2 workers does: use fewer workers"):
        room.check_room(workers=2, threads=11)
    with pytest.raises(EnvironmentFault, match=r"start 13 .* 1 worker does: end other programs"):
        room.check_room(workers=1, threads=1)
