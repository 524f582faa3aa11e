"""What whoever may write to a results folder can do to a run, and what not: see SECURITY.md."""

from __future__ import annotations

import json
import logging
import os
import shutil
from pathlib import Path

import pytest
from in_process import bench_here
from in_process import jobs_here as trained_here
from unfit import made

from imbench.commands.cli import exit_code
from imbench.errors import EnvironmentFault
from imbench.files.closed import closed_to_others
from imbench.records.floors import read_floors
from imbench.records.image_names import read_names
from imbench.records.record import checksum
from imbench.records.store import Store
from imbench.runs.backend_slurm import _own_folder
from imbench.runs.joblog import REASON, logged_to


@pytest.fixture
def secret(tmp_path):
    """Return a file of the user outside the results folder."""
    path = tmp_path / "secret"
    path.write_text("a secret")
    return path


def test_a_link_in_the_place_of_a_log_overwrites_nothing_elsewhere(tmp_path, secret):
    log = tmp_path / "results" / "0.log"
    log.parent.mkdir()
    log.symlink_to(secret)
    with logged_to(log):
        logging.getLogger("imbench").warning("said")
    assert secret.read_text() == "a secret"
    assert not log.is_symlink()
    assert "said" in log.read_text()


@pytest.mark.parametrize("what", ["link", "pipe"])
def test_what_takes_the_place_of_a_log_meanwhile_is_neither_copied_nor_awaited(
    tmp_path, secret, what
):
    log = tmp_path / "results" / "0.log"
    with logged_to(log):
        logging.getLogger("imbench").error("why", extra={REASON: True})
        log.unlink()
        if what == "link":
            log.symlink_to(secret)
        else:
            os.mkfifo(log)
    assert secret.read_text() == "a secret"
    found = [path.read_text() for path in log.parent.iterdir() if path.is_file()]
    assert found in ([], ["a secret"]), "the reason was put above a copy of it"


def test_a_link_in_the_place_of_a_record_overwrites_nothing_elsewhere(
    tmp_path, secret, make_record
):
    record = make_record()
    for own in (False, True):
        store = Store(tmp_path / str(own), own=own)
        path = store.path(record.cell)
        path.parent.mkdir(parents=True)
        path.symlink_to(secret)
        store.put_first(record)
        assert store.get(record.cell) == record
        assert not path.is_symlink()
    assert secret.read_text() == "a secret"


def test_a_forged_record_with_a_checksum_of_its_own_is_believed(tmp_path, make_record, caplog):
    store = Store(tmp_path)
    path = store.put(make_record(score=0.5))
    plain = json.loads(path.read_text())
    plain["metrics"]["f1"] = 0.99
    plain["checksum"] = checksum(plain)
    path.write_text(json.dumps(plain))
    (record,) = store.records()
    assert record.metrics["f1"] == 0.99
    assert store.flagged == []
    assert caplog.text == ""


@pytest.fixture
def home(tmp_path, monkeypatch):
    folder = tmp_path / "home"
    folder.mkdir(mode=0o755)
    monkeypatch.setattr(Path, "home", lambda: folder)
    return folder


def test_what_slurm_jobs_unpickle_lies_where_nobody_else_may_write(tmp_path, home):
    results = tmp_path / "results"
    results.mkdir(mode=0o755)
    results.chmod(0o755)
    assert _own_folder(results).is_relative_to(results)
    for mode in (0o775, 0o777):
        results.chmod(mode)
        folder = _own_folder(results)
        assert folder.is_relative_to(home)
        assert folder.stat().st_mode & 0o777 == 0o700
    home.chmod(0o777)
    with pytest.raises(EnvironmentFault, match="others may write to"):
        _own_folder(results)


def test_a_folder_is_closed_if_nobody_else_can_put_another_in_its_place(tmp_path, monkeypatch):
    inner = tmp_path / "outer" / "inner"
    inner.mkdir(parents=True)
    for folder in (inner, inner.parent):
        folder.chmod(0o700)
    assert closed_to_others(inner)
    inner.parent.chmod(0o770)
    assert not closed_to_others(inner)
    inner.parent.chmod(0o1777)
    assert closed_to_others(inner), "sticky, as /tmp"
    (tmp_path / "link").symlink_to(inner)
    assert closed_to_others(tmp_path / "link")
    me = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: me + 1)
    if me:
        assert not closed_to_others(inner), "it is another's"


RUN = ("run", "--datasets", "digits", "--minority", "20", "--methods", "vanilla,aug:width=4")
RUN += ("--seeds", "0", "--network", "linear", "--size", "8", "--steps", "3", "--jobs", "1")
FILES = {
    "record": "digits/20/vanilla/0-*.json",
    "record with generators": "digits/20/aug_*/0-*[0-9a-f].json",
    "log": "digits/20/aug_*/0-*.log",
    "picture": "digits/20/aug_*/0-*-samples-*.png",
    "generators": "generators/*-6.pt",
    "checkpoint": "generators/*-3.pt",
    "floor": "floors/digits/20/*/0-*.json",
    "names of images": "images/*.json",
    "plan": "plans/*.json",
    "marker": ".imbench-results",
    "claim": ".imbench/claims/*.json",
}
"""Every kind of file that a run leaves for whoever comes next, or has while it runs."""


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the results of a run."""
    folder = tmp_path_factory.mktemp("finished") / "results"
    with trained_here():
        assert exit_code([*RUN, "--quiet", "--out", str(folder)]) == 0
    (folder / ".imbench/claims/0123456789abcdef.json").touch()
    found = {path for pattern in FILES.values() for path in folder.glob(pattern)}
    assert found == {path for path in folder.rglob("*") if path.is_file()} - set(
        folder.glob("digits/20/aug_*/0-*-losses-*.png")
    )
    return folder


def spoiled(finished: Path, tmp_path: Path, what: str, kind: str) -> Path:
    """Return a copy of the results in which something is no file."""
    folder = tmp_path / "results"
    shutil.copytree(finished, folder)
    (place,) = folder.glob(FILES[what])
    made(kind, place)
    return folder


@pytest.mark.parametrize("kind", ["pipe", "device", "socket", "huge"])
@pytest.mark.parametrize("what", FILES)
def test_no_command_waits_for_what_is_no_file_in_the_folder(
    finished, tmp_path, monkeypatch, capfd, what, kind
):
    folder = spoiled(finished, tmp_path, what, kind)
    monkeypatch.chdir(tmp_path)
    for command in (
        ("status", folder),
        ("report", folder),
        ("report", folder, "--html", "page.html"),
        ("export", folder, "--csv", "scores.csv"),
        (*RUN, "--out", folder, "--dry-run"),
    ):
        code = exit_code([str(word) for word in command])
        said = capfd.readouterr().err
        assert code in (0, 3, 4), said
        assert "Traceback" not in said
        assert [line for line in said.splitlines() if line.startswith("bench: ")] or code == 0


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["pipe", "huge"])
@pytest.mark.parametrize("what", FILES)
def test_a_run_does_what_is_lost_to_what_is_no_file(finished, tmp_path, what, kind, jobs_here):
    folder = spoiled(finished, tmp_path, what, kind)
    again = bench_here(*RUN, "--out", folder, cwd=tmp_path)
    assert "Traceback" not in again.stderr
    assert again.returncode == 0, again.stderr
    assert [one.status for one in Store(folder).records()] == ["ok", "ok"]
    assert [one.status for one in read_floors(folder)] == ["ok"]
    assert len(read_names(folder)) == 1
