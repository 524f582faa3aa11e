"""What an import pulls in, what modules promise to hold, and calls no source may make."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path
from pkgutil import walk_packages

import pytest

import imbench

ELSEWHERE = ("imbench.methods", "imbench.datasets", "imbench.published")
"""Packages whose folders do not lie in that of `imbench` in a checkout."""
PACKAGES = sorted(
    {"imbench", *ELSEWHERE}
    | {found.name for found in walk_packages(imbench.__path__, "imbench.") if found.ispkg}
)
SOURCES = {
    f"{package}.{file.stem}".removesuffix(".__init__"): file
    for package in PACKAGES
    for file in Path(importlib.import_module(package).__file__).parent.glob("*.py")
}
"""Module name to its file, wherever the package is installed."""
MODULES = sorted(name for name in SOURCES if not name.endswith(".__main__"))


def pulled_in(code: str) -> set[str]:
    """Return the top-level modules that `code` adds to those of a bare interpreter."""
    told = (
        "import sys; before = set(sys.modules)\n"
        f"{code}\n"
        "print(*{name.partition('.')[0] for name in set(sys.modules) - before})"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", told], capture_output=True, text=True, check=True
    )
    return set(done.stdout.splitlines()[-1].split())


def test_the_package_itself_pulls_in_the_standard_library_only():
    found = pulled_in("import imbench")
    assert "imbench" in found
    assert found - sys.stdlib_module_names == {"imbench"}


def test_listing_names_pulls_in_the_standard_library_only():
    found = pulled_in(
        "from imbench import registry\n"
        "assert all(registry.registered_names(kind) for kind in registry.KINDS)\n"
        "assert registry.list_plugins()"
    )
    assert found - sys.stdlib_module_names == {"imbench"}


LIGHT = {
    "recipes": "from imbench.training.recipe import PAPER_METHODS, parse_recipe\n"
    "for text in (*PAPER_METHODS, 'aug-da', 'generated:here', 'alt:gamma=cbl+cs'):"
    " parse_recipe(text)",
    "cells": "from imbench.records.cell import Cell\n"
    "Cell(dataset='digits', fingerprint='0', minority=2, recipe='vanilla', seed=0).key",
    "records": "import imbench.records.record",
    "subsets": "import imbench.images.subsets",
    "metrics": "from imbench.stats.metrics import score_all\n"
    "import numpy as np\n"
    "score_all(np.array([0, 1]), np.eye(2))",
    "help": "from imbench.commands.cli import cli\ncli(['--help'], standalone_mode=False)",
    "plans": "from imbench.commands.cli import cli\n"
    "cli(['run', '--dry-run', '--out', '/nonexistent'], standalone_mode=False)",
    "reports": "import imbench.report.report",
    "the page": "import imbench.page.page",
    "plots": "import imbench.page.paper_plots",
    "decoded images": "import imbench.images.cache",
}


def test_help_pulls_in_click_only():
    assert pulled_in(LIGHT["help"]) - sys.stdlib_module_names == {"click", "imbench"}


@pytest.mark.parametrize("what", LIGHT)
def test_torch_is_not_imported_for(what):
    found = pulled_in(LIGHT[what])
    assert "imbench" in found
    assert not found & {"torch", "torchvision", "imblearn"}


NAMED = (
    "from imbench.records.groups import method_title\n"
    "from imbench.training.recipe import PAPER_METHODS\n"
    "print([method_title(recipe) for recipe in (*PAPER_METHODS, 'la', 'tuned', 'crt')])"
)


def test_neither_scikit_learn_nor_pandas_is_imported_to_name_methods():
    """They take 145 MB, which a report has no use for."""
    found = pulled_in(f"{LIGHT['reports']}\n{LIGHT['the page']}\n{LIGHT['recipes']}\n{NAMED}")
    assert not found & {"sklearn", "pandas", "pyarrow"}


@pytest.mark.parametrize("name", MODULES)
def test_a_module_has_what_it_lists(name):
    module = importlib.import_module(name)
    listed = getattr(module, "__all__", None)
    if hasattr(module, "__path__"):
        listed = listed or []
    assert listed is not None, f"{name} has no __all__"
    assert len(set(listed)) == len(listed)
    for attribute in listed:
        assert hasattr(module, attribute), f"{name}.__all__ lists {attribute}, which is not there"


def test_the_modules_were_found():
    assert {"imbench.methods.smote", "imbench.datasets.digits", "imbench.training.loop"} <= set(
        MODULES
    )


OWN_BYTES = {"imbench.training.checks: pickle.loads"}
"""Calls that unpickle what the same function has just pickled."""
UNPICKLERS = {
    "pickle.load",
    "pickle.loads",
    "pickle.Unpickler",
    "joblib.load",
    "pandas.read_pickle",
    "torch.jit.load",
    "torch.hub.load",
}
UNPICKLERS |= {"pd.read_pickle", "dill.load", "dill.loads", "cloudpickle.load", "cloudpickle.loads"}
TORCH_READERS = {"get_state_dict", "load_state_dict_from_url"}
"""Those of torchvision and torch.hub, which unpickle what lies in the user's cache."""
UNPACKERS = {"extract_archive", "download_and_extract_archive", "Untar", "unpack_archive"}


def forbidden(source: str) -> list[str]:
    """Return the calls and names in a source text that would trust a file too much."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute | ast.Name | ast.alias):
            name = node.name if isinstance(node, ast.alias) else ast.unparse(node)
            if name.rpartition(".")[2] in UNPACKERS:
                found.append(name)
            if name in UNPICKLERS:
                found.append(name)
        if isinstance(node, ast.ImportFrom) and node.module in {"pickle", "joblib", "dill"}:
            found += [f"{node.module}.{a.name}" for a in node.names if a.name in {"load", "loads"}]
        if isinstance(node, ast.Call):
            found += _trusting(ast.unparse(node.func), node)
    return found


def _trusting(name: str, call: ast.Call) -> list[str]:
    given = {word.arg: ast.unparse(word.value) for word in call.keywords}
    last = name.rpartition(".")[2]
    reads = name == "torch.load" or last in TORCH_READERS
    if reads and given.get("weights_only") != "True":
        return [name]
    if name in {"np.load", "numpy.load"} and given.get("allow_pickle", "False") != "False":
        return [f"{name} with allow_pickle"]
    if name.endswith(".extractall") and given.get("filter") not in ("'data'", '"data"'):
        return [name]
    return []


@pytest.mark.parametrize("name", SOURCES)
def test_row_18_no_source_trusts_a_file_too_much(name):
    calls = {f"{name}: {call}" for call in forbidden(SOURCES[name].read_text("utf-8"))}
    assert calls <= OWN_BYTES


@pytest.mark.parametrize(
    "bad",
    [
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "Weights.IMAGENET1K_V1.get_state_dict(progress=False)",
        "torch.hub.load_state_dict_from_url(url)",
        "pickle.load(file)",
        "from pickle import loads",
        "joblib.load(path)",
        "np.load(path, allow_pickle=True)",
        "from torchvision.datasets.utils import extract_archive",
        "pooch.Untar()",
        "shutil.unpack_archive(path)",
        "tarfile.open(path).extractall(folder)",
    ],
)
def test_the_search_for_such_calls_finds(bad):
    assert forbidden(bad)


def test_the_search_for_such_calls_lets_safe_ones_pass():
    assert not forbidden("torch.load(path, weights_only=True)\nnp.load(path, allow_pickle=False)")
    assert not forbidden("json.load(file)\ntar.extractall(folder, filter='data')")
