"""Major-to-minor translation (M2m): Kim, Jeong and Shin 2020, arXiv 2004.00431, algorithm 1."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from imbench.constraints import number, whole
from imbench.errors import UsageError
from imbench.training.drawing import cumulated, draw_rows, shuffled_passes
from imbench.training.part import Part, overrides

if TYPE_CHECKING:
    import torch

    from imbench.methods._translation import Translator
    from imbench.training.state import TrainState

__all__ = ["MajorToMinor", "accept_chances"]


class MajorToMinor(Part):
    """Make minority images of majority images by the gradient of a network trained before.

    Parameters
    ----------
    beta : float
        An image of a class of n_0 images may become one of n images with the chance
        1 - beta**(n_0 - n): the closer beta is to 1, the larger a difference it takes.
    lam : float
        Weight of the trained network's output for the class that the image comes from.
    gamma : float
        Probability of the new class from which on the earlier network's word is taken.
    step : float
        Length of a step, as the Euclidean distance of whole images in [0, 1].
    iterations : int
        Steps of a translation.
    start : float
        Share of the steps before balanced batches and translations begin; 1 is plain training.

    Notes
    -----
    A network g is trained as plain training would. Then the classifier f is trained for the share
    `start` of its steps, after which classes are drawn alike, and an image of class k is replaced,
    with the chance 1 - n_k / n_max, by a translation: an image x of the batch, of a class k_0 drawn
    in proportion to 1 - beta**(n_k0 - n_k), moves from a random point nearby down

        -log softmax(g(x))_k + lam f(x)_k0

    It is kept if g gives it k with a probability of `gamma` at least, and then with the chance that
    its class was drawn with; otherwise the image stays. So f learns the minority from the
    majority's variety: it is what AUG does, without generators. It suits small images: what g and f
    take for a change of class need not look like one. On few images g knows the minority badly.

    The steps of g and of the translations go beyond those of other methods and stand in the record.

    References
    ----------
    Kim, Jeong and Shin 2020, "M2m: imbalanced classification via major-to-minor translation", CVPR,
    algorithm 1, arXiv 2004.00431.

    Examples
    --------
    Chance that an image of 10,000 becomes one of 50, and one of 150 for another beta:

    >>> import numpy as np
    >>> accept_chances(np.array([10000]), np.array([50]), 0.999).round(7).tolist()
    [0.9999525]
    >>> accept_chances(np.array([150]), np.array([50]), 0.99).round(6).tolist()
    [0.633968]
    """

    title: ClassVar[str] = "M2m"
    constraints: ClassVar = {
        "beta": number(0, 1),
        "lam": number(0, 100),
        "gamma": number(0, 1),
        "step": number(0, 100, open_low=True),
        "iterations": whole(1, 1000),
        "start": number(0, 1),
    }

    def __init__(
        self,
        beta: float = 0.999,
        lam: float = 0.5,
        gamma: float = 0.9,
        step: float = 0.1,
        iterations: int = 10,
        start: float = 0.8,
    ) -> None:
        self.beta = beta
        self.lam = lam
        self.gamma = gamma
        self.step = step
        self.iterations = iterations
        self.start = start

    @property
    def needs_pixels(self) -> str:
        """Features of an image that was moved would have to be made at every step."""
        return "it moves the pixels of an image towards another class"

    def beside(self, others: Sequence[Part]) -> Self:
        """Refuse another part that mixes: what is translated has a class of its own."""
        if any(overrides(part, "mix") for part in others):
            raise UsageError("m2m cannot stand beside another part that mixes images")
        return self

    def own_steps(self, steps: int) -> int:
        """Return the steps of g, and the gradients of translations."""
        late = steps - self._first(steps)
        return steps + late * self.iterations if late else 0

    def draw(self, y: NDArray[np.int64]) -> NDArray[np.float64] | None:
        """Return the mean over the training of each image's chance, shape (n,)."""
        counts = np.bincount(y).astype(np.float64)
        balanced = (1 / (len(counts) * counts))[y]
        if self.start == 1:
            return None
        return np.asarray(self.start / len(y) + (1 - self.start) * balanced)

    def batches(self, state: TrainState) -> Iterator[NDArray[np.int64]] | None:
        """Yield batches of images drawn alike, then of classes drawn alike."""
        return self._drawn(state) if self._first(state.steps) < state.steps else None

    def begin(self, state: TrainState) -> None:
        """Train g."""
        if self._first(state.steps) == state.steps:
            return
        from imbench.methods._translation import plainly_trained

        begun = time.perf_counter()
        self.earlier_ = plainly_trained(state)
        self.add_cost(m2m_steps=state.steps, m2m_seconds=time.perf_counter() - begun)

    def mix(
        self, state: TrainState, x: torch.Tensor, y: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the batch with translations in place of some images; labels stay."""
        if state.step < self._first(state.steps):
            return x, y
        from imbench.methods._mixing import check_images

        check_images(x, "m2m")
        begun, rng = time.perf_counter(), state.rng("m2m")
        targets, seeds, chances = self._chosen(state, y.cpu().numpy(), rng)
        if len(targets) == 0:
            return x, y
        made, sure = self._translator(state).translate(x[seeds], y[seeds], y[targets], rng)
        kept = (sure.cpu().numpy() >= self.gamma) & (rng.random(len(targets)) < chances)
        mixed = x.clone()
        mixed[targets[kept]] = made[np.flatnonzero(kept)]
        self.add_cost(
            m2m_tried=len(targets),
            m2m_kept=int(kept.sum()),
            m2m_seconds=time.perf_counter() - begun,
        )
        return mixed, y

    def finish(self, state: TrainState) -> None:
        """Forget g, and say so where no translation was good enough."""
        if self.__dict__.pop("earlier_", None) is not None and not self.cost_.get("m2m_kept"):
            self.notes_.append(
                "M2m kept no translation: no class has fewer images, or the network trained before "
                f"gave none the new class with a probability of {self.gamma:g}"
            )

    def _first(self, steps: int) -> int:
        return round(self.start * steps)

    def _drawn(self, state: TrainState) -> Iterator[NDArray[np.int64]]:
        y, size, rng = state.labels, state.budget.batch_size, state.rng("batch order")
        first = self._first(state.steps)
        yield from islice(shuffled_passes(len(y), size, rng), first)
        chances = (1 / np.bincount(y))[y]
        sums = cumulated(chances / chances.sum())
        for _ in range(state.steps - first):
            yield draw_rows(sums, size, rng)

    def _chosen(
        self, state: TrainState, y: NDArray[np.int64], rng: np.random.Generator
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
        """Return places to fill, the places of what is translated, and its chances, each (k,)."""
        counts = np.bincount(state.labels, minlength=len(state.counts))
        wanted = np.flatnonzero(rng.random(len(y)) >= counts[y] / counts.max())
        chances = accept_chances(counts[y][None, :], counts[y[wanted]][:, None], self.beta)
        possible = chances.sum(axis=1) > 0
        wanted, chances = wanted[possible], chances[possible]
        # Places by the inverse of each row's distribution.
        below = chances.cumsum(axis=1) / chances.sum(axis=1, keepdims=True)
        seeds = (below <= rng.random((len(wanted), 1))).sum(axis=1).clip(max=len(y) - 1)
        return wanted, seeds, chances[np.arange(len(wanted)), seeds]

    def _translator(self, state: TrainState) -> Translator:
        from imbench.methods._translation import Translator

        return Translator(self.earlier_, state.net, self.lam, self.step, self.iterations)


def accept_chances(
    larger: NDArray[np.int64], smaller: NDArray[np.int64], beta: float
) -> NDArray[np.float64]:
    """Return 1 - beta**(difference) of the counts of two classes; 0 where the second has more."""
    return np.asarray(1 - np.power(float(beta), np.maximum(larger - smaller, 0)))
