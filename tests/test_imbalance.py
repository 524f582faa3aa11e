"""Subsets are nested, paired, and refused when the images are not there."""

import numpy as np
import pytest

from imbench.errors import UsageError
from imbench.images.subsets import subset

LABELS = np.random.default_rng(0).permutation(np.repeat([0, 1], [200, 60]))


def rows(minority, majority=None, replicate=0, labels=LABELS):
    return subset(labels, minority=minority, majority=majority, replicate=replicate)


def test_smaller_counts_are_inside_larger_ones():
    small, large = rows(12), rows(50)
    assert set(small) < set(large)
    assert np.bincount(LABELS[small]).tolist() == [200, 12]
    assert (np.diff(small) > 0).all()
    assert set(rows(12, majority=30)) < set(rows(12, majority=90))
    assert np.bincount(LABELS[rows(12, majority=30)]).tolist() == [30, 12]


def test_the_majority_does_not_depend_on_the_minority_count():
    of_majority = [set(r[LABELS[r] == 0]) for r in (rows(12, 50), rows(30, 50))]
    assert of_majority[0] == of_majority[1]


def test_replicates_differ_and_repeat():
    assert set(rows(12)) != set(rows(12, replicate=1))
    assert (rows(12, replicate=3) == rows(12, replicate=3)).all()


def test_every_minority_class_is_cut():
    labels = np.repeat([0, 1, 2], [50, 20, 30])
    assert np.bincount(labels[rows(5, labels=labels)]).tolist() == [50, 5, 5]


@pytest.mark.parametrize(
    ("counts", "says"),
    [
        ((61, None), "61 minority images are requested; the training set has 60"),
        ((1, None), "at least 2"),
        ((0, None), "at least 2"),
        ((10, 201), "2 to 200 are possible"),
        ((50, 40), "exceed the 40 of the majority"),
    ],
)
def test_impossible_counts_are_refused(counts, says):
    with pytest.raises(UsageError, match=says):
        rows(*counts)


@pytest.mark.parametrize("labels", [[0, 0, 0], [1, 1, 1], [0, 0, 2, 2]])
def test_a_missing_class_is_refused(labels):
    with pytest.raises(UsageError, match="a class is missing"):
        rows(2, labels=np.array(labels))
