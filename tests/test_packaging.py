"""The wheel and the source distribution hold the package, all of it, and nothing else."""

import os
import shutil
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MAPPED = {
    "benchmark": "imbench",
    "methods": "imbench/methods",
    "datasets": "imbench/datasets",
    "results/published": "imbench/published",
}
"""Folder of the repository to its place in the wheel; folders in it lie in that place."""
FOLDERS = {
    folder.relative_to(ROOT).as_posix(): f"{place}{folder.as_posix()[len(f'{ROOT}/{top}') :]}"
    for top, place in MAPPED.items()
    for folder in sorted({module.parent for module in (ROOT / top).rglob("*.py")})
}
"""Folder of the repository to the place in the wheel."""
DATA = {
    "benchmark": {"py.typed"},
    "benchmark/runs/grids": {".toml"},
    "benchmark/page/templates": {".css", ".html", ".js"},
    "results/published": {".csv"},
}
"""Folder to what is packaged of it beside its modules: names or suffixes."""


def packaged(folder: str) -> dict[str, str]:
    """Return the files of a folder that must be packaged: path in the repository to the wheel's."""
    kinds = {".py"} | DATA.get(folder, set())
    return {
        f"{folder}/{file.name}": f"{FOLDERS[folder]}/{file.name}"
        for file in (ROOT / folder).iterdir()
        if file.is_file() and (file.suffix in kinds or file.name in kinds)
    }


FILES = {inside: place for folder in FOLDERS for inside, place in packaged(folder).items()}


