"""Training a pair of generators up to a step: resumed after a break, shared between fits."""

from __future__ import annotations

import hashlib
import json
import logging
import math
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from imbench.errors import DataError, Diverged
from imbench.files import checkpoint
from imbench.files.leases import hold
from imbench.methods._cyclegan import CycleGAN
from imbench.methods._gan_settings import GanSettings, lr_factor
from imbench.methods._judge import Judge
from imbench.methods._pixels import to_pixels, to_signed
from imbench.seeds import torch_seed
from imbench.training.augment import augment, parse_augment
from imbench.training.numerics import training_environment
from imbench.training.part import Context

__all__ = ["GeneratorPair", "trained_pair"]

VERSION = 3
"""To be raised when the same settings lead to other generators."""
SAVE_EVERY = 20.0
"""Seconds of training between two checkpoints."""
_LOG = logging.getLogger(__name__)


class GeneratorPair:
    """A CycleGAN with its data, and how far it is trained.

    Parameters
    ----------
    a, b : uint8 array (n, height, width, channels)
        Images of the majority and of the minority.
    settings : GanSettings
        How it is trained.
    context : Context
        The run it belongs to.
    label : int
        Of the minority; each has its own random streams.

    Attributes
    ----------
    environment : dict
        What trains it: a pair that another torch or processor left is not used.
    done : int
        Steps trained.
    history : list of (step, adversarial, cycle, identity, judge, discriminators)
        Mean losses since the last line.
    seconds : float
        Time that all steps took, those of earlier fits too.
    reused : bool
        Whether another fit had trained it.
    file : str
        Name of its checkpoint in the folder of the run; empty if it is not kept.
    """

    def __init__(
        self,
        a: NDArray[np.uint8],
        b: NDArray[np.uint8],
        settings: GanSettings,
        context: Context,
        label: int = 1,
    ) -> None:
        self.a, self.b, self.settings = a, b, settings
        self.device = torch.device(context.device)
        height, width, channels = a.shape[1:]
        seed = torch_seed(context.seed, f"generator of class {label}")
        self.gan = CycleGAN((channels, height, width), settings, seed, self.device)
        self.environment = training_environment(self.device)
        self.key = self._key(context, seed)
        # Colours that TrivialAugment changed would be translated as if they belonged to the class.
        steps = parse_augment(context.augment)
        self.augment = tuple(step for step in steps if step != "trivial")
        self.every = max(1, min(200, settings.steps // 10))
        self.done = 0
        self.seconds = 0.0
        self.history: list[tuple[float, ...]] = []
        self.reused = False
        self.folder = context.folder
        self.file = ""
        self._ahead: list[int] = []
        self._sum: Tensor | None = None

    @property
    def half(self) -> int:
        """Steps at the constant rate, after which it falls."""
        return self.settings.steps - self.settings.steps // 2

    def run(self, until: int, judge: Judge | None = None) -> None:
        """Train on to a step.

        Raises
        ------
        Diverged
            When a loss is NaN or infinite.
        """
        start = time.perf_counter()
        while self.done < until:
            losses = self.gan.step(*self._batches(), self._factor(), judge)
            self._sum = losses if self._sum is None else self._sum + losses
            self.done += 1
            if self.device.type == "cpu" and not math.isfinite(float(losses.sum())):
                raise Diverged(self.done - 1, "generator loss")
            if self.done % self.every == 0:
                self._log()
        self.seconds += time.perf_counter() - start

    def translate(self, x: NDArray[Any], *, to_minority: bool, m: int = 64) -> NDArray[np.uint8]:
        """Return images (n, height, width, channels) of the other class, as pixels."""
        pieces = [
            to_pixels(
                self.gan.translate(to_signed(x[i : i + m], self.device), to_minority=to_minority)
            )
            for i in range(0, len(x), m)
        ]
        return np.concatenate(pieces) if pieces else np.empty((0, *self.a.shape[1:]), np.uint8)

    def keep(self) -> None:
        """Store the generators as they are in the folder of the run, named by their content."""
        if self.folder is None:
            return
        kept = self.gan.state(ended=True)
        digest = hashlib.sha256()
        for net in kept["nets"].values():
            for tensor in net.values():
                digest.update(tensor.cpu().contiguous().numpy().tobytes())
        self.file = f"{self.key}-{digest.hexdigest()[:8]}.pt"
        checkpoint.save_tensors(self.folder / self.file, self.state() | {"gan": kept})

    def state(self) -> dict[str, Any]:
        """Return what a checkpoint holds."""
        return {
            "key": self.key,
            "environment": self.environment,
            "done": self.done,
            "seconds": self.seconds,
            "history": self.history,
            "ahead": self._ahead,
            "sum": self._sum,
            "gan": self.gan.state(ended=self.done >= self.settings.steps),
        }

    def load(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
        self.done, self.seconds = int(state["done"]), float(state["seconds"])
        self.history = [tuple(line) for line in state["history"]]
        self._ahead = list(state["ahead"])
        self._sum = None if state["sum"] is None else state["sum"].to(self.device)
        self.gan.load(state["gan"])

    def _batches(self) -> tuple[Tensor, Tensor]:
        """Draw the majority in shuffled passes, the minority with replacement."""
        m, rng = self.settings.batch, self.gan.rng
        while len(self._ahead) < m:
            self._ahead += rng.permutation(len(self.a)).tolist()
        rows, self._ahead = self._ahead[:m], self._ahead[m:]
        others = rng.integers(0, len(self.b), size=m)
        pixels = np.concatenate([self.a[rows], self.b[others]])
        both = to_signed(augment(pixels, self.augment, rng), self.device)
        return both[:m], both[m:]

    def _factor(self) -> float:
        last = lr_factor(self.settings.steps - 1, self.settings.steps)
        return max(lr_factor(self.done, self.settings.steps), last)

    def _log(self) -> None:
        assert self._sum is not None  # noqa: S101
        means = (self._sum / self.every).tolist()
        self._sum = None
        if not all(math.isfinite(mean) for mean in means):
            raise Diverged(self.done - 1, "generator loss")
        self.history.append((float(self.done), *means))
        named = zip(("adversarial", "cycle", "identity", "judge", "critics"), means, strict=True)
        text = "  ".join(f"{name} {value:.3f}" for name, value in named)
        _LOG.info("generator %d/%d  %s", self.done, self.settings.steps, text)

    def _key(self, context: Context, seed: int) -> str:
        facts = {
            "version": VERSION,
            "settings": self.settings.plain(min(self.a.shape[1:3])),
            "seed": seed,
            "augment": context.augment,
            "device": self.device.type,
            "environment": self.environment,
            "threads": torch.get_num_threads(),
            "shapes": [self.a.shape, self.b.shape],
        }
        digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
        digest.update(np.ascontiguousarray(self.a).tobytes())
        digest.update(np.ascontiguousarray(self.b).tobytes())
        return digest.hexdigest()[:16]


def trained_pair(pair: GeneratorPair, until: int) -> GeneratorPair:
    """Train a new pair up to a step, or read it from the run's folder; it is stored there.

    Two fits that need the same pair at once train it once: the second waits. A training that was
    interrupted goes on from its last checkpoint.
    """
    folder = pair.folder
    if folder is None:
        pair.run(until)
        return pair
    folder.mkdir(parents=True, exist_ok=True)
    with hold(folder / f"{pair.key}.lock"):
        _resume(pair, until, folder)
        pair.reused = pair.done == until
        # Half way is where the alternating method takes over.
        for stop in sorted({min(pair.half, until), until}):
            kept = (folder / f"{pair.key}-{stop}.pt").exists()
            # One that was killed may have come so far and not have stored it under its name.
            if pair.done < stop or (pair.done == stop and not kept):
                _run_and_save(pair, stop, folder)
        if pair.done == pair.settings.steps:  # of one that was killed before it removed that
            (folder / f"{pair.key}-part.pt").unlink(missing_ok=True)
    pair.file = f"{pair.key}-{until}.pt"
    return pair


def _resume(pair: GeneratorPair, until: int, folder: Path) -> None:
    """Load the latest checkpoint that is not beyond the step."""
    for name in (until, "part", pair.half):
        path = folder / f"{pair.key}-{name}.pt"
        content = checkpoint.load_tensors(path)
        if content is None or content.get("key") != pair.key:
            continue
        try:
            if content["done"] <= until:
                pair.load(content)
                return
        except Exception as error:  # whatever a forged one may lead to
            raise DataError(f"{path} does not hold what its name says; delete it") from error


def _run_and_save(pair: GeneratorPair, until: int, folder: Path) -> None:
    partial = folder / f"{pair.key}-part.pt"
    saved = time.perf_counter()
    while pair.done < until:
        pair.run(min(until, pair.done + 10))
        if time.perf_counter() - saved >= SAVE_EVERY:
            checkpoint.save_tensors(partial, pair.state())
            saved = time.perf_counter()
    checkpoint.save_tensors(folder / f"{pair.key}-{until}.pt", pair.state())
    partial.unlink(missing_ok=True)
