"""Names to plug-ins: real distributions in folders on sys.path."""

import signal
import subprocess
import sys
import threading

import pytest
from waiting import until

from imbench import registry
from imbench.commands.cli import exit_code
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
    with pytest.raises(UnknownName, match=r"unknown method 'smot': did you mean smote"):
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
    with pytest.raises(UsageError, match="data set 'ghost' of package gone is disabled: Attrib"):
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


MISBEHAVED = {
    "exits": ("import sys; sys.exit(0)", "SystemExit: 0"),
    "interrupts itself": ("raise KeyboardInterrupt", "KeyboardInterrupt: no message"),
    "cannot say what it lacks": (
        "class Mute(BaseException):\n    def __str__(self): raise OSError\nraise Mute",
        "Mute: its message cannot be printed (OSError)",
    ),
    "asks": ("input('a licence? ')", "EOFError: EOF when reading a line"),
    "cannot be parsed": ("def", "SyntaxError: invalid syntax"),
    "raises beyond all": ("raise GeneratorExit('x')", "GeneratorExit: x"),
}


@pytest.mark.parametrize("what", MISBEHAVED)
def test_row_22_whatever_an_import_does_disables_that_plugin_alone(installed, tmp_path, what):
    code, says = MISBEHAVED[what]
    installed("bad", [("metrics", "odd", "bad_code:odd")], code)
    before = signal.getsignal(signal.SIGINT), sys.stdin
    found = {plugin.name: plugin.fault for plugin in registry.list_plugins(check=True)}
    assert says in found["odd"]
    assert "is disabled" in found["odd"]
    assert [name for name, fault in found.items() if fault] == ["odd"]
    (tmp_path / "odd.py").write_text(code)
    with pytest.raises(UsageError, match="cannot be imported") as refused:
        registry.load_plugin("metrics", f"{tmp_path / 'odd.py'}:odd")
    assert says in str(refused.value)
    assert (signal.getsignal(signal.SIGINT), sys.stdin) == before


def test_what_an_import_prints_is_no_output(installed, capfd):
    installed("loud", [("metrics", "loud", "loud_code:len")], "print('hello')\nlen = len")
    assert registry.load_plugin("metrics", "loud") is len
    assert capfd.readouterr() == ("", "hello\n")


HANGS = "import threading\nthreading.Event().wait()"


