"""`bench board`: the same files from the same records, whether packed or not."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from clicked import bench, printed, refused
from hostile import HOSTILE

from imbench.page.board_curves import curve_panels
from imbench.records.record import Scores
from imbench.records.store import Store
from imbench.report.tables import make_tables
from imbench.stats.metrics import score_all

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def results(make_record, tmp_path):
    """Return a folder: two data sets, three methods, of which one moves the threshold only."""
    rng = np.random.default_rng(11)
    labels = np.repeat([0, 1], [60, 40])
    for data in ("digits", "rest"):
        for seed in range(3):
            odds = rng.normal(size=100) + 2 * labels - 2.5
            for recipe, shift, lead in (("vanilla", 0, 0), ("ts", 2, 0), ("os", 2, 1.5 * labels)):
                p = 1 / (1 + np.exp(-(odds + shift + lead)))
                scores = Scores.of(labels, np.stack([1 - p, p], 1), np.stack([1 - p, p], 1))
                metrics = score_all(labels, scores.arrays()[2].astype(np.float64))
                record = make_record(
                    recipe,
                    seed=seed,
                    scores=scores,
                    metrics=metrics,
                    test_counts=[60, 40],
                    cost={"fit": 1800.0},
                    commit="c0ffee",
                    started=f"2026-01-0{seed + 1}T00:00:00+00:00",
                    cell={"dataset": data, "fingerprint": data.encode().hex() * 2},
                )
                Store(tmp_path / "results").put(record)
    return tmp_path / "results"


def test_a_board_names_what_it_rests_on_and_is_the_same_from_a_pack(results, tmp_path):
    bench("board", results, "--out", tmp_path / "one")
    bench("pack", results, tmp_path / "study.pack")
    bench("board", tmp_path / "study.pack", "--out", tmp_path / "two")
    for name in ("index.html", "board.json"):
        first, second = ((tmp_path / folder / name).read_bytes() for folder in ("one", "two"))
        assert first == second, name
    (study,) = json.loads((tmp_path / "one" / "board.json").read_text())["studies"]
    assert study["about"]["core_hours"] == 9.0
    assert study["about"]["days"] == ["2026-01-01", "2026-01-03"]
    assert study["about"]["commits"] == ["c0ffee"]
    assert study["about"]["seeds"] == "0-2"
    assert {one["fingerprint"] for one in study["data"]} == {
        b"digits".hex() * 2,
        b"rest".hex() * 2,
    }
    assert [board["metric"] for board in study["boards"]] == ["f1", "f1_tuned", "auroc"]
    page = (tmp_path / "one" / "index.html").read_text("utf-8")
    for word in ("Vanilla", "c0ffee", "2026-01-03", "every two methods by F1", "9.0 core hours"):
        assert word in page, word
    assert "<script" not in page


def test_the_first_sentence_is_what_a_tuned_threshold_leaves(results, tmp_path):
    bench("board", results, "--out", tmp_path)
    (study,) = json.loads((tmp_path / "board.json").read_text())["studies"]
    (sentence,) = study["sentences"]
    assert sentence.startswith(
        "Over 2 data sets: 2 of 2 methods are ahead of Vanilla by more than 0.02 F1"
    )
    assert "and most of OS: +" in sentence
    f1, tuned, _ = study["boards"]

    def gain(board, recipe):
        (found,) = (
            row for row in board["pairs"] if {row["first"], row["second"]} == {recipe, "vanilla"}
        )
        return found["difference"] if found["first"] == recipe else -found["difference"]

    assert gain(f1, "ts") > 0.1
    assert gain(tuned, "ts") == pytest.approx(0, abs=1e-9)
    left = (gain(tuned, "ts") + gain(tuned, "os")) / 2
    assert f"{left:+.3f} is left of it" in sentence


def test_curves_run_through_the_means_of_each_count_and_only_where_there_are_two(make_record):
    records = [
        make_record(recipe, count, seed, score, cell={"dataset": data, "fingerprint": data * 8})
        for recipe, scores in (("vanilla", (0.2, 0.4, 0.9)), ("vs", (0.5, 0.5, 0.5)))
        for data, counts in (("ab", (25, 50, 100)), ("cd", (25,)))
        for count, score in zip(counts, scores, strict=False)
        for seed in range(2)
    ]
    (panel,) = curve_panels(make_tables(records, ["f1"]), "f1")
    # 300 x 190 pixels; a doubling of the count is half of the width between 34 and 290, and the
    # scale goes from 0.2 at the bottom, 160, to 1 at the top, 8.
    assert panel.across == (("34.0", "25"), ("162.0", "50"), ("290.0", "100"))
    assert panel.up == (
        ("160.0", "0.2"),
        ("122.0", "0.4"),
        ("84.0", "0.6"),
        ("46.0", "0.8"),
        ("8.0", "1"),
    )
    other, vanilla = panel.curves
    assert (other.title, other.kind, vanilla.kind) == ("VS", "other", "vanilla")
    assert vanilla.points == "34.0,160.0 162.0,122.0 290.0,27.0"


def test_what_goes_for_all_standings_is_said_below_the_first(results, tmp_path):
    bench("board", results, "--out", tmp_path)
    page = (tmp_path / "index.html").read_text("utf-8")
    assert page.count("<summary>standings over") == 3
    assert page.count("tied: 1 for all") == 1


def test_kinds_of_training_have_boards_of_their_own_and_too_little_is_said(
    results, tmp_path, make_record
):
    from imbench.records.cell import Settings

    Store(results).put(make_record(cell={"settings": Settings(network="linear")}))
    bench("board", results, "--out", tmp_path)
    first, second = json.loads((tmp_path / "board.json").read_text())["studies"]
    assert len(first["boards"]) == 3
    assert second["boards"] == []
    assert "standings need two methods" in second["missing"][0]


def test_hostile_text_does_nothing(results, tmp_path, make_record):
    Store(results).put(make_record(cell={"dataset": "rest"}, commit=HOSTILE, reason=HOSTILE))
    bench("board", results, "--out", tmp_path)
    page = (tmp_path / "index.html").read_text("utf-8")
    assert "<script" not in page
    assert "<img" not in page
    assert "\x1b" not in page


MINE = """
from imbench import Part


