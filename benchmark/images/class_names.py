"""Names of classes that are one although they are spelled in two ways, or look as if they were."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterable, Sequence

from imbench.images.notes import DataNote

__all__ = ["alike_notes", "class_key", "one_name"]


def class_key(name: str) -> str:
    """Return what names have in common that differ only by case or Unicode form."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).strip().casefold())


def one_name(found: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Return the class of each (split, name of a class folder).

    Names that differ only by case are one class if no split has two of them, spelled as in the
    training split: characters in folders ``a`` and ``A`` stay two. Names that differ only by
    Unicode form look the same and always are one class.

    >>> one_name([("train", "Cat"), ("test", "cat")])
    {('train', 'Cat'): 'Cat', ('test', 'cat'): 'Cat'}
    >>> set(one_name([("train", "a"), ("train", "A"), ("test", "a")]).values()) == {"a", "A"}
    True
    """
    pairs = list(dict.fromkeys(found))
    spelled: dict[str, dict[str, set[str]]] = {}
    for split, name in pairs:
        at = spelled.setdefault(class_key(name), {})
        at.setdefault(split, set()).add(unicodedata.normalize("NFC", name))
    names = {}
    for split, name in pairs:
        by_split = spelled[class_key(name)]
        if any(len(several) > 1 for several in by_split.values()):
            names[split, name] = unicodedata.normalize("NFC", name)
        else:
            (names[split, name],) = by_split.get("train") or next(iter(by_split.values()))
    return names


def alike_notes(classes: Sequence[str], counts: Sequence[int]) -> list[DataNote]:
    """Return a note on each set of classes whose names differ by case, blanks or as 1 and 1.0.

    >>> [note.line for note in alike_notes(["cat", "Cat", "dog"], [4, 2, 9])]
    ["guessed: 'cat' (4) and 'Cat' (2) are not one class; to change it: give them one name"]
    """
    alike: dict[str | float, list[int]] = {}
    for label, name in enumerate(classes):
        alike.setdefault(_look(name), []).append(label)
    notes = []
    for labels in alike.values():
        if len(labels) > 1:
            named = " and ".join(f"{classes[label]!r} ({counts[label]})" for label in labels)
            count = sum(counts[label] for label in labels)
            words = f"{named} are not one class"
            notes.append(DataNote("guessed", words, count, "give them one name"))
    return notes


def _look(name: str) -> str | float:
    key = " ".join(class_key(name).split())
    try:
        number = float(key)
    except ValueError:
        return key
    return number if math.isfinite(number) else key
