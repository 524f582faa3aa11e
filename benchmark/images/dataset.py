"""The base class of data sets, their listings of image files, and decoded images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from imbench.contained import subclass_fault
from imbench.images.notes import DataNote
from imbench.spec import Value

__all__ = ["Dataset", "Decoded", "Images", "Listing", "class_fault"]


@dataclass(frozen=True, eq=False)
class Listing:
    """Every image of a data set before it is decoded.

    Parameters
    ----------
    classes : tuple of str
        Class names; label 0 is the majority, every other one a minority.
    sources : sequence of Path, or uint8 array (n, height, width, channels)
        Image files, or pixels that need no decoding.
    labels : int array (n,)
        Index into `classes`.
    splits : str array (n,)
        ``train``, ``validation`` or ``test``.
    names : tuple of str
        A stable name per image (its path below the root, or a number).
    channels : {3, 1}
        Channels to decode to.
    groups : object array (n,), optional
        Images of one group must all be in one split.
    weights : float array (n,), optional
        Weight of each image in the training loss.
    masks : sequence of Path or None, or bool array (n, height, width), optional
        Object masks.
    notes : tuple, optional
        What was guessed, left out, ...: printed by ``bench data`` and the plan, kept in the record.
        `choose_classes` adds to them.
    policies : mapping, optional
        What decides on pixels and membership, name to value, as `DatasetOptions.policies` returns
        it. It goes into the fingerprint. ``geometry`` says what becomes of images that are not
        square (without it they are cropped), ``range`` how values of more than 8 bits become 8
        (without it ``auto``).

    Examples
    --------
    >>> import numpy as np
    >>> from imbench import Listing
    >>> listing = Listing(
    ...     classes=("ok", "defect"),
    ...     sources=np.zeros((4, 8, 8, 1), np.uint8),
    ...     labels=np.array([0, 1, 0, 1]),
    ...     splits=np.array(["train", "train", "test", "test"]),
    ...     names=("a", "b", "c", "d"),
    ...     channels=1,
    ... )
    """

    classes: tuple[str, ...]
    sources: Sequence[Path] | NDArray[np.uint8]
    labels: NDArray[np.int64]
    splits: NDArray[np.str_]
    names: tuple[str, ...]
    channels: int = 3
    groups: NDArray[Any] | None = None
    weights: NDArray[np.float64] | None = None
    masks: Sequence[Path | None] | NDArray[np.bool_] | None = None
    notes: tuple[DataNote, ...] = ()
    policies: Mapping[str, str] = field(default_factory=dict)


class Dataset:
    """Base of a data set plug-in: ``__init__`` reads its options, `read` lists its images.

    Parameters
    ----------
    root : Path
        Folder that holds the data of all data sets (``--data``, ``IMBENCH_DATA``).
    argument : str, optional
        What follows the colon in ``name:argument``.
    **options
        The ``key=value`` pairs of the spec.
    """

    title: ClassVar[str] = ""
    """Name as a table prints it."""
    terms: ClassVar[str] = ""
    """Licence or terms of use, in a few words."""
    known_leaks: ClassVar[bool] = False
    """Whether official train and test are known to share images, so that leaks are dropped."""
    overlaps: ClassVar[tuple[str, ...]] = ()
    """Collections that hold its images or its classes: what is pretrained on one has seen them."""

    def __init__(self, root: Path, argument: str | None = None, /, **options: Value) -> None:
        self.root = root
        self.argument = argument
        if options:
            from imbench.errors import UsageError

            raise UsageError(f"{type(self).__name__} takes no option {next(iter(options))!r}")

    def read(self) -> Listing:
        """Return the images; the same ones in the same order at each call.

        Raises
        ------
        DataError
            If they are not there, naming the command or folder that provides them.
        """
        raise NotImplementedError

    def fetch(self, *, force: bool = False) -> Path:
        """Download what the data set needs into its ``root`` and return its folder.

        Parameters
        ----------
        force : bool, default False
            Whether to download again what is there already.

        Raises
        ------
        DataError
            If there is nothing to download, or it fails.
        """
        from imbench.errors import DataError

        raise DataError(f"{type(self).__name__} has no download; see `bench info`")


def class_fault(plugin: object) -> str | None:
    """Return why an object cannot be a data set plug-in; None if it can."""
    return subclass_fault(plugin, Dataset, "read")


@dataclass(frozen=True, eq=False)
class Images:
    """Decoded images of one split: pixels uint8 (n, side, side, channels) and labels (n,).

    `groups` (n,) are numbers of the data set's groups, such as the images of one person.
    """

    pixels: NDArray[np.uint8]
    labels: NDArray[np.int64]
    names: tuple[str, ...] = ()
    weights: NDArray[np.float64] | None = None
    masks: NDArray[np.bool_] | None = None
    groups: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def counts(self, classes: int) -> NDArray[np.int64]:
        """Return how many images each class has, shape (classes,)."""
        return np.bincount(self.labels, minlength=classes).astype(np.int64)


@dataclass(frozen=True, eq=False)
class Decoded:
    """A data set at one size, memory-mapped; what a cell trains and tests on."""

    folder: Path
    """Folder of its arrays: all that a worker needs to open it again."""
    classes: tuple[str, ...]
    fingerprint: str
    """Hash of pixels, labels, splits, groups, weights and policies."""
    train: Images
    validation: Images
    test: Images
    geometry: str = "crop"
    """How images that are not square became squares."""
    skipped: dict[str, str] = field(default_factory=dict)
    """Images left out, with the reason (undecodable, or a copy of a test image)."""
    notes: tuple[DataNote, ...] = ()
    """What was guessed, left out, cropped, ..."""
