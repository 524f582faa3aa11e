"""Read images of more than 8 bits a value, and bring them to 8 bits by a range of values.

Pillow gives 16-bit grey as it is, but of 16-bit colour only the upper byte: the lower one is read
by decoding the file again with the bytes in the other order.
"""

from __future__ import annotations

import io
import sys
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from imbench.images.value_range import FULL, LEVELS, ValueRange

__all__ = ["depth", "may_be_deep", "misread", "read_values", "to_eight_bits"]

_NATIVE = "RGB;16L" if sys.byteorder == "little" else "RGB;16B"
_OTHER_ORDER = {
    f"{bands};16{order}": f"{bands};16{'B' if order == 'L' else 'L'}"
    for bands in ("RGB", "RGBA", "RGBX")
    for order in "LB"
}
_OTHER_ORDER |= {
    f"{bands};16N": _OTHER_ORDER[_NATIVE].replace("RGB", bands) for bands in ("RGB", "RGBA", "RGBX")
}
_OTHER_ORDER["LA;16B"] = "RGBA"
"""Of grey with transparency the four bytes of a pixel: both of the grey, both of the other."""
_DEEP_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b"P2", b"P5", b"Pf")
_PNG, _PNG_BITS = b"\x89PNG\r\n\x1a\n", 24
_WHITE_IS_ZERO = 0
_BITS, _PHOTOMETRIC, _PLANES, _SAMPLE_FORMAT = 258, 262, 284, 339  # numbers of TIFF tags
_UNSIGNED, _SIGNED = 1, 2


def may_be_deep(head: bytes) -> bool:
    """Return whether a file that begins like this may hold more than 8 bits a value."""
    if head.startswith(_PNG):
        return head[_PNG_BITS : _PNG_BITS + 1] == b"\x10"
    return head.startswith(_DEEP_STARTS)


def depth(image: Image.Image) -> int:
    """Return 8, 16, or 32 for what has no range of its own; `image` is not loaded yet."""
    if image.mode == "F" or (image.mode == "I" and image.format not in ("PNG", "PPM")):
        return 32
    return 16 if image.mode.startswith("I") or _raw_mode(image) in _OTHER_ORDER else 8


def misread(image: Image.Image) -> str:
    """Say why Pillow would take the values of an image, not loaded yet, for others; else empty."""
    if _tag(image, _PLANES, 1) != 1 and _tag(image, _BITS, 8) > 8:
        return "16-bit colour in separate planes is not read; save the channels together"
    if _tag(image, _SAMPLE_FORMAT, _UNSIGNED) == _SIGNED and depth(image) == 8:
        return "signed values of 8 bits are not read; save them as unsigned ones"
    return ""


def read_values(data: bytes, image: Image.Image) -> tuple[NDArray[Any], NDArray[np.uint8] | None]:
    """Return the values of a deep image and its transparency.

    Parameters
    ----------
    data : bytes
        The file.
    image : Image
        The same, opened and not loaded yet.

    Returns
    -------
    array (height, width) or (height, width, 3)
        As they stand in the file.
    uint8 array (height, width) or None
        0 where the image is transparent, 255 where it is not.
    """
    raw, tile = _raw_mode(image), _tile(image)
    image.load()
    values = np.asarray(image)
    if image.mode == "F" and not np.isfinite(values).all():
        raise ValueError("some of its values are no numbers")
    if raw in _OTHER_ORDER:
        return _read_colour(data, values, raw, image.info.get("transparency"))
    if tile[0].startswith("ppm"):  # Pillow spread it to 16 bits
        values = np.rint(values * (tile[3][1] / FULL.high)).astype(np.uint16)
    if values.dtype == np.int32 and _tag(image, _SAMPLE_FORMAT, _UNSIGNED) == _UNSIGNED:
        values = values.view(np.uint32)
    key = image.info.get("transparency")
    return values, None if key is None else _where_not(values, key)


def to_eight_bits(
    data: bytes, image: Image.Image, value_range: ValueRange | None
) -> tuple[Image.Image, bool]:
    """Return a deep image as L, RGB, LA or RGBA, and whether values beyond the range were cut off.

    Parameters
    ----------
    data, image
        As in `read_values`.
    value_range : ValueRange or None
        Its ends become 0 and 255; None is the range of 16 bits.
    """
    inverted = _tag(image, _PHOTOMETRIC, -1) == _WHITE_IS_ZERO
    values, alpha = read_values(data, image)
    value_range = value_range or FULL
    low, high = value_range.ends
    clipped = bool(values.min() < low or values.max() > high)
    if values.dtype.itemsize == 2:  # a table needs less memory than the sums
        levels = _table(value_range)[values]
    else:
        levels = _levels(values, value_range)
    eight = Image.fromarray(255 - levels if inverted else levels)
    if alpha is not None:
        eight.putalpha(Image.fromarray(alpha))
    return eight, clipped


def _levels(values: NDArray[Any], value_range: ValueRange) -> NDArray[np.uint8]:
    low, high = value_range.ends
    share = (np.clip(values, low, high).astype(np.float64) - low) / (high - low)
    return np.asarray(np.rint(255 * share), np.uint8)


@cache
def _table(value_range: ValueRange) -> NDArray[np.uint8]:
    """Return the level of each value of 16 bits."""
    return _levels(np.arange(LEVELS), value_range)


def _read_colour(
    data: bytes, upper: NDArray[np.uint8], raw: str, key: tuple[int, ...] | None
) -> tuple[NDArray[np.uint16], NDArray[np.uint8] | None]:
    image: Any = Image.open(io.BytesIO(data))
    image.tile = [_in_other_order(tile) for tile in image.tile]
    image.load()
    lower = np.asarray(image)
    if raw.startswith("LA"):
        return lower[..., 0] * np.uint16(256) + lower[..., 1], lower[..., 2]
    values = upper[..., :3] * np.uint16(256) + lower[..., :3]
    if key is not None:
        return values, _where_not(values, key)
    return values, upper[..., 3] if upper.shape[-1] == 4 else None


def _where_not(values: NDArray[Any], key: int | tuple[int, ...]) -> NDArray[np.uint8]:
    same = values == np.asarray(key)
    if same.ndim == 3:
        same = same.all(axis=-1)
    return np.where(same, 0, 255).astype(np.uint8)


def _tile(image: Image.Image) -> Any:
    """Return decoder, box, offset and arguments of the first part of an image, not loaded yet."""
    tiles = getattr(image, "tile", None)
    return tiles[0] if tiles else ("", None, 0, "")


def _raw_mode(image: Image.Image) -> str:
    """Return how the pixels lie in the file, in Pillow's words."""
    given = _tile(image)[3]
    return str(given[0] if isinstance(given, tuple) else given)


def _in_other_order(tile: Any) -> Any:
    decoder, box, offset, given = tile
    text = isinstance(given, str)
    swapped = _OTHER_ORDER[given] if text else (_OTHER_ORDER[given[0]], *given[1:])
    # Newer versions of Pillow have a type of their own for it.
    make = type(tile)._make if hasattr(tile, "_make") else tuple
    return make((decoder, box, offset, swapped))


def _tag(image: Image.Image, number: int, default: int) -> int:
    tags: Any = getattr(image, "tag_v2", {})
    value = tags.get(number, default)
    return int(value[0] if isinstance(value, tuple) else value)
