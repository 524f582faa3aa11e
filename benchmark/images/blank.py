"""Images that show nothing: black, white, of one colour, or with almost no levels."""

from __future__ import annotations

import numpy as np
from PIL import Image

__all__ = ["FEW", "describe_blank"]

FEW = 8
"""Of 256 levels the fewest that an image should spread over, a few stray pixels apart."""
FLAT = 4
_STRAY = 0.001


def describe_blank(image: Image.Image) -> str:
    """Say why an image, L or RGB, shows nothing; empty if it shows something.

    >>> describe_blank(Image.new("L", (8, 8), 3))
    'black (values 3 to 3 of 255)'
    """
    counts = np.array(image.histogram()).reshape(-1, 256)
    share = counts.cumsum(axis=1) / (image.width * image.height)
    # Of each channel the values above and below which there are stray pixels only.
    low, high = (share >= _STRAY).argmax(axis=1), (share >= 1 - _STRAY).argmax(axis=1)
    spread = int((high - low).max())
    if spread >= FEW:
        return ""
    lowest, highest = int(low.min()), int(high.max())
    if highest < FEW:
        word = "black"
    elif lowest > 255 - FEW:
        word = "white"
    else:
        word = "one flat colour" if spread < FLAT else "almost no levels"
    return f"{word} (values {lowest} to {highest} of 255)"
