"""Pictures in a page: test images that a classifier got wrong, and what generators left.

Test images come from the cache of decoded images, or from a data set on this machine; nothing is
ever downloaded. All are encoded anew, so that no foreign file is copied into the page.
"""

from __future__ import annotations

import base64
import io
import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imbench.images.cache import MANIFEST, cache_folder, open_decoded, prepare
from imbench.images.dataset import Decoded
from imbench.records.groups import Group
from imbench.registry import registered_names
from imbench.spec import parse_spec

__all__ = ["Gallery", "Pictures", "find_decoded", "picture", "thumbnail", "wrong_rows"]

THUMBNAIL = 64
"""Side of the largest thumbnail in pixels; smaller images are kept as they are."""
LARGEST = 16_000_000
"""Pixels of a picture that is still opened."""
BUDGET = 4_000_000
"""Characters that all pictures of one kind may take in a page: a third of a large page."""
_LOG = logging.getLogger(__name__)


class Gallery:
    """Thumbnails of the test images of one group of records, each made once.

    Parameters
    ----------
    decoded : Decoded or None
        Where the images are.
    reason : str
        Why there are none, in words.
    budget : int
        Characters that the thumbnails may take.
    """

    def __init__(self, decoded: Decoded | None, reason: str = "", budget: int = BUDGET) -> None:
        self.decoded, self.reason, self.budget = decoded, reason, budget
        self.made: dict[int, str] = {}

    @property
    def classes(self) -> tuple[str, ...]:
        """Return the names of the classes; empty if they are not known."""
        return self.decoded.classes if self.decoded is not None else ()

    def fits(self, labels: NDArray[np.int64]) -> bool:
        """Whether the test images are those that `labels` (n,) are of."""
        return self.decoded is not None and np.array_equal(self.decoded.test.labels, labels)

    def add(self, row: int) -> bool:
        """Make a thumbnail of a test image; False if there is no room left."""
        if row not in self.made:
            if self.decoded is None or self.budget <= 0:
                return False
            self.made[row] = thumbnail(self.decoded.test.pixels[row])
            self.budget -= len(self.made[row])
        return True


class Pictures:
    """Pictures beside records, as far as their budget goes."""

    def __init__(self, folder: Path | None, budget: int = BUDGET) -> None:
        self.folder, self.budget = folder, budget

    def of(self, files: dict[str, str]) -> list[dict[str, str]]:
        """Return name and content, or the reason for none, of each picture among files."""
        found = []
        for name, place in files.items():
            if not name.endswith(".png"):
                continue
            text, reason = "", "no results folder is known"
            if self.budget <= 0:
                reason = "not embedded, to keep the page small"
            elif self.folder is not None:
                text, reason = picture(self.folder, place)
            self.budget -= len(text)
            found.append({"name": name, "file": place, "data": text, "reason": reason})
        return found


def find_decoded(group: Group, root: Path) -> tuple[Decoded | None, str]:
    """Return the data of a group with its fingerprint, or None and why not.

    Looks into the cache, then for registered data sets below `root`.
    """
    wanted = group.basis.fingerprint
    for file in sorted((cache_folder() / "decoded").glob(f"*/{MANIFEST}")):
        try:
            if json.loads(file.read_text("utf-8"))["fingerprint"] == wanted:
                return open_decoded(file.parent), ""
        except Exception as error:  # a damaged entry is no reason to end a report
            _LOG.debug("%s: %s", file, error)
    for spec in group.names:
        try:
            # Of registered names only: a record from elsewhere must not name code to import.
            if parse_spec(spec).name not in registered_names("datasets"):
                continue
            made = prepare(spec, root=root, size=group.basis.settings.size, bad_images="skip")
        except Exception as error:
            _LOG.debug("%s: %s", spec, error)
            continue
        if made.fingerprint == wanted:
            return made, ""
        return None, "the data set on this machine is not the one of these records"
    return None, "the data set is not on this machine"


def wrong_rows(
    labels: NDArray[np.int64], predicted: NDArray[np.int64], proba: NDArray[Any], most: int
) -> list[int]:
    """Return at most `most` wrongly classified rows, the surest first, classes in turn."""
    sure = proba[np.arange(len(labels)), predicted]
    queues = []
    for label in np.unique(labels):
        rows = np.flatnonzero((labels == label) & (predicted != label))
        queues.append(rows[np.argsort(-sure[rows], kind="stable")].tolist())
    queues.reverse()  # missed minority images are what the page is about
    chosen: list[int] = []
    while any(queues) and len(chosen) < most:
        for queue in queues:
            if queue and len(chosen) < most:
                chosen.append(queue.pop(0))
    return chosen


def thumbnail(pixels: NDArray[np.uint8]) -> str:
    """Return an image uint8 (height, width, 1 or 3) as a data address of a small WebP."""
    from PIL import Image

    image = Image.fromarray(np.asarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels))
    image.thumbnail((THUMBNAIL, THUMBNAIL))
    return _data(image, quality=75)


def picture(folder: Path, place: str) -> tuple[str, str]:
    """Return a picture below a results folder as a data address, or an empty text and why."""
    from PIL import Image

    path = folder / place
    if not path.resolve().is_relative_to(folder.resolve()):
        return "", "lies outside the results folder"
    try:
        with Image.open(path, formats=["PNG"]) as image:
            if image.width * image.height > LARGEST:
                return "", "is too large"
            return _data(image.convert("RGB"), quality=70), ""
    except Exception as error:  # Pillow raises many kinds for damaged files
        return "", f"cannot be read ({type(error).__name__})"


def _data(image: Any, quality: int) -> str:
    held = io.BytesIO()
    image.save(held, "WEBP", quality=quality, method=4)
    return f"data:image/webp;base64,{base64.b64encode(held.getvalue()).decode()}"
