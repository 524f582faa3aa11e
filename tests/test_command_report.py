"""`bench report` on real results folders."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import subprocess
import sys

import pytest
from in_process import bench_here

from imbench.records.store import Store


@pytest.fixture
def results(tmp_path, make_record):
    """Return a folder with two methods at two seeds on horse2zebra."""
    store = Store(tmp_path / "my results")
    for recipe, scores in (("vanilla", (0.25, 0.35)), ("us", (0.5, 0.6))):
        for seed, score in enumerate(scores):
            metrics = {"f1": score, "f1_balanced": score, "acsa": score}
            store.put(
                make_record(recipe, 25, seed, metrics=metrics, cell={"dataset": "horse2zebra"})
            )
    return tmp_path / "my results"


def bench(*arguments, cwd, encoding="utf-8", **environment):
    given = {"COLUMNS": "80", "PYTHONIOENCODING": "utf-8", **environment}
    return bench_here("report", *arguments, cwd=cwd, encoding=encoding, **given)


def test_default_is_three_tables_for_the_terminal(results):
    run = bench(results, cwd=results.parent)
    assert (run.returncode, run.stderr) == (0, "")
    titles = [line for line in run.stdout.splitlines() if line.startswith("horse2zebra: ")]
    assert [title.removesuffix(" (minority training images in columns)") for title in titles] == [
        "horse2zebra: F1 of the minority",
        "horse2zebra: F1 at prevalence 0.5",
        "horse2zebra: ACSA (balanced accuracy)",
    ]
    assert max(map(len, run.stdout.splitlines())) <= 80
    assert "*.550 [.00,1.00]" in run.stdout


def test_tables_and_the_page_need_no_data(results):
    file = results.parent / "file"
    file.touch()
    run = bench(results, cwd=results.parent, IMBENCH_DATA=str(file))
    assert (run.returncode, run.stderr) == (0, "")
    assert "*.550 [.00,1.00]" in run.stdout
    run = bench(results, "--html", "page.html", "--data", file, cwd=results.parent)
    assert run.returncode == 0
    assert re.fullmatch(r"wrote page\.html \(\d+\.\d MB\)\n", run.stderr)
    assert "horse2zebra" in (results.parent / "page.html").read_text(encoding="utf-8")


def test_the_folder_is_called_results_if_not_named(results):
    shutil.copytree(results, results.parent / "results")
    run = bench("--metric", "f1", cwd=results.parent)
    assert run.returncode == 0
    assert "US" in run.stdout


def test_forms_go_to_files_of_the_names_given(results):
    forms = {"latex": "a b.tex", "markdown": "t.md", "csv": "t.csv", "json": "sub/t.json"}
    options = [piece for form, name in forms.items() for piece in (f"--{form}", name)]
    run = bench(results, "--metric", "f1,acsa", *options, cwd=results.parent)
    assert (run.returncode, run.stdout) == (0, "")
    written = {form: (results.parent / name).read_text() for form, name in forms.items()}
    assert r"\toprule" in written["latex"]
    assert "bench report" in written["latex"].splitlines()[1]
    assert "--metric f1,acsa" in written["latex"].splitlines()[1]
    assert "| US " in written["markdown"]
    assert len(list(csv.DictReader(io.StringIO(written["csv"])))) == 8
    assert len(json.loads(written["json"])["tables"]) == 2
    assert not list(results.parent.glob(".*"))


def test_a_form_without_a_file_goes_to_standard_output_alone(results):
    run = bench(results, "--json", cwd=results.parent)
    assert run.returncode == 0
    assert [table["metric"] for table in json.loads(run.stdout)["tables"]] == [
        "f1",
        "f1_balanced",
        "acsa",
    ]


def test_vs_paper(results):
    run = bench(results, "--vs-paper", cwd=results.parent)
    assert run.returncode == 0
    assert "beside the published Horse2Zebra" in run.stdout


def test_comparisons_ranks_and_claims_stand_in_place_of_tables(results):
    run = bench(results, "--compare", "us,vanilla", "--claims", cwd=results.parent)
    assert (run.returncode, run.stderr) == (0, "")
    assert "US won 2 of 2 paired runs against Vanilla, mean difference" in run.stdout
    assert "- 1. Vanilla collapses at the smallest count" in run.stdout
    assert "mean over seeds" not in run.stdout
    again = bench(
        results, "--compare", "us", "--compare", "vanilla", "--claims", cwd=results.parent
    )
    assert again.stdout == run.stdout
    run = bench(results, "--compare", "us,vanilla", "--json", "a.json", cwd=results.parent)
    (row,) = json.loads((results.parent / "a.json").read_text())["comparisons"]
    assert (row["metric"], row["verdict"], row["won"]) == ("f1", "few", 2)


def test_ranks_and_their_diagram(results, make_record):
    store = Store(results)
    for recipe, count in (("vanilla", 50), ("us", 50), ("cs", 25), ("cs", 50)):
        store.put(make_record(recipe, count, 0, 0.4, cell={"dataset": "horse2zebra"}))
    run = bench(results, "--ranks", "--diagram", "r.png", cwd=results.parent)
    assert run.returncode == 0
    assert "average ranks over 2 cells by F1 of the minority" in run.stdout
    assert run.stderr == "wrote r.png\n"
    alone = bench(results, "--diagram", "s.svg", "--metric", "acsa", cwd=results.parent)
    assert (alone.returncode, alone.stdout) == (0, "")
    assert "<svg" in (results.parent / "s.svg").read_text()


def test_side_by_side(results):
    run = bench(results, "--side-by-side", cwd=results.parent)
    assert run.returncode == 0
    assert "25 f1" in run.stdout
    assert "25 f1_balanced" in run.stdout
    assert run.stdout.count("horse2zebra: f1, f1_balanced, acsa") == 1


def test_cells_that_a_run_was_asked_for_are_holes(results, make_record):
    from imbench.records.cell import Grid
    from imbench.records.planned import write_plan

    cell = Store(results).records()[0].cell
    grid = Grid(
        datasets=("horse2zebra",),
        minority={"horse2zebra": (25, 50)},
        majority={"horse2zebra": None},
        methods=("vanilla",),
        seeds=(0, 1, 2),
        settings=cell.settings,
    )
    write_plan(
        results,
        grid,
        fingerprints={"horse2zebra": cell.fingerprint},
        recipes={"vanilla": {}},
        missing=(),
        command="bench run",
    )
    run = bench(results, "--metric", "f1", cwd=results.parent)
    assert ".300 [.00,.94] 2/3 " in run.stdout
    assert "every cell with a score: 2 of 3 seeds: seed 2 not run" in run.stdout
    assert "-- not run" in run.stdout


def test_metrics_may_be_repeated_and_duplicates_merge(results):
    run = bench(results, "--metric", "acsa,f1", "--metric", "f1", "--csv", cwd=results.parent)
    metrics = [line["metric"] for line in csv.DictReader(io.StringIO(run.stdout))]
    assert metrics == ["acsa", "f1"] * 4


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (["--metric", "f1_balance"], 2, "did you mean f1_balanced"),
        (["--metric", ","], 2, "the list of metrics is empty"),
        (["--latex", "--csv"], 2, "only one of --latex, --csv"),
        (["--latex", "."], 2, "write `bench report . --latex`"),
        (["--vs-paper", "--metric", "acsa"], 2, "F1 only"),
        (["--bold", "all"], 2, "not-worse"),
        (["--compare", "us,smoet"], 2, "did you mean smote"),
        (["--compare", ","], 2, "the list of methods to compare is empty"),
        (["--compare", "us,smote"], 3, "no record of smote"),
        (["--ranks"], 3, "ranks need three methods"),
        (["--claims", "--vs-paper"], 2, "leave out --vs-paper"),
        (["--side-by-side", "--vs-paper"], 2, "exclude each other"),
        (["--claims", "--macros"], 2, "--macros holds numbers of the tables"),
        (["--claims", "--compare", "us,vanilla", "--csv"], 2, "CSV has one kind of row: ask for"),
        (["--diagram", "r.bmp"], 3, "ranks need three methods"),
        (["--diagram", "r.png", "--metric", "f1,acsa"], 2, "name one with --metric"),
        (["--csv", "/proc/no/such.csv"], 4, "/proc/no"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(results, options, code, said):
    run = bench(results, *options, cwd=results.parent)
    assert run.returncode == code
    assert said in run.stderr
    assert "Traceback" not in run.stderr


def test_row_28_no_folder_and_no_records_are_nothing_comparable(tmp_path):
    run = bench(cwd=tmp_path)
    assert run.returncode == 3
    assert "there is no results folder 'results': run `bench run` first" in run.stderr
    assert len(run.stderr.splitlines()) == 1
    assert not list(tmp_path.iterdir())
    (tmp_path / "results").mkdir()
    run = bench(cwd=tmp_path)
    assert run.returncode == 3
    assert "holds no records" in run.stderr


def test_row_10_an_edited_record_is_flagged_and_a_broken_one_left_out(results):
    edited, broken, *_ = sorted(results.glob("*/*/*/*.json"))
    edited.write_text(edited.read_text().replace('"f1":0.5', '"f1":0.9'))
    broken.write_text(broken.read_text()[:100])
    run = bench(results, "--metric", "f1", cwd=results.parent)
    assert run.returncode == 0
    assert "WARNING: 1 record with a wrong checksum" in run.stdout
    assert "1/2" in run.stdout
    assert broken.exists()  # a report only reads


@pytest.mark.parametrize(("encoding", "name"), [("ascii", "caf\\xe9"), ("latin-1", "caf\xe9")])
def test_it_prints_in_any_encoding(results, make_record, encoding, name):
    Store(results).put(make_record("caf\xe9"))
    run = bench(results, cwd=results.parent, encoding=encoding, PYTHONIOENCODING=encoding)
    assert run.returncode == 0
    assert f"\n{name} " in run.stdout


def test_columns_of_the_terminal_are_kept(results):
    run = bench(results, cwd=results.parent, COLUMNS="50")
    assert max(map(len, run.stdout.splitlines())) <= 50


def test_help_imports_nothing_heavy():
    code = (
        "import sys, imbench.commands.report\n"
        "print(*{'numpy', 'pydantic', 'sklearn', 'pandas', 'torch'} & set(sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == ""
