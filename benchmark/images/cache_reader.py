"""Open an entry of the cache of decoded images: memory-mapped arrays and their manifest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imbench.errors import DataError
from imbench.files.reading import LARGE, check_regular, read_text
from imbench.images.dataset import Decoded, Images
from imbench.images.notes import notes_of
from imbench.images.split import SPLITS

__all__ = ["MANIFEST", "manifest_checksum", "open_decoded", "open_entry", "read_manifest"]

MANIFEST = "manifest.json"
FORMS = {
    "pixels": (np.uint8, 4),
    "labels": (np.int64, 1),
    "weights": (np.float64, 1),
    "groups": (np.int64, 1),
    "masks": (np.bool_, 3),
}
"""Type and dimensions of each array."""


def open_decoded(folder: Path) -> Decoded:
    """Open an entry that `cache.prepare` wrote; reads no pixels and imports no torch."""
    return open_entry(folder, read_manifest(folder))


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return the manifest of an entry; raise DataError if it is missing or damaged."""
    try:
        manifest = json.loads(read_text(folder / MANIFEST, LARGE))
    except FileNotFoundError as error:
        raise DataError(f"no decoded images in {folder}; `prepare` decodes them") from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{folder / MANIFEST} is damaged; delete {folder}") from error
    sound = isinstance(manifest, dict) and manifest.get("checksum") == manifest_checksum(manifest)
    if not sound:  # also one of imbench 0.1, which kept none
        raise DataError(f"{folder / MANIFEST} is not as it was written; delete {folder}")
    return dict(manifest)


def manifest_checksum(manifest: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a manifest without its own checksum."""
    body = {key: value for key, value in manifest.items() if key != "checksum"}
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def open_entry(folder: Path, manifest: dict[str, Any]) -> Decoded:
    """Map the arrays of an entry; raise DataError if they are damaged."""
    try:
        arrays = {name: _mapped(folder / f"{name}.npy") for name in manifest["arrays"]}
        fitting = all(_fits(name, array, manifest) for name, array in arrays.items())
    except Exception as error:  # numpy reads a header as Python and raises what its parser does
        reason = " ".join(str(error).split())[:200]
        raise DataError(f"{folder} is damaged ({reason}); delete it") from error
    if not fitting:
        raise DataError(f"the arrays in {folder} do not fit together; delete it")
    images, start = {}, 0
    for split in SPLITS:
        stop = start + manifest["splits"][split]
        images[split] = _images(arrays, manifest, slice(start, stop), split)
        start = stop
    skipped = dict(manifest["faults"])
    if manifest["dropped"]:
        for leak in manifest["leaks"]:
            distance = leak["distance"]
            near = "" if distance is None else f", at distance {distance:.2f}"
            equal = "equal" if distance is None else "nearly equal"
            skipped[leak["copy"]] = f"{equal} to test image {leak['test']}{near}"
    return Decoded(
        folder=folder,
        classes=tuple(manifest["classes"]),
        fingerprint=manifest["fingerprint"],
        train=images["train"],
        validation=images["validation"],
        test=images["test"],
        skipped=skipped,
        notes=notes_of(manifest["notes"]),
    )


def _mapped(path: Path) -> NDArray[Any]:
    check_regular(path)
    array: NDArray[Any] = np.lib.format.open_memmap(path, mode="r")  # no pickles
    return array


def _fits(name: str, array: NDArray[Any], manifest: dict[str, Any]) -> bool:
    kind, dimensions = FORMS[name]
    if array.dtype != kind or array.ndim != dimensions or len(array) != len(manifest["names"]):
        return False
    if name == "labels":
        return bool(len(array) == 0 or 0 <= array.min() <= array.max() < len(manifest["classes"]))
    return dimensions == 1 or array.shape[1:3] == (manifest["size"],) * 2


def _images(
    arrays: dict[str, NDArray[Any]], manifest: dict[str, Any], rows: slice, split: str
) -> Images:
    return Images(
        pixels=arrays["pixels"][rows],
        labels=np.asarray(arrays["labels"][rows]),
        names=tuple(manifest["names"][rows]),
        weights=np.asarray(arrays["weights"][rows]) if "weights" in arrays else None,
        groups=np.asarray(arrays["groups"][rows]) if "groups" in arrays else None,
        masks=arrays["masks"][rows] if split in manifest["masked"] else None,
    )
