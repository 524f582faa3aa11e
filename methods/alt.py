"""ALT: Sahoo et al. 2020, arXiv 2008.05524: a CycleGAN and a classifier trained alternately."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from imbench.errors import UsageError
from imbench.methods._gan_settings import is_number
from imbench.methods._translated import TranslatedPart
from imbench.training.augment import parse_augment
from imbench.training.examples import Examples

if TYPE_CHECKING:
    from torch import Tensor

    from imbench.methods._cyclegan import Judge
    from imbench.training.state import TrainState

__all__ = ["Alternating"]


class Alternating(TranslatedPart):
    """Let the generators learn from the classifier, and it from their newest fakes.

    The generators first train alone for half of their steps, as in AUG and shared with it. Their
    other half is spread over the classifier's steps: before each of them the generators are
    updated with the frozen classifier's loss on the fakes added, then the classifier on fresh
    translations of images of its batch. It has as many steps as any other method.

    Parameters
    ----------
    gamma, kappa, variant, ratio, filter, beta, summed, steps, batch, lr, cycle, identity, gan, \
pool, width, blocks, layers, patch_width, da, ema
        See `imbench.methods.aug.Augmented`.
    judge : float
        Weight of the classifier's loss in the generators' objective (lambda_cls).
    warmup : float
        Share of the classifier's steps on real images alone, without `judge`.
    ramp : float
        Share of the steps after that over which `judge` grows from 0.
    freeze : float
        Share of the last steps in which the generators stay as they are.
    k_g, k_m : int
        Generator steps for each `k_m` steps of the classifier; 0 spreads what is left evenly.
    """

    version: ClassVar[int] = 2
    title: ClassVar[str] = "ALT"

    def __init__(
        self,
        gamma: float | str = 1.0,
        kappa: float | None = None,
        variant: str = "both",
        ratio: float = 1.0,
        filter: float = 0.0,  # noqa: A002
        beta: float = 0.999,
        summed: bool = False,
        steps: int = 0,
        batch: int = 4,
        lr: float = 2e-4,
        cycle: float = 10.0,
        identity: float = 5.0,
        gan: str = "lsgan",
        pool: int = 50,
        width: int = 0,
        blocks: int = 0,
        layers: int = 0,
        patch_width: int = 0,
        da: bool | None = None,
        ema: float = 0.0,
        judge: float = 1.0,
        warmup: float = 0.1,
        ramp: float = 0.1,
        freeze: float = 0.1,
        k_g: int = 0,
        k_m: int = 1,
    ) -> None:
        self.gamma = gamma
        self.kappa = kappa
        self.variant = variant
        self.ratio = ratio
        self.filter = filter
        self.beta = beta
        self.summed = summed
        self.steps = steps
        self.batch = batch
        self.lr = lr
        self.cycle = cycle
        self.identity = identity
        self.gan = gan
        self.pool = pool
        self.width = width
        self.blocks = blocks
        self.layers = layers
        self.patch_width = patch_width
        self.da = da
        self.ema = ema
        self.judge = judge
        self.warmup = warmup
        self.ramp = ramp
        self.freeze = freeze
        self.k_g = k_g
        self.k_m = k_m

    def _refuse_what_cannot_be_meant(self) -> None:
        super()._refuse_what_cannot_be_meant()
        for name in ("warmup", "ramp", "freeze"):
            value = getattr(self, name)
            if not is_number(value) or not 0 <= value <= 1:
                raise UsageError(f"{name}={value!r}; a share of the steps lies in [0, 1]")
        if not is_number(self.judge) or self.judge < 0:
            raise UsageError(f"judge={self.judge!r}; a weight is a number from 0 on")
        for name, low in (("k_g", 0), ("k_m", 1)):
            value = getattr(self, name)
            if not isinstance(value, int) or value < low:
                raise UsageError(f"{name}={value!r}; write a whole number from {low} on")

    @property
    def judges_from(self) -> float:
        """Not before the warm-up ends: until then real images stand in for the fakes."""
        return max(super().judges_from, self.warmup)

    def resample(
        self, x: Examples, y: NDArray[np.int64], rng: np.random.Generator
    ) -> tuple[Examples, NDArray[np.int64]]:
        """Train the generators half way; add what they will translate, under its new label."""
        x, y = self._without_held(x, y, rng)
        pixels = self._pixels(x)
        total = self.gan_settings.steps
        half = total - total // 2
        self.pairs_ = self._trained_pairs(pixels, y, half)
        sources, labels = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
        for label in self.pairs_:
            for target, rows in self._sources(y, label, rng):
                sources.append(rows)
                labels.append(np.full(len(rows), target))
        rows = np.concatenate(sources)
        self.partner_ = np.concatenate([y, y[rows]])
        self.real_rows_ = [np.flatnonzero(y == label) for label in range(int(y.max()) + 1)]
        return self._join(x, y, x[rows], np.concatenate(labels))

    def before_step(self, state: TrainState) -> None:
        """Train the generators against their critics and the classifier as it is."""
        super().before_step(state)
        todo = self._generator_steps(state.step, state.steps)
        if not todo:
            return
        weight = self._judge_weight(state.step / state.steps)
        from imbench.methods._cyclegan import frozen

        state.net.eval()
        with frozen(state.net):
            for label, pair in self.pairs_.items():
                judge = self._judge(state, label, weight) if weight > 0 else None
                pair.run(pair.done + todo, judge)
        state.net.train()

    def compose(self, state: TrainState, x: NDArray[Any], rows: NDArray[np.int64]) -> NDArray[Any]:
        """Translate the images that stand under another label, with the newest generators."""
        fake = np.flatnonzero(self.fake_[rows])
        if not len(fake):
            return x
        x = np.array(x)
        targets = state.labels[rows[fake]]
        if state.step < round(self.warmup * state.steps):
            x[fake] = self._real_images(state, targets)
            return x
        partners = self.partner_[rows[fake]]
        for label, pair in self.pairs_.items():
            for own in (targets == label, (partners == label) & (targets == 0)):
                if own.any():
                    forth = bool(targets[own][0] == label)
                    x[fake[own]] = pair.translate(x[fake[own]], to_minority=forth)
        return x

    def finish(self, state: TrainState) -> None:
        """Report the pairs, and keep them as they are at the end."""
        super().finish(state)
        for label, pair in self.pairs_.items():
            pair.keep()
            self._report(label, pair)
        del self.pairs_

    def _generator_steps(self, step: int, steps: int) -> int:
        """Return how many generator steps precede a step of the classifier."""
        active = steps - round(self.freeze * steps)
        if step >= active:
            return 0
        rate = self.k_g / self.k_m if self.k_g else (self.gan_settings.steps // 2) / active
        return math.floor((step + 1) * rate + 1e-9) - math.floor(step * rate + 1e-9)

    def _judge_weight(self, done: float) -> float:
        """Return lambda_cls at a share of the classifier's steps."""
        if done < self.warmup:
            return 0.0
        rising = (done - self.warmup) / self.ramp if self.ramp else 1.0
        return self.judge * min(1.0, rising)

    def _judge(self, state: TrainState, label: int, weight: float) -> Judge:
        from torch.nn.functional import cross_entropy

        from imbench.methods._diffaugment import flip_and_crop

        steps = parse_augment(state.budget.augment)
        rng = state.rng("augmentation of fakes for generators")
        factors = self._class_factors(state)

        def loss(fake_b: Tensor, fake_a: Tensor) -> Tensor:
            total = fake_b.new_zeros(())
            for fakes, target in ((fake_b, label), (fake_a, 0)):
                x = flip_and_crop(fakes, steps, rng).add(1).mul(0.5)
                own = cross_entropy(state.net(x), x.new_full((len(x),), target).long())
                total = total + factors[target] / factors[label] * own
            return weight * total

        return loss

    def _real_images(self, state: TrainState, labels: NDArray[np.int64]) -> NDArray[Any]:
        rng = state.rng("real images in place of fakes")
        rows = [int(rng.choice(self.real_rows_[label])) for label in labels]
        return state.examples.take(np.asarray(rows))
