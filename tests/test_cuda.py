"""The same on a CUDA card: real cells, shared memory, errors that spoil a process. Skipped without.

``pytest tests/test_cuda.py`` on a machine with a card takes about two minutes.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from waiting import until

from imbench.records.store import Store
from imbench.runs import devices as cards
from imbench.runs.devices import Devices
from imbench.training.method import Method

pytestmark = [
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
    pytest.mark.timeout(300),
]
BENCH = Path(sys.executable).with_name("bench")
METHODS = "vanilla,ts,cs,us,os,smote,cbl:beta=0.999,aug,alt"
GRID = ["--datasets", "digits", "--minority", "20", "--size", "16", "--network", "cnn"]
GRID += ["--steps", "60", "--seeds", "0,1"]
SHORT = ["--datasets", "digits", "--minority", "20", "--size", "8", "--network", "linear"]
SHORT += ["--steps", "3", "--seeds", "0-2"]
PARTS = """
import time
from pathlib import Path
import torch
from imbench.training.part import Part

class Most(Part):
    'Takes 60 % of the card and keeps it for a while: two do not fit.'
    def before_step(self, state):
        if state.step == 0:
            free, total = torch.cuda.mem_get_info()
            self.held = torch.empty(int(total * .6), dtype=torch.uint8, device=state.device)
            self.held[::4096] = 1
            time.sleep(2)

    def finish(self, state):
        del self.held

class Beyond(Part):
    'Asks for more than a card has.'
    def before_step(self, state):
        torch.empty(10**13, dtype=torch.uint8, device=state.device)

class Asserts(Part):
    'Reads beyond a tensor on the card: every later call of the process fails.'
    def before_step(self, state):
        x = torch.zeros(3, device=state.device)
        x[torch.tensor([7], device=state.device)].sum().item()

class DiesOnce(Part):
    def before_step(self, state):
        there = Path('died')
        if not there.exists():
            there.touch()
            import os, signal
            os.kill(os.getpid(), signal.SIGKILL)
