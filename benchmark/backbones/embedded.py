"""Keep what a backbone made of a data set: each image is embedded once, into memory-mapped rows.

An entry is one view of all images of a decoded data set, in its order: a folder below ``embedded``
of the cache, named by content. It appears when it is complete. What a killed process had embedded
is kept beside it, and the next one goes on from there.
"""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imbench.backbones.frozen import Frozen
from imbench.backbones.seen_before import HASH_BYTES, Hashes, SeenBefore, hashes_of
from imbench.backbones.views import Embedder
from imbench.errors import DataError, EnvironmentFault
from imbench.files.atomic import write_atomic
from imbench.files.leases import hold
from imbench.files.reading import SMALL, check_regular, read_text
from imbench.images.dataset import Decoded

__all__ = ["Entry", "embed_entries", "entries_of", "is_there", "open_rows"]

_LOG = logging.getLogger(__name__)
_SCHEMA = 1
_ROWS, _MANIFEST, _PROGRESS = "rows.npy", "manifest.json", "progress.json"
_HASHES = "pictures.npy"
"""Of the picture behind each row, as its view shows it."""
_SAVED = 512
"""Images after which the rows are safe on the disk: some 3 s of work."""
_HASHED = 1 << 24


@dataclass(frozen=True)
class Entry:
    """Where the rows of one view of a data set lie, or will lie."""

    folder: Path
    view: str
    images: int
    width: int


def entries_of(
    decoded: Decoded, frozen: Frozen, views: Sequence[str], cache: Path
) -> tuple[Entry, ...]:
    """Return the entry of each view, whether it is there or not.

    Raises
    ------
    DataError
        If the backbone's weights are missing.
    """
    names = [name for part in _parts(decoded) for name in part.names]
    content = [_SCHEMA, decoded.fingerprint, frozen.spec, frozen.digest]
    if frozen.backbone.by_name:
        content.append(hashlib.sha256("\0".join(names).encode("utf-8", "replace")).hexdigest())
    found = []
    for view in views:
        key = hashlib.sha256(json.dumps([*content, view]).encode()).hexdigest()[:32]
        folder = cache.absolute() / "embedded" / key
        found.append(Entry(folder, view, len(names), frozen.backbone.width))
    return tuple(found)


def embed_entries(
    decoded: Decoded,
    frozen: Frozen,
    entries: Sequence[Entry],
    *,
    device: str = "cpu",
    tell: Callable[[int], None] = lambda _images: None,
) -> None:
    """Embed what is not there yet; one process at a time does an entry, others wait for it.

    Parameters
    ----------
    tell : callable
        Called with the number of images embedded since the last call.

    Raises
    ------
    UsageError
        If the backbone cannot take the images.
    DataError
        If its weights are damaged.
    EnvironmentFault
        If the rows cannot be written.
    """
    missing = [entry for entry in entries if not _is_whole(entry)]
    if not missing:
        return
    embed = frozen.backbone.embedder(device)
    for entry in missing:
        try:
            entry.folder.parent.mkdir(parents=True, exist_ok=True)
            with hold(entry.folder.with_suffix(".lock")):
                if not _is_whole(entry):
                    _write(decoded, frozen, entry, embed, tell)
        except OSError as error:
            raise EnvironmentFault(
                f"features cannot be kept in {entry.folder.parent}: {error.strerror or error}; set "
                "IMBENCH_CACHE to another folder"
            ) from error


def _with_earlier(embed: Embedder, frozen: Frozen, pictures: Hashes, folder: Path) -> SeenBefore:
    """Return an embedder that knows what this backbone made of some pictures in other entries."""
    seen = SeenBefore(embed)
    wanted = set(map(bytes, pictures))
    for path in sorted(folder.glob(f"*/{_MANIFEST}")):
        manifest = _read(path)
        if (manifest.get("backbone"), manifest.get("weights")) != (frozen.spec, frozen.digest):
            continue
        try:
            hashes = _mapped(path.with_name(_HASHES), np.uint8, HASH_BYTES)
            places = [i for i, one in enumerate(map(bytes, hashes)) if one in wanted]
            if not places:
                continue
            rows = _mapped(path.with_name(_ROWS), np.float32, frozen.backbone.width)
        except DataError:
            continue  # damaged, or of an earlier version, which kept no hashes
        if len(rows) == len(hashes) and _sum(rows).hexdigest() == manifest.get("sum"):
            seen.add(hashes[places], [rows[place] for place in places])
    return seen


def is_there(entry: Entry) -> bool:
    """Whether an entry is there; whether it is as it was written is not looked at."""
    return (entry.folder / _MANIFEST).is_file()


def open_rows(entry: Entry) -> NDArray[np.float32]:
    """Map the rows of an entry, shape (images, width): training, validation, test images.

    Raises
    ------
    DataError
        If they are missing or of another form; what they hold was checked when the run began.
    """
    rows: NDArray[np.float32] = _mapped(entry.folder / _ROWS, np.float32, entry.width)
    if len(rows) != entry.images:
        raise DataError(f"{entry.folder} holds features of another form; delete it")
    return rows


