"""A pair of generators between the majority and a minority: its data, its steps, its key."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from imbench.methods._cyclegan import CycleGAN
from imbench.methods._gan_settings import GanSettings
from imbench.methods._judge import Judge
from imbench.methods._kept import KeptTraining, key_of
from imbench.methods._pixels import to_pixels, to_signed
from imbench.seeds import torch_seed
from imbench.training.augment import augment, parse_augment
from imbench.training.part import Context

__all__ = ["GeneratorPair"]

VERSION = 3
"""To be raised when the same settings lead to other generators."""


class GeneratorPair(KeptTraining[CycleGAN]):
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
    """

    LOSSES: ClassVar = ("adversarial", "cycle", "identity", "judge", "critics")

    def __init__(
        self,
        a: NDArray[np.uint8],
        b: NDArray[np.uint8],
        settings: GanSettings,
        context: Context,
        label: int = 1,
    ) -> None:
        super().__init__(settings.steps, context)
        self.a, self.b, self.settings = a, b, settings
        height, width, channels = a.shape[1:]
        seed = torch_seed(context.seed, f"generator of class {label}")
        self.gan = CycleGAN((channels, height, width), settings, seed, self.device)
        facts = {
            "version": VERSION,
            "settings": settings.plain(min(height, width)),
            "seed": seed,
            "augment": context.augment,
        }
        self.key = key_of(self, facts, a, b)
        # Colours that TrivialAugment changed would be translated as if they belonged to the class.
        steps = parse_augment(context.augment)
        self.augment = tuple(step for step in steps if step != "trivial")
        self._ahead: list[int] = []

    @property
    def stops(self) -> tuple[int, ...]:
        """Half way is where the alternating method takes over."""
        return (self.half,)

    def run(self, until: int, judge: Judge | None = None) -> None:
        """Train on to a step.

        Raises
        ------
        Diverged
            When a loss is NaN or infinite.
        """
        self._advance(until, lambda: self.gan.step(*self._batches(), self._factor(), judge))

    def translate(self, x: NDArray[Any], *, to_minority: bool, m: int = 64) -> NDArray[np.uint8]:
        """Return images (n, height, width, channels) of the other class, as pixels."""
        pieces = [
            to_pixels(
                self.gan.translate(to_signed(x[i : i + m], self.device), to_minority=to_minority)
            )
            for i in range(0, len(x), m)
        ]
        return np.concatenate(pieces) if pieces else np.empty((0, *self.a.shape[1:]), np.uint8)

    def state(self) -> dict[str, Any]:
        """Return what a checkpoint holds."""
        return {**super().state(), "ahead": self._ahead}

    def load(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
        super().load(state)
        self._ahead = list(state["ahead"])

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
