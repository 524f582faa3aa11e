"""Pipes, devices and files of gigabytes where a file is read: refused at once, in a sentence."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from sources import found_in_sources
from unfit import made

import imbench
from imbench.commands.cli import exit_code
from imbench.errors import UsageError
from imbench.files.reading import LARGE, UnfitFile, open_regular, read_bytes, read_text
from imbench.records.store import Store
from imbench.registry import load_plugin

SAID = {
    "pipe": "it is a named pipe",
    "device": "it is a device",
    "socket": "it is a socket",
    "folder": "it is a folder",
    "huge": "it has 3.2 GB, more than 1.1 GB are not read",
}


@pytest.mark.parametrize("kind", SAID)
def test_what_is_no_file_to_be_read_is_refused_without_waiting(kind, tmp_path):
    path = made(kind, tmp_path / "x")
    with pytest.raises(UnfitFile) as refused:
        read_bytes(path, LARGE)
    assert refused.value.strerror == SAID[kind]
    assert refused.value.filename == str(path)


def test_a_file_is_read_up_to_a_size(tmp_path):
    path = tmp_path / "x"
    path.write_bytes("größer".encode())
    assert read_text(path, 8) == "größer"
    assert read_bytes(path, 8) == path.read_bytes()
    with open_regular(path) as file:
        assert file.read(2) == b"gr"
    with pytest.raises(UnfitFile, match="more than"):
        read_bytes(path, 7)
    (tmp_path / "link").symlink_to(path)
    assert read_text(tmp_path / "link", 8) == "größer"
    with pytest.raises(FileNotFoundError):
        read_bytes(tmp_path / "none", 8)
    with pytest.raises(UnfitFile, match="a name holds no NUL"):
        read_bytes(tmp_path / "a\0b", 8)


def test_a_file_that_grows_while_it_is_read_is_refused():
    with pytest.raises(UnfitFile, match="grew beyond"):
        read_bytes(Path("/proc/self/status"), 10)  # which says that it has no bytes


PLACES = {
    "image, verified": ("a.png", 1, "data verify csv:t.csv --data ."),
    "image, surveyed": ("a.png", 0, "data stats csv:t.csv --data ."),
    "image, decoded": ("a.png", 4, "run --dry-run --datasets csv:t.csv --minority 1 --data ."),
    "table": ("t.csv", 4, "data stats csv:t.csv --data ."),
    "grid file": ("grid.toml", 2, "run --dry-run grid.toml"),
    "baseline": ("baseline.json", 3, "check results --baseline baseline.json"),
    "plan": ("results/plans/0123456789abcdef.json", 0, "status results"),
    "file of code": ("m.py", 2, "run --dry-run --datasets digits --minority 5 --methods m.py:M"),
    "log": ("results/cell.log", 0, "report results --html page.html --images 0"),
    "archive": ("archive.zip", 4, "data import horse2zebra archive.zip --data d"),
}
"""File that is none to be read, exit code, and the command that finds it there."""


OTHERWISE = (
    "is a named pipe, not a zip or tar archive",
    "is not a file; folder:PATH reads class folders",
    "no file 'm.py'",
    "no file of Python code is so long",
    "this is not horse2zebra: it lacks",
    "1 done, 0 failed",  # a pipe among the plans is somebody else's
    "wrote page.html",  # without the end of the log
)
"""What else is said where a file is none to be read."""


@pytest.mark.parametrize("kind", ["pipe", "huge"])
@pytest.mark.parametrize("place", PLACES)
def test_no_command_waits_for_what_it_reads_or_fills_the_memory(
    place, kind, tmp_path, monkeypatch, capfd, make_record, data_picture
):
    monkeypatch.chdir(tmp_path)
    Store(Path("results")).put(make_record(log="cell.log"))
    for name in "abcdefgh":
        data_picture(ord(name)).save(f"{name}.png")
    rows = [
        f"{name}.png,{'x' if name in 'abcg' else 'y'},{'test' if name in 'gh' else 'train'}"
        for name in "abcdefgh"
    ]
    Path("t.csv").write_text("path,label,split\n" + "\n".join(rows) + "\n")
    file, code, words = PLACES[place]
    made(kind, Path(file))
    assert exit_code(words.split()) == code
    out, err = capfd.readouterr()
    assert code in (0, 1) or err.splitlines()[-1].startswith("bench: "), err
    told = out + err
    assert SAID[kind].partition(",")[0] in told or any(text in told for text in OTHERWISE), told


@pytest.mark.parametrize("kind", ["pipe", "socket", "device", "huge"])
def test_what_lies_in_place_of_a_record_is_none(kind, tmp_path, make_record, caplog):
    store = Store(tmp_path / "results")
    path = made(kind, store.put(make_record()))
    kept = make_record(seed=1)
    store.put(kept)
    assert store.records() == [kept]
    assert (f"{path} is no record: {SAID[kind]}" in caplog.text) == (kind == "huge")
    store.put(make_record())
    assert len(store.records()) == 2, "a new record takes its place"


@pytest.mark.parametrize("kind", SAID)
def test_an_exported_table_is_a_file(kind, tmp_path):
    path = made(kind, tmp_path / "scores.csv")
    with pytest.raises(imbench.NotComparable, match=f"{SAID[kind][:16]}|holds no records"):
        imbench.load_results(path)


@pytest.mark.parametrize("kind", ["pipe", "device", "huge"])
def test_a_file_of_code_is_a_file(kind, tmp_path):
    with pytest.raises(UsageError, match=r"no file|no file of Python code"):
        load_plugin("methods", f"{made(kind, tmp_path / 'm.py')}:M")


RAW = {
    "imbench.files.processes": "the system's own files",
    "imbench.records.environment": "the system's own files",
    "imbench.runs.limits": "the system's own files",
    "imbench.runs.joblog": "a log that this process has just written",
    "imbench.files.leases": "leases have a reader of their own",
    "imbench.files.reading": "what others read with",
    "imbench.code_files": "code that is run: regular, of a size that was looked at",
}
"""Modules that open files by themselves, and which."""
READERS = {"read_bytes", "read_text", "open"}


def opened(source: str) -> list[str]:
    """Return the calls in a source text that open a path to read it."""
    return [
        ast.unparse(node)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and _reads(node)
    ]


def _reads(call: ast.Call) -> bool:
    name = ast.unparse(call.func)
    if name in ("np.load", "Image.open", "pd.read_csv", "pd.read_parquet", "gzip.open"):
        return ast.unparse(call.args[0]) in ("path", "file", "self.path")
    if not isinstance(call.func, ast.Attribute):
        return name == "open" and not any(isinstance(a, ast.Constant) for a in call.args[1:])
    of = ast.unparse(call.func.value)
    if call.func.attr not in READERS or of.startswith(("files(", "os", "tarfile", "zipfile")):
        return False
    modes = [a.value for a in call.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
    return call.func.attr != "open" or modes == ["rb"]


def test_files_of_others_are_read_through_one_module():
    found = found_in_sources(opened)
    assert {name: calls for name, calls in found.items() if name not in RAW} == {}


@pytest.mark.parametrize("line", ["path.read_bytes()", "path.open('rb')", "pd.read_csv(path)"])
def test_the_search_for_readers_finds(line):
    assert opened(line)
