"""Fetching and importing whole data sets, from a server on this machine and from files."""

import hashlib
import io
import shutil
import tarfile
import zipfile
from dataclasses import replace

import pytest

from imbench.datasets.celeba import CelebA
from imbench.datasets.cub import CUB
from imbench.datasets.fashion_mnist import FashionMNIST
from imbench.datasets.horse2zebra import Horse2Zebra
from imbench.errors import DataError

H2Z = {"trainA": 3, "trainB": 3, "testA": 2, "testB": 2}


def zip_of(folder, path, below=""):
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.rglob("*")):
            archive.write(file, f"{below}{file.relative_to(folder)}")
    return path


def signed(kind, answers):
    """Return a data set class that expects the files a server gives, with their own hashes."""
    remotes = tuple(
        replace(
            remote,
            checksum=f"sha256:{hashlib.sha256(answers[f'/{remote.file}'][1]).hexdigest()}",
        )
        for remote in kind.remotes
    )
    return type(kind.__name__, (kind,), {"remotes": remotes})


@pytest.fixture
def mirror(data_server, monkeypatch):
    monkeypatch.setenv("IMBENCH_MIRROR", data_server.url)
    return data_server


def nothing_left(root):
    assert not root.exists() or list(root.iterdir()) == []


def test_fetch_horse2zebra(mirror, data_folder, tmp_path):
    archive = zip_of(data_folder(H2Z), tmp_path / "a.zip", "horse2zebra/")
    mirror["/horse2zebra.zip"] = (200, archive.read_bytes(), 0)
    root = tmp_path / "data"
    dataset = signed(Horse2Zebra, mirror)(root)
    assert dataset.fetch(quiet=True) == root / "horse2zebra"
    assert [path.name for path in root.iterdir()] == ["horse2zebra"]
    assert len(dataset.read().names) == 10
    with pytest.raises(DataError, match="--force replaces it"):
        dataset.fetch(quiet=True)
    (root / "horse2zebra/trainA/0.png").unlink()
    dataset.fetch(quiet=True, force=True)
    assert len(dataset.read().names) == 10


def test_fetch_cub(mirror, tmp_path, data_picture):
    buffer = io.BytesIO()
    picture = io.BytesIO()
    data_picture(0).save(picture, "JPEG")
    texts = {
        "attributes.txt": b"1 has_bill",
        "CUB_200_2011/images.txt": b"1 113.Sparrow/a.jpg\n",
        "CUB_200_2011/classes.txt": b"1 113.Sparrow\n",
        "CUB_200_2011/image_class_labels.txt": b"1 1\n",
        "CUB_200_2011/train_test_split.txt": b"1 1\n",
        "CUB_200_2011/images/113.Sparrow/a.jpg": picture.getvalue(),
    }
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, data in texts.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    mirror["/CUB_200_2011.tgz"] = (200, buffer.getvalue(), 0)
    dataset = signed(CUB, mirror)(tmp_path / "data")
    folder = dataset.fetch(quiet=True)
    assert sorted(path.name for path in folder.iterdir())[:2] == [
        "classes.txt",
        "image_class_labels.txt",
    ]
    assert dataset.everything().names == ("images/113.Sparrow/a.jpg",)


def test_fetch_fashion_mnist(mirror, tmp_path):
    for remote in FashionMNIST.remotes:
        mirror[f"/{remote.file}"] = (200, b"\x1f\x8b" + remote.file.encode(), 0)
    folder = signed(FashionMNIST, mirror)(tmp_path / "data").fetch(quiet=True)
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        remote.file for remote in FashionMNIST.remotes
    )


