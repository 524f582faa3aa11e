"""Handwritten digits that come with scikit-learn: one digit against the rest."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from imbench.datasets._chosen import ChosenClasses
from imbench.errors import UsageError
from imbench.images.classes import REST
from imbench.images.dataset import Listing
from imbench.images.options import DatasetOptions
from imbench.images.split import stratified_splits
from imbench.spec import Value

__all__ = ["Digits"]


class Digits(ChosenClasses):
    """The 1,797 digits; ``digits:minority=3`` is 3 (minority) against all others.

    Options: `minority` (default 8, the digit most often taken for another), `majority` (default
    ``rest``), `test` (share of each digit in the test split, default 0.4).

    Notes
    -----
    8 x 8 grey images of 17 levels, from the test half of the Optical Recognition of Handwritten
    Digits data; scikit-learn carries them, so nothing is downloaded. Licence: CC BY 4.0. There is
    no official split: ours takes the same share of each digit by a hash of the image's number.
    The writers are not given, so one may write on both sides of it.

    References
    ----------
    Alpaydin and Kaynak 1998, "Optical Recognition of Handwritten Digits", UCI Machine Learning
    Repository, doi 10.24432/C50P49.

    Examples
    --------
    >>> from pathlib import Path
    >>> listing = Digits(Path(), minority=3).read()
    >>> for split in ("train", "test"):
    ...     print(split, listing.classes, np.bincount(listing.labels[listing.splits == split]))
    train ('rest', '3') [968 110]
    test ('rest', '3') [646  73]
    """

    title = "Digits"
    name = "digits"
    terms = "CC BY 4.0"

    def __init__(self, root: Path, argument: str | None = None, /, **options: Value) -> None:
        super().__init__(root, argument)
        if argument is not None:
            raise UsageError(f"digits takes no argument; write digits:minority={argument}")
        given = DatasetOptions("digits", options, ("majority", "minority", "test"))
        self.majority = given.text("majority", REST)
        self.minority = given.text("minority", "8" if self.majority != "8" else REST)
        self.test = given.share("test", 0.4)

    def everything(self) -> Listing:
        """List all ten digits."""
        pixels, labels = _load()
        names = tuple(f"digit-{row:04d}" for row in range(len(labels)))
        return Listing(
            classes=tuple("0123456789"),
            sources=pixels,
            labels=labels,
            splits=stratified_splits(names, labels, test=self.test),
            names=names,
            channels=1,
        )


@cache
def _load() -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    # 17 levels (0 to 16) to 256.
    pixels = np.rint(images.reshape(-1, 8, 8, 1) * (255 / 16)).astype(np.uint8)
    labels = labels.astype(np.int64)
    for array in (pixels, labels):
        array.flags.writeable = False
    return pixels, labels
