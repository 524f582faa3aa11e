"""`bench run` as a user types it: plan, table, events, exit codes, and the same scores again."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from in_process import bench_here, jobs_here
from places import before_others

from imbench.commands.cli import exit_code
from imbench.records.store import Store
from imbench.runs.grids import shipped

pytestmark = pytest.mark.timeout(900)  # several runs a fixture; a busy machine needs minutes
BENCH = Path(sys.executable).with_name("bench")
METHODS = ("vanilla", "ts", "smote", "us+cs")
GRID = ("--datasets", "digits", "--minority", "20", "--size", "8", "--network", "cnn")
GRID += ("--steps", "4", "--json-log", "log.jsonl", "--out", "results")


def start(folder, *words, **environment):
    """Run a command in a folder, without a terminal; return code, standard output and error."""
    gone = {"COLUMNS", "NO_COLOR", "TERM"}
    done = subprocess.run(
        [str(word) for word in words],
        cwd=folder,
        env={
            **{key: value for key, value in os.environ.items() if key not in gone},
            "IMBENCH_CACHE": str(folder.parent / "imbench-cache"),
            **environment,
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def taken(folder):
    """Return the events so far, and begin the log anew."""
    log = folder / "log.jsonl"
    lines = log.read_text("utf-8").splitlines()
    log.unlink()
    return [json.loads(line) for line in lines]


def table_of(text):
    """Return the rows of the table that a run prints."""
    return [line for line in text.splitlines() if re.match(r"(Vanilla|TS|SMOTE|US\+CS) ", line)]


@pytest.fixture(scope="module")
def comma(tmp_path_factory):
    """Return variables that make the comma the decimal point of the C library."""
    told = "import locale; locale.setlocale(locale.LC_ALL, ''); print(locale.localeconv())"
    folder = tmp_path_factory.mktemp("locale")
    (folder / "sitecustomize.py").write_text(f"{told.rpartition(';')[0]}\n")
    if shutil.which("localedef"):
        built = str(folder / "de_DE.UTF-8")
        command = ["localedef", "-f", "UTF-8", "-i", "de_DE", built]
        subprocess.run(command, capture_output=True, check=False)
    for place in ({"LOCPATH": str(folder)}, {}):
        found = {"LC_ALL": "de_DE.UTF-8", "PYTHONPATH": before_others(folder), **place}
        done = subprocess.run(
            [sys.executable, "-P", "-c", told],
            env={**os.environ, **found},
            capture_output=True,
            text=True,
            check=False,
        )
        if "'decimal_point': ','" in done.stdout:
            return found
    return None


@pytest.fixture(scope="module")
def runs(tmp_path_factory, comma):
    """Run one grid in two workers, by force in one and the other way round, and once more."""
    folder = tmp_path_factory.mktemp("run")
    found = {"folder": folder}
    whole = ("--methods", ",".join(METHODS), "--seeds", "0-1")
    found["first"] = start(folder, BENCH, "run", *GRID, *whole, "--jobs", "2", PYTHONHASHSEED="1")
    found["events"] = taken(folder)
    found["records"] = {record.key: record for record in Store(folder / "results").records()}

    turned = ("--methods", ",".join(reversed(METHODS)), "--seeds", "1,0", "--force")
    found["turned"] = start(
        *(folder, BENCH, "run", *GRID, *turned, "--jobs", "1"),
        **{"PYTHONHASHSEED": "2", **(comma or {})},
    )
    found["turned events"] = taken(folder)
    found["turned records"] = {record.key: record for record in Store(folder / "results").records()}

    stamps = {path: path.stat().st_mtime_ns for path in folder.glob("results/*/*/*/*")}
    python = (sys.executable, "-P", "-X", "importtime", "-m", "imbench", "run")
    found["again"] = start(folder, *python, *GRID, *whole, NO_COLOR="1")
    found["again events"] = taken(folder)
    found["touched"] = [path for path, old in stamps.items() if path.stat().st_mtime_ns != old]
    return found


def test_the_plan_is_shown_before_and_the_table_after(runs):
    code, out, _ = runs["first"]
    assert code == 0
    lines = out.splitlines()
    assert lines[0] == "Grid  digits (minority 20; majority all)"
    assert "      methods vanilla ts smote us+cs" in lines
    assert (
        "Plan  1 data set x 1 minority count x 4 methods x 2 seeds = 8 cells: "
        "8 to run (6 trainings)"
    ) in lines
    assert re.search(
        "time not known before the first cells end, on 2 workers    "
        r"disk \S+ GB of \d+ free    digits found",
        out,
    )
    assert [row.split()[0] for row in table_of(out)] == ["Vanilla", "TS", "US+CS", "SMOTE"]
    assert "8 of 8 cells ok; again: bench report results" in lines
    assert lines[-1].startswith("       bench run --datasets folder:PATH")
    assert "Verdict on digits by F1 of the minority" in lines


def test_without_a_terminal_progress_is_plain_lines(runs):
    _, out, err = runs["first"]
    assert "\x1b" not in out + err
    assert "\r" not in out + err
    lines = [line for line in err.splitlines() if not line.startswith("decoding ")]
    assert all(re.match(r"[━╸╺ ]{12} \d/8  ok \d  failed 0  ", line) for line in lines), err
    assert lines[-1].startswith(f"{'━' * 12} 8/8  ok 8  failed 0  running 0 ")


def test_every_line_of_the_log_is_an_event_and_every_cell_has_one(runs):
    plan, *cells, end = runs["events"]
    assert [plan["event"], end["event"]] == ["plan", "end"]
    assert (plan["cells"], plan["done"], plan["failed_before"], plan["to_run"]) == (8, 0, 0, 8)
    assert (plan["trainings"], plan["missing"]) == (6, [])
    assert plan["grid"]["methods"] == list(METHODS)
    assert plan["grid"]["settings"]["steps"] == 4
    assert {cell["key"] for cell in cells} == runs["records"].keys()
    assert len(cells) == 8
    for cell in cells:
        record = runs["records"][cell["key"]]
        assert (cell["event"], cell["status"], cell["elsewhere"]) == ("cell", "ok", False)
        assert (cell["recipe"], cell["seed"]) == (record.cell.recipe, record.cell.seed)
        assert (cell["dataset"], cell["minority"]) == ("digits", 20)
        assert (cell["seconds"] == 0) == (cell["recipe"] == "ts"), "ts shares vanilla's training"
    assert (end["stopped"], end["failed"], end["left"]) == ("", 0, 0)
    times = [event["time"] for event in runs["events"]]
    assert times == sorted(times)


def test_row_26_workers_and_order_change_no_score(runs):
    assert runs["turned"][0] == 0, runs["turned"][2]
    first, turned = runs["records"], runs["turned records"]
    assert len(first) == 8
    assert first.keys() == turned.keys()
    for key, record in first.items():
        assert turned[key].scores == record.scores, "logits, to the last bit"
        assert turned[key].metrics == record.metrics
        assert turned[key].cost["train_loss"] == record.cost["train_loss"]
    assert len({record.scores.logits for record in first.values()}) == 6


def test_row_27_a_comma_locale_changes_no_output(runs, comma):
    if comma is None:
        pytest.skip("this machine has no locale with a decimal comma")
    assert table_of(runs["turned"][1]) == table_of(runs["first"][1])
    assert [set(event) for event in runs["turned events"][:2]] == [
        set(event) for event in runs["events"][:2]
    ]
    (line,) = [line for line in runs["turned"][1].splitlines() if " to run " in line]
    assert line.endswith("8 to run (6 trainings)")


def test_row_27_lines_fit_80_columns(runs):
    for _, out, err in (runs["first"], runs["turned"]):
        lines = out[out.index("digits: F1") :].splitlines()
        # Commands to type stay whole, however long the name of the folder is.
        text = [line for line in lines if "again: bench" not in line and "  # " not in line]
        assert len(text) >= len(lines) - 4
        assert max(map(len, text)) <= 80
        assert max(len(line) for line in err.splitlines() if "  running " in line) < 80


def test_force_runs_everything_again(runs):
    plan, *cells, _ = runs["turned events"]
    assert (plan["done"], plan["to_run"], len(cells)) == (0, 8, 8)
    for key, record in runs["records"].items():
        assert runs["turned records"][key].started > record.started


def test_what_is_done_is_not_done_again_and_no_torch_is_imported(runs):
    code, out, err = runs["again"]
    assert code == 0
    assert "8 cells: 8 done, 0 to run (0 trainings)" in out
    assert "nothing to do" in out
    assert table_of(out) == table_of(runs["first"][1])
    assert runs["touched"] == []
    imported = {line.rpartition("|")[2].strip() for line in err.splitlines()}
    assert "imbench.runs.plan" in imported
    assert not [name for name in imported if name.partition(".")[0] in ("torch", "torchvision")]


def test_what_is_done_is_not_done_again_and_so_the_log_says(runs):
    plan, end = runs["again events"]
    assert (plan["event"], plan["done"], plan["to_run"]) == ("plan", 8, 0)
    assert (end["event"], end["failed"], end["left"]) == ("end", 0, 0)


FAILS = """
from pathlib import Path
from imbench import Part


