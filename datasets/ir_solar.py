"""Infrared pictures of solar modules: InfraredSolarModules (Millendorf, Obropta and Vadhavkar)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import numpy as np

from imbench.datasets._chosen import ChosenClasses
from imbench.errors import DataError, UsageError
from imbench.files.reading import SMALL, read_text
from imbench.images.copy_policy import EXACT
from imbench.images.dataset import Listing
from imbench.images.obtain import Obtainable, RemoteFile
from imbench.images.options import DatasetOptions
from imbench.images.split import own_split_note, stratified_splits
from imbench.spec import Value

__all__ = ["InfraredSolar"]

_TABLE = "module_metadata.json"
_COMMIT = "88e2d1febbcefe401c17ec80b8973f36a02a1653"
_ZIP = "2020-02-14_InfraredSolarModules.zip"


class InfraredSolar(ChosenClasses, Obtainable):
    """``ir-solar``: 10,000 sound solar modules and 10,000 with one of eleven anomalies.

    Options: `majority` (default ``No-Anomaly``), `minority` (default ``Soiling``, 204 images;
    ``Cracking``, ``Diode-Multi``, ``Soiling/Cracking``, ``rest``, ...), `test` (the share of each
    class, default ``0.5``: the rare classes have about 200 images, and a test set of 50 decides
    nothing), `geometry` (default ``stretch``; ``pad``, ``crop``), `copies` (default ``exact``, as
    sound modules look alike).

    Notes
    -----
    Grey pictures of 24 x 40 px, cut from flights over solar farms (``bench data fetch ir-solar``).
    Licence: MIT. There is no official split; ours takes the same share of each class by a hash of
    the file's name. Sites are not named, so that modules of one site stand on both sides, and a
    score may not hold at a new site. 22 pairs of files are equal, six of them with two labels:
    copies of test images are left out of training, and `bench data verify ir-solar` lists them.

    References
    ----------
    Millendorf, Obropta and Vadhavkar 2020, "Infrared solar module dataset for anomaly detection",
    ICLR workshop AI for Earth Sciences, https://github.com/RaptorMaps/InfraredSolarModules.
    """

    title = "Infrared solar modules"
    terms = "MIT"
    known_leaks = True
    name = "ir-solar"
    folder_name = "InfraredSolarModules"
    # The name that git gives to the file in the repository's last commit.
    remotes = (
        RemoteFile(
            file=_ZIP,
            urls=(
                f"https://raw.githubusercontent.com/RaptorMaps/InfraredSolarModules/{_COMMIT}/{_ZIP}",
            ),
            checksum="git:2697c73ef1aa58af4dc8aad35ca182ce2586861a",
        ),
    )
    # As module_metadata.json has them: the README counts six images more in five classes.
    official_classes: ClassVar[Mapping[str, int]] = {
        "No-Anomaly": 10_000,
        "Cell": 1877,
        "Vegetation": 1639,
        "Diode": 1499,
        "Cell-Multi": 1288,
        "Shadowing": 1056,
        "Cracking": 940,
        "Offline-Module": 827,
        "Hot-Spot": 249,
        "Hot-Spot-Multi": 246,
        "Soiling": 204,
        "Diode-Multi": 175,
    }

    def __init__(self, root: Path, argument: str | None = None, /, **options: Value) -> None:
        super().__init__(root, argument)
        if argument is not None:
            raise UsageError("ir-solar takes no argument; write ir-solar:minority=Cracking")
        known = ("majority", "minority", "test", "geometry", "copies")
        given = DatasetOptions("ir-solar", options, known)
        self.majority = given.text("majority", "No-Anomaly")
        self.minority = given.text("minority", "Soiling")
        self.test = given.share("test", 0.5)
        self.policies = given.policies(geometry="stretch", copies=EXACT)

    def lacks(self, folder: Path) -> str | None:
        """Return what of the official layout is missing in a folder."""
        missing = [_TABLE] if not (folder / _TABLE).is_file() else []
        missing += [] if (folder / "images").is_dir() else ["images/"]
        return ", ".join(missing) or None

    def everything(self) -> Listing:
        """List the images of all twelve classes."""
        base = self.locate()
        rows = sorted(self._rows(base / _TABLE).items())
        names = tuple(path for path, _ in rows)
        classes = tuple(dict.fromkeys([*self.official_classes, *sorted({k for _, k in rows})]))
        number = {name: label for label, name in enumerate(classes)}
        labels = np.array([number[kind] for _, kind in rows], np.int64)
        splits = stratified_splits(names, labels, test=self.test)
        return Listing(
            classes=classes,
            sources=[base / name for name in names],
            labels=labels,
            splits=splits,
            names=names,
            channels=1,
            notes=(own_split_note(splits, self.test, "sites are unknown and not kept apart"),),
            policies=self.policies,
        )

    def _rows(self, path: Path) -> dict[str, str]:
        """Return file to class from the table, files only that stay below the data set's folder."""
        try:
            table = json.loads(read_text(path, SMALL))
            rows = {str(row["image_filepath"]): str(row["anomaly_class"]) for row in table.values()}
        except (OSError, ValueError, RecursionError, AttributeError, TypeError, KeyError) as error:
            raise DataError(
                f"{path} cannot be read: {type(error).__name__}: {error}; {self.remedy()}"
            ) from error
        for name in rows:
            if Path(name).is_absolute() or ".." in Path(name).parts:
                raise DataError(f"{path} names {name!r}, a file outside of its folder")
        return rows
