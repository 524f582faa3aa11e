"""What decoding did to the pixels of a data set, in notes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from imbench.images.geometry import geometry_notes, geometry_of
from imbench.images.notes import DataNote
from imbench.images.properties import Properties
from imbench.images.value_range import FULL, ValueRange

__all__ = ["PIXEL_KINDS", "pixel_notes", "settled_policies"]

PIXEL_KINDS = ("stretched", "padded", "cropped", "rescaled")
"""Kinds of notes that say how every image was brought to the form that a network sees."""


def pixel_notes(
    images: Sequence[Properties], policies: Mapping[str, str], value_range: ValueRange | None
) -> list[DataNote]:
    """Say what was done to the pixels of images, a note for each kind of change.

    Parameters
    ----------
    images : sequence of Properties
        Those of all images of the data set without a fault.
    policies : mapping
        Those of the listing.
    value_range : ValueRange or None
        The range of values of more than 8 bits.
    """
    notes = geometry_notes([(image.width, image.height) for image in images], policies)
    deep = [image for image in images if image.bits > 8]
    if deep and value_range is not None:
        text = f"{len(deep)} images of more than 8 bits, so that {value_range} becomes 0-255"
        clipped = sum(image.clipped for image in deep)
        if clipped:
            text += f"; {clipped} of them have values beyond it, which are cut off"
        change = "range=LOW-HIGH" if "range" in policies else ""
        notes.append(DataNote("rescaled", text, len(deep), change))
    transparent = sum(image.transparent for image in images)
    if transparent:
        text = f"{transparent} images have transparent pixels, which are laid over white"
        notes.append(DataNote("transparent", text, transparent, "save them without transparency"))
    blank = sum(bool(image.blank) for image in images)
    if blank:
        text = f"{blank} images show nothing: they are black, white, flat or have almost no levels"
        notes.append(DataNote("blank", text, blank, "`bench data verify` names them"))
    return notes


def settled_policies(
    images: Sequence[Properties], policies: Mapping[str, str], value_range: ValueRange | None
) -> dict[str, str]:
    """Return the policies that had an effect which imbench 0.1 would not have had.

    Parameters are those of `pixel_notes`.
    """
    settled = {key: value for key, value in policies.items() if key not in ("geometry", "range")}
    if geometry_of(policies) != "crop" and any(image.width != image.height for image in images):
        settled["geometry"] = geometry_of(policies)
    if value_range not in (None, FULL) and any(image.bits > 8 for image in images):
        settled["range"] = str(value_range)
    return settled