class Fails(Part):
    def resample(self, x, y, rng):
        if not Path(__file__).with_name("mended").exists():
            raise ValueError("broken")
        return x, y
"""


@pytest.fixture(scope="module")
def failing(tmp_path_factory):
    """Run cells that fail until a limit, go on until the first failure, and mend them."""
    folder = tmp_path_factory.mktemp("failing")
    (folder / "fails.py").write_text(FAILS)
    command = ("run", *GRID, "--methods", "fails.py:Fails", "--seeds", "0-4", "--jobs", "1")
    found = []
    for options in (("--max-failures", "2"), ("--fail-fast",), ("--retry-failed", "--quiet")):
        if "--quiet" in options:
            (folder / "mended").touch()
        with jobs_here():
            done = bench_here(*command, *options, cwd=folder)
        found.append((done.returncode, done.stdout, done.stderr, taken(folder)))
    return found


@pytest.mark.parametrize(("turn", "limit"), [(0, 2), (1, 1)])
def test_after_so_many_failures_no_cell_is_begun(failing, turn, limit):
    code, _, err, (plan, *cells, end) = failing[turn]
    assert code == 1
    assert [cell["status"] for cell in cells] == ["failed"] * limit
    assert (end["stopped"], end["left"]) == ("failures", plan["to_run"] - limit)
    said = err.splitlines()[-1]
    failed = plan["failed_before"] + limit
    assert said.startswith(
        f"bench: {failed} of 5 cells have no score, {end['left']} were not begun; "
        f"{failed} would fail again: "
    )
    assert said.endswith("then retry what failed; the same command begins the rest")


def test_what_failed_is_done_again_only_when_asked_for(failing):
    _, (*_, second), (code, out, err, third) = failing
    assert (second[0]["failed_before"], second[0]["to_run"]) == (2, 3)
    plan, *cells, end = third
    assert (plan["failed_before"], plan["to_run"], plan["done"]) == (0, 5, 0)
    assert [cell["status"] for cell in cells] == ["ok"] * 5
    assert (end["failed"], end["left"]) == (0, 0)
    assert (code, out, err) == (0, "", ""), "quiet says nothing when nothing fails"


def call(capfd, *words):
    """Run a command in this process; return its code, standard output and error."""
    code = exit_code([str(word) for word in words])
    return code, *capfd.readouterr()


DIGITS = ("run", "--datasets", "digits", "--minority", "20", "--size", "8")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("run", "--datasets", "digts", "--minority", "9"), "'digts': did you mean digits?"),
        (("run", "quik"), "'quik': did you mean quick?"),
        ((*DIGITS, "--methods", "smot"), "unknown method 'smot': did you mean smote"),
        ((*DIGITS, "--methods", "us+smot"), "unknown method 'smot': did you mean smote"),
        ((*DIGITS, "--methods", "smote:k=3"), "smote takes no 'k': known: k_neighbors"),
        ((*DIGITS, "--methods", "nowhere.py:Part"), "no file 'nowhere.py'"),
        ((*DIGITS, "--network", "resnet21"), "unknown network 'resnet21': did you mean resnet20"),
        ((*DIGITS, "--network", "cnn:widht=8"), "network cnn takes no 'widht': did you mean width"),
        ((*DIGITS, "--network", "torchvision:nosuch"), "unknown torchvision model 'nosuch'"),
        ((*DIGITS, "--set", "step=3"), "unknown setting 'step': did you mean steps?"),
        ((*DIGITS, "--set", "steps"), "--set 'steps' is not of the form KEY=VALUE"),
        ((*DIGITS, "--steps", "many"), "steps"),
        ((*DIGITS, "--step", "3"), "No such option"),
        ((*DIGITS, "--seeds", "3-1"), "3-1"),
        ((*DIGITS, "--seeds", ","), "seeds"),
        ((*DIGITS, "--methods", ""), "methods"),
        (("run", "--datasets", ",", "--minority", "9"), "data sets"),
        (("run", "--datasets", "digits", "--size", "8"), "say --minority 50,100"),
        (("run", "--datasets", "digits", "--minority", "0"), "digits at minority count 0"),
        (("run", "--datasets", "digits", "--minority", "9999"), "digits at minority count 9999"),
        (("run", "--datasets", "digits:minorty=3", "--minority", "9"), "did you mean minority"),
        ((*DIGITS, "--exclude", "methd=us"), "methd"),
        ((*DIGITS, "--exclude", "seed=0-99"), "the grid has no cell left"),
        ((*DIGITS, "--timeout", "soon"), "'soon' is not a time such as 90, 30s, 5m, 2h"),
        ((*DIGITS, "--jobs", "0"), "jobs=0 must be auto or a whole number from 1 to 10000"),
        ((*DIGITS, "--max-failures", "0"), "max_failures=0 must be a whole number"),
        ((*DIGITS, "--bad-images", "ignore"), "'ignore' is not one of 'stop', 'skip'"),
        (("rum",), "unknown command 'rum': did you mean run?"),
        (("--verbose",), "No such option"),
    ],
)
def test_row_21_what_cannot_be_meant_ends_with_2_and_a_sentence(
    tmp_path, monkeypatch, capfd, words, says
):
    monkeypatch.chdir(tmp_path)
    code, out, err = call(capfd, *words)
    err = re.sub(r"^decoding \d+ images of digits at \d+ px\n", "", err)
    assert (code, out) == (2, "")
    assert re.fullmatch(r"bench: .+\n", err), "one line"
    assert says in err
    assert not list(tmp_path.glob("results/**/*.json"))


def test_row_21_duplicates_merge(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    words = ("--datasets", "digits", "--minority", "20,20", "--methods", "us:rho=1+cs,vanilla")
    words += ("--methods", "vanilla", "--seeds", "0,0-1", "--seeds", "1", "--dry-run")
    code, out, _ = call(capfd, *DIGITS, *words)
    assert code == 0
    assert "1 data set x 1 minority count x 2 methods x 2 seeds = 4 cells" in out


def test_a_dry_run_shows_the_whole_plan_and_writes_nothing(runs, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    code, out, _ = call(capfd, *DIGITS, "--dry-run", "--methods", "vanilla,ts", "--seeds", "0-2")
    assert code == 0
    assert "2 methods x 3 seeds = 6 cells: 6 to run (3 trainings)" in out
    assert list(tmp_path.iterdir()) == []
    before = {path: path.stat().st_mtime_ns for path in runs["folder"].rglob("*")}
    monkeypatch.chdir(runs["folder"])
    words = ("run", *GRID, "--methods", "vanilla,us", "--seeds", "0-2", "--dry-run")
    code, out, _ = call(capfd, *[word for word in words if word not in ("--json-log", "log.jsonl")])
    assert code == 0
    assert "6 cells: 2 done, 4 to run (4 trainings)" in out
    assert re.search(r"about \d+ s on \d workers?", out), "from the records that there are"
    assert {path: path.stat().st_mtime_ns for path in runs["folder"].rglob("*")} == before


def test_data_that_are_not_there_end_with_4_and_the_command_that_gets_them(
    tmp_path, monkeypatch, capfd
):
    monkeypatch.chdir(tmp_path)
    words = ("run", "--datasets", "digits,celeba", "--minority", "20", "--data", tmp_path / "none")
    for dry in ((), ("--dry-run",)):
        code, out, err = call(capfd, *words, "--size", "8", *dry)
        assert code == 4
        assert "digits found    celeba missing" in out
        assert "bench data import celeba" in err.splitlines()[-1]
        assert not list(tmp_path.glob("results/*"))


@pytest.mark.parametrize("place", ["file", "file/below", "/proc/nowhere"])
def test_row_14_a_folder_that_cannot_be_written_is_one_line_before_anything(
    tmp_path, monkeypatch, capfd, place
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    code, out, err = call(capfd, *DIGITS, "--methods", "vanilla", "--out", place)
    assert (code, out) == (4, "")
    assert re.fullmatch(
        rf"bench: results cannot be written to '{place}' \(.+\); name another folder with --out\n",
        err,
    )


def test_a_log_that_cannot_be_written_is_said_before_any_training(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    code, _, err = call(capfd, *DIGITS, "--methods", "vanilla", "--json-log", "no/log")
    assert code == 4
    assert err.splitlines()[-1] == "bench: --json-log no/log: No such file or directory"
    assert not list(tmp_path.glob("results/**/*.json"))


def test_help_names_every_option_and_exits_with_0(capfd):
    code, out, err = call(capfd, "run", "--help")
    assert (code, err) == (0, "")
    for option in ("--datasets", "--retry-failed", "--fail-fast", "--max-failures", "--json-log"):
        assert option in out
    assert f"a shipped grid: {', '.join(shipped())}." in " ".join(out.split())


@pytest.mark.parametrize(
    ("words", "left", "again"),
    [
        (["run", "quick"], 0, "bench run quick --retry-failed"),
        (["run", "--retry-failed", "my grid"], 0, "bench run --retry-failed 'my grid'"),
        (["run", "--force"], 0, "bench run --retry-failed"),
        (["run", "--force"], 3, "bench run --force --retry-failed"),
    ],
)
def test_the_command_that_runs_what_has_no_score(monkeypatch, words, left, again):
    from imbench.commands.run import _retry_command

    monkeypatch.setattr(sys, "argv", ["/somewhere/bench", *words])
    assert _retry_command(left) == again
