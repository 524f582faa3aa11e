"""Decode a data set once: memory-mapped uint8 arrays in a cache, keyed by content and size.

`prepare` lists the images, hashes the files (hashes are cached by size and times) and decodes them
only if the cache has no entry of that content. `cache_reader.open_decoded` opens an entry and is
all that a worker needs.
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

from imbench.constraints import AS_TYPED
from imbench.contained import usable
from imbench.errors import DataError, EnvironmentFault, UnknownName, UsageError
from imbench.files.filehash import UNREADABLE, file_digests
from imbench.files.leases import hold
from imbench.given import read_options
from imbench.images.cache_reader import open_decoded, open_entry, read_manifest
from imbench.images.copy_policy import SEARCH
from imbench.images.dataset import Dataset, Decoded, Listing, class_fault
from imbench.images.geometry import geometry_of
from imbench.images.validate import read_listing
from imbench.images.whole_groups import why_missing
from imbench.registry import load_plugin
from imbench.spec import Spec, parse_spec, shown

__all__ = ["cache_folder", "content_digests", "make_dataset", "prepare"]

DECODER = 2
"""Raise it when the same files would be decoded to other pixels."""
_LOG = logging.getLogger(__name__)


def cache_folder() -> Path:
    """Return the folder for decoded images: ``IMBENCH_CACHE``, or ``~/.cache/imbench``."""
    path = os.environ.get("IMBENCH_CACHE")
    return Path(path).expanduser() if path else Path.home() / ".cache" / "imbench"


def make_dataset(spec: str, root: Path) -> Dataset:
    """Return the data set that a spec such as ``folder:clothing,minority=hat`` names.

    Parameters
    ----------
    spec : str
        Name and options; ``bench list datasets`` names them, ``bench info NAME`` says the options.
    root : Path
        Folder that holds the data of all data sets.

    Returns
    -------
    Dataset
        Nothing of it is read yet: see `Dataset.read`.

    Raises
    ------
    UsageError
        If the name or an option is unknown, or the plug-in is not a data set.

    Examples
    --------
    >>> from pathlib import Path
    >>> from imbench import make_dataset
    >>> listing = make_dataset("digits:majority=1,minority=7", Path("data")).read()
    >>> listing.classes, len(listing.names)
    (('1', '7'), 361)
    """
    parsed = parse_spec(spec)
    try:
        plugin = load_plugin("datasets", parsed.name)
    except UnknownName as error:
        raise UnknownName(_path_in_place_of_a_spec(parsed.name, root) or str(error)) from error
    with usable(f"data set {spec!r} cannot be made"):
        if fault := class_fault(plugin):
            raise UsageError(f"data set {parsed.name!r} cannot be used: {fault}")
        options = read_options(
            f"data set {parsed.name}", plugin, parsed.options, skip=2, undeclared=AS_TYPED
        )
        return plugin(root, parsed.argument, **options)  # type: ignore[no-any-return]


def _path_in_place_of_a_spec(name: str, root: Path) -> str:
    """Return what to write where a path was given in place of a data set, or an empty text."""
    for place in (root / name, Path(name)):
        if os.path.exists(place):  # noqa: PTH110 - false for what no system takes as a path
            suffix = place.suffix.lower()
            kind = "folder" if place.is_dir() else "medmnist" if suffix == ".npz" else "csv"
            return f"{shown(name)!r} is a path and no data set: write {Spec(kind, name)}"
    return ""


def prepare(
    spec: str,
    *,
    root: Path,
    size: int,
    cache: Path | None = None,
    bad_images: Literal["stop", "skip"] = "stop",
    drop_leaks: bool | None = None,
) -> Decoded:
    """Decode a data set, or open its entry in the cache.

    Parameters
    ----------
    spec : str
        Name and options, e.g. ``horse2zebra``.
    root : Path
        Folder that holds the data.
    size : int
        Side of the square images, in pixels.
    cache : Path, optional
        Folder of the cache; ``IMBENCH_CACHE`` or ``~/.cache/imbench`` by default.
    bad_images : {"stop", "skip"}
        Whether images that cannot be decoded raise DataError or are left out.
    drop_leaks : bool, optional
        Leave out training and validation images that are copies of test images, instead of only
        noting them. The default is True for data sets that are known to have some.

    Returns
    -------
    Decoded
        Its ``train``, ``validation`` and ``test`` each have ``pixels`` uint8 (n, size, size,
        channels) and ``labels`` (n,), mapped from the disk, and ``names`` (n,); where the data
        set has them ``weights``, ``groups`` and ``masks``. ``classes`` are the names of the
        labels, ``fingerprint`` is a hash of all, ``notes`` say what was done that nobody asked
        for.

    Raises
    ------
    DataError
        If images are missing or bad, or a class has no training or test image.
    UsageError
        If the name or an option is unknown.
    EnvironmentFault
        If the cache cannot be written.

    Examples
    --------
    >>> from pathlib import Path
    >>> from imbench import prepare
    >>> digits = prepare("digits", root=Path("data"), size=16, cache=Path("cache"))
    >>> digits.train.pixels.shape, digits.classes
    ((1078, 16, 16, 1), ('rest', '8'))
    """
    dataset = make_dataset(spec, root)
    listing = read_listing(dataset, spec)
    drop = bool(dataset.known_leaks) if drop_leaks is None else drop_leaks
    # Absolute, since workers may run in another folder.
    cache = (cache_folder() if cache is None else cache).absolute()
    try:
        folder = _find_or_write_entry(listing, spec, cache, size, drop)
    except OSError as error:
        raise EnvironmentFault(
            f"decoded images cannot be kept in {cache}: {error.strerror or error}; "
            "set IMBENCH_CACHE to another folder"
        ) from error
    manifest = read_manifest(folder)
    if manifest["faults"] and bad_images == "stop":
        raise DataError(_bad_images(manifest["faults"], spec))
    decoded = open_entry(folder, manifest)
    decoded = replace(
        decoded,
        notes=(*listing.notes, *decoded.notes),
        geometry=geometry_of(listing.policies),
    )
    _check_classes(decoded, listing, spec)
    return decoded


def content_digests(listing: Listing, spec: str, cache: Path) -> list[str]:
    """Return a hash of each image's file or pixels; for an unreadable file ``!reason``."""
    if isinstance(listing.sources, np.ndarray):
        return [hashlib.sha256(image.tobytes()).hexdigest() for image in listing.sources]
    paths = list(listing.sources)
    if isinstance(listing.masks, list):
        paths += [mask for mask in listing.masks if mask is not None]
    first = os.path.abspath(paths[0])  # noqa: PTH100 - resolve() would follow links
    name = hashlib.sha256(f"{spec}\n{first}".encode("utf-8", "replace")).hexdigest()[:32]
    return file_digests(paths, cache / "signatures" / f"{name}.json")


