"""Every reader of files and options meets damage drawn from a fixed seed.

Whatever it is, a command ends with a documented code and at most one line that says why, without
a traceback, and sound neighbours are read. How much is drawn is set so that the file takes about a
minute; `IMBENCH_FUZZ=20` draws twenty times as much, from other seeds.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from mutations import HOSTILE, damaged_bytes, damaged_json, draws

from imbench.commands.cli import exit_code
from imbench.records.record import Scores, checksum
from imbench.records.store import Store
from imbench.stats.metrics import score_all

CODES = {0, 1, 2, 3, 4}
"""Documented exit codes: 130 is for an interrupt, 70 for a fault of ours."""
READERS = (
    ("status",),
    ("report",),
    ("report", "--csv"),
    ("report", "--json"),
    ("report", "--latex"),
    ("report", "--macros"),
    ("report", "--claims"),
    ("report", "--ranks"),
    ("report", "--vs-paper"),
    ("report", "--compare", "us,vanilla"),
    ("report", "--html", "-"),
    ("export", "--csv", "-"),
    ("export", "--json", "x.json"),
    ("export", "--npz", "x.npz"),
)
"""Commands that read a results folder, which is put after the first word."""


def outputs(seed: int) -> dict[str, object]:
    """Return made-up outputs on eleven test images, and their scores."""
    labels = np.repeat([0, 1], (6, 5))
    proba = np.random.default_rng(seed).dirichlet([1, 1], len(labels))
    return {
        "scores": Scores.of(labels, np.log(proba), proba),
        "metrics": score_all(labels, proba),
        "test_counts": [6, 5],
    }


@pytest.fixture
def ends_well(capsys) -> Callable[..., int]:
    """Return a function that runs a command and asserts how it ends."""

    def run(*args: object, what: str = "") -> int:
        code = exit_code([str(arg) for arg in args])
        said = capsys.readouterr()
        told = f"bench {' '.join(map(str, args))[:200]} on {what}: {code}\n{said.err[-3000:]}"
        assert code in CODES, told
        assert "Traceback" not in said.err + said.out, told
        errors = [line for line in said.err.splitlines() if line.startswith("bench: ")]
        assert len(errors) == (1 if code >= 2 else len(errors) and 1), told
        return code

    return run


@pytest.fixture
def folder(tmp_path, monkeypatch, make_record) -> Path:
    """Return a results folder with sound records of three methods."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IMBENCH_CACHE", str(tmp_path / "cache"))
    store = Store(tmp_path / "results")
    for place, recipe in enumerate(("vanilla", "us", "cs")):
        for seed in range(2):
            made = outputs(10 * place + seed)
            store.put(make_record(recipe, 10, seed, **made, cost={"fit": 1.0}))
    return store.folder


def sealed(plain: object) -> bytes:
    """Return JSON data with the checksum that a writer who knows imbench would give it."""
    if isinstance(plain, dict):
        try:
            plain["checksum"] = checksum(plain)
        except (ValueError, TypeError, UnicodeError):
            plain["checksum"] = ""
    return json.dumps(plain).encode("utf-8", "surrogatepass")


@pytest.mark.parametrize("command", READERS, ids=" ".join)
def test_damaged_records_end_no_command(folder, ends_well, command, make_record):
    record = make_record("vanilla", 20, 7, **outputs(3), cost={"fit": 1.0})
    path = Store(folder).path(record.cell)
    path.parent.mkdir(parents=True, exist_ok=True)
    first, *rest = command
    for rng in draws(1, 12):
        raw = sealed(damaged_json(record.plain(), rng))
        path.write_bytes(raw)
        ends_well(first, folder, *rest, what=repr(raw[:3000]))
    for rng in draws(2, 4):
        raw = damaged_bytes(json.dumps(record.plain()).encode(), rng)
        path.write_bytes(raw)
        ends_well(first, folder, *rest, what=repr(raw[:300]))


