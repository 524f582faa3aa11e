"""The training of one generator for all classes: its data, its steps, its key."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from imbench.methods._kept import KeptTraining, key_of
from imbench.methods._pixels import to_pixels, to_signed
from imbench.methods._stargan import StarGAN, StarSettings, drawn_alike
from imbench.seeds import torch_seed
from imbench.training.part import Context

__all__ = ["OneMinority", "StarTraining"]

VERSION = 1
"""To be raised when the same settings lead to another generator."""


class StarTraining(KeptTraining[StarGAN]):
    """A StarGAN with its data, and how far it is trained.

    Parameters
    ----------
    x : uint8 array (n, height, width, channels)
        Images of all classes.
    y : int array (n,)
        Their labels.
    settings : StarSettings
        How it is trained.
    context : Context
        The run it belongs to.
    """

    LOSSES: ClassVar = ("adversarial", "class", "reconstruction", "critic")

    def __init__(
        self,
        x: NDArray[np.uint8],
        y: NDArray[np.int64],
        settings: StarSettings,
        context: Context,
    ) -> None:
        super().__init__(settings.steps, context)
        self.x, self.y, self.settings = x, y, settings
        height, width, channels = x.shape[1:]
        seed = torch_seed(context.seed, "generator of all classes")
        classes = int(y.max()) + 1
        self.gan = StarGAN((channels, height, width), classes, settings, seed, self.device)
        facts = {
            "one for all": VERSION,
            "settings": asdict(settings),
            "design": asdict(self.gan.design),
            "seed": seed,
        }
        self.key = key_of(self, facts, x, y)

    def run(self, until: int) -> None:
        """Train on to a step.

        Raises
        ------
        Diverged
            When a loss is NaN or infinite.
        """
        self._advance(until, self._step)

    def translate(self, x: NDArray[Any], label: int, m: int = 64) -> NDArray[np.uint8]:
        """Return images (n, height, width, channels) of a class, as pixels."""
        pieces = (to_signed(x[i : i + m], self.device) for i in range(0, len(x), m))
        made = [to_pixels(self.gan.translate(piece, label)) for piece in pieces]
        return np.concatenate(made) if made else np.empty((0, *self.x.shape[1:]), np.uint8)

    def _step(self) -> Tensor:
        factor, critics = self._factor(), self.settings.critics
        judged = torch.stack([self.gan.critic_step(*self._batch(), factor) for _ in range(critics)])
        terms = self.gan.generator_step(*self._batch(), factor)
        return torch.cat([terms, judged.mean().view(1)])

    def _batch(self) -> tuple[Tensor, Tensor]:
        """Draw images and labels, every class alike."""
        rows = drawn_alike(self.y, self.settings.batch, self.gan.rng)
        images = to_signed(self.x[rows], self.device)
        return images, torch.from_numpy(self.y[rows]).to(self.device)


@dataclass(frozen=True)
class OneMinority:
    """The generator of all classes as one between the majority and a minority."""

    training: StarTraining
    majority: int
    label: int
    """Of the minority."""

    @property
    def a(self) -> NDArray[np.uint8]:
        """Images of the majority."""
        return self._images(self.majority)

    @property
    def b(self) -> NDArray[np.uint8]:
        """Images of the minority."""
        return self._images(self.label)

    def translate(self, x: NDArray[Any], *, to_minority: bool) -> NDArray[np.uint8]:
        """Return images (n, height, width, channels) of the other class."""
        return self.training.translate(x, self.label if to_minority else self.majority)

    def _images(self, label: int) -> NDArray[np.uint8]:
        return np.asarray(self.training.x[self.training.y == label])
