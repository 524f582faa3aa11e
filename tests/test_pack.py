"""`bench pack`: every report of a pack is that of the folders it was made from."""

from __future__ import annotations

import hashlib
import json
import lzma
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from clicked import bench, printed, refused

from imbench.errors import EnvironmentFault, NotComparable
from imbench.records import pack, pack_file
from imbench.records.cell import Grid, Settings
from imbench.records.floors import COLOUR, floor_store
from imbench.records.image_names import ImageNames
from imbench.records.joined import read_joined
from imbench.records.pack import read_pack
from imbench.records.planned import write_plan
from imbench.records.record import Scores
from imbench.records.rounded_outputs import FIRST_ROUNDING, rounded
from imbench.records.store import Store
from imbench.stats.metrics import score_all

CODE = "0123456789abcdef"


@pytest.fixture
def fill(make_record):
    """Return a function that fills a results folder as a run leaves it."""

    def outputs(rng, counts, lead):
        labels = np.repeat(np.arange(len(counts)), counts)
        logits = rng.normal(size=(len(labels), len(counts))) + lead * np.eye(len(counts))[labels]
        powers = np.exp(logits)
        return labels, logits, powers / powers.sum(axis=1, keepdims=True)

    def scored(rng, counts, lead, **fields):
        labels, logits, proba = outputs(rng, counts, lead)
        scores = Scores.of(labels, logits, proba)
        kept = scores.arrays()[2].astype(np.float64)
        return make_record(
            scores=scores, metrics=score_all(labels, kept), test_counts=list(counts), **fields
        )

    def make(folder: Path, seeds=range(6), recipes=("vanilla", "us", "cs")) -> Path:
        store = Store(folder)
        rng = np.random.default_rng(7)
        for recipe in recipes:
            for minority in (25, 100):
                for seed in seeds:
                    lead = recipes.index(recipe) / 2 + minority / 100
                    shared = {"recipe": recipe, "minority": minority, "seed": seed}
                    shared |= {"environment": {"device": "cpu"}, "commit": "c0ffee"}
                    store.put(scored(rng, (60, 40), lead, **shared, cost={"fit": 1.5}))
                    other = {"dataset": "rest", "fingerprint": "ab" * 8}
                    store.put(scored(rng, (30, 20, 10), lead, **shared, cell=other))
        floor = scored(rng, (60, 40), 0.2, recipe=COLOUR, minority=25, seed=0)
        floor_store(folder).put(floor)
        store.put(make_record("smote", 25, 0, status="failed", reason="no", metrics={}))
        names = ImageNames(
            fingerprint=CODE, classes=("a", "b"), test=tuple(f"{i}.png" for i in range(100))
        )
        (folder / "images").mkdir()
        (folder / "images" / f"{CODE}.json").write_text(names.model_dump_json(by_alias=True))
        grid = Grid(
            datasets=("digits",),
            minority={"digits": (25, 100)},
            majority={"digits": None},
            methods=("vanilla", "os"),
            seeds=(0, 1),
            settings=Settings(network="cnn", size=16, steps=200),
        )
        write_plan(
            folder,
            grid,
            fingerprints={"digits": CODE},
            recipes={"vanilla": {}, "os": {}},
            missing=(),
            command="bench run --out /home/me",
        )
        return folder

    return make


FORMS = (
    (),
    ("--board", "--metric", "f1"),
    ("--board", "--json", "--metric", "f1,auroc"),
    ("--metric", "f1,f1_tuned,auroc,brier,log_loss"),
    ("--compare", "vanilla,us,cs", "--metric", "f1,auroc"),
    ("--claims",),
    ("--json",),
    ("--csv", "--metric", "f1,acsa,brier"),
    ("--per-class",),
    ("--wrong",),
    ("--ranks",),
    ("--latex", "--bold", "not-worse"),
)


def test_every_form_of_a_report_is_the_same(fill, tmp_path, monkeypatch):
    monkeypatch.setattr("imbench.commands.report.command_line", lambda: "bench report")
    folder, file = fill(tmp_path / "results"), tmp_path / "study.pack"
    said = printed("pack", folder, file)
    assert "73 records, 72 with scores, of 2 data sets" in said
    assert "log-odds of test images are rounded" in said
    for form in FORMS:
        assert printed("report", file, *form) == printed("report", folder, *form), form
    page, other = tmp_path / "a.html", tmp_path / "b.html"
    bench("report", folder, "--html", page, "--images", "0")
    bench("report", file, "--html", other, "--images", "0")
    assert verdict_of(page) == verdict_of(other)


