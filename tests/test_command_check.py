"""`bench check` and `bench baseline` on real trainings: a broken method, and unchanged ones."""

from __future__ import annotations

import importlib
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import junitparser
import numpy as np
import pytest
from clicked import bench as ended

from imbench import Method
from imbench.check.regression import MetricResult, Rules, check_results
from imbench.check.sides import side_of
from imbench.commands.check import _describe_rules
from imbench.images.cache_reader import open_decoded
from imbench.images.subsets import subset
from imbench.records.record import Scores
from imbench.records.store import Store
from imbench.report.text import escape_markdown
from imbench.runs.job import RunContext
from imbench.runs.plan import make_plan
from imbench.runs.settling import GridOptions, settle_grid
from imbench.runs.sources import find_sources
from imbench.runs.worker import run_job
from imbench.stats.metrics import f1, score_all

RUN = {"datasets": "digits", "minority": "20,40", "methods": "cs,us+cs", "seeds": "0-2"}
SETTINGS = {"size": "8", "network": "linear", "steps": "60", "augment": "none"}


def bench(*arguments: object, code: int = 0) -> tuple[str, str]:
    """Return what a command printed, and the error that ended it."""
    done = ended(*arguments, code=code)
    return done.stdout, str(done.exception) if code else ""


def train(folder: Path, **options: str) -> Path:
    """Run the cells of a small grid in this process."""
    given = {key: [value] for key, value in {**RUN, **options}.items()}
    grid = settle_grid(None, GridOptions(**given, settings=SETTINGS))
    context = RunContext(folder, run="r", device="cpu", commit="c" * 40)
    sources = find_sources(grid, root=Path("nowhere"))
    plan = make_plan(grid, Store(folder), sources, context=context)
    for job in plan.jobs:
        report = run_job(job)
        assert not report.stop
    return folder


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of the code as it is, and their baseline beside them."""
    base = tmp_path_factory.mktemp("good")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IMBENCH_CACHE", str(tmp_path_factory.getbasetemp() / "imbench-cache"))
        folder = train(base / "results")
    file = folder / "baseline.json"
    bench("baseline", "update", "--from", folder, "--reason", "first", "--baseline", file)
    return folder


@pytest.fixture
def copy(good: Path, tmp_path: Path) -> Path:
    """Results that a test may spoil."""
    return Path(shutil.copytree(good, tmp_path / "results"))


# ---- a method that is broken on purpose


@pytest.fixture(scope="module")
def broken(good: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of a copy of the package in which CS has its weights swapped, by `bench run`."""
    site = tmp_path_factory.mktemp("broken")
    for name in ("", ".methods", ".datasets", ".published"):
        module = importlib.import_module(f"imbench{name}")
        assert module.__file__ is not None
        shutil.copytree(
            Path(module.__file__).parent,
            site / "imbench" / name.strip("."),
            dirs_exist_ok=True,
        )
    source = site / "imbench" / "methods" / "cost_sensitive.py"
    sound = source.read_text("utf-8")
    swapped = sound.replace("raw = 1 / basis\n", "raw = basis / 1\n")
    assert swapped != sound
    source.write_text(swapped, "utf-8")
    options = [f"--{key}={value}" for key, value in RUN.items()]
    options += [f"--{key}={SETTINGS[key]}" for key in ("size", "network", "steps")]
    done = subprocess.run(
        [sys.executable, "-m", "imbench", "run", *options, "--set", "augment=none", "--quiet"],
        cwd=site,
        env={
            **os.environ,
            "PYTHONPATH": str(site),
            "IMBENCH_CACHE": str(tmp_path_factory.getbasetemp() / "imbench-cache"),
        },
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return site / "results"


@pytest.mark.slow
def test_a_method_broken_on_purpose_fails_the_check_which_names_it(good, broken, tmp_path):
    xml = tmp_path / "scores.xml"
    file = good / "baseline.json"
    out, error = bench("check", broken, "--baseline", file, "--junit", xml, code=1)
    assert error.startswith("CS at 20,40 of digits got worse (")
    assert "bench baseline update" in error
    assert re.search(r"^CS +20 +f1 .* worse", out, re.M)
    suites = list(junitparser.JUnitXml.fromfile(str(xml)))
    failed = {t.name for s in suites for t in s if t.result and t.result[0].type == "worse"}
    assert {"CS at 20", "CS at 40"} <= failed


@pytest.mark.slow
def test_it_also_fails_where_the_processor_is_another_one(good, broken, tmp_path):
    """Scores cannot be equal there, but the fall is far beyond what rounding does."""
    file = elsewhere(good / "baseline.json", tmp_path / "baseline.json")
    out, error = bench("check", broken, "--baseline", file, code=1)
    assert "CS at 20,40 of digits got worse" in error
    assert "numerics" in " ".join(out.split())


@pytest.mark.parametrize(
    ("now", "margins", "says"),
    [
        (0.5, None, "scores must be equal"),
        (0.49, None, "here they do not, so the mean of a method may fall by 0.1 over its cells"),
        (0.49, {"f1": 0.02}, "here they do not, so the mean of a method may fall as --margin says"),
    ],
)
def test_scores_that_moved_and_are_called_same_say_why_they_may(good, now, margins, says):
    (case, *_) = check_results(side(good), side(good), Rules())
    moved = replace(case, results=(MetricResult("f1", "same", "", 0.5, now),))
    assert _describe_rules(Rules(margins=margins), side(good), [moved]).endswith(says)


@pytest.mark.slow
def test_it_also_fails_statistically_against_records(broken, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = train(tmp_path / "before", seeds="0-4", methods="cs", minority="40")
    now = tmp_path / "now"
    part = tmp_path / "broken_cs.py"
    part.write_text(
        "from imbench.methods.cost_sensitive import CostSensitive\n"
        "class CS(CostSensitive):\n"
        "    def class_weights(self, counts, original):\n"
        "        return super().class_weights(counts, original)[::-1].copy()\n"
    )
    train(now, seeds="0-4", methods=f"{part}:CS", minority="40")
    (name,) = {record.cell.recipe for record in Store(now).records()}
    renamed = [
        record.model_copy(update={"cell": record.cell.model_copy(update={"recipe": "cs"})}).sealed()
        for record in Store(now).records()
    ]
    assert name != "cs"
    cases = check_results(
        side_of(Store(before).records(), ["f1"]), side_of(renamed, ["f1"]), Rules("statistical")
    )
    (case,) = cases
    assert case.verdict == "worse"
    assert "over test images too" in case.worst.reason


def elsewhere(file: Path, target: Path) -> Path:
    """Write a baseline as another processor would have made it."""
    from imbench.check.baseline import read_baseline, write

    baseline = read_baseline(file)
    kept = [{**one, "numerics": "0" * 12} for one in baseline.environments]
    write(target, baseline.model_copy(update={"environments": kept}))
    return target


# ---- what is unchanged


def test_unchanged_results_pass_whatever_the_order_of_their_seeds(good, tmp_path):
    now = train(tmp_path / "other", seeds="2,0,1", methods="us+cs,cs", minority="40,20")
    out, _ = bench("check", now, "--baseline", good / "baseline.json", "--require-complete")
    assert out.splitlines()[-1] == "4 cases: 4 same"
    out, _ = bench("check", good, "--mode", "exact")
    assert "4 cases: 4 same" in out


def test_results_are_their_own_equals_also_as_a_folder(good):
    out, _ = bench("check", good, "--baseline", good)
    assert "4 cases: 4 same" in out


CHECKS, SEEDS = 20, 6


def repeated(make_record, number: int, pixels, labels, test) -> list:
    """Train CS with other initial weights, batch order and augmentation on the same subsets."""
    records = []
    for seed in range(SEEDS):
        rows = subset(labels, minority=40, majority=None, replicate=seed)
        method = Method(
            "cs", network="linear", steps=25, augment="none", random_state=1000 * number + seed
        )
        method.fit(pixels[rows], labels[rows])
        logits = method.logits(test.pixels).astype(np.float32)
        proba = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
        scores = Scores.of(np.asarray(test.labels), logits, proba)
        truth, _, kept = scores.arrays()
        value = f1(truth, kept.astype(np.float64))
        counts = np.bincount(truth).tolist()
        records.append(make_record("cs", 40, seed, value, scores=scores, test_counts=counts))
    return records


def test_twenty_checks_of_an_unchanged_method_do_not_cry_wolf(make_record, good):
    """Real trainings that differ by chance alone, with no margin to hide in."""
    grid = settle_grid(None, GridOptions(**{k: [v] for k, v in RUN.items()}, settings=SETTINGS))
    (source,) = find_sources(grid, root=Path("nowhere")).values()
    data = open_decoded(source.folder)
    pixels, labels = data.train.pixels, np.asarray(data.train.labels)
    sides = [
        side_of(repeated(make_record, number, pixels, labels, data.test), ["f1"])
        for number in range(CHECKS + 1)
    ]
    assert len({tuple(scores(side)) for side in sides}) == CHECKS + 1
    found = [
        check_results(old, new, Rules("statistical", {"f1": 0.0}))[0].verdict
        for old, new in itertools.pairwise(sides)
    ]
    assert set(found) <= {"worse", "better", "same", "inconclusive"}
    # At most one of twenty is expected; four or more have a chance of 0.016.
    assert found.count("worse") <= 3


def scores(side) -> list[float]:
    return [run.scores["f1"] for slot in side.runs.values() for run in slot.values()]


# ---- exit codes and words


def test_row_25_no_baseline_no_overlap_too_few_seeds_and_other_data_are_never_green(
    copy, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (copy / "baseline.json").rename(tmp_path / "kept.json")
    _, error = bench("check", code=3)
    assert "there is no baseline 'results/baseline.json'" in error
    _, error = bench("check", "--baseline", "kept.json", "--mode", "statistical", code=3)
    assert "nothing could be decided" in error
    assert "at least 5 are needed" in error
    other = train(tmp_path / "other", methods="smote", minority="30", seeds="0")
    _, error = bench("check", other, "--baseline", "kept.json", code=3)
    assert "nothing could be decided: 5 cases: 4 missing, 1 new" in error
    plain = json.loads(Path("kept.json").read_text())
    plain["data"][0]["fingerprint"] = "f" * 64
    Path("moved.json").write_text(sealed(plain))
    _, error = bench("check", "--baseline", "moved.json", code=3)
    assert "cannot be compared: the results have it with data ffffffffffff ->" in error
    _, error = bench("check", "nowhere", "--baseline", "kept.json", code=3)
    assert "there is no results folder 'nowhere'" in error
    Path("empty").mkdir()
    _, error = bench("check", "empty", "--baseline", "kept.json", code=3)
    assert "holds no records" in error


def sealed(plain: dict) -> str:
    from imbench.check.baseline import Baseline

    return Baseline.model_validate(plain).text()


def test_row_10_an_edited_record_is_refused(copy):
    path = next(copy.glob("digits/20/cs/0-*.json"))
    path.write_text(re.sub(r'"f1":[0-9.]+', '"f1":0.99', path.read_text(), count=1))
    _, error = bench("check", copy, code=3)
    assert "1 record edited since written, the first of cs at 20 of digits, seed 0" in error
    _, error = bench("baseline", "update", "--from", copy, "--reason", "x", code=3)
    assert "edited since written" in error


def test_row_09_a_broken_record_is_put_aside_and_its_cell_is_missing(copy):
    path = next(copy.glob("digits/20/cs/0-*.json"))
    path.write_text(path.read_text()[:200])
    out, _ = bench("check", copy)
    assert "4 cases: 4 same; warning: 1 of them are not settled" in out
    assert "the results lack seeds 0" in out
    _, error = bench("check", copy, "--require-complete", code=3)
    assert "CS at 20 of digits lacks seeds" in error


def test_row_11_a_baseline_of_a_newer_imbench_is_refused(copy):
    file = copy / "baseline.json"
    file.write_text(file.read_text().replace('"schema": 1', '"schema": 2', 1))
    _, error = bench("check", copy, code=4)
    assert "update imbench" in error


@pytest.mark.parametrize("columns", ["40", "200"])
def test_row_27_no_terminal_a_comma_locale_and_few_columns(good, columns):
    """As a real process: the table keeps the columns, and one line says how it ended."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "imbench", "check", str(good)],
        env={
            **os.environ,
            "COLUMNS": columns,
            "LC_ALL": "de_DE.UTF-8",
            "PYTHONIOENCODING": "ascii",
        },
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "4 cases: 4 same"
    assert max(map(len, done.stdout.splitlines())) <= max(int(columns), 40)
    assert "," not in "".join(re.findall(r"\d[.,]\d", done.stdout))


def test_a_failed_cell_is_a_regression(copy):
    store = Store(copy)
    record = next(record for record in store.records() if record.cell.recipe == "cs")
    bare = {"status": "diverged", "reason": "loss", "metrics": {}, "scores": None}
    store.put(record.model_copy(update=bare))
    _, error = bench("check", copy, code=1)
    assert (
        f"CS at {record.cell.minority} of digits failed (seed {record.cell.seed} diverged" in error
    )


def test_a_better_score_passes_and_is_said(copy):
    store = Store(copy)
    for record in store.records():
        if record.cell.recipe == "cs":
            up = {name: min(1.0, value + 0.01) for name, value in record.metrics.items()}
            up["log_loss"] = record.metrics["log_loss"] - 0.001
            store.put(record.model_copy(update={"metrics": up}))
    out, _ = bench("check", copy)
    assert "4 cases: 2 better, 2 same" in out
    assert "seeds 0-2 got better" in out


def test_statistics_with_enough_seeds_pass_and_a_folder_brings_in_the_test_images(good, tmp_path):
    now = train(tmp_path / "six", seeds="0-5", methods="cs", minority="20")
    out, _ = bench("check", now, "--baseline", now, "--mode", "statistical", "--margin", "f1=0.05")
    assert "1 case: 1 same" in out
    file = tmp_path / "b.json"
    update = ("baseline", "update", "--from", now, "--reason", "x", "--baseline", file)
    bench(*update, "--predictions")
    bench("check", now, "--baseline", file, "--mode", "statistical", "--alpha", "0.1")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--margin", "f1"], "--margin f1: write a metric and a fall"),
        (["--margin", "f1=-1"], "write a metric and a fall"),
        (["--margin", "f1=inf"], "write a metric and a fall"),
        (["--margin", "f1=x"], "write a metric and a fall"),
        (["--margin", ","], "names no metric"),
        (["--margin", "f1=0.1,f1_balance=0.1"], "did you mean f1_balanced"),
    ],
)
def test_a_margin_that_cannot_be_meant_is_a_usage_error(good, options, said):
    assert said in bench("check", good, *options, code=2)[1]


@pytest.mark.parametrize("alpha", ["0", "0.5", "1", "nan"])
def test_an_alpha_that_cannot_be_meant_is_a_usage_error(good, alpha):
    bench("check", good, "--alpha", alpha, code=2)


def test_several_margins_check_several_metrics(good):
    out, _ = bench("check", good, "--margin", "f1=0.02,acsa=0", "--margin", "auroc=0.1")
    assert "4 cases: 4 same" in out


def test_records_of_other_code_are_pointed_out(good, copy, monkeypatch):
    assert "note: records were made by cccccccccccc" in bench("check", good)[0]
    monkeypatch.setattr("imbench.records.environment.commit", lambda: "c" * 40)
    assert "note:" not in bench("check", copy)[0]


@pytest.mark.slow
def test_github_gets_annotations_and_the_summary(good, broken, tmp_path, monkeypatch):
    target = tmp_path / "summary.md"
    target.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(target))
    file = good / "baseline.json"
    out, error = bench("check", broken, "--baseline", file, "--github", code=1)
    lines = [line for line in out.splitlines() if line.startswith("::")]
    assert lines[0].startswith("::error title=worse%3A CS at 20 of digits::f1 ")
    text = target.read_text()
    assert text.startswith("before\n## bench check: 4 cases:")
    assert escape_markdown(error) in text
    assert sum(line.startswith("| CS ") for line in text.splitlines()) >= 2
    monkeypatch.delenv("GITHUB_STEP_SUMMARY")
    bench("check", broken, "--baseline", file, "--github", code=1)
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "no" / "such.md"))
    bench("check", good, "--github", code=4)


# ---- bench baseline


def test_update_needs_a_reason(good, tmp_path):
    bench("baseline", "update", "--from", good, code=2)
    _, error = bench("baseline", "update", "--from", good, "--reason", " \n", code=2)
    assert "--reason is empty" in error


@pytest.mark.slow
def test_update_prints_what_changes_and_diff_writes_nothing(good, broken, tmp_path):
    file = Path(shutil.copy(good / "baseline.json", tmp_path / "baseline.json"))
    before = file.read_bytes()
    shown, _ = bench("baseline", "diff", "--from", broken, "--baseline", file)
    assert file.read_bytes() == before
    assert re.search(r"^CS +20 +f1 .* worse", shown, re.M)
    update = ("baseline", "update", "--from", broken, "--baseline", file, "--reason", "swapped")
    printed, _ = bench(*update)
    assert printed.startswith(shown.rstrip("\n"))
    assert "4 methods and counts" in printed
    bench("check", broken, "--baseline", file)
    bench("check", good, "--baseline", file, code=1 if unlike(good, broken) else 0)
    again, _ = bench("baseline", "diff", "--from", broken, "--baseline", file)
    assert again == "no score changes: 4 cases: 4 same\n"


def unlike(good: Path, broken: Path) -> bool:
    return bool(
        [
            c
            for c in check_results(side(broken), side(good), Rules())
            if c.verdict in ("worse", "failed")
        ]
    )


def side(folder: Path):
    return side_of(Store(folder).records(), ["f1", "acsa", "auroc", "log_loss"])


def test_show_says_what_a_baseline_holds(good):
    out, _ = bench("baseline", "show", good / "baseline.json")
    assert "first" in out
    assert "numerics" in out
    assert re.search(
        r"CS at 20, seeds 0-2: f1 0\.\d{3}, acsa 0\.\d{3}, auroc 0\.\d{3}, log_loss", out
    )


def test_metrics_of_a_baseline_are_chosen(good, tmp_path):
    file = tmp_path / "b.json"
    update = ("baseline", "update", "--from", good, "--baseline", file, "--reason", "x")
    bench(*update, "--metric", "mcc,f1")
    (line, *_) = json.loads(file.read_text())["data"][0]["lines"]
    assert set(line["scores"]) == {"mcc", "f1"}
    _, error = bench(*update, "--metric", "mccc", code=2)
    assert "did you mean mcc" in error


def test_an_update_replaces_a_file_that_is_no_baseline(good, tmp_path):
    file = tmp_path / "b.json"
    file.write_text("{}")
    update = ("baseline", "update", "--from", good, "--baseline", file, "--reason", "x")
    bench(*update)
    bench("check", good, "--baseline", file)
    assert score_all(np.array([0, 1]), np.eye(2)).keys() >= {"f1", "acsa", "auroc", "log_loss"}


def test_help_of_both_imports_nothing_heavy():
    code = (
        "import sys, imbench.commands.check, imbench.commands.baseline, imbench.commands.export\n"
        "print(*{'numpy', 'pydantic', 'sklearn', 'pandas', 'torch'} & set(sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == ""
