"""Every part, network, setting and option of a run says what it may be, before anything starts."""

from __future__ import annotations

import inspect

import pytest

from imbench.commands.cli import exit_code
from imbench.constraints import Constraint
from imbench.records.cell import Settings
from imbench.registry import load_plugin, registered_names
from imbench.runs.options import LIMITS
from imbench.training.budget import SETTINGS

HOSTILE = {
    "nan": "nan",
    "inf": "inf",
    "negative": "-1",
    "large": "1e308",
    "text": "lots",
    "empty": "",
    "true": "true",
    "power": "10^18",
    "quintillion": str(10**18),
    "endless": "9" * 5000,
    "superscript": "²",
    "arabic": "٣",
}
MEANT = {("summed", "true"), ("da", "true"), ("each", "true")}
"""What of it a parameter may really be."""
SMALL = [
    ("--datasets", "digits"),
    ("--minority", "20"),
    ("--methods", "vanilla"),
    ("--seeds", "0"),
    ("--network", "linear"),
    ("--steps", "1"),
]
"""A run of a second, should one be started."""
OURS = [name for name in registered_names("methods") if name != "imblearn"]
NEEDED = {"cbl": "beta=0.9,", "generated": "path=nowhere,"}


def parameters(kind, name):
    """Return the options of a plug-in."""
    known = list(inspect.signature(load_plugin(kind, name)).parameters)
    return known[2:] if kind == "networks" else known


@pytest.fixture
def refused(tmp_path, capsys, monkeypatch):
    """Return a function that runs `bench run` and checks that it ends in a sentence at once."""
    monkeypatch.chdir(tmp_path)

    def run(*words, code=2):
        capsys.readouterr()
        others = [word for option in SMALL if option[0] not in words for word in option]
        ended = exit_code(["run", *others, *words])
        said = capsys.readouterr()
        assert ended == code, f"{words} ended with {ended}: {said.err}"
        (line,) = said.err.splitlines()
        assert len(line) < 500
        assert not any(tmp_path.rglob("*.json")), words
        return line

    return run


@pytest.mark.parametrize("name", OURS)
def test_every_parameter_of_a_part_declares_what_it_may_be(name):
    part = load_plugin("methods", name)
    assert set(parameters("methods", name)) == set(part.constraints)
    assert all(isinstance(constraint, Constraint) for constraint in part.constraints.values())


@pytest.mark.parametrize("name", OURS)
def test_a_part_with_a_value_that_it_cannot_have_is_refused(name, refused):
    for key in parameters("methods", name):
        needed = "" if f"{key}=" in NEEDED.get(name, "") else NEEDED.get(name, "")
        for value in HOSTILE.values():
            if (key, value) in MEANT:
                continue
            # Any text may be the name of a folder, which then is missing.
            code = 4 if key == "path" and value else 2
            line = refused("--methods", f"{name}:{needed}{key}={value}", code=code)
            assert name in line


@pytest.mark.parametrize("name", registered_names("networks"))
def test_a_network_with_a_value_that_it_cannot_have_is_refused(name, refused):
    declared = getattr(load_plugin("networks", name), "constraints", {})
    assert set(parameters("networks", name)) == set(declared)
    for key in [*declared, "nothing"]:
        for value in HOSTILE.values():
            line = refused("--network", f"{name}:{key}={value}")
            assert name in line or f"setting: {key}=" in line  # a size is the setting's


@pytest.mark.parametrize("key", Settings.model_fields)
def test_a_setting_that_cannot_be_is_refused(key, refused):
    assert {*SETTINGS, "code"} == set(Settings.model_fields)  # a plan finds the last itself
    for value in HOSTILE.values():
        assert key in refused("--set", f"{key}={value}")


@pytest.mark.parametrize("key", LIMITS)
def test_an_option_of_a_run_that_cannot_be_is_refused(key, refused):
    for value in HOSTILE.values():
        refused(f"--{key.replace('_', '-')}", value)


@pytest.mark.parametrize("key", ["seeds", "minority", "majority"])
def test_counts_and_seeds_that_cannot_be_are_refused(key, refused):
    for value in HOSTILE.values():
        refused(f"--{key}", value)


def test_a_grid_of_millions_is_refused_and_the_limit_can_be_lifted(refused):
    line = refused("--seeds", "0-99999", "--methods", "vanilla,us,os")
    assert "300000 cells" in line
    few = ("--seeds", "0-99", "--methods", "vanilla,us,os", "--minority", "20", "--dry-run")
    assert "300 cells" in refused(*few, "--max-cells", "299")
    assert exit_code(["run", "--datasets", "digits", *few, "--max-cells", "300"]) == 0
