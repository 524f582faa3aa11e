"""Folders drawn at random: whatever users make of them, nothing is taken for something else."""

import os
import unicodedata
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from imbench.datasets.folder import Folder
from imbench.errors import DataError, UsageError
from imbench.images.image_files import find_images

LAYOUTS = 300
TRAIN = ("train", "Train", "TRAINING", "training_set", "train-images", "trainset", "Training Data")
TEST = ("test", "Test", "TESTING", "test_set", "eval", "Evaluation", "holdout", "testImages")
VALIDATION = ("val", "valid", "Validation", "dev", "validation_set")
CLASSES = ("cat", "Dog", "hot dog", "Füße", "猫", "tab%20by", "0001", "trainer", "latest", "mask")
STRAYS = ("notes", "__MACOSX", ".ipynb_checkpoints", "ground_truth", "extra", "unlabeled")


@pytest.fixture(scope="module")
def png(tmp_path_factory):
    """Return the bytes of a small image."""
    from PIL import Image

    path = tmp_path_factory.mktemp("one") / "one.png"
    Image.new("RGB", (2, 2)).save(path)
    return path.read_bytes()


class Drawn:
    """A folder that is filled at random; a seed gives the same one each time."""

    def __init__(self, base, seed, png):
        self.base, self.png = base, png
        self.rng = np.random.default_rng(seed)

    def one(self, items):
        return items[int(self.rng.integers(len(items)))]

    def some(self, items, low, high):
        count = min(int(self.rng.integers(low, high + 1)), len(items))
        return [items[i] for i in self.rng.permutation(len(items))[:count]]

    def chance(self, share):
        return bool(self.rng.random() < share)

    def spelled(self, name):
        """Return a name in another case or Unicode form."""
        form = self.one((str, str.upper, str.lower, str.title, nfd))
        return form(name)

    def images(self, folder, count, suffix=".png"):
        assert not folder.startswith("/")
        (self.base / folder).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            (self.base / folder / f"{number}{suffix}").write_bytes(self.png)

    def strays(self, folder):
        """Add what lies about in folders of images."""
        (self.base / folder).mkdir(parents=True, exist_ok=True)
        for name, data in (
            ("x.heic", b"\0\0\0\x18ftypheic"),
            ("y.dcm", b"\0" * 128 + b"DICM"),
            ("readme.txt", b"text"),
            ("nosuffix", self.png),
            (".hidden.png", self.png),
            (".DS_Store", b"\0"),
            ("0_mask.png", self.png),
        ):
            if self.chance(0.2):
                (self.base / folder / name).write_bytes(data)
        if self.chance(0.2):
            (self.base / folder / "empty").mkdir(exist_ok=True)
        if self.chance(0.1) and not (self.base / folder / "gone").is_symlink():
            (self.base / folder / "gone").symlink_to("nowhere")


def nfd(text):
    return unicodedata.normalize("NFD", text)


def listed(base):
    """Return the listing, or None if the folder is refused in a sentence."""
    try:
        return Folder(base, str(base)).everything()
    except (DataError, UsageError):
        return None


def names_split(name, words):
    plain = "".join(filter(str.isalnum, name)).lower()
    return any(plain == "".join(filter(str.isalnum, word)).lower() for word in words)


def files_below(base):
    """Return every file below a folder, not through links to folders."""
    return {
        (Path(where) / name).relative_to(base).as_posix()
        for where, _, names in os.walk(base)
        for name in names
    }


def is_said(path):
    """Whether a word is due: not for litter, nor for what is no image in a folder left out."""
    *folders, name = path.split("/")
    out = {"__MACOSX", ".ipynb_checkpoints", "ground_truth"} & set(folders)
    is_image = name.lower().endswith((".png", ".jpg", ".heic", ".dcm"))
    return name != ".DS_Store" and (is_image or not out)


