"""Texts of others in every field, name and form of output: all are shown, and none does anything.

Row 23 of the faults. Records, plans and baselines are walked by their models, so that a field that
is added is tested too.
"""

from __future__ import annotations

import ast
import csv
import io
import json
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
from hostile import FORGED, HOSTILE, LEGIBLE, assert_page, assert_shown, spoiled, text_places
from sources import found_in_sources

import imbench
from imbench import registry
from imbench.check.baseline import Baseline
from imbench.commands.cli import COMMANDS, exit_code
from imbench.records.cell import Cell, Grid
from imbench.records.record import Record, Scores
from imbench.records.store import Store

NO_TEXT = frozenset({"key", "checksum", "status", "scores", "cell.settings.augment"})
NO_TEXT |= {"data.labels", "data.lines.predicted", "data.lines.scores", "data.settings.augment"}
"""Fields that are hashes, names of metrics, words of a few, or packed arrays."""


def scores() -> Scores:
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(40, 2))
    return Scores.of(np.repeat([0, 1], 20), logits, np.exp(logits) / np.exp(logits).sum(1)[:, None])


def hostile_record(make_record, recipe="vanilla", **given) -> Record:
    """Return a record with the right checksum and a hostile text wherever it holds one."""
    plain = make_record(**given).plain()
    plain["cell"]["settings"]["code"] = "a hash, left out where it is empty"
    body = spoiled(plain, Record, HOSTILE, kept=NO_TEXT)
    body["cell"]["recipe"] += recipe
    body["key"] = Cell.model_validate(body["cell"]).key
    return Record.model_validate(body).sealed()


def call(capfd, *words) -> tuple[int, str, str]:
    capfd.readouterr()
    code = exit_code([str(word) for word in words])
    return code, *capfd.readouterr()


def test_every_text_of_a_record_is_made_hostile(make_record):
    record = hostile_record(make_record, scores=scores()).plain()
    places = set(text_places(Record))
    assert {"reason", "notes", "cost", "cell.recipe", "cell.settings.network"} <= places
    for place in places - NO_TEXT - {"scores.labels", "scores.logits", "scores.proba"}:
        value = record
        for name in place.split("."):
            value = value[name]
        assert FORGED in json.dumps(value), place


@pytest.fixture
def results(tmp_path, make_record) -> Path:
    """Return a folder of records, a plan and a baseline that are hostile throughout."""
    store = Store(tmp_path / "results")
    for seed in range(2):
        store.put(hostile_record(make_record, seed=seed, scores=scores(), score=0.1 * seed))
        store.put(hostile_record(make_record, "us", seed=seed, score=None, status="failed"))
        store.put(hostile_record(make_record, minority=60, seed=seed, scores=scores()))
    grid = Grid(
        datasets=("d",),
        minority={"d": (7,)},
        majority={"d": None},
        methods=("m",),
        seeds=(0,),
        exclude=({"method": "x"},),
    ).plain()
    body = spoiled(grid, Grid, HOSTILE, kept=frozenset())
    plan = {
        "schema": 1,
        "imbench": HOSTILE,
        "command": HOSTILE,
        "grid": body,
        "fingerprints": {HOSTILE: HOSTILE},
        "recipes": {HOSTILE: {HOSTILE: 1}},
        "missing": [HOSTILE],
    }
    (store.folder / "grid.json").write_text(json.dumps(plan))
    return store.folder


FORMS = {
    "status": "status RESULTS",
    "report": "report RESULTS",
    "side by side": "report RESULTS --side-by-side",
    "markdown": "report RESULTS --markdown",
    "csv": "report RESULTS --csv",
    "json": "report RESULTS --json",
    "latex": "report RESULTS --latex",
    "macros": "report RESULTS --macros",
    "claims": "report RESULTS --claims",
    "ranks": "report RESULTS --ranks",
    "check": "check RESULTS --baseline RESULTS",
    "baseline show": "baseline show BASELINE",
    "baseline diff": "baseline diff --baseline BASELINE --from RESULTS",
    "github": "check RESULTS --baseline BASELINE --github",
    "generators": "generators RESULTS",
}
"""Command lines; the last one ends in a sentence, since no generators are stored."""


