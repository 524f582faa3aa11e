"""Outputs of test images rounded to a seventh of their size, with every decision and rank kept.

Kept is the log-odds of each class, rounded to a step of 1/64. Where images of different classes
fall into one step, it is divided by 16 until they are apart, at most three times; what is still
together then, or would decide or rank otherwise than before, is kept as it is. So the likeliest
class of every image, and which images of a class lie above which of the others, are those of the
outputs, and with them confusions, F1, balanced accuracy and AUROC, of resampled images too.
Changed is what depends on the probabilities themselves: Brier score, calibration, thresholds
between two images.

Steps are whole numbers, so that no machine reads another file than the one that was written.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["STEP", "STREAMS", "DamagedOutputs", "Reader", "RoundedOutputs", "restored", "rounded"]

STEP = 1 / 64
"""Largest width of a step of log-odds; half of it is the largest change."""
LEVELS = 3
"""How often a step is divided by 16."""
_FINEST = 16**LEVELS / STEP
_ENDS = (-(1 << 15), (1 << 15) - 1)
"""Steps that hold all that lies beyond: log-odds of 512 and more."""
STREAMS = ("low", "high", "digits", "kept", "values")
"""What outputs are written as: two bytes of a step, half bytes that divide it, which are kept."""

Floats = NDArray[np.float32]
Odds = NDArray[np.float64]
Scored = NDArray[np.floating[Any]]
Labels = NDArray[np.int64]


class DamagedOutputs(ValueError):
    """Streams of bytes that no outputs were written as."""


RoundedOutputs = dict[str, bytes]
"""Outputs as bytes, by the names of `STREAMS`."""


class Reader:
    """Takes bytes from the front of streams; raises DamagedOutputs where there are too few."""

    def __init__(self, streams: Mapping[str, bytes]) -> None:
        self._views = {name: memoryview(streams[name]) for name in STREAMS}

    def take(self, name: str, count: int) -> bytes:
        """Return the next bytes of a stream."""
        view = self._views[name]
        if len(view) < count:
            raise DamagedOutputs(f"the stream {name!r} is too short")
        self._views[name] = view[count:]
        return bytes(view[:count])

    @property
    def spent(self) -> bool:
        """Whether nothing is left."""
        return not any(len(view) for view in self._views.values())


def rounded(labels: Labels, proba: Floats) -> RoundedOutputs:
    """Return probabilities (n, K) rounded, given the true classes (n,).

    Raises
    ------
    ValueError
        If they do not fit, are not finite, or are not between 0 and 1.
    """
    _check(labels, proba)
    kept = np.zeros((_columns(proba.shape[1]), len(labels)), np.bool_)
    for _ in range(3):
        written = _write(labels, proba, kept)
        wrong = _wrong(labels, proba, restored(labels, proba.shape[1], Reader(written)))
        if not wrong.any():
            return written
        kept |= wrong
    return _write(labels, proba, np.ones_like(kept))


def restored(labels: Labels, classes: int, reader: Reader) -> Floats:
    """Return probabilities (n, K), of all classes but two not normalised.

    Raises
    ------
    DamagedOutputs
        If the streams are too short.
    """
    found = np.empty((len(labels), classes), np.float32)
    for column in range(_columns(classes)):
        positive = labels == _positive(column, classes)
        odds, exact = _read_column(positive, reader)
        with np.errstate(over="ignore"):
            made = np.stack([1 / (1 + np.exp(odds)), 1 / (1 + np.exp(-odds))], axis=1)
        where = slice(None) if classes == 2 else slice(column, column + 1)
        width = 2 if classes == 2 else 1
        found[:, where] = made[:, 2 - width :]
        values = reader.take("values", 4 * width * int(exact.sum()))
        found[exact, where] = np.frombuffer(values, "<f4").reshape(-1, width)
    return found


def _check(labels: Labels, proba: Floats) -> None:
    if proba.ndim != 2 or proba.shape[1] < 2 or labels.shape != proba.shape[:1]:
        raise ValueError("labels and probabilities do not fit")
    if len(labels) and not 0 <= labels.min() <= labels.max() < proba.shape[1]:
        raise ValueError("labels lie outside the classes")
    if not (np.isfinite(proba) & (proba >= 0) & (proba <= 1)).all():
        raise ValueError("probabilities lie outside 0 to 1")


def _columns(classes: int) -> int:
    return 1 if classes == 2 else classes


def _positive(column: int, classes: int) -> int:
    return 1 if classes == 2 else column


def _write(labels: Labels, proba: Floats, kept: NDArray[np.bool_]) -> RoundedOutputs:
    classes = proba.shape[1]
    parts: dict[str, list[bytes]] = {name: [] for name in STREAMS}
    for column, own in enumerate(kept):
        finest = _finest_steps(_log_odds(proba, column))
        steps = finest >> 4 * LEVELS
        exact, digits = _divided(labels == _positive(column, classes), steps, own, finest)
        words = steps.astype("<i2").view(np.uint8).reshape(-1, 2)
        parts["low"].append(words[:, 0].tobytes())
        parts["high"].append(words[:, 1].tobytes())
        parts["digits"].append(digits)
        parts["kept"].append(np.packbits(own).tobytes())
        values = proba if classes == 2 else proba[:, [column]]
        parts["values"].append(values[exact].astype("<f4").tobytes())
    return {name: b"".join(part) for name, part in parts.items()}


def _read_column(positive: NDArray[np.bool_], reader: Reader) -> tuple[Odds, NDArray[np.bool_]]:
    """Return log-odds (n,), the middle of each step, and which are kept as they are."""
    n = len(positive)
    pair = [np.frombuffer(reader.take(name, n), np.uint8) for name in ("low", "high")]
    steps = np.stack(pair, axis=1).copy().view("<i2")[:, 0].astype(np.int64)
    flags = np.frombuffer(reader.take("kept", (n + 7) // 8), np.uint8)
    own = np.unpackbits(flags, count=n).astype(np.bool_)
    left = np.ones(n, np.bool_)
    width = np.full(n, 16**LEVELS, np.int64)
    low = steps * 16**LEVELS
    for level in range(LEVELS + 1):
        left = _mixed(low >> 4 * (LEVELS - level), positive, left)
        if level == LEVELS or not left.any():
            break
        digits = np.frombuffer(reader.take("digits", int(left.sum())), np.uint8)
        width[left] //= 16
        low[left] += digits.astype(np.int64) * width[left]
    return (low + width / 2) / _FINEST, left | own | np.isin(steps, _ENDS)


def _divided(
    positive: NDArray[np.bool_], steps: Labels, own: NDArray[np.bool_], finest: Labels
) -> tuple[NDArray[np.bool_], bytes]:
    """Return which images are kept as they are, and the half bytes that divide steps."""
    left = np.ones(len(steps), np.bool_)
    digits = []
    for level in range(LEVELS + 1):
        left = _mixed(finest >> 4 * (LEVELS - level), positive, left)
        if level == LEVELS or not left.any():
            break
        digits.append((finest[left] >> 4 * (LEVELS - level - 1) & 15).astype(np.uint8).tobytes())
    return left | own | np.isin(steps, _ENDS), b"".join(digits)


def _mixed(
    steps: Labels, positive: NDArray[np.bool_], among: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Return which of the images `among` share their step with one of the other class."""
    found = np.zeros(len(steps), np.bool_)
    if not among.any():
        return found
    own, inverse = np.unique(steps[among], return_inverse=True)
    ours = np.bincount(inverse, positive[among], len(own))
    size = np.bincount(inverse, minlength=len(own))
    found[among] = ((ours > 0) & (ours < size))[inverse]
    return found


