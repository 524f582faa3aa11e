"""Pictures in the page: misclassified test images, and pictures that generators drew.

Test images come from the cache of decoded images, or from a data set on this machine; nothing is
downloaded. All are encoded again, so that the page contains no foreign file.
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

from imbench.files.reading import LARGE, SMALL, read_bytes, read_text
from imbench.images.cache import cache_folder, prepare
from imbench.images.cache_reader import MANIFEST, open_decoded
from imbench.images.dataset import Decoded
from imbench.records.groups import Group
from imbench.records.image_names import ImageNames
from imbench.registry import registered_names
from imbench.safe_text import visible
from imbench.spec import parse_spec

__all__ = [
    "Gallery",
    "Pictures",
    "data_url",
    "embedded_picture",
    "find_decoded",
    "is_registered",
    "misclassified_rows",
    "thumbnail",
]

MAX_SIDE = 64
"""Pixels of the longer side of a thumbnail; smaller images are not enlarged."""
MAX_PIXELS = 16_000_000
"""Pixels of the largest picture that is opened."""
BUDGET = 4_000_000
"""Maximum number of characters of all pictures of one kind: a third of a large page."""
_LOG = logging.getLogger(__name__)


class Gallery:
    """Thumbnails of the test images of one group of records, each made once.

    Parameters
    ----------
    decoded : Decoded or None
        The images.
    reason : str
        Why there are no images, in words.
    budget : int
        Maximum number of characters of all thumbnails.
    known : ImageNames, optional
        Names of classes and images that the results folder keeps, for where the images are not.
    """

    def __init__(
        self,
        decoded: Decoded | None,
        reason: str = "",
        budget: int = BUDGET,
        known: ImageNames | None = None,
    ) -> None:
        self.decoded, self.reason, self.budget, self.known = decoded, reason, budget, known
        self.thumbnails: dict[int, str] = {}
        self.names: dict[int, str] = {}

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes; empty if they are unknown."""
        if self.decoded is not None:
            return self.decoded.classes
        return self.known.classes if self.known is not None else ()

    def name(self, row: int, images: int) -> None:
        """Remember the name of a test image of so many, where it is known."""
        if self.decoded is not None:
            self.names[row] = visible(self.decoded.test.names[row])
        elif self.known is not None and len(self.known.test) == images:
            self.names[row] = visible(self.known.test[row])

    def fits(self, labels: NDArray[np.int64]) -> bool:
        """Return whether `labels` (n,) are those of the test images."""
        return self.decoded is not None and np.array_equal(self.decoded.test.labels, labels)

    def add(self, row: int) -> bool:
        """Add a thumbnail of a test image; return False if the budget is spent."""
        if row not in self.thumbnails:
            if self.decoded is None or self.budget <= 0:
                return False
            self.thumbnails[row] = thumbnail(self.decoded.test.pixels[row])
            self.budget -= len(self.thumbnails[row])
        return True


class Pictures:
    """Embeds pictures stored beside records, within a budget of characters."""

    def __init__(self, folder: Path | None, budget: int = BUDGET) -> None:
        self.folder, self.budget = folder, budget

    def of(self, files: dict[str, str]) -> list[dict[str, str]]:
        """Return name and content, or the reason for none, of each picture among files."""
        found = []
        for name, file in files.items():
            if not name.endswith(".png"):
                continue
            text, reason = "", "no results folder is known"
            if self.budget <= 0:
                reason = "not embedded, to keep the page small"
            elif self.folder is not None:
                text, reason = embedded_picture(self.folder, file)
            self.budget -= len(text)
            found.append({"name": name, "file": file, "data": text, "reason": reason})
        return found


def find_decoded(group: Group, root: Path) -> tuple[Decoded | None, str]:
    """Return the images that have a group's fingerprint, or None and the reason.

    Searches the cache, then the registered data sets below `root`.
    """
    wanted = group.basis.fingerprint
    for manifest in sorted((cache_folder() / "decoded").glob(f"*/{MANIFEST}")):
        try:
            if json.loads(read_text(manifest, LARGE))["fingerprint"] == wanted:
                return open_decoded(manifest.parent), ""
        except Exception as error:  # one damaged entry must not prevent the page
            _LOG.debug("%s: %s", manifest, error)
    for spec in group.names:
        try:
            if not is_registered(spec):
                continue
            decoded = prepare(spec, root=root, size=group.basis.settings.size, bad_images="skip")
        except Exception as error:
            _LOG.debug("%s: %s", spec, error)
            continue
        if decoded.fingerprint == wanted:
            return decoded, ""
        return None, "the data set on this machine is not the one of these records"
    return None, "the data set is not on this machine"


def is_registered(spec: str) -> bool:
    """Whether a data set's name is registered: no foreign record may choose code to import."""
    return parse_spec(spec).name in registered_names("datasets")


def misclassified_rows(
    labels: NDArray[np.int64], predicted: NDArray[np.int64], proba: NDArray[Any], most: int
) -> list[int]:
    """Return at most `most` misclassified rows, most confident first, alternating classes."""
    confidence = proba[np.arange(len(labels)), predicted]
    queues = []
    for label in np.unique(labels):
        rows = np.flatnonzero((labels == label) & (predicted != label))
        queues.append(rows[np.argsort(-confidence[rows], kind="stable")].tolist())
    queues.reverse()  # minority images first
    chosen: list[int] = []
    while any(queues) and len(chosen) < most:
        for queue in queues:
            if queue and len(chosen) < most:
                chosen.append(queue.pop(0))
    return chosen


def thumbnail(pixels: NDArray[np.uint8]) -> str:
    """Return an image uint8 (height, width, 1 or 3) as a data URL of a small WebP."""
    from PIL import Image

    image = Image.fromarray(np.asarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels))
    image.thumbnail((MAX_SIDE, MAX_SIDE))
    return data_url(image, quality=75)


def embedded_picture(folder: Path, file: str) -> tuple[str, str]:
    """Return a picture below a results folder as a data URL, or an empty text and the reason."""
    from PIL import Image

    path = folder / file
    if not path.resolve().is_relative_to(folder.resolve()):
        return "", "lies outside the results folder"
    try:
        with Image.open(io.BytesIO(read_bytes(path, SMALL)), formats=["PNG"]) as image:
            if image.width * image.height > MAX_PIXELS:
                return "", "is too large"
            return data_url(image.convert("RGB"), quality=70), ""
    except Exception as error:  # Pillow raises many exceptions for damaged files
        return "", f"cannot be read ({type(error).__name__})"


def data_url(image: Any, quality: int, *, lossless: bool = False) -> str:
    """Return an image as a data URL of a WebP; without loss `quality` is the effort."""
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", quality=quality, method=4, lossless=lossless)
    return f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode()}"
