"""CUDA cards without one: what is asked of them, and what follows. With one: test_cuda.py."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from imbench.records.store import Store
from imbench.runs import devices as cards
from imbench.runs.devices import Devices

BENCH = Path(sys.executable).with_name("bench")
PARTS = """
import torch
from imbench.training.part import Part

class Spoils(Part):
    def before_step(self, state):
        def fails():
            raise RuntimeError("CUDA error: device-side assert triggered")
        torch.cuda.is_initialized = lambda: True
        torch.cuda.synchronize = fails
        fails()
"""


@pytest.fixture
def free(monkeypatch):
    """Return a setter of the free bytes of each card, in the order they are named."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(cards.shutil, "which", lambda _name: "/usr/bin/nvidia-smi")
    return lambda *sizes: monkeypatch.setattr(cards, "_ASK", f"print({json.dumps(sizes)})")


@pytest.mark.parametrize(
    ("names", "sizes", "share"),
    [
        (("auto",), (9_000_000_000,), 4),
        (("cuda:0", "cuda:1"), (9_000_000_000, 5_000_000_000), 2),
        (("cuda",), (300_000_000,), 1),
    ],
)
def test_a_card_has_as_many_jobs_as_its_memory_takes_and_always_one(free, names, sizes, share):
    free(*sizes)
    assert cards.as_many_as_fit(Devices(names, None), "auto") == Devices(names, share)


def test_the_number_that_the_user_names_counts_for_one_card_and_memory_for_several(free):
    free(9_000_000_000)
    assert cards.as_many_as_fit(Devices(("cuda",), None), "16").share is None
    free(9_000_000_000, 9_000_000_000)
    assert cards.as_many_as_fit(Devices(("cuda:0", "cuda:1"), 1), "16").share == 4


@pytest.mark.parametrize("ask", ["print('no json')", "raise SystemExit(1)", "import no_such"])
def test_cards_that_cannot_be_asked_change_nothing(free, monkeypatch, ask):
    monkeypatch.setattr(cards, "_ASK", ask)
    devices = Devices(("cuda:0", "cuda:1"), 1)
    assert cards.as_many_as_fit(devices, "auto") == devices


@pytest.mark.parametrize(("names", "visible"), [(("cpu", "cpu:0"), None), (("auto",), "")])
def test_nothing_is_asked_where_there_is_no_card(free, monkeypatch, names, visible):
    monkeypatch.setattr(subprocess, "run", lambda *_a, **_k: pytest.fail("asked"))
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert cards.free_memory(names) == {}


def test_a_process_without_a_card_has_not_lost_it():
    assert torch.cuda.is_initialized() or (cards.card_lost(), cards.peak_card_mb()) == (False, None)
    cards.reset_card_peak()


@pytest.mark.parametrize(
    ("words", "lost"), [("CUDA error: unspecified launch failure", True), ("out of memory", False)]
)
def test_a_card_is_lost_when_it_fails_at_rest_but_not_for_lack_of_memory(monkeypatch, words, lost):
    def synchronize():
        raise RuntimeError(words)

    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "synchronize", synchronize)
    assert cards.card_lost() is lost


@pytest.mark.slow
def test_a_worker_that_lost_its_card_ends_and_the_next_cell_has_another(tmp_path):
    (tmp_path / "parts.py").write_text(PARTS)
    command = [BENCH, "run", "--datasets", "digits", "--minority", "20", "--size", "8"]
    command += ["--network", "linear", "--steps", "2", "--seeds", "0,1", "--jobs", "1"]
    command += ["--methods", "parts.py:Spoils,vanilla", "--device", "cpu"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert "2 of 4 cells ok" in done.stdout
    records = Store(tmp_path / "results").records()
    ended = {(one.cell.recipe, one.cell.seed): one for one in records}
    assert [ended["vanilla", seed].status for seed in (0, 1)] == ["ok", "ok"]
    for seed in (0, 1):
        record = ended["parts.py:Spoils", seed]
        assert (record.status, "device-side assert" in record.reason) == ("failed", True)
        log = (tmp_path / "results" / record.log).read_text()
        assert "the CUDA card fails every call from here on: this worker ends" in log
