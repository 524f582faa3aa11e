"""The grammar ``name:argument,key=value``; lists of it: test_lists, recipes: test_recipe."""

from __future__ import annotations

import random
import shlex

import pytest

from imbench.errors import UnknownName, UsageError
from imbench.short_names import short_name, short_names
from imbench.spec import (
    Spec,
    did_you_mean,
    parse_spec,
    split_list,
    unknown_name,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("digits", Spec("digits")),
        (" digits ", Spec("digits")),
        ("digits:", Spec("digits")),
        ("torchvision:resnet18", Spec("torchvision", "resnet18")),
        ("folder:/a b/c.d", Spec("folder", "/a b/c.d")),
        ("folder:C:\\x", Spec("folder", "C:\\x")),
        ("smote:k_neighbors=3", Spec("smote", None, {"k_neighbors": "3"})),
        ("a:x,b=1.5,c=-2,d=1e-3", Spec("a", "x", {"b": "1.5", "c": "-2", "d": "1e-3"})),
        ("a:b=True,c=none,d=FALSE", Spec("a", None, {"b": "True", "c": "none", "d": "FALSE"})),
        ("a:b=x=y", Spec("a", None, {"b": "x=y"})),
        ("a:b=", Spec("a", None, {"b": ""})),
        ("a:b=007,c=1+2j,d=[1]", Spec("a", None, {"b": "007", "c": "1+2j", "d": "[1]"})),
        ("my/part.py:Mine", Spec("my/part.py:Mine")),
        ("my/part.py:Mine:a=1", Spec("my/part.py:Mine", None, {"a": "1"})),
    ],
)
def test_a_text_is_read(text, expected):
    assert parse_spec(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "digits",
        "torchvision:resnet18",
        'a:x,b=1.50,c=+1,d=1e3,e=True,f=0x10,g=t-shirt,h=00000,i=1_0,j=(3),k="q"',
        "p.py:A:b=1",
    ],
)
def test_what_is_written_reads_the_same(text):
    assert str(parse_spec(text)) == text


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "has no name; write name:key=value"),
        (":a=1", "has no name"),
        ("a:x,y", "'y' in 'a:x,y' is not of the form key=value"),
        ("a:b=1,2", "'2' in 'a:b=1,2' is not of the form"),
        ("a:b=1,b=2", "'b' is given twice"),
        ("a:x,1b=2", "'1b=2' in 'a:x,1b=2' is not of the form"),
    ],
)
def test_what_cannot_be_read_is_refused_in_a_sentence(text, says):
    with pytest.raises(UsageError, match=says):
        parse_spec(text)


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        (Spec("folder", "a=b"), "folder:a\\=b"),
        (Spec("folder", "./a=b"), "folder:./a=b"),
        (Spec("folder", "Smith, John"), "folder:Smith\\, John"),
        (Spec("folder", r"C:\x", {"test": "0.2"}), r"folder:C:\x,test=0.2"),
        (Spec("folder", "C:\\x\\", {"test": "0.2"}), "folder:C:\\x\\\\,test=0.2"),
        (Spec("folder", r"\\server\x"), r"folder:\\server\x"),
        (Spec("folder", "100%25 a+b"), "folder:100%25 a+b"),
        (Spec("folder", " x "), "folder: x\\ "),
        (Spec("csv", "名前.csv", {"label": "žluť "}), "csv:名前.csv,label=žluť\\ "),
        (Spec("folder", "x", {"minority": "=a=,b"}), "folder:x,minority==a=\\,b"),
        (Spec("my:p,a.py:A", None, {"x": "1"}), "my\\:p\\,a.py:A:x=1"),
        (Spec("a=b.py:A"), "a\\=b.py:A"),
    ],
)
def test_what_the_grammar_needs_itself_stands_behind_a_backslash(spec, text):
    assert str(spec) == text
    assert parse_spec(text) == spec
    assert parse_spec(shlex.split(shlex.join([text]))[0]) == spec
    assert split_list(f"digits,{text}, digits") == ["digits", text, "digits"]


SIGNS = [*"abkZ09_=,:+\\\\\\  %\"'()[]/.-~é名\t", "\N{COMBINING ACUTE ACCENT}", "b=", ",k=", ".py:"]


def drawn(rng, longest):
    """Return a text of signs that grammars stumble over."""
    return "".join(rng.choice(SIGNS) for _ in range(rng.randrange(1, longest)))


def test_texts_drawn_at_random_survive_printing_and_parsing():
    rng = random.Random(7)
    for _ in range(3000):
        specs = [
            Spec(
                rng.choice(["folder", "my/part.py:Mine", f"{drawn(rng, 5)}.py:A"]),
                rng.choice([None, drawn(rng, 8)]),
                {key: drawn(rng, 8) for key in rng.sample(["a", "minority", "_x"], 2)},
            )
            for _ in range(3)
        ]
        texts = list(map(str, specs))
        assert [parse_spec(text) for text in texts] == specs
        assert [str(parse_spec(text)) for text in texts] == texts
        assert split_list(",".join(texts)) == texts
        assert split_list(" , ".join(texts)) == texts


def test_the_nearest_names_are_offered_or_else_all():
    known = ["celeba", "cub", "digits", "folder"]
    assert did_you_mean("celba", known) == "did you mean celeba?"
    assert did_you_mean("CelebA", known) == "did you mean celeba?"
    assert did_you_mean("xyz", known) == "known: celeba, cub, digits, folder"
    assert did_you_mean("xyz", []) == "none is known"
    error = unknown_name("data set", "celba", known)
    assert isinstance(error, UnknownName)
    assert (error.exit_code, str(error)) == (
        2,
        "unknown data set 'celba': did you mean celeba?",
    )


LONG = "folder:/a/very/long/path/of/somebody/lines 3"


@pytest.mark.parametrize(
    ("spec", "name"),
    [
        ("digits", "digits"),
        (
            "folder:clothing,majority=shirt,minority=hat"[:40],
            "folder:clothing,majority=shirt,minority=",
        ),
        (f"{LONG},majority=ok,minority=defect", "lines 3 (ok, defect)"),
        (f"{LONG},minority=defect/hole,test=0.3", "lines 3 (defect/hole)"),
        (LONG, "lines 3"),
        (f"folder:{'/' * 40}", f"folder:{'/' * 40}"[7:]),
        (f"plug-in:{'option=1234567890,' * 3}x=1"[:60], None),
        (f"digits:majority={'1' * 40}", f"digits:majority={'1' * 40}"),
        ("x" * 60, "x" * 60),
    ],
)
def test_a_long_spec_has_a_short_name(spec, name):
    assert short_name(spec) == (spec if name is None else name)


def test_short_names_of_different_specs_differ():
    old, new = f"{LONG},majority=ok", f"{LONG.replace('lines 3', '2025/lines 3')},majority=ok"
    other = f"{LONG},majority=ok,test=0.25"
    assert short_names(["digits", old]) == {"digits": "digits", old: "lines 3 (ok)"}
    assert short_names([old, new, old]) == {
        old: "somebody/lines 3 (ok)",
        new: "2025/lines 3 (ok)",
    }
    assert short_names([old, other]) == {old: old, other: other}
