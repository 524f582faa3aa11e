"""Parts with generators of their own: between the majority and every minority."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from imbench.constraints import choice, number
from imbench.errors import UsageError
from imbench.methods._gan_settings import GAN_CONSTRAINTS, GanParameters, GanSettings
from imbench.methods._generator_names import generator_name
from imbench.methods._joint import JointPart
from imbench.training.examples import Examples

if TYPE_CHECKING:
    from imbench.methods._pair import GeneratorPair

__all__ = ["TranslatedPart"]


@dataclass(eq=False, repr=False)
class FakeParameters:
    """The parameters that say which fakes the classifier gets, how often, and how weighed."""

    gamma: float | str = 1.0
    kappa: float | None = None
    variant: str = "both"
    ratio: float = 1.0
    filter: float = 0.0
    beta: float = 0.999
    summed: bool = False


@dataclass(eq=False, repr=False)
class TranslatedPart(JointPart, GanParameters, FakeParameters):
    """Base of AUG and ALT: trains the pairs, and reports what they cost and show.

    The parameters of its last base come first in ``__init__`` and in canonical recipes: keys of
    cells hold that order.
    """

    trains_generators: ClassVar[bool] = True
    makes_images: ClassVar[bool] = True
    DIFF_AUGMENT: ClassVar[bool] = False
    """What `da` left out means."""
    constraints: ClassVar = {
        **JointPart.constraints,
        "variant": choice("both", "a2b"),
        "ratio": number(0, 1000),
        **GAN_CONSTRAINTS,
    }

    @property
    def gan_settings(self) -> GanSettings:
        """How the pairs are trained."""
        given = {field.name: getattr(self, field.name) for field in fields(GanParameters)}
        given["steps"] = self.own_steps(self.context_.steps)
        given["da"] = self.DIFF_AUGMENT if self.da is None else self.da
        return GanSettings(**given)

    def own_steps(self, steps: int) -> int:
        """Return the steps of the generators: twice the classifier's unless they are given."""
        return self.steps or 2 * steps

    def foresee(self, counts: NDArray[np.int64], shape: tuple[int, ...]) -> None:
        """Refuse images that are too small for the discriminators."""
        super().foresee(counts, shape)
        self.gan_settings.chosen(min(shape[:2]))

    def _pixels(self, x: Examples) -> NDArray[np.uint8]:
        """Return all examples as images (n, height, width, channels)."""
        if x.pixels.ndim != 4:
            raise UsageError(f"{type(self).title} translates images, not rows of features")
        return np.asarray(np.rint(x.take(np.arange(len(x))))).astype(np.uint8)

    def _trained_pairs(
        self, pixels: NDArray[np.uint8], y: NDArray[np.int64], until: int
    ) -> dict[int, GeneratorPair]:
        """Return the pair of each minority label, trained to a step."""
        from imbench.methods._kept import trained
        from imbench.methods._pair import GeneratorPair

        pairs = {}
        for label in np.unique(y[y != self.majority_]).tolist():
            pair = GeneratorPair(
                pixels[y == self.majority_],
                pixels[y == label],
                self.gan_settings,
                self.context_,
                label,
            )
            pairs[label] = trained(pair, until)
        return pairs

    def _sources(
        self, y: NDArray[np.int64], label: int, rng: np.random.Generator
    ) -> list[tuple[int, NDArray[np.int64]]]:
        """Return what is translated: pairs of a target label and rows of the other class."""
        majority, minority = np.flatnonzero(y == self.majority_), np.flatnonzero(y == label)
        if self.variant == "both":
            return [(label, majority), (self.majority_, minority)]
        wanted = round(self.ratio * (len(majority) - len(minority)))
        return [(label, rng.permutation(majority)[: max(0, wanted)])]

    def _report(self, label: int, pair: GeneratorPair) -> None:
        """Note what the pair cost, its pictures, and the file of its generators."""
        from imbench.methods._pictures import loss_curves, sample_grid

        self.add_cost(
            generator_seconds=pair.seconds,
            generator_steps=pair.done,
            generator_images=2 * pair.done * pair.settings.batch,
            generator_reused=pair.reused,
        )
        self.artifacts_[f"samples-{label}.png"] = sample_grid(pair)
        self.artifacts_[f"losses-{label}.png"] = loss_curves(pair.history, pair.LOSSES)
        if pair.file:
            self.kept_[generator_name(label)] = pair.file
