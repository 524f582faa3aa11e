import numpy as np
import pytest

from imbench.images.copy_policy import copy_limit, copy_policy
from imbench.images.duplicates import Copies, Leak, NearPair, NearSearch, find_copies
from imbench.images.look_alikes import MOST


def groups_of(copies):
    return [group.tolist() for group in copies.groups()]


def picture(seed):
    coarse = np.random.default_rng(seed).integers(0, 256, (8, 8))
    return np.kron(coarse, np.ones((4, 4))).astype(np.uint8)


def search(thumbnails, compare, *, sides=None):
    everything = np.ones(len(thumbnails), bool)
    return NearSearch(thumbnails, sides or [(everything, everything)], compare, 0.4)


def test_many_equal_images_are_one_group():
    calls = []
    near = search([picture(0)] * 50_000 + [picture(1)] * 50_000, lambda a, b: calls.append((a, b)))
    copies = find_copies(["a"] * 50_000 + ["b"] * 50_000, near)
    assert [len(group) for group in copies.groups()] == [50_000, 50_000]
    assert copies.near == calls == []
    test = np.arange(100_000) % 2 == 0
    assert len(copies.leaks(test)) == 50_000


def test_look_alikes_are_compared_once_and_the_limit_decides():
    looks = [picture(0), picture(1), picture(0), picture(0)]
    distances = {(0, 2): 0.4, (0, 3): 0.41, (2, 3): 0.1}
    calls = []

    def compare(a, b):
        calls.append((a, b))
        return distances[a, b]

    everything, some = np.ones(4, bool), np.array([True, False, True, False])
    sides = [(everything, everything), (some, ~some)]
    copies = find_copies("abcd", search(looks, compare, sides=sides))
    assert sorted(calls) == sorted(distances)
    assert copies.near == [NearPair(0.1, 2, 3), NearPair(0.4, 0, 2)]
    assert copies.compared == 3


def test_comparisons_are_linear_in_the_number_of_images():
    rng = np.random.default_rng(0)
    series = [np.clip(picture(0) + rng.normal(0, 2, (32, 32)), 0, 255) for _ in range(400)]
    calls = []
    near = search([one.astype(np.uint8) for one in series], lambda a, b: calls.append(1) or 1.0)
    copies = find_copies([str(row) for row in range(400)], near)
    assert copies.looked_alike == 400 * 399 / 2
    assert copies.compared == len(calls) <= 400 * MOST


def test_every_one_of_equal_images_leaks_with_their_near_copy():
    looks = [picture(0), picture(1), picture(0), picture(0), picture(0)]
    copies = find_copies("abaca", search(looks, lambda a, b: 0.2))
    assert groups_of(copies) == [[0, 2, 4]]
    assert copies.near == [NearPair(0.2, 0, 3)]
    test = np.array([False, False, False, True, False])
    assert copies.leaks(test) == [Leak(0, 3, 0.2), Leak(2, 3, 0.2), Leak(4, 3, 0.2)]
    # The other way round: the near copy of any one of equal test images leaks.
    assert copies.leaks(~test & (np.arange(5) != 0)) == [Leak(0, 2, None), Leak(3, 2, 0.2)]


def test_a_group_is_on_every_side_that_has_one_of_it():
    # Row 3 is in the test set and its equal, row 0, in training; row 1 is near both.
    looks = [picture(0)] * 4
    test = np.array([False, False, True, True])
    copies = find_copies("abca", search(looks, lambda a, b: 0.1, sides=[(~test, test)]))
    assert {(pair.first, pair.second) for pair in copies.near} == {(0, 1), (0, 2), (1, 2)}
    assert copies.leaks(test) == [Leak(0, 3, None), Leak(1, 3, 0.1)]


def test_leaks_make_no_chains():
    # 1 is a near copy of 0 and of 2, which are no copies of each other.
    copies = Copies(np.arange(3), [NearPair(0.1, 0, 1), NearPair(0.3, 1, 2)])
    assert copies.leaks(np.array([False, False, True])) == [Leak(1, 2, 0.3)]


def test_of_several_originals_the_nearest_is_named():
    copies = Copies(np.arange(3), [NearPair(0.1, 0, 2), NearPair(0.3, 0, 1)])
    assert copies.leaks(np.array([False, True, True])) == [Leak(0, 2, 0.1)]


def test_nothing_to_compare():
    assert groups_of(find_copies([])) == []
    near = search([None, None], lambda a, b: pytest.fail("compared"))
    assert find_copies(["a", "b"], near).near == []


def test_the_limit_is_read_back_from_the_policy():
    assert copy_limit({}) == 0.4
    assert copy_limit(copy_policy("0.1", "folder")) == 0.1
    assert copy_limit(copy_policy("exact", "folder")) is None
    assert copy_policy("0.40", "folder") == {}
