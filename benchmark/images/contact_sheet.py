"""A picture of pictures: originals, and beside each what a network sees of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from imbench.files.reading import LARGE, read_bytes
from imbench.images.dataset import Listing
from imbench.images.decode import ImageFault, image_of, load_image, quiet_pillow
from imbench.images.geometry import geometry_of, to_square
from imbench.images.split import SPLITS
from imbench.images.value_range import ValueRange
from imbench.safe_text import visible

__all__ = [
    "MAX_SECTIONS",
    "Pen",
    "Section",
    "choose_sections",
    "draw_sheet",
    "fitted",
    "image_and_seen",
    "spread",
]

MAX_SECTIONS = 60
"""Classes of splits that a sheet has room for."""
_SIDE = 128
"""Pixels of a small picture on the sheet, at least."""
_WIDTH = 1600
_GAP, _LINE = 12, 16
_PAPER, _INK, _FAINT = (255, 255, 255), (0, 0, 0), (110, 110, 110)


@dataclass(frozen=True)
class Section:
    """A class of a split: how many images it has, and the rows of those that are shown."""

    split: str
    name: str
    count: int
    rows: tuple[int, ...]


def choose_sections(listing: Listing, images: int) -> list[Section]:
    """Choose up to `images` of each class and split, evenly spaced in the order of the listing."""
    sections = []
    for split in SPLITS:
        for label, name in enumerate(listing.classes):
            rows = np.flatnonzero((listing.splits == split) & (listing.labels == label))
            if len(rows):
                sections.append(Section(split, name, len(rows), tuple(spread(rows, images))))
    return sections


def spread(rows: NDArray[np.intp], most: int) -> list[int]:
    """Return up to so many of some rows, evenly spaced.

    >>> spread(np.arange(100, 200), 4)
    [100, 133, 166, 199]
    """
    some = np.linspace(0, len(rows) - 1, min(most, len(rows))).round().astype(int)
    return [int(row) for row in rows[some]]


def draw_sheet(
    listing: Listing,
    sections: list[Section],
    *,
    title: str,
    size: int,
    value_range: ValueRange | None,
) -> Image.Image:
    """Draw the sections one below the other: each image as it is, and as a network sees it.

    Parameters
    ----------
    size : int
        Side of what the network sees, in pixels; drawn enlarged by a whole number.
    value_range : ValueRange or None
        As `imbench.images.deep_files.settle_range` found it.
    """
    side = size * max(1, _SIDE // size)
    pair = 2 * side + 4
    columns = max(1, (_WIDTH - _GAP) // (pair + _GAP))
    columns = min(columns, max(len(section.rows) for section in sections))
    row_height = side + 2 * _LINE + _GAP
    lines = [-(-len(section.rows) // columns) for section in sections]
    width = max(columns * (pair + _GAP) + _GAP, 480)
    height = 2 * _GAP + _LINE + sum(2 * _LINE + count * row_height for count in lines)
    sheet = Image.new("RGB", (width, height), _PAPER)
    pen = Pen(sheet, width)
    pen.write(_GAP, _GAP, title)
    top = 2 * _GAP + _LINE
    with quiet_pillow():
        for section, count in zip(sections, lines, strict=True):
            pen.write(_GAP, top, f"{section.split}, {section.name}: {section.count} images")
            top += _LINE + 4
            for place, row in enumerate(section.rows):
                left = _GAP + place % columns * (pair + _GAP)
                _draw_pair(
                    pen,
                    (left, top + place // columns * row_height),
                    side,
                    listing.names[row],
                    image_and_seen(listing, row, size, value_range),
                )
            top += count * row_height + _LINE - 4
    return sheet


class Pen:
    """Writes labels, each cut to the room that it has."""

    def __init__(self, sheet: Image.Image, width: int) -> None:
        self.sheet, self.width = sheet, width
        self.draw = ImageDraw.Draw(sheet)
        self.font: Any = ImageFont.load_default()

    def write(
        self, left: int, top: int, text: str, *, room: int | None = None, ink: Any = _INK
    ) -> None:
        """Write a line; of one that is too long the end is kept, which tells files apart."""
        room = self.width - left if room is None else room
        # The font that comes with Pillow has no other letters.
        text = visible(text).encode("latin-1", "backslashreplace").decode("latin-1")
        cut = text
        while cut and self.draw.textlength(cut, font=self.font) > room:
            text = text[1:]
            cut = f"...{text}"
        self.draw.text((left, top), cut, ink, font=self.font)


def _draw_pair(
    pen: Pen,
    corner: tuple[int, int],
    side: int,
    name: str,
    both: tuple[Image.Image, NDArray[np.uint8]] | str,
) -> None:
    left, top = corner
    if isinstance(both, str):
        pen.draw.rectangle((left, top, left + 2 * side + 3, top + side - 1), outline=_FAINT)
        pen.write(left + 4, top + side // 2, both, room=2 * side - 4, ink=_FAINT)
        said = "cannot be used"
    else:
        original, seen = both
        small = fitted(original, side)
        pen.sheet.paste(small, (left + (side - small.width) // 2, top + (side - small.height) // 2))
        enlarged = image_of(seen).resize((side, side), Image.Resampling.NEAREST)
        pen.sheet.paste(enlarged, (left + side + 4, top))
        said = f"{original.width} x {original.height}"
    pen.write(left, top + side + 1, name, room=2 * side)
    pen.write(left, top + side + 1 + _LINE, said, room=2 * side, ink=_FAINT)


def fitted(image: Image.Image, side: int) -> Image.Image:
    """Return an image so that its longer side has so many pixels."""
    scale = side / max(image.size)
    shape = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    how = Image.Resampling.NEAREST if scale > 1 else Image.Resampling.LANCZOS
    return image.resize(shape, how)


def image_and_seen(
    listing: Listing, row: int, size: int, value_range: ValueRange | None
) -> tuple[Image.Image, NDArray[np.uint8]] | str:
    """Return an image as it is and as a network sees it, or why it cannot be used."""
    source = listing.sources[row]
    try:
        if isinstance(source, Path):
            image, _ = load_image(read_bytes(source, LARGE), value_range)
        else:
            image = image_of(source)
    except (ImageFault, OSError) as fault:
        return str(fault)
    return image, to_square(image, size, listing.channels, geometry_of(listing.policies))
