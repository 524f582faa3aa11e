"""Checkpoints: whole or not there, and data only."""

import copy
import zipfile

import numpy as np
import pytest
import torch
from traps import Trap, malicious, malicious_pickle

from imbench.errors import EnvironmentFault
from imbench.files import checkpoint

CONTENT = {
    "net": {"weight": torch.arange(600.0).view(2, 300)},
    "rng": np.random.default_rng(3).bit_generator.state,
    "history": [(1.0, 0.5)],
    "done": 7,
    "sum": None,
}


def test_what_is_saved_is_loaded(tmp_path):
    path = tmp_path / "new" / "one.pt"
    checkpoint.save_tensors(path, CONTENT)
    loaded = checkpoint.load_tensors(path)
    assert torch.equal(loaded["net"]["weight"], CONTENT["net"]["weight"])
    assert {key: loaded[key] for key in ("rng", "history", "done", "sum")} == {
        key: CONTENT[key] for key in ("rng", "history", "done", "sum")
    }
    assert [file.name for file in path.parent.iterdir()] == ["one.pt"]


def test_no_file_is_no_checkpoint(tmp_path):
    assert checkpoint.load_tensors(tmp_path / "none.pt") is None


def old_format(path, marker):
    torch.save({"done": Trap(marker)}, path, _use_new_zipfile_serialization=False)


@pytest.mark.parametrize("make", [malicious, malicious_pickle, old_format])
def test_row_18_a_file_that_would_run_code_is_set_aside(tmp_path, caplog, make):
    path, marker = tmp_path / "bad.pt", tmp_path / "ran"
    make(path, marker)
    assert checkpoint.load_tensors(path) is None
    assert not marker.exists()
    assert not path.exists()
    assert (tmp_path / "bad.pt.refused").exists()
    assert "bad.pt is not a checkpoint" in caplog.text


def test_the_bomb_would_go_off(tmp_path):
    malicious(tmp_path / "bad.pt", tmp_path / "ran")
    torch.load(tmp_path / "bad.pt", weights_only=False)
    assert (tmp_path / "ran").exists()


def damaged(raw, how):
    if how == "empty":
        return b""
    if how == "cut":
        return raw[: len(raw) // 2]
    changed = bytearray(raw)
    changed[raw.index(CONTENT["net"]["weight"].numpy().tobytes()) + 801] ^= 1
    return bytes(changed)


@pytest.mark.parametrize("how", ["empty", "cut", "one bit"])
def test_a_damaged_file_is_set_aside(tmp_path, caplog, how):
    path = tmp_path / "one.pt"
    checkpoint.save_tensors(path, CONTENT)
    path.write_bytes(damaged(path.read_bytes(), how))
    assert checkpoint.load_tensors(path) is None
    assert not path.exists()
    assert "moved to one.pt.refused" in caplog.text
    checkpoint.save_tensors(path, CONTENT)
    assert checkpoint.load_tensors(path)["done"] == 7


@pytest.mark.parametrize("how", ["compressed", "twice"])
def test_row_18_a_file_that_would_become_larger_is_set_aside_before_it_is_read(
    tmp_path, caplog, how
):
    path = tmp_path / "a.pt"
    checkpoint.save_tensors(path, {"w": torch.zeros(2_000_000)})
    with zipfile.ZipFile(path) as archive:
        members = {one.filename: archive.read(one) for one in archive.infolist()}
    kind = zipfile.ZIP_DEFLATED if how == "compressed" else zipfile.ZIP_STORED
    with zipfile.ZipFile(path, "w", kind) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
        if how == "twice":  # a second name for the same bytes
            other = copy.copy(max(archive.infolist(), key=lambda one: one.file_size))
            other.filename = "again"
            archive.filelist.append(other)
    size = path.stat().st_size
    assert checkpoint.load_tensors(path) is None
    assert f"its {size} bytes would become " in caplog.text
    assert (tmp_path / "a.pt.refused").exists()


def test_torch_alone_would_read_a_file_with_one_bit_changed(tmp_path):
    path = tmp_path / "one.pt"
    checkpoint.save_tensors(path, CONTENT)
    path.write_bytes(damaged(path.read_bytes(), "one bit"))
    assert zipfile.ZipFile(path).testzip() is not None
    torch.load(path, weights_only=True)


def test_tensors_without_names_are_no_checkpoint(tmp_path, caplog):
    torch.save([torch.zeros(2)], tmp_path / "list.pt")
    assert checkpoint.load_tensors(tmp_path / "list.pt") is None
    assert "it holds a list, not a dict" in caplog.text


def test_a_folder_in_place_of_a_file_is_the_machines_fault(tmp_path):
    (tmp_path / "one.pt").mkdir()
    with pytest.raises(EnvironmentFault, match="cannot be read"):
        checkpoint.load_tensors(tmp_path / "one.pt")
    assert (tmp_path / "one.pt").is_dir()
