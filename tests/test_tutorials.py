"""Every command of the tutorials, in their order, on real images."""

from __future__ import annotations

import csv
import os
import re
import shutil
from pathlib import Path

import pytest
from tutorial import commands_of, write_files_of

from imbench.commands.cli import exit_code

DOCS = Path(__file__).resolve().parents[1] / "docs"
DATA = Path(os.environ.get("IMBENCH_DATA", "data"))


@pytest.mark.slow
@pytest.mark.skipif(not (DATA / "horse2zebra").is_dir(), reason="needs horse2zebra")
def test_the_tutorial_for_researchers(tmp_path, monkeypatch, capfd):
    page = (DOCS / "tutorial-researcher.md").read_text("utf-8")
    monkeypatch.setenv("IMBENCH_DATA", str(DATA.resolve()))
    monkeypatch.chdir(tmp_path)
    write_files_of(page, tmp_path)
    commands = commands_of(page)
    assert len(commands) == 7
    printed = []
    for program, *words in commands:
        assert program == "bench"
        assert exit_code(words) == 0, words
        printed.append(capfd.readouterr().out)
    trial, plan, run, compared = printed[:4]
    assert "Vanilla and poly.py:Poly1:epsilon=0 have the same score in each of 2 runs" in trial
    assert "= 40 cells: 40 to run (32 trainings)" in plan
    assert "8 seeds: enough to establish any difference of two methods" in plan
    assert "no method is above TS, which costs no training, by more than chance" in run
    assert "cs+poly.py:Poly1 against TS by F1 of the minority" in compared
    table = Path("table.tex").read_text("utf-8")
    assert r"\paragraph{Verdict on horse2zebra by F1 of the minority.}" in table
    assert r"\imbenchcell{horse2zebra/auroc/ts/100}" in Path("numbers.tex").read_text("utf-8")
    assert "Verdict on horse2zebra" in Path("report.html").read_text("utf-8")
    assert len(Path("scores.csv").read_text("utf-8").splitlines()) > 40


@pytest.mark.slow
@pytest.mark.skipif(not (DATA / "trashnet").is_dir(), reason="needs trashnet")
def test_the_tutorial_for_engineers(tmp_path, monkeypatch, capfd):
    page = (DOCS / "tutorial-engineer.md").read_text("utf-8")
    monkeypatch.setenv("IMBENCH_DATA", str(DATA.resolve()))
    monkeypatch.chdir(tmp_path)
    Path("new_images").mkdir()
    for name in ("glass/glass1.jpg", "metal/metal1.jpg", "plastic/plastic1.jpg"):
        shutil.copy(DATA.resolve() / "trashnet" / name, "new_images")
    commands = commands_of(page)
    assert len(commands) == 10
    printed = {}
    for _, *words in commands:
        # `verify` finds copies across the split, and says so by its exit code.
        assert exit_code(words) == (1 if words[:2] == ["data", "verify"] else 0), words
        printed[words[0], words[1]] = capfd.readouterr().out
    assert re.search(r"^trash +103 +34$", printed["data", "stats"], re.MULTILINE)
    assert "leaves out 5 training images (paper 4, plastic 1)" in printed["data", "verify"]
    assert Path("sheet.png").stat().st_size > 10_000
    assert (
        "Verdict on trashnet (paper, trash) by F1 of the minority" in printed["run", "--datasets"]
    )
    assert "10 for a missed minority image, 1 for a false alarm" in printed["report", "--cost"]
    assert "OS against TS by F1 of the minority" in printed["report", "--compare"]
    fitted = printed["fit", "folder:trashnet,majority=paper,minority=trash"]
    assert "least cost at 10:1 in cross-validation" in fitted
    assert "Met        on 182 test images, which had no part in it" in fitted
    rows = list(csv.DictReader(Path("predictions.csv").read_text("utf-8").splitlines()))
    assert {row["decision"] for row in rows} <= {"paper", "trash"}
    assert len(rows) == 3
    assert "new_images" in Path("sheet.html").read_text("utf-8")
