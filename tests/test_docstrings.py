"""The docstrings of parts and data sets: complete, and their examples run."""

import doctest
import inspect
import re

import pytest

from imbench.registry import load_plugin, registered_names

PARTS = [("methods", name) for name in registered_names("methods")]
DATASETS = [("datasets", name) for name in registered_names("datasets")]
DOWNLOADED = {
    "celeba",
    "cub",
    "fashion-mnist",
    "horse2zebra",
    "ir-solar",
    "medmnist",
    "rbc",
    "trashnet",
}
"""Data sets whose examples would need a download."""


def sections(text: str) -> dict[str, str]:
    """Return the sections of a numpy docstring by their titles."""
    title, *pieces = re.split(r"^(\w+)\n-+\n", inspect.cleandoc(text), flags=re.M)
    return {"": title, **dict(zip(pieces[::2], pieces[1::2], strict=True))}


def examples(cls: type) -> doctest.DocTest:
    """Return the examples of a class as one test."""
    scope = dict(vars(inspect.getmodule(cls)))
    return doctest.DocTestParser().get_doctest(cls.__doc__, scope, cls.__name__, None, 0)


@pytest.mark.parametrize(("kind", "name"), PARTS + DATASETS)
def test_notes_say_what_it_does_and_references_where_it_is_from(kind, name):
    found = sections(load_plugin(kind, name).__doc__)
    assert found[""].splitlines()[0].endswith(".")
    assert len(found.get("Notes", "").split()) >= 20
    assert found.get("References", "").strip()


@pytest.mark.parametrize(("kind", "name"), PARTS)
def test_every_parameter_is_described(kind, name):
    cls = load_plugin(kind, name)
    text = sections(cls.__doc__).get("Parameters", "").replace("\\\n", "")
    heads = " ".join(line.partition(" :")[0] for line in text.splitlines() if line[:1] != " ")
    assert set(inspect.signature(cls).parameters) == set(re.findall(r"\w+", heads))


@pytest.mark.parametrize(
    ("kind", "name"), PARTS + [(kind, name) for kind, name in DATASETS if name not in DOWNLOADED]
)
def test_the_examples_run(kind, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    test = examples(load_plugin(kind, name))
    assert [example for example in test.examples if example.want]
    said = []
    doctest.DocTestRunner().run(test, out=said.append)
    assert not said, "".join(said)


def test_a_wrong_example_is_found():
    class Known:
        """One line.

        Notes
        -----
        Some.

        Examples
        --------
        >>> 1 + 1
        3
        """

    assert sections(Known.__doc__).keys() == {"", "Notes", "Examples"}
    said = []
    assert doctest.DocTestRunner().run(examples(Known), out=said.append).failed == 1
    assert "Expected:" in "".join(said)
