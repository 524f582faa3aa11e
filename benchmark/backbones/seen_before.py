"""Take over what was embedded already: the same picture is shown to a backbone once.

Tasks on one pool of images, such as three anomalies beside the same 10,000 sound modules, are data
sets of their own with features of their own; most of their images are the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from imbench.backbones.views import Embedder

__all__ = ["HASH_BYTES", "Hashes", "SeenBefore", "hashes_of"]

HASH_BYTES = 16
"""Of a picture: among 10^9 pictures two unlike ones share one with a chance below 10^-20."""
Hashes = NDArray[np.uint8]


def hashes_of(pixels: NDArray[np.uint8]) -> Hashes:
    """Return a hash of each picture, of its form too: shape (m, 16)."""
    form = repr(pixels.shape[1:]).encode()
    found = [
        hashlib.blake2b(one.tobytes(), digest_size=HASH_BYTES, key=form).digest() for one in pixels
    ]
    return np.frombuffer(b"".join(found), np.uint8).reshape(len(pixels), HASH_BYTES)


@dataclass
class SeenBefore:
    """An embedder that looks first at what it has made, and at rows made earlier.

    Attributes
    ----------
    embed : callable
        What embeds the others.
    """

    embed: Embedder
    _known: dict[bytes, NDArray[np.float32]] = field(default_factory=dict)

    def add(self, hashes: Hashes, rows: Iterable[NDArray[np.float32]]) -> None:
        """Add rows, and the hashes of the pictures they were made of.

        Rows are not copied: those of a file stay there, 512 MB of 100,000 pictures by Lite0. They
        take the place of rows that were known before.
        """
        self._known.update(zip(map(bytes, hashes), map(np.asarray, rows), strict=True))

    def __call__(self, pixels: NDArray[np.uint8], names: Sequence[str]) -> NDArray[np.float32]:
        """Return the row of each picture as it is seen, in its order."""
        hashes = hashes_of(pixels)
        keys = [bytes(one) for one in hashes]
        new = _first_of_each(keys, self._known)
        if new:
            made = self.embed(pixels[new], [names[place] for place in new])
            if made.ndim != 2 or len(made) != len(new):
                return made  # which its caller refuses
            self.add(hashes[new], made)
        return np.stack([self._known[key] for key in keys])


def _first_of_each(keys: Iterable[bytes], known: dict[bytes, NDArray[np.float32]]) -> list[int]:
    first: dict[bytes, int] = {}
    for place, key in enumerate(keys):
        if key not in known:
            first.setdefault(key, place)
    return list(first.values())
