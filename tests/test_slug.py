"""File names from any text."""

from __future__ import annotations

import re

import pytest

from imbench.files.slug import RESERVED, slug


@pytest.mark.parametrize("text", ["digits", "us+cs", "horse2zebra", "resnet-20", "a=1.5", "a_b"])
def test_a_plain_name_stays_as_it_is(text):
    assert slug(text) == text


AWKWARD = [
    "",
    ".",
    "..",
    "...",
    "../../etc/passwd",
    "/etc/passwd",
    "~/x",
    "-rf",
    ".hidden",
    "a/b",
    "a\\b",
    "a..b",
    "C:\\x",
    "50 %_&",
    "<script>alert(1)</script>",
    "a\nb",
    "a\0b",
    "\x1b[31m",
    "žluť 名前 🐎",
    "caf\udce9",
    "a" * 61,
    "名" * 90,
    "Digits",
    "folder:clothing,majority=shirt",
    "/some/where/part.py:Mine+cs",
    *sorted(RESERVED),
]


@pytest.mark.parametrize("text", AWKWARD)
def test_row_23_an_awkward_name_becomes_a_safe_one_of_its_own(text, tmp_path):
    name = slug(text)
    assert re.fullmatch(r"[A-Za-z0-9=+][A-Za-z0-9._=+-]*", name)
    assert re.fullmatch(r"(.*-)?[0-9a-f]{8}", name)
    assert ".." not in name
    assert len(name) <= 60
    (tmp_path / name).write_text(text, "utf-8", "surrogatepass")
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_no_two_names_are_equal_even_where_case_is_ignored():
    texts = [
        *AWKWARD,
        *["digits", "DIGITS", "a b", "a_b", "a  b", "a/b ", "folder:a", "folder_a", "us+cs"],
    ]
    # What is already safe but looks like a name with a hash, is hashed as well.
    texts += [slug(text) for text in texts if slug(text) != text]
    names = [slug(text).casefold() for text in texts]
    assert len(set(names)) == len(set(texts))


def test_a_name_stays_readable():
    assert re.fullmatch(r"folder_clothing_majority=shirt-[0-9a-f]{8}", slug(AWKWARD[23]))
    assert re.fullmatch(r"part.py_Mine\+cs-[0-9a-f]{8}", slug("part.py:Mine+cs"))


def test_names_do_not_change():
    # They are the folders of every results folder there is.
    assert slug("folder:clothing") == "folder_clothing-19a1a1c7"
    assert slug("") == "e3b0c442"
