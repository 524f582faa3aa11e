"""Recall and F1 by class, groups by shots, confusion and names of wrong images; by hand."""

from __future__ import annotations

import csv
import io
import json
import logging
import os
from types import SimpleNamespace

import numpy as np
import pytest

from imbench.errors import EnvironmentFault, NotComparable
from imbench.records.groups import group_records
from imbench.records.image_names import ImageNames, keep_names, read_names
from imbench.records.record import Scores
from imbench.report.outputs_by_group import class_names
from imbench.report.per_class import per_class, per_class_section
from imbench.report.report import render_report
from imbench.report.wrong_images import wrong_section
from imbench.stats.metrics import macro_f1
from imbench.stats.shot_groups import shot_groups

MATRIX = [[8, 1, 1], [2, 6, 0], [2, 0, 2]]
"""Recalls .8, .75, .5; F1 16/22, 12/15, 4/7."""
PRINT = "0123456789abcdef"
NAMES = ImageNames(
    fingerprint=PRINT,
    classes=("ok", "crack", "hot <spot>"),
    test=tuple(f"test/{index:02}.png" for index in range(22)),
)


def scores(matrix):
    labels = np.repeat(np.arange(len(matrix)), np.sum(matrix, axis=1))
    said = np.concatenate([np.repeat(np.arange(len(matrix)), row) for row in matrix])
    proba = np.eye(len(matrix))[said] * 0.9 + 0.1 / len(matrix)
    return Scores.of(labels, np.log(proba), proba)


@pytest.fixture
def make(make_record):
    def made(recipe="vanilla", seed=0, matrix=MATRIX, **fields):
        body = {"scores": scores(matrix), "train_counts": [500, 60, 10], "metrics": {}}
        body["test_counts"] = np.sum(matrix, axis=1).tolist()
        return make_record(recipe, 10, seed, None, **{**body, **fields})

    return made


BETTER = [[9, 1, 0], [1, 7, 0], [1, 0, 3]]


def test_recall_f1_groups_and_confusion_of_each_class(make):
    (group,) = group_records([make(seed=0), make(seed=1, matrix=BETTER)])
    (one,) = per_class(group)
    assert one.recalls == pytest.approx(np.array([[0.8, 0.75, 0.5], [0.9, 0.875, 0.75]]))
    assert one.f1s[0] == pytest.approx([16 / 22, 12 / 15, 4 / 7])
    assert one.confusion.tolist() == [[8.5, 1, 0.5], [1.5, 6.5, 0], [1.5, 0, 2.5]]
    found = one.group_recalls()
    assert list(found) == ["many", "medium", "few"]
    assert found["few"] == pytest.approx([0.5, 0.75])
    assert one.macro_f1[0] == pytest.approx((16 / 22 + 12 / 15 + 4 / 7) / 3)


def test_macro_f1_is_a_metric_of_its_own(make):
    labels, _, proba = scores(MATRIX).arrays()
    assert macro_f1(labels, proba) == pytest.approx((16 / 22 + 12 / 15 + 4 / 7) / 3)
    assert "macro-F1 of all classes" in render_report([make()], metrics=["macro_f1"])


def test_limits_of_the_groups_are_those_of_long_tailed_recognition():
    assert shot_groups([101, 100, 20, 19]) == {"many": [0], "medium": [1, 2], "few": [3]}
    assert list(shot_groups([5, 300])) == ["many", "few"]


TABLE = """\
digits: recall of each class at 10 minority images (recall of the class
  (training images) in columns)
majority 500; test 10+8+4 (minorities' share 0.545); trivial F1 0.267, ACSA
  0.333; cnn, 16 px; 200 steps of 64 images; seed 0; data 0123456789ab

method  ok (500) crack (60) hot <spot> (10) many (1) medium (1) few (1) mean
------- -------- ---------- --------------- -------- ---------- ------- ----
Vanilla     .800       .750            .500     .800       .750    .500 .683
US          .900       .875            .750     .900       .875    .750 .842

one seed
mean recall of classes by training images (number of classes): many >100, medium
  20-100, few <20
"""


def test_whole_table(make):
    records = [make(), make("us", matrix=BETTER)]
    text = render_report(records, per_class=True, names={PRINT: NAMES})
    assert text.startswith(TABLE)
    text = text.replace("\n  ", " ")
    assert "macro-F1" in text
    assert "confusion of Vanilla at 10" in text
    assert "confusion of US (the best macro-F1) at 10 minority images (called in columns)" in text
    assert "crack        1      7           0" in text


def test_a_method_with_fewer_seeds_says_so_and_is_not_called_the_best(make):
    records = [make("vanilla", seed) for seed in range(2)] + [make("us", 0, BETTER)]
    text = render_report(records, per_class=True, width=200)
    assert "Vanilla  " in text
    assert "US 1/2" in text
    assert "behind a method: so many of the seeds of others have outputs of it" in text
    assert "the best macro-F1" in text
    assert "confusion of US" not in text


@pytest.mark.parametrize("form", ["markdown", "latex"])
def test_other_forms_have_all_tables(make, form):
    text = render_report([make(), make("us")], per_class=True, form=form, names={PRINT: NAMES})
    for what in ("recall of each class", "F1 of each class", "confusion of"):
        assert what in text
    assert "<spot>" not in text


