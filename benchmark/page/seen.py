"""What networks see: some images of each class and split, the originals beside them.

What is seen comes from the cache of decoded images, the original from the data set. It is shown
only if it becomes exactly the pixels that the network got, so a file that was changed since is not.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from imbench.images.cache import make_dataset
from imbench.images.contact_sheet import fitted, image_and_seen, spread
from imbench.images.dataset import Decoded, Images, Listing
from imbench.images.decode import image_of, quiet_pillow
from imbench.images.deep_files import settle_range
from imbench.images.geometry import geometry_of
from imbench.images.validate import read_listing
from imbench.images.value_range import ValueRange
from imbench.page.images import Gallery, data_url, is_registered
from imbench.records.groups import Group
from imbench.safe_text import visible

__all__ = ["contact_sheets"]

IMAGES = 4
"""Images of a class and split."""
SECTIONS = 24
"""Classes of splits of one data set."""
BUDGET = 600_000
"""Characters of all pictures here: with two classes of 32 px 20 data sets have room."""
ORIGINAL_SIDE = 96
SEEN_SIDE = 128
EXACT_SIDE = 32
"""Larger pictures lose what the eye does not miss: exactly kept one of 64 px has 8 kB."""
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Originals:
    """The data set on this machine, to show images as they are."""

    listing: Listing
    rows: dict[str, int]
    value_range: ValueRange | None

    def of(self, name: str, pixels: Any) -> Image.Image | None:
        """Return the image of that name, if the network's pixels are made of it."""
        if name not in self.rows:
            return None
        both = image_and_seen(self.listing, self.rows[name], pixels.shape[0], self.value_range)
        if isinstance(both, str) or not np.array_equal(both[1], pixels):
            return None
        return both[0]


def contact_sheets(
    groups: Sequence[Group], galleries: Sequence[Gallery], root: Path, images: int
) -> list[dict[str, Any]]:
    """Return the sheet of each data set of the groups, or the reason why it has none.

    Parameters
    ----------
    groups, galleries
        Comparable records, and the images of each group where they are on this machine.
    root : Path
        The folder of data sets.
    images : int
        Maximum number of images of a class and split; with 0 there are no sheets.
    """
    sheets: dict[str, dict[str, Any]] = {}
    room = BUDGET
    for group, gallery in zip(groups, galleries, strict=True):
        if not images or group.basis.fingerprint in sheets:
            continue
        sheet: dict[str, Any] = {"title": visible(group.title), "text": "", "sections": []}
        if gallery.decoded is None:
            sheet["text"] = f"No images: {gallery.reason}."
        elif room <= 0:
            sheet["text"] = "No images, to keep the page small; bench data show draws them."
        else:
            sheet |= _sheet(group, gallery.decoded, root, min(images, IMAGES))
            room -= sum(len(url) for one in sheet["sections"] for url in _urls(one))
        sheets[group.basis.fingerprint] = sheet
    return list(sheets.values())


def _sheet(group: Group, decoded: Decoded, root: Path, images: int) -> dict[str, Any]:
    originals = _find_originals(group, root)
    size = decoded.test.pixels.shape[1]
    text = f"As the network sees them at {size} px; the originals are not on this machine."
    if originals is not None:
        done = f"geometry={geometry_of(originals.listing.policies)}"
        done += "" if originals.value_range is None else f", range={originals.value_range}"
        text = f"Each image as it is, and as the network sees it at {size} px ({done})."
    sections = list(_sections(decoded, images))
    if more := len(sections[SECTIONS:]):
        text += f" No room for {more} more {'class of a split' if more == 1 else 'classes'}."
    with quiet_pillow():
        drawn = [_drawn(one, originals) for one in sections[:SECTIONS]]
    return {"text": text, "sections": drawn}


@dataclass(frozen=True)
class _Section:
    """A class of a split, and the rows that are shown of it."""

    title: str
    images: Images
    rows: list[int]


def _sections(decoded: Decoded, images: int) -> Iterator[_Section]:
    for split, part in (("train", decoded.train), ("test", decoded.test)):
        for label, name in enumerate(decoded.classes):
            rows = np.flatnonzero(part.labels == label)
            if len(rows):
                title = f"{split}, {visible(name)}: {len(rows)} image{'s' * (len(rows) > 1)}"
                yield _Section(title, part, spread(rows, images))


def _drawn(section: _Section, originals: _Originals | None) -> dict[str, Any]:
    shown = []
    for row in section.rows:
        pixels, name = section.images.pixels[row], section.images.names[row]
        original = originals.of(name, pixels) if originals is not None else None
        seen = image_of(np.asarray(pixels))
        seen.thumbnail((SEEN_SIDE, SEEN_SIDE))
        exact = seen.width <= EXACT_SIDE
        shown.append(
            {
                "name": visible(name),
                "seen": data_url(seen, quality=75, lossless=exact),
                "original": "" if original is None else data_url(_small(original), quality=75),
                "shape": "" if original is None else f"{original.width} x {original.height}",
            }
        )
    return {"title": section.title, "images": shown}


def _small(original: Image.Image) -> Image.Image:
    """Return an image that has at most `ORIGINAL_SIDE` pixels a side."""
    return fitted(original, ORIGINAL_SIDE) if max(original.size) > ORIGINAL_SIDE else original


def _urls(section: dict[str, Any]) -> Iterator[str]:
    for image in section["images"]:
        yield image["seen"]
        yield image["original"]


def _find_originals(group: Group, root: Path) -> _Originals | None:
    for spec in group.names:
        try:
            if not is_registered(spec):
                continue
            listing = read_listing(make_dataset(spec, root), spec)
            rows = {name: row for row, name in enumerate(listing.names)}
            return _Originals(listing, rows, settle_range(listing, spec))
        except Exception as error:  # the data set of another machine must not prevent the page
            _LOG.debug("%s: %s", spec, error)
    return None
