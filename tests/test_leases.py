"""Leases on file systems of all kinds, and what processes leave that die while they take one."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from imbench.errors import EnvironmentFault
from imbench.files import leases, processes
from imbench.files.leases import (
    STALE_SECONDS,
    LeaseWatch,
    acquire,
    hold,
    identity,
    is_free,
    keep_renewed,
    remove_if_free,
    remove_leftovers,
)


def dead():
    """Return the identity of a process of this machine that has ended."""
    told = "import json; from imbench.files.leases import identity; print(json.dumps(identity()))"
    done = subprocess.run([sys.executable, "-P", "-c", told], capture_output=True, check=True)
    return json.loads(done.stdout)


def files(folder):
    return sorted(path.name for path in folder.iterdir())


def right_to(path):
    """Return where the right to remove a lease lies."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
    return path.with_name(f"{path.name}.{digest}")


def test_a_lease_is_taken_once_and_given_back(tmp_path):
    path = tmp_path / "new" / "a.json"
    assert is_free(path)
    mine = identity()
    assert acquire(path, mine)
    assert json.loads(path.read_text()) == mine
    assert not is_free(path)
    assert not acquire(path, identity())
    assert not remove_if_free(path)
    with keep_renewed(path, mine):
        assert files(path.parent) == ["a.json"]
    assert files(path.parent) == []


def test_what_is_given_back_is_ones_own(tmp_path):
    path, mine = tmp_path / "a.json", identity()
    assert acquire(path, mine)
    with keep_renewed(path, mine):
        path.unlink()
        assert acquire(path, identity())
    assert not is_free(path)
    assert files(tmp_path) == ["a.json"]


