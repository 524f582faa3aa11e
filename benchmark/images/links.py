"""Files that a listing names twice, because links lead to them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from imbench.images.image_files import LeftOut
from imbench.images.layout import ListedImage

__all__ = ["listed_twice"]

_RANKS = ("test", "validation")
"""Splits that keep a file which is in another one too."""


def listed_twice(base: Path, images: Iterable[ListedImage]) -> list[LeftOut]:
    """Return the images whose files are listed before.

    A file stays in the test split, or else in the validation split; within a split its own path
    comes before those through links.
    """

    def rank(image: ListedImage) -> tuple[int, bool, str]:
        split = _RANKS.index(image.split) if image.split in _RANKS else len(_RANKS)
        return split, real[image.path] != os.path.join(top, image.path), image.path  # noqa: PTH118

    images = list(images)
    top = os.path.realpath(base)
    real = {image.path: os.path.realpath(base / image.path) for image in images}
    seen: set[str] = set()
    found = []
    for image in sorted(images, key=rank):
        if real[image.path] in seen:
            found.append(LeftOut("twice", image.path))
        seen.add(real[image.path])
    return found
