"""Ten kinds of clothes, 28 x 28 grey: Fashion-MNIST (Xiao, Rasul, Vollgraf, arXiv 1708.07747)."""

from __future__ import annotations

import gzip
import shutil
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from imbench.datasets._chosen import ChosenClasses
from imbench.errors import DataError, UsageError
from imbench.files.archive import describe_file
from imbench.files.reading import open_regular
from imbench.images.dataset import Listing
from imbench.images.obtain import Obtainable, RemoteFile
from imbench.images.options import DatasetOptions
from imbench.spec import Value

__all__ = ["FashionMNIST"]

_CLASSES = (
    *("t-shirt", "trouser", "pullover", "dress", "coat"),
    *("sandal", "shirt", "sneaker", "bag", "ankle-boot"),
)
_BASE = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com"
_GZIP = b"\x1f\x8b"
# SHA-256 as published in TensorFlow Datasets (url_checksums/fashion_mnist.txt).
_FILES = {
    "train-images-idx3-ubyte": "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
    "train-labels-idx1-ubyte": "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
    "t10k-images-idx3-ubyte": "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
    "t10k-labels-idx1-ubyte": "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
}


class FashionMNIST(ChosenClasses, Obtainable):
    """``fashion-mnist``: 6,000 training and 1,000 test images of each class, official split.

    Options: `majority` (default ``t-shirt``), `minority` (default ``shirt``, the class most often
    taken for it); ``rest`` is all other classes.

    Notes
    -----
    70,000 grey product photographs of Zalando, 28 x 28 px, ten classes of equal size
    (``bench data fetch fashion-mnist``). Licence: MIT. The split is the official one; there is no
    validation split.

    References
    ----------
    Xiao, Rasul and Vollgraf 2017, "Fashion-MNIST: a novel image dataset for benchmarking machine
    learning algorithms", arXiv 1708.07747.
    """

    title = "Fashion-MNIST"
    terms = "MIT"
    name = "fashion-mnist"
    folder_name = "fashion-mnist"
    also_in = ("FashionMNIST/raw",)
    remotes = tuple(
        RemoteFile(file=f"{name}.gz", urls=(f"{_BASE}/{name}.gz",), checksum=f"sha256:{checksum}")
        for name, checksum in _FILES.items()
    )
    official: Mapping[str, int] = {
        f"{split} {kind}": count
        for split, count in (("train", 6000), ("test", 1000))
        for kind in _CLASSES
    }

    def __init__(self, root: Path, argument: str | None = None, /, **options: Value) -> None:
        super().__init__(root, argument)
        if argument is not None:
            raise UsageError("fashion-mnist takes no argument; write fashion-mnist:minority=coat")
        given = DatasetOptions("fashion-mnist", options, ("majority", "minority"))
        self.majority = given.text("majority", "t-shirt")
        self.minority = given.text("minority", "shirt")

    def lacks(self, folder: Path) -> str | None:
        """Return what of the official files is missing in a folder."""
        return ", ".join(name for name in _FILES if _file(folder, name) is None) or None

    def find_fault(self, path: Path) -> str | None:
        """Return in words what is wrong with a downloaded file; None if nothing is."""
        with open_regular(path) as file:
            packed = file.read(2) == _GZIP
        return None if packed else f"the file is {describe_file(path)}, not a gzip file"

    def everything(self) -> Listing:
        """List the images of all ten classes."""
        base = self.locate()
        pixels, labels = [], []
        for part in ("train", "t10k"):
            pixels.append(self._read(base, f"{part}-images-idx3-ubyte", 3))
            labels.append(self._read(base, f"{part}-labels-idx1-ubyte", 1))
            if len(pixels[-1]) != len(labels[-1]) or labels[-1].max(initial=0) > 9:
                raise DataError(f"images and labels of {part} in {base} differ; {self.remedy()}")
        sizes = [len(part) for part in labels]
        return Listing(
            classes=_CLASSES,
            sources=np.concatenate(pixels)[..., None],
            labels=np.concatenate(labels).astype(np.int64),
            splits=np.repeat(["train", "test"], sizes),
            names=tuple(
                f"{split}/{row:05d}"
                for split, size in zip(("train", "test"), sizes, strict=True)
                for row in range(size)
            ),
            channels=1,
        )

    def _read(self, base: Path, name: str, dimensions: int) -> NDArray[np.uint8]:
        path = _file(base, name)
        if path is None:
            raise DataError(f"{base} lacks {name}; {self.remedy()}")
        try:
            return _idx(path, dimensions)
        except (ValueError, EOFError, OSError, zlib.error) as error:
            raise DataError(f"{path} is damaged: {error}; {self.remedy()}") from error

    def _unpack(self, path: Path, folder: Path) -> None:
        if path.name.removesuffix(".gz") not in _FILES:
            super()._unpack(path, folder)
        elif path.parent != folder:
            shutil.copy2(path, folder / path.name)


def _file(folder: Path, name: str) -> Path | None:
    for path in (folder / name, folder / f"{name}.gz"):
        if path.is_file():
            return path
    return None


def _idx(path: Path, dimensions: int) -> NDArray[np.uint8]:
    """Read an IDX file of bytes: zero, zero, 8, dimensions, their sizes (big-endian), data."""
    with open_regular(path) as raw, gzip.open(raw) if path.suffix == ".gz" else raw as file:
        head = file.read(4 + 4 * dimensions)
        if len(head) < 4 + 4 * dimensions or head[:4] != bytes([0, 0, 8, dimensions]):
            raise ValueError("it does not begin as an IDX file of bytes does")
        shape = tuple(int(size) for size in np.frombuffer(head[4:], ">u4"))
        count = int(np.prod(shape, dtype=np.int64))
        if count > 1 << 30:
            raise ValueError(f"it claims to hold {count} bytes")
        data = file.read(count + 1)
    if len(data) != count:
        raise ValueError(f"it holds {len(data)} bytes and says {count}")
    return np.frombuffer(data, np.uint8).reshape(shape)
