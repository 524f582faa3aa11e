"""Write an entry of the cache of decoded images: to a temporary folder, renamed when complete."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imbench.errors import DataError, EnvironmentFault
from imbench.images.cache_reader import MANIFEST, manifest_checksum
from imbench.images.copy_search import search_copies
from imbench.images.dataset import Listing
from imbench.images.decoded_rows import DecodedRows, decode_rows
from imbench.images.deep_files import settle_range
from imbench.images.duplicates import Leak
from imbench.images.leak_notes import leak_notes
from imbench.images.pixel_notes import pixel_notes, settled_policies
from imbench.images.split import SPLITS

__all__ = ["write_decoded"]

SCHEMA = 1


def write_decoded(
    folder: Path,
    listing: Listing,
    *,
    size: int,
    drop_leaks: bool,
    faults: dict[int, str],
    spec: str,
) -> None:
    """Decode all images of a listing into `folder`, which appears only when it is complete.

    The caller holds the lock of `folder`, so its partial folders are those of killed processes.

    Parameters
    ----------
    faults : dict
        Rows that are known to be unusable, with the reason.
    """
    for old in folder.parent.glob(f"{folder.name}.{'[0-9a-f]' * 8}.part"):
        shutil.rmtree(old, ignore_errors=True)
    if folder.exists():  # damaged: the caller did not find it complete
        shutil.rmtree(folder)
    _check_space(folder.parent, listing, size)
    part = folder.with_name(f"{folder.name}.{uuid.uuid4().hex[:8]}.part")
    part.mkdir()
    try:
        _write(part, listing, size, drop_leaks, faults, spec)
        part.rename(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _write(
    part: Path, listing: Listing, size: int, drop_leaks: bool, faults: dict[int, str], spec: str
) -> None:
    value_range = settle_range(listing, spec)
    raw = decode_rows(
        listing, part / "scratch.npy", size=size, value_range=value_range, faults=faults
    )
    good = raw.good
    if not good.any():
        row, reason = next(iter(raw.faults.items()))
        raise DataError(f"{spec}: no image can be used; {listing.names[row]}: {reason}")
    leaks = _leaks(listing, raw)
    if drop_leaks:
        good[[leak.row for leak in leaks]] = False
    rows = np.concatenate([np.flatnonzero(good & (listing.splits == name)) for name in SPLITS])
    arrays = _save_arrays(part, listing, raw, rows)
    used = [raw.properties[row] for row in rows]
    notes = pixel_notes(used, listing.policies, value_range)
    notes += leak_notes(listing, leaks, dropped=drop_leaks)
    policies = settled_policies(used, listing.policies, value_range)
    if not drop_leaks:
        policies.pop("copies", None)
    masks = [None] * len(listing.names) if listing.masks is None else listing.masks
    (part / "scratch.npy").unlink()
    manifest: dict[str, Any] = {
        "schema": SCHEMA,
        "classes": list(listing.classes),
        "size": size,
        "splits": {name: int((listing.splits[rows] == name).sum()) for name in SPLITS},
        "names": [listing.names[row] for row in rows],
        "arrays": sorted(arrays),
        "masked": sorted({str(listing.splits[row]) for row in rows if masks[row] is not None}),
        "fingerprint": _fingerprint(arrays, listing, rows, policies),
        "faults": {listing.names[row]: reason for row, reason in sorted(raw.faults.items())},
        "leaks": [
            {
                "copy": listing.names[leak.row],
                "test": listing.names[leak.original],
                "distance": leak.distance,
            }
            for leak in leaks
        ],
        "dropped": drop_leaks,
        "notes": [note.plain() for note in notes],
    }
    manifest["checksum"] = manifest_checksum(manifest)
    with (part / MANIFEST).open("w", encoding="utf-8") as file:
        json.dump(manifest, file)
        file.flush()
        os.fsync(file.fileno())


def _leaks(listing: Listing, raw: DecodedRows) -> list[Leak]:
    """List the usable training and validation images that are copies of test images."""
    digests = [
        # Images that show nothing are no copies of each other.
        None if row in raw.faults or raw.properties[row].blank else digest
        for row, digest in enumerate(raw.digests)
    ]
    thumbnails = None if raw.thumbnails is None else list(raw.thumbnails)
    copies = search_copies(listing, digests, thumbnails, raw.value_range, of_test=True)
    return copies.leaks(listing.splits == "test")


def _save_arrays(
    part: Path, listing: Listing, raw: DecodedRows, rows: NDArray[np.int64]
) -> dict[str, NDArray[Any]]:
    pixels = np.lib.format.open_memmap(
        part / "pixels.npy", "w+", np.uint8, (len(rows), *raw.pixels.shape[1:])
    )
    for start in range(0, len(rows), 4096):
        pixels[start : start + 4096] = raw.pixels[rows[start : start + 4096]]
    pixels.flush()
    arrays: dict[str, NDArray[Any]] = {"labels": listing.labels[rows].astype(np.int64)}
    if listing.weights is not None:
        arrays["weights"] = listing.weights[rows].astype(np.float64)
    if listing.groups is not None:
        names = [str(listing.groups[row]) for row in rows]
        arrays["groups"] = np.unique(names, return_inverse=True)[1].astype(np.int64)
    if raw.masks is not None:
        arrays["masks"] = raw.masks[rows]
    for name, array in arrays.items():
        np.save(part / f"{name}.npy", array, allow_pickle=False)
    return {"pixels": pixels, **arrays}


def _fingerprint(
    arrays: dict[str, NDArray[Any]],
    listing: Listing,
    rows: NDArray[np.int64],
    policies: Mapping[str, str],
) -> str:
    """Hash pixels, labels, splits, groups, weights, policies: not names, masks or folders."""
    digest = hashlib.sha256(f"imbench data {SCHEMA} {arrays['pixels'].shape}".encode())
    for start in range(0, len(rows), 4096):
        digest.update(arrays["pixels"][start : start + 4096].tobytes())
    digest.update(arrays["labels"].astype("<i8").tobytes())
    groups = listing.groups
    metadata: dict[str, Any] = {
        "splits": listing.splits[rows].tolist(),
        "groups": None if groups is None else [str(groups[row]) for row in rows],
        "weights": None if listing.weights is None else listing.weights[rows].tolist(),
    }
    if policies:
        metadata["policies"] = dict(policies)
    digest.update(json.dumps(metadata, sort_keys=True).encode())
    return digest.hexdigest()[:32]


def _check_space(folder: Path, listing: Listing, size: int) -> None:
    # Twice: once in the order of the listing, once in that of the splits without excluded images.
    needed = 2 * len(listing.names) * size * size * listing.channels
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise EnvironmentFault(
            f"decoding needs {needed / 1e9:.1f} GB in {folder}, {free / 1e9:.1f} GB are free; "
            "set IMBENCH_CACHE to another folder"
        )
