"""Records on disk: whole or not at all, checked, upgraded; real kills, limits and processes."""

from __future__ import annotations

import base64
import errno
import json
import logging
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest
from clicked import printed
from finished import done_keys
from pydantic import ValidationError

from imbench.errors import EnvironmentFault, NotComparable
from imbench.files.atomic import check_writable, write_atomic
from imbench.files.leases import identity
from imbench.files.processes import host_id, start_time
from imbench.records.cell import Settings
from imbench.records.record import SCHEMA, Record, Scores, checksum
from imbench.records.store import Store
from imbench.records.upgrade import UPGRADES, upgrade


@pytest.fixture
def store(tmp_path):
    """Return a store as a run has it, in its own folder."""
    return Store(tmp_path / "results", own=True)


def child(code, *arguments, **options):
    """Start Python in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-P", "-c", code, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        **options,
    )


def files(folder):
    return sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
    )


def scores(n=40, classes=2, seed=0):
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(n, classes))
    return Scores.of(rng.integers(0, classes, n), logits, np.exp(logits))


def test_what_is_put_is_what_is_read(store, make_record):
    record = make_record("us+cs", scores=scores(), notes=["k lowered to 3", "ž 名 \x1b \u2028"])
    path = store.put(record)
    assert path == store.path(record.cell)
    assert files(store.folder) == [f"digits/50/us+cs/0-{record.key[:8]}.json"]
    assert store.get(record.cell) == record
    assert store.read(path) == record
    assert store.records() == [record]
    assert record.intact
    assert store.flagged == store.quarantined == []


def test_scores_are_kept_to_the_last_bit():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 256, 30)
    logits, proba = rng.normal(size=(2, 30, 3)) * 1e6
    kept = Scores.model_validate_json(Scores.of(labels, logits, proba).model_dump_json()).arrays()
    assert [array.dtype for array in kept] == [np.int64, np.float32, np.float32]
    assert (kept[0] == labels).all()
    assert (kept[1] == logits.astype(np.float32)).all()
    assert (kept[2] == proba.astype(np.float32)).all()


@pytest.mark.parametrize(
    ("classes", "size"), [(2, 1), (256, 1), (257, 2), (300, 2), (65_536, 2), (65_537, 4)]
)
def test_labels_of_any_number_of_classes_are_kept(classes, size):
    labels = np.array([0, 1, min(255, classes - 1), min(256, classes - 1), classes - 1])
    scores = Scores.of(labels, np.zeros((5, classes)), np.zeros((5, classes)))
    assert scores.arrays()[0].tolist() == labels.tolist()
    # Up to 256 classes a label stays a byte, as in records of older versions.
    assert len(base64.b64decode(scores.labels)) == 5 * size


def test_labels_that_an_older_version_cut_to_a_byte_are_not_believed(make_record):
    scores = Scores.of(np.array([0, 44, 299]), np.zeros((3, 300)), np.zeros((3, 300)))
    cut = scores.model_copy(update={"labels": base64.b64encode(bytes([0, 44, 43])).decode()})
    with pytest.raises(NotComparable, match=r"300 classes to one byte each.* --force"):
        cut.arrays()


def test_the_index_says_all_but_the_scores(store, make_record):
    cost = {"prepare": 1.0, "fit": 20.0, "predict": 3.0, "peak_mb": 900.0}
    ok = make_record(cost=cost)
    shared = make_record("ts", cost=cost, shared_with=ok.key)
    bad = make_record("us", score=None, status="failed", reason="boom", log="a.log")
    for record in (ok, shared, bad):
        store.put(record)
    index = store.index()
    assert {key: (e.done, e.seconds, e.reason, e.log) for key, e in index.items()} == {
        ok.key: (True, 24.0, "", ""),
        shared.key: (True, 0.0, "", ""),
        bad.key: (False, 0.0, "boom", "a.log"),
    }
    assert all(entry.path == store.path(entry.cell) for entry in index.values())
    assert done_keys(store.folder) == {ok.key, shared.key}


@pytest.mark.parametrize("finished_first", [True, False])
def test_of_two_records_of_one_cell_the_finished_one_counts(store, make_record, finished_first):
    names = ("folder:a", "folder:b") if finished_first else ("folder:b", "folder:a")
    store.put(make_record(cell={"dataset": names[0]}))
    bad = make_record(cell={"dataset": names[1]}, score=None, status="crashed")
    store.put(bad)
    assert len(store.records()) == 2
    assert done_keys(store.folder) == {bad.key}
    assert store.index()[bad.key].cell.dataset == names[0]


AWKWARD = ("../../etc/x", "<script>alert(1)</script>", "50% & more_#", "žluť 名前", "/", "a" * 400)


def test_row_23_no_name_leads_out_of_the_folder(store, make_record):
    for name in AWKWARD:
        store.put(make_record(f"{name}/part.py:Mine", cell={"dataset": f"folder:{name}"}))
    assert files(store.folder.parent) == [f"results/{name}" for name in files(store.folder)]
    assert len(files(store.folder)) == len(AWKWARD) == len(store.index())
    assert {record.cell.dataset for record in store.records()} == {f"folder:{n}" for n in AWKWARD}


def test_a_score_that_is_no_number_is_never_written(store, make_record):
    with pytest.raises(ValidationError, match="finite"):
        store.put(make_record(metrics={"f1": float("nan")}))
    assert files(store.folder.parent) == []
    with pytest.raises(ValidationError, match="lr=inf must be a number"):
        Settings(lr=float("inf"))


FOREIGN = {
    "empty": b"",
    "blank": b" \n",
    "zeros": bytes(5000),
    "binary": bytes(range(256)) * 40,
    "image": b"\x89PNG\r\n\x1a\n" + bytes(100),
    "list": b"[1, 2]",
    "number": b"7",
    "object": b'{"name": "something else", "version": 3}',
    "newer-but-not-ours": b'{"schema": 99, "cells": []}',
    "schema-no-number": b'{"schema": "x", "key": "k", "cell": {}, "status": "ok"}',
    "half-a-record-of-another-schema": b'{"schema": 0, "key": "k", "cell": {}, "status": "ok"}',
    "surrogate": b'{"schema": 1, "key": "\\ud800", "cell": {}, "status": "ok"}',
    "deep": b"[" * 100_000,
    "deep-object": b'{"a":' * 100_000,
}


@pytest.mark.parametrize("what", FOREIGN)
def test_row_09_what_is_no_record_is_moved_away_with_a_warning(store, make_record, caplog, what):
    good = make_record("us")
    store.put(good)
    cell = make_record().cell
    path = store.path(cell)
    path.parent.mkdir(parents=True)
    path.write_bytes(FOREIGN[what])
    assert store.records() == [good]
    assert not path.exists()
    (moved,) = store.quarantined
    assert moved == store.folder / "quarantine" / f"digits__50__vanilla__{path.name}"
    assert moved.read_bytes() == FOREIGN[what]
    assert f"{path} " in caplog.text
    assert "its cell counts as not run" in caplog.text
    caplog.clear()
    assert set(store.index()) == {good.key}
    assert store.get(cell) is None
    assert caplog.text == ""


def test_row_09_a_record_cut_off_anywhere_is_no_record(store, make_record):
    record = make_record(scores=scores(3))
    path = store.put(record)
    whole = path.read_bytes()
    for length in range(0, len(whole) - 2, 29):
        path.write_bytes(whole[:length])
        assert store.get(record.cell) is None
        assert not path.exists()
    moved = list((store.folder / "quarantine").iterdir())
    assert len(moved) == len(set(store.quarantined)) == len(range(0, len(whole) - 2, 29))
    # All but its last line break is all of it.
    path.write_bytes(whole[:-1])
    assert store.get(record.cell) == record


def test_row_09_foreign_files_with_names_longer_than_the_quarantine_could_have(store, caplog):
    path = store.folder / ("ž" * 100) / "20" / ("y" * 200) / "0-01234567.json"
    path.parent.mkdir(parents=True)
    path.write_text("{}")
    assert store.records() == []
    (moved,) = store.quarantined
    assert moved.read_text() == "{}"
    assert not path.exists()


def test_where_nothing_can_be_moved_it_is_left_with_a_warning(store, make_record, caplog):
    good = make_record("us")
    store.put(good)
    (store.folder / "quarantine").write_text("a file where the folder should be")
    path = store.path(make_record().cell)
    path.parent.mkdir(parents=True)
    path.write_text("{")
    for _ in range(2):
        assert store.records() == [good]
    assert path.read_text() == "{"
    assert caplog.text.count("it cannot be moved") == 1


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo])
def test_what_is_no_file_but_called_like_a_record_is_passed_over(store, make_record, make):
    cell = make_record().cell
    store.path(cell).parent.mkdir(parents=True)
    make(store.path(cell))
    assert store.records() == []
    assert store.get(cell) is None


@pytest.mark.parametrize("command", ["report", "status"])
def test_row_09_commands_go_on_without_what_is_no_record(store, make_record, command):
    store.put(make_record("us", score=0.625))
    for number, content in enumerate(FOREIGN.values()):
        path = store.path(make_record(seed=number).cell)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    metric = ["--metric", "f1"] if command == "report" else []
    said = printed(command, store.folder, *metric)
    assert {"report": ".625", "status": "1 done, 0 failed"}[command] in said
    assert len(files(store.folder)) == len(FOREIGN) + 1, "nothing is moved"


def edited(path, change):
    plain = json.loads(path.read_text())
    change(plain)
    path.write_text(json.dumps(plain))


EDITS = {
    "score": lambda plain: plain["metrics"].update(f1=0.99),
    "status": lambda plain: plain.update(status="failed"),
    "counts": lambda plain: plain.update(train_counts=[1, 2]),
    "checksum": lambda plain: plain.update(checksum="0" * 64),
    "no checksum": lambda plain: plain.pop("checksum"),
    "note": lambda plain: plain["notes"].append("trust me"),
}


@pytest.mark.parametrize("what", EDITS)
def test_row_10_an_edited_record_is_flagged_once_and_kept(store, make_record, caplog, what):
    record = make_record()
    path = store.put(record)
    edited(path, EDITS[what])
    for _ in range(2):
        (found,) = store.records()
        assert not found.intact
    assert store.flagged == [path]
    assert caplog.text.count("its checksum is wrong") == 1
    assert path.exists()


def test_another_layout_of_the_same_data_is_no_edit(store, make_record):
    record = make_record(scores=scores())
    path = store.put(record)
    path.write_text(json.dumps(json.loads(path.read_text()), indent=4, sort_keys=False))
    assert store.records() == [record]
    assert store.flagged == []


def test_a_record_whose_cell_was_edited_counts_for_neither_cell(store, make_record):
    record = make_record()
    path = store.put(record)
    edited(path, lambda plain: plain["cell"].update(seed=7))
    assert store.get(record.cell) is None
    assert store.index() == {}
    (shown,) = store.records()
    assert not shown.intact
    assert store.flagged == [path]


@pytest.mark.parametrize("more", [{}, {"field_of_the_future": [1]}])
def test_row_11_a_record_of_a_newer_schema_is_refused_in_a_sentence(store, make_record, more):
    path = store.put(make_record())
    edited(path, lambda plain: plain.update(schema=SCHEMA + 1, **more))
    for read in (store.records, store.index, lambda: store.get(make_record().cell)):
        with pytest.raises(EnvironmentFault, match="update imbench, or name another") as raised:
            read()
        assert f"schema {SCHEMA + 1}, this imbench reads up to {SCHEMA}" in str(raised.value)
    assert path.exists()
    assert store.quarantined == []


def test_row_11_a_record_of_an_older_schema_is_upgraded(store, make_record, monkeypatch):
    # As if schema 0 had called the reason "why" and known no notes.
    def step(plain):
        return {key: value for key, value in plain.items() if key != "why"} | {
            "reason": plain["why"],
            "notes": [],
        }

    monkeypatch.setitem(UPGRADES, SCHEMA - 1, step)
    new = make_record(score=None, status="failed", reason="boom")
    old = {k: v for k, v in new.plain().items() if k not in ("reason", "notes", "checksum")}
    old |= {"schema": SCHEMA - 1, "why": "boom"}
    path = store.path(new.cell)
    path.parent.mkdir(parents=True)
    before = json.dumps({**old, "checksum": checksum(old)})
    path.write_text(before)
    assert store.records() == [new]
    assert store.index()[new.key].checksum == new.checksum
    assert store.flagged == []
    assert path.read_text() == before, "reading never changes a record"

    path.write_text(before.replace("boom", "bang"))
    (forged,) = store.records()
    assert forged.reason == "bang"
    assert not forged.intact
    assert store.flagged == [path]


def test_an_older_record_that_reads_as_a_new_one_is_not_taken_for_edited(
    store, make_record, monkeypatch
):
    # A schema that lacks a field which has a default now: its checksum is of what it holds.
    monkeypatch.setitem(UPGRADES, SCHEMA - 1, lambda plain: plain | {"notes": []})
    new = make_record()
    old = {k: v for k, v in new.plain().items() if k not in ("notes", "checksum")}
    old |= {"schema": SCHEMA - 1}
    path = store.path(new.cell)
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({**old, "checksum": checksum(old)}))
    assert store.records() == [new]
    assert store.flagged == []


FIRST = (
    '{"cell":{"dataset":"digits","fingerprint":"0123456789abcdef","majority":null,"minority":50,'
    '"protocol":1,"recipe":"us","seed":3,"settings":{"augment":"flip+crop","batch_size":64,'
    '"lr":0.05,"momentum":0.9,"network":"cnn","size":16,"steps":200,"threads":1,"warmup":0.05,'
    '"weight_decay":0.0002},"versions":{"us":1}},"commit":"","cost":{"fit":2.5},'
    '"environment":{"device":"cpu"},"images_skipped":0,"key":"KEY","log":"",'
    '"metrics":{"f1":0.625},"notes":[],"reason":"","sampled_counts":[50.0,50.0],"schema":1,'
    '"scores":null,"shared_with":"","started":"","status":"ok","test_counts":[120,140],'
    '"train_counts":[1000,50]}'
)
"""A record as schema 1 was written, without its key and checksum."""


def test_row_11_a_record_of_the_first_schema_is_read_today(store, make_record):
    cell = make_record("us", seed=3, cell={"versions": {"us": 1}, "protocol": 1}).cell
    plain = json.loads(FIRST.replace("KEY", cell.key))
    path = store.path(cell)
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({**plain, "checksum": checksum(plain)}))
    (found,) = store.records()
    assert store.flagged == store.quarantined == []
    assert found.intact
    assert (found.schema_, found.key, found.cell) == (SCHEMA, cell.key, cell)
    assert (found.metrics, found.cost) == ({"f1": 0.625}, {"fit": 2.5})
    assert done_keys(store.folder) == {cell.key}


def test_an_upgrade_goes_step_by_step():
    table = {
        1: lambda plain: {**plain, "seen": [*plain["seen"], 1]},
        2: lambda plain: {**plain, "seen": [*plain["seen"], 2]},
    }
    plain = {"schema": 1, "seen": []}
    assert upgrade(plain, table, 3) == {"schema": 3, "seen": [1, 2]}
    assert plain == {"schema": 1, "seen": []}
    assert upgrade({"schema": 3}, table, 3) == {"schema": 3}
    with pytest.raises(ValueError, match="schema 0 cannot be converted to 3"):
        upgrade({"schema": 0}, table, 3)


def test_there_is_a_step_from_every_schema_to_the_next():
    assert set(UPGRADES) == set(range(1, SCHEMA))


def test_an_older_record_without_a_way_is_no_record(store, make_record, caplog):
    path = store.put(make_record())
    edited(path, lambda plain: plain.update(schema=-3))
    assert store.records() == []
    assert f"schema -3 cannot be converted to {SCHEMA}" in caplog.text
    assert len(store.quarantined) == 1


def test_of_two_records_that_are_written_first_one_stays(store, make_record, monkeypatch):
    mine, theirs = make_record(notes=["mine"]), make_record(notes=["theirs"])
    assert store.put_first(theirs) is theirs
    assert store.put_first(mine) == theirs
    assert store.records() == [theirs]
    assert store.put_first(mine, stale=theirs.checksum) is mine
    assert store.records() == [mine]
    # A third one comes between the look and the link.
    store.path(mine.cell).unlink()
    get = store.get

    def late(cell):
        monkeypatch.undo()
        there = get(cell)
        store.put(theirs)
        monkeypatch.setattr(Path, "exists", lambda _: False)
        return there

    monkeypatch.setattr(store, "get", late)
    assert store.put_first(mine) == theirs
    monkeypatch.undo()
    assert store.records() == [theirs]
    assert files(store.folder) == [str(store.path(mine.cell).relative_to(store.folder))]


def test_a_record_without_a_score_gives_way_to_one_with_and_not_the_other_way(store, make_record):
    good = make_record(notes=["good"])
    bad = make_record(notes=["bad"], status="crashed", reason="died", score=None)
    store.put(bad)
    assert store.put_first(good) is good
    assert store.put_first(bad) == good
    assert store.records() == [good]
    other = make_record(seed=1, status="failed", score=None)
    store.put_first(other)
    assert store.put_first(make_record(seed=1, status="crashed", score=None)) == other


def test_without_hard_links_records_are_written_all_the_same(store, make_record, monkeypatch):
    def refuse(*_):
        raise OSError(errno.EOPNOTSUPP, "no links here")

    monkeypatch.setattr(os, "link", refuse)
    record = make_record()
    assert store.put_first(record) is record
    assert store.records() == [record]
    assert len(files(store.folder)) == 1


RACES = """
import errno, os, sys
from pathlib import Path
from imbench.records.record import Record
from imbench.records.store import Store