def verdict_of(page):
    text = page.read_text("utf-8")
    return text[text.index("<h1") : text.index("<script")]


def test_a_pack_is_the_same_when_it_is_made_again_and_from_itself(fill, tmp_path):
    folder = fill(tmp_path / "results")
    packs = [tmp_path / f"{name}.pack" for name in "abc"]
    bench("pack", folder, packs[0])
    bench("pack", folder, packs[1])
    bench("pack", packs[0], packs[2])
    first, *others = (file.read_bytes() for file in packs)
    assert all(other == first for other in others)
    assert b"/home/me" not in lzma.decompress(first.partition(b"\n")[2])
    head = json.loads(first.partition(b"\n")[0].removeprefix(b"imbench-pack "))
    assert head["schema"] == 3
    assert "rounded" in head["about"]


@pytest.fixture
def write_old(monkeypatch):
    """Return a function that packs as earlier imbenches did."""

    def write(folder, file, schema):
        with monkeypatch.context() as patch:
            patch.setattr(pack_file, "SCHEMA", schema)
            patch.setattr(pack, "differences", lambda steps, _: (steps, b""))
            if schema == 1:
                patch.setattr(pack, "rounded", partial(rounded, rounding=FIRST_ROUNDING))
            bench("pack", folder, file)

    return write


@pytest.mark.parametrize(("schema", "most"), [(1, 1 / 128), (2, 1 / 32)])
def test_a_pack_of_an_earlier_schema_is_read_and_smaller_when_packed_again(
    fill, write_old, tmp_path, schema, most
):
    folder, old, new = fill(tmp_path / "results"), tmp_path / "old.pack", tmp_path / "new.pack"
    write_old(folder, old, schema)
    bench("pack", old, new)
    heads = [pack_file.read_parts(file) for file in (old, new)]
    assert [schema for schema, _ in heads] == [schema, 3]
    assert new.stat().st_size < old.stat().st_size
    for form in FORMS[:5]:
        expected = printed("report", folder, *form)
        for file in (old, new):
            assert printed("report", file, *form).replace(str(file), str(folder)) == expected, form
    stored = {record.key: record.scores for record in Store(folder).records()}
    for file, largest in ((old, most), (new, 1 / 32 + most % (1 / 32))):
        scored = [record for record in read_pack(file).records if record.scores is not None]
        assert len(scored) == 72
        for record in scored:
            change = np.abs(log_odds(stored[record.key]) - log_odds(record.scores))
            assert change.max() <= largest + 1e-5
    assert change.max() > 1 / 64


def log_odds(scores):
    proba = scores.arrays()[2].astype(np.float64)
    others = proba[:, ::-1] if proba.shape[1] == 2 else 1 - proba
    return np.log(proba) - np.log(others)


def test_folders_and_packs_are_joined_into_one_that_grows(fill, tmp_path):
    one = fill(tmp_path / "one", seeds=range(3))
    two = fill(tmp_path / "two", seeds=range(2, 6))
    study, whole = tmp_path / "study.pack", tmp_path / "whole.pack"
    bench("pack", one, study)
    said = printed("pack", study, two, study)
    assert "cells lie in more than one of" in said
    bench("pack", one, two, whole)
    assert study.read_bytes() == whole.read_bytes()
    assert len(read_pack(study).records) == 73
    text = printed("report", study, "--metric", "f1")
    assert text == printed("report", whole, "--metric", "f1")
    assert "seeds 0-5" in text
    both = read_joined([one, study])
    assert len([record for record in both.records if record.cell.recipe == "us"]) == 24
    assert "0 of them" not in both.notes[0]
    assert "other outputs" not in both.notes[0]


def test_records_are_what_they_were_but_for_what_is_said(fill, tmp_path):
    folder, file = fill(tmp_path / "results"), tmp_path / "study.pack"
    edited = next(iter(Store(folder).paths()))
    edited.write_text(edited.read_text().replace('"commit":"c0ffee"', '"commit":"edited"'))
    bench("pack", folder, file)
    contents = read_pack(file)
    before = {record.key: record for record in Store(folder).records()}
    left_out = {"checksum", "scores", "metrics", "log", "files", "file_hashes"}
    for record in contents.records:
        old = before[record.key]
        assert record.intact == (old.commit != "edited")
        assert record.model_dump(exclude=left_out) == old.model_dump(exclude=left_out)
        assert old.metrics.items() <= record.metrics.items()
        assert record.metrics.keys() - old.metrics.keys() <= {"f1_tuned"}
        if old.scores is not None:
            labels, _, proba = old.scores.arrays()
            now = record.scores.arrays()
            assert (labels == now[0]).all()
            assert np.abs(proba - now[2]).max() < 1 / 128  # 1/32 of log-odds at a score of .5
    assert [floor.cell.recipe for floor in contents.floors] == [COLOUR]
    assert contents.names[CODE].classes == ("a", "b")
    assert contents.plans.runs[0].cells
    assert contents.plans.runs[0].command == ""


