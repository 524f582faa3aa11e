"""docs/adding.md, tried: its code is taken from the page, installed as a package, and used."""

import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import numpy as np
import pytest
from places import before_others

from imbench import Method
from imbench.registry import load_plugin
from imbench.training.augment import parse_augment
from imbench.training.part import HOOKS
from imbench.training.transform import try_transform

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
    environment = {**os.environ, "PYTHONPATH": before_others(site), "PYTHONSAFEPATH": "1", **extra}
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
        "imbench_extra/gradient.py",
        "imbench_extra/mlp.py",
        "imbench_extra/patches.py",
        "imbench_extra/youden.py",
        "shade.py",
        "tests/test_contract.py",
    }


def test_the_pages_augmentation_can_be_used(tmp_path):
    (tmp_path / "shade.py").write_text(blocks(PAGE.read_text("utf-8"))["shade.py"])
    (step,) = parse_augment(f"{tmp_path}/shade.py:shade")
    try_transform(step, (8, 8, 3))


EVERY_HOOK = """
from torch.nn.functional import cross_entropy

from imbench import Part

CALLED = []


class Every(Part):
    def losses(self, logits, y, counts):
        CALLED.append("losses")
        return cross_entropy(logits, y, reduction="none")


def recording(hook):
    def recorded(self, *arguments):
        CALLED.append(hook)
        return getattr(Part, hook)(self, *arguments)

    return recorded


for hook in {hooks}:
    setattr(Every, hook, recording(hook))
"""


def test_the_page_has_every_hook_in_the_order_in_which_they_are_called(tmp_path):
    page = PAGE.read_text("utf-8")
    told = re.findall(r"^\| `(\w+)` \|", page, flags=re.MULTILINE)
    assert set(told) == {"beside", "foresee", *HOOKS}
    told.remove("foresee")  # of the plan: a fit does not call it
    file = tmp_path / "every.py"
    file.write_text(EVERY_HOOK.format(hooks=set(told) - {"losses"}))
    images = np.random.default_rng(0).integers(0, 256, (8, 8, 8, 1), dtype=np.uint8)
    method = Method(f"{file}:Every", network="linear", steps=1, batch_size=4)
    method.fit(images, np.repeat([0, 1], 4)).predict_proba(images)
    called = load_plugin("methods", f"{file}:CALLED")
    assert list(dict.fromkeys(called)) == told


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
    [
        ("methods", "bsoftmax"),
        ("datasets", "dots"),
        ("metrics", "youden"),
        ("networks", "mlp"),
        ("backbones", "patches"),
    ],
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


@pytest.mark.slow
def test_its_data_set_method_and_network_run_in_workers(results):
    from imbench.records.store import Store

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


@pytest.mark.slow
def test_its_metric_is_reported_and_its_method_has_its_title(extra, results, tmp_path):
    done = call(BENCH, "report", results, "--metric", "youden", cwd=tmp_path, site=extra)
    assert done.returncode == 0, done.stderr
    assert "youden" in done.stdout
    assert "BSoftmax tau=0.5+TS" in done.stdout


@pytest.mark.slow
def test_without_the_package_the_old_results_are_still_reported(results, tmp_path):
    done = call(BENCH, "report", results, "--metric", "f1", cwd=tmp_path, site=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "bsoftmax" in done.stdout


@pytest.mark.slow
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
    # Not by its title: a report imports no file that a record names.
    told = call(BENCH, "report", cwd=tmp_path, site=tmp_path).stdout
    assert "mine.py:BalancedSoftmax:tau=0.5" in told
    assert "BSoftmax" not in told


BAD_POINTS = """
[imbench.methods]
us = imbench_bad:Fine
nopart = imbench_bad:NoPart
unfound = imbench_bad_unfound:Part

[imbench.datasets]
unread = imbench_bad:NoPart

[imbench.metrics]
odd = imbench_bad_unfound:odd
"""
BAD_MODULE = "from imbench import Part\nclass Fine(Part): pass\nclass NoPart: pass\n"


@pytest.fixture(scope="module")
def bad(tmp_path_factory) -> Path:
    """Return the site folder with a package that clashes, cannot be imported, and is no plug-in."""
    site = tmp_path_factory.mktemp("bad-site")
    info = site / "imbench_bad-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: imbench-bad\nVersion: 0.1.0\n")
    (info / "entry_points.txt").write_text(BAD_POINTS)
    (site / "imbench_bad.py").write_text(BAD_MODULE)
    return site


FAULTS = {
    "us": "registered by imbench and imbench-bad; uninstall one of them",
    "nopart": "it is not a subclass of imbench.Part",
    "unfound": "No module named 'imbench_bad_unfound'",
    "unread": "it is not a subclass of imbench.Dataset",
    "odd": "No module named 'imbench_bad_unfound'",
}


@pytest.mark.parametrize("command", [("list", "plugins"), ("doctor",)])
def test_row_22_a_bad_plugin_is_named_with_its_fault(bad, tmp_path, command):
    done = call(BENCH, *command, cwd=tmp_path, site=bad, IMBENCH_CACHE=str(tmp_path / "cache"))
    assert done.returncode == 0, done.stderr
    for name, fault in FAULTS.items():
        (line, *_) = [one for one in done.stdout.splitlines() if re.search(rf"\b{name}\b", one)]
        assert fault in line
    if command == ("list", "plugins"):
        kept = [one for one in done.stdout.splitlines() if one.endswith("  ok")]
        assert len(kept) > 25
        assert len(done.stdout.splitlines()) == len(kept) + len(FAULTS) + 1  # us, twice


@pytest.mark.parametrize("name", ["us", "nopart", "unfound"])
def test_row_22_to_select_a_bad_method_ends_with_2(bad, tmp_path, name):
    done = call(
        *(BENCH, "run", "--datasets", "digits", "--minority", "9", "--methods", f"vanilla,{name}"),
        cwd=tmp_path,
        site=bad,
        IMBENCH_CACHE=str(tmp_path / "cache"),
    )
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("bench: ")
    assert FAULTS[name] in done.stderr
    assert not list(tmp_path.glob("results/*/*"))


@pytest.mark.slow
def test_row_22_to_select_a_bad_data_set_or_metric_ends_with_2_and_the_rest_works(bad, tmp_path):
    def bench(*words: str) -> subprocess.CompletedProcess[str]:
        return call(BENCH, *words, cwd=tmp_path, site=bad, IMBENCH_CACHE=str(tmp_path / "cache"))

    done = bench("run", "--datasets", "unread", "--minority", "9", "--methods", "vanilla")
    assert done.returncode == 2, done.stderr
    assert "unread" in done.stderr
    tiny = ("--minority", "9", "--seeds", "0", "--network", "linear", "--steps", "2", "--size", "8")
    done = bench("run", "--datasets", "digits", "--methods", "vanilla,os", *tiny, "--jobs", "1")
    assert done.returncode == 0, done.stderr
    done = bench("report", "--metric", "odd")
    assert done.returncode == 2
    assert FAULTS["odd"] in done.stderr
    assert bench("report", "--metric", "f1").returncode == 0
