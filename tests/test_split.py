import numpy as np
import pytest

from imbench.errors import DataError
from imbench.images.split import check_groups, crossing_groups, stratified_splits
from imbench.images.split_words import split_name

NAMES = [f"image-{i}" for i in range(100)]
LABELS = np.repeat([0, 1], [80, 20])


def test_every_class_gives_its_share():
    splits = stratified_splits(NAMES, LABELS, test=0.25, validation=0.1)
    for label, counts in ((0, [52, 8, 20]), (1, [13, 2, 5])):
        here = splits[label == LABELS]
        assert [(here == name).sum() for name in ("train", "validation", "test")] == counts


def test_order_does_not_matter():
    splits = dict(zip(NAMES, stratified_splits(NAMES, LABELS, test=0.25), strict=True))
    order = np.random.default_rng(0).permutation(100)
    shuffled = stratified_splits([NAMES[i] for i in order], LABELS[order], test=0.25)
    assert [splits[NAMES[i]] for i in order] == shuffled.tolist()


def test_a_new_image_moves_few_others():
    before = stratified_splits(NAMES, LABELS, test=0.25)
    after = stratified_splits([*NAMES, "new"], np.append(LABELS, 1), test=0.25)
    assert (before != after[:-1]).sum() <= 1


def test_groups_stay_whole_and_classes_near_their_share():
    rng = np.random.default_rng(1)
    groups = rng.integers(0, 30, 100)
    labels = rng.integers(0, 2, 100)
    splits = stratified_splits(NAMES, labels, test=0.3, groups=groups)
    assert crossing_groups(groups, splits) == {}
    for label in (0, 1):
        assert 0.15 < (splits[labels == label] == "test").mean() <= 0.31


def test_a_small_class_still_has_one_in_each():
    splits = stratified_splits(["a", "b"], np.array([0, 0]), test=0.1)
    assert sorted(splits.tolist()) == ["test", "train"]
    assert stratified_splits(["a"], np.array([0]), test=0.5).tolist() == ["train"]


def test_a_torn_group_is_named():
    with pytest.raises(DataError, match=r"1 groups.*'ann' in test and train"):
        check_groups(["ann", "bob", "ann"], np.array(["train", "train", "test"]), "csv:x")
    check_groups(["ann", "bob", "ann"], np.array(["test", "train", "test"]), "csv:x")


def test_names_of_splits():
    assert [split_name(name) for name in ("Train", " val", "dev", "TEST", "cats")] == [
        "train",
        "validation",
        "validation",
        "test",
        None,
    ]