def test_a_pack_takes_the_place_of_a_folder_in_other_commands(fill, tmp_path):
    folder, file = fill(tmp_path / "results"), tmp_path / "study.pack"
    bench("pack", folder, file)
    for words in (("check", file, "--baseline", folder), ("check", folder, "--baseline", file)):
        said = bench(*words, code=1).output  # of the cell that failed on both sides
        assert said.count("6 same") == 2
        assert "scores must be equal" in " ".join(said.split())
    bench("export", folder, "--csv", tmp_path / "a.csv", "--metric", "f1,auroc")
    bench("export", file, "--csv", tmp_path / "b.csv", "--metric", "f1,auroc")
    assert (tmp_path / "a.csv").read_text() == (tmp_path / "b.csv").read_text()
    import imbench

    assert len(imbench.load_results(file, metrics=["f1"])) == 73


def test_outputs_that_are_none_stay_what_they_are(make_record, tmp_path):
    scores = Scores(classes=2, labels="AAEB", logits="", proba="AAAAAA==")
    Store(tmp_path / "results").put(make_record(scores=scores))
    bench("pack", tmp_path / "results", tmp_path / "study.pack")
    assert read_pack(tmp_path / "study.pack").records[0].scores == scores


def test_names_that_cannot_be_meant_are_refused(fill, tmp_path):
    folder = fill(tmp_path / "results", seeds=range(1))
    other = tmp_path / "thesis.tex"
    other.write_text("my thesis")
    refused("pack", folder, tmp_path)
    assert "no whole pack" in refused("pack", folder, other)
    assert other.read_text() == "my thesis"
    nowhere = (tmp_path / "no", other / "x.pack")
    assert "there is no results folder" in refused("pack", *nowhere, code=3)
    (tmp_path / "empty").mkdir()
    assert "holds no records" in refused("pack", tmp_path / "empty", tmp_path / "x.pack", code=3)
    bench("pack", folder, tmp_path / "study.pack")
    assert "needs a name" in refused("report", tmp_path / "study.pack", "--html")


def content_without(head, content, name):
    """Return the content without the last eight bytes of a part, compressed."""
    end = 0
    for part, length in head["parts"].items():
        end += length
        if part == name:
            return lzma.compress(content[: end - 8] + content[end:])
    raise AssertionError(name)


def broken(raw, kind):
    line, _, body = raw.partition(b"\n")
    head = json.loads(line.removeprefix(pack_file.MAGIC))

    def headed(body, **changed):
        checked = {"packed": len(body), "sha256": hashlib.sha256(body).hexdigest(), **changed}
        return pack_file.MAGIC + json.dumps({**head, **checked}).encode() + b"\n" + body

    zeros = lzma.compress(bytes(300 << 20), preset=0) if kind == "a bomb" else b""
    content = lzma.decompress(body)
    return {
        "cut off": lambda: raw[:-7],
        "cut to nothing": lambda: raw[:20],
        "longer": lambda: raw + b"x",
        "changed": lambda: raw[:-40] + bytes([raw[-40] ^ 1]) + raw[-39:],
        "newer": lambda: headed(body, schema=99),
        "no pack": lambda: b"PK\x03\x04" + raw,
        "no head": lambda: pack_file.MAGIC + b"{\n" + body,
        "a bomb": lambda: headed(zeros),
        "a bomb that says so": lambda: headed(body, parts={"records": 1 << 40}),
        "a negative part": lambda: headed(body, parts={**head["parts"], "low": -1}),
        "no parts": lambda: headed(lzma.compress(b""), parts={}),
        "not compressed": lambda: headed(b"text that xz did not write"),
        "no JSON": lambda: headed(
            lzma.compress(b"[" * head["parts"]["records"] + content[head["parts"]["records"] :])
        ),
        "outputs of nobody": lambda: headed(
            lzma.compress(content + b"\0\0\0\0"),
            parts={**head["parts"], "values": head["parts"]["values"] + 4},
        ),
        "lines of nobody": lambda: headed(
            lzma.compress(
                content[: (start := head["parts"]["records"] + head["parts"]["labels"])]
                + b"\xff" * head["parts"]["lines"]
                + content[start + head["parts"]["lines"] :]
            )
        ),
        "too few lines": lambda: headed(
            content_without(head, content, "lines"),
            parts={**head["parts"], "lines": head["parts"]["lines"] - 8},
        ),
        "labels of no class": lambda: headed(
            lzma.compress(
                content[: head["parts"]["records"]]
                + b"\7"
                + content[head["parts"]["records"] + 1 :]
            )
        ),
    }[kind]()


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("cut off", "it was cut off; copy it again"),
        ("cut to nothing", "is no pack: name a results folder"),
        ("longer", "bytes in place of"),
        ("changed", "its checksum is wrong; copy it again"),
        ("newer", "this imbench reads up to 3: update imbench"),
        ("no pack", "is no pack: name a results folder"),
        ("no head", "its first line cannot be read"),
        ("a bomb", "does not unpack to the"),
        ("a bomb that says so", "more than 134 MB"),
        ("a negative part", "more than 134 MB"),
        ("no parts", "make it again from its records"),
        ("not compressed", "unpack"),
        ("no JSON", "make it again from its records"),
        ("outputs of nobody", "outputs of no record"),
        ("labels of no class", "a label is of no class"),
        ("lines of nobody", "a line is of outputs that there are not"),
        ("too few lines", "outputs of more records than lines"),
    ],
)
def test_files_that_are_no_whole_pack_are_refused_in_a_sentence(fill, tmp_path, kind, words):
    file = tmp_path / "study.pack"
    bench("pack", fill(tmp_path / "results", seeds=range(1), recipes=("vanilla", "us")), file)
    file.write_bytes(broken(file.read_bytes(), kind))
    with pytest.raises((NotComparable, EnvironmentFault), match=words) as caught:
        read_pack(file)
    assert words in refused("report", file, code=caught.value.exit_code)


