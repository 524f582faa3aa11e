"""Decode an image file to pixels, or say why that is impossible.

Decoded: JPEG, PNG, GIF, BMP, WebP, TIFF, PPM. EXIF orientation is applied; a palette is resolved;
transparency is laid over white; CMYK is converted without colour profiles (these are always
ignored); of a camera's MPO file the main picture is taken. Values of 16 bits, and of 32 where
their range is given, are brought to 8 bits: see `imbench.images.value_range`.

Refused: files that are empty, not an image, cut short or broken; more than 89 million pixels;
animations and multi-page files (it is not defined which frame counts); images all of whose pixels
are transparent; 32-bit, signed and floating-point images whose range is not given. Other formats
are never tried: some run programs.
"""

from __future__ import annotations

import hashlib
import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image, TiffImagePlugin, UnidentifiedImageError, WebPImagePlugin

from imbench.images.blank import FEW, describe_blank
from imbench.images.depth import depth, misread, to_eight_bits
from imbench.images.formats import format_of
from imbench.images.geometry import to_square
from imbench.images.properties import Properties
from imbench.images.value_range import FULL, ValueRange

__all__ = [
    "FORMATS",
    "MAX_PIXELS",
    "ImageFault",
    "Picture",
    "decode",
    "image_of",
    "load_image",
    "open_image",
    "quiet_pillow",
    "shown_size",
    "shrink_mask",
]

FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "PPM")
MAX_PIXELS = 89_478_485
"""Pillow's own threshold (0.25 GiB of RGB); it warns there and refuses at twice as many."""
THUMBNAIL = 32
_PLUGINS = (TiffImagePlugin, WebPImagePlugin)  # imported here: threads would race to do it
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_LYING = frozenset(_TURNS[orientation] for orientation in (5, 6, 7, 8))
"""Turns that change width and height."""
_ORIENTATION = 0x0112


class ImageFault(Exception):
    """An image that cannot be used; the text is the reason."""


@dataclass(frozen=True, eq=False)
class Picture:
    """A decoded image.

    `pixels` uint8 (size, size, channels); `thumbnail` uint8 (32, 32), the whole image in grey;
    `digest`, a hash of all its pixels.
    """

    pixels: NDArray[np.uint8]
    thumbnail: NDArray[np.uint8]
    digest: str
    properties: Properties


def decode(
    data: bytes,
    *,
    size: int,
    channels: int = 3,
    geometry: str = "crop",
    value_range: ValueRange | None = None,
) -> Picture:
    """Decode the bytes of an image file to a square.

    Parameters
    ----------
    size, channels : int
        Side of the square in pixels; 3 for colour, 1 for grey.
    geometry : {"stretch", "pad", "crop"}
        What becomes of other shapes: see `imbench.images.geometry.to_square`.
    value_range : ValueRange, optional
        Which values of more than 8 bits become 0 and 255. Without it that of 16 bits is taken, and
        what has no range of its own is refused.

    Raises
    ------
    ImageFault
        If the image is damaged or its pixels are not well defined.
    """
    image, properties = load_image(data, value_range)
    grey = image.convert("L").resize((THUMBNAIL, THUMBNAIL), Image.Resampling.BILINEAR)
    thumbnail = np.asarray(grey)
    if np.ptp(thumbnail) < FEW:  # only then it may show nothing; to count levels takes longer
        blank = describe_blank(image)
        if blank and properties.transparent:
            blank += " once its transparent pixels are laid over white"
        properties = replace(properties, blank=blank)
    return Picture(
        to_square(image, size, channels, geometry), thumbnail, _digest(image), properties
    )


def open_image(data: bytes, value_range: ValueRange | None = None) -> Image.Image:
    """Read the header of an image file; raise ImageFault if it cannot be used.

    One whose values have no range of their own can be used where a range is given.
    """
    if not data:
        raise ImageFault("the file is empty (0 bytes)")
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
        frames = 1 if image.format == "MPO" else int(getattr(image, "n_frames", 1))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageFault(f"more than {MAX_PIXELS} pixels") from error
    except UnidentifiedImageError as error:
        raise ImageFault(_describe_other_file(data)) from error
    except Exception as error:  # a damaged file may raise anything
        raise ImageFault(f"damaged: {error}") from error
    if image.width * image.height > MAX_PIXELS:
        raise ImageFault(f"{image.width} x {image.height} is more than {MAX_PIXELS} pixels")
    if frames > 1:
        raise ImageFault(f"{frames} frames ({image.format}); it is not defined which counts")
    if fault := misread(image):
        raise ImageFault(fault)
    if depth(image) > 16 and (value_range is None or value_range.measured):
        raise ImageFault(
            f"values of mode {image.mode!r} have no defined range; say range=LOW-HIGH, or convert "
            "it to 8 bits"
        )
    return image