def test_an_import_that_never_ends_is_named_until_ctrl_c_ends_the_command(tmp_path):
    (tmp_path / "odd.py").write_text(f"open('begun', 'w')\n{HANGS}")
    code = "import imbench.code_files as c; c.PATIENCE = 0.2; from imbench.commands.cli import main"
    run = subprocess.Popen(
        [sys.executable, "-P", "-c", f"{code}; main()", "run", "--methods", "odd.py:Odd"],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    try:
        assert run.stderr.readline() == (
            "warning: the import of 'odd.py' goes on; Ctrl-C ends this command\n"
        )
        assert (tmp_path / "begun").exists()
        run.send_signal(signal.SIGINT)
        _, said = run.communicate(timeout=240)
    finally:
        run.kill()
        run.wait()
    assert said == "bench: interrupted; run the same command again to continue\n"
    assert run.returncode == 130


def test_imports_that_end_leave_no_thread_behind(installed):
    before = threading.active_count()
    installed("fine", [("metrics", "fine", "fine_code:x")], "x = len")
    assert registry.load_plugin("metrics", "fine") is len
    until(lambda: threading.active_count() == before)


@pytest.fixture
def ctrl_c_heard():
    """Have SIGINT raise here, though a shell begins jobs in the background with it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("ctrl_c_heard")
def test_row_04_ctrl_c_while_a_plugin_is_imported_is_the_users(installed):
    code = "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\nx = 1"
    installed("slow", [("metrics", "slow", "slow_code:x")], code)
    with pytest.raises(KeyboardInterrupt):
        registry.load_plugin("metrics", "slow")
    swallowed = f"try:\n    exec({code!r})\nexcept BaseException:\n    raise SystemExit"
    installed("deaf", [("metrics", "deaf", "deaf_code:x")], swallowed)
    with pytest.raises(KeyboardInterrupt):
        registry.load_plugin("metrics", "deaf")


FAULTY = """
import sys
import threading
from imbench import Dataset, Part

class Exits(Part):
    def __init__(self):
        sys.exit(0)

class Forgets(Part):
    def __init__(self, strength=1):
        pass

class Beside(Part):
    def beside(self, others):
        raise KeyboardInterrupt

class Stamped(Part):
    @property
    def stamp(self):
        return 1 / 0

class Titled(Part):
    title = 5

class Data(Dataset):
    def __init__(self, root, argument, **options):
        raise KeyError("no licence")
    def read(self):
        pass

class Reads(Dataset):
    def __init__(self, root, argument, **options):
        pass
    def read(self):
        sys.exit(0)

def network(shape, classes):
    sys.exit(0)
"""
HOSTILE_CLASS = """
from imbench import Part

class Meta(type(Part)):
    def __getattribute__(cls, name):
        if READY and name not in ("__class__", "__mro__"):
            raise SystemExit
        return super().__getattribute__(name)

READY = False
class Odd(Part, metaclass=Meta):
    pass
READY = True
"""
RUN = ("run", "--dry-run", "--minority", "5", "--out", "r", "--seeds", "0", "--size", "8")


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("--datasets", "digits", "--methods", "exits"), 2, "SystemExit: 0"),
        (("--datasets", "digits", "--methods", "forgets"), 2, "AttributeError"),
        (("--datasets", "digits", "--methods", "beside+us"), 2, "KeyboardInterrupt"),
        (("--datasets", "digits", "--methods", "stamped"), 2, "ZeroDivisionError"),
        (("--datasets", "digits", "--methods", "titled"), 2, "its title is not a text"),
        (("--datasets", "digits", "--methods", "oddest"), 2, "SystemExit"),
        (("--datasets", "data", "--methods", "us"), 2, "KeyError: 'no licence'"),
        (("--datasets", "reads", "--methods", "us"), 4, "SystemExit: 0"),
        (("--datasets", "digits", "--methods", "us", "--network", "nets:a=1"), 2, "takes no"),
    ],
)
def test_row_22_to_select_a_faulty_plugin_ends_with_a_sentence(
    installed, tmp_path, monkeypatch, capfd, words, code, says
):
    monkeypatch.chdir(tmp_path)
    faulty(installed)
    assert exit_code([*RUN, *words]) == code
    out, err = capfd.readouterr()
    assert out == "" or code == 4, "that data are missing is seen in the plan"
    assert err.splitlines()[-1].startswith("bench: ")
    assert says in err.splitlines()[-1]


def faulty(installed) -> None:
    names = ("Exits", "Forgets", "Beside", "Stamped", "Titled")
    points = [("methods", name.lower(), f"faulty_code:{name}") for name in names]
    points += [("datasets", name.lower(), f"faulty_code:{name}") for name in ("Data", "Reads")]
    installed("faulty", [*points, ("networks", "nets", "faulty_code:network")], FAULTY)
    installed("odd", [("methods", "oddest", "odd_code:Odd")], HOSTILE_CLASS)


def test_row_22_faults_of_making_a_plugin_are_listed_and_the_rest_works(installed, capfd):
    faulty(installed)
    assert exit_code(["list", "plugins"]) == 0
    out, _ = capfd.readouterr()
    listed = {line.split()[1]: line for line in out.splitlines()}
    for name in ("exits", "forgets", "stamped", "titled", "data", "oddest"):
        assert "DISABLED" in listed[name], name
    assert "DISABLED" not in listed["us"]
    assert listed["folder"].endswith("ok"), "that it needs an argument is no fault"
    for name in ("exits", "oddest", "data", "us"):
        assert exit_code(["info", name]) == 0
    assert exit_code(["list"]) == 0
