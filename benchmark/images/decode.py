"""Decode an image file to pixels, or say why that is impossible.

Decoded: JPEG, PNG, GIF, BMP, WebP, TIFF, PPM. EXIF orientation is applied; a palette is resolved;
transparency is laid over white; CMYK is converted without colour profiles (these are always
ignored); 16-bit grey is divided by 257; of a camera's MPO file the main picture is taken.

Refused: files that are empty, not an image, cut short or broken; more than 89 million pixels;
animations and multi-page files (it is not defined which frame counts); 32-bit and floating-point
images (their range is not defined). Other formats are never tried: some run programs.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, TiffImagePlugin, UnidentifiedImageError, WebPImagePlugin

from imbench.images.geometry import to_square

__all__ = [
    "FORMATS",
    "MAX_PIXELS",
    "ImageFault",
    "Picture",
    "decode",
    "open_image",
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
_ORIENTATION = 0x0112


class ImageFault(Exception):
    """An image that cannot be used; the text is the reason."""


@dataclass(frozen=True, eq=False)
class Picture:
    """A decoded image.

    `pixels` uint8 (size, size, channels); `thumbnail` uint8 (32, 32), the whole image in grey;
    `digest`, a hash of all its pixels; `width`, `height` as displayed; `mode` and `format` as
    stored.
    """

    pixels: NDArray[np.uint8]
    thumbnail: NDArray[np.uint8]
    digest: str
    width: int
    height: int
    mode: str
    format: str


def decode(data: bytes, *, size: int, channels: int = 3, geometry: str = "crop") -> Picture:
    """Decode the bytes of an image file to a square.

    See `imbench.images.geometry.to_square` for what `geometry` does to other shapes.

    Raises
    ------
    ImageFault
        If the image is damaged or its pixels are not well defined.
    """
    image, mode, kind = _load(data)
    return Picture(
        pixels=to_square(image, size, channels, geometry),
        thumbnail=np.asarray(
            image.convert("L").resize((THUMBNAIL, THUMBNAIL), Image.Resampling.BILINEAR)
        ),
        digest=_digest(image),
        width=image.width,
        height=image.height,
        mode=mode,
        format=kind,
    )


def open_image(data: bytes) -> Image.Image:
    """Read the header of an image file; raise ImageFault if it cannot be used."""
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
    if image.mode == "F" or (image.mode == "I" and image.format != "PNG"):
        raise ImageFault(f"mode {image.mode!r} has no defined range; convert it to 8 bits")
    return image


def shrink_mask(
    source: bytes | NDArray[np.bool_], *, size: int, geometry: str = "crop"
) -> NDArray[np.bool_]:
    """Bring an object mask, a file or an array (height, width), to the square of its image.

    Values from one half on belong to the object; what ``pad`` adds does not.
    """
    if isinstance(source, bytes):
        image, _, _ = _load(source)
    else:
        image = Image.fromarray(source.astype(np.uint8) * 255)
    return np.asarray(to_square(image, size, 1, geometry, padding=0)[..., 0] >= 128)


def _load(data: bytes) -> tuple[Image.Image, str, str]:
    image = open_image(data)
    mode, kind = image.mode, str(image.format)
    try:
        image.load()
        return _to_eight_bits(_apply_orientation(image)), mode, kind
    except ImageFault:
        raise
    except Exception as error:  # a damaged file may raise anything
        raise ImageFault(f"damaged: {error}") from error


def _apply_orientation(image: Image.Image) -> Image.Image:
    try:
        turn: Any = _TURNS.get(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # broken EXIF, but intact pixels: keep the stored orientation
        return image
    return image if turn is None else image.transpose(turn)


def _to_eight_bits(image: Image.Image) -> Image.Image:
    """Return the image as L or RGB."""
    if image.mode.startswith("I"):
        values = np.asarray(image).astype(np.uint32)
        return Image.fromarray(((values + 128) // 257).astype(np.uint8))
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        white = Image.new("RGBA", rgba.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, rgba).convert("RGB")
    return image.convert("L" if image.mode in ("1", "L") else "RGB")


def _digest(image: Image.Image) -> str:
    head = f"{image.mode} {image.width} {image.height} ".encode()
    return hashlib.sha256(head + image.tobytes()).hexdigest()


def _describe_other_file(data: bytes) -> str:
    start = data[:256].lstrip().lower()
    if start.startswith((b"<!doctype html", b"<html")):
        return "an HTML page, not an image"
    return "not an image of a known format"
