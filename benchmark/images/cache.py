"""Decode a data set once: memory-mapped uint8 arrays in a cache, keyed by content and size.

`prepare` lists the images, hashes the files (remembered by size and times) and decodes only if no
entry of that content exists; `open_decoded` maps an entry and is all that a worker needs.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from imbench.errors import DataError, EnvironmentFault, UsageError
from imbench.files.filehash import UNREADABLE, file_digests
from imbench.files.leases import hold
from imbench.images.dataset import Dataset, Decoded, Images, Listing
from imbench.images.split import SPLITS, check_groups
from imbench.registry import load_plugin
from imbench.spec import parse_spec

__all__ = [
    "cache_folder",
    "content_digests",
    "make_dataset",
    "open_decoded",
    "prepare",
    "validate_listing",
]

DECODER = 1
"""Raise it when the same files would be decoded to other pixels."""
MANIFEST = "manifest.json"
_LOG = logging.getLogger(__name__)


def cache_folder() -> Path:
    """Return the folder for decoded images: ``IMBENCH_CACHE``, or ``~/.cache/imbench``."""
    named = os.environ.get("IMBENCH_CACHE")
    return Path(named).expanduser() if named else Path.home() / ".cache" / "imbench"


def make_dataset(spec: str, root: Path) -> Dataset:
    """Return the data set that a spec such as ``folder:clothing,minority=hat`` names.

    Raises
    ------
    UsageError
        If the name or an option is unknown, or the plug-in is not a data set.
    """
    parsed = parse_spec(spec)
    kind = load_plugin("datasets", parsed.name)
    try:
        dataset = kind(root, parsed.argument, **parsed.options)
    except TypeError as error:
        raise UsageError(f"data set {spec!r} cannot be made: {error}") from error
    if not callable(getattr(dataset, "read", None)):
        raise UsageError(f"data set {parsed.name!r} has no method read(); see imbench.Dataset")
    return dataset  # type: ignore[no-any-return]


def prepare(
    spec: str,
    *,
    root: Path,
    size: int,
    cache: Path | None = None,
    bad_images: Literal["stop", "skip"] = "stop",
    drop_leaks: bool | None = None,
) -> Decoded:
    """Decode a data set, or open what was decoded before.

    Parameters
    ----------
    spec : str
        Name and options, e.g. ``horse2zebra``.
    root : Path
        Folder that holds the data.
    size : int
        Side of the square images, in pixels.
    cache : Path, optional
        Where decoded images are kept; see `cache_folder`.
    bad_images : {"stop", "skip"}
        What to do about images that cannot be decoded: DataError, or leave them out.
    drop_leaks : bool, optional
        Leave out training and validation images that are copies of test images; by default where
        the data set is known to have some. Otherwise they are only warned of.

    Raises
    ------
    DataError
        If images are missing or bad, or a class has no training or test image.
    """
    dataset = make_dataset(spec, root)
    listing = validate_listing(dataset.read(), spec)
    drop = bool(dataset.known_leaks) if drop_leaks is None else drop_leaks
    home = (cache_folder() if cache is None else cache).absolute()  # workers may stand elsewhere
    try:
        folder = _entry(listing, spec, home, size, drop)
    except OSError as error:
        raise EnvironmentFault(
            f"decoded images cannot be kept in {home}: {error.strerror or error}; "
            "set IMBENCH_CACHE to another folder"
        ) from error
    manifest = _manifest(folder)
    faults: dict[str, str] = manifest["faults"]
    if faults and bad_images == "stop":
        raise DataError(_bad(faults, spec))
    _warn_of_leaks(manifest, spec)
    return _with_every_class(_opened(folder, manifest), spec)


def open_decoded(folder: Path) -> Decoded:
    """Map the arrays of an entry that `prepare` made; reads no pixels and imports no torch."""
    return _opened(folder, _manifest(folder))


def validate_listing(listing: Listing, spec: str) -> Listing:
    """Return a listing whose arrays fit together, or raise DataError that says what does not."""
    n = len(listing.names)
    sized: dict[str, Any] = {
        "sources": listing.sources,
        "labels": listing.labels,
        "splits": listing.splits,
        "groups": listing.groups,
        "weights": listing.weights,
        "masks": listing.masks,
    }
    for name, items in sized.items():
        if items is not None and len(items) != n:
            raise DataError(f"{spec}: {len(items)} {name} for {n} names")
    if n == 0:
        raise DataError(f"{spec} has no images")
    if len(set(listing.names)) != n:
        raise DataError(f"{spec}: names of images are not unique")
    if len(listing.classes) < 2:
        raise DataError(f"{spec} has one class only, {listing.classes!r}; two are needed")
    if not 0 <= listing.labels.min() <= listing.labels.max() < len(listing.classes):
        raise DataError(f"{spec}: labels are outside 0..{len(listing.classes) - 1}")
    wrong = set(np.unique(listing.splits).tolist()) - set(SPLITS)
    if wrong:
        raise DataError(f"{spec}: split {min(wrong)!r} is none of {', '.join(SPLITS)}")
    if listing.groups is not None:
        check_groups(listing.groups, listing.splits, spec)
    return listing


def content_digests(listing: Listing, spec: str, home: Path) -> list[str]:
    """Return a hash of each image's file, or of its pixels; a file that has none: ``!reason``."""
    if isinstance(listing.sources, np.ndarray):
        return [hashlib.sha256(image.tobytes()).hexdigest() for image in listing.sources]
    paths = list(listing.sources)
    if isinstance(listing.masks, list):
        paths += [mask for mask in listing.masks if mask is not None]
    first = os.path.abspath(paths[0])  # noqa: PTH100 - resolve() would follow links
    where = hashlib.sha256(f"{spec}\n{first}".encode("utf-8", "replace"))
    return file_digests(paths, home / "signatures" / f"{where.hexdigest()[:32]}.json")


