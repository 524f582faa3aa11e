"""The one grammar for things named on the command line: ``name:argument,key=value,key=value``.

``smote:k_neighbors=3``, ``torchvision:resnet18``, ``folder:clothing,majority=shirt,minority=hat``.
In a list, which commas separate too, a piece of the form ``key=value`` belongs to the item before
it, so nothing needs quoting in a shell.
"""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

from imbench.errors import UnknownName, UsageError

__all__ = [
    "Spec",
    "Value",
    "check_options",
    "did_you_mean",
    "format_value",
    "parse_integers",
    "parse_spec",
    "parse_texts",
    "short_name",
    "short_names",
    "split_list",
    "unknown_name",
]

Value = bool | int | float | str | None

SHORT = 40
"""Characters up to which a spec is its own heading."""
_OPTION = re.compile(r"[A-Za-z_]\w*=")
_WORDS: Mapping[str, Value] = {"true": True, "false": False, "none": None}


@dataclass(frozen=True)
class Spec:
    """A name, at most one positional argument, and options in the order written."""

    name: str
    argument: str | None = None
    options: Mapping[str, Value] = field(default_factory=dict)

    def __str__(self) -> str:
        pieces = [] if self.argument is None else [self.argument]
        pieces += [f"{key}={format_value(value)}" for key, value in self.options.items()]
        return f"{self.name}:{','.join(pieces)}" if pieces else self.name


def parse_spec(text: str) -> Spec:
    """Read one ``name:argument,key=value`` text.

    A file may stand for the name, as ``path/to/part.py:Class:key=value``.

    Raises
    ------
    UsageError
        If the name is empty, an option has no key, or a key is given twice.
    """
    text = text.strip()
    name, _, rest = text.partition(":")
    if name.endswith(".py"):
        attribute, _, rest = rest.partition(":")
        name = f"{name}:{attribute}"
    if not name:
        raise UsageError(f"{text!r} has no name; write name:key=value")
    pieces = rest.split(",") if rest else []
    argument: str | None = None
    if pieces and not _OPTION.match(pieces[0]):
        argument = pieces.pop(0)
    options: dict[str, Value] = {}
    for piece in pieces:
        key, equals, value = piece.partition("=")
        if not equals or not key.isidentifier():
            raise UsageError(f"{piece!r} in {text!r} is not of the form key=value")
        if key in options:
            raise UsageError(f"{key!r} is given twice in {text!r}")
        options[key] = _read(value)
    return Spec(name, argument, options)


def short_name(spec: str, folders: int = 1) -> str:
    """Return what a data set is called in headings and lines of progress.

    A spec of more than 40 characters is cut to the last `folders` of its path and its classes.

    >>> short_name("folder:/scans/2024/line 3,majority=ok,minority=defect,test=0.3")
    'line 3 (ok, defect)'
    """
    if len(spec) <= SHORT:
        return spec
    try:
        parsed = parse_spec(spec)
    except UsageError:  # from a record, which may hold anything
        return spec
    if parsed.argument is None:
        return spec
    path = PurePath(parsed.argument)
    last = "/".join(path.relative_to(path.anchor).parts[-folders:]) or parsed.argument
    classes = [
        str(parsed.options[key]) for key in ("majority", "minority") if key in parsed.options
    ]
    return f"{last} ({', '.join(classes)})" if classes else last


def short_names(specs: Iterable[str]) -> dict[str, str]:
    """Return a short name for each spec, with the parent folders that tell it from the others.

    Specs that differ in other options only keep their whole text.

    >>> spec = "folder:/scans/line {}/october/images,majority=ok,minority=defect"
    >>> list(short_names([spec.format(3), spec.format(4)]).values())
    ['line 3/october/images (ok, defect)', 'line 4/october/images (ok, defect)']
    """
    specs = list(dict.fromkeys(specs))
    names = dict(zip(specs, specs, strict=True))
    deepest = max((spec.count("/") for spec in specs), default=0) + 2
    for folders in reversed(range(1, deepest)):  # at last the shortest that differs
        cut = [short_name(spec, folders) for spec in specs]
        names |= {spec: name for spec, name in zip(specs, cut, strict=True) if cut.count(name) == 1}
    return names