def test_without_hard_links_it_is_exclusive_too(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", refuse)
    mine = identity()
    assert acquire(tmp_path / "a.json", mine)
    assert not acquire(tmp_path / "a.json", identity())
    assert json.loads((tmp_path / "a.json").read_text()) == mine
    assert files(tmp_path) == ["a.json"]


def test_a_link_whose_answer_was_lost_counts(tmp_path, monkeypatch):
    link = os.link

    def again(*given):
        link(*given)
        link(*given)

    monkeypatch.setattr(os, "link", again)
    assert acquire(tmp_path / "a.json", identity())
    assert not acquire(tmp_path / "a.json", identity())


@pytest.mark.parametrize("depth", [0, 1, 2])
def test_who_died_while_removing_a_lease_is_no_hindrance(tmp_path, depth):
    path = tmp_path / "a.json"
    path.write_text(json.dumps(dead()))
    last = path
    for _ in range(depth):
        right = right_to(last)
        right.write_text(json.dumps(dead()))
        last = right
    assert is_free(path)
    assert acquire(path, identity())
    assert not is_free(path)
    remove_leftovers(tmp_path)
    assert files(tmp_path) == ["a.json"]


def test_a_lease_that_somebody_is_about_to_remove_is_left_to_him(tmp_path):
    path = tmp_path / "a.json"
    path.write_text(json.dumps(dead()))
    assert acquire(right_to(path), identity())
    assert not remove_if_free(path)
    assert not acquire(path, identity())
    assert path.exists()


def test_a_lease_that_was_taken_meanwhile_is_not_removed(tmp_path, monkeypatch):
    path, old, new = tmp_path / "a.json", dead(), identity()
    path.write_text(json.dumps(old))
    judge = leases._is_free

    def slow(*given):
        # Another process removes the lease, and takes it, after this one has judged it.
        judged = judge(*given)
        monkeypatch.undo()
        assert acquire(path, new)
        return judged

    monkeypatch.setattr(leases, "_is_free", slow)
    assert not remove_if_free(path)
    assert json.loads(path.read_text()) == new
    assert files(tmp_path) == ["a.json"]


@pytest.mark.parametrize("links", [True, False], ids=["links", "no-links"])
def test_a_lease_that_is_grabbed_by_mistake_is_put_back(tmp_path, monkeypatch, links):
    def refuse(*_):
        raise OSError(errno.EPERM, "no links here")

    path, new = tmp_path / "a.json", identity()
    path.write_text("old")
    holds = leases._has_content

    def late(*given):
        held = holds(*given)
        monkeypatch.undo()
        if not links:
            monkeypatch.setattr(os, "link", refuse)
        path.unlink()
        assert acquire(path, new)
        return held

    monkeypatch.setattr(leases, "_has_content", late)
    assert not leases._remove(path, b"old")
    assert json.loads(path.read_text()) == new
    assert files(tmp_path) == ["a.json"]


def test_leftovers_of_the_dead_are_swept_and_of_the_living_not(tmp_path):
    gone, mine = json.dumps(dead()), json.dumps(identity())
    one, two = "1" * 16, "2" * 16
    for name in (f".{one}.new", f".{one}.gone", "a.json.123456789abc"):
        (tmp_path / name).write_text(gone)
    kept = [
        f".{two}.gone",
        f".{two}.new",
        ".other.new",
        "b.json.123456789abc",
        "c.json",
        "x.json.bak",
    ]
    for name in kept:
        (tmp_path / name).write_text(gone if "other" in name or "bak" in name else mine)
    remove_leftovers(tmp_path)
    assert files(tmp_path) == kept


def test_an_awaited_lease_is_had_when_its_holder_dies(tmp_path):
    code = (
        "import sys; from pathlib import Path; from imbench.files.leases import hold\n"
        "with hold(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
    )
    path = tmp_path / "pair.lock"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    both = [subprocess.Popen([sys.executable, "-P", "-c", code, path], **pipes) for _ in range(2)]
    for _ in range(2):
        while is_free(path):
            assert any(one.poll() is None for one in both)
        holder = json.loads(path.read_text())["pid"]
        (first,) = [one for one in both if one.pid == holder]
        both.remove(first)
        first.kill()
        first.communicate()
    with hold(path):
        assert not is_free(path)
    assert not path.exists()


def test_an_old_lock_file_is_no_hindrance(tmp_path, monkeypatch):
    monkeypatch.setattr(leases, "RENEWAL_SECONDS", 0.01)
    path = tmp_path / "pair.lock"
    path.touch()
    with hold(path):
        assert not is_free(path)


def test_a_folder_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(EnvironmentFault, match=r"file/sub cannot be written: Not a directory"):
        acquire(tmp_path / "file" / "sub" / "a.json", identity())


AS_NOBODY = """
import json, os, sys
from pathlib import Path
from imbench.files.leases import acquire, identity, is_free
from imbench.files.processes import alive, start_time

path, mine = Path(sys.argv[1]), identity()
if os.geteuid() == 0:
    os.setegid(65534), os.seteuid(65534)
pid = json.loads(path.read_text())["pid"]
print(json.dumps([alive(pid), bool(start_time(pid)), is_free(path), acquire(path, mine)]))
"""


@pytest.mark.parametrize("hidden", [False, True], ids=["seen", "hidden"])
def test_the_lease_of_another_user_is_held_whether_or_not_proc_shows_him(hidden):
    command = [sys.executable, "-P", "-c", AS_NOBODY]
    if hidden:  # as login nodes have it
        mount = 'mount -t proc -o hidepid=2 proc /proc || exit 77; exec "$@"'
        command = ["unshare", "--mount", "sh", "-c", mount, "sh", *command]
    with tempfile.TemporaryDirectory() as made:  # pytest's own folders are closed to others
        folder = Path(made)
        folder.chmod(0o777)
        path = folder / "a.json"
        assert acquire(path, identity())
        done = subprocess.run([*command, path], capture_output=True, text=True)
        if os.geteuid() or done.returncode == 77:
            pytest.skip("root and a /proc of one's own are needed to hide processes of others")
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout) == [True, not hidden, False, False]
        assert json.loads(path.read_text())["pid"] == os.getpid()


