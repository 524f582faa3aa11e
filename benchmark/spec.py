r"""The one grammar for things named on the command line: ``name:argument,key=value,key=value``.

``smote:k_neighbors=3``, ``torchvision:resnet18``, ``folder:clothing,majority=shirt,minority=hat``.
In a list, which commas separate too, a piece of the form ``key=value`` belongs to the item before
it, so most needs no quoting in a shell. Values are text, exactly as typed: who wants a number or a
flag reads it (`imbench.constraints`). A backslash before a comma, an equals sign, a colon, a plus
sign or a blank makes it part of a name: ``folder:Smith\, John``. Before one of these, and at the
end, a backslash itself is written twice.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from imbench.errors import UnknownName, UsageError

__all__ = [
    "Spec",
    "Value",
    "check_options",
    "cut",
    "did_you_mean",
    "escaped",
    "match_name",
    "parse_spec",
    "pieces_of",
    "plain_text",
    "shown",
    "split_list",
    "trim",
    "unknown_name",
]

Value = bool | int | float | str | None
"""What an option may be: text on the command line, other types too in Python."""

LONGEST_SHOWN = 100
"""Characters of a text that a message repeats."""
MOST_LISTED = 20
"""Names that a message lists where none is near."""
_OPTION = re.compile(r"[A-Za-z_]\w*=")
_SIGN = re.compile(r"(\\*)([^\\]|\Z)", re.DOTALL)
"""A sign and the backslashes before it."""


@dataclass(frozen=True)
class Spec:
    r"""A name, at most one positional argument, and options in the order written: all of them text.

    Its text reads back to an equal one, also from a list: `parse_spec`, `split_list`.

    >>> str(Spec("folder", "a, b", {"minority": "1.50"}))
    'folder:a\\, b,minority=1.50'
    """

    name: str
    argument: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        pieces = [] if self.argument is None else [_written(self.argument, first=True)]
        pieces += [f"{key}={_written(value)}" for key, value in self.options.items()]
        name = _written_name(self.name)
        return f"{name}:{','.join(pieces)}" if pieces else name


def parse_spec(text: str) -> Spec:
    """Read one ``name:argument,key=value`` text.

    A file may stand for the name, as ``path/to/part.py:Class:key=value``.

    Raises
    ------
    UsageError
        If the name is empty, an option has no key, or a key is given twice.
    """
    text = trim(text)
    name, rest = cut(text, ":")
    if name.endswith(".py"):
        attribute, rest = cut(rest, ":")
        name = f"{plain_text(name)}:{plain_text(attribute)}"
    else:
        name = plain_text(name)
    if not name:
        raise UsageError(f"{shown(text)!r} has no name; write name:key=value")
    pieces = pieces_of(rest, ",") if rest else []
    argument: str | None = None
    if pieces and not _OPTION.match(pieces[0]):
        argument = plain_text(_without_end(pieces.pop(0))) or None
    options: dict[str, str] = {}
    for piece in map(trim, pieces):
        key, equals, value = piece.partition("=")
        if not equals or not key.isidentifier():
            raise UsageError(
                f"{shown(piece)!r} in {shown(text)!r} is not of the form key=value; before a comma "
                "inside a name stands a backslash"
            )
        if key in options:
            raise UsageError(f"{key!r} is given twice in {shown(text)!r}")
        options[key] = plain_text(value)
    return Spec(name, argument, options)


def pieces_of(text: str, sign: str) -> list[str]:
    """Split a text at a sign, or where a pattern matches, but not where a backslash escapes it."""
    pieces, start = [], 0
    for match in re.finditer(sign, text):
        piece = text[start : match.start()]
        if not _escapes(piece):
            pieces.append(piece)
            start = match.end()
    return [*pieces, text[start:]]


def cut(text: str, sign: str) -> tuple[str, str]:
    """Split a text at the first sign that no backslash escapes; without one the rest is empty."""
    first, *others = pieces_of(text, sign)
    return first, sign.join(others)


def trim(text: str) -> str:
    """Leave out the blanks around a text, but for a last one that a backslash escapes."""
    return _without_end(text.lstrip())


def escaped(text: str, must: Callable[[int], bool]) -> str:
    """Write a backslash before the signs at some places, so that they are read as plain text.

    Parameters
    ----------
    text : str
        Any text; backslashes that would be read as an escape are doubled.
    must : callable
        Whether the sign at an index has to be escaped.
    """

    def write(match: re.Match[str]) -> str:
        run, sign = match.groups()
        if sign and not _is_special(sign):
            return match[0]
        return 2 * run + ("\\" if sign and must(match.start(2)) else "") + sign

    return _SIGN.sub(write, text)


def plain_text(text: str) -> str:
    """Return what an escaped text stands for."""

    def read(match: re.Match[str]) -> str:
        run, sign = match.groups()
        if not sign:
            return "\\" * ((len(run) + 1) // 2)
        return "\\" * (len(run) // 2) + sign if _is_special(sign) else match[0]

    return _SIGN.sub(read, text)


def _is_special(sign: str) -> bool:
    return sign in ",=:+" or sign.isspace()


def _without_end(text: str) -> str:
    kept = text.rstrip()
    return text[: len(kept) + 1] if _escapes(kept) else kept


def _escapes(text: str) -> bool:
    """Whether a text ends with a backslash that acts on what follows."""
    return (len(text) - len(text.rstrip("\\"))) % 2 == 1


def _written(text: str, *, first: bool = False) -> str:
    """Return an argument or a value so that it reads back, the first not as an option."""
    option = _OPTION.match(text) if first else None

    def must(place: int) -> bool:
        sign = text[place]
        if sign.isspace():
            return place == len(text) - 1
        return sign == "," or (option is not None and place == option.end() - 1)

    return escaped(text, must)


def _written_name(name: str) -> str:
    """Return a name so that it reads back; the path of a file may hold any sign."""
    path, colon, attribute = name.rpartition(":")
    if not (colon and path.endswith(".py")):
        path, colon, attribute = name, "", ""
    option = _OPTION.match(path)

    def must(place: int) -> bool:
        sign = path[place]
        if sign.isspace():
            return place in (0, len(path) - 1)
        return sign in ",:" or (option is not None and place == option.end() - 1)

    return f"{escaped(path, must)}{colon}{attribute}"


def split_list(text: str) -> list[str]:
    """Split ``a,b:k=1,j=2,c`` into its items; ``key=value`` pieces stay with the item before."""
    items: list[str] = []
    for piece in map(trim, pieces_of(text, ",")):
        if items and _OPTION.match(piece):
            items[-1] += f",{piece}"
        elif piece:
            items.append(piece)
    return items


def shown(text: str) -> str:
    """Return a text as messages repeat it: cut where it is long.

    >>> shown("9" * 5000)[:4], shown("9" * 5000)[-18:]
    ('9999', '... (5000 letters)')
    """
    if len(text) <= LONGEST_SHOWN:
        return text
    return f"{text[:40]}... ({len(text)} letters)"


def match_name(given: str, names: Iterable[str], kind: str) -> str | None:
    """Return the name that is meant: the same, or one alike.

    Alike is first what differs by the blanks around it and by its Unicode form (``é`` may be one
    character or two, which no screen shows), then what differs by case too.

    Raises
    ------
    UsageError
        If several names are equally alike.
    """
    names = list(names)
    if given in names:
        return given
    for form in (_composed, lambda text: _composed(text).casefold()):
        alike = [name for name in names if form(name) == form(given)]
        if len(alike) > 1:
            listed = " or ".join(map(ascii, alike))
            raise UsageError(f"{kind} {shown(given)!r} may be {listed}: write one exactly")
        if alike:
            return alike[0]
    return None


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text).strip()


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return the tail of an error sentence: the nearest known names, or all of them."""
    known = sorted(known)
    lower = {text.lower(): text for text in known}
    near = difflib.get_close_matches(shown(name).lower(), lower, n=3, cutoff=0.6)
    if near:
        return f"did you mean {' or '.join(lower[text] for text in near)}?"
    more = f" and {len(known) - MOST_LISTED} more" if len(known) > MOST_LISTED else ""
    return f"known: {', '.join(known[:MOST_LISTED])}{more}" if known else "none is known"


def unknown_name(kind: str, name: str, known: Iterable[str]) -> UnknownName:
    """Return the error for a name that is not among `known`, with suggestions."""
    return UnknownName(f"unknown {kind} {shown(name)!r}: {did_you_mean(name, known)}")


def check_options(owner: str, options: Iterable[str], known: Iterable[str]) -> None:
    """Raise UsageError for the first option that is not among `known`."""
    for key in options:
        if key not in known:
            raise UsageError(f"{owner} takes no {shown(key)!r}: {did_you_mean(key, known)}")
