"""The data sets of the study: layouts as published, fetched, imported, and read at full size."""

from __future__ import annotations

import io
import json
import subprocess
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from imbench.datasets._medmnist_files import BINARY, CLASSES, MD5
from imbench.datasets.ir_solar import InfraredSolar
from imbench.datasets.medmnist import MedMNIST
from imbench.datasets.rbc import RedBloodCells
from imbench.datasets.trashnet import TrashNet
from imbench.errors import DataError, UnknownName, UsageError
from imbench.files.git_ids import blob_id, tree_id
from imbench.images.cache import make_dataset, prepare
from imbench.images.split import crossing_groups

SPECS = ("ir-solar", "rbc", "trashnet", "medmnist:pneumoniamnist")


def counts(listing):
    sides = {split: listing.labels[listing.splits == split] for split in ("train", "test")}
    return {
        split: np.bincount(labels, minlength=len(listing.classes)).tolist()
        for split, labels in sides.items()
    }


def solar(folder):
    (folder / "images").mkdir(parents=True)
    table = {}
    for number in range(24):
        kind = "Soiling" if number % 3 == 0 else "No-Anomaly"
        table[str(number)] = {"image_filepath": f"images/{number}.jpg", "anomaly_class": kind}
        Image.new("L", (24, 40), number * 9).save(folder / "images" / f"{number}.jpg")
    (folder / "module_metadata.json").write_text(json.dumps(table))


def waste(folder):
    for kind in TrashNet.official_classes:
        (folder / kind).mkdir(parents=True)
        for number in range(8):
            Image.new("RGB", (8, 6), (number * 9, 0, 0)).save(folder / kind / f"{number}.jpg")


def smears(folder):
    """Write ten smears on which each cell's square has a colour that its place gives."""
    for name in ("Dataset", "Label"):
        (folder / name).mkdir(parents=True)
    across, down = np.meshgrid(np.arange(200), np.arange(120))
    for number in range(10):
        pixels = np.stack([across, down, np.full_like(down, number)], -1).astype(np.uint8)
        Image.fromarray(pixels).save(folder / "Dataset" / f"{number}.jpg", quality=100)
        lines = ["50 60 0", "", "100 60 7", "150 60 0", "5 60 7", "100 118 0"]
        (folder / "Label" / f"{number}.txt").write_text("\n".join(lines))


def medical(folder, *, colours=False, file="pneumoniamnist"):
    folder.mkdir(parents=True)
    arrays = {}
    for value, (key, size) in enumerate({"train": 8, "val": 2, "test": 4}.items()):
        shape = (size, 28, 28, 3) if colours else (size, 28, 28)
        arrays[f"{key}_images"] = np.full(shape, value, np.uint8)
        arrays[f"{key}_labels"] = (np.arange(size) % 4 > 0).astype(np.uint8)[:, None]
    np.savez(folder / f"{file}.npz", **arrays)


MAKERS = {
    "ir-solar": (InfraredSolar, solar),
    "rbc": (RedBloodCells, smears),
    "trashnet": (TrashNet, waste),
    "medmnist:pneumoniamnist": (MedMNIST, medical),
}


def made(spec, root):
    """Return a data set whose folder was just written."""
    dataset = make_dataset(spec, root)
    MAKERS[spec][1](root / dataset.folder_name)
    return dataset


def test_git_names_files_and_folders_as_git_does(tmp_path):
    (tmp_path / "a/deep").mkdir(parents=True)
    for place, content in {"a.b": b"1", "a/x": b"", "a/deep/y": b"2\n", "a0": b"\0"}.items():
        (tmp_path / place).write_bytes(content)

    def git(*words):
        command = ["git", "-c", "core.autocrlf=false", *words]
        return subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True)

    git("init", "--quiet")
    git("add", "a.b", "a", "a0")
    expected = git("write-tree").stdout.strip()
    (tmp_path / ".git").rename(tmp_path.parent / f"{tmp_path.name}.git")
    assert tree_id(tmp_path) == expected
    assert blob_id(tmp_path / "a.b") == "56a6051ca2b02b04ef92d5150c9ef600403cb1de"


@pytest.mark.parametrize("spec", SPECS)
def test_what_is_missing_is_said_with_the_commands(spec, tmp_path):
    with pytest.raises(DataError) as caught:
        make_dataset(spec, tmp_path).read()
    assert f"`bench data fetch {spec}` downloads it" in str(caught.value)
    assert f"`bench data import {spec} PATH`" in str(caught.value)
    with pytest.raises(UnknownName, match="minoriti"):
        make_dataset(f"{spec}{',' if ':' in spec else ':'}minoriti=3", tmp_path)