def test_each_field_of_a_record_may_hold_anything(folder, ends_well, make_record):
    """Each hostile value in each place of a record, in batches that a fault is searched in."""
    record = make_record("vanilla", 20, 7, **outputs(3), cost={"fit": 1.0})
    path = Store(folder).path(record.cell)
    path.parent.mkdir(parents=True, exist_ok=True)
    places = [(name,) for name in record.plain()] + [
        (name, inner)
        for name, value in record.plain().items()
        if isinstance(value, dict)
        for inner in value
    ]
    batch = []
    for place in places:
        for value in HOSTILE:
            plain = record.plain()
            holder = plain
            for name in place[:-1]:
                holder = holder[name]
            holder[place[-1]] = value
            batch.append(sealed(plain))
    for start in range(0, len(batch), 60):
        for number, raw in enumerate(batch[start : start + 60]):
            path.with_name(f"{number}-{path.name}").write_bytes(raw)
        for command in ("status", "report"):
            ends_well(command, folder, what=f"values {start} to {start + 60}")


@pytest.mark.parametrize("command", READERS[:3], ids=" ".join)
def test_damaged_plans_end_no_command(folder, ends_well, command):
    from imbench.records.cell import Grid, Settings
    from imbench.records.planned import FOLDER

    settings = Settings(network="cnn", size=16, steps=200)
    grid = Grid(
        datasets=("digits",),
        minority={"digits": (10, 20)},
        majority={"digits": None},
        methods=("vanilla", "us"),
        seeds=(0, 1),
        settings=settings,
    )
    plan = {
        "schema": 1,
        "imbench": "0.1",
        "command": "bench run",
        "grid": grid.plain(),
        "fingerprints": {"digits": "0123456789abcdef"},
        "recipes": {"vanilla": {}, "us": {"us": 1}},
        "missing": [],
    }
    (folder / FOLDER).mkdir()
    first, *rest = command
    for rng in draws(3, 40):
        raw = json.dumps(damaged_json(plan, rng)).encode("utf-8", "surrogatepass")
        for file in (folder / FOLDER / "0123456789abcdef.json", folder / "grid.json"):
            file.write_bytes(raw)
        ends_well(first, folder, *rest, what=repr(raw[:2000]))
    for rng in draws(4, 10):
        (folder / "grid.json").write_bytes(damaged_bytes(json.dumps(plan).encode(), rng))
        ends_well(first, folder, *rest, what="bytes")


def test_damaged_baselines_end_no_check(folder, ends_well, tmp_path):
    file = tmp_path / "baseline.json"
    reason = ("--reason", "the first")
    assert ends_well("baseline", "update", "--from", folder, "--baseline", file, *reason) == 0
    sound = file.read_bytes()
    for rng in draws(5, 60):
        plain = damaged_json(json.loads(sound), rng)
        file.write_bytes(sealed(plain))
        for command in (
            ("check", folder, "--baseline", file),
            ("check", folder, "--baseline", file, "--mode", "statistical"),
            ("baseline", "show", file),
            ("baseline", "diff", "--from", folder, "--baseline", file),
        ):
            code = ends_well(*command, what=repr(file.read_bytes()[:2000]))
            assert code != 2
    for rng in draws(6, 10):
        file.write_bytes(damaged_bytes(sound, rng))
        ends_well("check", folder, "--baseline", file, what="bytes")


def test_damaged_leases_end_no_status(folder, ends_well):
    from dataclasses import asdict

    from imbench.files.leases import identity
    from imbench.runs.training_leases import TrainingLease, _path

    lease = TrainingLease("0" * 16, "a-run", since=1.0, cells=("1" * 16,), **identity())
    file = _path(folder, lease.key)
    file.parent.mkdir(parents=True)
    for rng in draws(7, 40):
        raw = json.dumps(damaged_json(asdict(lease), rng)).encode("utf-8", "surrogatepass")
        file.write_bytes(raw)
        assert ends_well("status", folder, what=repr(raw[:1000])) in (0, 3)
    for rng in draws(11, 10):
        file.write_bytes(damaged_bytes(json.dumps(asdict(lease)).encode(), rng))
        assert ends_well("status", folder, what="bytes") in (0, 3)