def refuse(*_):
    raise OSError(errno.EPERM, "no links here")

def look(store, cell):
    found = get(store, cell)
    Store.get = get
    print("looked", flush=True)
    sys.stdin.readline()
    return found

get, Store.get = Store.get, look
if sys.argv[2] == "without":
    os.link = refuse
mine = Record.model_validate_json(sys.argv[3])
print("mine" if Store(Path(sys.argv[1])).put_first(mine) is mine else "theirs", flush=True)
"""
"""Puts a record first, and waits between the look at what is there and the writing."""


@pytest.mark.parametrize("links", ["with", "without"])
def test_of_two_processes_that_put_a_record_first_one_does(store, make_record, links):
    records = {name: make_record(notes=[name]) for name in ("one", "other")}
    writers = {
        name: child(RACES, store.folder, links, record.model_dump_json(by_alias=True))
        for name, record in records.items()
    }
    for writer in writers.values():
        assert writer.stdout.readline() == "looked\n"  # both saw that there is none
    for writer in writers.values():
        writer.stdin.write("go\n")
        writer.stdin.flush()
    said = {name: writer.communicate()[0] for name, writer in writers.items()}
    assert sorted(said.values()) == ["mine\n", "theirs\n"]
    assert [said[record.notes[0]] for record in store.records()] == ["mine\n"]
    assert len(files(store.folder)) == 1, "no lease and no temporary file is left"


def test_tidy_takes_the_lease_of_a_writer_that_died(store, make_record):
    path = store.put(make_record())
    dead, held = (path.with_name(f".{n}-0123abcd.json.lease") for n in (1, 2))
    dead.write_text(json.dumps({**identity(), "born": "0"}))
    held.write_text(json.dumps(identity()))
    assert store.tidy() == 1
    assert (dead.exists(), held.exists()) == (False, True)


PAUSES = """
import sys
from pathlib import Path
from imbench.records.record import Record
from imbench.records.store import Store

