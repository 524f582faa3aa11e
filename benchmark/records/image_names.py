"""Names of the classes and of the test images of a data set, kept beside the records.

A record has outputs by row; these files say which image a row is, on machines without the images
too. There is one for each fingerprint: ``results/images/FINGERPRINT.json``.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from imbench.errors import EnvironmentFault
from imbench.files.atomic import write_atomic
from imbench.files.reading import LARGE, read_bytes
from imbench.images.dataset import Decoded

__all__ = ["ImageNames", "keep_names", "read_names"]

SCHEMA = 1
FOLDER = "images"
_NAME = re.compile(r"[0-9a-f]{8,128}\.json")
_LOG = logging.getLogger(__name__)


class ImageNames(BaseModel):
    """What the rows of outputs are.

    Attributes
    ----------
    fingerprint : str
        Of the decoded data set, as cells have it.
    classes : tuple of str
        Names of the classes, the majority's first.
    test : tuple of str
        Names of the test images, as the data set lists them: paths, or numbers of rows.
    pool : tuple of int
        Training images of each class, which replicates draw from; empty where an older imbench
        wrote the file.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_: int = Field(default=SCHEMA, alias="schema", serialization_alias="schema")
    fingerprint: str
    classes: tuple[str, ...]
    test: tuple[str, ...]
    pool: tuple[int, ...] = ()


def keep_names(results: Path, decoded: Decoded) -> None:
    """Write the names of a data set, unless they are there; what else is there is replaced.

    Raises
    ------
    EnvironmentFault
        If the disk is full or the folder cannot be written.
    """
    path = results / FOLDER / f"{decoded.fingerprint}.json"
    names = ImageNames(
        fingerprint=decoded.fingerprint,
        classes=tuple(map(_in_utf8, decoded.classes)),
        test=tuple(map(_in_utf8, decoded.test.names)),
        pool=tuple(int(count) for count in decoded.train.counts(len(decoded.classes))),
    )
    if _read(path) != names:
        write_atomic(path, names.model_dump_json(by_alias=True) + "\n")


def read_names(results: Path) -> Mapping[str, ImageNames]:
    """Return the names by fingerprint; a file that is none is passed over, with a warning."""
    found = {}
    try:
        paths = sorted(path for path in (results / FOLDER).iterdir() if _NAME.fullmatch(path.name))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise EnvironmentFault(f"{results / FOLDER} cannot be read: {error.strerror}") from error
    for path in paths:
        names = _read(path)
        if names is None:
            _LOG.warning("%s holds no names of images", path)
        elif names.schema_ == SCHEMA and names.fingerprint == path.stem:
            found[names.fingerprint] = names
    return found


def _read(path: Path) -> ImageNames | None:
    """Return the names that a file holds; None if there is none, or no such file."""
    try:
        return ImageNames.model_validate_json(read_bytes(path, LARGE))
    except (OSError, ValueError):  # also pydantic's
        return None


def _in_utf8(name: str) -> str:
    """Write half characters, of file names that are not UTF-8, as escapes."""
    return name.encode("utf-8", "backslashreplace").decode()