def test_plain_forms_have_a_row_for_each_class(make):
    records = [make(seed=0), make(seed=1, matrix=BETTER)]
    plain = json.loads(render_report(records, per_class=True, form="json", names={PRINT: NAMES}))
    rows = plain["classes"]
    assert [(row["class"], row["train"], row["test"], row["shots"]) for row in rows] == [
        ("ok", 500, 10, "many"),
        ("crack", 60, 8, "medium"),
        ("hot <spot>", 10, 4, "few"),
    ]
    assert rows[2]["recall"] == pytest.approx(0.625)
    assert rows[2]["recall_low"] == 0  # 0.625 +- 12.7 standard errors, cut
    assert rows[1]["called"] == [1.5, 6.5, 0]
    text = render_report(records, per_class=True, form="csv", names={PRINT: NAMES})
    (first, *_) = csv.DictReader(io.StringIO(text))
    assert (first["class"], first["recall"]) == ("ok", "0.8500000000000001")


def test_two_classes_have_no_groups_and_unknown_names_are_roles(make):
    two = {"matrix": [[5, 1], [2, 4]], "train_counts": [100, 10]}
    text = render_report([make(**two)], per_class=True)
    assert "majority (100)  minority (10)  mean" in text
    assert "few" not in text
    assert class_names(None, 3) == ["majority", "minority 1", "minority 2"]
    assert class_names(NAMES, 2) == ["majority", "minority"]


def test_records_without_outputs_have_no_classes(make):
    damaged = Scores(classes=3, labels="AAAA", logits="", proba="AAAA")
    for record in (make(scores=None), make(scores=damaged), make(status="failed", reason="x")):
        with pytest.raises(NotComparable, match="no record has outputs"):
            per_class_section([record])
        with pytest.raises(NotComparable, match="no record has outputs"):
            wrong_section([record])


def test_images_that_most_runs_called_wrong_come_first_by_name(make):
    records = [make(seed=0), make(seed=1, matrix=BETTER), make("us", matrix=BETTER)]
    section = wrong_section(records, {PRINT: NAMES})
    (table,) = section.blocks
    shown = [[cell.text for cell in row] for row in table.rows]
    # Row 9, the last of class 0: called 2 by MATRIX, 1 by the other two runs.
    assert shown[0] == ["test/09.png", "ok", "crack", "3 of 3"]
    assert ["test/11.png", "crack", "ok", "1 of 3"] in shown
    assert table.below[0].startswith("6 of 22 test images were called wrong by a run or more, 3 by")
    vanilla = [row for row in section.rows if row["recipe"] == "vanilla"]
    assert vanilla[0]["image"] == "test/09.png"
    assert (vanilla[0]["wrong"], vanilla[0]["runs"]) == (2, 2)
    assert {row["row"] for row in section.rows if row["recipe"] == "us"} == {9, 10, 18}


def test_images_without_names_are_rows(make):
    other = NAMES.model_copy(update={"test": NAMES.test[:3]})
    for names in (None, {PRINT: other}):
        (table,) = wrong_section([make()], names).blocks
        assert table.rows[0][0].text == "row 8"


def test_hostile_names_do_nothing(make):
    evil = "\x1b]0;owned\x07=cmd|'x'!A1\n\\input{x}<script>"
    names = NAMES.model_copy(update={"test": (evil,) * 22, "classes": (evil, evil, evil)})
    for form in ("terminal", "markdown", "latex", "csv", "json"):
        for what in ("wrong", "per_class"):
            text = render_report([make()], form=form, names={PRINT: names}, **{what: True})
            assert "\x1b" not in text
            assert "\x07" not in text
    text = render_report([make()], form="csv", names={PRINT: names}, wrong=True)
    cells = [cell for row in csv.reader(io.StringIO(text)) for cell in row]
    assert not any(cell.startswith(("=", "+", "-", "@")) for cell in cells)


def decoded(names=("a.png", "b.png"), fingerprint="f" * 64):
    return SimpleNamespace(
        fingerprint=fingerprint,
        classes=("ok", "bad"),
        test=SimpleNamespace(names=names),
        train=SimpleNamespace(counts=lambda classes: np.arange(classes) + 3),
    )


def test_names_are_kept_once_and_read_back(tmp_path):
    keep_names(tmp_path, decoded())
    (path,) = (tmp_path / "images").iterdir()
    before = path.stat().st_mtime_ns
    keep_names(tmp_path, decoded())
    assert path.stat().st_mtime_ns == before
    path.write_text("damaged")
    keep_names(tmp_path, decoded())
    found = read_names(tmp_path)["f" * 64]
    assert (found.classes, found.test) == (("ok", "bad"), ("a.png", "b.png"))
    assert found.pool == (3, 4)


def test_names_that_are_not_utf_8_are_kept_as_escapes(tmp_path):
    keep_names(tmp_path, decoded((os.fsdecode(b"caf\xe9.png"), "b.png")))
    assert read_names(tmp_path)["f" * 64].test == ("caf\\udce9.png", "b.png")


def test_files_that_hold_no_names_are_passed_over(tmp_path, caplog):
    assert read_names(tmp_path) == {}
    folder = tmp_path / "images"
    folder.mkdir()
    (folder / "0123456789abcdef.json").write_text("{}")
    (folder / "notes.txt").write_text("mine")
    keep_names(tmp_path, decoded())
    (folder / f"{'e' * 64}.json").write_bytes((folder / f"{'f' * 64}.json").read_bytes())
    caplog.set_level(logging.WARNING, "imbench")
    assert set(read_names(tmp_path)) == {"f" * 64}
    assert "0123456789abcdef.json holds no names of images" in caplog.text


def test_a_folder_of_names_that_cannot_be_read_ends_the_command(tmp_path, monkeypatch):
    def closed(_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("imbench.records.image_names.Path.iterdir", closed)
    with pytest.raises(EnvironmentFault, match="cannot be read"):
        read_names(tmp_path)
