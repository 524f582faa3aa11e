"""Other people's files: reading commands change nothing, and a run only what is its own."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from imbench.commands.cli import COMMANDS, exit_code
from imbench.errors import EnvironmentFault, UsageError
from imbench.files.processes import host_id
from imbench.records.ownership import MARKER, mark_own, refuse_foreign
from imbench.records.store import Store

TINY = ("--datasets", "digits", "--minority", "20", "--methods", "vanilla", "--seeds", "0")
TINY += ("--size", "8", "--network", "linear", "--steps", "3", "--jobs", "1")


def dead_pid():
    """Return the number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def state(folder):
    """Return all that can be seen of a folder: names, contents, times and rights."""
    found = {}
    for path in (folder, *sorted(folder.rglob("*"))):
        seen = path.lstat()
        link = path.readlink() if path.is_symlink() else None
        content = path.read_bytes() if path.is_file() and link is None else link
        found[str(path)] = (seen.st_mtime_ns, seen.st_mode, seen.st_ino, content)
    return found


def fill(folder):
    """Fill a folder with what a project may hold, much of it named as our files are."""
    temporary = f".{host_id()}-{dead_pid()}-1-0000abcd.tmp"  # as a writer of ours left it
    lease = f'{{"host": "{host_id()}", "pid": {dead_pid()}, "born": "1"}}'
    contents = {
        "src/package/deep/module.json": "{",
        "data/20/set/0-01234567.json": "{",
        "data/20/set/1-89abcdef.json": "not json at all",
        f"data/20/set/{temporary}": "{",
        f"data/{temporary}": "{",
        temporary: "{",
        ".editor.tmp": "half a text",
        "notes.tmp": "a text",
        "generators/model.pt": "not a model",
        "generators/oracle-0123456789abcdef.pt": "",
        "quarantine/digits__20__vanilla__0-01234567.json": "{",
        "plans/0123456789abcdef.json": "{}",
        ".imbench/claims/0123456789abcdef.json": lease,
        ".imbench/claims/.0123456789abcdef.new": lease,
        ".imbench/runs/0123/marker": "",
        "grid.json": "{}",
        "baseline.json": "[]",
        "report.html": "<p>mine",
        "table.csv": "path,label\n",
        "README.md": "mine",
    }
    for name, text in contents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    (folder / "link").symlink_to(folder / "src")
    git = ("git", "-c", "user.name=a", "-c", "user.email=a@b")
    for words in (("init", "-q"), ("add", "README.md"), ("commit", "-qm", "x")):
        subprocess.run([*git, *words], cwd=folder, check=True, capture_output=True)
    for path in sorted(folder.rglob("*"), reverse=True):
        os.utime(path, (1e9, 1e9), follow_symlinks=False)
    return folder


@pytest.fixture
def project(tmp_path):
    return fill(tmp_path / "project")


@pytest.fixture
def results(tmp_path, make_record):
    """Return a results folder of our own, with a damaged record and a writer's leftover."""
    folder = tmp_path / "results"
    store = Store(folder)
    store.put(make_record("us", files={"generator-1": "generators/model.pt"}))
    store.put(make_record("os", score=None, status="failed", reason="no"))
    mark_own(folder)
    return fill(folder)


READING = {
    "status": [["status", "."]],
    "report": [
        ["report", "."],
        ["report", ".", "--csv", "-"],
        ["report", ".", "--html", "-"],
        ["report", ".", "--ranks"],
    ],
    "check": [["check", "."], ["check", ".", "--baseline", "."]],
    "baseline": [["baseline", "show"], ["baseline", "show", "baseline.json"], ["baseline", "diff"]],
    "board": [["board", ".", "--out", "{out}"]],
    "pack": [["pack", ".", "{out}.pack"]],
    "export": [["export", ".", "--csv", "{out}.csv"], ["export", ".", "--npz", "{out}.npz"]],
    "generators": [["generators", ".", "--json"]],
    # Writes beside records whose networks it has; of these it has none.
    "explain": [["explain", "."]],
    "list": [["list"], ["list", "methods"]],
    "info": [["info", "us"]],
    "data": [
        ["data", "stats", "folder:."],
        ["data", "verify", "folder:src"],
        ["data", "stats", "csv:table.csv"],
        ["data", "stats", "celeba", "--data", "."],
    ],
    "doctor": [["doctor"]],
    "run": [["run", *TINY, "--out", ".", "--dry-run"], ["run", *TINY, "--dry-run"]],
    # Refused before anything is written: a folder that is not ours is no place for a model.
    "fit": [["fit", "digits", "--method", "vanilla", "--out", "."]],
    "predict": [["predict", ".", "src"], ["predict", ".", "src", "--csv", "{out}.csv"]],
}


