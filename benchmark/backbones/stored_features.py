"""Features that somebody computed elsewhere: a file with a row for each image, by its name."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from imbench.backbones.named import UserFile
from imbench.backbones.views import PLAIN, Embedder
from imbench.errors import DataError, UsageError
from imbench.files.reading import LARGE, check_regular, open_regular

if TYPE_CHECKING:
    import torch

__all__ = ["StoredFeatures"]

NAMES, ROWS = "names", "features"
MOST = 16 * LARGE


class StoredFeatures(UserFile):
    """Features of a file, .npz or .parquet, by the names of the images.

    Parameters
    ----------
    path : str
        An ``.npz`` with the arrays ``names`` (n,) and ``features`` (n, d), or a Parquet file with
        the columns ``name`` and ``features`` (lists of d numbers).

    Notes
    -----
    Names are those that imbench has for images: `bench export --npz` and records name them so, the
    path of a file below the data set's folder. More names than a data set has do no harm, one that
    is missing stops the run. The size of images plays no part, and only models that are shown
    features can predict, so none is kept.
    """

    title: ClassVar[str] = "file"
    views: ClassVar[tuple[str, ...]] = (PLAIN,)
    size: ClassVar[int] = 32
    by_name: ClassVar[bool] = True

    @property
    def width(self) -> int:
        """Number of features of an image."""
        return int(self._content[1].shape[1])

    def network(self) -> torch.nn.Module:
        """Refuse: there is none."""
        raise UsageError(f"file:{self.path} holds features and no network that could train on")

    def embedder(self, device: str) -> Embedder:
        """Return what looks up images by name."""
        names, rows = self._content
        places = {name: place for place, name in enumerate(names)}

        def look_up(_pixels: NDArray[np.uint8], wanted: Sequence[str]) -> NDArray[np.float32]:
            missing = [name for name in wanted if name not in places]
            if missing:
                raise DataError(
                    f"{self.path} has no features of {missing[0]!r} and {len(missing) - 1} more of "
                    f"{len(wanted)} images; its names begin with {names[:3]}"
                )
            return rows[[places[name] for name in wanted]]

        return look_up

    @cached_property
    def _content(self) -> tuple[list[str], NDArray[np.float32]]:
        try:
            check_regular(self._file, MOST)
            names, rows = (
                _of_parquet(self._file) if self._file.suffix == ".parquet" else _of_npz(self._file)
            )
        except ImportError as error:
            raise DataError(
                f"{self.path} needs pyarrow: `pip install 'imbench[parquet]'`"
            ) from error
        except Exception as error:  # what a damaged file makes its reader raise
            reason = (" ".join(str(error).split()) or type(error).__name__)[:200]
            raise DataError(f"the features in {self.path} cannot be read: {reason}") from error
        if rows.ndim != 2 or len(names) != len(rows) or not np.isfinite(rows).all():
            raise DataError(
                f"{self.path} holds {len(names)} names and features of shape {rows.shape}; wanted "
                "are a row of finite numbers for each name"
            )
        return names, rows


def _of_npz(file: Path) -> tuple[list[str], NDArray[np.float32]]:
    with open_regular(file, MOST) as opened, np.load(opened, allow_pickle=False) as arrays:
        return [str(name) for name in arrays[NAMES]], np.asarray(arrays[ROWS], np.float32)


def _of_parquet(file: Path) -> tuple[list[str], NDArray[np.float32]]:
    from pyarrow import parquet

    table: Any = parquet.read_table(file, columns=["name", ROWS])
    rows = np.asarray(table.column(ROWS).to_pylist(), np.float32)
    return [str(name) for name in table.column("name").to_pylist()], rows
