import numpy as np
import pytest

from imbench.errors import UnknownName, UsageError
from imbench.images.class_names import alike_notes
from imbench.images.classes import choose_classes, resolve_classes
from imbench.images.dataset import Listing

THREE = {"hat": 5, "shirt": 9, "skirt": 3}


def chosen(counts, majority=None, minority=None):
    choice = resolve_classes(counts, majority=majority, minority=minority, owner="folder:x")
    return choice.classes, dict(choice.label_of)


def test_of_two_classes_the_larger_is_the_majority():
    assert chosen({"cat": 2, "dog": 3}) == (("dog", "cat"), {"dog": 0, "cat": 1})
    assert chosen({"dog": 3, "cat": 3})[0] == ("cat", "dog")


def test_of_two_classes_one_name_settles_both():
    assert chosen({"cat": 2, "dog": 3}, majority="cat")[0] == ("cat", "dog")
    assert chosen({"cat": 2, "dog": 3}, minority="dog")[0] == ("cat", "dog")


def test_more_than_two_need_a_choice_and_are_listed_with_counts():
    with pytest.raises(UsageError, match=r"hat \(5\), shirt \(9\), skirt \(3\)"):
        chosen(THREE)
    with pytest.raises(UsageError, match="no majority is chosen"):
        chosen(THREE, minority="hat")


def test_rest_and_several_minorities():
    assert chosen(THREE, "rest", "hat") == (("rest", "hat"), {"shirt": 0, "skirt": 0, "hat": 1})
    assert chosen(THREE, "hat", "rest")[1] == {"hat": 0, "shirt": 1, "skirt": 1}
    assert chosen(THREE, "shirt", "skirt/hat") == (
        ("shirt", "skirt", "hat"),
        {"shirt": 0, "skirt": 1, "hat": 2},
    )


def test_names_with_a_slash_and_in_other_case():
    counts = {"T-shirt/top": 4, "Coat": 2, "Bag": 1}
    assert chosen(counts, "t-shirt/top", "coat/bag")[0] == ("T-shirt/top", "Coat", "Bag")


ONE, TWO = "caf\N{LATIN SMALL LETTER E WITH ACUTE}", "cafe\N{COMBINING ACUTE ACCENT}"


def test_names_equal_but_for_unicode_form_are_one():
    assert chosen({ONE: 4, "bar": 2}, minority=TWO)[0] == ("bar", ONE)
    assert chosen({TWO: 4, "bar": 2}, minority=ONE.upper())[0] == ("bar", TWO)
    assert chosen({TWO: 4, "bar": 2, "x": 1}, "x", f"bar/{ONE}")[0] == ("x", "bar", TWO)


def test_of_names_alike_the_same_one_is_meant_and_no_other():
    both = {ONE: 4, TWO: 2, "bar": 9, "Bar": 7, "baz": 3, " baz": 2}
    assert chosen(both, ONE, TWO)[0] == (ONE, TWO)
    assert chosen(both, "Bar", " baz")[0] == ("Bar", " baz")
    says = r"class of folder:x 'BAR' may be 'bar' or 'Bar': write one exactly"
    with pytest.raises(UsageError, match=says):
        chosen(both, "BAR", "baz")
    with pytest.raises(UsageError, match=r"may be 'caf\\xe9' or 'cafe\\u0301': write one exactly"):
        chosen(both, "baz", f"{TWO} ")


@pytest.mark.parametrize(
    "name", ["00000", "1.50", "1_0", "1e3", "0x10", "+1", "(3)", '"q"', "None"]
)
def test_a_name_that_looks_like_a_value_is_a_name(name):
    assert chosen({name: 3, "other": 9}, minority=name)[0] == ("other", name)


@pytest.mark.parametrize(
    ("majority", "minority", "message"),
    [
        ("hat", "hat", "chosen twice"),
        ("hat/skirt", "shirt", "name one"),
        ("rest", "hat/shirt/skirt", "no class remains"),
    ],
)
def test_senseless_choices_are_refused(majority, minority, message):
    with pytest.raises(UsageError, match=message):
        chosen(THREE, majority, minority)


def test_a_wrong_name_gets_a_suggestion():
    with pytest.raises(UnknownName, match="did you mean skirt"):
        chosen(THREE, "hat", "skrt")


@pytest.mark.parametrize("counts", [{}, {"cat": 3}])
def test_one_class_only_is_refused(counts):
    with pytest.raises(UsageError, match="two are needed"):
        chosen(counts)


def test_a_listing_keeps_only_the_chosen_images():
    listing = Listing(
        classes=("hat", "shirt", "skirt"),
        sources=np.arange(6, dtype=np.uint8).reshape(6, 1, 1, 1),
        labels=np.array([0, 1, 2, 0, 1, 2]),
        splits=np.array(["train", "train", "train", "test", "test", "test"]),
        names=tuple("abcdef"),
        groups=np.array(list("uvwxyz"), dtype=object),
        weights=np.arange(6.0),
    )
    some = choose_classes(listing, majority="skirt", minority="hat", owner="x")
    assert some.classes == ("skirt", "hat")
    assert some.names == ("a", "c", "d", "f")
    assert some.labels.tolist() == [1, 0, 1, 0]
    assert some.splits.tolist() == ["train", "train", "test", "test"]
    assert some.groups is not None
    assert some.groups.tolist() == ["u", "w", "x", "z"]
    assert some.weights is not None
    assert some.weights.tolist() == [0, 2, 3, 5]
    assert np.ravel(some.sources).tolist() == [0, 2, 3, 5]


def test_the_guess_of_the_majority_is_said_and_a_choice_is_not():
    listing = Listing(
        classes=("cat", "dog"),
        sources=np.zeros((5, 2, 2, 1), np.uint8),
        labels=np.array([0, 0, 1, 1, 1]),
        splits=np.array(["train"] * 5),
        names=tuple("abcde"),
    )
    chosen = choose_classes(listing, majority=None, minority=None, owner="folder:x")
    assert [note.line for note in chosen.notes] == [
        "guessed: 'dog' is the majority, with 3 training images to 2 of 'cat'; to change it: "
        "minority=CLASS"
    ]
    for choice in ({"majority": "cat", "minority": None}, {"majority": None, "minority": "cat"}):
        assert choose_classes(listing, owner="x", **choice).notes == ()


def test_classes_that_look_like_one_are_told_of():
    names = ["cat", "Cat", "CAT ", "1", "1.0", "01", "t  shirt", "T shirt", "nan", "inf", "dog"]
    assert [note.text for note in alike_notes(names, range(11))] == [
        "'cat' (0) and 'Cat' (1) and 'CAT ' (2) are not one class",
        "'1' (3) and '1.0' (4) and '01' (5) are not one class",
        "'t  shirt' (6) and 'T shirt' (7) are not one class",
    ]
    assert alike_notes(["a", "b"], [1, 2]) == []