@pytest.mark.parametrize("whose", ["project", "results"])
@pytest.mark.parametrize("command", COMMANDS)
def test_reading_commands_change_nothing(whose, command, request, tmp_path, monkeypatch, capfd):
    folder = request.getfixturevalue(whose)
    monkeypatch.chdir(folder)
    before = state(folder)
    for words in READING[command]:
        code = exit_code([word.format(out=tmp_path / "out") for word in words])
        said = capfd.readouterr()
        assert code in (0, 1, 2, 3, 4), words
        assert "Traceback" not in said.err, words
        assert state(folder) == before, words


def test_a_run_writes_nothing_among_the_files_of_others(project, tmp_path, monkeypatch, capfd):
    before = state(project)
    for options in ([], ["--dry-run"]):
        assert exit_code(["run", *TINY, "--out", str(project), *options]) == 2
        out, err = capfd.readouterr()
        assert (out, err.count("\n")) == ("", 1)
        assert "holds files that no run wrote (README.md, data, generators, ...)" in err
        assert f"--out {shlex.quote(str(project / 'imbench'))}" in err
        assert f"touch {shlex.quote(str(project / MARKER))}" in err
    assert state(project) == before


def test_a_run_among_the_files_of_others_that_was_insisted_on_leaves_them(
    project, capfd, jobs_here
):
    subprocess.run(["touch", project / MARKER], check=True)
    ours = {path for path in project.rglob("*.tmp") if host_id() in path.name}
    ours |= set(project.glob("data/20/set/*.json"))  # exactly where and as records are called
    ours |= set(project.glob(".imbench/claims/*"))
    ours |= {project / "data" / "20" / "set", project / "data", project / ".imbench" / "claims"}
    before = {name: seen for name, seen in state(project).items() if name not in map(str, ours)}
    assert exit_code(["run", *TINY, "--out", str(project)]) == 0, capfd.readouterr().err
    after = state(project)
    folders = {str(project), str(project / "quarantine"), str(project / "plans")}  # new neighbours
    folders |= {str(project / ".imbench"), str(project / "generators")}
    for name, seen in before.items():
        where = slice(1, None) if name in folders else slice(None)
        assert after[name][where] == seen[where], name
    assert len(list(project.glob("digits/20/vanilla/0-*.json"))) == 1


def test_a_run_marks_its_folder_and_mends_it_when_it_comes_again(tmp_path, caplog, jobs_here):
    folder = tmp_path / "results"
    assert exit_code(["run", *TINY, "--out", str(folder)]) == 0
    assert (folder / MARKER).read_text().startswith("Results of `bench run`.")
    (record,) = folder.glob("digits/20/vanilla/0-*.json")
    damaged = record.with_name("1-01234567.json")
    damaged.write_text("{")
    leftover = record.with_name(f".{host_id()}-{dead_pid()}-1-0000abcd.tmp")
    leftover.write_text("{")
    assert exit_code(["status", str(folder)]) == 0
    assert damaged.exists()
    assert leftover.exists()
    assert exit_code(["run", *TINY, "--out", str(folder)]) == 0
    assert f"moved to {folder / 'quarantine'}" in caplog.text
    assert not damaged.exists()
    assert not leftover.exists()
    assert [path.read_text() for path in (folder / "quarantine").iterdir()] == ["{"]


def refused(folder):
    try:
        refuse_foreign(folder)
    except UsageError:
        return True
    return False


def test_a_folder_of_an_earlier_version_is_known_by_an_intact_record(tmp_path, make_record):
    store = Store(tmp_path)
    path = store.put(make_record())
    assert not refused(tmp_path)
    path.write_text(path.read_text().replace(".5", ".75"))
    assert refused(tmp_path), "an edited record may be anyone's"
    path.write_text("{")
    assert refused(tmp_path)
    store.put(make_record("us"))
    assert not refused(tmp_path)


@pytest.mark.parametrize(
    ("names", "foreign"),
    [
        ((), False),
        ((".git/config", ".gitignore"), False),
        (("baseline.json", "lost+found/x"), False),
        (("baseline.json", "thesis.tex"), True),
        (("digits/20/vanilla/notes.txt",), True),
        (("thesis.tex", MARKER), False),
    ],
    ids=["empty", "hidden", "harmless", "thesis", "called alike", "marked"],
)
def test_what_makes_a_folder_another_s(tmp_path, names, foreign):
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert refused(tmp_path) == foreign
    assert not refused(tmp_path / "nowhere")


def test_a_marker_is_written_once(tmp_path):
    mark_own(tmp_path)
    before = state(tmp_path)
    mark_own(tmp_path)
    assert state(tmp_path) == before


