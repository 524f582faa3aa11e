"""Recipes and their grammar."""

import random

import pytest

from imbench.errors import UnknownName, UsageError
from imbench.records.groups import method_title
from imbench.spec import Spec, split_list
from imbench.training.recipe import (
    PAPER_METHODS,
    TWICE,
    canonical_recipe,
    parse_recipe,
    parse_recorded,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("vanilla", "vanilla"),
        (" us + cs ", "us+cs"),
        ("smote:k_neighbors=3+cbl:beta=0.990+ts", "smote:k_neighbors=3+cbl:beta=0.99+ts"),
        ("smote:k_neighbors=5", "smote"),
        ("cbl:0.9", "cbl:beta=0.9"),
        ("cbl:beta=9e-1", "cbl:beta=0.9"),
        ("imblearn:BorderlineSMOTE", "imblearn:sampler=BorderlineSMOTE"),
        ("cs:ratio=1e+2", "cs:ratio=100"),
        ("us:rho=1.0", "us:rho=1"),
        ("cbl:beta=.9", "cbl:beta=0.9"),
        ("aug:gamma=1.0", "aug"),
    ],
)
def test_there_is_one_way_to_write_a_recipe(text, expected):
    assert canonical_recipe(text) == expected
    assert canonical_recipe(expected) == expected


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("cbl", "needs beta"),
        ("cbl:bata=0.9", "did you mean beta"),
        ("somte", "did you mean smote"),
        ("vanilla+cs", "vanilla means no parts"),
        ("vanilla:x=1", "vanilla means no parts"),
        ("cs+cs", "given twice"),
        ("", "has no name"),
        ("us:rho=1,rho=2", "given twice"),
        ("us:rho=2", r"us: rho=2 must be a number in \[0, 1\] or none$"),
        ("nowhere/part.py:Mine", "no file"),
    ],
)
def test_a_wrong_recipe_is_refused_in_a_sentence(text, says):
    with pytest.raises(UsageError, match=says):
        parse_recipe(text)


def test_rho_is_one_alone_and_a_half_beside_weights():
    assert parse_recipe("us").parts[0].rho == 1
    assert parse_recipe("us+cs").parts[0].rho == 0.5
    assert parse_recipe("os+cbl:beta=0.99").parts[0].rho == 0.5
    assert parse_recipe("us:rho=0.2+cs").parts[0].rho == 0.2
    assert parse_recipe("us+ts").parts[0].rho == 1


def test_parts_that_only_adjust_share_a_training():
    assert str(parse_recipe("ts").training) == "vanilla"
    assert str(parse_recipe("us+cs+ts").training) == "us+cs"
    assert str(parse_recipe("cbl:beta=0.9").training) == "cbl:beta=0.9"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("cs+ts", "cs and ts each correct for the same imbalance"),
        ("us+cbl:beta=0.99+ts", "cbl and ts each correct for the same imbalance"),
        ("cs+cbl:beta=0.99", "cs and cbl each correct for the same imbalance"),
        ("us:rho=1+cs:counts=original", "cs corrects again for what us has balanced"),
        ("smote+cs:counts=original", "cs corrects again for what smote has balanced"),
        ("aug:gamma=2+ts", "aug and ts each correct for the same imbalance"),
    ],
)
def test_parts_that_correct_for_one_imbalance_twice_are_said(text, said):
    assert parse_recipe(text).cautions == (f"{said}, so {TWICE}",)


@pytest.mark.parametrize(
    "text",
    [
        *("vanilla", "ts", "cs", "us+cs", "os+cs", "us+ts", "os+ts", "us:rho=0.5+ts", "smote+cs"),
        *("cs:counts=original", "aug", "alt", "aug+ts", "aug+cs", "us:rho=1+cs"),
    ],
)
def test_what_the_paper_does_and_what_corrects_for_the_rest_is_no_second_correction(text):
    """US+CS: each corrects half. TS after US: the sampler's priors are equal, it does nothing."""
    assert parse_recipe(text).cautions == ()


