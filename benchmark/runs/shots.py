"""How many training images each minority class has: what `--minority` takes, and what it means.

A number is a count of each minority class. ``all`` and ``natural`` take the data as they are,
``long-tail:100`` a profile, ``soiling:50,crack:200`` a count for each class. They become numbers
when a run is planned, so that a cell says by itself what it was trained on.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from imbench.errors import UsageError
from imbench.lists import parse_integers
from imbench.records.cell import Shots
from imbench.spec import (
    match_name,
    pieces_of,
    plain_text,
    shown,
    trim,
)

__all__ = ["parse_shots", "resolve_shots", "shots_text"]

ALL, NATURAL, LONG_TAIL = "all", "natural", "long-tail"
WHAT = "minority counts"
FORMS = (
    "a whole number, a range like 10-12, all, natural, long-tail:RATIO, or CLASS:COUNT for each "
    "minority class"
)
LEAST = 2
"""Images that a class has at least."""


def parse_shots(given: Any) -> tuple[Shots, ...]:
    """Return what ``25,50``, ``natural`` or ``a:50,b:200`` ask for, each once, in order.

    Pieces ``CLASS:COUNT`` that follow each other belong together, up to a class that is named
    again. In Python and TOML a mapping of classes to counts says the same.

    Raises
    ------
    UsageError
        If there is none, or something else.
    """
    items = given if isinstance(given, list | tuple) else [given]
    found: list[Shots] = []
    for item in items:
        if isinstance(item, Mapping):
            found.append(_by_class(item.items()))
        elif isinstance(item, str):
            found += _read(item)
        else:
            found += parse_integers(item, WHAT)
    if not found:
        raise UsageError(f"the list of {WHAT} is empty")
    return tuple(dict.fromkeys(found))


def _read(text: str) -> list[Shots]:
    found: list[Shots] = []
    group: list[tuple[str, str]] = []
    for piece in filter(None, map(trim, pieces_of(text, ","))):
        *heads, count = pieces_of(piece, ":")
        name = plain_text(":".join(heads))
        if heads and name != LONG_TAIL:
            if name in dict(group):
                found.append(_by_class(group))
                group = []
            group.append((name, count))
            continue
        if group:
            found.append(_by_class(group))
            group = []
        if heads:
            found.append(f"{LONG_TAIL}:{_ratio(count):g}")
        elif piece in (ALL, NATURAL):
            found.append(piece)
        else:
            found += _counts(piece)
    return [*found, _by_class(group)] if group else found


def _counts(piece: str) -> tuple[int, ...]:
    try:
        return parse_integers(piece, WHAT)
    except UsageError as error:
        if any(sign.isdigit() for sign in piece):
            raise
        raise UsageError(f"{WHAT}: {shown(piece)!r} is not {FORMS}") from error


def _by_class(pairs: Iterable[tuple[Any, Any]]) -> tuple[tuple[str, int], ...]:
    found = []
    for name, given in pairs:
        counts = parse_integers(given, f"{WHAT}: images of {shown(str(name))!r}")
        if len(counts) != 1:
            raise UsageError(f"{WHAT}: {shown(str(name))!r} has one count, not {len(counts)}")
        found.append((str(name), counts[0]))
    return tuple(found)


def _ratio(text: str) -> float:
    try:
        ratio = float(text)
    except ValueError:
        ratio = math.nan
    if not 1 <= ratio <= 1e6:
        raise UsageError(
            f"{WHAT}: {LONG_TAIL}:{shown(text)} has no ratio of the largest class to the smallest "
            "from 1 to 1000000, as in long-tail:100"
        )
    return ratio


def resolve_shots(
    shots: Shots,
    available: Sequence[int],
    classes: Sequence[str],
    majority: int | None = None,
) -> int | tuple[int, ...]:
    """Return the training images of each minority class; one number where all have as many.

    Parameters
    ----------
    shots : int, str or tuple
        As `parse_shots` returns it.
    available : sequence of int
        Training images of each class, label 0 the majority.
    classes : sequence of str
        Their names.
    majority : int or None
        Images of the majority that the cell takes; None for all.

    Raises
    ------
    UsageError
        If a class is unknown, has no count, or has too few images.

    Examples
    --------
    >>> resolve_shots("natural", [1000, 100, 40], ["ok", "crack", "soiling"], 500)
    (50, 20)
    >>> resolve_shots("long-tail:100", [1000, 500, 400], ["ok", "crack", "soiling"])
    (100, 10)
    """
    if isinstance(shots, int):
        return shots
    largest = available[0] if majority is None else majority
    if shots == ALL:
        counts = list(available[1:])
    elif shots == NATURAL:
        share = largest / max(available[0], 1)
        counts = [max(LEAST, round(count * share)) for count in available[1:]]
    elif isinstance(shots, str):
        counts = _long_tail(float(shots.partition(":")[2]), available, classes, largest)
    else:
        counts = _of_classes(shots, classes)
    for label, count in enumerate(counts, start=1):
        if count > available[label]:
            raise UsageError(
                f"{count} images of {classes[label]!r} are requested; the training set has "
                f"{available[label]}"
            )
    return counts[0] if len(set(counts)) == 1 else tuple(counts)


def _long_tail(
    ratio: float, available: Sequence[int], classes: Sequence[str], largest: int
) -> list[int]:
    """Return counts that fall exponentially from the majority to a `ratio`-th of it.

    The profile of Cui et al. 2019 (arXiv 1901.05555), classes in the order of how many images they
    have: the r-th of K - 1 minorities has the majority's images times ratio^(-r / (K - 1)).
    """
    minorities = range(1, len(available))
    order = sorted(minorities, key=lambda label: (-available[label], label))
    shares = {label: ratio ** (-place / len(order)) for place, label in enumerate(order, start=1)}
    counts = [max(LEAST, round(largest * shares[label])) for label in minorities]
    short = [label for label in minorities if counts[label - 1] > available[label]]
    if short:
        fits = min(int((available[label] + 0.5) / shares[label]) for label in minorities)
        fits -= any(round(fits * shares[label]) > available[label] for label in minorities)
        label = short[0]
        raise UsageError(
            f"{LONG_TAIL}:{ratio:g} of {largest} majority images takes {counts[label - 1]} of "
            f"{classes[label]!r}, and the training set has {available[label]}: "
            f"say --majority {min(fits, available[0])}, or a larger ratio"
        )
    return counts


def _of_classes(pairs: Any, classes: Sequence[str]) -> list[int]:
    """Return the counts of classes in the order of their labels."""
    found: dict[str, int] = {}
    for given, count in pairs:
        name = match_name(given, classes[1:], "class")
        if name is None:
            known = ", ".join(map(shown, classes[1:]))
            raise UsageError(f"{shown(given)!r} is no minority class: there are {known}")
        found[name] = count
    missing = [name for name in classes[1:] if name not in found]
    if missing:
        raise UsageError(
            f"no count is given for {', '.join(map(shown, missing))}: give each minority class one"
        )
    return [found[name] for name in classes[1:]]


def shots_text(shots: Shots) -> str:
    """Return counts as a plan shows them: ``50``, or ``50/200`` by class."""
    if isinstance(shots, int | str):
        return str(shots)
    return "/".join(str(one) if isinstance(one, int) else f"{one[0]}:{one[1]}" for one in shots)
