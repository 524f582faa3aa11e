"""Downloads from a real server on this machine: good answers and every bad one."""

import hashlib
import socket
import time

import pytest

from imbench.errors import DataError
from imbench.files.download import RemoteFile, download

BODY = b"\x1f\x8b" + b"data" * 1000


def remote(server, checksum=None, paths=("/file.gz",)):
    known = f"sha256:{hashlib.sha256(BODY).hexdigest()}" if checksum is None else checksum
    return RemoteFile("file.gz", tuple(server.url + path for path in paths), known)


def gzipped(path):
    return None if path.read_bytes()[:2] == b"\x1f\x8b" else "no gzip"


def get(one, folder):
    return download(one, folder, find_fault=gzipped, quiet=True)


def failed(one, folder):
    with pytest.raises(DataError) as caught:
        get(one, folder)
    assert not folder.exists() or list(folder.iterdir()) == []
    return str(caught.value)


def test_a_good_answer(data_server, tmp_path):
    data_server["/file.gz"] = (200, BODY, 0)
    assert get(remote(data_server), tmp_path / "new").read_bytes() == BODY
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["file.gz"]


def test_md5_and_no_checksum(data_server, tmp_path):
    data_server["/file.gz"] = (200, BODY, 0)
    md5 = hashlib.md5(BODY, usedforsecurity=False).hexdigest()
    assert get(remote(data_server, f"md5:{md5}"), tmp_path).exists()
    assert get(remote(data_server, ""), tmp_path).exists()


def test_row_17_a_quota_page(data_server, tmp_path):
    data_server["/file.gz"] = (200, b"<!DOCTYPE html><html>Quota exceeded</html>", 0)
    message = failed(remote(data_server), tmp_path)
    assert "wrong sha256" in message
    assert "an HTML page" in message
    assert "no gzip" in failed(remote(data_server, ""), tmp_path)


def test_row_17_a_short_body(data_server, tmp_path):
    data_server["/file.gz"] = (200, BODY[:100], len(BODY) - 100)
    assert "before the file was complete" in failed(remote(data_server), tmp_path)
    assert "before the file was complete" in failed(remote(data_server, ""), tmp_path)


def test_row_17_a_wrong_hash(data_server, tmp_path):
    data_server["/file.gz"] = (200, BODY + b"!", 0)
    assert f"of {len(BODY) + 1} bytes" in failed(remote(data_server), tmp_path)


@pytest.mark.parametrize("status", [403, 404, 500, 503])
def test_an_error(data_server, tmp_path, status):
    data_server["/file.gz"] = (status, b"no", 0)
    assert f"the server answered {status}" in failed(remote(data_server), tmp_path)


def test_the_second_address_is_tried(data_server, tmp_path):
    data_server["/b"] = (200, BODY, 0)
    assert get(remote(data_server, paths=("/a", "/b")), tmp_path).read_bytes() == BODY
    assert data_server.asked == ["/a", "/b"]


def test_row_17_offline_fails_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr(time, "sleep", lambda _: pytest.fail("no retry is waited for"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        # Held and not listened at: nobody else can answer there meanwhile.
        message = failed(RemoteFile("f", (f"http://127.0.0.1:{port}/f",), "md5:0"), tmp_path)
    assert "cannot be reached" in message


def test_a_mirror_replaces_the_addresses(data_server, tmp_path, monkeypatch):
    data_server["/mirror/file.gz"] = (200, BODY, 0)
    monkeypatch.setenv("IMBENCH_MIRROR", data_server.url + "/mirror/")
    assert get(remote(data_server, paths=("/nowhere",)), tmp_path).exists()
    assert data_server.asked == ["/mirror/file.gz"]


def test_row_17_what_a_killed_download_left_is_removed(data_server, tmp_path):
    (tmp_path / ".file.gz.part").mkdir()
    (tmp_path / ".file.gz.part" / "tmp123").write_bytes(b"half")
    data_server["/file.gz"] = (200, BODY, 0)
    get(remote(data_server), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["file.gz"]


def test_a_folder_that_cannot_be_made(data_server, tmp_path):
    (tmp_path / "file").write_text("")
    data_server["/file.gz"] = (200, BODY, 0)
    with pytest.raises(DataError, match="Not a directory"):
        get(remote(data_server), tmp_path / "file" / "below")
