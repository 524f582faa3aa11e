"""Which class is the majority and which are minorities: ``majority=t-shirt,minority=skirt/hat``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imbench.errors import UsageError
from imbench.images.dataset import Listing
from imbench.images.notes import DataNote
from imbench.spec import match_name, unknown_name

__all__ = ["REST", "ClassChoice", "choose_classes", "resolve_classes", "select_rows"]

REST = "rest"
"""Names all classes that neither `majority` nor `minority` names."""


@dataclass(frozen=True)
class ClassChoice:
    """Names of the chosen classes by label, and the label of each class of the data set."""

    classes: tuple[str, ...]
    label_of: Mapping[str, int]


def resolve_classes(
    counts: Mapping[str, int], *, majority: str | None, minority: str | None, owner: str
) -> ClassChoice:
    """Resolve which class is the majority and which are minorities.

    Parameters
    ----------
    counts : mapping
        Training images of every class.
    majority, minority : str or None
        A class, or ``rest``; `minority` may name several, ``skirt/hat``. Of two classes the larger
        one is the majority by default.
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
        # A tie goes to the first name in the alphabet, so that the order of files has no effect.
        majority = min(counts, key=lambda name: (-counts[name], name))
    majorities = _parse_classes(majority, counts, owner)
    minorities = _parse_classes(minority, counts, owner)
    if len(majorities) > 1:
        raise UsageError(f"{owner}: majority={majority} names {len(majorities)} classes; name one")
    if len(counts) == 2 and not (majorities and minorities):
        other = [name for name in counts if name not in (majorities or minorities)]
        majorities, minorities = majorities or other, minorities or other
    if not majorities or not minorities:
        missing = "majority" if minorities else "minority"
        raise UsageError(_missing_choice(counts, owner, missing))
    names = majorities + minorities
    return ClassChoice(tuple(names), _labels(names, counts, owner))


def choose_classes(
    listing: Listing, *, majority: str | None, minority: str | None, owner: str
) -> Listing:
    """Return the images of the chosen classes, label 0 for the majority, 1, 2, ... for others.

    Parameters
    ----------
    listing : Listing
        All images of the data set, labels by class.
    majority : str or None
        A class, or ``rest`` for all that are not named. Of two classes the larger one by default.
    minority : str or None
        A class, several with slashes between them, or ``rest``.
    owner : str
        Name of the data set, for messages.

    Returns
    -------
    Listing
        The images of these classes; that the majority was guessed is one of its notes.

    Raises
    ------
    UsageError
        If the choice is incomplete, names a class twice, or there is only one class.

    Examples
    --------
    >>> import numpy as np
    >>> from imbench import Listing, choose_classes
    >>> listing = Listing(
    ...     classes=("cat", "dog", "owl"),
    ...     sources=np.zeros((6, 8, 8, 1), np.uint8),
    ...     labels=np.array([0, 1, 2, 0, 1, 2]),
    ...     splits=np.repeat(["train", "test"], 3),
    ...     names=tuple("abcdef"),
    ... )
    >>> chosen = choose_classes(listing, majority="rest", minority="owl", owner="animals")
    >>> chosen.classes, chosen.labels
    (('rest', 'owl'), array([0, 0, 1, 0, 0, 1]))
    """
    train = np.bincount(listing.labels[listing.splits == "train"], minlength=len(listing.classes))
    counts = {name: int(n) for name, n in zip(listing.classes, train, strict=True)}
    choice = resolve_classes(counts, majority=majority, minority=minority, owner=owner)
    table = np.array([choice.label_of.get(name, -1) for name in listing.classes], np.int64)
    labels = table[listing.labels]
    chosen = select_rows(listing, np.flatnonzero(labels >= 0))
    notes = listing.notes
    if majority is None and minority is None:
        notes = (*notes, _guessed_majority(choice.classes, counts))
    return replace(chosen, classes=choice.classes, labels=table[chosen.labels], notes=notes)


def select_rows(listing: Listing, rows: NDArray[Any]) -> Listing:
    """Return some rows of a listing."""

    def take(items: Any) -> Any:
        if items is None:
            return None
        return items[rows] if isinstance(items, np.ndarray) else [items[row] for row in rows]

    return replace(
        listing,
        sources=take(listing.sources),
        labels=listing.labels[rows],
        splits=listing.splits[rows],
        names=tuple(listing.names[row] for row in rows),
        groups=take(listing.groups),
        weights=take(listing.weights),
        masks=take(listing.masks),
    )


def _guessed_majority(classes: tuple[str, ...], counts: Mapping[str, int]) -> DataNote:
    majority, minority = classes
    words = f"{majority!r} is the majority, with {counts[majority]} training images to "
    words += f"{counts[minority]} of {minority!r}"
    return DataNote("guessed", words, counts[majority] + counts[minority], "minority=CLASS")


def _parse_classes(text: str | None, counts: Mapping[str, int], owner: str) -> list[str]:
    if text is None:
        return []
    # The name of a class may contain a slash itself.
    pieces = [text] if _match(text, counts, owner) else text.split("/")
    names = []
    for piece in pieces:
        name = _match(piece, counts, owner)
        if name is None:
            raise unknown_name(f"class of {owner}", piece.strip(), [*counts, REST])
        names.append(name)
    return names


def _match(text: str, counts: Mapping[str, int], owner: str) -> str | None:
    if text.strip() == REST and text not in counts:
        return REST
    return match_name(text, counts, f"class of {owner}")


def _labels(names: list[str], counts: Mapping[str, int], owner: str) -> dict[str, int]:
    repeated = {name for name in names if names.count(name) > 1}
    if repeated:
        raise UsageError(f"{owner}: class {min(repeated)!r} is chosen twice")
    rest = [name for name in counts if name not in names]
    labels: dict[str, int] = {}
    for label, name in enumerate(names):
        if name == REST and name not in counts:
            if not rest:
                raise UsageError(f"{owner}: no class remains for {REST!r}")
            labels.update(dict.fromkeys(rest, label))
        else:
            labels[name] = label
    return labels


def _missing_choice(counts: Mapping[str, int], owner: str, missing: str) -> str:
    listed = ", ".join(f"{name} ({count})" for name, count in counts.items())
    return (
        f"{owner} has {len(counts)} classes and no {missing} is chosen; add majority=A,minority=B "
        f"({REST!r} stands for all others, minority=B/C for several) from {listed}"
    )
