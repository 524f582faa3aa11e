"""`bench report A B`: several results folders as one study."""

from __future__ import annotations

import pytest
from clicked import printed, refused

from imbench.errors import NotComparable
from imbench.records.joined import read_joined
from imbench.records.record import Scores
from imbench.records.store import Store


@pytest.fixture
def folders(make_record, tmp_path):
    """Return two folders: seeds 0-2 of vanilla and us in one, of us and cs in the other."""
    for name, recipes in (("a", ("vanilla", "us")), ("b", ("us", "cs"))):
        for recipe in recipes:
            for seed in range(3):
                Store(tmp_path / name).put(make_record(recipe, seed=seed, score=0.5 + seed / 10))
    return tmp_path / "a", tmp_path / "b"


def test_methods_of_two_folders_share_a_table_and_a_cell_of_both_counts_once(folders):
    text = printed("report", *folders, "--metric", "f1")
    rows = [line.split()[0] for line in text.splitlines() if line.startswith(("Van", "US", "CS"))]
    assert rows == ["Vanilla", "CS", "US"]
    assert "3 cells lie in more than one of" in " ".join(text.split())
    assert "the first finished one is shown" in " ".join(text.split())
    assert "other outputs" not in text


def test_of_a_cell_that_failed_in_one_folder_the_other_record_is_taken(folders, make_record):
    first = folders[0]
    Store(first).put(make_record("us", seed=0, status="failed", reason="no", metrics={}))
    for order in (folders, folders[::-1]):
        found = {record.key: record for record in read_joined(order).records}
        assert all(record.done for record in found.values())
    assert len(found) == 9


def test_cells_with_other_outputs_are_counted(folders, make_record):
    import numpy as np

    for folder, value in zip(folders, (0.2, 0.3), strict=True):
        proba = np.full((4, 2), [1 - value, value])
        scores = Scores.of(np.array([0, 0, 1, 1]), proba, proba)
        metrics = {"f1": value, "brier": value}
        Store(folder).put(make_record("us", seed=1, scores=scores, metrics=metrics))
    (note,) = read_joined(folders).notes
    assert note.endswith("the first finished one is shown; 1 of them have other outputs there")


def test_one_folder_is_read_as_before_and_a_missing_one_is_refused(folders, tmp_path):
    assert len(read_joined(folders[:1]).records) == 6
    assert read_joined(folders[:1]).notes == ()
    with pytest.raises(NotComparable, match="no results folder"):
        read_joined((folders[0], tmp_path / "nowhere"))
    (tmp_path / "c").mkdir()
    (tmp_path / "d").mkdir()
    with pytest.raises(NotComparable, match="hold no records"):
        read_joined((tmp_path / "c", tmp_path / "d"))


def test_a_page_of_two_folders_needs_a_name(folders, tmp_path):
    assert "write --html FILE" in refused("report", *folders, "--html")
    printed("report", *folders, "--html", tmp_path / "page.html", "--images", "0")
    page = (tmp_path / "page.html").read_text("utf-8")
    assert all(name in page for name in ("Vanilla", "CS"))


def test_the_board_is_over_the_data_sets_of_all_folders(make_record, tmp_path):
    for name in ("digits", "savanna"):
        cell = {"dataset": name, "fingerprint": f"{name:0<16}"}
        for recipe, level in (("vanilla", 0.3), ("cs", 0.6)):
            for seed in range(2):
                record = make_record(recipe, seed=seed, score=level + seed / 50, cell=cell)
                Store(tmp_path / name).put(record)
    text = printed("report", tmp_path / "digits", tmp_path / "savanna", "--board")
    assert "standings over 2 data sets by F1" in text
