"""Readers of arrays, checkpoints, recipes and specs meet damage drawn from a fixed seed.

They are called by themselves: whatever they are given, they return something sound or raise an
error of ours with a sentence. `test_fuzz` has the readers that a command stands before, and says
how to draw more.
"""

from __future__ import annotations

import gzip
import json
import logging
import zipfile
from pathlib import Path

import numpy as np
import pytest
from mutations import HOSTILE, damaged_bytes, draws

from imbench.errors import DataError, UsageError
from imbench.files.checkpoint import load_tensors, save_tensors
from imbench.images.cache import prepare
from imbench.images.cache_reader import open_decoded
from imbench.lists import parse_integers, parse_texts
from imbench.spec import parse_spec, split_list
from imbench.training.recipe import parse_recipe, parse_recorded

HEADERS = (
    "{'descr': '|O', 'fortran_order': False, 'shape': (12, 8, 8, 3)}",
    "{'descr': '|u1', 'fortran_order': True, 'shape': (12, 8, 8, 3)}",
    "{'descr': '|u1', 'fortran_order': False, 'shape': (12, -8, 8, 3)}",
    "{'descr': '|u1', 'fortran_order': False, 'shape': (12, 10**9, 8, 3)}",
    "{'descr': '|u1', 'fortran_order': False, 'shape': (12, 1000000000000, 8, 3)}",
    "{'descr': '<f8', 'fortran_order': False, 'shape': (12, 1, 8, 3)}",
    "{'descr': '|u1', 'fortran_order': False, 'shape': ()}",
    "{'descr': '|u1', 'fortran_order': False, 'shape': (12,)}",
    "{'descr': '|u1', 'fortran_order': False, 'shape': 12}",
    "{'descr': [('a', '|u1')], 'fortran_order': False, 'shape': (12, 8, 8, 3)}",
    "{'descr': 'nosuch', 'fortran_order': False, 'shape': (12, 8, 8, 3)}",
    "{'shape': (12, 8, 8, 3)}",
    "__import__('os').system('true')",
    "(" * 5000,
    "-" * 5000 + "1",
    "",
)
"""Descriptions of an array that do not fit what follows, or are none."""


def damaged_npy(raw: bytes, rng: np.random.Generator) -> bytes:
    """Return an ``.npy`` file with another header, or damaged as any bytes."""
    if rng.integers(2):
        return damaged_bytes(raw, rng)
    header = HEADERS[int(rng.integers(len(HEADERS)))].encode() + b"\n"
    version = bytes(rng.choice([[1, 0], [2, 0], [3, 0], [9, 9]]).astype(np.uint8))
    size = len(header).to_bytes(2 if version == b"\1\0" else 4, "little")
    start = 10 + int.from_bytes(raw[8:10], "little")
    return b"\x93NUMPY" + version + size + header + raw[start:]


def test_damaged_arrays_of_the_cache_are_refused_or_whole(tmp_path, data_folder):
    pictures = data_folder({"train/cat": 4, "train/dog": 4, "test/cat": 2, "test/dog": 2})
    cache = tmp_path / "cache"

    def prepared():
        return prepare(f"folder:{pictures}", root=tmp_path, size=8, cache=cache)

    entry = prepared().folder
    refused = 0
    for name, seed in (("pixels", 21), ("labels", 22)):
        file = entry / f"{name}.npy"
        sound = file.read_bytes()
        for rng in draws(seed, 150):
            file.write_bytes(raw := damaged_npy(sound, rng))
            try:
                found = open_decoded(entry)
            except DataError as error:
                said = str(error)
                assert "\n" not in said, raw[:200]
                refused += 1
                continue
            # Bytes within the arrays may be others: a checksum of gigabytes is not taken twice.
            for images in (found.train, found.validation, found.test):
                assert images.pixels.shape == (len(images.names), 8, 8, 3), raw[:200]
                assert images.pixels.dtype == np.uint8, raw[:200]
                assert images.labels.shape == (len(images.names),), raw[:200]
                assert images.labels.dtype == np.int64, raw[:200]
                assert set(images.labels.tolist()) <= {0, 1}, raw[:200]
        file.write_bytes(raw)
        assert len(prepared().train.names) == 8  # made anew
        file.write_bytes(sound)
    assert refused > 100


def test_damaged_checkpoints_are_none_or_as_they_were(tmp_path, caplog):
    import torch

    logging.getLogger("imbench").propagate = True
    file = tmp_path / "a.pt"
    save_tensors(file, {"step": 3, "weights": torch.arange(40.0)})
    sound = file.read_bytes()
    read = 0
    for rng in draws(23, 150):
        file.write_bytes(damaged_bytes(sound, rng))
        caplog.clear()
        if (found := load_tensors(file)) is None:
            assert not file.exists()
            assert len(caplog.messages) == 1
            assert "\n" not in caplog.messages[0]
            continue
        assert found["step"] == 3
        assert torch.equal(found["weights"], torch.arange(40.0))
        read += 1
    assert read < 75


