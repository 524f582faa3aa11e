"""What AUG, ALT and external generators share: fakes as further examples, and their weights.

A fake is an example with the label it is to be taken for. The sampler draws the four parts of
docs/methods/aug.md (real and generated images of either class) alike; a class
weight 1/gamma stands before the losses of the majority.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from imbench.constraints import FLAG, NONE, choice, number
from imbench.errors import UsageError
from imbench.methods._held_out import check_enough, hold_out
from imbench.methods.class_balanced import effective_number
from imbench.training.examples import Examples
from imbench.training.part import Part

if TYPE_CHECKING:
    from torch import Tensor

    from imbench.methods._gamma import Gamma
    from imbench.methods._teacher import Teacher
    from imbench.training.state import TrainState

__all__ = ["BESIDE_WEIGHTS", "GAMMAS", "JointPart", "draw_chances"]

GAMMAS = ("ir", "effective", "cbl", "learned", "learned-meta")
"""Rules that gamma may name instead of being a number."""
ALONE = 0.25
"""Worth of a fake where classes are drawn alike. The paper draws real and generated images alike,
1; on faces a quarter was better by F1, tuned F1 and AUROC: docs/generators.md."""
BESIDE_WEIGHTS = 0.1
"""Worth of a fake where a part weighs classes. At 1 translation both ways makes the counts of two
classes equal, and weights from counts would do nothing."""
FILTER_FROM = 0.2
"""Share of the steps after which the teacher has learnt enough to leave out fakes."""


class JointPart(Part):
    """Base of the parts that train on real and generated images.

    A subclass declares the parameters; `imbench.methods.aug.Augmented` describes them.
    """

    gamma: float | str
    kappa: float | None
    beta: float
    summed: bool
    filter: float
    teacher_: Teacher | None = None
    gamma_: Gamma | None = None
    raw_weights_: NDArray[np.float64] | None = None
    majority_: int = 0
    judged_: int = 0
    dropped_: float = 0.0
    constraints: ClassVar = {
        "gamma": number(0, 1e6, open_low=True) | choice(*GAMMAS),
        "kappa": number(0, 1) | NONE,
        "filter": number(0, 1),
        "beta": number(0, 1),
        "summed": FLAG,
    }

    @property
    def weighs(self) -> bool:
        """Whether the part puts weights on classes."""
        return self.gamma != 1

    @property
    def needs_pixels(self) -> str:
        """A learned gamma holds images out, which are shown to the network as they are."""
        return "a learned gamma holds images out" if self.learns_gamma else super().needs_pixels

    @property
    def learns_gamma(self) -> bool:
        """Whether gamma is learned on images that are held out."""
        return self.gamma in ("learned", "learned-meta")

    @property
    def judges_from(self) -> float:
        """Share of the steps after which the teacher leaves out fakes."""
        return FILTER_FROM

    def beside(self, others: Sequence[Part]) -> Self:
        """Settle kappa and how examples are drawn, which depend on the other parts."""
        summed = self.gamma in ("effective", "cbl") or any(part.weighs for part in others)
        kappa = self.kappa
        if kappa is None:
            # At 1 a sum over images is balanced, below it is not.
            kappa = BESIDE_WEIGHTS if summed else 1.0 if self.summed else ALONE
        settled = {"kappa": kappa, "summed": summed or self.summed}
        return type(self)(**self.get_params() | settled)

    def foresee(self, counts: NDArray[np.int64], shape: tuple[int, ...]) -> None:
        """Refuse a learned gamma where no image can be held out."""
        if self.learns_gamma:
            check_enough(counts)

    def _join(
        self, x: Examples, y: NDArray[np.int64], fakes: Examples, labels: NDArray[np.int64]
    ) -> tuple[Examples, NDArray[np.int64]]:
        """Return real examples followed by fakes, and remember which is which."""
        self.fake_ = np.arange(len(y) + len(labels)) >= len(y)
        return x.join(fakes), np.concatenate([y, labels])

    def draw(self, y: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the chances (n,): equal parts, or in proportion beside class weights."""
        if len(y) != len(self.fake_):
            raise UsageError(f"{self.title} must be the last part that changes the training set")
        return draw_chances(y, self.fake_, self.kappa or 0.0, summed=self.summed)

    def class_weights(
        self, counts: NDArray[np.float64], original: NDArray[np.float64]
    ) -> NDArray[np.float64] | None:
        """Return 1/gamma before the majority, scaled so that the mean over the sampler is 1."""
        raw = self.raw_weights_ = self._raw_weights(counts, original)
        return None if raw is None else raw * counts.sum() / (counts @ raw)

    def before_step(self, state: TrainState) -> None:
        """Let the classifier's running mean follow, and learn gamma where it is to be learned."""
        if self.filter > 0:
            from imbench.methods._teacher import Teacher

            if self.teacher_ is None:
                self.teacher_ = Teacher(state.net)
            self.teacher_.update(state.net)
        if self.gamma_ is not None:
            self.gamma_.before_step(state, self)

    def weigh(
        self, state: TrainState, x: Tensor, y: Tensor, rows: NDArray[np.int64]
    ) -> Tensor | None:
        """Return 0 for fakes that the teacher does not recognise, and 1/gamma as it is learned."""
        weights = None
        if self.gamma_ is not None:
            weights = x.new_tensor(self.gamma_.factors(state.counts))[y]
        if self.teacher_ is not None and state.step >= self.judges_from * state.steps:
            fake = y.new_tensor(self.fake_[rows]).bool()
            bad = fake & (self.teacher_.chance(x, y) < self.filter)
            self.judged_ += int(fake.sum())
            self.dropped_ += int(bad.sum())
            kept = (~bad).to(x.dtype)
            weights = kept if weights is None else weights * kept
        return weights

    def finish(self, state: TrainState) -> None:
        """Note what was learned and what was left out."""
        if self.judged_:
            self.notes_.append(
                f"the teacher left out {self.dropped_ / self.judged_:.1%} of the fakes it judged"
            )
        if self.gamma_ is not None:
            self.notes_.append(self.gamma_.note)
        self.teacher_, self.gamma_ = None, None

    def _without_held(
        self, x: Examples, y: NDArray[np.int64], rng: np.random.Generator
    ) -> tuple[Examples, NDArray[np.int64]]:
        """Return the examples to train on, and note which label is the majority.

        For a learned gamma some are held out.
        """
        self.majority_ = int(np.argmax(self.context_.counts or np.bincount(y)))
        if not self.learns_gamma:
            return x, y
        from imbench.methods._gamma import Gamma

        kept, held = hold_out(y, rng)
        images, meta = x[held].take(np.arange(len(held))), self.gamma != "learned"
        self.gamma_ = Gamma(images, y[held], meta=meta, majority=self.majority_)
        return x[kept], y[kept]

    def _class_factors(self, state: TrainState) -> NDArray[np.float64]:
        """Return the present weight of each class in the loss (K,), up to a factor."""
        if self.gamma_ is not None:
            return self.gamma_.factors(state.counts)
        return np.ones(len(state.counts)) if self.raw_weights_ is None else self.raw_weights_

    def _raw_weights(
        self, counts: NDArray[np.float64], original: NDArray[np.float64]
    ) -> NDArray[np.float64] | None:
        gamma = self.gamma
        if gamma == "ir":
            return np.asarray(1 / original)
        if gamma == "effective":
            return np.asarray(1 / counts)
        if gamma == "cbl":
            return np.asarray(1 / effective_number(counts, self.beta))
        if isinstance(gamma, str) or gamma == 1:
            return None  # A learned gamma changes with the steps: `weigh` applies it.
        weights = np.ones(len(counts))
        weights[int(np.argmax(original))] = 1 / gamma
        return weights


def draw_chances(
    y: NDArray[np.int64], fake: NDArray[np.bool_], kappa: float, *, summed: bool
) -> NDArray[np.float64]:
    """Return each example's chance to be drawn, the largest being 1.

    Parameters
    ----------
    y : int array (n,)
        Labels; a fake's is the class it is to be taken for.
    fake : bool array (n,)
        Which are generated.
    kappa : float
        Worth of a fake against a real image.
    summed : bool
        False: every class is drawn alike, in it real and fake images as 1 to kappa. True: every
        real image is drawn alike and a fake kappa times as often, so that the counts that the
        sampler yields are n_A + kappa n_B and n_B + kappa n_A.
    """
    chances = np.where(fake, kappa, 1.0)
    if summed:
        return chances
    for label in np.unique(y):
        for rows in (fake & (y == label), ~fake & (y == label)):
            if rows.any():
                chances[rows] /= rows.sum()
        rows = y == label
        chances[rows] /= chances[rows].sum()
    return np.asarray(chances / chances.max())