def test_what_would_not_be_read_again_is_not_written(fill, tmp_path, monkeypatch):
    monkeypatch.setattr(pack_file, "LARGEST", 1000)
    folder = fill(tmp_path / "results", seeds=range(1))
    error = refused("pack", folder, tmp_path / "study.pack", code=3)
    assert "pack the data sets one by one" in error
    assert not (tmp_path / "study.pack").exists()


RUN = ("run", "--datasets", "digits", "--minority", "10", "--network", "cnn", "--size", "8")
RUN += ("--steps", "2", "--jobs", "1")


def test_a_run_does_not_do_what_a_pack_holds(tmp_path):
    first, more, file = tmp_path / "first", tmp_path / "more", tmp_path / "study.pack"
    bench(*RUN, "--methods", "vanilla,us", "--seeds", "0-1", "--out", first)
    bench("pack", first, file)
    words = (*RUN, "--methods", "vanilla,us,ts", "--seeds", "0-2", "--known", file, "--out", more)
    said = printed(*words, "--dry-run")
    assert "4 done (4 of them in other results), 5 to run" in said
    assert not more.exists()
    said = printed(*words)
    again = f"bench report {more} {file}"
    assert f"9 of 9 cells ok; again: {again}\n" in said
    assert "seeds 0-2" in printed(*again.split()[1:])
    page = f"{again} --html {more}/report.html"
    assert f"{page}  # " in said
    bench(*page.split()[1:])
    assert (more / "report.html").exists()
    assert len(list(Store(more).paths())) == 5
    seeds = {record.cell.seed for record in floor_store(more).records()}
    assert seeds == {0, 1, 2}, "ts of seeds 0 and 1 is run here, and their floor with it"
    assert "seeds 0-2" in said
    assert "9 done (4 of them in other results), 0 to run" in printed(*words)
    bench("pack", file, more, file)
    said = printed(
        *RUN, "--methods", "vanilla,us,ts", "--seeds", "0-2", "--known", file, "--out", first
    )
    assert "9 done (5 of them in other results), 0 to run" in said
    assert "there is no" in refused(*words, "--known", tmp_path / "nowhere", code=3)


def test_what_failed_in_a_pack_is_run_and_force_runs_everything(tmp_path, make_record):
    first, more = tmp_path / "first", tmp_path / "more"
    bench(*RUN, "--methods", "vanilla", "--seeds", "0-1", "--out", first)
    store = Store(first)
    record = next(one for one in store.records() if one.cell.seed == 1)
    store.put(record.model_copy(update={"status": "failed", "reason": "no", "scores": None}))
    words = (*RUN, "--methods", "vanilla", "--seeds", "0-1", "--known", first, "--out", more)
    assert "1 done (1 of them in other results), 1 to run" in printed(*words, "--dry-run")
    assert "2 to run" in printed(*words, "--dry-run", "--force")
    assert "2 of 2 cells ok" in printed(*words)
