"""One job in a worker: what its records say, and what becomes of parts that go wrong."""

from __future__ import annotations

import json
import logging
import math
import os
import platform
import re
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from finished import done_keys
from places import before_others

from imbench.records import environment
from imbench.records.store import Store
from imbench.runs.job import RunContext
from imbench.runs.joblog import REASON, logged_to
from imbench.runs.plan import make_plan
from imbench.runs.settling import GridOptions, settle_grid
from imbench.runs.sources import find_sources
from imbench.runs.training_leases import held_leases, leased
from imbench.runs.worker import run_job
from imbench.stats.metrics import score_all

PARTS = '''
"""Parts that go wrong, each in its own way."""
import logging, mmap, os, resource, signal, sys, time, warnings, weakref
from pathlib import Path
import numpy as np
from imbench import Part

HERE = Path(__file__).parent
held = []


class Counted(Part):
    def resample(self, x, y, rng):
        with (HERE / "trained").open("a") as file:
            file.write("once\\n")
        return x, y


class Overtaken(Part):
    def finish(self, state):
        from imbench.records.record import Record
        from imbench.records.store import Store

        if (HERE / "meanwhile").exists():
            record = Record.model_validate_json((HERE / "meanwhile").read_text())
            Store(HERE / "results").put(record)


class Raises(Part):
    def __init__(self, text="broken", times=1):
        self.text, self.times = text, times

    def resample(self, x, y, rng):
        picture = np.zeros(1000)
        held.append(weakref.ref(picture))
        raise ValueError("\\n".join([self.text] * self.times))


class Silent(Part):
    def resample(self, x, y, rng):
        raise KeyError


class Quits(Part):
    def resample(self, x, y, rng):
        sys.exit(0)


class Mute(BaseException):
    def __str__(self):
        sys.exit("cannot be printed")

    __repr__ = __str__


class Throws(Part):
    """Raises what nobody expects a part to raise."""

    def __init__(self, what="mute"):
        self.what = what

    def resample(self, x, y, rng):
        if self.what == "ctrl-c":
            os.kill(os.getpid(), signal.SIGINT)  # as the user's: no error of this part
        raise {
            "mute": Mute(),
            "interrupt": KeyboardInterrupt("by itself"),
            "generator": GeneratorExit("closed"),
            "stop": StopIteration(5),
            "text": RuntimeError("\\x1b[31m \\ud800 \\u202e"),
        }[self.what]


class Notes(Part):
    def resample(self, x, y, rng):
        self.notes_ += [5, "k\\ud800\\x1b[31m"]
        return x, y


class AdjustExits(Part):
    def adjust(self, logits, priors):
        sys.exit(0)


class Sleeps(Part):
    def before_step(self, state):
        signal.setitimer(signal.ITIMER_REAL, 0.05)  # time is up as soon as this has begun
        while True:
            try:
                time.sleep(60)
            except Exception:
                pass


class NanLoss(Part):
    def __init__(self, value="nan"):
        self.value = value

    def weigh(self, state, x, y, rows):
        import torch

        return torch.full((len(x),), float(self.value) if state.step == 2 else 1.0)


class NanScore(Part):
    def finish(self, state):
        for parameter in state.net.parameters():
            parameter.detach().fill_(float("nan"))


class NanProba(Part):
    def __init__(self, value="nan"):
        self.value = value

    def adjust(self, logits, priors):
        return logits + np.array([0, float(self.value)])


class Shift(Part):
    """By 1000 the minority is never predicted."""

    def __init__(self, by=1000.0):
        self.by = by

    def adjust(self, logits, priors):
        return logits + np.array([self.by, 0.0])


class Unadjusted(Part):
    def adjust(self, logits, priors):
        raise RuntimeError("cannot adjust")


class Numpy(Part):
    def resample(self, x, y, rng):
        return np.empty(1 << 50, np.uint8), y


class Torch(Part):
    def resample(self, x, y, rng):
        import torch

        torch.empty(1 << 50)


class Mapped(Part):
    def resample(self, x, y, rng):
        mmap.mmap(-1, 1 << 50)


class Limited(Part):
    """Has as much memory as it holds, and 64 MB."""

    def resample(self, x, y, rng):
        size = int((Path("/proc/self/statm").read_text()).split()[0]) * resource.getpagesize()
        soft, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (size + (64 << 20), hard))
        try:
            bytearray(512 << 20)
        finally:
            resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


class Talks(Part):
    def resample(self, x, y, rng):
        logging.getLogger("imbench.talks").info("lowered k")
        logging.getLogger("elsewhere").warning("odd \\udc80 name")
        warnings.warn("old way", DeprecationWarning)
        return x, y
'''


