import hashlib
import json
import os
import time

from imbench.files.filehash import file_digests


def sha(text):
    return hashlib.sha256(text.encode()).hexdigest()


def write(path, text, age=10):
    path.write_text(text)
    then = time.time() - age
    os.utime(path, (then, then))
    return path


def settle(path):
    # ctime cannot be set: wait until it is old enough to be trusted.
    while time.time_ns() - path.stat().st_ctime_ns < 2_100_000_000:
        time.sleep(0.05)


def test_hashes_are_remembered_until_the_file_changes(tmp_path):
    memory = tmp_path / "memory" / "a.json"
    path = write(tmp_path / "a", "one")
    settle(path)
    assert file_digests([path], memory) == [sha("one")]
    # Plant another hash to see that it is the memory that answers.
    stored = json.loads(memory.read_text())
    stored["files"][str(path)][3] = "planted"
    memory.write_text(json.dumps(stored))
    assert file_digests([path], memory) == ["planted"]
    old = path.stat()
    path.write_text("two")  # the same size, and the same mtime:
    os.utime(path, ns=(old.st_atime_ns, old.st_mtime_ns))
    assert file_digests([path], memory) == [sha("two")]


def test_a_file_that_was_just_written_is_hashed_again(tmp_path):
    memory, path = tmp_path / "a.json", tmp_path / "a"
    path.write_text("one")
    assert file_digests([path], memory) == [sha("one")]
    assert json.loads(memory.read_text())["files"] == {}


def test_a_missing_file_has_a_reason_for_a_hash(tmp_path):
    path = write(tmp_path / "a", "x")
    digests = file_digests([tmp_path / "none", path, tmp_path], tmp_path / "m.json")
    assert digests[0] == "!the file is missing"
    assert digests[1] == sha("x")
    assert digests[2].startswith("!the file cannot be read")


def test_a_damaged_memory_is_replaced(tmp_path):
    memory, path = tmp_path / "m.json", write(tmp_path / "a", "x")
    for text in ("", "[1]", '{"schema": 99, "files": {}}', '{"schema": 1, "files": {"a": 3}}'):
        memory.write_text(text)
        assert file_digests([path], memory) == [sha("x")]
        assert json.loads(memory.read_text())["schema"] == 1


def test_a_memory_that_cannot_be_written_costs_only_time(tmp_path):
    path = write(tmp_path / "a", "x")
    (tmp_path / "file").write_text("")
    assert file_digests([path], tmp_path / "file" / "m.json") == [sha("x")]
