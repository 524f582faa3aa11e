"""Write an entry of the cache of decoded images: to a temporary folder, renamed when complete."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import uuid
import warnings
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from imbench.errors import DataError, EnvironmentFault
from imbench.images.cache_reader import MANIFEST
from imbench.images.dataset import Listing
from imbench.images.decode import ImageFault, decode, shrink_mask
from imbench.images.duplicates import Leak, find_copies
from imbench.images.geometry import geometry_notes, geometry_of, to_square
from imbench.images.split import SPLITS

__all__ = ["quiet_pillow", "write_decoded"]

SCHEMA = 1
_CHUNK = 64
_THREADS = 2


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
    for old in folder.parent.glob(f"{folder.name}.*.part"):
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


@dataclass
class _DecodedRows:
    """Decoded images and faults, in the order of the listing."""

    pixels: NDArray[np.uint8]
    masks: NDArray[np.bool_] | None
    thumbnails: NDArray[np.uint8] | None
    digests: list[str]
    sizes: list[tuple[int, int]]
    """Width and height as displayed."""
    faults: dict[int, str]


def _write(
    part: Path, listing: Listing, size: int, drop_leaks: bool, faults: dict[int, str], spec: str
) -> None:
    raw = _decode_all(part, listing, size, faults)
    good = np.array([row not in raw.faults for row in range(len(listing.names))])
    if not good.any():
        row, reason = next(iter(raw.faults.items()))
        raise DataError(f"{spec}: no image can be used; {listing.names[row]}: {reason}")
    leaks = _leaks(listing, raw, good)
    if drop_leaks:
        good[[leak.row for leak in leaks]] = False
    rows = np.concatenate([np.flatnonzero(good & (listing.splits == name)) for name in SPLITS])
    arrays = _save_arrays(part, listing, raw, rows)
    shapes = [raw.sizes[row] for row in rows]
    notes = geometry_notes(shapes, listing.policies)
    masks = [None] * len(listing.names) if listing.masks is None else listing.masks
    (part / "scratch.npy").unlink()
    manifest = {
        "schema": SCHEMA,
        "classes": list(listing.classes),
        "size": size,
        "splits": {name: int((listing.splits[rows] == name).sum()) for name in SPLITS},
        "names": [listing.names[row] for row in rows],
        "arrays": sorted(arrays),
        "masked": sorted({str(listing.splits[row]) for row in rows if masks[row] is not None}),
        "fingerprint": _fingerprint(arrays, listing, rows, _policies(listing, shapes)),
        "faults": {listing.names[row]: reason for row, reason in sorted(raw.faults.items())},
        "leaks": [
            {
                "copy": listing.names[leak.row],
                "test": listing.names[leak.original],
                "exact": leak.exact,
            }
            for leak in leaks
        ],
        "dropped": drop_leaks,
        "notes": [note.plain() for note in notes],
    }
    with (part / MANIFEST).open("w", encoding="utf-8") as file:
        json.dump(manifest, file)
        file.flush()
        os.fsync(file.fileno())


def _decode_all(part: Path, listing: Listing, size: int, faults: dict[int, str]) -> _DecodedRows:
    n = len(listing.names)
    shape = (n, size, size, listing.channels)
    files = not isinstance(listing.sources, np.ndarray)
    raw = _DecodedRows(
        pixels=np.lib.format.open_memmap(part / "scratch.npy", "w+", np.uint8, shape),
        masks=None if listing.masks is None else np.zeros((n, size, size), bool),
        # Images that come as arrays are too small or too similar to search near copies: handwritten
        # digits differ by a few pixels.
        thumbnails=np.zeros((n, 32, 32), np.uint8) if files else None,
        digests=[""] * n,
        sizes=[(1, 1)] * n,
        faults=dict(faults),
    )
    starts = range(0, n, _CHUNK)
    with quiet_pillow(), ThreadPoolExecutor(_THREADS) as pool:
        jobs = [pool.submit(_decode_rows, raw, listing, size, start) for start in starts]
        try:
            for job in jobs:
                job.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return raw


def _decode_rows(raw: _DecodedRows, listing: Listing, size: int, start: int) -> None:
    for row in range(start, min(start + _CHUNK, len(listing.names))):
        if row in raw.faults:
            continue
        try:
            _decode_row(raw, listing, size, row)
        except ImageFault as fault:
            raw.faults[row] = str(fault)
        except OSError as error:
            raw.faults[row] = f"the file cannot be read: {error.strerror}"


def _decode_row(raw: _DecodedRows, listing: Listing, size: int, row: int) -> None:
    geometry = geometry_of(listing.policies)
    if isinstance(listing.sources, np.ndarray):
        source = listing.sources[row]
        flat = source[..., 0] if source.shape[-1] == 1 else source
        raw.pixels[row] = to_square(Image.fromarray(flat), size, listing.channels, geometry)
        raw.sizes[row] = (source.shape[1], source.shape[0])
        raw.digests[row] = hashlib.sha256(source.tobytes()).hexdigest()
    else:
        picture = decode(
            listing.sources[row].read_bytes(),
            size=size,
            channels=listing.channels,
            geometry=geometry,
        )
        raw.pixels[row] = picture.pixels
        raw.sizes[row] = (picture.width, picture.height)
        raw.digests[row] = picture.digest
        if raw.thumbnails is not None:
            raw.thumbnails[row] = picture.thumbnail
    if raw.masks is not None and listing.masks is not None:
        raw.masks[row] = _mask(listing.masks[row], size, geometry)


def _mask(
    mask: Path | NDArray[np.bool_] | None, size: int, geometry: str
) -> NDArray[np.bool_] | bool:
    if mask is None:
        return False
    if isinstance(mask, np.ndarray):
        return shrink_mask(mask, size=size, geometry=geometry)
    try:
        return shrink_mask(mask.read_bytes(), size=size, geometry=geometry)
    except ImageFault as fault:
        raise ImageFault(f"its mask {mask.name}: {fault}") from fault


def _leaks(listing: Listing, raw: _DecodedRows, good: NDArray[np.bool_]) -> list[Leak]:
    """List the usable training and validation images that are copies of test images."""
    rows = np.flatnonzero(good)
    copies = find_copies(
        [raw.digests[row] for row in rows],
        None if raw.thumbnails is None else [raw.thumbnails[row] for row in rows],
    )
    leaks = copies.leaks(listing.splits[rows] == "test")
    return [Leak(int(rows[leak.row]), int(rows[leak.original]), leak.exact) for leak in leaks]


def _save_arrays(
    part: Path, listing: Listing, raw: _DecodedRows, rows: NDArray[np.int64]
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
    if raw.masks is not None:
        arrays["masks"] = raw.masks[rows]
    for name, array in arrays.items():
        np.save(part / f"{name}.npy", array, allow_pickle=False)
    return {"pixels": pixels, **arrays}


def _policies(listing: Listing, shapes: Sequence[tuple[int, int]]) -> dict[str, str]:
    """Return the policies that had an effect which imbench 0.1 would not have had."""
    policies = dict(listing.policies)
    if geometry_of(policies) == "crop" or all(width == height for width, height in shapes):
        policies.pop("geometry", None)
    return policies


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


@contextmanager
def quiet_pillow() -> Iterator[None]:
    """Silence Pillow's warnings, but make a decompression bomb an error."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\.")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield
