"""Parts with generators of their own: between the majority and every minority."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from imbench.errors import UsageError
from imbench.methods._gan_settings import GanSettings, is_number
from imbench.methods._joint import JointPart
from imbench.training.examples import Examples

if TYPE_CHECKING:
    from imbench.methods._pair import GeneratorPair

__all__ = ["TranslatedPart"]

VARIANTS = ("both", "a2b")


class TranslatedPart(JointPart):
    """Base of AUG and ALT: trains the pairs, and reports what they cost and show."""

    trains_generators: ClassVar[bool] = True
    DIFF_AUGMENT: ClassVar[bool] = False
    steps: int
    da: bool | None
    variant: str
    ratio: float

    def _refuse_what_cannot_be_meant(self) -> None:
        super()._refuse_what_cannot_be_meant()
        if self.variant not in VARIANTS:
            raise UsageError(f"variant={self.variant!r}; write {' or '.join(VARIANTS)}")
        if not is_number(self.ratio) or self.ratio < 0:
            raise UsageError(f"ratio={self.ratio!r}; write a number from 0 on")
        _ = self.gan_settings  # raises

    @property
    def gan_settings(self) -> GanSettings:
        """How the pairs are trained."""
        given = {field.name: getattr(self, field.name) for field in fields(GanSettings)}
        given["steps"] = self.steps or 2 * self.context_.steps
        given["da"] = self.DIFF_AUGMENT if self.da is None else self.da
        return GanSettings(**given)

    def _pixels(self, x: Examples) -> NDArray[np.uint8]:
        """Return all examples as images (n, height, width, channels)."""
        if x.pixels.ndim != 4:
            raise UsageError(f"{type(self).title} translates images, not rows of features")
        return np.asarray(np.rint(x.take(np.arange(len(x))))).astype(np.uint8)

    def _trained_pairs(
        self, pixels: NDArray[np.uint8], y: NDArray[np.int64], until: int
    ) -> dict[int, GeneratorPair]:
        """Return the pair of each minority label, trained to a step."""
        from imbench.methods._pair import GeneratorPair, trained_pair

        pairs = {}
        for label in np.unique(y[y > 0]).tolist():
            pair = GeneratorPair(
                pixels[y == 0], pixels[y == label], self.gan_settings, self.context_, label
            )
            pairs[label] = trained_pair(pair, until)
        return pairs

    def _sources(
        self, y: NDArray[np.int64], label: int, rng: np.random.Generator
    ) -> list[tuple[int, NDArray[np.int64]]]:
        """Return what is translated: pairs of a target label and rows of the other class."""
        majority, minority = np.flatnonzero(y == 0), np.flatnonzero(y == label)
        if self.variant == "both":
            return [(label, majority), (0, minority)]
        wanted = round(self.ratio * (len(majority) - len(minority)))
        return [(label, rng.permutation(majority)[: max(0, wanted)])]

    def _report(self, label: int, pair: GeneratorPair) -> None:
        """Leave cost, pictures and the place of the generators."""
        from imbench.methods._pictures import loss_curves, sample_grid

        add = {
            "generator_seconds": pair.seconds,
            "generator_steps": float(pair.done),
            "generator_images": float(2 * pair.done * pair.settings.batch),
            "generator_reused": float(pair.reused),
        }
        for name, value in add.items():
            self.cost_[name] = self.cost_.get(name, 0.0) + value
        self.artifacts_[f"samples-{label}.png"] = sample_grid(pair)
        self.artifacts_[f"losses-{label}.png"] = loss_curves(pair.history)
        if pair.file:
            self.kept_[f"generator-{label}"] = pair.file
