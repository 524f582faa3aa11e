"""What data sets of several classes share: the majority and the minority are chosen of them."""

from __future__ import annotations

from imbench.images.classes import choose_classes
from imbench.images.dataset import Dataset, Listing

__all__ = ["ChosenClasses"]


class ChosenClasses(Dataset):
    """A data set that lists the images of `everything`, of which `majority` and `minority` count.

    A subclass sets both as it reads its options: names of classes, or None for what
    `choose_classes` does without.
    """

    name: str
    majority: str | None
    minority: str | None

    def everything(self) -> Listing:
        """List the images of all classes."""
        raise NotImplementedError

    def read(self) -> Listing:
        """List the images of the chosen classes."""
        return choose_classes(
            self.everything(), majority=self.majority, minority=self.minority, owner=self.name
        )