def pause(partial, target):
    print(partial, flush=True)
    sys.stdin.read()

Path.replace = pause
Store(Path(sys.argv[1])).put(Record.model_validate_json(sys.argv[2]))
"""
"""Writes a record up to the rename and waits there."""


def test_row_02_a_writer_killed_before_the_rename_leaves_the_old_record(store, make_record):
    old, new = make_record(score=0.25), make_record(score=0.75)
    path = store.put(old)
    writer = child(PAUSES, store.folder, new.model_dump_json(by_alias=True))
    partial = Path(writer.stdout.readline().strip())
    assert Record.model_validate_json(partial.read_bytes()) == new
    assert store.records() == [old]
    assert store.tidy() == 0, "the writer lives"
    assert partial.exists()
    writer.kill()
    # It has ended, but nobody has waited for it: a zombie counts as dead.
    os.waitid(os.P_PID, writer.pid, os.WEXITED | os.WNOWAIT)
    assert store.tidy() == 1
    writer.communicate()
    assert store.records() == [old]
    assert files(store.folder) == [path.relative_to(store.folder).as_posix()]
    assert store.tidy() == 0


def test_tidy_takes_a_leftover_whose_number_another_process_has_now(store, make_record):
    store.put(make_record())
    place = store.path(make_record().cell).parent
    me = os.getpid()
    reused = place / f".{host_id()}-{me}-{int(start_time(me)) - 1}-0000abcd.tmp"
    mine = place / f".{host_id()}-{me}-{start_time(me)}-0000abcd.tmp"
    top = store.folder / f".{host_id()}-{me}-1-0000abcd.tmp"
    for path in (reused, mine, top):
        path.write_text("{")
    assert store.tidy() == 2
    assert [path.exists() for path in (reused, mine, top)] == [False, True, False]


@pytest.mark.parametrize("jump", [-1e9, 1e9])
def test_row_27_a_clock_that_jumps_takes_no_file_from_a_writer_of_this_machine(
    store, make_record, monkeypatch, jump
):
    place, me, now = store.put(make_record()).parent, os.getpid(), time.time()
    mine = place / f".{host_id()}-{me}-{start_time(me)}-0000abcd.tmp"
    mine.write_text("{")
    monkeypatch.setattr(time, "time", lambda: now + jump)
    assert store.tidy() == 0
    assert mine.exists()


def test_tidy_leaves_another_machines_file_for_a_day(store, make_record):
    place = store.put(make_record()).parent
    names = (f"{'beef' * 3}-7-1-0000abcd", f"{'beef' * 3}-8-1-0000abcd", "odd", "beef-8-1-abcd")
    young, old, odd, foreign = (place / f".{name}.tmp" for name in names)
    for path in (young, old, odd, foreign):
        path.write_text("{")
    for path in (old, odd, foreign):
        os.utime(path, (time.time() - 90_000,) * 2)
    assert store.tidy() == 1
    assert [path.exists() for path in (young, old, odd, foreign)] == [True, False, True, True]


WRITES = """
import sys
from pathlib import Path
from imbench.records.record import Record
from imbench.records.store import Store