def _entry(listing: Listing, spec: str, home: Path, size: int, drop: bool) -> Path:
    digests = content_digests(listing, spec, home)
    folder = home / "decoded" / _key(listing, digests, size, drop)
    if not _complete(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with hold(folder.with_suffix(".lock")):
            if not _complete(folder):
                from imbench.images.cache_writer import (
                    write_decoded,  # Pillow is needed for nothing else
                )

                _LOG.info("decoding %d images of %s at %d px", len(listing.names), spec, size)
                reasons = {
                    row: digest[1:]
                    for row, digest in enumerate(digests)
                    if digest.startswith(UNREADABLE) and row < len(listing.names)
                }
                write_decoded(
                    folder, listing, size=size, drop_leaks=drop, faults=reasons, spec=spec
                )
    return folder


def _key(listing: Listing, digests: list[str], size: int, drop: bool) -> str:
    masked: Any = None
    if isinstance(listing.masks, np.ndarray):
        masked = hashlib.sha256(np.ascontiguousarray(listing.masks).tobytes()).hexdigest()
    elif listing.masks is not None:
        masked = [mask is not None for mask in listing.masks]
    head = [
        DECODER,
        size,
        drop,
        listing.channels,
        list(listing.classes),
        listing.labels.tolist(),
        listing.splits.tolist(),
        list(listing.names),
        None if listing.groups is None else [str(group) for group in listing.groups],
        None if listing.weights is None else listing.weights.tolist(),
        None if not isinstance(listing.sources, np.ndarray) else listing.sources.shape,
        masked,
        digests,
    ]
    return hashlib.sha256(json.dumps(head).encode()).hexdigest()[:32]


def _complete(folder: Path) -> bool:
    try:
        _opened(folder, _manifest(folder))
    except (DataError, KeyError):
        return False
    return True


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
    except FileNotFoundError as error:
        raise DataError(f"no decoded images in {folder}; `prepare` makes them") from error
    except ValueError as error:
        raise DataError(f"{folder / MANIFEST} is damaged; delete {folder}") from error
    return manifest  # type: ignore[no-any-return]


def _opened(folder: Path, manifest: dict[str, Any]) -> Decoded:
    try:
        arrays = {
            name: np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False)
            for name in manifest["arrays"]
        }
        whole = all(len(array) == len(manifest["names"]) for array in arrays.values())
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{folder} is damaged ({error}); delete it") from error
    if not whole:
        raise DataError(f"the arrays in {folder} do not fit together; delete it")
    parts, start = {}, 0
    for split in SPLITS:
        stop = start + manifest["splits"][split]
        parts[split] = _images(arrays, manifest, slice(start, stop), split)
        start = stop
    skipped = dict(manifest["faults"])
    if manifest["dropped"]:
        skipped |= {leak["copy"]: _leak_text(leak) for leak in manifest["leaks"]}
    return Decoded(
        folder=folder,
        classes=tuple(manifest["classes"]),
        fingerprint=manifest["fingerprint"],
        train=parts["train"],
        validation=parts["validation"],
        test=parts["test"],
        skipped=skipped,
    )


def _images(
    arrays: dict[str, NDArray[Any]], manifest: dict[str, Any], rows: slice, split: str
) -> Images:
    images = Images(
        pixels=arrays["pixels"][rows],
        labels=np.asarray(arrays["labels"][rows]),
        names=tuple(manifest["names"][rows]),
    )
    if "weights" in arrays:
        images = replace(images, weights=np.asarray(arrays["weights"][rows]))
    if split in manifest["masked"]:
        images = replace(images, masks=arrays["masks"][rows])
    return images


def _leak_text(leak: dict[str, Any]) -> str:
    how = "equal" if leak["exact"] else "nearly equal"
    return f"{how} to test image {leak['test']}"


def _bad(faults: dict[str, str], spec: str) -> str:
    shown = "; ".join(f"{name}: {reason}" for name, reason in list(faults.items())[:5])
    more = f"; and {len(faults) - 5} more" if len(faults) > 5 else ""
    return (
        f"{spec}: {len(faults)} images cannot be used: {shown}{more}. "
        "Mend or remove them, or leave them out with --bad-images skip"
    )


def _warn_of_leaks(manifest: dict[str, Any], spec: str) -> None:
    count = len({leak["copy"] for leak in manifest["leaks"]})
    if not count:
        return
    if manifest["dropped"]:
        _LOG.info("%s: %d copies of test images are left out of training", spec, count)
    else:
        _LOG.warning(
            "%s: %d training or validation images are copies of test images; `bench data verify "
            "%s` names them, --drop-leaks leaves them out",
            spec,
            count,
            spec,
        )


def _with_every_class(decoded: Decoded, spec: str) -> Decoded:
    for split, images in (("training", decoded.train), ("test", decoded.test)):
        counts = images.counts(len(decoded.classes))
        for name, count in zip(decoded.classes, counts, strict=True):
            if count == 0:
                raise DataError(f"{spec} has no {split} image of class {name!r}")
    return decoded
