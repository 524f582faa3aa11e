"""Sparrows against flycatchers of CUB-200-2011 (Wah et al., Caltech CNS-TR-2011-001)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from imbench.errors import DataError, UsageError
from imbench.files.reading import LARGE, read_text
from imbench.images.classes import REST
from imbench.images.dataset import Listing
from imbench.images.image_files import find_images
from imbench.images.notes import DataNote
from imbench.images.obtain import Obtainable, RemoteFile
from imbench.images.options import DatasetOptions
from imbench.spec import Value

__all__ = ["CUB"]

_TABLES = ("images.txt", "image_class_labels.txt", "classes.txt", "train_test_split.txt")


class CUB(Obtainable):
    """``cub``: the official split; a class is all species whose names contain its word.

    Options: `majority` (default ``Sparrow``, 21 species), `minority` (default ``Flycatcher``, 7
    species; ``Wren/Warbler`` gives two minorities; ``rest`` is all other species), `geometry`
    (``stretch``, ``pad``, default ``crop``, as is usual where whole photographs are classified),
    `copies` as for a folder. Bounding boxes are not used.

    Notes
    -----
    11,788 photographs of 200 species, 41 to 60 of each, from CaltechDATA
    (``bench data fetch cub``). Terms: non-commercial research and education. The split is the
    official one, about 30 training images of each species; there is no validation split.

    References
    ----------
    Wah, Branson, Welinder, Perona and Belongie 2011, "The Caltech-UCSD Birds-200-2011 dataset",
    California Institute of Technology, CNS-TR-2011-001.
    """

    title = "CUB-200-2011"
    terms = "non-commercial research"
    overlaps = ("ImageNet",)
    name = "cub"
    folder_name = "CUB_200_2011"
    # MD5 as given with the record at CaltechDATA.
    remotes = (
        RemoteFile(
            file="CUB_200_2011.tgz",
            urls=("https://data.caltech.edu/records/65de6-vp158/files/CUB_200_2011.tgz",),
            checksum="md5:97eceeb196236b17998738112f37df78",
        ),
    )

    def __init__(self, root: Path, argument: str | None = None, /, **options: Value) -> None:
        super().__init__(root, argument)
        if argument is not None:
            raise UsageError("cub takes no argument; write cub:majority=Sparrow,minority=Wren")
        given = DatasetOptions("cub", options, ("majority", "minority", "geometry", "copies"))
        self.majority = str(given.text("majority", "Sparrow"))
        self.minority = str(given.text("minority", "Flycatcher"))
        self.policies = given.policies(geometry="crop")

    def lacks(self, folder: Path) -> str | None:
        """Return what of the official layout is missing in a folder."""
        missing = [name for name in _TABLES if not (folder / name).is_file()]
        missing += [] if (folder / "images").is_dir() else ["images/"]
        return ", ".join(missing) or None

    def everything(self) -> Listing:
        """List the images of every species."""
        base = self.locate()
        paths = _table(base / "images.txt")
        species = _table(base / "classes.txt")
        kinds = _table(base / "image_class_labels.txt")
        trains = _table(base / "train_test_split.txt")
        if not (paths.keys() == kinds.keys() == trains.keys()):
            raise DataError(f"the tables of {base} do not list the same images; {self.remedy()}")
        rows = sorted(paths, key=int)
        numbers = {number: label for label, number in enumerate(species)}
        try:
            labels = np.array([numbers[kinds[row]] for row in rows], np.int64)
        except KeyError as error:
            raise DataError(
                f"{base / 'classes.txt'} lacks class {error}; {self.remedy()}"
            ) from error
        return Listing(
            classes=tuple(name.partition(".")[2] or name for name in species.values()),
            sources=[base / "images" / paths[row] for row in rows],
            labels=labels,
            splits=np.array(["train" if trains[row] == "1" else "test" for row in rows]),
            names=tuple(f"images/{paths[row]}" for row in rows),
            notes=_unlisted(base, set(paths.values())),
            policies=self.policies,
        )

    def read(self) -> Listing:
        """List the images of the chosen classes."""
        from dataclasses import replace

        from imbench.images.classes import select_rows

        listing = self.everything()
        words = [self.majority, *self.minority.split("/")]
        of_species = [_class_of(name, words) for name in listing.classes]
        for label, word in enumerate(words):
            if label not in of_species:
                raise UsageError(f"cub has no species with {word!r} in its name")
        labels = np.array(of_species, np.int64)[listing.labels]
        chosen = select_rows(listing, np.flatnonzero(labels >= 0))
        return replace(chosen, classes=tuple(words), labels=labels[labels >= 0])


def _class_of(species: str, words: list[str]) -> int:
    """Return the label of a species, -1 if no word is in its name."""
    hits = [label for label, word in enumerate(words) if word.lower() in species.lower()]
    if len(hits) > 1:
        named = " and ".join(repr(words[label]) for label in hits)
        raise UsageError(f"cub: species {species} belongs to {named}")
    if hits:
        return hits[0]
    return words.index(REST) if REST in words else -1


def _unlisted(base: Path, listed: set[str]) -> tuple[DataNote, ...]:
    """Return a note on the image files that the table does not list."""
    count = len(set(find_images(base / "images").files) - listed)
    text = f"{count} image file{'s' * (count > 1)} in images/ that images.txt does not list"
    return (DataNote("left out", text, count),) if count else ()


def _table(path: Path) -> dict[str, str]:
    """Read lines of a number and a text."""
    table = {}
    for number, line in enumerate(read_text(path, LARGE).splitlines(), 1):
        if not line.strip():
            continue
        key, _, value = line.strip().partition(" ")
        if not key.isdigit() or not value:
            raise DataError(f"{path}, line {number}: {line!r} is not a number and a text")
        table[key] = value
    return table