@pytest.mark.parametrize("kind", [Horse2Zebra, CUB, FashionMNIST])
@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ((200, b"<!DOCTYPE html><html>Quota exceeded</html>", 0), "an HTML page"),
        ((200, b"\x1f\x8bother", 0), "has the wrong (sha256|md5)"),
        ((200, b"\x1f\x8bshort", 1000), "before the file was complete"),
        ((404, b"gone", 0), "the server answered 404"),
    ],
)
def test_row_17_bad_answers_are_not_taken_for_data(mirror, tmp_path, kind, answer, message):
    for remote in kind.remotes:
        mirror[f"/{remote.file}"] = answer
    with pytest.raises(DataError, match=message) as caught:
        kind(tmp_path / "data").fetch(quiet=True)
    assert f"run `bench data import {kind.name} PATH`" in str(caught.value)
    nothing_left(tmp_path / "data")


def test_an_archive_of_something_else_is_not_taken_for_data(mirror, data_folder, tmp_path):
    archive = zip_of(data_folder({"trainA": 1, "trainB": 1}), tmp_path / "a.zip")
    mirror["/horse2zebra.zip"] = (200, archive.read_bytes(), 0)
    with pytest.raises(DataError, match="this is not horse2zebra: it lacks folder testA, testB"):
        signed(Horse2Zebra, mirror)(tmp_path / "data").fetch(quiet=True)
    nothing_left(tmp_path / "data")


def test_celeba_is_not_fetched_but_explained(tmp_path):
    with pytest.raises(DataError, match=r"quotas.*bench data import celeba"):
        CelebA(tmp_path).fetch()


def test_import_of_archives_and_folders(data_folder, tmp_path):
    folder = data_folder(H2Z)
    sources = [
        zip_of(folder, tmp_path / "flat.zip"),
        zip_of(folder, tmp_path / "deep.zip", "some/where/"),
        folder,
        folder.parent,
    ]
    for number, source in enumerate(sources):
        dataset = Horse2Zebra(tmp_path / f"data{number}")
        place = dataset.import_from(source)
        assert sorted(path.name for path in place.iterdir()) == sorted(H2Z)
        assert len(dataset.read().names) == 10
        assert [path.name for path in dataset.root.iterdir()] == ["horse2zebra"]
    assert folder.is_dir()  # copied, not moved
    with pytest.raises(DataError, match="--force"):
        Horse2Zebra(tmp_path / "data0").import_from(folder)


def test_import_of_nonsense(data_folder, tmp_path):
    dataset = Horse2Zebra(tmp_path / "data")
    with pytest.raises(DataError, match="there is no"):
        dataset.import_from(tmp_path / "nowhere")
    (tmp_path / "page.zip").write_text("<html>")
    with pytest.raises(DataError, match="an HTML page"):
        dataset.import_from(tmp_path / "page.zip")
    with pytest.raises(DataError, match="this is not horse2zebra"):
        dataset.import_from(data_folder({"cat": 1}))
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as archive:
        archive.writestr("../../evil", "x")
    with pytest.raises(DataError, match="points outside"):
        dataset.import_from(tmp_path / "evil.zip")
    nothing_left(tmp_path / "data")


def test_import_of_celeba_as_it_is_downloaded(tmp_path, data_picture):
    given = tmp_path / "downloads"
    (given / "img_align_celeba").mkdir(parents=True)
    rows = []
    for i in range(4):
        data_picture(i).save(given / "img_align_celeba" / f"{i}.jpg")
        rows.append(f"{i}.jpg {1 - i % 2 * 2} {i % 2 * 2 - 1}")
    (given / "list_attr_celeba.txt").write_text("\n".join(["4", "Black_Hair Blond_Hair", *rows]))
    (given / "list_eval_partition.txt").write_text("0.jpg 0\n1.jpg 0\n2.jpg 2\n3.jpg 2\n")
    zip_of(given / "img_align_celeba", given / "img_align_celeba.zip", "img_align_celeba/")
    shutil.rmtree(given / "img_align_celeba")
    dataset = CelebA(tmp_path / "data")
    dataset.import_from(given)
    assert dataset.read().labels.tolist() == [0, 1, 0, 1]
    assert all(path.is_file() for path in dataset.read().sources)