@pytest.fixture
def baseline(results, make_record) -> Path:
    """Return a hostile baseline whose methods got worse since, or failed."""
    from imbench.check.sides import side_of
    from imbench.check.update import baseline_of

    records = [
        hostile_record(make_record, recipe, seed=seed, scores=scores(), score=0.9)
        for recipe in ("vanilla", "us")
        for seed in range(2)
    ]
    made = baseline_of(side_of(records, ["f1"]), reason=HOSTILE, made=HOSTILE)
    body = spoiled(made.model_dump(mode="json", by_alias=True), Baseline, HOSTILE, kept=NO_TEXT)
    path = results.parent / "baseline.json"
    path.write_text(Baseline.model_validate(body).text())
    return path


@pytest.mark.parametrize("form", FORMS)
def test_row_23_hostile_records_are_shown_and_do_nothing(
    form, results, baseline, capfd, monkeypatch, tmp_path
):
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("COLUMNS", "100")
    named = {"RESULTS": results, "BASELINE": baseline}
    code, out, err = call(capfd, *(named.get(word, word) for word in FORMS[form].split()))
    assert code in (0, 1) or form in ("claims", "ranks", "generators"), err
    assert (len(out.splitlines()) > 3) == (code in (0, 1))
    if form == "github":
        commands = [line for line in out.splitlines() if line.startswith("::")]
        assert commands
        for command in commands:
            assert re.match(r"::(error|warning|notice) title=[^\n:]+::[^\n]+$", command), command
        out = "\n".join(line for line in out.splitlines() if line not in commands)
        summary = (tmp_path / "summary.md").read_text("utf-8")
        assert_shown(summary)
        assert "<script" not in summary
    assert_shown(out)
    assert_shown(err)
    if form == "markdown":
        assert "<script" not in out
    if form in ("report", "status", "markdown", "csv"):
        assert LEGIBLE in out.replace("\\_", "_"), "what is legible stays"


def test_row_23_no_cell_of_a_table_is_a_formula(results, capfd, tmp_path):
    _, out, _ = call(capfd, "report", results, "--csv", "--metric", "mcc,f1")
    assert exit_code(["export", str(results), "--csv", str(tmp_path / "all.csv")]) == 0
    number = re.compile(r"-?\d+\.?\d*(e-?\d+)?")
    negative = 0
    for text in (out, (tmp_path / "all.csv").read_text("utf-8")):
        assert_shown(text)
        for row in csv.reader(io.StringIO(text)):
            for cell in row:
                negative += bool(re.fullmatch(r"-\d.*", cell))
                assert not re.match(r"[\s;]*[=+@\t\r-]", cell) or number.fullmatch(cell), cell
                assert ";=" not in cell
    assert negative, "numbers below zero stay numbers"
    kept = imbench.load_results(tmp_path / "all.csv")
    assert kept.dataset[0].startswith("=cmd|"), "and what was written is read as it was"


def test_row_23_a_page_of_hostile_records_has_the_elements_of_its_template(
    results, capfd, tmp_path
):
    page = tmp_path / "page.html"
    assert call(capfd, "report", results, "--html", page, "--images", "0")[0] == 0
    text = page.read_text("utf-8")
    unseen = {ascii(c) for c in text if c != "\n" and not c.isprintable()}
    assert unseen <= {ascii("\u200d")}
    assert_page(text)
    assert "<script>alert" not in text
    assert call(capfd, "report", results, "--html", "-", "--images", "0")[1].rstrip() == (
        text.rstrip()
    )


def test_row_23_junit_keeps_names_on_their_lines(results, baseline, capfd, tmp_path):
    xml = tmp_path / "check.xml"
    call(capfd, "check", results, "--baseline", baseline, "--junit", xml)
    assert_shown(xml.read_text("utf-8"))
    cases = ElementTree.parse(xml).getroot().iter("testcase")
    assert all("\\n" in case.get("name", "") for case in cases)


def test_row_23_a_pack_of_hostile_records_is_read_as_they_are(results, capfd, tmp_path):
    pack = tmp_path / "study.pack"
    for words in (("pack", results, pack), ("pack", pack, pack)):
        _, out, err = call(capfd, *words)
        assert_shown(out)
        assert_shown(err)
    assert pack.is_file()
    _, out, _ = call(capfd, "report", pack, "--markdown")
    assert_shown(out)


def test_row_23_exports_and_logs_for_programs_are_shown(results, capfd, tmp_path):
    path = tmp_path / "all.json"
    assert call(capfd, "export", results, "--json", path)[0] == 0
    text = path.read_text("utf-8")
    assert_shown(text)
    assert any(record["reason"] == HOSTILE for record in json.loads(text)["records"])


