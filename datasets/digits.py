"""Handwritten digits, 8 x 8 grey, that come with scikit-learn: one digit against the rest.

Optical Recognition of Handwritten Digits, Alpaydin and Kaynak, UCI Machine Learning Repository,
1998. The writers of the images are not given, so one may write on both sides of our split.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from imbench.errors import UsageError
from imbench.images.classes import REST, choose_classes
from imbench.images.dataset import Dataset, Listing
from imbench.images.options import DatasetOptions
from imbench.images.split import stratified_splits
from imbench.spec import Value

__all__ = ["Digits"]


class Digits(Dataset):
    """The 1,797 digits; ``digits:minority=3`` is 3 (minority) against all others.

    Options: `minority` (default 8, the digit most often taken for another), `majority` (default
    ``rest``), `test` (share of each digit in the test split, default 0.4).
    """

    title = "Digits"
    terms = "CC BY 4.0"

    def __init__(self, root: Path, argument: str | None = None, **options: Value) -> None:
        super().__init__(root, argument)
        if argument is not None:
            raise UsageError(f"digits takes no argument; write digits:minority={argument}")
        given = DatasetOptions("digits", options, ("majority", "minority", "test"))
        self.majority = given.text("majority", REST)
        self.minority = given.text("minority", "8" if self.majority != "8" else REST)
        self.test = given.share("test", 0.4)

    def everything(self) -> Listing:
        """List all ten digits."""
        from sklearn.datasets import load_digits

        images, labels = load_digits(return_X_y=True)
        names = tuple(f"digit-{row:04d}" for row in range(len(labels)))
        # 17 levels (0 to 16) to 256.
        pixels = np.rint(images.reshape(-1, 8, 8, 1) * (255 / 16)).astype(np.uint8)
        labels = labels.astype(np.int64)
        return Listing(
            classes=tuple("0123456789"),
            sources=pixels,
            labels=labels,
            splits=stratified_splits(names, labels, test=self.test),
            names=names,
            channels=1,
        )

    def read(self) -> Listing:
        """List the digits as majority and minority."""
        return choose_classes(
            self.everything(), majority=self.majority, minority=self.minority, owner="digits"
        )
