"""Which class is the majority and which are minorities: ``majority=t-shirt,minority=skirt/hat``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imbench.errors import UsageError
from imbench.images.dataset import Listing
from imbench.spec import unknown_name

__all__ = ["REST", "ClassChoice", "choose_classes", "resolve_classes", "select_rows"]

REST = "rest"
"""Stands for all classes that the other side does not name."""


@dataclass(frozen=True)
class ClassChoice:
    """Names of the chosen classes, label 0 first, and the label of each class of the data."""

    classes: tuple[str, ...]
    label_of: Mapping[str, int]


def resolve_classes(
    counts: Mapping[str, int], *, majority: str | None, minority: str | None, owner: str
) -> ClassChoice:
    """Settle the classes of a data set.

    Parameters
    ----------
    counts : mapping
        Training images of every class.
    majority, minority : str or None
        A class, or ``rest``; `minority` may be several, ``skirt/hat``. With two classes and
        nothing chosen the one with more training images is the majority.
    owner : str
        Name of the data set, for messages.

    Raises
    ------
    UsageError
        If the choice is incomplete, names a class twice, or there is only one class.
    """
    if len(counts) < 2:
        only = f"one class, {next(iter(counts))!r}" if counts else "no class"
        raise UsageError(f"{owner} has {only}; two are needed")
    if majority is None and minority is None and len(counts) == 2:
        # A tie goes to the name that sorts first, so that it never depends on the file system.
        majority = min(counts, key=lambda name: (-counts[name], name))
    first, others = _named(majority, counts, owner), _named(minority, counts, owner)
    if len(first) > 1:
        raise UsageError(f"{owner}: majority={majority} names {len(first)} classes; name one")
    if len(counts) == 2 and not (first and others):
        left = [name for name in counts if name not in (first or others)]
        first, others = first or left, others or left
    if not first or not others:
        raise UsageError(_incomplete(counts, owner, missing="majority" if others else "minority"))
    return ClassChoice(tuple(first + others), _labels(first, others, counts, owner))


def choose_classes(
    listing: Listing, *, majority: str | None, minority: str | None, owner: str
) -> Listing:
    """Return the images of the chosen classes, labelled 0 for the majority and 1.. for others."""
    train = np.bincount(listing.labels[listing.splits == "train"], minlength=len(listing.classes))
    counts = {name: int(n) for name, n in zip(listing.classes, train, strict=True)}
    choice = resolve_classes(counts, majority=majority, minority=minority, owner=owner)
    table = np.array([choice.label_of.get(name, -1) for name in listing.classes], np.int64)
    labels = table[listing.labels]
    chosen = select_rows(listing, np.flatnonzero(labels >= 0))
    return replace(chosen, classes=choice.classes, labels=table[chosen.labels])


def select_rows(listing: Listing, rows: NDArray[Any]) -> Listing:
    """Return some rows of a listing."""

    def some(items: Any) -> Any:
        if items is None or isinstance(items, np.ndarray):
            return None if items is None else items[rows]
        return [items[row] for row in rows]

    return replace(
        listing,
        sources=some(listing.sources),
        labels=listing.labels[rows],
        splits=listing.splits[rows],
        names=tuple(listing.names[row] for row in rows),
        groups=some(listing.groups),
        weights=some(listing.weights),
        masks=some(listing.masks),
    )


def _named(text: str | None, counts: Mapping[str, int], owner: str) -> list[str]:
    if text is None:
        return []
    whole = _match(text, counts)
    if whole:
        return [whole]
    found = []
    for piece in text.split("/"):
        name = _match(piece.strip(), counts)
        if name is None:
            raise unknown_name(f"class of {owner}", piece.strip(), [*counts, REST])
        found.append(name)
    return found


def _match(text: str, counts: Mapping[str, int]) -> str | None:
    if text in counts or text == REST:
        return text
    same = [name for name in counts if name.lower() == text.lower()]
    return same[0] if len(same) == 1 else None


def _labels(
    first: list[str], others: list[str], counts: Mapping[str, int], owner: str
) -> dict[str, int]:
    named = first + others
    twice = {name for name in named if named.count(name) > 1}
    if twice:
        raise UsageError(f"{owner}: class {min(twice)!r} is chosen twice")
    rest = [name for name in counts if name not in named]
    labels: dict[str, int] = {}
    for label, name in enumerate(named):
        if name == REST and name not in counts:
            if not rest:
                raise UsageError(f"{owner}: no class is left for {REST!r}")
            labels.update(dict.fromkeys(rest, label))
        else:
            labels[name] = label
    return labels


def _incomplete(counts: Mapping[str, int], owner: str, *, missing: str) -> str:
    listed = ", ".join(f"{name} ({count})" for name, count in counts.items())
    return (
        f"{owner} has {len(counts)} classes and no {missing} is chosen; add majority=A,minority=B "
        f"({REST!r} stands for all others) from {listed}"
    )
