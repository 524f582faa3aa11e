"""docs/adding.md, tried: its code is taken from the page, installed as a package, and used."""

import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[1] / "docs" / "adding.md"
BENCH = Path(sysconfig.get_path("scripts")) / "bench"


def blocks(page: str) -> dict[str, str]:
    """Return the code blocks of a page that begin with ``# path/of/a/file``, by that path."""
    found = {}
    for text in re.findall(r"^```\w+\n(.*?)^```$", page, flags=re.DOTALL | re.MULTILINE):
        first, _, rest = text.partition("\n")
        if re.fullmatch(r"# [\w/]+\.\w+", first):
            found[first.removeprefix("# ")] = rest
    return found


def call(*command: object, cwd: Path, site: Path, **extra: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(site), "PYTHONSAFEPATH": "1", **extra}
    return subprocess.run(
        [str(word) for word in command], cwd=cwd, env=environment, capture_output=True, text=True
    )


def install(source: Path, site: Path) -> None:
    """Install a package into a folder as pip does, without its dependencies."""
    options = ("--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--target", site)
    done = call(
        *(sys.executable, "-m", "pip", "install", *options, source), cwd=source, site=source
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def extra(tmp_path_factory) -> Path:
    """Return the site folder with the page's package, installed."""
    source = tmp_path_factory.mktemp("imbench-extra")
    for path, text in blocks(PAGE.read_text("utf-8")).items():
        (source / path).parent.mkdir(exist_ok=True)
        (source / path).write_text(text)
    (source / "imbench_extra" / "__init__.py").touch()
    site = tmp_path_factory.mktemp("site")
    install(source, site)
    (site / "test_contract.py").write_text((source / "tests/test_contract.py").read_text())
    return site


def test_the_page_has_the_files_it_speaks_of():
    assert set(blocks(PAGE.read_text("utf-8"))) == {
        "pyproject.toml",
        "imbench_extra/bsoftmax.py",
        "imbench_extra/dots.py",
        "imbench_extra/mlp.py",
        "imbench_extra/youden.py",
        "tests/test_contract.py",
    }


def test_the_pages_package_keeps_the_contract(extra, tmp_path):
    done = call(
        *(sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider"),
        extra / "test_contract.py",
        cwd=tmp_path,
        site=extra,
    )
    assert "1 passed" in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("kind", "name"),
    [("methods", "bsoftmax"), ("datasets", "dots"), ("metrics", "youden"), ("networks", "mlp")],
)
def test_its_names_are_listed(extra, tmp_path, kind, name):
    done = call(BENCH, "list", kind, cwd=tmp_path, site=extra)
    assert done.returncode == 0, done.stderr
    assert re.search(rf"^\W*{name}\b", done.stdout, flags=re.MULTILINE), done.stdout


@pytest.fixture(scope="module")
def results(extra, tmp_path_factory) -> Path:
    """Return the results of the page's data set, method and network, run in two workers."""
    folder = tmp_path_factory.mktemp("run")
    done = call(
        *(BENCH, "run", "--datasets", "dots", "--minority", "20", "--seeds", "0,1", "--size", "16"),
        *("--methods", "vanilla,bsoftmax,bsoftmax:tau=0.5+ts", "--network", "mlp:width=8"),
        *("--steps", "5", "--jobs", "2", "--out", folder / "results"),
        cwd=folder,
        site=extra,
        IMBENCH_CACHE=str(folder / "cache"),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "results"


def test_its_data_set_method_and_network_run_in_workers(results):
    from imbench.store import Store

    records = Store(results).records()
    assert sorted((record.cell.recipe, record.cell.seed) for record in records) == sorted(
        (recipe, seed)
        for recipe in ("vanilla", "bsoftmax", "bsoftmax:tau=0.5+ts")
        for seed in (0, 1)
    )
    assert {record.status for record in records} == {"ok"}
    assert {record.cell.settings.network for record in records} == {"mlp:width=8"}
    assert {tuple(record.train_counts) for record in records} == {(120, 20)}
    assert {tuple(record.test_counts) for record in records} == {(40, 40)}


def test_its_metric_is_reported_and_its_method_has_its_title(extra, results, tmp_path):
    done = call(BENCH, "report", results, "--metric", "youden", cwd=tmp_path, site=extra)
    assert done.returncode == 0, done.stderr
    assert "youden" in done.stdout
    assert "BSoftmax tau=0.5+TS" in done.stdout


def test_without_the_package_the_old_results_are_still_reported(results, tmp_path):
    done = call(BENCH, "report", results, "--metric", "f1", cwd=tmp_path, site=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "bsoftmax" in done.stdout


def test_a_method_in_a_file_runs_without_being_installed(extra, tmp_path):
    (tmp_path / "mine.py").write_text((extra / "imbench_extra" / "bsoftmax.py").read_text())
    done = call(
        *(BENCH, "run", "--datasets", "digits", "--minority", "20", "--seeds", "0", "--size", "8"),
        *("--methods", "mine.py:BalancedSoftmax:tau=0.5", "--network", "linear", "--steps", "3"),
        *("--jobs", "2", "--out", tmp_path / "results"),
        cwd=tmp_path,
        site=tmp_path,
        IMBENCH_CACHE=str(tmp_path / "cache"),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "BSoftmax" in call(BENCH, "report", cwd=tmp_path, site=tmp_path).stdout