store = Store(Path(sys.argv[1]))
records = [Record.model_validate_json(text) for text in sys.argv[2:]]
print("ready", flush=True)
sys.stdin.readline()
for number in range(40):
    store.put(records[number % len(records)])
"""


def test_row_13_two_processes_write_and_a_third_always_reads_whole_records(store, make_record):
    # The same cell twice, with outputs large enough for many writes, and one of each alone.
    same = [make_record(score=value, scores=scores(3000, seed=n)) for n, value in enumerate((0, 1))]
    own = [make_record("us", seed=n) for n in (0, 1)]
    store.put(same[0])
    texts = [
        [r.model_dump_json(by_alias=True) for r in pair] for pair in zip(same, own, strict=True)
    ]
    writers = [child(WRITES, store.folder, *pair) for pair in texts]
    for writer in writers:
        writer.stdout.readline()
    for writer in writers:
        writer.stdin.write("go\n")
        writer.stdin.flush()
    reads = 0
    while any(writer.poll() is None for writer in writers):
        assert store.get(same[0].cell) in same
        reads += 1
    assert [writer.wait() for writer in writers] == [0, 0]
    for writer in writers:
        writer.communicate()
    assert reads > 2
    assert store.flagged == store.quarantined == []
    assert set(store.index()) == {record.key for record in [*same, *own]}
    assert len(files(store.folder)) == 3


LIMITED = """
import resource, sys
from pathlib import Path
from imbench.errors import EnvironmentFault
from imbench.records.record import Record
from imbench.records.store import Store