def split_list(text: str) -> list[str]:
    """Split ``a,b:k=1,j=2,c`` into its items; ``key=value`` pieces stay with the item before."""
    items: list[str] = []
    for piece in text.split(","):
        if items and _OPTION.match(piece.strip()):
            items[-1] += f",{piece.strip()}"
        elif piece.strip():
            items.append(piece.strip())
    return items


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return the tail of an error sentence: the nearest known names, or all of them."""
    known = sorted(known)
    near = difflib.get_close_matches(name.lower(), known, n=3, cutoff=0.6)
    if near:
        return f"did you mean {' or '.join(near)}?"
    return f"known: {', '.join(known)}" if known else "none is known"


def unknown_name(kind: str, name: str, known: Iterable[str]) -> UnknownName:
    """Return the error for a name that is not among `known`, with suggestions."""
    return UnknownName(f"unknown {kind} {name!r}: {did_you_mean(name, known)}")


def check_options(owner: str, options: Iterable[str], known: Iterable[str]) -> None:
    """Raise UsageError for the first option that is not among `known`."""
    for key in options:
        if key not in known:
            raise UsageError(f"{owner} takes no {key!r}: {did_you_mean(key, known)}")


def _read(text: str) -> Value:
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
    return value if isinstance(value, int | float | str) else text


def format_value(value: Value) -> str:
    """Return a value as it is written in a spec."""
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)


_RANGE = re.compile(r"\s*(\d{1,18})\s*(?:-\s*(\d{1,18})\s*)?")
_LONGEST = 100_000


def parse_texts(given: Any, what: str) -> tuple[str, ...]:
    """Return the items of ``"a,b"`` or of a list of such, each once, in the order given.

    Raises
    ------
    UsageError
        If there is no item, or something that is no text or not UTF-8.
    """
    lists = given if isinstance(given, list | tuple) else [given]
    for text in lists:
        # Bytes of a shell that are not UTF-8 come as surrogates, which no record could hold.
        if not isinstance(text, str) or any("\ud800" <= sign <= "\udfff" for sign in text):
            raise UsageError(f"{what}: {text!r} is not a text in UTF-8")
    items = tuple(dict.fromkeys(item for text in lists for item in split_list(text)))
    if not items:
        raise UsageError(f"the list of {what} is empty")
    return items


def parse_integers(given: Any, what: str) -> tuple[int, ...]:
    """Return the whole numbers of ``5``, ``"0-4,7"`` or a list of such, each once, in order.

    Raises
    ------
    UsageError
        If there is none, or something else.
    """
    items = given if isinstance(given, list | tuple) else [given]
    numbers = tuple(dict.fromkeys(number for item in items for number in _numbers(item, what)))
    if not numbers:
        raise UsageError(f"the list of {what} is empty")
    return numbers


def _numbers(item: Any, what: str) -> list[int]:
    if isinstance(item, int) and not isinstance(item, bool) and item >= 0:
        return [item]
    if not isinstance(item, str):
        raise UsageError(f"{what}: {item!r} is not a whole number or a range such as 0-4")
    numbers: list[int] = []
    for piece in filter(str.strip, item.split(",")):
        match = _RANGE.fullmatch(piece)
        if match is None:
            raise UsageError(f"{what}: {piece.strip()!r} is not a whole number or a range like 0-4")
        first, last = int(match[1]), int(match[2] or match[1])
        if not first <= last < first + _LONGEST:
            raise UsageError(f"{what}: the range {piece.strip()!r} is backwards or too long")
        numbers += range(first, last + 1)
    return numbers