@pytest.mark.parametrize("block", range(6))
def test_splits_and_classes_are_found_among_whatever_lies_beside_them(tmp_path, png, block):
    for seed in range(block * LAYOUTS // 6, (block + 1) * LAYOUTS // 6):
        drawn = Drawn(tmp_path / str(seed), seed, png)
        top = "".join(f"{name}/" for name in drawn.some(("data", "v2", "archive", "My Set"), 0, 2))
        classes = drawn.some(CLASSES, 2, 4)
        expected = Counter()
        words = {"train": drawn.one(TRAIN), "test": drawn.one(TEST)}
        if drawn.chance(0.5):
            words["validation"] = drawn.one(VALIDATION)
        for split, word in words.items():
            inner = f"{top}{word}" + f"/{word}" * drawn.chance(0.1)
            for name in classes:
                spelled = drawn.spelled(name) if split != "train" else name
                place = f"{inner}/{spelled}" + "/deeper" * drawn.chance(0.1)
                count = int(drawn.rng.integers(1, 4))
                drawn.images(place, count)
                expected[split, name] += count
                drawn.strays(place)
            drawn.strays(inner)
        for stray in drawn.some(STRAYS, 0, 2):
            drawn.images(f"{top}{stray}/a", 1)
        listing = listed(drawn.base)
        assert listing is not None, seed
        found = Counter(
            (split, listing.classes[label])
            for split, label in zip(listing.splits.tolist(), listing.labels.tolist(), strict=True)
        )
        assert found == expected, (seed, words)


@pytest.mark.parametrize("block", range(6))
def test_no_class_is_a_split_and_no_training_image_is_of_a_test_folder(tmp_path, png, block):
    accepted = 0
    for seed in range(block * LAYOUTS // 6, (block + 1) * LAYOUTS // 6):
        drawn = Drawn(tmp_path / str(seed), 1000 + seed, png)
        words = drawn.some((TRAIN[0], TEST[1], VALIDATION[0], TEST[4], TRAIN[3]), 0, 4)
        for _ in range(int(drawn.rng.integers(2, 12))):
            parts = [drawn.one(words)] * drawn.chance(0.9) if words else []
            parts += [drawn.one(CLASSES[:3])] * drawn.chance(0.95)
            parts += [drawn.one((*words, *STRAYS, "A", "B"))] * drawn.chance(0.1)
            if parts:
                drawn.images("/".join(parts), int(drawn.rng.integers(1, 3)))
                drawn.strays("/".join(parts))
        folders = sorted(path for path in drawn.base.rglob("*") if path.is_dir())
        for number in range(int(drawn.rng.integers(0, 3)) if folders else 0):
            link = drawn.one(folders) / f"link{number}"
            link.symlink_to(drawn.one([drawn.base, *folders]))
        listing = listed(drawn.base)
        if listing is None:
            continue
        accepted += len(listing.classes) > 1
        words = TRAIN + TEST + VALIDATION
        assert not [kind for kind in listing.classes if names_split(kind, words)]
        assert len({source.resolve() for source in listing.sources}) == len(listing.sources)
        for name, split in zip(listing.names, listing.splits.tolist(), strict=True):
            parts = name.split("/")[:-1]
            if split == "train":
                assert not [part for part in parts if names_split(part, TEST + VALIDATION)], seed
            if split == "test":
                assert not [part for part in parts if names_split(part, TRAIN)], seed
    assert accepted >= LAYOUTS // 6 // 5


@pytest.mark.parametrize("block", range(6))
def test_each_file_is_listed_or_counted_in_a_note(tmp_path, png, block):
    for seed in range(block * LAYOUTS // 6, (block + 1) * LAYOUTS // 6):
        drawn = Drawn(tmp_path / str(seed), 2000 + seed, png)
        names = (*TRAIN[:2], *TEST[:2], *CLASSES[:4], *STRAYS)
        for _ in range(int(drawn.rng.integers(2, 9))):
            place = "/".join(drawn.one(names) for _ in range(int(drawn.rng.integers(1, 4))))
            drawn.images(place, int(drawn.rng.integers(1, 4)), drawn.one((".png", ".JPG", ".heic")))
            drawn.strays(place)
        drawn.strays(".")
        found = find_images(drawn.base)
        listing = listed(drawn.base)
        left_out = {left.place for left in found.left_out if left.why != "empty"}
        files = {name for name in files_below(drawn.base) if is_said(name)}
        assert set(found.files) | left_out == files, seed
        assert not set(found.files) & left_out
        if listing is not None:
            counted = sum(
                note.count
                for note in listing.notes
                if note.kind == "left out" and "without images" not in note.text
            )
            assert len(listing.names) + counted == len(files), seed