record = Record.model_validate_json(sys.stdin.read())
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
try:
    Store(Path(sys.argv[1])).put(record)
except EnvironmentFault as error:
    print(error)
"""


def test_row_12_a_record_that_has_no_space_leaves_the_old_one_and_no_leftover(store, make_record):
    old = make_record(score=0.25)
    path = store.put(old)
    new = make_record(score=0.75, scores=scores(500))
    said, _ = child(LIMITED, store.folder).communicate(new.model_dump_json(by_alias=True))
    assert f"no space for {path}: 0.01 MB needed, " in said
    assert "start the same command again" in said
    assert store.records() == [old]
    assert len(files(store.folder)) == 1


def test_a_folder_is_made_and_left_empty_by_the_check(tmp_path):
    folder = tmp_path / "a" / "b"
    for _ in range(2):
        check_writable(folder)
        assert list(folder.iterdir()) == []


def test_a_place_below_a_file_is_refused_in_a_sentence(tmp_path, make_record):
    (tmp_path / "file").write_text("mine")
    for folder in (tmp_path / "file", tmp_path / "file" / "results"):
        with pytest.raises(EnvironmentFault, match="name another folder with --out"):
            check_writable(folder)
        store = Store(folder)
        with pytest.raises(EnvironmentFault, match="cannot be written: "):
            store.put(make_record())
        assert store.records() == []
        assert store.tidy() == 0
    assert (tmp_path / "file").read_text() == "mine"


AS_NOBODY = """
import os, sys
from pathlib import Path
from imbench.errors import EnvironmentFault
from imbench.files.atomic import check_writable, write_atomic

