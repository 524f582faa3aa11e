"""Every command of the tutorials, in their order, on real images."""

from __future__ import annotations

import os
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