"""


def bench(folder, *words, code=0):
    """Run the command in a folder; return what it printed."""
    (folder / "parts.py").write_text(PARTS)
    done = subprocess.run(
        [BENCH, "run", *words], cwd=folder, capture_output=True, text=True, check=False
    )
    assert "Traceback" not in done.stderr, done.stderr
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def statuses(folder):
    """Return how each cell ended, and the records."""
    records = Store(folder / "results").records()
    return {(one.cell.recipe, one.cell.seed): one.status for one in records}, records


@pytest.fixture(scope="module")
def grids(tmp_path_factory):
    """Run a grid twice on the card, several cells at a time and one at a time, and once on CPU."""
    folders = {}
    for name, device, jobs in (("three", "cuda", "3"), ("one", "cuda:0", "1"), ("cpu", "cpu", "8")):
        folders[name] = tmp_path_factory.mktemp(name)
        bench(folders[name], *GRID, "--methods", METHODS, "--device", device, "--jobs", jobs)
    return folders


def test_every_method_trains_on_a_card_and_the_record_says_which_and_what_it_took(grids):
    ended, records = statuses(grids["three"])
    assert set(ended.values()) == {"ok"}
    assert len(ended) == 18
    for record in records:
        assert record.environment["device"].startswith("cuda:0 (")
        if not record.shared_with:
            assert 1 < record.cost["peak_gpu_mb"] < 20_000
    again = bench(grids["three"], *GRID, "--methods", METHODS, "--device", "cuda")
    assert "18 done, 0 to run" in again


def test_scores_do_not_depend_on_how_many_cells_share_the_card(grids):
    pairs = [
        {(one.cell.recipe, one.cell.seed): one for one in statuses(grids[name])[1]}
        for name in ("three", "one")
    ]
    for key, record in pairs[0].items():
        other = pairs[1][key]
        assert record.metrics == other.metrics, key
        assert (record.scores.arrays()[1] == other.scores.arrays()[1]).all(), key


def test_a_card_and_a_processor_agree_as_two_seeds_do(grids):
    def mean(name, recipe):
        records = [one for one in statuses(grids[name])[1] if one.cell.recipe == recipe]
        return np.mean([one.metrics["auroc"] for one in records])

    for recipe in ("vanilla", "os", "cs"):
        assert mean("one", recipe) == pytest.approx(mean("cpu", recipe), abs=0.1), recipe


def test_a_card_whose_memory_is_taken_by_another_cell_is_tried_again_alone(tmp_path):
    words = [*SHORT, "--methods", "parts.py:Most", "--device", "cuda", "--jobs", "3"]
    bench(tmp_path, *words)
    ended, records = statuses(tmp_path)
    assert list(ended.values()) == ["ok"] * 3
    total = torch.cuda.get_device_properties(0).total_memory / 1e6
    assert all(0.55 * total < one.cost["peak_gpu_mb"] < 0.7 * total for one in records)


def test_row_08_a_card_without_memory_is_recorded_and_the_rest_goes_on(tmp_path):
    words = [*SHORT, "--methods", "parts.py:Beyond,vanilla", "--device", "cuda", "--jobs", "1"]
    bench(tmp_path, *words, code=1)
    ended, records = statuses(tmp_path)
    assert [ended["vanilla", seed] for seed in range(3)] == ["ok"] * 3
    assert [ended["parts.py:Beyond", seed] for seed in range(3)] == ["memory"] * 3
    assert any("out of memory" in one.reason for one in records)


def test_an_error_that_spoils_the_process_costs_its_own_cell_alone(tmp_path):
    words = [*SHORT, "--methods", "parts.py:Asserts,vanilla", "--device", "cuda", "--jobs", "2"]
    bench(tmp_path, *words, code=1)
    ended, records = statuses(tmp_path)
    assert [ended["vanilla", seed] for seed in range(3)] == ["ok"] * 3
    assert [ended["parts.py:Asserts", seed] for seed in range(3)] == ["failed"] * 3
    assert {"CUDA" in one.reason for one in records if one.status == "failed"} == {True}


def test_row_03_a_worker_that_is_killed_on_the_card_is_replaced(tmp_path):
    words = [*SHORT, "--methods", "parts.py:DiesOnce,vanilla", "--device", "cuda", "--jobs", "2"]
    bench(tmp_path, *words)
    assert set(statuses(tmp_path)[0].values()) == {"ok"}


def test_a_list_of_devices_shares_the_cells(tmp_path):
    # Two names of one card: the list is what is tried, with as many cards as are at hand.
    several = [f"cuda:{index}" for index in range(torch.cuda.device_count())]
    names = several if len(several) > 1 else ["cuda", "cuda:0"]
    words = [*GRID, "--methods", "vanilla,os", "--device", ",".join(names)]
    told = bench(tmp_path, *words, "--per-device", "1", "--jobs", "9")
    assert f"on {len(names)} workers" in told
    ended, records = statuses(tmp_path)
    assert set(ended.values()) == {"ok"}
    assert {one.environment["device"].split()[0] for one in records} >= set(several)


def test_the_memory_of_a_card_says_how_many_share_it():
    free = cards.free_memory(["auto", "cuda:0", "cpu"])
    total = torch.cuda.get_device_properties(0).total_memory
    assert set(free) == {"auto", "cuda:0"}
    assert 0 < free["cuda:0"] <= total
    devices = cards.as_many_as_fit(Devices(("auto",), None), "auto")
    assert 1 <= devices.share <= total // cards.PER_WORKER


def test_training_on_the_processor_touches_no_card():
    code = (
        "import numpy as np, torch; from imbench.training.method import Method;"
        "x = np.random.default_rng(0).integers(0, 256, (40, 8, 8, 3), np.uint8);"
        "Method(network='cnn', steps=3, device='cpu').fit(x, np.arange(40) % 2).predict(x);"
        "assert not torch.cuda.is_initialized()"
    )
    subprocess.run([sys.executable, "-P", "-c", code], check=True)


def test_the_callers_random_numbers_on_the_card_stay_as_they_were():
    x = np.random.default_rng(0).integers(0, 256, (40, 8, 8, 3), np.uint8)
    torch.cuda.manual_seed(5)
    expected = torch.rand(4, device="cuda")
    torch.cuda.manual_seed(5)
    Method(network="cnn", steps=3, device="cuda").fit(x, np.arange(40) % 2)
    assert (torch.rand(4, device="cuda") == expected).all()


def test_doctor_names_the_card():
    done = subprocess.run([BENCH, "doctor"], capture_output=True, text=True, check=False)
    assert torch.cuda.get_device_name(0) in done.stdout


def test_a_killed_run_leaves_no_process_on_the_card(tmp_path):
    (tmp_path / "parts.py").write_text(PARTS)
    words = [*GRID, "--steps", "5000", "--methods", "vanilla", "--device", "cuda", "--jobs", "2"]
    run = subprocess.Popen([BENCH, "run", *words, "--json-log", "log"], cwd=tmp_path)
    claims = tmp_path / "results" / ".imbench" / "claims"
    until(lambda: len(list(claims.glob("*.json"))) == 2)
    pids = [json.loads(one.read_text())["pid"] for one in claims.glob("*.json")]
    run.kill()
    run.wait()
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids))
