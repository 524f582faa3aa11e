"""Horses and zebras of CycleGAN (Zhu et al., ICCV 2017, arXiv 1703.10593)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from imbench.datasets._chosen import ChosenClasses
from imbench.errors import DataError, UsageError
from imbench.images.dataset import Listing
from imbench.images.image_files import find_images
from imbench.images.left_out import left_out_notes
from imbench.images.obtain import Obtainable, RemoteFile
from imbench.images.options import DatasetOptions
from imbench.spec import Value

__all__ = ["Horse2Zebra"]

_PARTS = {
    "trainA": ("train", 0),
    "trainB": ("train", 1),
    "testA": ("test", 0),
    "testB": ("test", 1),
}


class Horse2Zebra(ChosenClasses, Obtainable):
    """``horse2zebra``: 1,067 + 1,334 training and 120 + 140 test images, official split.

    Object masks are read where ``masks/trainA/NAME.png`` exist; the official release has none.
    Options: `majority` (default ``horse``), `minority` (default ``zebra``), `geometry`
    (``stretch``, ``pad``, default ``crop``: the official images are square), `copies` (the largest
    distance of images that are nearly equal, 0 to 1, default ``0.4``, or ``exact``).

    Notes
    -----
    Photographs of 256 x 256 px that CycleGAN's authors took from ImageNet
    (``bench data fetch horse2zebra``). Terms: those of ImageNet, non-commercial research. The split
    is the official one. Some test images have copies in training: those are left out of training,
    and `bench data verify horse2zebra` lists them.

    References
    ----------
    Zhu, Park, Isola and Efros 2017, "Unpaired image-to-image translation using cycle-consistent
    adversarial networks", ICCV, appendix, arXiv 1703.10593.

    Deng et al. 2009, "ImageNet: a large-scale hierarchical image database", CVPR.
    """

    title = "Horse2Zebra"
    terms = "ImageNet: non-commercial research"
    known_leaks = True
    overlaps = ("ImageNet",)
    name = "horse2zebra"
    folder_name = "horse2zebra"
    # SHA-256 and size as published in TensorFlow Datasets (url_checksums/cycle_gan.txt), for the
    # second address; the first is the one that CycleGAN's own script uses now.
    remotes = (
        RemoteFile(
            file="horse2zebra.zip",
            urls=(
                "https://efrosgans.eecs.berkeley.edu/cyclegan/datasets/horse2zebra.zip",
                "https://people.eecs.berkeley.edu/~taesung_park/CycleGAN/datasets/horse2zebra.zip",
            ),
            checksum="sha256:a74d9d392eecca9966b51287a76ca126af473d9de4f3e8fc0e9cda08fa1730a1",
        ),
    )
    official: Mapping[str, int] = {
        "train horse": 1067,
        "train zebra": 1334,
        "test horse": 120,
        "test zebra": 140,
    }

    def __init__(self, root: Path, argument: str | None = None, /, **options: Value) -> None:
        super().__init__(root, argument)
        if argument is not None:
            raise UsageError("horse2zebra takes no argument")
        given = DatasetOptions(
            "horse2zebra", options, ("majority", "minority", "geometry", "copies")
        )
        self.majority, self.minority = given.text("majority"), given.text("minority")
        if self.majority is None and self.minority is None:
            self.minority = "zebra"
        self.policies = given.policies(geometry="crop")

    def lacks(self, folder: Path) -> str | None:
        """Return what of the official layout is missing in a folder."""
        missing = [part for part in _PARTS if not (folder / part).is_dir()]
        return f"folder {', '.join(missing)}" if missing else None

    def everything(self) -> Listing:
        """List horses (0) and zebras (1)."""
        base = self.locate()
        found, left_out = [], []
        for part in _PARTS:
            images = find_images(base / part)
            if not images.files:
                raise DataError(f"{base / part} has no images; {self.remedy()}")
            found += [(f"{part}/{file}", *_PARTS[part]) for file in images.files]
            left_out += [replace(one, place=f"{part}/{one.place}") for one in images.left_out]
        names = tuple(name for name, _, _ in found)
        masks = [base / "masks" / Path(name).with_suffix(".png") for name in names]
        have = [mask if mask.exists() else None for mask in masks]
        return Listing(
            classes=("horse", "zebra"),
            sources=[base / name for name in names],
            labels=np.array([label for _, _, label in found], np.int64),
            splits=np.array([split for _, split, _ in found]),
            names=names,
            masks=have if any(have) else None,
            policies=self.policies,
            notes=tuple(left_out_notes(left_out, _class_of)),
        )


def _class_of(place: str) -> str:
    return ("horse", "zebra")[_PARTS[place.split("/")[0]][1]]
