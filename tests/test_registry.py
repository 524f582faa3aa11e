"""Names to plug-ins: real distributions in folders on sys.path."""

import subprocess
import sys

import pytest

from imbench import registry
from imbench.errors import UnknownName, UsageError


@pytest.fixture(autouse=True)
def fresh():
    registry.clear_cache()
    yield
    registry.clear_cache()


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Return a maker of an installed package: its entry points and its module's text."""

    def make(package, points, module="") -> None:
        site = tmp_path / package
        info = site / f"{package}-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        lines = [f"[imbench.{kind}]\n{name} = {target}\n" for kind, name, target in points]
        (info / "entry_points.txt").write_text("\n".join(lines))
        (site / f"{package}_code.py").write_text(module)
        monkeypatch.syspath_prepend(str(site))
        registry.clear_cache()

    return make


def test_every_registered_name_of_ours_loads():
    for kind in registry.KINDS:
        for name in registry.registered_names(kind):
            assert callable(registry.load_plugin(kind, name)), (kind, name)
    assert "us" in registry.registered_names("methods")
    assert "digits" in registry.registered_names("datasets")


def test_an_unknown_name_gets_the_nearest_ones():
    with pytest.raises(UnknownName, match=r"unknown method 'smot': did you mean smote\?"):
        registry.load_plugin("methods", "smot")
    with pytest.raises(UnknownName, match="unknown metric 'qqqq': known: accuracy, acsa"):
        registry.load_plugin("metrics", "qqqq")
    with pytest.raises(ValueError, match="no plug-in kind 'colours'; there are methods"):
        registry.registered_names("colours")


def test_a_package_adds_a_name(installed):
    installed("other", [("methods", "mine", "other_code:Mine")], "class Mine: pass")
    assert "mine" in registry.registered_names("methods")
    assert registry.load_plugin("methods", "mine").__name__ == "Mine"
    found = [plugin for plugin in registry.list_plugins() if plugin.name == "mine"]
    assert [(one.package, one.target, one.fault) for one in found] == [
        ("other", "other_code:Mine", None)
    ]


def test_row_22_a_clash_disables_the_name_and_nothing_else(installed):
    installed("first", [("methods", "cs", "first_code:Mine")], "class Mine: pass")
    assert "cs" not in registry.registered_names("methods")
    assert "us" in registry.registered_names("methods")
    says = "method name 'cs' is registered by first and imbench; uninstall one of them"
    with pytest.raises(UsageError, match=says):
        registry.load_plugin("methods", "cs")
    faults = [plugin.fault for plugin in registry.list_plugins() if plugin.name == "cs"]
    assert faults == [says, says]


def test_one_package_seen_twice_is_no_clash(installed, tmp_path, monkeypatch):
    installed("twice", [("methods", "mine", "twice_code:Mine")], "class Mine: pass")
    copy = tmp_path / "copy"
    (tmp_path / "twice" / "twice-1.0.dist-info").rename(tmp_path / "kept")
    for place in (copy, tmp_path / "twice"):
        info = place / "twice-1.0.dist-info"
        info.mkdir(parents=True)
        for file in (tmp_path / "kept").iterdir():
            (info / file.name).write_text(file.read_text())
    monkeypatch.syspath_prepend(str(copy))
    registry.clear_cache()
    assert registry.load_plugin("methods", "mine").__name__ == "Mine"


def test_row_22_a_plugin_that_fails_to_import_is_listed_with_its_fault(installed):
    installed("bad", [("metrics", "odd", "bad_code:odd")], "raise RuntimeError('no licence')")
    says = "metric 'odd' of package bad is disabled: RuntimeError: no licence"
    assert [p.fault for p in registry.list_plugins() if p.name == "odd"] == [None]
    assert [p.fault for p in registry.list_plugins(check=True) if p.name == "odd"] == [says]
    others = [p for p in registry.list_plugins(check=True) if p.package == "imbench"]
    assert others
    assert all(plugin.fault is None for plugin in others)
    with pytest.raises(UsageError, match=says):
        registry.load_plugin("metrics", "odd")


def test_a_target_that_is_not_there_is_a_fault(installed):
    installed("gone", [("datasets", "ghost", "gone_code:Ghost")])
    with pytest.raises(UsageError, match="dataset 'ghost' of package gone is disabled: Attrib"):
        registry.load_plugin("datasets", "ghost")


def test_a_class_of_a_file_needs_no_installation(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text("class Mine:\n    pass\n")
    first = registry.load_plugin("methods", f"{file}:Mine")
    assert first is registry.load_plugin("methods", f"{file}:Mine")
    assert first.__module__.startswith("imbench_file_mine_")
    with pytest.raises(UsageError, match="defines no 'Other'"):
        registry.load_plugin("methods", f"{file}:Other")
    with pytest.raises(UsageError, match=r"no file 'nowhere\.py'"):
        registry.load_plugin("methods", "nowhere.py:Mine")


def test_a_file_that_cannot_be_imported_is_refused_each_time(tmp_path):
    file = tmp_path / "broken.py"
    file.write_text("1 / 0")
    for _ in range(2):
        with pytest.raises(
            UsageError, match="cannot be imported: ZeroDivisionError: division by zero"
        ):
            registry.load_plugin("methods", f"{file}:Mine")


def test_the_module_of_a_file_has_one_name_in_every_process(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text("class Mine:\n    pass\n")
    code = (
        "from imbench.registry import load_plugin; "
        f"print(load_plugin('methods', {f'{file}:Mine'!r}).__module__)"
    )
    named = {
        subprocess.run(
            [sys.executable, "-P", "-c", code],
            env={"PYTHONHASHSEED": seed, "PATH": ""},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(named) == 1