@pytest.fixture
def parts(tmp_path, monkeypatch):
    """Return the folder of ``parts.py``, in which the test runs."""
    (tmp_path / "parts.py").write_text(PARTS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def plan_of(methods, results="results", *, network="linear", steps=4, timeout=None, **options):
    """Return the plan of digits at 8 px with 20 of the minority, seed 0."""
    settings = {"size": 8, "network": network, "steps": steps, "augment": "flip+crop"}
    grid = settle_grid(
        None,
        GridOptions(
            datasets=["digits"],
            minority=["20"],
            methods=[methods],
            seeds=["0"],
            settings={key: str(value) for key, value in settings.items()},
        ),
    )
    sources = find_sources(grid, root=Path("nowhere"))
    context = RunContext(Path(results), run="r", device="cpu", commit="abc", timeout=timeout)
    return make_plan(grid, Store(Path(results)), sources, context=context, **options)


def in_context(job, **changes):
    return replace(job, context=replace(job.context, **changes))


def do(methods, results="results", **options):
    """Run all jobs of a grid in this process; return the records by recipe."""
    timeout = options.pop("timeout", None)
    reports = [run_job(job) for job in plan_of(methods, results, timeout=timeout, **options).jobs]
    assert not [report for report in reports if report.busy or report.stop]
    assert held_leases(Path(results)) == []
    records = {record.cell.recipe: record for record in Store(Path(results)).records()}
    for report in reports:
        for outcome in report.outcomes:
            record = records[outcome.cell.recipe]
            assert record.intact
            assert (outcome.status, outcome.reason, outcome.log) == (
                record.status,
                record.reason,
                record.log,
            )
    return records


def one(method, **options):
    """Return the record of one recipe of ``parts.py``, and the text of its log."""
    records = do(f"parts.py:{method}", **options)
    record = records[next(recipe for recipe in records if "parts.py" in recipe)]
    log = Path("results", record.log).read_text("utf-8") if record.log else ""
    return record, log


def trained(folder):
    return len((folder / "trained").read_text().splitlines())


def test_a_record_says_all_that_the_cell_came_to(parts):
    before = datetime.now(UTC)
    (record,) = do("vanilla").values()
    assert record.status == "ok"
    assert record.reason == record.log == record.shared_with == ""
    assert record.key == record.cell.key
    labels, logits, proba = record.scores.arrays()
    assert record.test_counts == np.bincount(labels).tolist()
    assert logits.shape == proba.shape == (len(labels), 2)
    powers = np.exp(logits.astype(np.float64))
    assert proba == pytest.approx(powers / powers.sum(axis=1, keepdims=True), abs=1e-6)
    assert record.metrics == score_all(labels, proba.astype(np.float64))
    assert record.train_counts[1] == 20
    assert record.sampled_counts == [float(count) for count in record.train_counts]
    cost = record.cost
    assert {"prepare", "fit", "predict", "peak_mb", "steps", "images"} <= cost.keys()
    assert (cost["steps"], cost["images"]) == (4, 4 * 64)
    assert cost["fit"] > 0
    assert cost["peak_mb"] > 10
    assert record.commit == "abc"
    assert (record.environment["device"], record.environment["threads"]) == ("cpu", "1")
    assert before.replace(microsecond=0) <= datetime.fromisoformat(record.started)
    assert not list(parts.glob("results/**/*.log"))


@pytest.mark.parametrize("network", ["linear", "cnn"])
def test_the_same_cells_give_the_same_scores_to_the_last_bit(parts, network):
    methods = "vanilla,us+cs,smote,cbl:beta=0.99"
    first = do(methods, "first", network=network)
    second = do(",".join(reversed(methods.split(","))), "second", network=network)
    assert first.keys() == second.keys() == set(methods.split(","))
    for recipe, record in first.items():
        again = second[recipe]
        assert (record.status, record.scores, record.metrics) == (
            "ok",
            again.scores,
            again.metrics,
        )
        assert record.cost["train_loss"] == again.cost["train_loss"]
    for a, b in pairwise(first.values()):
        assert a.scores.logits != b.scores.logits


def test_cells_of_one_training_share_it(parts):
    both = do("parts.py:Counted,parts.py:Counted+ts", "both")
    assert trained(parts) == 1
    plain, scaled = both["parts.py:Counted"], both["parts.py:Counted+ts"]
    assert scaled.shared_with == plain.key
    assert plain.shared_with == ""
    assert plain.cost["fit"] > 0
    assert [scaled.cost[phase] for phase in ("prepare", "fit", "predict")] == [0, 0, 0]
    assert scaled.scores.logits == plain.scores.logits
    assert scaled.scores.proba != plain.scores.proba
    (alone,) = do("parts.py:Counted+ts", "alone").values()
    assert trained(parts) == 2
    assert (alone.shared_with, alone.scores, alone.metrics) == ("", scaled.scores, scaled.metrics)


def test_a_later_cell_takes_the_kept_outputs(parts):
    first = do("parts.py:Counted")["parts.py:Counted"]
    (job,) = plan_of("parts.py:Counted+ts").jobs
    assert job.outputs is not None
    scaled = do("parts.py:Counted+ts")["parts.py:Counted+ts"]
    assert trained(parts) == 1
    assert scaled.shared_with == first.key
    assert (scaled.cost["fit"], scaled.notes) == (0, first.notes)
    assert scaled.train_counts == first.train_counts
    assert scaled.environment["device"] == "cpu"
    fresh = do("parts.py:Counted+ts", "fresh")["parts.py:Counted+ts"]
    assert fresh.scores == scaled.scores


def test_a_second_correction_is_noted_where_the_recipe_has_it(parts):
    """The outputs are shared, the note is the recipe's own: either cell may be the first."""
    said = "cs and ts each correct for the same imbalance, so it is corrected twice: mean it, or "
    said += "leave one out"
    assert do("cs+ts")["cs+ts"].notes == [said]
    (job,) = plan_of("cs,cs+ts").jobs
    assert job.outputs is not None
    assert do("cs,cs+ts")["cs"].notes == []
    both = do("cs,cs+ts", "both")
    assert [both[recipe].notes for recipe in ("cs", "cs+ts")] == [[], [said]]


def test_scores_of_kept_outputs_have_the_environment_of_their_training(parts):
    first = do("parts.py:Counted")["parts.py:Counted"]
    there = {**first.environment, "torch": "1.0", "device": "cuda:3 (A card)", "threads": "7"}
    store = Store(Path("results"))
    store.put(first.model_copy(update={"environment": there, "commit": "old"}))
    (job,) = plan_of("parts.py:Counted+ts").jobs
    (outcome,) = run_job(in_context(job, device="cuda:99", commit="new")).outcomes
    record = store.get(outcome.cell)
    assert (record.status, record.shared_with, trained(parts)) == ("ok", first.key, 1)
    assert record.environment == there
    assert record.commit == "new", "of the code that scored; that of the training is one step away"
    assert store.get(first.cell).commit == "old"


def test_a_failure_on_a_device_that_cannot_be_asked_is_recorded(parts):
    do("parts.py:Counted")
    (job,) = plan_of("parts.py:Counted+parts.py:Unadjusted").jobs
    assert job.outputs is not None
    (outcome,) = run_job(in_context(job, device="cuda:99")).outcomes
    assert (outcome.status, outcome.reason) == ("failed", "RuntimeError: cannot adjust")
    assert Store(Path("results")).get(outcome.cell).environment["device"] == "cuda:99"


@pytest.mark.parametrize("fault", ["edited", "gone", "cut off"])
def test_kept_outputs_that_went_bad_since_the_plan_are_not_taken(parts, fault, caplog):
    do("parts.py:Counted")
    (job,) = plan_of("parts.py:Counted+ts").jobs
    text = job.outputs.read_text()
    if fault == "gone":
        job.outputs.unlink()
    else:
        job.outputs.write_text(text[:500] if fault == "cut off" else text.replace('"ok"', ' "ok"'))
        if fault == "edited":
            plain = json.loads(text)
            plain["scores"]["logits"] = plain["scores"]["proba"]
            job.outputs.write_text(json.dumps(plain))
    report = run_job(job)
    assert [outcome.status for outcome in report.outcomes] == ["ok"]
    assert trained(parts) == 2
    record = Store(Path("results")).get(job.cells[0])
    fresh = do("parts.py:Counted+ts", "fresh")["parts.py:Counted+ts"]
    assert (record.shared_with, record.scores) == ("", fresh.scores)


@pytest.mark.parametrize("bad", ["Unadjusted", "AdjustExits", "NanProba"])
def test_one_cell_that_cannot_be_scored_stops_no_other_of_its_training(parts, bad):
    records = do(f"parts.py:{bad},vanilla,ts")
    assert {recipe: record.status for recipe, record in records.items()} == {
        f"parts.py:{bad}": "diverged" if bad == "NanProba" else "failed",
        "vanilla": "ok",
        "ts": "ok",
    }
    assert records["ts"].shared_with == records["vanilla"].key
    assert records["vanilla"].shared_with == ""
    good = do("vanilla,ts", "good")
    assert [records[recipe].scores for recipe in good] == [one.scores for one in good.values()]


def test_the_cost_of_a_training_stands_in_the_first_cell_with_a_score(parts):
    (job,) = plan_of("parts.py:Unadjusted,parts.py:Shift,ts").jobs
    assert job.cells[0].recipe == "parts.py:Unadjusted"
    report = run_job(job)
    bad, shifted, scaled = [Store(Path("results")).get(cell) for cell in job.cells]
    assert (bad.status, bad.scores, bad.metrics, bad.cost) == ("failed", None, {}, {})
    assert shifted.cost["fit"] > 0
    assert (scaled.cost["fit"], scaled.shared_with) == (0, shifted.key)
    assert [outcome.seconds > 0 for outcome in report.outcomes] == [True, True, False]


def test_row_13_what_another_run_is_at_is_left_to_it(parts):
    (job,) = plan_of("parts.py:Counted").jobs
    job = in_context(job, run="mine")
    with leased(job.context.results, job.key, run="theirs", cells=[]) as held:
        assert held
        report = run_job(job)
        assert (report.busy, report.outcomes, report.stop) == (True, (), "")
    assert Store(job.context.results).records() == []
    assert not (parts / "trained").exists()


def test_row_13_what_another_run_finished_meanwhile_is_not_done_again(parts):
    (job,) = plan_of("parts.py:Counted,parts.py:Counted+ts").jobs
    do("parts.py:Counted")
    report = run_job(job)
    assert [(one.cell.recipe, one.status, one.elsewhere) for one in report.outcomes] == [
        ("parts.py:Counted", "ok", True),
        ("parts.py:Counted+ts", "ok", False),
    ]
    report = run_job(job)
    assert [(one.elsewhere, one.seconds) for one in report.outcomes] == [(True, 0), (True, 0)]
    assert trained(parts) == 2


@pytest.mark.parametrize("status", ["ok", "failed"])
def test_what_another_machine_wrote_while_this_one_slept_is_not_written_over(parts, status):
    (record,) = do("parts.py:Overtaken").values()
    theirs = record.model_copy(update={"status": status, "notes": ["theirs"]}).sealed()
    (parts / "meanwhile").write_text(json.dumps(theirs.plain()))
    (job,) = plan_of("parts.py:Overtaken", force=True).jobs
    (outcome,) = run_job(job).outcomes
    (kept,) = Store(job.context.results).records()
    # Theirs, unless it has no score and ours has.
    assert (kept.notes == ["theirs"]) == (status == "ok") == outcome.elsewhere
    assert (kept.status, outcome.status) == ("ok", "ok")


def test_a_record_that_is_to_be_replaced_is_and_by_the_same_scores(parts):
    (first,) = do("parts.py:Counted").values()
    (second,) = do("parts.py:Counted", force=True).values()
    assert trained(parts) == 2
    assert second.checksum != first.checksum
    assert second.scores == first.scores
    do("parts.py:Counted")
    assert trained(parts) == 2


def test_row_05_a_cell_that_raises_has_failed_with_type_message_and_log(parts):
    record, log = one("Raises:text=went wrong,times=2")
    assert (record.status, record.reason) == ("failed", "ValueError: went wrong went wrong")
    assert not record.done
    assert (record.scores, record.metrics, record.train_counts) == (None, {}, [])
    assert record.commit == "abc"
    said = "failed: ValueError: went wrong went wrong"
    assert log.startswith(f"{said}\n\nERROR imbench: {said}\n  Traceback")
    assert 'parts.py", line' in log
    assert log.endswith("ValueError: went wrong\n  went wrong\n")
    assert done_keys(Path("results")) == set()
    assert plan_of("parts.py:Raises:text=went wrong,times=2").failed[0].log == record.log


@pytest.mark.parametrize(
    ("part", "reason"),
    [
        ("Silent", "KeyError: no message"),
        ("Quits", "SystemExit: 0"),
        ("Raises:times=500", ("ValueError: " + "broken " * 500)[:500]),
        ("Unadjusted", "RuntimeError: cannot adjust"),
        ("Throws:mute", "Mute: its message cannot be printed (SystemExit)"),
        ("Throws:interrupt", "KeyboardInterrupt: by itself"),
        ("Throws:generator", "GeneratorExit: closed"),
        ("Throws:stop", "StopIteration: 5"),
        ("Throws:text", r"RuntimeError: \x1b[31m \ud800 \u202e"),
    ],
)
def test_row_05_whatever_is_raised_is_that_cells_failure(parts, part, reason):
    record, log = one(part)
    assert (record.status, record.reason) == ("failed", reason)
    assert "Traceback" in log


def test_row_04_ctrl_c_of_the_user_is_no_failure_of_the_part_it_hits(parts):
    (job,) = plan_of("parts.py:Throws:ctrl-c").jobs
    # A shell's job in the background, such as these tests, is begun with SIGINT ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            run_job(job)
    finally:
        signal.signal(signal.SIGINT, before)
    assert Store(Path("results")).records() == []
    assert held_leases(Path("results")) == []


def test_row_05_notes_of_any_kind_are_kept_as_texts_that_are_seen(parts):
    record, _ = one("Notes")
    assert (record.status, record.notes) == ("ok", ["5", r"k\ud800\x1b[31m"])


def test_row_06_a_cell_that_takes_too_long_is_ended_though_it_catches_exceptions(parts):
    before = signal.getsignal(signal.SIGALRM)
    record, log = one("Sleeps", timeout=250.0)
    assert (record.status, record.reason) == ("timeout", "not finished after 250 s")
    assert "before_step" in log
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
    assert signal.getsignal(signal.SIGALRM) == before
    assert do("vanilla", timeout=600.0)["vanilla"].status == "ok"


@pytest.mark.parametrize(
    ("part", "reason"),
    [
        ("NanLoss", "loss is not finite at step 2"),
        ("NanLoss:value=inf", "loss is not finite at step 2"),
        ("NanScore", "score of a test image is not finite at step 4"),
        ("NanProba", "probability of a test image is not finite at step 4"),
        ("NanProba:value=inf", "probability of a test image is not finite at step 4"),
    ],
)
@pytest.mark.filterwarnings("default")  # numpy's: into the log
def test_row_07_what_is_not_finite_has_diverged_at_a_step(parts, part, reason):
    record, log = one(part)
    assert (record.status, record.reason) == ("diverged", reason)
    assert (record.scores, record.metrics) == (None, {})
    assert reason in log


@pytest.mark.parametrize("part", ["Numpy", "Torch", "Mapped", "Limited"])
def test_row_08_out_of_memory_is_recorded_as_such_and_the_next_cell_runs(parts, part):
    record, log = one(part)
    assert record.status == "memory", record.reason
    assert len(record.reason) > 5
    assert "Traceback" in log
    assert do("vanilla")["vanilla"].status == "ok"


def test_row_08_a_failed_cell_holds_nothing_when_the_next_begins(parts, monkeypatch):
    from imbench.registry import load_plugin

    monkeypatch.setattr(logging.getLogger(), "handlers", [])  # pytest's keep what they are told
    one("Raises")
    held = load_plugin("methods", "parts.py:Raises").resample.__globals__["held"]
    assert len(held) == 1
    assert held[0]() is None


def test_row_20_a_minority_that_is_never_predicted_has_scores_and_no_warnings(parts, capfd):
    record, log = one("Shift")
    assert (record.status, log) == ("ok", "")
    assert (record.metrics["f1"], record.metrics["acsa"]) == (0.0, 0.5)
    assert all(math.isfinite(value) for value in record.metrics.values())
    assert capfd.readouterr() == ("", "")


@pytest.mark.filterwarnings("default")
def test_what_a_part_says_and_warns_of_is_in_the_log(parts, capfd):
    before = logging.getLogger().handlers[:]
    record, log = one("Talks")
    assert record.status == "ok"
    assert log.startswith("INFO imbench.talks: lowered k\nWARNING elsewhere: odd \\udc80 name\n")
    assert "DeprecationWarning: old way" in log
    assert capfd.readouterr().err == ""
    assert logging.getLogger().handlers == before
    # One that drops everything is set by Python itself, with the first warning of a process.
    of_warnings = logging.getLogger("py.warnings").handlers
    assert all(isinstance(handler, logging.NullHandler) for handler in of_warnings)


class Boom(Exception):
    pass


def test_why_there_is_no_score_stands_above_what_was_said_before(tmp_path):
    path = tmp_path / "cell.log"
    log = logging.getLogger("imbench.some")
    with logged_to(path):
        log.info("at first")
        for number in (1, 2):
            log.error("failed: %d\nof two", number, exc_info=Boom("deep"), extra={REASON: True})
        log.error("no reason")
    head, rest = path.read_text().split("\n\n", 1)
    assert head == "failed: 1 of two\nfailed: 2 of two"
    assert rest.startswith("INFO imbench.some: at first\nERROR imbench.some: failed: 1\n  of two\n")
    assert rest.count("Boom: deep") == 2
    assert rest.endswith("ERROR imbench.some: no reason\n")
    assert [file.name for file in tmp_path.iterdir()] == ["cell.log"]
    with logged_to(path):
        log.info("anew")
    assert path.read_text() == "INFO imbench.some: anew\n"


def test_a_log_without_space_ends_nothing(tmp_path, capfd):
    full = Path("/dev/full")
    if not full.is_char_device():
        pytest.skip("there is no device that is always full")
    (tmp_path / "cell.log").symlink_to(full)
    with logged_to(tmp_path / "cell.log"):
        logging.getLogger("imbench").error("no space for this")
    assert capfd.readouterr().err == ""
    assert not (tmp_path / "cell.log").is_symlink()


def test_a_log_that_cannot_be_made_stops_the_run(parts):
    (job,) = plan_of("vanilla").jobs
    log = Store(job.context.results).log_path(job.cells[0])
    log.mkdir(parents=True)
    report = run_job(job)
    assert report.stop == f"{log.absolute()} cannot be written: Is a directory"
    assert report.outcomes == ()


@pytest.mark.parametrize("device", ["cuda:99", "warp"])
def test_a_device_that_is_not_there_stops_the_run_and_is_no_cells_failure(parts, device):
    (job,) = plan_of("vanilla").jobs
    report = run_job(in_context(job, device=device))
    assert report.stop.startswith(f"device '{device}' cannot be used: ")
    assert (report.outcomes, report.busy) == ((), False)
    assert Store(job.context.results).records() == []
    assert held_leases(job.context.results) == []


def test_row_14_a_folder_that_cannot_be_written_stops_the_run(parts):
    (job,) = plan_of("vanilla").jobs
    (parts / "file").touch()
    report = run_job(in_context(job, results=parts / "file"))
    assert report.stop.endswith("cannot be written: Not a directory")


def test_a_torch_that_cannot_be_imported_stops_the_run(parts, tmp_path):
    (tmp_path / "torch.py").write_text("raise ImportError('libtorch_cpu.so: cannot open')")
    told = (
        "from pathlib import Path; from imbench.runs.worker import run_job\n"
        "from imbench.records.cell import Cell; from imbench.runs.job import Job, RunContext\n"
        "cell = Cell(dataset='d', fingerprint='0', minority=2, recipe='vanilla', seed=0)\n"
        "print(run_job(Job(RunContext(Path('results')), cell, (cell,), Path('data'))).stop)"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", told],
        env={**os.environ, "PYTHONPATH": before_others(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.stdout == (
        "no cell can be trained: libtorch_cpu.so: cannot open; see `bench doctor`\n"
    ), done.stderr
    assert not Path("results").exists()


def test_an_environment_names_versions_and_device_but_no_host_and_no_user():
    found = environment.describe_environment("cpu", 2)
    assert {"python", *environment.PACKAGES} <= found.keys()
    assert found["python"] == platform.python_version()
    assert found["numpy"] == np.__version__
    assert (found["device"], found["threads"]) == ("cpu", "2")
    assert all(isinstance(value, str) and value for value in found.values())
    text = " ".join(found.values())
    for private in (platform.node(), str(Path.home())):
        assert len(private) < 3 or private not in text
    assert re.fullmatch(r"[0-9a-f]{40}(-changed)?|imbench \S+", environment.commit())


def test_cores_are_those_this_process_may_use():
    told = (
        "import os; from imbench.records import environment\n"
        "os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])\n"
        "print(environment.cores())"
    )
    if not hasattr(os, "sched_setaffinity"):
        pytest.skip("this system cannot tie a process to a core")
    done = subprocess.run([sys.executable, "-P", "-c", told], capture_output=True, text=True)
    assert done.stdout == "1\n", done.stderr
    assert environment.cores() >= 1


def test_a_package_that_is_not_installed_is_said(monkeypatch):
    monkeypatch.setattr(environment, "PACKAGES", ("numpy", "no-such-package"))
    assert environment.versions()["no-such-package"] == "not installed"
