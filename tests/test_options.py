import pytest

from imbench.errors import UnknownName, UsageError
from imbench.images.options import DatasetOptions
from imbench.spec import parse_spec


def options(text, known=("minority", "test", "train")):
    return DatasetOptions("digits", parse_spec(f"digits:{text}").options, known)


def test_an_unknown_key_gets_a_suggestion():
    with pytest.raises(UnknownName, match=r"'minorty'.*did you mean minority"):
        options("minorty=3")


@pytest.mark.parametrize(
    ("text", "expected"),
    [("minority=3", "3"), ("minority=none", "none"), ("minority=true", "true"), ("test=1", None)],
)
def test_a_class_may_have_any_name(text, expected):
    assert options(text).text("minority") == expected


@pytest.mark.parametrize("value", ["0", "-1", "2.5", "true", "many"])
def test_integers_are_checked(value):
    with pytest.raises(UsageError, match="train"):
        options(f"train={value}").integer("train", 5, low=1, high=10)


@pytest.mark.parametrize("value", ["1", "-0.1", "none", "false", "1.5"])
def test_shares_are_checked(value):
    with pytest.raises(UsageError, match="test"):
        options(f"test={value}").share("test", 0.25)


def test_values_and_defaults():
    given = options("train=7,test=0.5")
    assert given.integer("train", 5, low=1, high=10) == 7
    assert given.share("test", 0.25) == 0.5
    assert options("").share("test", 0.25) == 0.25