PLUGINS = f'''
import sys
class Other:
    """{{}}"""
raise RuntimeError({HOSTILE!r})
'''


@pytest.fixture
def hostile_plugin(tmp_path, monkeypatch):
    """Install a package whose name, kinds of names and fault are hostile."""
    info = tmp_path / "site" / "bad-1.0.dist-info"
    info.mkdir(parents=True)
    name = "b\x1b[31m\u202ed"
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    lines = [f"[imbench.{kind}]\n{name}{kind} = bad_code:Other" for kind in registry.KINDS]
    (info / "entry_points.txt").write_text("\n".join(lines))
    (tmp_path / "site" / "bad_code.py").write_text(PLUGINS)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    registry.clear_cache()
    yield f"{name}methods"
    registry.clear_cache()


def test_row_23_names_and_faults_of_plugins_are_shown(hostile_plugin, capfd, tmp_path, monkeypatch):
    for words in (
        ("list",),
        ("list", "plugins"),
        ("info", hostile_plugin),
        ("info", f"x{hostile_plugin}"),
        ("doctor", "--out", tmp_path / HOSTILE.replace("/", "").replace("\0", "")[:60]),
        (
            "run",
            "--dry-run",
            "--datasets",
            "digits",
            "--minority",
            "5",
            "--methods",
            hostile_plugin,
        ),
    ):
        _, out, err = call(capfd, *words)
        assert_shown(out)
        assert_shown(err)
        assert "\\x1b" in out + err, words
    monkeypatch.setenv("_BENCH_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", "bench info b")
    monkeypatch.setenv("COMP_CWORD", "2")
    assert_shown(call(capfd)[1])


WRONG = [
    *((command,) for command in COMMANDS),
    ("run", "--datasets"),
    ("run", "--datasets", "digits", "--minority", "9", "--methods"),
    ("run", "--datasets", "digits", "--minority", "9", "--network"),
    ("run", "--set"),
    ("run", "--exclude"),
    ("run", "--jobs"),
    ("run", "--timeout"),
    ("report", "--metric"),
    ("data", "stats"),
    ("data", "verify"),
    ("data", "import", "digits"),
    ("baseline", "show"),
    ("check", "--margin"),
]


@pytest.mark.parametrize("words", WRONG, ids=" ".join)
def test_row_23_a_hostile_argument_is_named_on_one_line(words, capfd, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = call(capfd, *words, HOSTILE.replace("\0", ""))
    assert code in (2, 3, 4), err
    assert out == ""
    assert_shown(err)
    assert err.splitlines()[-1].startswith("bench: ")


def test_row_23_names_of_classes_and_images_are_shown(data_folder, capfd, tmp_path):
    awkward = re.sub(r"[/\0]", "", HOSTILE)[:90]
    root = data_folder({f"{awkward} 1": 8, f"{awkward} 2": 6})
    picture = next(root.rglob("*.png"))
    picture.with_name(f"{awkward}.png").write_bytes(picture.read_bytes())
    picture.with_name(f"x{awkward}.png").write_bytes(b"")
    for command in ("stats", "verify"):
        _, out, err = call(capfd, "data", command, f"folder:{root}")
        assert_shown(out)
        assert_shown(err)
        assert "\\x1b" in out
    many = f"folder:{root}"
    words = ("--minority", "3", "--size", "8", "--out", tmp_path / "r", "--dry-run")
    _, out, err = call(capfd, "run", "--datasets", many, "--methods", "vanilla,os", *words)
    assert_shown(out)
    assert_shown(err)


PRINTERS = {
    "imbench.commands.terminal": {"sys.stdout", "sys.stderr"},
    "imbench.runs.progress": {"print"},
    "imbench.runs.from_python": {"print"},
}
"""Modules that print, and how; all others go through the first."""


def printing(source: str) -> set[str]:
    """Return how a source text prints."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            if name in ("print", "click.echo", "click.secho", "click.style"):
                found.add(name)
            if re.match(r"sys\.(stdout|stderr)(\.buffer)?\.write(lines)?$", name):
                found.add(name)
    return found


def test_commands_print_in_one_place():
    told = found_in_sources(printing)
    assert {name: found for name, found in told.items() if name not in PRINTERS} == {}


@pytest.mark.parametrize(
    "line", ["print(1)", "click.echo(x)", "sys.stdout.write(x)", "sys.stderr.buffer.write(x)"]
)
def test_the_search_for_prints_finds(line):
    assert printing(line)
