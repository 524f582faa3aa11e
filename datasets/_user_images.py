"""What data sets at a user's path share: where they are looked for, classes, our own split."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from imbench.errors import DataError, UsageError
from imbench.images.classes import choose_classes
from imbench.images.dataset import Dataset, Listing
from imbench.images.options import DatasetOptions
from imbench.images.whole_groups import why_missing
from imbench.near_path import near_path
from imbench.spec import Spec, Value

__all__ = ["UserImages"]


class UserImages(Dataset):
    """A data set whose argument is a path; its options are those of `Folder` and of `own`."""

    terms: ClassVar[str] = "yours"
    kind: ClassVar[str]
    """Name of the data set, as it stands before the path."""
    own: ClassVar[tuple[str, ...]] = ()
    """Options of this kind alone."""

    def __init__(self, root: Path, argument: str | None = None, /, **options: Value) -> None:
        super().__init__(root, argument)
        if not argument:
            raise UsageError(f"{self.kind} needs a path: write {self.kind}:PATH")
        shared = ("majority", "minority", "test", "validation", "geometry", "copies", "range")
        known = (*self.own, *shared)
        self.given = DatasetOptions(self.kind, options, known)
        self.majority = self.given.text("majority")
        self.minority = self.given.text("minority")
        self.test = self.share("test", 0.25)
        self.validation = self.share("validation", 0.0)
        self.policies = self.given.policies(geometry="stretch", ranged=True)
        self.split_given = "test" in options or "validation" in options

    def share(self, key: str, default: float) -> float:
        """Return the share of each class that an option gives to a split of ours."""
        return self.given.share(key, default)

    def everything(self) -> Listing:
        """List every image."""
        raise NotImplementedError

    def read(self) -> Listing:
        """List the images of the chosen classes."""
        owner = f"{self.kind}:{self.argument}"
        listing = self.everything()
        if len(listing.classes) == 1:
            raise UsageError(
                f"{owner} has one class, {listing.classes[0]!r}; two are needed: "
                f"{self.other_classes(listing)}"
            )
        _refuse_one_class(listing, owner)
        return choose_classes(listing, majority=self.majority, minority=self.minority, owner=owner)

    def other_classes(self, listing: Listing) -> str:
        """Return what to do where the classes are not those that were found."""
        raise NotImplementedError

    def place(self) -> Path:
        """Return the path that the argument names, below `root` or the working directory."""
        path = Path(str(self.argument)).expanduser()
        places = [path] if path.is_absolute() else [self.root / path, Path.cwd() / path]
        for place in places:
            if place.exists():
                return place
        looked = " nor ".join(str(place) for place in places)
        near = next(filter(None, map(near_path, places)), None)
        remedy = "name the data folder with --data"
        if near:
            kind = "folder" if near.is_dir() else "csv"
            remedy = f"did you mean {Spec(kind, str(path.with_name(near.name)))}?"
        raise DataError(f"{self.kind}:{self.argument}: there is no {looked}; {remedy}")


def _refuse_one_class(listing: Listing, owner: str) -> None:
    """Raise DataError if the split has training images of one class alone."""
    trained = set(listing.labels[listing.splits == "train"].tolist())
    if len(trained) == 1 < len(listing.classes):
        only = listing.classes[trained.pop()]
        others = ", ".join(repr(name) for name in listing.classes if name != only)
        lacking = next(name for name in listing.classes if name != only)
        why = why_missing(listing, "train", lacking) or (
            f": all are of {only!r}, so there is nothing to balance; write split=none to split the "
            "images of all classes anew"
        )
        raise DataError(f"{owner} has no training image of class {others}{why}")