@pytest.mark.parametrize("spec", SPECS)
def test_what_is_imported_is_decoded_with_both_classes_on_both_sides(spec, tmp_path):
    kind, make = MAKERS[spec]
    source = tmp_path / "downloads" / "any-name"
    make(source)
    dataset = make_dataset(spec, tmp_path / "data")
    place = dataset.import_from(source.parent)
    assert place == tmp_path / "data" / dataset.folder_name
    assert isinstance(dataset, kind)
    decoded = prepare(spec, size=16, root=tmp_path / "data", cache=tmp_path / "cache")
    for part in (decoded.train, decoded.test):
        assert part.pixels.shape[1:3] == (16, 16)
        assert set(part.labels.tolist()) == {0, 1}


def packed(folder, below=""):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path in sorted(folder.rglob("*")):
            archive.write(path, f"{below}{path.relative_to(folder)}")
    return buffer.getvalue()


@pytest.mark.parametrize("spec", ["ir-solar", "trashnet"])
def test_a_download_is_checked_by_the_name_that_git_gives_it(
    spec, tmp_path, data_server, monkeypatch
):
    monkeypatch.setenv("IMBENCH_MIRROR", data_server.url)
    dataset = make_dataset(spec, tmp_path / "data")
    MAKERS[spec][1](tmp_path / "source")
    content = packed(tmp_path / "source", "wrapped/")
    (remote,) = dataset.remotes
    data_server[f"/{remote.file}"] = (200, content, 0)
    with pytest.raises(DataError, match="has the wrong git"):
        dataset.fetch(quiet=True)
    (tmp_path / "same").write_bytes(content)
    dataset.remotes = (replace(remote, checksum=f"git:{blob_id(tmp_path / 'same')}"),)
    dataset.fetch(quiet=True)
    assert len(dataset.read().names) > 8


def test_an_archive_packed_anew_is_checked_by_its_folders(tmp_path, data_server, monkeypatch):
    monkeypatch.setenv("IMBENCH_MIRROR", data_server.url)
    dataset = make_dataset("rbc", tmp_path / "data")
    smears(tmp_path / "source")
    (remote,) = dataset.remotes
    data_server[f"/{remote.file}"] = (200, packed(tmp_path / "source", "repository-fa130f/"), 0)
    with pytest.raises(DataError, match="its Dataset/ is not what the repository publishes"):
        dataset.fetch(quiet=True)
    assert list((tmp_path / "data").iterdir()) == []
    names = ("Dataset", "Label")
    trees = {name: tree_id(tmp_path / "source" / name) for name in names}
    dataset.remotes = (replace(remote, trees=trees),)
    dataset.fetch(quiet=True)
    assert len(dataset.everything().names) == 30


def test_a_file_of_medmnist_is_fetched_by_its_name_and_kept_as_it_is(
    tmp_path, data_server, monkeypatch
):
    monkeypatch.setenv("IMBENCH_MIRROR", data_server.url)
    medical(tmp_path / "source")
    content = (tmp_path / "source/pneumoniamnist.npz").read_bytes()
    data_server["/pneumoniamnist.npz"] = (200, content, 0)
    dataset = make_dataset("medmnist:pneumoniamnist", tmp_path / "data")
    with pytest.raises(DataError, match="wrong md5"):
        dataset.fetch(quiet=True)
    dataset.remotes = (replace(dataset.remotes[0], checksum=""),)
    place = dataset.fetch(quiet=True)
    assert (place / "pneumoniamnist.npz").read_bytes() == content
    other = make_dataset("medmnist:pneumoniamnist", tmp_path / "other")
    other.import_from(place / "pneumoniamnist.npz")
    assert other.read().classes == ("normal", "pneumonia")


def test_cells_are_the_squares_around_their_points(tmp_path):
    listing = made("rbc", tmp_path).read()
    assert listing.classes == ("normal", "teardrop")
    assert len(listing.names) == 30  # three of five points have a whole square of 72 px
    assert "20 cells nearer to the edge of a smear than half of 72 px" in " ".join(
        note.text for note in listing.notes
    )
    row = listing.names.index("4/003")  # the line of the file, an empty one counted
    square = listing.sources[row].astype(int)
    assert listing.labels[row] == 1
    for place, (x, y) in {(0, 0): (64, 24), (36, 36): (100, 60), (71, 71): (135, 95)}.items():
        assert np.abs(square[place] - [x, y, 4]).max() < 12  # JPEG
    assert not crossing_groups(listing.groups, listing.splits)


def test_the_side_of_a_square_decides_which_cells_are_whole(tmp_path):
    smears(tmp_path / "Chula-RBC-12")
    listing = make_dataset("rbc:side=10", tmp_path).read()
    assert len(listing.names) == 40
    assert listing.sources.shape[1:] == (10, 10, 3)


@pytest.mark.parametrize(
    ("line", "says"),
    [("1 2", "is not x, y and a type"), ("1 2 13", "no type 13"), ("1 -2 3", "is not x, y")],
)
def test_a_label_file_that_is_wrong_is_named_with_its_line(tmp_path, line, says):
    dataset = made("rbc", tmp_path)
    (tmp_path / "Chula-RBC-12/Label/3.txt").write_text(f"50 60 0\n{line}\n")
    with pytest.raises(DataError, match=f"3.txt, line 2: .*{says}"):
        dataset.read()