def _log_odds(proba: Floats, column: int) -> Odds:
    exact = proba.astype(np.float64)
    second = exact[:, 1] if exact.shape[1] == 2 else exact[:, column]
    first = exact[:, 0] if exact.shape[1] == 2 else 1 - second
    with np.errstate(divide="ignore"):
        odds = np.log(second) - np.log(first)
    return np.asarray(np.nan_to_num(odds, nan=0.0, posinf=1e4, neginf=-1e4))


def _finest_steps(odds: Odds) -> Labels:
    low, high = _ENDS
    most = (high + 1) * 16**LEVELS - 1
    steps = np.clip(np.floor(odds * _FINEST), low * 16**LEVELS, most)
    return np.asarray(steps, np.int64)


def _wrong(labels: Labels, proba: Floats, found: Floats) -> NDArray[np.bool_]:
    """Return, by column, which images have to be kept so that decisions and ranks are the same."""
    classes = proba.shape[1]
    wrong = np.zeros((_columns(classes), len(labels)), np.bool_)
    wrong[:] = proba.argmax(axis=1) != found.argmax(axis=1)
    for column, row in enumerate(wrong):
        label = _positive(column, classes)
        mine = labels == label
        views: list[tuple[Scored, Scored]] = [(proba[:, label], found[:, label])]
        if classes == 2:
            views.append((_log_odds(proba, 0), _log_odds(found, 0)))
        for before, after in views:
            moved = _among(before, mine) != _among(after, mine)
            if moved.any():
                row |= before >= before[mine][moved.any(axis=0)].min()
    return wrong


def _among(score: Scored, positive: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Return, for each positive image, how many others lie below it, and below or level."""
    others, ours = np.sort(score[~positive]), score[positive]
    return np.stack([np.searchsorted(others, ours, side) for side in ("left", "right")])