def test_fetched_data_are_replaced_and_never_removed(tmp_path, data_folder, caplog):
    from imbench.datasets.horse2zebra import Horse2Zebra

    source = data_folder({"trainA": 3, "trainB": 3, "testA": 2, "testB": 2})
    data = Horse2Zebra(tmp_path / "data")
    data.import_from(source)
    place = tmp_path / "data" / "horse2zebra"
    for number in ("", "2", "3"):
        (place / "my notes.txt").write_text(number)
        data.import_from(source, force=True)
        assert not (place / "my notes.txt").exists()
        kept = tmp_path / "data" / f"horse2zebra.old{number}"
        assert (kept / "my notes.txt").read_text() == number
        assert f"what was in {place} is kept in {kept}" in caplog.text
    elsewhere = place.rename(tmp_path / "elsewhere")
    place.symlink_to(elsewhere)
    before = state(elsewhere)
    data.import_from(source, force=True)
    assert not place.is_symlink()
    assert state(elsewhere) == before


def test_an_archive_that_is_refused_removes_no_folder_that_appeared_meanwhile(
    tmp_path, monkeypatch
):
    import zipfile

    from imbench.errors import DataError
    from imbench.files import archive

    path, target = tmp_path / "a.zip", tmp_path / "target"
    with zipfile.ZipFile(path, "w") as opened:
        opened.writestr("a.txt", "a")
    inspect = archive._inspect_zip

    def late(*given):
        inspect(*given)
        target.mkdir()
        (target / "mine").touch()

    monkeypatch.setattr(archive, "_inspect_zip", late)
    with pytest.raises(DataError, match="File exists"):
        archive.extract(path, target)
    assert (target / "mine").exists()


def test_a_folder_that_cannot_be_listed_is_said(tmp_path, monkeypatch):
    def refuse(_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(tmp_path), "iterdir", refuse)
    with pytest.raises(EnvironmentFault, match="cannot be read: Permission denied"):
        refuse_foreign(tmp_path)


COMMANDS_AS_NOBODY = """
import os, sys
import imbench
from imbench.commands.cli import exit_code

imbench.__version__  # its metadata may lie where nobody may enter, as all modules may
hidden, folder, *options = sys.argv[1:]
run = ["run", *options, "--out", folder]
for words in (["status", folder], ["report", folder], [*run, "--dry-run"]):
    assert exit_code(words) == 0  # and all modules are loaded, which nobody may not read
print("-", file=sys.stderr)
os.chmod(hidden, 0)
if os.geteuid() == 0:
    os.setegid(65534), os.seteuid(65534)
print([exit_code(words) for words in (["status", folder], ["report", folder], run)])
"""


@pytest.mark.parametrize("what", ["a record", "a folder of records"])
def test_a_record_that_cannot_be_read_is_not_taken_for_absent_nor_replaced(make_record, what):
    with tempfile.TemporaryDirectory() as made:  # pytest's own folders are closed to others
        folder = Path(made)
        folder.chmod(0o777)
        results = folder / "results"
        (results / "digits").mkdir(parents=True)
        for path in (results, results / "digits"):
            path.chmod(0o777)
        path = Store(results).put(make_record())
        hidden = path if what == "a record" else path.parent
        before = path.read_bytes()
        command = [sys.executable, "-P", "-c", COMMANDS_AS_NOBODY, hidden, results, *TINY]
        cache = {**os.environ, "IMBENCH_CACHE": str(folder / "cache")}
        done = subprocess.run(command, env=cache, capture_output=True, text=True)
        hidden.chmod(0o755)
        assert done.stdout.splitlines()[-1] == "[4, 4, 4]", done
        told = done.stderr.partition("-\n")[2].splitlines()
        fault = (
            f"bench: {hidden} cannot be read (Permission denied), and what cannot be read may be"
        )
        assert sum(line.startswith(fault) for line in told) == 3
        assert path.read_bytes() == before


@pytest.mark.slow
@pytest.mark.parametrize("how", ["removed", "moved"])
def test_a_folder_that_goes_away_during_a_run_ends_it_with_4(tmp_path, how, capfd, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "parts.py").write_text(GONE.format(how=how))
    options = [*TINY[:4], "--methods", "vanilla,parts.py:Gone,os", "--seeds", "0", *TINY[8:]]
    assert exit_code(["run", *options]) == 4
    said = capfd.readouterr().err.splitlines()[-1]
    assert said.startswith("bench: 1 of 3 cells have ended and have no record in 'results': ")
    assert said.endswith("put it back, or run the same command again")
    assert len(list(tmp_path.glob("results/digits/*/*/*.json"))) == 2
    assert exit_code(["run", *options, "--quiet"]) == 0
    assert len(list(tmp_path.glob("results/digits/*/*/*.json"))) == 3


GONE = """
import shutil
from pathlib import Path
from imbench import Part


class Gone(Part):
    def before_step(self, state):
        if state.step == 0 and not Path("once").exists():
            Path("once").touch()
            shutil.move("results", "away")
            if "{how}" == "removed":
                shutil.rmtree("away")
"""