class Hidden:
    """As if all processes belonged to another user and /proc did not show them."""

    def __init__(self, monkeypatch):
        self.lives = True
        monkeypatch.setattr(processes.os, "kill", self.kill)
        monkeypatch.setattr(processes, "_stat_fields", lambda _: [])

    def kill(self, pid, number):
        raise PermissionError if self.lives else ProcessLookupError


def test_what_may_not_be_looked_at_is_alive_and_its_lease_free_when_it_is_not_renewed(
    tmp_path, monkeypatch
):
    hidden, now = Hidden(monkeypatch), [0.0]
    monkeypatch.setattr(leases, "LEASE_WATCH", LeaseWatch(lambda: now[0]))
    path = tmp_path / "a.json"
    path.write_text(json.dumps({**identity(), "born": "1"}))
    assert processes.alive(7)
    assert processes.alive(7, "123")
    for _ in range(int(STALE_SECONDS)):
        now[0] += 1
        assert not is_free(path)
    now[0] += 2
    # It may be a number that another process of that user has now.
    assert is_free(path)
    path.write_text(json.dumps({**identity(), "born": "2"}))
    assert not is_free(path)
    hidden.lives = False
    assert not processes.alive(7)
    assert is_free(path)


def test_a_process_that_ends_while_it_is_looked_at_is_not_alive(monkeypatch):
    hidden = Hidden(monkeypatch)

    def ends(_):
        hidden.lives = False
        return []

    monkeypatch.setattr(processes, "_stat_fields", ends)
    assert not processes.alive(7)


def test_a_number_that_no_process_can_have_is_not_alive():
    assert not processes.alive(1 << 70)


NO_LEASES = {
    "deep": "[" * 100_000,
    "null": "null",
    "list": "[]",
    "pid is a text": '{"host": "a", "born": "1", "pid": "7"}',
    "pid is true": '{"host": "a", "born": "1", "pid": true}',
    "pid is 0": '{"host": "a", "born": "1", "pid": 0}',
    "pid is -1": '{"host": "a", "born": "1", "pid": -1}',
    "pid is huge": '{"host": "a", "born": "1", "pid": 99999999999999999999}',
    "host is a list": '{"host": [], "born": "1", "pid": 7}',
    "born is a number": '{"host": "a", "born": 1, "pid": 7}',
}


@pytest.mark.parametrize("what", [*NO_LEASES, "pipe", "large"])
def test_what_is_no_lease_is_free_after_a_moment(tmp_path, monkeypatch, what):
    path, now = tmp_path / "a.json", [0.0]
    monkeypatch.setattr(leases, "LEASE_WATCH", LeaseWatch(lambda: now[0]))
    if what == "pipe":
        os.mkfifo(path)
    else:
        path.write_text(NO_LEASES.get(what, " " * (3 << 20) + json.dumps(identity())))
    assert not is_free(path)
    now[0] += leases.RENEWAL_SECONDS + 1
    assert is_free(path)
    assert acquire(path, identity())
    assert files(tmp_path) == ["a.json"]


READ_AS_NOBODY = """
import os, sys
from pathlib import Path
from imbench.errors import EnvironmentFault
from imbench.files.leases import acquire, identity, is_free, remove_leftovers

path, mine = Path(sys.argv[1]), identity()
if os.geteuid() == 0:
    os.setegid(65534), os.seteuid(65534)
for act in (lambda: is_free(path), lambda: acquire(path, mine)):
    try:
        print(act())
    except EnvironmentFault as error:
        print(error)
remove_leftovers(path.parent)
"""


def test_a_lease_that_cannot_be_read_is_not_taken_for_a_free_one():
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        folder.chmod(0o777)
        path, left = folder / "a.json", folder / f".{'1' * 16}.new"
        for one in (path, left):
            one.write_text(json.dumps(dead()))
            one.chmod(0)
        done = subprocess.run(
            [sys.executable, "-P", "-c", READ_AS_NOBODY, path], capture_output=True, text=True
        )
        told = f"{path} cannot be read: Permission denied; ask its owner"
        assert (done.stdout.splitlines(), done.stderr) == ([told, told], "")
        assert files(folder) == [left.name, "a.json"]