def _mapped(path: Path, kind: type[np.generic], width: int) -> NDArray[Any]:
    try:
        check_regular(path)
        rows: NDArray[Any] = np.lib.format.open_memmap(path, mode="r")
    except Exception as error:  # numpy reads a header as Python and raises what its parser does
        reason = " ".join(str(error).split())[:200]
        raise DataError(f"{path.parent} is damaged ({reason}); delete it") from error
    if rows.dtype != kind or rows.ndim != 2 or rows.shape[1] != width:
        raise DataError(f"{path.parent} holds features of another form; delete it")
    return rows


def _is_whole(entry: Entry) -> bool:
    """Whether an entry is there and as it was written: all of it is read."""
    manifest = _read(entry.folder / _MANIFEST)
    try:
        rows = open_rows(entry)
    except DataError:
        return False
    return bool(manifest.get("sum") == _sum(rows).hexdigest())


def _write(
    decoded: Decoded,
    frozen: Frozen,
    entry: Entry,
    embed: Embedder,
    tell: Callable[[int], None],
) -> None:
    """Write an entry; the caller holds its lock, so what is there is damaged or unfinished."""
    from imbench.backbones.embedding import rows_of

    if entry.folder.exists():
        _LOG.warning("%s is not as it was written and is made again", entry.folder)
        shutil.rmtree(entry.folder)
    part = entry.folder.with_name(f"{entry.folder.name}.part")
    rows, done, digest = _begun(part, entry)
    pictures = _pictures(decoded, entry.view)
    seen = None
    if not frozen.backbone.by_name:
        embed = seen = _with_earlier(embed, frozen, pictures, entry.folder.parent)
    tell(done)
    start = 0
    for images in _parts(decoded):
        skipped = min(len(images), max(0, done - start))
        at = saved = start + skipped
        for made in rows_of(
            embed, images.pixels[skipped:], images.names[skipped:], entry.view, what=frozen.spec
        ):
            if made.shape[1] != entry.width:
                raise DataError(f"backbone {frozen.spec} gives {made.shape[1]} features")
            rows[at : at + len(made)] = made
            if seen is not None:  # from here on they are read from the disk, not held
                seen.add(pictures[at : at + len(made)], rows[at : at + len(made)])
            digest.update(made.tobytes())
            at += len(made)
            if at - saved >= _SAVED:
                saved = at
                _save(part, rows, at, digest.hexdigest())
            tell(len(made))
        start += len(images)
    _save(part, rows, start, digest.hexdigest())
    np.save(part / _HASHES, pictures, allow_pickle=False)
    manifest = {
        "schema": _SCHEMA,
        "backbone": frozen.spec,
        "weights": frozen.digest,
        "fingerprint": decoded.fingerprint,
        "view": entry.view,
        "sum": digest.hexdigest(),
    }
    write_atomic(part / _MANIFEST, json.dumps(manifest))
    (part / _PROGRESS).unlink()
    part.rename(entry.folder)


def _pictures(decoded: Decoded, view: str) -> Hashes:
    from imbench.backbones.embedding import seen_as

    return np.concatenate([hashes_of(seen_as(images.pixels, view)) for images in _parts(decoded)])


def _begun(part: Path, entry: Entry) -> tuple[NDArray[np.float32], int, Any]:
    """Return the rows to fill, how many are filled already, and the running hash of these."""
    progress = _read(part / _PROGRESS)
    shape, path = (entry.images, entry.width), part / _ROWS
    done = progress.get("done")
    if isinstance(done, int) and 0 < done <= entry.images:
        try:
            check_regular(path)
            rows: Any = np.lib.format.open_memmap(path, mode="r+")
            if rows.dtype == np.float32 and rows.shape == shape:
                digest = _sum(rows[:done])
                if digest.hexdigest() == progress.get("sum"):
                    return rows, done, digest
        except Exception as error:  # what a damaged file makes numpy raise
            _LOG.warning("%s is damaged (%s) and begun again", path, error)
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir()
    needed, free = 4 * shape[0] * shape[1], shutil.disk_usage(part).free
    if needed > free:
        raise EnvironmentFault(
            f"features need {needed / 1e9:.1f} GB in {part.parent}, {free / 1e9:.1f} GB are free; "
            "set IMBENCH_CACHE to another folder"
        )
    return np.lib.format.open_memmap(path, "w+", np.float32, shape), 0, hashlib.sha256()


def _save(part: Path, rows: Any, done: int, digest: str) -> None:
    rows.flush()
    write_atomic(part / _PROGRESS, json.dumps({"done": done, "sum": digest}))


def _sum(rows: NDArray[np.float32]) -> Any:
    digest = hashlib.sha256()
    step = max(1, _HASHED // (4 * max(1, rows.shape[1])))
    for start in range(0, len(rows), step):
        digest.update(rows[start : start + step].tobytes())
    return digest


def _read(path: Path) -> dict[str, Any]:
    """Return what a file of JSON holds; empty where there is none, or it is damaged."""
    try:
        found = json.loads(read_text(path, SMALL))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _parts(decoded: Decoded) -> tuple[Any, ...]:
    return decoded.train, decoded.validation, decoded.test