def test_a_part_from_outside_may_say_what_it_corrects_for(tmp_path):
    (tmp_path / "own.py").write_text(
        "from imbench import Part\n"
        "class Prior(Part):\n    corrects = 'rest'\n"
        "class Broken(Part):\n"
        "    @property\n    def corrects(self):\n        raise ValueError('no')\n"
    )
    prior = f"{tmp_path / 'own.py'}:Prior"
    assert parse_recipe(prior).cautions == ()
    (said,) = parse_recipe(f"{prior}+cs").cautions
    assert said == f"{prior} and cs each correct for the same imbalance, so {TWICE}"
    with pytest.raises(UsageError, match="cannot be used"):
        _ = parse_recipe(f"{tmp_path / 'own.py'}:Broken").cautions


def test_titles_are_those_of_the_paper():
    titles = [parse_recipe(text).title for text in PAPER_METHODS if text not in ("alt", "aug")]
    assert titles == [
        *("Vanilla", "TS", "CS", "US", "OS", "US+CS", "OS+CS", "SMOTE"),
        *("CBL 0.9", "CBL 0.99", "CBL 0.999", "CBL 0.9999"),
    ]
    assert parse_recipe("smote:k_neighbors=3+ts").title == "SMOTE k_neighbors=3+TS"


def test_two_parts_that_claim_one_hook_are_refused(tmp_path):
    (tmp_path / "focal.py").write_text(
        "from imbench.training.part import Part\n"
        "class A(Part):\n"
        "    def losses(self, logits, y, counts):\n"
        "        return logits.sum(1)\n"
        "class B(A):\n"
        "    pass\n"
    )
    file = tmp_path / "focal.py"
    assert len(parse_recipe(f"{file}:A+cs").parts) == 2
    with pytest.raises(UsageError, match="both change `losses`"):
        parse_recipe(f"{file}:A+{file}:B")


def test_a_file_that_fails_or_holds_no_part_is_refused(tmp_path):
    (tmp_path / "broken.py").write_text("import nothing_of_that_name\n")
    (tmp_path / "other.py").write_text("class A: pass\n")
    with pytest.raises(UsageError, match="cannot be imported"):
        parse_recipe(f"{tmp_path / 'broken.py'}:A")
    with pytest.raises(UsageError, match="not a subclass"):
        parse_recipe(f"{tmp_path / 'other.py'}:A")
    with pytest.raises(UsageError, match="defines no 'B'"):
        parse_recipe(f"{tmp_path / 'other.py'}:B")


def test_list_items_keep_their_options():
    assert split_list("celeba,folder:c,majority=a,minority=b,cub") == [
        "celeba",
        "folder:c,majority=a,minority=b",
        "cub",
    ]
    assert split_list("vanilla,smote:k_neighbors=3+cbl:beta=0.9,norm=sum_C,ts") == [
        "vanilla",
        "smote:k_neighbors=3+cbl:beta=0.9,norm=sum_C",
        "ts",
    ]
    assert split_list(" , ") == []


def test_paths_drawn_at_random_survive_in_a_recipe():
    rng = random.Random(3)
    for _ in range(500):
        path = "".join(rng.choice("ab+ ,=:\\\\.é/") for _ in range(rng.randrange(1, 9))) + "z"
        spec = str(Spec("generated", None, {"path": path})).replace("+", "\\+")
        recipe = parse_recipe(f"us+{spec}+ts")
        assert recipe.parts[1].path == path
        assert str(parse_recipe(str(recipe))) == str(recipe)
        assert split_list(f"{recipe},cs") == [str(recipe), "cs"]


def test_an_unknown_name_gets_the_nearest_ones():
    with pytest.raises(UnknownName, match=r"unknown method 'vanila'"):
        parse_recipe("vanila")


@pytest.mark.faults
def test_row_18_no_file_that_a_record_names_is_imported(tmp_path):
    ran = tmp_path / "ran"
    file = tmp_path / "evil.py"
    begins = f"from pathlib import Path\nPath({str(ran)!r}).touch()\n"
    file.write_text(f"{begins}from imbench import Part\nclass Cs(Part): pass\n")
    recipe = f"us+{file}:Cs"
    assert method_title(recipe) == recipe
    assert not ran.exists()
    with pytest.raises(UsageError, match="is not installed here"):
        parse_recorded(recipe)
    assert parse_recorded("us+cs").title == "US+CS"
    assert parse_recipe(recipe)  # whoever types it means it
    assert ran.exists()
