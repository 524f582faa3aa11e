"""Read a data set and check what it gives: each field, that they fit, that it can be trained on."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from imbench.contained import Fault, contained
from imbench.errors import DataError, ImbenchError
from imbench.images.class_names import alike_notes
from imbench.images.dataset import Dataset, Listing
from imbench.images.notes import DataNote
from imbench.images.split import SPLITS, check_groups

__all__ = ["check_fields", "read_everything", "read_listing", "validate_listing"]


def read_listing(dataset: Dataset, spec: str) -> Listing:
    """Return the images of the chosen classes of a data set.

    Raises
    ------
    DataError
        If its `read` fails in any way, or gives what cannot be trained on.
    """
    return _with_notes(validate_listing(_read(dataset.read, spec), spec))


def read_everything(dataset: Dataset, spec: str) -> Listing:
    """Return the images of all classes of a data set, chosen or not; see `check_fields`."""
    return _with_notes(
        check_fields(_read(getattr(dataset, "everything", dataset.read), spec), spec)
    )


def validate_listing(listing: Listing, spec: str) -> Listing:
    """Return the listing; raise DataError if it cannot be trained on."""
    listing = check_fields(listing, spec)
    if len(listing.classes) < 2:
        raise DataError(f"{spec} has one class only, {listing.classes!r}; two are needed")
    if listing.groups is not None:
        check_groups(listing.groups, listing.splits, spec)
    return listing


def check_fields(listing: Listing, spec: str) -> Listing:
    """Return the listing, labels as int64; raise DataError for a field of the wrong type or length.

    Data sets of one class and torn groups pass: `bench data verify` reports them.
    """
    if not isinstance(listing, Listing):
        raise DataError(f"{spec}: read() returned {_kind(listing)}, not an imbench.Listing")
    for name, find_fault in _FAULTS.items():
        fault = find_fault(getattr(listing, name))
        if fault:
            raise DataError(f"{spec}: {name}: {fault}")
    n = len(listing.names)
    for name in ("sources", "labels", "splits", "groups", "weights", "masks"):
        items = getattr(listing, name)
        if items is not None and len(items) != n:
            raise DataError(f"{spec}: {len(items)} {name} for {n} names")
    if n == 0:
        raise DataError(f"{spec} has no images")
    classes = len(listing.classes)
    outside = listing.labels[(listing.labels < 0) | (listing.labels >= classes)]
    if len(outside):
        raise DataError(
            f"{spec}: {len(outside)} labels are outside 0..{classes - 1}, e.g. {outside[0]}: "
            "a label is the place of the image's class in classes"
        )
    if listing.labels.dtype == np.int64:
        return listing
    return replace(listing, labels=listing.labels.astype(np.int64))


def _with_notes(listing: Listing) -> Listing:
    counts = np.bincount(listing.labels, minlength=len(listing.classes)).tolist()
    return replace(listing, notes=(*listing.notes, *alike_notes(listing.classes, counts)))


def _read(read: Callable[[], Listing], spec: str) -> Listing:
    try:
        with contained(ImbenchError, OSError, MemoryError):
            return read()
    except OSError as error:
        raise DataError(f"{spec} cannot be read: {error}") from error
    except Fault as fault:
        raised = fault.__cause__
        place = traceback.extract_tb(None if raised is None else raised.__traceback__)[-1]
        raise DataError(
            f"{spec}: read() failed at {Path(place.filename).name}, line {place.lineno}: {fault}"
        ) from fault


def _kind(value: object) -> str:
    """Return what a value is, in a few words."""
    if isinstance(value, np.ndarray):
        return f"an array of {value.dtype}, shape {value.shape}"
    return "None" if value is None else f"a {type(value).__name__}"


def _wrong_item(items: Sequence[Any], kinds: type | tuple[type, ...], wanted: str) -> str | None:
    wrong = next((row for row, item in enumerate(items) if not isinstance(item, kinds)), None)
    return None if wrong is None else f"{_kind(items[wrong])} at place {wrong}, not {wanted}"


def _texts(value: Any) -> str | None:
    if not isinstance(value, tuple | list):
        return f"{_kind(value)}, not a tuple of texts"
    if wrong := _wrong_item(value, str, "a text"):
        return wrong
    seen: set[str] = set()
    for text in value:
        if text in seen:
            return f"{text!r} stands there twice"
        seen.add(text)
    return None


def _sources(value: Any) -> str | None:
    if isinstance(value, np.ndarray):
        return _pixels(value)
    if not isinstance(value, list | tuple):
        return f"{_kind(value)}, neither a list of pathlib.Path nor an array of pixels"
    return _wrong_item(value, Path, "a pathlib.Path")


def _pixels(value: np.ndarray[Any, Any]) -> str | None:
    fault = f"{_kind(value)}, not uint8 (images, height, width, 1 or 3)"
    if value.dtype != np.uint8:
        return f"{fault}: scale pixels to 0..255, round them and convert with .astype(np.uint8)"
    if value.ndim == 3:
        return f"{fault}: add the axis of channels with [..., np.newaxis]"
    if value.ndim == 4 and value.shape[1] in (1, 3) and value.shape[3] not in (1, 3):
        return f"{fault}: the channels stand second; .transpose(0, 2, 3, 1) moves them"
    if value.ndim != 4 or value.shape[3] not in (1, 3) or 0 in value.shape[1:]:
        return fault
    return None


def _labels(value: Any) -> str | None:
    if not isinstance(value, np.ndarray) or value.ndim != 1 or value.dtype.kind not in "iu":
        return f"{_kind(value)}, not an array of whole numbers (images,)"
    return None


def _splits(value: Any) -> str | None:
    if not isinstance(value, np.ndarray) or value.ndim != 1 or value.dtype.kind != "U":
        return f"{_kind(value)}, not an array of texts (images,), as np.array([...]) makes it"
    unknown = sorted(set(np.unique(value).tolist()) - set(SPLITS))
    return f"{unknown[0]!r} is none of {', '.join(SPLITS)}" if unknown else None


def _channels(value: Any) -> str | None:
    return None if type(value) is int and value in (1, 3) else f"{value!r} is neither 1 nor 3"


def _groups(value: Any) -> str | None:
    if value is None:
        return None
    if not isinstance(value, np.ndarray) or value.ndim != 1:
        return f"{_kind(value)}, not an array (images,), as np.array([...], object) makes it"
    # Groups are compared as texts: images without one would form a group that they do not share.
    missing = [str(group) for group in value if not isinstance(group, str)]
    count = sum(text in ("None", "nan", "<NA>", "NaT") for text in missing)
    return (
        f"{count} images have none (None or NaN); give each a group of its own" if count else None
    )


def _weights(value: Any) -> str | None:
    if value is None:
        return None
    if not isinstance(value, np.ndarray) or value.ndim != 1 or value.dtype.kind not in "iuf":
        return f"{_kind(value)}, not an array of numbers (images,)"
    bad = value[~(np.isfinite(value) & (value >= 0))]
    return f"{bad[0]} is not a number from 0 on" if len(bad) else None


def _masks(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, np.ndarray):
        if value.dtype == np.bool_ and value.ndim == 3:
            return None
        return f"{_kind(value)}, not bool (images, height, width), as masks > 127 makes it"
    if not isinstance(value, list | tuple):
        return f"{_kind(value)}, neither a list of pathlib.Path or None nor an array"
    return _wrong_item(value, (Path, type(None)), "a pathlib.Path or None")


def _notes(value: Any) -> str | None:
    if not isinstance(value, tuple | list):
        return f"{_kind(value)}, not a tuple of DataNote"
    return _wrong_item(value, DataNote, "a DataNote")


def _policies(value: Any) -> str | None:
    if not isinstance(value, Mapping):
        return f"{_kind(value)}, not a mapping of texts"
    return _wrong_item([*value, *value.values()], str, "a text")


_FAULTS: Mapping[str, Callable[[Any], str | None]] = {
    "classes": _texts,
    "names": _texts,
    "sources": _sources,
    "labels": _labels,
    "splits": _splits,
    "channels": _channels,
    "groups": _groups,
    "weights": _weights,
    "masks": _masks,
    "notes": _notes,
    "policies": _policies,
}
"""Field to the function that says in words what is wrong with its value, or None."""
