"""How a picture of any shape becomes a square: stretched, padded, or cut to its middle.

Without Pillow, which only decoding needs: data sets read the option long before that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from imbench.images.notes import DataNote

if TYPE_CHECKING:
    from PIL import Image

__all__ = [
    "GEOMETRIES",
    "PADDING",
    "crop_line",
    "geometry_notes",
    "geometry_of",
    "lost_to_crop",
    "shape_lines",
    "to_square",
]

GEOMETRIES = ("stretch", "pad", "crop")
PADDING = 128
"""Grey value of what `pad` adds: the middle, so that a border is neither a dark nor a bright
object; the same for all images, so that no image has an effect on another."""
MUCH = 0.1
"""Share of its area that an image may lose to a crop before it is counted."""
_WORDS = {"stretch": "stretched", "pad": "padded", "crop": "cropped"}


def to_square(
    image: Image.Image, size: int, channels: int, geometry: str, padding: int = PADDING
) -> NDArray[np.uint8]:
    """Return an image, L or RGB, as uint8 (size, size, channels), resized with antialiasing.

    Parameters
    ----------
    geometry : {"stretch", "pad", "crop"}
        ``stretch`` changes the proportions and keeps everything; ``pad`` keeps both and fills the
        rest with `padding`; ``crop`` takes the largest centred square.
    """
    from PIL import Image

    image = image.convert("L" if channels == 1 else "RGB")
    width, height = image.size
    side, longer = min(image.size), max(image.size)
    box: tuple[float, float, float, float] = (0, 0, width, height)
    shape = (size, size)
    if geometry == "crop":
        left, top = (width - side) / 2, (height - side) / 2
        box = (left, top, left + side, top + side)
    elif geometry == "pad":
        shape = (max(1, round(size * width / longer)), max(1, round(size * height / longer)))
    resized = image.resize(shape, Image.Resampling.BILINEAR, box=box)
    if shape != (size, size):
        square = Image.new(image.mode, (size, size), (padding,) * len(image.getbands()))
        square.paste(resized, ((size - shape[0]) // 2, (size - shape[1]) // 2))
        resized = square
    return np.asarray(resized, np.uint8).reshape(size, size, channels)


def lost_to_crop(width: int, height: int) -> float:
    """Return the share of an image's area outside its centred square."""
    return 1 - min(width, height) / max(width, height)


def crop_line(sizes: Sequence[tuple[int, int]]) -> str:
    """Say what a crop cuts off images of these widths and heights.

    >>> crop_line([(40, 40), (40, 30), (80, 40)])
    '25 % of the area of the median image, 50 % of the worst, more than 10 % of 2 images'
    """
    lost = [lost_to_crop(*size) for size in sizes]
    much = sum(share > MUCH for share in lost)
    return (
        f"{median(lost):.0%} of the area of the median image, {max(lost):.0%} of the worst, more "
        f"than {MUCH:.0%} of {much} images"
    ).replace("%", " %")


def geometry_of(policies: Mapping[str, str]) -> str:
    """Return the geometry that a listing's policies choose; a data set without one is cropped."""
    return policies.get("geometry", "crop")


def shape_lines(sizes: Sequence[tuple[int, int]], policies: Mapping[str, str]) -> list[str]:
    """Say how the shapes of images differ and what a crop would cost; nothing if all are square.

    Parameters are those of `geometry_notes`, which says what is done to them.
    """
    ratios = [width / height for width, height in sizes]
    if all(ratio == 1 for ratio in ratios):
        return []
    lines = [f"width / height: {min(ratios):.2f} to {max(ratios):.2f}, median {median(ratios):.2f}"]
    if geometry_of(policies) != "crop":
        lines.append(f"geometry=crop would cut off {crop_line(sizes)}")
    return lines


def geometry_notes(sizes: Sequence[tuple[int, int]], policies: Mapping[str, str]) -> list[DataNote]:
    """Say what is done to images that are not square, in one note; none if there are none.

    Parameters
    ----------
    sizes : sequence of (width, height)
        Sizes of all images, as displayed.
    policies : mapping
        Those of the listing.
    """
    geometry = geometry_of(policies)
    oblong = [size for size in sizes if size[0] != size[1]]
    if not oblong:
        return []
    text = f"{len(oblong)} of {len(sizes)} images are not square"
    if geometry == "crop":
        text += f" and are cut to the square in their middle: {crop_line(sizes)}"
    elif geometry == "pad":
        text += " and are filled up to a square with grey"
    else:
        worst = max(max(size) / min(size) for size in oblong)
        text += f" and are squeezed to one, the worst by {worst:.2f} to 1"
    others = " or ".join(f"geometry={name}" for name in GEOMETRIES if name != geometry)
    return [DataNote(_WORDS[geometry], text, len(oblong), others if "geometry" in policies else "")]
