"""What a user almost wrote: messages name the spelling that works."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from clicked import refused

from imbench import near_path
from imbench.near_path import or_near

RUN = ("run", "--datasets", "digits", "--minority", "10", "--seeds", "0", "--size", "8")


@pytest.fixture(autouse=True)
def work(tmp_path, monkeypatch, data_folder):
    """Go where there are a folder of images, a table, files of MedMNIST, a grid and some code."""
    folder = data_folder({"hat": 3, "shirt": 3})
    data = tmp_path / "data"
    (data / "medmnist").mkdir(parents=True)
    folder.rename(data / "clothing")
    shutil.make_archive(str(data / "clothing"), "zip", data / "clothing")
    for file in (data / "medmnist/pneumoniamnist.npz", data / "medmnist/own.npz"):
        np.savez(file, nothing=np.zeros(1))
    np.savez(data / "breastmnist.npz", nothing=np.zeros(1))
    np.savez(tmp_path / "rows.npz", nothing=np.zeros(1))
    (data / "table.csv").write_text("path,label\n")
    (tmp_path / "grid.toml").write_text("")
    (tmp_path / "mine.py").write_text("def Net():\n    pass\n")
    (tmp_path / "results").mkdir()
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("medmnist:pneumoniamnist.npz", "write medmnist:pneumoniamnist for data/medmnist/pneum"),
        ("medmnist:own.npz", "write medmnist:medmnist/own.npz for data/medmnist/own.npz"),
        ("medmnist:bloodmnist.npz", "write medmnist:bloodmnist for the one that `bench data fetch"),
        ("medmnist:breastmnist", "write medmnist:breastmnist.npz for data/breastmnist.npz"),
        ("folder:Clothing", "did you mean folder:clothing?"),
        ("folder:data/clothng", "did you mean folder:data/clothing?"),
        ("folder:clothing.zip", "is not a folder; unpack it"),
        ("folder:table", "did you mean csv:table.csv?"),
        ("csv:table", "did you mean csv:table.csv?"),
        ("csv:tabel.csv", "did you mean csv:table.csv?"),
        ("csv:other.csv", "name the data folder with --data"),
        ("clothing", "is a path and no data set: write folder:clothing"),
        ("data/clothing", "write folder:data/clothing"),
        ("data/table.csv", "write csv:data/table.csv"),
        ("data/breastmnist.npz", "write medmnist:data/breastmnist.npz"),
        ("nosuch", "unknown data set 'nosuch': known: celeba"),
    ],
)
def test_a_data_set(spec, said):
    code = 2 if "path and no data set" in said or ":" not in spec else 4
    assert said in refused("data", "stats", spec, "--data", "data", code=code)


@pytest.mark.parametrize(
    ("network", "code", "said"),
    [
        ("mine:Net", 2, "unknown network 'mine': write mine.py:NAME"),
        ("mine.py", 2, "'mine.py' is a file; write mine.py:NAME: known: Net"),
        ("mine.py:net", 2, "'mine.py' defines no 'net': did you mean Net?"),
        ("mime.py:Net", 2, "no file 'mime.py', which 'mime.py:Net' names; did you mean 'mine.py'?"),
        ("features:file:rows", 4, "there is no rows; did you mean 'rows.npz'?"),
        ("features:file:nosuch", 4, "nosuch cannot be read: No such file or directory"),
    ],
)
def test_a_network(network, code, said):
    assert said in refused(*RUN, "--methods", "vanilla", "--network", network, code=code)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("run", "grid"), 2, "; did you mean 'grid.toml'?"),
        (("run", "Gird.toml"), 2, "; did you mean 'grid.toml'?"),
        (("run", "nosuch.toml"), 2, "No such file or directory: 'nosuch.toml'"),
        (("report", "result"), 3, "or name another; did you mean 'results'?"),
        (("report", "grid"), 3, "or name another"),
        (("predict", "M", "dta"), 2, "no file or folder 'M'"),
        (("predict", "data", "dat"), 2, "no file or folder 'dat'; did you mean 'data'?"),
        (("predict", "result", "data"), 2, "no file or folder 'result'; did you mean 'results'?"),
    ],
)
def test_files_and_folders_of_commands(words, code, said):
    assert refused(*words, code=code).endswith(said)


def test_a_method_in_a_file_that_is_not_named_as_one():
    assert "write mine.py:NAME" in refused(*RUN, "--methods", "mine:Part")


def test_nothing_is_guessed_where_nothing_is_near(tmp_path, monkeypatch):
    for path in ("data/zebra", "nowhere/clothing", "/", "x" * 5000):
        assert or_near(tmp_path / path) == "", path
    assert or_near(Path()) == ""
    (tmp_path / "data" / ".table.tsv").write_text("")
    assert near_path.near_path(tmp_path / "data/.tabel.tsv") is None
    assert near_path.near_path(tmp_path / "data/Tabel.csv").name == "table.csv"
    monkeypatch.setattr(near_path, "MOST", 2)
    assert near_path.near_path(tmp_path / "data/tabel.csv") is None, "too many to compare"
    assert near_path.near_path(tmp_path / "data/Table").name == "table.csv"
