"""Colour, dashes and marker of a method: a function of its recipe, so the same in every plot.

Shades reach a contrast of 3:1 and more, the light ones on white, the dark ones on #16181d.
"""

from __future__ import annotations

import colorsys
import hashlib
from typing import NamedTuple

__all__ = ["MARKERS", "Style", "style_of"]


class Style(NamedTuple):
    """How a method is drawn.

    Attributes
    ----------
    light, dark : str
        ``#rrggbb`` for a light and for a dark background.
    dash : str
        ``stroke-dasharray`` in pixels; empty for a solid line.
    marker : str
        One of `MARKERS`.
    """

    light: str
    dark: str
    dash: str
    marker: str


MARKERS = ("circle", "square", "triangle", "diamond", "cross")

_DASHES = ("", "6 3", "2 3")
# Hue by remedy: weights blue, undersampling orange, oversampling green, class-balanced losses
# purple by beta, the paper's own methods red and gold.
_KNOWN = {
    "vanilla": Style("#5c5c5c", "#b4b4b4", "", "circle"),
    "ts": Style("#8a5a2b", "#c99b6a", "2 3", "circle"),
    "cs": Style("#1f5fbf", "#6ea8ff", "", "square"),
    "us": Style("#c2570c", "#ff9d4d", "", "triangle"),
    "os": Style("#1d7d3f", "#5ccf86", "", "diamond"),
    "us+cs": Style("#0b7f86", "#4fd0d8", "6 3", "triangle"),
    "os+cs": Style("#5b7a00", "#b2d24a", "6 3", "diamond"),
    "smote": Style("#b0177d", "#ff79c8", "", "cross"),
    "cbl:beta=0.9": Style("#957bd0", "#ddd2ff", "2 3", "square"),
    "cbl:beta=0.99": Style("#7e57c2", "#bfa8ff", "4 2", "square"),
    "cbl:beta=0.999": Style("#5e35b1", "#a385f5", "6 3", "square"),
    "cbl:beta=0.9999": Style("#3f1d8a", "#8a66e8", "", "square"),
    "alt": Style("#946c00", "#e6c04d", "", "circle"),
    "aug": Style("#c81e2b", "#ff6b6b", "", "circle"),
    "aug-da": Style("#7a1020", "#ff9aa5", "6 3", "circle"),
}


def style_of(recipe: str) -> Style:
    """Return the style of a method; for a recipe not listed here it derives from a hash."""
    if recipe in _KNOWN:
        return _KNOWN[recipe]
    digest = hashlib.sha256(recipe.encode("utf-8", "surrogatepass")).digest()
    hue = digest[0] / 256
    return Style(
        _hex(hue, 0.3),
        _hex(hue, 0.72),
        _DASHES[digest[1] % len(_DASHES)],
        MARKERS[digest[2] % len(MARKERS)],
    )


def _hex(hue: float, lightness: float) -> str:
    channels = colorsys.hls_to_rgb(hue, lightness, 0.7)
    return "#" + "".join(f"{round(channel * 255):02x}" for channel in channels)