folders = [Path(text) for text in sys.argv[1:]]
write_atomic(folders[-1] / "first", "so that all modules are loaded, which nobody may not read")
if os.geteuid() == 0:
    os.setegid(65534), os.seteuid(65534)
for folder in folders:
    for act in (check_writable, lambda folder: write_atomic(folder / "new" / "x", "text")):
        try:
            act(folder)
            print("written")
        except EnvironmentFault as error:
            print(error)
"""


def test_row_14_a_folder_without_leave_to_write_is_refused():
    with tempfile.TemporaryDirectory() as made:
        base = Path(made)
        base.chmod(0o755)
        closed, open_ = base / "closed", base / "open"
        closed.mkdir(mode=0o555)
        open_.mkdir()
        open_.chmod(0o777)
        said, _ = child(AS_NOBODY, closed, open_).communicate()
        assert said.splitlines() == [
            f"results cannot be written to {str(closed)!r} (Permission denied); "
            "name another folder with --out",
            f"{closed / 'new' / 'x'} cannot be written: Permission denied",
            "written",
            "written",
        ]
        closed.chmod(0o755)


def test_row_14_bench_run_refuses_a_bad_folder_before_it_plans(tmp_path):
    (tmp_path / "file").write_text("")
    code = "from imbench.commands.cli import main; main(['run', '--out', 'file/results'])"
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], cwd=tmp_path, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (4, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("bench: results cannot be written to 'file/results'")


def test_a_missing_folder_holds_nothing(tmp_path, make_record, caplog):
    caplog.set_level(logging.WARNING)
    store = Store(tmp_path / "nowhere")
    assert (store.records(), store.index(), store.tidy()) == ([], {}, 0)
    assert store.get(make_record().cell) is None
    assert caplog.text == ""
    assert not store.folder.exists()


def test_other_peoples_files_are_left_alone(store, make_record):
    record = make_record()
    store.put(record)
    kept = {
        "published/published.csv": "a,b",
        "digits/50/vanilla/notes.txt": "mine",
        "digits/readme.json": "{",
        "grid.json": "{",
        ".cache/a/b/c.json": "{",
        "digits/50/vanilla/.hidden.json": "{",
    }
    for name, text in kept.items():
        (store.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (store.folder / name).write_text(text)
    assert store.records() == [record]
    assert store.tidy() == 0
    assert {name: (store.folder / name).read_text() for name in kept} == kept


def test_a_text_is_written_whole_over_an_old_one(tmp_path):
    path = tmp_path / "deep" / "er" / "report.md"
    for text in ("short", "longer " * 1000, "ž"):
        write_atomic(path, text)
        assert path.read_text("utf-8") == text
    assert files(tmp_path) == ["deep/er/report.md"]
