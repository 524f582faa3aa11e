import io
import stat
import tarfile
import zipfile

import pytest

from imbench.errors import DataError
from imbench.files.archive import ArchiveLimits, describe_file, extract, is_archive


def zipped(path, members, *, how=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", how) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def tarred(path, members, mode="w:gz"):
    with tarfile.open(path, mode) as archive:
        for member, data in members:
            info = tarfile.TarInfo(member) if isinstance(member, str) else member
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def special(name, kind, link=""):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


def refused(archive, tmp_path, message, **limits):
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(DataError, match=message):
        extract(archive, tmp_path / "out" / "folder", limits=ArchiveLimits(**limits))
    assert sorted(path for path in tmp_path.rglob("*") if path != tmp_path / "out") == before


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_tar(tmp_path, mode):
    directory = tarfile.TarInfo("a")
    directory.type = tarfile.DIRTYPE
    path = tarred(tmp_path / "x", [(directory, b""), ("a/b.txt", b"hello"), ("./c", b"1")], mode)
    assert is_archive(path)
    extract(path, tmp_path / "out")
    assert (tmp_path / "out/a/b.txt").read_bytes() == b"hello"
    assert (tmp_path / "out/c").read_bytes() == b"1"


def test_zip(tmp_path):
    path = zipped(tmp_path / "x.zip", {"a/": b"", "a/b.txt": b"hello", "é.txt": b"2"})
    extract(path, tmp_path / "out")
    assert (tmp_path / "out/a/b.txt").read_bytes() == b"hello"
    assert (tmp_path / "out/é.txt").read_bytes() == b"2"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("../evil", "outside"),
        ("a/../../evil", "outside"),
        ("/tmp/evil", "absolute"),
        ("C:/evil", "absolute"),
        ("..\\evil", "no plain name"),
    ],
)
def test_row_16_paths_that_lead_out(tmp_path, name, message):
    refused(zipped(tmp_path / "x.zip", {"fine": b"1", name: b"2"}), tmp_path, message)
    refused(tarred(tmp_path / "x.tar", [("fine", b"1"), (name, b"2")]), tmp_path, message)


@pytest.mark.parametrize(
    "member",
    [
        special("link", tarfile.SYMTYPE, "/etc/passwd"),
        special("link", tarfile.SYMTYPE, "fine"),
        special("hard", tarfile.LNKTYPE, "fine"),
        special("pipe", tarfile.FIFOTYPE),
        special("disk", tarfile.BLKTYPE),
        special("tty", tarfile.CHRTYPE),
    ],
)
def test_row_16_links_and_devices_in_a_tar(tmp_path, member):
    path = tarred(tmp_path / "x.tar", [("fine", b"1"), (member, b"")])
    refused(path, tmp_path, "link, a device")


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_row_16_links_and_devices_in_a_zip(tmp_path, kind):
    info = zipfile.ZipInfo("link")
    info.external_attr = (kind | 0o777) << 16
    refused(zipped(tmp_path / "x.zip", {info: b"/etc/passwd"}), tmp_path, "link or a device")


def test_an_encrypted_zip(tmp_path):
    path = zipped(tmp_path / "x.zip", {"a": b"1"})
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\1\2") + 8] |= 1  # general purpose flags of the central directory
    path.write_bytes(data)
    refused(path, tmp_path, "encrypted")


def test_row_16_a_huge_ratio(tmp_path):
    zeros = bytes(3_000_000)
    path = zipped(tmp_path / "x.zip", {"a": zeros, "b": zeros})
    refused(path, tmp_path, "it would grow", free=1000)
    path = tarred(tmp_path / "x.tgz", [("a", zeros), ("b", zeros)])
    refused(path, tmp_path, "it would grow", free=1000)
    extract(path, tmp_path / "out")  # small enough for the ratio not to count


def test_row_16_a_huge_size_or_number(tmp_path):
    many = {str(number): b"xy" for number in range(20)}
    refused(zipped(tmp_path / "x.zip", many), tmp_path, "more than 39 bytes", size=39)
    refused(zipped(tmp_path / "x.zip", many), tmp_path, "more than 19 members", members=19)
    path = tarred(tmp_path / "x.tar", list(many.items()))
    refused(path, tmp_path, "more than 19 members", members=19)


def test_row_16_a_header_that_would_fill_the_memory(tmp_path):
    info = tarfile.TarInfo("a")
    info.pax_headers = {"comment": "x" * 5_000_000}
    path = tmp_path / "x.tgz"
    with tarfile.open(path, "w:gz", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(info)
    refused(path, tmp_path, "bytes come out of it", free=1000, members=10)


def test_row_16_a_zip_that_holds_more_than_it_says(tmp_path):
    path = zipped(tmp_path / "x.zip", {"a": b"y" * 5000})
    data = path.read_bytes().replace((5000).to_bytes(4, "little"), (50).to_bytes(4, "little"))
    path.write_bytes(data)
    refused(path, tmp_path, "damaged")


@pytest.mark.parametrize("kind", ["zip", "tgz", "tar"])
def test_a_truncated_archive(tmp_path, kind):
    members = {f"{number}": bytes(range(256)) * 40 for number in range(10)}
    path = (
        zipped(tmp_path / "x.zip", members, how=zipfile.ZIP_STORED)
        if kind == "zip"
        else tarred(tmp_path / f"x.{kind}", list(members.items()), "w:gz" if kind == "tgz" else "w")
    )
    path.write_bytes(path.read_bytes()[:-9000] if kind != "tgz" else path.read_bytes()[:300])
    refused(path, tmp_path, "damaged|not a zip or tar")


def test_a_flipped_byte_in_a_zip(tmp_path):
    path = zipped(tmp_path / "x.zip", {"a": b"y" * 100}, how=zipfile.ZIP_STORED)
    path.write_bytes(path.read_bytes().replace(b"yyyy", b"yyzy", 1))
    refused(path, tmp_path, "damaged.*CRC")


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"", "an empty file"),
        (b"<!DOCTYPE html>", "an HTML page"),
        (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
        (b"Rar!\x1a", "a RAR archive"),
        (b"hello", "no archive"),
    ],
)
def test_what_is_no_archive_is_named(tmp_path, data, name):
    path = tmp_path / "x"
    path.write_bytes(data)
    assert describe_file(path).startswith(name)
    refused(path, tmp_path, name.split()[-1])


def test_a_folder_that_exists_is_left_alone(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/mine").write_text("x")
    with pytest.raises(DataError, match="exists already"):
        extract(zipped(tmp_path / "x.zip", {"a": b"1"}), tmp_path / "out")
    assert (tmp_path / "out/mine").read_text() == "x"
