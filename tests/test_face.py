"""What `imbench` itself offers: exactly `__all__`, each name imported when it is first used."""

import ast
import json
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import imbench

PAGE = Path(__file__).resolve().parents[1] / "docs" / "python.md"
NEED_TORCH = {
    "Method",
    "TrainState",
    "TrainedNetwork",
    "check_dataset",
    "check_metric",
    "check_network",
    "check_part",
    "load_model",
    "save_model",
}


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def imported_for_types() -> dict[str, str]:
    """Return what the package imports where only type checkers look: name to module."""
    source = Path(imbench.__file__).read_text("utf-8")
    return {
        alias.name: node.module.removeprefix("imbench.")
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ImportFrom) and node.module.startswith("imbench.")
        for alias in node.names
    }


def test_the_names_are_sorted_and_there_is_no_other():
    assert len(set(imbench.__all__)) == len(imbench.__all__)  # ruff keeps them sorted
    assert dir(imbench) == sorted(imbench.__all__)
    homes = {name: module for module, names in imbench._MODULES.items() for name in names}
    assert set(homes) == set(imbench.__all__) - {"__version__"}
    assert homes == imported_for_types(), "type checkers see another module than Python"
    with pytest.raises(AttributeError, match="module 'imbench' has no attribute 'Prat'"):
        _ = imbench.Prat
    with pytest.raises(ImportError, match="cannot import name 'Prat'"):
        exec("from imbench import Prat")


@pytest.mark.parametrize("name", sorted(set(imbench.__all__) - {"__version__"}))
def test_a_name_is_that_of_its_module_and_has_a_docstring(name):
    found = getattr(imbench, name)
    (home,) = (module for module, names in imbench._MODULES.items() if name in names)
    module = import_module(f"imbench.{home}")
    assert found is getattr(module, name)
    assert name in module.__all__
    if isinstance(found, type):
        assert vars(found).get("__doc__"), f"{name} has no docstring of its own"
    assert found.__doc__, f"{name} has no docstring"


def test_the_page_says_what_each_name_is_for():
    rows = re.findall(r"^\| (`.*?) \| (.+?) \|$", PAGE.read_text("utf-8"), re.M)
    told = [name for names, _ in rows for name in re.findall(r"`(\w+)`", names)]
    assert sorted(told) == sorted(imbench.__all__)


def test_a_star_import_gives_all_names():
    code = "from imbench import *; import json; print(json.dumps(sorted(globals())))"
    assert set(imbench.__all__) <= set(json.loads(run(code)))


def test_only_names_that_need_torch_import_it():
    light = sorted(set(imbench.__all__) - NEED_TORCH)
    assert "Part" in light
    run(
        "import sys, imbench\n"
        f"for name in {light}:\n"
        "    getattr(imbench, name)\n"
        "    assert 'torch' not in sys.modules, f'{name} imports torch'"
    )


def test_errors_and_the_version_need_the_standard_library_only():
    code = (
        "import sys, imbench\n"
        "imbench.UsageError, imbench.__version__\n"
        "print(*{name.partition('.')[0] for name in sys.modules})"
    )
    assert not {"numpy", "sklearn", "click"} & set(run(code).split())


def test_the_examples_of_the_page_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for text in re.findall(r"^```python\n(.*?)^```$", PAGE.read_text("utf-8"), re.S | re.M):
        exec(text, names)