class Mine(Part):
    def class_weights(self, sampled, original):
        return (sampled.max() / sampled) ** 0.25
"""
GRID = """
datasets = ["digits"]
minority = [10]
methods = ["vanilla", "cs"]
seeds = "0-1"
[settings]
network = "cnn"
size = 8
steps = 2
"""


@pytest.mark.slow
def test_a_method_from_outside_stands_among_those_of_a_folder_of_packs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("grid.toml").write_text(GRID)
    Path("mine.py").write_text(MINE)
    bench("run", "grid.toml", "--out", "made", "--jobs", "1")
    Path("study").mkdir()
    bench("pack", "made", "study/a.pack")
    bench("run", "grid.toml", "--methods", "mine.py:Mine", "--out", "mine", "--jobs", "1")
    bench("report", "study", "mine", "--html", "mine.html", "--images", "0")
    page = Path("mine.html").read_text("utf-8")
    assert all(name in page for name in ("Vanilla", "mine.py:Mine"))
    said = printed("report", "study", "mine", "--board")
    assert "mine.py:Mine" in said
    bench("board", "study", "mine", "--out", "board")
    assert "mine.py:Mine" in Path("board/index.html").read_text("utf-8")
    said = printed("run", "grid.toml", "--known", "study", "--out", "more", "--dry-run")
    assert "4 done (4 of them in other results), 0 to run" in said


def test_without_packs_it_says_what_to_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "there is no pack in results/study" in refused("board", code=3)


@pytest.mark.slow
def test_the_board_of_the_documentation_is_that_of_the_packs(tmp_path):
    packs = sorted((ROOT / "results" / "study").glob("*.pack"))
    if not packs:
        pytest.skip("results/study holds no pack yet")
    bench("board", *packs, "--out", tmp_path)
    for name in ("index.html", "board.json"):
        kept = ROOT / "docs" / "board" / name
        assert kept.read_bytes() == (tmp_path / name).read_bytes(), (
            f"make it again: bench board ({name})"
        )
