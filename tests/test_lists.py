"""Lists of options and grid files."""

from __future__ import annotations

import pytest

from imbench.errors import UsageError
from imbench.lists import parse_integers, parse_texts


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("5", (5,)),
        (5, (5,)),
        ("0-4", (0, 1, 2, 3, 4)),
        ("7-7", (7,)),
        ("0 - 2, 5 ,7", (0, 1, 2, 5, 7)),
        (["0-1", "4"], (0, 1, 4)),
        (("3", 1, "2,0"), (3, 1, 2, 0)),
        ("2,1,2,0-2", (2, 1, 0)),
        ("1,,2,", (1, 2)),
        ("007", (7,)),
    ],
)
def test_integers_are_read_in_the_order_given_each_once(given, expected):
    assert parse_integers(given, "seeds") == expected


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("", "the list of seeds is empty"),
        (" , ", "the list of seeds is empty"),
        ([], "the list of seeds is empty"),
        (["", ","], "the list of seeds is empty"),
        ("x", "'x' is not a whole number or a range like 0-4"),
        ("1.5", "'1.5' is not a whole number"),
        ("-3", "'-3' is not a whole number"),
        ("0-4-8", "'0-4-8' is not a whole number"),
        ("1e3", "'1e3' is not a whole number"),
        ("²", "'²' is not a whole number"),
        pytest.param("9" * 5000, "is not a whole number", id="endless"),
        ("4-0", "the range '4-0' is backwards or too long"),
        ("0-1000000000", "is backwards or too long"),
        (-3, "'-3' is not a whole number or a range like 0-4"),
        (2**53, "is not a whole number"),
        pytest.param(10**5000, "is not a whole number", id="endless number"),
        ("9" * 17, "is too large; numbers go up to 9007199254740991"),
        (1.0, "1.0 is not a whole number"),
        (True, "True is not a whole number"),
        (None, "None is not a whole number"),
        ([[1]], r"\[1\] is not a whole number"),
        ({"a": 1}, "{'a': 1} is not a whole number"),
    ],
)
def test_what_is_no_list_of_integers_is_refused_in_a_sentence(given, says):
    with pytest.raises(UsageError, match=says) as raised:
        parse_integers(given, "seeds")
    assert "seeds" in str(raised.value)
    assert raised.value.exit_code == 2


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("a,b", ("a", "b")),
        (["a", "b, c"], ("a", "b", "c")),
        (("b", "a", "b,a"), ("b", "a")),
        (
            "vanilla,smote:k_neighbors=3,seed=1+cbl:beta=0.9,norm=sum_C,ts",
            ("vanilla", "smote:k_neighbors=3,seed=1+cbl:beta=0.9,norm=sum_C", "ts"),
        ),
        (
            "cub, folder:a b,majority=x , minority=y,celeba",
            ("cub", "folder:a b,majority=x,minority=y", "celeba"),
        ),
        ("名前,žluť", ("名前", "žluť")),
    ],
)
def test_texts_are_split_at_commas_but_not_inside_a_value(given, expected):
    assert parse_texts(given, "methods") == expected


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("", "the list of methods is empty"),
        ([], "the list of methods is empty"),
        (["", " ,"], "the list of methods is empty"),
        (5, "methods: 5 is not a text"),
        ([["a"]], r"methods: \['a'\] is not a text"),
        ({"a": 1}, "is not a text"),
        # As a shell hands over the name of a folder in Latin-1: no record could hold it.
        ("folder:caf\udce9", r"'folder:caf\\udce9' is not a text in UTF-8"),
    ],
)
def test_what_is_no_list_of_texts_is_refused_in_a_sentence(given, says):
    with pytest.raises(UsageError, match=says):
        parse_texts(given, "methods")
