"""Training networks up to a step: resumed after a break, shared between the fits of a folder."""

from __future__ import annotations

import hashlib
import json
import logging
import math
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Generic, Protocol, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from imbench.errors import DataError, Diverged
from imbench.files import checkpoint
from imbench.files.leases import hold
from imbench.methods._gan_settings import lr_factor
from imbench.training.numerics import training_environment
from imbench.training.part import Context

__all__ = ["KeptTraining", "key_of", "trained"]

SAVE_EVERY = 20.0
"""Seconds of training between two checkpoints."""
_LOG = logging.getLogger(__name__)


class Networks(Protocol):
    """What is trained."""

    def state(self, *, ended: bool = False) -> dict[str, Any]:
        """Return the networks, and what only further training needs unless that has `ended`."""
        ...

    def load(self, state: dict[str, Any]) -> None:
        """Take what `state` returned."""
        ...


Gan = TypeVar("Gan", bound=Networks)


class KeptTraining(ABC, Generic[Gan]):
    """Networks, their data, and how far they are trained.

    Parameters
    ----------
    steps : int
        Of the whole training.
    context : Context
        The run it belongs to.

    Attributes
    ----------
    environment : dict
        What trains it: what another torch or processor left is not used.
    key : str
        Hash of all that training depends on.
    gan : Networks
        What is trained.
    done : int
        Steps trained.
    history : list of (step, loss, ...)
        Mean losses, in the order of `LOSSES`, since the last line.
    seconds : float
        Time that all steps took, those of earlier fits too.
    reused : bool
        Whether another fit had trained it.
    file : str
        Name of its checkpoint in the folder of the run; empty if it is not kept.
    """

    LOSSES: ClassVar[tuple[str, ...]]
    key: str
    gan: Gan

    def __init__(self, steps: int, context: Context) -> None:
        self.steps = steps
        self.device = torch.device(context.device)
        self.environment = training_environment(self.device)
        self.every = max(1, min(200, steps // 10))
        self.done = 0
        self.seconds = 0.0
        self.history: list[tuple[float, ...]] = []
        self.reused = False
        self.folder = context.folder
        self.file = ""
        self._sum: Tensor | None = None

    @property
    def half(self) -> int:
        """Steps at the constant rate, after which it falls."""
        return self.steps - self.steps // 2

    @property
    def stops(self) -> tuple[int, ...]:
        """Steps before the end at which a checkpoint of their own is stored."""
        return ()

    @abstractmethod
    def run(self, until: int) -> None:
        """Train on to a step.

        Raises
        ------
        Diverged
            When a loss is NaN or infinite.
        """

    def state(self) -> dict[str, Any]:
        """Return what a checkpoint holds."""
        return {
            "key": self.key,
            "environment": self.environment,
            "done": self.done,
            "seconds": self.seconds,
            "history": self.history,
            "sum": self._sum,
            "gan": self.gan.state(ended=self.done >= self.steps),
        }

    def load(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
        self.done, self.seconds = int(state["done"]), float(state["seconds"])
        self.history = [tuple(line) for line in state["history"]]
        self._sum = None if state["sum"] is None else state["sum"].to(self.device)
        self.gan.load(state["gan"])

    def keep(self) -> None:
        """Store the networks as they are in the folder of the run, named by their content."""
        if self.folder is None:
            return
        kept = self.gan.state(ended=True)
        digest = hashlib.sha256()
        for net in kept["nets"].values():
            for tensor in net.values():
                digest.update(tensor.cpu().contiguous().numpy().tobytes())
        self.file = f"{self.key}-{digest.hexdigest()[:8]}.pt"
        checkpoint.save_tensors(self.folder / self.file, self.state() | {"gan": kept})

    def _advance(self, until: int, step: Callable[[], Tensor]) -> None:
        """Take steps, each of which returns its losses, detached."""
        start = time.perf_counter()
        while self.done < until:
            losses = step()
            self._sum = losses if self._sum is None else self._sum + losses
            self.done += 1
            if self.device.type == "cpu" and not math.isfinite(float(losses.sum())):
                raise Diverged(self.done - 1, "generator loss")
            if self.done % self.every == 0:
                self._log()
        self.seconds += time.perf_counter() - start

    def _factor(self) -> float:
        """Return what the rate is multiplied by at this step."""
        last = lr_factor(self.steps - 1, self.steps)
        return max(lr_factor(self.done, self.steps), last)

    def _log(self) -> None:
        assert self._sum is not None  # noqa: S101
        means = (self._sum / self.every).tolist()
        self._sum = None
        if not all(math.isfinite(mean) for mean in means):
            raise Diverged(self.done - 1, "generator loss")
        self.history.append((float(self.done), *means))
        named = zip(self.LOSSES, means, strict=True)
        text = "  ".join(f"{name} {value:.3f}" for name, value in named)
        _LOG.info("generator %d/%d  %s", self.done, self.steps, text)


Kept = TypeVar("Kept", bound=KeptTraining[Any])


def key_of(
    training: KeptTraining[Any], facts: Mapping[str, Any], *arrays: NDArray[np.generic]
) -> str:
    """Return the hash of all that a training depends on: facts, arrays and environment."""
    whole = {
        **facts,
        "device": training.device.type,
        "environment": training.environment,
        "threads": torch.get_num_threads(),
        "shapes": [array.shape for array in arrays],
    }
    digest = hashlib.sha256(json.dumps(whole, sort_keys=True).encode())
    for array in arrays:
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:16]


def trained(training: Kept, until: int) -> Kept:
    """Train new networks up to a step, or read them from the run's folder; they are stored there.

    Two fits that need the same ones at once train them once: the second waits. A training that was
    interrupted goes on from its last checkpoint.
    """
    folder = training.folder
    if folder is None:
        training.run(until)
        return training
    folder.mkdir(parents=True, exist_ok=True)
    with hold(folder / f"{training.key}.lock"):
        _resume(training, until, folder)
        training.reused = training.done == until
        for stop in sorted({*(min(stop, until) for stop in training.stops), until}):
            kept = (folder / f"{training.key}-{stop}.pt").exists()
            # One that was killed may have come so far and not have stored it under its name.
            if training.done < stop or (training.done == stop and not kept):
                _run_and_save(training, stop, folder)
        if training.done == training.steps:  # of one that was killed before it removed that
            (folder / f"{training.key}-part.pt").unlink(missing_ok=True)
    training.file = f"{training.key}-{until}.pt"
    return training


def _resume(training: KeptTraining[Any], until: int, folder: Path) -> None:
    """Load the latest checkpoint that is not beyond the step."""
    for name in (until, "part", *training.stops):
        path = folder / f"{training.key}-{name}.pt"
        content = checkpoint.load_tensors(path)
        if content is None or content.get("key") != training.key:
            continue
        try:
            if content["done"] <= until:
                training.load(content)
                return
        except Exception as error:  # whatever a forged one may lead to
            raise DataError(f"{path} does not hold what its name says; delete it") from error


def _run_and_save(training: KeptTraining[Any], until: int, folder: Path) -> None:
    partial = folder / f"{training.key}-part.pt"
    saved = time.perf_counter()
    while training.done < until:
        training.run(min(until, training.done + 10))
        if time.perf_counter() - saved >= SAVE_EVERY:
            checkpoint.save_tensors(partial, training.state())
            saved = time.perf_counter()
    checkpoint.save_tensors(folder / f"{training.key}-{until}.pt", training.state())
    partial.unlink(missing_ok=True)
