"""A picture of the near copies of a data set, two and two, for eyes to judge."""

from __future__ import annotations

import numpy as np
from PIL import Image

from imbench.files.reading import LARGE, read_bytes
from imbench.images.contact_sheet import Pen, fitted
from imbench.images.dataset import Listing
from imbench.images.decode import image_of, load_image, quiet_pillow
from imbench.images.duplicates import Copies, NearPair
from imbench.images.value_range import ValueRange

__all__ = ["MAX_PAIRS", "draw_pairs", "worst_first"]

MAX_PAIRS = 90
"""Pairs that a sheet has room for."""
_COLUMNS = 3
_SIDE = 192
_GAP, _LINE = 12, 16


def worst_first(listing: Listing, copies: Copies) -> list[NearPair]:
    """Return near pairs between splits first, then of two classes, each from the nearest on."""
    groups = {int(group[0]): group for group in copies.groups()}

    def gravity(pair: NearPair) -> tuple[bool, bool, float]:
        together = np.concatenate([groups.get(row, [row]) for row in (pair.first, pair.second)])
        one_split = len(set(listing.splits[together].tolist())) == 1
        one_class = len(set(listing.labels[together].tolist())) == 1
        return one_split, one_class, pair.distance

    return sorted(copies.near, key=gravity)


def draw_pairs(
    listing: Listing, pairs: list[NearPair], *, title: str, value_range: ValueRange | None
) -> Image.Image:
    """Draw pairs, the images of each side by side, with names, classes, splits and distance."""
    width, height = 2 * _SIDE + 4 + _GAP, _SIDE + 3 * _LINE + _GAP
    lines = -(-len(pairs) // _COLUMNS)
    size = (_COLUMNS * width + _GAP, lines * height + 2 * _GAP + _LINE)
    sheet = Image.new("RGB", size, (255, 255, 255))
    pen = Pen(sheet, size[0])
    pen.write(_GAP, _GAP, title)
    with quiet_pillow():
        for place, pair in enumerate(pairs):
            left = _GAP + place % _COLUMNS * width
            top = 2 * _GAP + _LINE + place // _COLUMNS * height
            for side, row in enumerate((pair.first, pair.second)):
                source, corner = listing.sources[row], left + side * (_SIDE + 4)
                image = (
                    image_of(source)
                    if isinstance(source, np.ndarray)
                    else load_image(read_bytes(source, LARGE), value_range)[0]
                )
                sheet.paste(fitted(image, _SIDE), (corner, top))
                where = f"{listing.splits[row]}, {listing.classes[listing.labels[row]]}"
                for line, text in enumerate((listing.names[row], where)):
                    pen.write(corner, top + _SIDE + 1 + line * _LINE, text, room=_SIDE)
            pen.write(left, top + _SIDE + 1 + 2 * _LINE, f"distance {pair.distance:.2f}")
    return sheet
