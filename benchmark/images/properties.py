"""What decoding finds out about an image file."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Properties"]


@dataclass(frozen=True)
class Properties:
    """Properties of an image: width and height as displayed, mode and format as stored."""

    width: int = 0
    height: int = 0
    mode: str = ""
    format: str = ""
    bits: int = 8
    """Bits of a value: 8 (or fewer), 16, or 32 for what has no range of its own."""
    clipped: bool = False
    """Whether values beyond the range of the data set were cut off."""
    transparent: bool = False
    """Whether it has transparent pixels, which were laid over white."""
    blank: str = ""
    """Why it shows nothing: black, white, flat, almost no levels; empty if it shows something."""
