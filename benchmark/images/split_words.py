"""Words that name a split, as folders and columns of public data sets use them."""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["split_and_rest", "split_name", "split_names"]

_WORDS = {
    **dict.fromkeys(("train", "training", "trn", "trainval"), "train"),
    **dict.fromkeys(("val", "valid", "validate", "validation", "validating"), "validation"),
    **dict.fromkeys(("dev", "devel", "development"), "validation"),
    **dict.fromkeys(("test", "testing", "tst", "holdout", "heldout"), "test"),
    **dict.fromkeys(("eval", "evaluate", "evaluation", "evaluating"), "test"),
}
_EVALUATION = ("eval", "evaluate", "evaluation", "evaluating")
_FILLERS = frozenset(
    (
        *("set", "sets", "data", "dataset", "split", "subset", "folder", "dir", "files"),
        *("samples", "image", "images", "img", "imgs", "picture", "pictures", "photo"),
        *("photos"),
    )
)
_TOKEN = re.compile(r"[^\W\d_]+|\d+")
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")


def split_name(text: str) -> str | None:
    """Return the split that a folder or a value of a column names, or None.

    >>> [split_name(text) for text in ("Train", "training_set", "testImages", "cat", "trainA")]
    ['train', 'train', 'test', None, None]
    """
    found = split_and_rest(text)
    return found[0] if found and not found[1] else None


def split_names(texts: Iterable[str]) -> dict[str, str]:
    """Return the split of each text that names one, as they stand side by side.

    ``eval`` is the test split, but the validation split beside a ``test``.

    >>> split_names(["train", "eval"]), split_names(["train", "eval", "test"])
    ({'train': 'train', 'eval': 'test'}, {'train': 'train', 'eval': 'validation', 'test': 'test'})
    """
    found = {text: split for text in texts if (split := split_name(text))}
    unsure = {text for text in found if _content(text)[0].lower() in _EVALUATION}
    if any(split == "test" and text not in unsure for text, split in found.items()):
        found |= dict.fromkeys(unsure, "validation")
    return found


def split_and_rest(text: str) -> tuple[str, str] | None:
    """Return the split in a name and what else is in it; None if there is not exactly one.

    Words that say nothing (``set``, ``data``, ``images``) are left out of the rest.

    >>> split_and_rest("trainA"), split_and_rest("seg_test"), split_and_rest("val2017")
    (('train', 'A'), ('test', 'seg'), ('validation', '2017'))
    >>> split_and_rest("trainer"), split_and_rest("train_test")
    (None, None)
    """
    pieces = _content(text)
    named = [_WORDS[piece.lower()] for piece in pieces if piece.lower() in _WORDS]
    if len(named) != 1:
        return None
    return named[0], "_".join(piece for piece in pieces if piece.lower() not in _WORDS)


def _content(text: str) -> list[str]:
    """Return the words and numbers of a name without those that say nothing."""
    glued = re.sub(r"[\W_]+", "", text).lower()
    if glued in _WORDS:  # hold-out
        return [glued]
    for filler in _FILLERS:  # trainset
        if glued.endswith(filler) and glued.removesuffix(filler) in _WORDS:
            return [glued.removesuffix(filler)]
    pieces = _TOKEN.findall(_HUMP.sub(" ", text))
    return [piece for piece in pieces if piece.lower() not in _FILLERS]
