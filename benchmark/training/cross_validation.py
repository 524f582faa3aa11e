"""Cross-validation inside a training set: outputs for images that no network was trained on."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from imbench.errors import UsageError
from imbench.files.processes import end_with
from imbench.training.method import Method

__all__ = ["Call", "Memory", "assign_folds", "cross_validated_outputs", "remembered"]

Labels = NDArray[np.int64]
Floats = NDArray[np.float64]


class Memory(Protocol):
    """Keeps what trainings left, by their names, so that none is done twice."""

    def get(self, name: str) -> bytes | None:
        """Return what a training left; None if it is not done."""

    def put(self, name: str, content: bytes) -> None:
        """Keep what a training left."""


class Call(NamedTuple):
    """One training: a name that no other of its fit has, and what does it."""

    name: str
    function: Callable[..., bytes]
    given: tuple[Any, ...]


def assign_folds(labels: Labels, folds: int, groups: Sequence[object] | None = None) -> Labels:
    """Assign each training image to a fold, shape (n,), with every class shared out evenly.

    Images of one group go to one fold, groups of many images first, each to the fold that has
    fewest of its classes: the same images give the same folds.

    Raises
    ------
    UsageError
        If a class has images in too few groups.

    Examples
    --------
    >>> assign_folds(np.array([0, 0, 0, 0, 1, 1]), 2).tolist()
    [0, 1, 0, 1, 0, 1]
    """
    names = list(range(len(labels))) if groups is None else [str(group) for group in groups]
    members: dict[object, list[int]] = {}
    for row, name in enumerate(names):
        members.setdefault(name, []).append(row)
    sizes = np.bincount(labels)
    held = np.zeros((folds, len(sizes)))
    assigned = np.zeros(len(labels), np.int64)
    for rows in sorted(members.values(), key=lambda rows: (-len(rows), rows)):
        share = np.bincount(labels[rows], minlength=len(sizes)) / np.maximum(sizes, 1)
        # The fold whose share of the classes of the group is least; of equal ones the first.
        fold = int(np.argmin(held @ (share > 0) + 1e-6 * held.sum(axis=1)))
        held[fold] += share
        assigned[rows] = fold
    for label, size in enumerate(sizes.tolist()):
        inside = np.bincount(assigned[labels == label], minlength=folds)
        if (inside == 0).any() or size - inside.max() < 2:
            raise UsageError(
                f"class {label} has {size} training images, too few or too alike for {folds} folds "
                "of a cross-validation: give it more images, or choose fewer folds"
            )
    return assigned


def cross_validated_outputs(
    method: Method,
    pixels: NDArray[Any],
    labels: Labels,
    folds: Labels,
    *,
    seeds: Sequence[int] = (0,),
    weights: Floats | None = None,
    jobs: int = 1,
    tell: Callable[[], None] = lambda: None,
    memory: Memory | None = None,
) -> Floats:
    """Return probabilities (n, K) of each image by networks that were trained without its fold.

    Parameters
    ----------
    method : Method
        What is trained, anew for each fold; it is not changed.
    pixels, labels, weights : array
        The training set, as `Method.fit` takes it; labels are 0..K-1.
    folds : int array (n,)
        Fold of each image, see `assign_folds`.
    seeds : sequence of int
        So many networks are trained for each fold, and their probabilities averaged.
    jobs : int
        Processes.
    tell : callable
        Called after each training.
    memory : Memory, optional
        Has what is not to be trained again, and gets the rest; of this method, data and folds.

    Raises
    ------
    UsageError
        If the method cannot be trained on such a training set.
    Diverged
        If a training does.
    """
    tasks = [(fold, seed) for fold in np.unique(folds).tolist() for seed in seeds]
    calls = [
        Call(
            f"fold-{fold}-seed-{seed}",
            _fold_outputs,
            (method, pixels, labels, folds == fold, seed, weights),
        )
        for fold, seed in tasks
    ]
    total = np.zeros((len(labels), len(np.unique(labels))))
    for (fold, _), left in zip(tasks, remembered(calls, jobs, memory), strict=True):
        total[folds == fold] += np.load(io.BytesIO(left), allow_pickle=False)
        tell()
    return total / len(seeds)


def remembered(calls: Sequence[Call], jobs: int, memory: Memory | None = None) -> Iterator[bytes]:
    """Yield what each call returns, in their order; what the memory has is not done again.

    From so many processes; one is this one. An exception of a call ends all; so does Ctrl-C, after
    which no process is left.
    """
    known = {call.name: None if memory is None else memory.get(call.name) for call in calls}
    fresh = _in_processes([call for call in calls if known[call.name] is None], jobs)
    for call in calls:
        left = known.pop(call.name)
        if left is None:
            left = next(fresh)
            if memory is not None:
                memory.put(call.name, left)
        yield left


def _in_processes(calls: Sequence[Call], jobs: int) -> Iterator[bytes]:
    if jobs == 1 or not calls:
        yield from (call.function(*call.given) for call in calls)
        return
    from joblib import Parallel, delayed

    parallel = Parallel(n_jobs=jobs, return_as="generator", max_nbytes=None, pre_dispatch=jobs)
    parent = os.getpid()
    yield from parallel(delayed(_attended)(parent, call) for call in calls)


def _attended(parent: int, call: Call) -> bytes:
    """Do a call in a worker that ends with its parent."""
    end_with(parent)
    return call.function(*call.given)


def _fold_outputs(
    method: Method,
    pixels: NDArray[Any],
    labels: Labels,
    out: NDArray[np.bool_],
    seed: int,
    weights: Floats | None,
) -> bytes:
    rest = np.flatnonzero(~out)
    fitted = clone(method).set_params(random_state=seed)
    fitted.fit(pixels[rest], labels[rest], None if weights is None else weights[rest])
    file = io.BytesIO()
    np.save(file, fitted.predict_proba(pixels[np.flatnonzero(out)]), allow_pickle=False)
    return file.getvalue()
