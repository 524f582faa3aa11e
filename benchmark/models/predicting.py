"""Predict many image files: decoded in threads while the network works, in constant memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from imbench.files.reading import LARGE, read_bytes, unread
from imbench.images.decode import ImageFault, quiet_pillow
from imbench.images.properties import Properties
from imbench.models.core import View
from imbench.models.model import Model
from imbench.models.seen import content_hashes, grey_images

__all__ = ["BATCH", "Prediction", "predict_files"]

BATCH = 256
"""Images that the network is given at a time."""
_CHUNK = 32
"""Images that a thread decodes at a time."""
_AHEAD = 2
"""Batches that are decoded before the network asks for them."""


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a model says of a file, or why it says nothing."""

    path: Path
    fault: str = ""
    """Why the file cannot be used; then nothing else is known of it."""
    proba: NDArray[np.float64] | None = None
    said: int = 0
    """Class that is said."""
    margin: float = 0.0
    """Distance from being called otherwise, in log odds: see `Decision.margins`."""
    properties: Properties = field(default_factory=Properties)
    grey: bool = False
    """Whether it has no colour."""
    brightness: float = 0.0
    """Mean of what the network sees, 0 to 255."""
    in_training: bool = False
    """Whether it looks to the network exactly like an image it was trained on."""


@dataclass(frozen=True, eq=False)
class _Decoded:
    path: Path
    square: NDArray[np.uint8] | None
    properties: Properties = field(default_factory=Properties)
    fault: str = ""


def predict_files(model: Model, paths: Iterable[Path], *, threads: int = 2) -> Iterator[Prediction]:
    """Yield a prediction for each file, in their order.

    The same decoder, the same batches and the same network as in training and scoring: the outputs
    for a test image are those that a run had for it.

    Parameters
    ----------
    model : Model
        What predicts.
    paths : iterable of Path
        Files; at most a few batches are taken before they are needed.
    threads : int
        Threads that decode.
    """
    seen = frozenset(model.seen.tolist())
    with quiet_pillow(), ThreadPoolExecutor(threads) as pool:
        try:
            for batch in _batches(_decoded(pool, paths, model.core.view)):
                yield from _predicted(model, batch, seen)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _decoded(pool: ThreadPoolExecutor, paths: Iterable[Path], view: View) -> Iterator[_Decoded]:
    """Yield the files in their order, decoded; a bounded number of them is under way."""
    chunks, pending = iter(paths), deque[Future[list[_Decoded]]]()
    ahead = 1 + _AHEAD * BATCH // _CHUNK
    while True:
        while len(pending) < ahead and (chunk := list(islice(chunks, _CHUNK))):
            pending.append(pool.submit(_decode_chunk, chunk, view))
        if not pending:
            return
        yield from pending.popleft().result()


def _decode_chunk(paths: Sequence[Path], view: View) -> list[_Decoded]:
    return [_decode(path, view) for path in paths]


def _decode(path: Path, view: View) -> _Decoded:
    try:
        square, properties = view.square(read_bytes(path, LARGE))
    except ImageFault as fault:
        return _Decoded(path, None, fault=str(fault))
    except OSError as error:
        return _Decoded(path, None, fault=unread(error))
    return _Decoded(path, square, properties)


def _batches(images: Iterable[_Decoded]) -> Iterator[list[_Decoded]]:
    """Yield lists with as many good images as the network takes, and the bad ones among them."""
    batch: list[_Decoded] = []
    good = 0
    for image in images:
        batch.append(image)
        good += image.square is not None
        if good == BATCH or len(batch) == 4 * BATCH:
            yield batch
            batch, good = [], 0
    if batch:
        yield batch


def _predicted(
    model: Model, batch: Sequence[_Decoded], seen: frozenset[int]
) -> Iterator[Prediction]:
    squares = [image.square for image in batch if image.square is not None]
    if not squares:
        yield from (Prediction(image.path, image.fault) for image in batch)
        return
    pixels = np.stack(squares)
    proba = model.predict_squares(pixels)
    said, margins = model.decision.said(proba), model.decision.margins(proba)
    hashes = content_hashes(pixels).tolist() if seen else []
    brightness = pixels.reshape(len(pixels), -1).mean(axis=1)
    grey = grey_images(pixels, [one.properties for one in batch if one.square is not None])
    row = -1
    for image in batch:
        if image.square is None:
            yield Prediction(image.path, image.fault)
            continue
        row += 1
        yield Prediction(
            image.path,
            proba=proba[row],
            said=int(said[row]),
            margin=float(margins[row]),
            properties=image.properties,
            grey=bool(grey[row]),
            brightness=float(brightness[row]),
            in_training=bool(seen) and hashes[row] in seen,
        )