def test_checkpoints_put_together_anew_are_none_or_data(tmp_path):
    """Each member of the archive replaced by hostile content, its checksums right."""
    import torch

    file, made = tmp_path / "a.pt", tmp_path / "b.pt"
    save_tensors(file, {"step": 3, "weights": torch.arange(40.0)})
    with zipfile.ZipFile(file) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    for rng in draws(24, 120):
        name = list(members)[int(rng.integers(len(members)))]
        with zipfile.ZipFile(made, "w") as archive:
            for other, content in members.items():
                archive.writestr(other, damaged_bytes(content, rng) if other == name else content)
        found = load_tensors(made)
        assert found is None or isinstance(found, dict)


def test_damaged_files_of_fashion_mnist_are_a_sentence(tmp_path):
    from imbench.datasets.fashion_mnist import FashionMNIST

    folder = tmp_path / "fashion-mnist"
    folder.mkdir()
    sound = {}
    for part, count in (("train", 30), ("t10k", 20)):
        pixels = np.random.default_rng(0).integers(0, 256, (count, 28, 28), dtype=np.uint8)
        labels = (np.arange(count) % 10).astype(np.uint8)
        for kind, array in (("images-idx3", pixels), ("labels-idx1", labels)):
            head = bytes([0, 0, 8, array.ndim]) + b"".join(
                size.to_bytes(4, "big") for size in array.shape
            )
            sound[f"{part}-{kind}-ubyte.gz"] = gzip.compress(head + array.tobytes(), mtime=0)
    for name, raw in sound.items():
        (folder / name).write_bytes(raw)
    assert len(FashionMNIST(tmp_path).read().names)
    for rng in draws(25, 100):
        name = list(sound)[int(rng.integers(len(sound)))]
        raw = sound[name]
        if rng.integers(2):
            raw = gzip.compress(damaged_bytes(gzip.decompress(raw), rng), mtime=0)
        else:
            raw = damaged_bytes(raw, rng)
        (folder / name).write_bytes(raw)
        try:
            listing = FashionMNIST(tmp_path).read()
            assert len(listing.sources) == len(listing.labels)
        except DataError as error:
            said = str(error)
            assert "\n" not in said
        (folder / name).write_bytes(sound[name])


SIGNS = [*"us:=,.-+\\\"'()[]{}%0123456789eExXnaNI_ \t\n\0é\u202e\ud800\x1b٣²", "vanilla", "rho="]
NAMES = ("us", "os", "cs", "ts", "cbl", "smote", "aug", "alt", "generated", "imblearn", "vanilla")


def text_of(rng: np.random.Generator) -> str:
    """Return a text: known names and parameters between signs that the grammar knows, or not."""
    words = [*NAMES, *NAMES, *SIGNS, *(str(value) for value in HOSTILE if len(str(value)) < 400)]
    text = "".join(words[int(n)] for n in rng.integers(0, len(words), int(rng.integers(1, 12))))
    if rng.integers(12) == 0:
        text += ("-", "(", "+", "\\", ":", ",", "9", "us+")[int(rng.integers(8))] * 5000
    return text


@pytest.mark.parametrize("parse", [parse_recipe, parse_recorded], ids=["typed", "recorded"])
def test_a_recipe_is_refused_in_a_sentence_or_reads_back(parse, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    read = 0
    for rng in draws(26, 1500):
        text = text_of(rng)
        try:
            recipe = parse(text)
        except UsageError as error:
            said = str(error)
            assert len(said) < 3000, text[:200]
            continue
        assert str(parse(str(recipe))) == str(recipe), text[:200]
        read += 1
    assert read > 10
    assert not list(Path().iterdir())


def test_a_spec_is_refused_in_a_sentence_or_reads_back():
    read = 0
    for rng in draws(27, 1500):
        text = text_of(rng)
        try:
            spec = parse_spec(text)
        except UsageError as error:
            said = str(error)
            assert len(said) < 3000, text[:200]
            continue
        assert parse_spec(str(spec)) == spec, text[:200]
        assert [parse_spec(one) for one in split_list(str(spec))] == [spec], text[:200]
        read += 1
    assert read > 100


def test_lists_of_texts_and_numbers_are_refused_in_a_sentence_or_read():
    for rng in draws(28, 1500):
        text = text_of(rng)
        given = text if rng.integers(2) else [text, HOSTILE[int(rng.integers(len(HOSTILE)))]]
        for parse in (parse_integers, parse_texts):
            try:
                found = parse(given, "seeds")
            except UsageError:
                continue
            assert len(found) == len(set(found)), given
            assert json.dumps(found)