def _find_or_write_entry(listing: Listing, spec: str, cache: Path, size: int, drop: bool) -> Path:
    digests = content_digests(listing, spec, cache)
    folder = cache / "decoded" / _key(listing, digests, size, drop)
    if _is_complete(folder):
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with hold(folder.with_suffix(".lock")):
        if not _is_complete(folder):
            from imbench.images.cache_writer import write_decoded  # imports Pillow

            _LOG.info("decoding %d images of %s at %d px", len(listing.names), spec, size)
            faults = {
                row: digest[1:]
                for row, digest in enumerate(digests)
                if digest.startswith(UNREADABLE) and row < len(listing.names)
            }
            write_decoded(folder, listing, size=size, drop_leaks=drop, faults=faults, spec=spec)
    return folder


def _key(listing: Listing, digests: list[str], size: int, drop: bool) -> str:
    masks: Any = None
    if isinstance(listing.masks, np.ndarray):
        masks = hashlib.sha256(np.ascontiguousarray(listing.masks).tobytes()).hexdigest()
    elif listing.masks is not None:
        masks = [mask is not None for mask in listing.masks]
    content = [
        DECODER,
        SEARCH,
        size,
        drop,
        listing.channels,
        list(listing.classes),
        listing.labels.tolist(),
        listing.splits.tolist(),
        list(listing.names),
        # Marked, since entries of older versions do not hold the groups.
        None if listing.groups is None else ["kept", *map(str, listing.groups)],
        None if listing.weights is None else listing.weights.tolist(),
        None if not isinstance(listing.sources, np.ndarray) else listing.sources.shape,
        masks,
        digests,
    ]
    if listing.policies:
        content.append(sorted(listing.policies.items()))
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:32]


def _is_complete(folder: Path) -> bool:
    try:
        open_decoded(folder)
    except (DataError, KeyError):
        return False
    return True


def _bad_images(faults: dict[str, str], spec: str) -> str:
    shown = "; ".join(f"{name}: {reason}" for name, reason in list(faults.items())[:5])
    more = f"; and {len(faults) - 5} more" if len(faults) > 5 else ""
    return (
        f"{spec}: {len(faults)} images cannot be used: {shown}{more}. "
        "Mend or remove them, or leave them out with --bad-images skip"
    )


def _check_classes(decoded: Decoded, listing: Listing, spec: str) -> None:
    for split, images in (("train", decoded.train), ("test", decoded.test)):
        counts = images.counts(len(decoded.classes))
        for name, count in zip(decoded.classes, counts, strict=True):
            if count == 0:
                kind = "training" if split == "train" else split
                why = why_missing(listing, split, name)
                raise DataError(f"{spec} has no {kind} image of class {name!r}{why}")
