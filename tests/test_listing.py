"""What a data set may give: each field with each kind of wrong value ends in a sentence."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from imbench.errors import DataError
from imbench.images.dataset import Listing
from imbench.images.notes import DataNote
from imbench.images.validate import check_fields, validate_listing

N = 4
GOOD = Listing(
    classes=("a", "b"),
    sources=np.zeros((N, 8, 6, 3), np.uint8),
    labels=np.array([0, 1, 0, 1]),
    splits=np.array(["train", "train", "test", "test"]),
    names=tuple("1234"),
    groups=np.array(["x", "y", "z", 3.5], object),
    weights=np.array([0, 1, 2.5, 1]),
    masks=np.zeros((N, 8, 6), bool),
    notes=(DataNote("guessed", "everything", 4),),
    policies={"geometry": "pad"},
)
FILES = [Path(f"{name}.png") for name in GOOD.names]
NAN = float("nan")

WRONG = {
    "classes": {
        "none": (None, "classes: None, not a tuple of texts"),
        "text": ("ab", "classes: a str, not a tuple"),
        "numbers": ((0, 1), "classes: a int at place 0, not a text"),
        "twice": (("a", "a"), "classes: 'a' stands there twice"),
        "array": (np.array(["a", "b"]), "classes: an array of <U1, shape (2,), not a tuple"),
    },
    "names": {
        "none": (None, "names: None, not a tuple"),
        "paths": (tuple(FILES), "names: a PosixPath at place 0, not a text"),
        "twice": (("1", "2", "2", "4"), "names: '2' stands there twice"),
        "short": (("1", "2"), "4 sources for 2 names"),
        "empty": ((), "4 sources for 0 names"),
    },
    "sources": {
        "none": (None, "sources: None, neither a list of pathlib.Path nor an array"),
        "texts": ([str(path) for path in FILES], "a str at place 0, not a pathlib.Path"),
        "floats": (np.zeros((N, 8, 6, 3)), "an array of float64, shape (4, 8, 6, 3), not uint8"),
        "signed": (np.zeros((N, 8, 6, 3), int), "with .astype(np.uint8)"),
        "second": (np.zeros((N, 3, 8, 6), np.uint8), ".transpose(0, 2, 3, 1) moves them"),
        "grey": (np.zeros((N, 8, 6), np.uint8), "add the axis of channels with [..., np.newaxis]"),
        "alpha": (np.zeros((N, 8, 6, 4), np.uint8), "shape (4, 8, 6, 4), not uint8 (images"),
        "flat": (np.zeros((N, 144), np.uint8), "shape (4, 144), not uint8 (images"),
        "no pixel": (np.zeros((N, 0, 6, 3), np.uint8), "shape (4, 0, 6, 3), not uint8"),
        "iterator": (iter(FILES), "sources: a list_iterator, neither"),
        "short": (FILES[:3], "3 sources for 4 names"),
    },
    "labels": {
        "none": (None, "labels: None, not an array of whole numbers"),
        "list": ([0, 1, 0, 1], "labels: a list, not an array of whole numbers (images,)"),
        "floats": (np.array([0.0, 1, 0, 1]), "labels: an array of float64"),
        "truths": (np.array([False, True] * 2), "labels: an array of bool"),
        "texts": (np.array(["a", "b"] * 2), "labels: an array of <U1"),
        "one-hot": (np.eye(2, dtype=int)[[0, 1, 0, 1]], "shape (4, 2), not an array"),
        "above": (np.array([0, 2, 0, 7]), "2 labels are outside 0..1, e.g. 2"),
        "below": (np.array([0, -1, 0, 1]), "1 labels are outside 0..1, e.g. -1"),
        "short": (np.array([0, 1]), "2 labels for 4 names"),
    },
    "splits": {
        "none": (None, "splits: None, not an array of texts"),
        "list": (["train"] * N, "splits: a list, not an array of texts (images,)"),
        "numbers": (np.zeros(N, int), "splits: an array of int64"),
        "unknown": (np.array(["train", "dev"] * 2), "'dev' is none of train, validation, test"),
        "short": (np.array(["train"]), "1 splits for 4 names"),
    },
    "channels": {
        "none": (None, "channels: None is neither 1 nor 3"),
        "four": (4, "channels: 4 is neither"),
        "float": (3.0, "channels: 3.0 is neither"),
        "truth": (True, "channels: True is neither"),
    },
    "groups": {
        "list": (list("xyzw"), "groups: a list, not an array (images,)"),
        "missing": (np.array(["x", None, NAN, "w"], object), "2 images have none (None or NaN)"),
        "floats": (np.array([1.0, 2, NAN, 4]), "groups: 1 images have none"),
        "table": (np.zeros((N, 2), int), "shape (4, 2), not an array"),
        "torn": (np.array(list("xxxy")), "1 groups are in more than one split, e.g. 'x'"),
        "short": (np.array(["x"]), "1 groups for 4 names"),
    },
    "weights": {
        "list": ([1.0] * N, "weights: a list, not an array of numbers"),
        "texts": (np.array(["1"] * N), "weights: an array of <U1"),
        "nan": (np.array([1, NAN, 1, 1]), "weights: nan is not a number from 0 on"),
        "negative": (np.array([1, -0.5, 1, 1]), "weights: -0.5 is not a number from 0 on"),
        "short": (np.ones(3), "3 weights for 4 names"),
    },
    "masks": {
        "bytes": (
            np.zeros((N, 8, 6), np.uint8),
            "not bool (images, height, width), as masks > 127",
        ),
        "channels": (np.zeros((N, 8, 6, 1), bool), "shape (4, 8, 6, 1), not bool"),
        "texts": (["m.png"] * N, "masks: a str at place 0, not a pathlib.Path or None"),
        "number": (3, "masks: a int, neither a list"),
        "short": ([None], "1 masks for 4 names"),
    },
    "notes": {
        "none": (None, "notes: None, not a tuple of DataNote"),
        "text": ("weighted", "notes: a str, not a tuple of DataNote"),
        "texts": (("weighted",), "notes: a str at place 0, not a DataNote"),
    },
    "policies": {
        "none": (None, "policies: None, not a mapping"),
        "list": ([("a", "b")], "policies: a list, not a mapping"),
        "numbers": ({"size": 3}, "policies: a int at place 1, not a text"),
    },
}


def test_every_field_is_tried():
    assert set(WRONG) == {field.name for field in fields(Listing)}


@pytest.mark.parametrize(
    ("name", "kind"), [(name, kind) for name, kinds in WRONG.items() for kind in kinds]
)
def test_a_field_of_a_wrong_type_is_a_sentence(name, kind):
    value, said = WRONG[name][kind]
    with pytest.raises(DataError) as caught:
        validate_listing(replace(GOOD, **{name: value}), "mine:3")
    assert str(caught.value).startswith("mine:3: ")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_is_right_passes_unchanged():
    assert validate_listing(GOOD, "x") is GOOD
    bare = replace(GOOD, groups=None, weights=None, masks=None, notes=(), policies={})
    assert validate_listing(bare, "x") is bare
    files = replace(GOOD, sources=FILES, masks=[None, *FILES[1:]], names=list(GOOD.names))
    assert validate_listing(files, "x") is files


def test_labels_of_any_whole_type_become_int64():
    for kind in (np.uint8, np.uint64, np.int32):
        labels = validate_listing(replace(GOOD, labels=GOOD.labels.astype(kind)), "x").labels
        assert labels.dtype == np.int64
        assert labels.tolist() == GOOD.labels.tolist()


@pytest.mark.parametrize("value", [None, (), {"classes": ("a", "b")}, GOOD.sources])
def test_what_is_no_listing_is_refused(value):
    with pytest.raises(DataError, match=r"x: read\(\) returned .*, not an imbench.Listing"):
        check_fields(value, "x")


def test_one_class_and_torn_groups_are_left_to_verify():
    only = replace(GOOD, classes=("a",), labels=np.zeros(N, int), groups=np.array(list("xxxy")))
    assert check_fields(only, "x") is only
    with pytest.raises(DataError, match="x has one class only"):
        validate_listing(only, "x")


def test_an_empty_listing_is_refused():
    none = {
        name: getattr(GOOD, name)[:0]
        for name in ("sources", "labels", "splits", "names", "groups", "weights", "masks")
    }
    with pytest.raises(DataError, match="x has no images"):
        validate_listing(replace(GOOD, **none), "x")