def test_a_smear_that_is_missing_is_named(tmp_path):
    dataset = made("rbc", tmp_path)
    (tmp_path / "Chula-RBC-12/Dataset/3.jpg").unlink()
    with pytest.raises(DataError, match=r"3\.jpg, a smear that has a label file"):
        dataset.read()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("[1]", "AttributeError"),
        ("{", "JSONDecodeError"),
        ('{"1": {"image_filepath": "images/1.jpg"}}', "KeyError"),
        ("[" * 100_000, "RecursionError"),
        ('{"1": {"image_filepath": "../1.jpg", "anomaly_class": "Cell"}}', "outside of its"),
    ],
)
def test_a_table_of_modules_that_is_wrong_is_refused(tmp_path, content, says):
    dataset = made("ir-solar", tmp_path)
    (tmp_path / "InfraredSolarModules/module_metadata.json").write_text(content)
    with pytest.raises(DataError, match=says):
        dataset.read()


def test_medical_files_in_colour_by_path_and_unknown_names(tmp_path):
    medical(tmp_path / "here", colours=True, file="mine")
    listing = make_dataset(f"medmnist:{tmp_path}/here/mine.npz,minority=0", tmp_path).read()
    assert (listing.classes, listing.channels) == (("1", "0"), 3)
    assert np.unique(listing.splits).tolist() == ["test", "train", "validation"]
    with pytest.raises(UsageError, match="several labels an image"):
        make_dataset("medmnist:chestmnist", tmp_path)
    with pytest.raises(UnknownName, match="pneumoniamnist"):
        make_dataset("medmnist:pneumoniamnis", tmp_path)
    with pytest.raises(UsageError, match="write medmnist:pneumoniamnist"):
        make_dataset("medmnist", tmp_path)


def test_large_images_of_medmnist_have_the_classes_of_the_small_ones(tmp_path):
    dataset = make_dataset("medmnist:breastmnist_128", tmp_path)
    assert dataset.remotes == ()
    assert (dataset.majority, dataset.minority) == BINARY["breastmnist"]
    assert CLASSES.keys() == MD5.keys()


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        ({}, "train_images"),
        ({"train_images": np.zeros((2, 28, 28), np.float32)}, "not bytes"),
        ({"train_images": np.zeros((2, 28, 28, 28), np.uint8)}, "volumes are not read"),
        ({"train_labels": np.zeros((2, 14), np.uint8)}, "one label an image"),
        ({"train_labels": np.array([["a"], ["b"]], dtype=object)}, "allow_pickle"),
        ({"train_labels": np.full((2, 1), 7, np.uint8)}, "2 classes are known"),
    ],
)
def test_a_medical_file_that_is_wrong_is_refused_in_a_sentence(tmp_path, arrays, says):
    folder = tmp_path / "medmnist"
    folder.mkdir()
    sound = {
        f"{key}_{part}": np.zeros((2, 28, 28) if part == "images" else (2, 1), np.uint8)
        for key in ("train", "val", "test")
        for part in ("images", "labels")
    }
    np.savez(folder / "pneumoniamnist.npz", **({**sound, **arrays} if arrays else {}))
    with pytest.raises(DataError, match=says):
        make_dataset("medmnist:pneumoniamnist", tmp_path).read()


def test_a_medical_file_that_is_cut_off_is_refused(tmp_path):
    dataset = made("medmnist:pneumoniamnist", tmp_path)
    path = tmp_path / "medmnist-pneumoniamnist/pneumoniamnist.npz"
    path.write_bytes(path.read_bytes()[:900])
    with pytest.raises(DataError, match="no file of MedMNIST that can be read"):
        dataset.read()


def test_a_split_does_not_depend_on_the_classes_that_are_chosen(tmp_path):
    made("ir-solar", tmp_path)
    few = make_dataset("ir-solar", tmp_path).read()
    every = make_dataset("ir-solar", tmp_path).everything()
    side = dict(zip(every.names, every.splits.tolist(), strict=True))
    assert [side[name] for name in few.names] == few.splits.tolist()
    assert counts(few) == {"train": [8, 4], "test": [8, 4]}


@pytest.mark.parametrize(
    ("spec", "train", "test"),
    [
        ("ir-solar", [5000, 102], [5000, 102]),
        ("trashnet", [1794, 103], [596, 34]),
        ("medmnist:pneumoniamnist", [1214, 3494], [234, 390]),
        ("rbc", [971, 137], [1079, 107]),
    ],
)
def test_real_data_have_the_official_counts(data_real, spec, train, test):
    dataset = make_dataset(spec, data_real)
    if not (data_real / dataset.folder_name).exists() and not (data_real / "medmnist").exists():
        pytest.skip(f"{spec} is not in IMBENCH_DATA")
    assert counts(dataset.read()) == {"train": train, "test": test}
    if hasattr(dataset, "official_classes"):
        every = dataset.everything()
        found = dict(zip(every.classes, np.bincount(every.labels).tolist(), strict=True))
        assert found == dict(dataset.official_classes)