def load_image(
    data: bytes, value_range: ValueRange | None = None
) -> tuple[Image.Image, Properties]:
    """Decode an image at its own size to L or RGB; raise ImageFault if it cannot be used."""
    image = open_image(data, value_range)
    stored = Properties(mode=image.mode, format=str(image.format), bits=depth(image))
    eight, clipped = image, False
    try:
        if stored.bits > 8:
            eight, clipped = to_eight_bits(data, image, value_range)
        image.load()
        turn = _turn(image)
        shown, transparent = _over_white(eight if turn is None else eight.transpose(turn))
    except ImageFault:
        raise
    except Exception as error:  # a damaged file may raise anything
        raise ImageFault(f"damaged: {error}") from error
    width, height = shown.size
    return shown, replace(
        stored, width=width, height=height, clipped=clipped, transparent=transparent
    )


def shown_size(data: bytes) -> tuple[int, int]:
    """Return width and height of an image as it is shown, upright; its pixels are not decoded."""
    image = open_image(data, FULL)
    width, height = image.size
    return (height, width) if _turn(image) in _LYING else (width, height)


def shrink_mask(
    source: bytes | NDArray[np.bool_], *, size: int, geometry: str = "crop"
) -> NDArray[np.bool_]:
    """Bring an object mask, a file or an array (height, width), to the square of its image.

    Of a file the values from one half of the range on belong to the object; where none is so high,
    as with numbers of classes, all but 0. What ``pad`` adds does not.

    Raises
    ------
    ImageFault
        If the file cannot be read, or is transparent.
    """
    shape = _object_in(source) if isinstance(source, bytes) else source
    image = Image.fromarray(shape.astype(np.uint8) * 255)
    return np.asarray(to_square(image, size, 1, geometry, padding=0)[..., 0] >= 128)


def _object_in(data: bytes) -> NDArray[np.bool_]:
    """Return which pixels (height, width) of a mask's file belong to the object."""
    image, full = open_image(data, FULL), 255
    numbered = image.mode == "P"  # numbers of classes: what colours show them says nothing
    if numbered or len(image.getbands()) == 1:
        full = (1 << depth(image)) - 1
        try:
            values = np.asarray(image)
        except Exception as error:  # a damaged file may raise anything
            raise ImageFault(f"damaged: {error}") from error
    else:
        shown, properties = load_image(data, FULL)
        if properties.transparent:
            raise ImageFault("a transparent mask does not say what its object is: fill it black")
        values = np.asarray(shown.convert("L"))
    high: NDArray[np.bool_] = 2 * values.astype(np.float64) > full
    return high if high.any() and not numbered else np.asarray(values > 0)


def image_of(pixels: NDArray[np.uint8]) -> Image.Image:
    """Return pixels (height, width, 1 or 3) as an image, L or RGB."""
    return Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)


@contextmanager
def quiet_pillow() -> Iterator[None]:
    """Silence Pillow's warnings, but make a decompression bomb an error."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\.")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


def _turn(image: Image.Image) -> Image.Transpose | None:
    """Return how a loaded image has to be turned to stand upright."""
    try:
        return _TURNS.get(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # broken EXIF, but intact pixels: keep the stored orientation
        return None


def _over_white(image: Image.Image) -> tuple[Image.Image, bool]:
    """Return an image of 8 bits as L or RGB, and whether transparent pixels became white."""
    if not image.has_transparency_data:
        return image.convert("L" if image.mode in ("1", "L") else "RGB"), False
    rgba = image.convert("RGBA")
    levels = [level for level, count in enumerate(rgba.getchannel("A").histogram()) if count]
    if levels == [0]:
        raise ImageFault("all its pixels are transparent; save it without its alpha channel")
    white = Image.new("RGBA", rgba.size, (255, 255, 255, 255))
    return Image.alpha_composite(white, rgba).convert("RGB"), levels != [255]


def _digest(image: Image.Image) -> str:
    head = f"{image.mode} {image.width} {image.height} ".encode()
    return hashlib.sha256(head + image.tobytes()).hexdigest()


def _describe_other_file(data: bytes) -> str:
    start = data[:256].lstrip().lower()
    if start.startswith((b"<!doctype html", b"<html")):
        return "an HTML page, not an image"
    if found := format_of(data):
        return f"{found[0]}, a format that is not read; convert it to PNG or JPEG"
    return "not an image of a known format"