@pytest.mark.parametrize("pattern", ["decoded/*/manifest.json", "signatures/*.json"])
def test_damaged_files_of_the_cache_are_made_anew(
    pattern, tmp_path, monkeypatch, ends_well, data_folder
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IMBENCH_CACHE", str(tmp_path / "cache"))
    pictures = data_folder({"train/cat": 4, "train/dog": 4, "test/cat": 2, "test/dog": 2})
    run = ("run", "--datasets", f"folder:{pictures}", "--minority", "2", "--methods", "vanilla")
    run += ("--seeds", "0", "--network", "linear", "--size", "8", "--steps", "1", "--dry-run")
    assert ends_well(*run) == 0
    (file,) = (tmp_path / "cache").glob(pattern)
    sound = json.loads(file.read_bytes())
    for rng in draws(12, 25):
        raw = json.dumps(damaged_json(sound, rng)).encode("utf-8", "surrogatepass")
        file.write_bytes(raw)
        ends_well(*run, what=repr(raw[:1000]))
    for rng in draws(13, 10):
        file.write_bytes(damaged_bytes(json.dumps(sound).encode(), rng))
        ends_well(*run, what="bytes")


def grid_texts(rng: np.random.Generator) -> str:
    """Return the text of a grid file with a hostile value or key."""
    keys = ("name", "datasets", "minority", "majority", "methods", "seeds", "exclude", "settings")
    values = ('"x"', "[]", "{}", "-1", "nan", "1" * 5000, '"digits"', '["us:rho=-"]', "true", "[[")
    lines = ['datasets = ["digits"]', "minority = [10]", 'methods = ["vanilla"]', "seeds = [0]"]
    place = int(rng.integers(len(lines)))
    key = keys[int(rng.integers(len(keys)))]
    value = values[int(rng.integers(len(values)))]
    lines[place] = f"{key} = {value}"
    if rng.integers(3) == 0:
        lines.append(f"[settings]\nsteps = {values[int(rng.integers(len(values)))]}")
    return "\n".join(lines)


def test_damaged_grid_files_end_no_run(tmp_path, monkeypatch, ends_well):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IMBENCH_CACHE", str(tmp_path / "cache"))
    file = tmp_path / "grid.toml"
    for rng in draws(8, 60):
        text = grid_texts(rng)
        file.write_text(text)
        ends_well("run", file, "--dry-run", "--out", "results", what=text[:300])
    for rng in draws(9, 20):
        file.write_bytes(damaged_bytes(text.encode(), rng))
        ends_well("run", file, "--dry-run", "--out", "results", what="bytes")


OPTIONS = ("methods", "datasets", "minority", "seeds", "network", "steps", "size", "set", "timeout")


def test_hostile_options_end_in_a_sentence(tmp_path, monkeypatch, ends_well):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IMBENCH_CACHE", str(tmp_path / "cache"))
    heads = ("us:rho=", "cbl:beta=", "smote:k_neighbors=", "folder:", "csv:", "torchvision:", "")
    signs = list("us:=,.-+\\\"'()[]{}%0123456789eExXnai \t\u00e9\u202e\x1b")
    for rng in draws(10, 120):
        option = OPTIONS[int(rng.integers(len(OPTIONS)))]
        text = heads[int(rng.integers(len(heads)))] + "".join(
            signs[int(number)] for number in rng.integers(0, len(signs), int(rng.integers(1, 20)))
        )
        if rng.integers(5) == 0:
            text = f"{text}{'-9(['[int(rng.integers(4))] * 5000}"
        given = {"datasets": "digits", "minority": "10", "methods": "vanilla", "seeds": "0"}
        given[option] = text
        words = [word for key, value in given.items() for word in (f"--{key}={value}",)]
        ends_well("run", *words, "--dry-run", "--out", "results", what=repr(text[:200]))
