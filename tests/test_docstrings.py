"""The docstrings of parts, data sets and the public face: complete, and their examples run."""

import ast
import doctest
import inspect
import re

import pytest

import imbench
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
FACE = {
    name: found
    for name in imbench.__all__
    if callable(found := getattr(imbench, name))  # constants have no docstring of their own
}
DOCUMENTED = FACE | {
    f"{name}.{key}": value
    for name, found in FACE.items()
    if isinstance(found, type)
    for key, value in vars(found).items()
    if inspect.isfunction(value) and not key.startswith("_")
}
"""Classes and functions of the public face, and the methods of the classes."""


def sections(text: str) -> dict[str, str]:
    """Return the sections of a numpy docstring by their titles."""
    title, *pieces = re.split(r"^(\w+)\n-+\n", inspect.cleandoc(text), flags=re.M)
    return {"": title, **dict(zip(pieces[::2], pieces[1::2], strict=True))}


def examples(found: object) -> doctest.DocTest:
    """Return the examples of a class or function as one test."""
    scope = dict(vars(inspect.getmodule(found)))
    return doctest.DocTestParser().get_doctest(found.__doc__, scope, found.__name__, None, 0)


def entries(text: str) -> dict[str, str]:
    """Return the parameters that a docstring describes, each with what stands after its colon."""
    described = sections(text).get("Parameters", "")
    return dict(re.findall(r"^(\S.*?)(?: : (.+))?$", described, re.M))


def stated_default(words: str) -> str | None:
    """Return the default that an entry states: after ``default``, or first within braces."""
    found = re.search(r", default (.+)$|^\{(.+?)[,}]", words)
    return found and (found[1] or found[2])


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


@pytest.mark.parametrize("name", DOCUMENTED)
def test_the_face_describes_all_parameters_or_none_with_their_defaults(name):
    described = entries(inspect.getdoc(DOCUMENTED[name]))
    if not described:
        return
    stars = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
    parameters = {
        stars.get(one.kind, "") + one.name: one.default
        for one in inspect.signature(DOCUMENTED[name]).parameters.values()
        if one.name != "self"
    }
    # One entry each: of two in one entry a page would show the default of the first for both.
    assert list(described) == list(parameters)
    for entry, words in described.items():
        assert not re.match(r"\w+ \(", words), "a page would show a call: write 'array of shape'"
        stated, default = stated_default(words), parameters[entry]
        if stated is not None and default not in (None, inspect.Parameter.empty):
            assert ast.literal_eval(stated) == default, entry


@pytest.mark.parametrize(
    "name", [name for name in DOCUMENTED if ">>>" in str(DOCUMENTED[name].__doc__)]
)
def test_the_examples_of_the_face_run(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert ">>>" in sections(DOCUMENTED[name].__doc__)["Examples"]
    said = []
    doctest.DocTestRunner().run(examples(DOCUMENTED[name]), out=said.append)
    assert not said, "".join(said)


def test_a_default_is_read_of_words_and_braces():
    assert stated_default("int, default 3") == "3"
    assert stated_default('{"a", "b"}') == '"a"'
    assert stated_default("int, optional") is None


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
