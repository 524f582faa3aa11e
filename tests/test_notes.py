"""What was done to the data without being asked is said, from the listing to the record."""

from dataclasses import replace

import pytest
from clicked import printed

from imbench.datasets.folder import Folder
from imbench.images.cache import prepare
from imbench.images.notes import DataNote, notes_of
from imbench.records.cell import Grid, Settings
from imbench.records.store import Store
from imbench.runs.plan import make_plan
from imbench.runs.plantext import plan_lines
from imbench.runs.sources import find_sources

NOTE = DataNote("left out", "12 HEIC files, a format that is not read", 12, "convert them to PNG")


@pytest.fixture
def noted(data_folder, monkeypatch):
    """Return a folder of images whose reader leaves a note."""
    folder = data_folder({"train/cat": 6, "train/dog": 4, "test/cat": 3, "test/dog": 3})
    read = Folder.everything
    monkeypatch.setattr(Folder, "everything", lambda self: replace(read(self), notes=(NOTE,)))
    return folder


def test_a_note_survives_as_data():
    assert notes_of([NOTE.plain()]) == (NOTE,)


@pytest.mark.parametrize("command", ["stats", "verify"])
def test_data_commands_print_the_notes(noted, command):
    said = printed("data", command, f"folder:{noted}", "--data", ".")
    assert NOTE.line in said.splitlines()


def test_the_plan_prints_the_notes_and_gives_them_to_its_jobs(noted, tmp_path):
    spec = f"folder:{noted}"
    settings = Settings(network="cnn", size=8, steps=2)
    grid = Grid(
        datasets=(spec,),
        minority={spec: (3,)},
        majority={spec: None},
        methods=("vanilla",),
        seeds=(0,),
        settings=settings,
    )
    sources = find_sources(grid, root=tmp_path)
    plan = make_plan(grid, Store(tmp_path / "results"), sources)
    assert any(line.endswith(NOTE.line) for line in plan_lines(plan, 1))
    assert NOTE.line in plan.jobs[0].data_notes


def test_policies_change_the_fingerprint_and_none_keeps_it(data_folder, tmp_path, monkeypatch):
    folder = data_folder({"train/cat": 6, "train/dog": 4, "test/cat": 3, "test/dog": 3})
    read = Folder.everything

    def fingerprint(policies):
        monkeypatch.setattr(
            Folder, "everything", lambda self: replace(read(self), policies=policies)
        )
        return prepare(f"folder:{folder}", root=tmp_path, size=8).fingerprint

    before = fingerprint({})
    assert fingerprint({"geometry": "pad"}) != before
    assert fingerprint({}) == before