@pytest.fixture(scope="session")
def built(tmp_path_factory) -> Path:
    """Return a folder with a wheel and a source distribution, built from a copy.

    Nothing of an earlier build is in the copy but the links of a strict editable installation.
    """
    copy = tmp_path_factory.mktemp("source") / "imbench"
    copy.mkdir()
    for name in ("benchmark", "methods", "datasets", "tests", "docs"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "results/published", copy / "results/published")
    for name in ("pyproject.toml", "README.md", "LICENSE", "MANIFEST.in"):
        shutil.copy(ROOT / name, copy / name)
    (copy / "dist").mkdir()
    hook = (
        "from setuptools import build_meta as hooks\n"
        "hooks.build_editable('dist', {'editable_mode': 'strict'})"
    )
    out = tmp_path_factory.mktemp("dist")
    for command in (
        ["-c", hook],
        ["-m", "build", "--no-isolation", "--outdir", out],
        ["-m", "build", "--no-isolation", "--outdir", out / "direct", "--wheel"],
    ):
        words = [sys.executable, "-P", *map(str, command)]
        done = subprocess.run(words, cwd=copy, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
    assert list(copy.glob("build/__editable__.imbench-*/imbench/training/loop.py"))
    return out


@pytest.fixture(scope="session")
def wheel(built) -> Path:
    (path,) = built.glob("*.whl")
    return path


def test_the_folders_are_where_this_test_looks():
    assert len(FILES) > 60
    assert FILES["methods/smote.py"] == "imbench/methods/smote.py"
    assert FILES["results/published/published.csv"] == "imbench/published/published.csv"
    assert FILES["benchmark/py.typed"] == "imbench/py.typed"
    assert FILES["benchmark/page/templates/page.html"] == "imbench/page/templates/page.html"


def test_no_folder_with_modules_is_forgotten():
    named = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    assert set(named["packages"]) == {place.replace("/", ".") for place in FOLDERS.values()}
    assert named["package-dir"] == {place.replace("/", "."): top for top, place in MAPPED.items()}


def test_the_wheel_holds_the_package_and_nothing_else(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    package = {name for name in names if ".dist-info/" not in name}
    assert package == set(FILES.values())
    assert {name.partition("/")[0] for name in package} == {"imbench"}
    (direct,) = (wheel.parent / "direct").glob("*.whl")
    assert set(zipfile.ZipFile(direct).namelist()) == names


def test_the_wheel_says_who_may_use_it_and_registers_its_names(wheel):
    with zipfile.ZipFile(wheel) as archive:
        info = {
            name.partition(".dist-info/")[2]: archive.read(name).decode()
            for name in archive.namelist()
            if ".dist-info/" in name and not name.endswith("RECORD")
        }
    assert "MIT License" in info["licenses/LICENSE"]
    assert "License-Expression: MIT" in info["METADATA"]
    assert "bench = imbench.commands.cli:main" in info["entry_points.txt"]
    for kind in ("methods", "datasets", "networks", "metrics", "maps"):
        assert f"[imbench.{kind}]" in info["entry_points.txt"]


def test_the_source_distribution_holds_what_the_wheel_is_built_from(built):
    (path,) = built.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        names = {member.name.partition("/")[2] for member in archive if member.isfile()}
    made = {name for name in names if ".egg-info/" in name} | {"PKG-INFO", "setup.cfg"}
    assert names - made == set(FILES) | {"pyproject.toml", "README.md", "LICENSE", "MANIFEST.in"}


def test_what_is_installed_is_what_the_folders_hold():
    """Also in an editable installation, where the files are the folders'."""
    told = (
        "import importlib, sys\n"
        "from pathlib import Path\n"
        "for name in sys.argv[1:]:\n"
        "    module = importlib.import_module(name)\n"
        "    for file in Path(module.__file__).parent.iterdir():\n"
        "        if file.is_file():\n"
        "            print(f\"{name.replace('.', '/')}/{file.name}\")"
    )
    names = [place.replace("/", ".") for place in FOLDERS.values()]
    done = subprocess.run(
        [sys.executable, "-P", "-c", told, *names], capture_output=True, text=True, check=True
    )
    assert set(done.stdout.splitlines()) == set(FILES.values())


@pytest.mark.parametrize("name", ["datasets", "methods"])
def test_a_plugin_folder_refuses_to_be_imported_by_its_own_name(name):
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONSAFEPATH"}
    done = subprocess.run(
        [sys.executable, "-c", f"import {name}"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert f"ImportError: this folder is imbench.{name}; it was imported as '{name}'" in done.stderr
    assert "run from another folder or set PYTHONSAFEPATH=1" in done.stderr


UNREACHABLE = ("No matching distribution found", "ConnectionError", "Max retries", "timed out")


@pytest.mark.slow
@pytest.mark.network
def test_imbench_and_hugging_face_datasets_live_in_one_environment(wheel, tmp_path):
    home = tmp_path / "env"
    venv.create(home, with_pip=True)
    python = home / "bin" / "python"

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(python), "-P", *arguments], capture_output=True, text=True, cwd=tmp_path
        )

    done = run("-m", "pip", "install", "--quiet", "datasets")
    if done.returncode and any(word in done.stderr for word in UNREACHABLE):
        pytest.skip(f"pip cannot get Hugging Face's datasets: {done.stderr.splitlines()[-1]}")
    assert done.returncode == 0, done.stderr
    done = run("-m", "pip", "install", "--quiet", "--no-deps", str(wheel))
    assert done.returncode == 0, done.stderr
    done = run(
        "-c",
        "import datasets, imbench.datasets, imbench.datasets.digits\n"
        "print(datasets.Dataset.from_dict({'a': [1, 2]}).num_rows)\n"
        "print(datasets.__name__, datasets.__file__)\n"
        "print(imbench.datasets.__name__, imbench.datasets.__file__)",
    )
    assert done.returncode == 0, done.stderr
    rows, theirs, ours = done.stdout.splitlines()
    assert rows == "2"
    assert theirs.endswith("site-packages/datasets/__init__.py")
    assert ours.endswith("site-packages/imbench/datasets/__init__.py")
    # Theirs is whole: pip finds every file it installed, ours gone again or not.
    assert run("-m", "pip", "uninstall", "--quiet", "--yes", "imbench").returncode == 0
    assert run("-c", "import datasets; datasets.Dataset").returncode == 0
    assert "No module named 'imbench'" in run("-c", "import imbench").stderr
