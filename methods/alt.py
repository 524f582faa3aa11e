"""ALT: Sahoo et al. 2020, arXiv 2008.05524: a CycleGAN and a classifier trained alternately."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from imbench.constraints import number, whole
from imbench.methods._translated import TranslatedPart
from imbench.training.augment import steps_of
from imbench.training.examples import Examples

if TYPE_CHECKING:
    from torch import Tensor, nn

    from imbench.methods._teacher import Teacher
    from imbench.training.state import TrainState

__all__ = ["Alternating"]


@dataclass(eq=False, repr=False)
class Alternating(TranslatedPart):
    """Let the generators learn from the classifier, and it from their newest fakes.

    Parameters
    ----------
    gamma, kappa, variant, ratio, filter, beta, summed, steps, batch, lr, cycle, identity, gan, \
pool, width, blocks, layers, patch_width, da, ema, design, down, norm, init
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
    clip : float
        Most that the gradient of the classifier's loss in the fakes may be of the critics'; 0 for
        no limit.
    teacher : float
        Decay of a running mean of the classifier, which judges in its place; 0 for none.

    Notes
    -----
    The generators first train alone for half of their steps, as in AUG and shared with it. Their
    other half is spread over the classifier's steps: before each of them the generators are
    updated, then the classifier on fresh translations of images of its batch. It has as many steps
    as any other method. The losses are those of `imbench.methods.aug.Augmented`; to that of the
    generators comes the loss of the classifier, which is frozen, on the fakes,

        judge [-log z(G_AB(a)) - 1/gamma log(1 - z(G_BA(b)))]

    It helps where the classifier can tell which fakes miss their class, and harms where it cannot:
    a classifier that takes everything for the majority asks for noise that deceives it. Hence
    `warmup`, `ramp` and `freeze`.

    References
    ----------
    Sahoo, Singh, Panda, Feris and Das 2020, "Mitigating dataset imbalance via joint generation and
    classification", ECCV Workshops, doi 10.1007/978-3-030-65414-6_14, arXiv 2008.05524.

    Examples
    --------
    Half of the generators' steps come first, the others until they are frozen:

    >>> import numpy as np
    >>> from imbench import Method
    >>> x = np.random.default_rng(0).integers(0, 80, (26, 8, 8, 3), dtype=np.uint8)
    >>> y = np.repeat([0, 1], [20, 6])
    >>> x[y == 1] += 60
    >>> small = "steps=8,batch=2,width=4,blocks=1,patch_width=4"
    >>> for freeze in (0.1, 1):
    ...     method = Method(f"alt:freeze={freeze},{small}", network="linear", steps=2, device="cpu")
    ...     print(freeze, method.fit(x, y).cost_["generator_steps"])
    0.1 8.0
    1 4.0
    """

    version: ClassVar[int] = 3
    title: ClassVar[str] = "ALT"

    judge: float = 1.0
    warmup: float = 0.1
    ramp: float = 0.1
    freeze: float = 0.1
    k_g: int = 0
    k_m: int = 1
    clip: float = 0.0
    teacher: float = 0.0

    constraints: ClassVar = {
        **TranslatedPart.constraints,
        "judge": number(0, 1e6),
        **dict.fromkeys(("warmup", "ramp", "freeze"), number(0, 1)),
        "k_g": whole(0, 10_000),
        "k_m": whole(1, 10_000),
        "clip": number(0, 1e6),
        "teacher": number(0, 1, open_high=True),
    }

    @property
    def judges_from(self) -> float:
        """Not before the warm-up ends: until then real images stand in for the fakes."""
        return max(super().judges_from, self.warmup)

    def resample(
        self, x: Examples, y: NDArray[np.int64], rng: np.random.Generator
    ) -> tuple[Examples, NDArray[np.int64]]:
        """Train the generators half way; add the images to be translated, under their new label."""
        x, y = self._without_held(x, y, rng)
        pixels = self._pixels(x)
        total = self.gan_settings.steps
        half = total - total // 2
        self.pairs_ = self._trained_pairs(pixels, y, half)
        self.judging_: Teacher | None = None
        self.ratios_: list[float] = []
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
        from imbench.methods._cyclegan import frozen
        from imbench.methods._judge import restrained

        super().before_step(state)
        net = self._judging(state)
        todo = self._generator_steps(state.step, state.steps)
        if not todo:
            return
        weight = self._judge_weight(state.step / state.steps)
        state.net.eval()
        with frozen(state.net):
            for label, pair in self.pairs_.items():
                judge = None
                if weight > 0:
                    loss = self._judge(state, net, label, weight)
                    judge = restrained(loss, self.clip, self.ratios_)
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
            to_minority = targets == label
            to_majority = (partners == label) & (targets == self.majority_)
            for chosen, forward in ((to_minority, True), (to_majority, False)):
                if chosen.any():
                    images = fake[chosen]
                    x[images] = pair.translate(x[images], to_minority=forward)
        return x

    def finish(self, state: TrainState) -> None:
        """Report the pairs, and keep them as they are at the end."""
        super().finish(state)
        if self.ratios_:
            from imbench.methods._judge import of_ratios

            self.notes_.append(of_ratios(self.ratios_, self.clip))
        self.judging_ = None
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

    def _judging(self, state: TrainState) -> nn.Module:
        """Return the network that judges: the classifier, or its running mean."""
        if not self.teacher:
            return state.net
        from imbench.methods._teacher import Teacher

        if self.judging_ is None:
            self.judging_ = Teacher(state.net, self.teacher)
        self.judging_.update(state.net)
        return self.judging_.mean

    def _judge(
        self, state: TrainState, net: nn.Module, label: int, weight: float
    ) -> Callable[[Tensor, Tensor], Tensor]:
        """Return what the judge's loss on fakes of the label and of the majority is."""
        from torch.nn.functional import cross_entropy

        from imbench.methods._diffaugment import flip_and_crop

        steps = steps_of(state.budget.augment)
        rng = state.rng("augmentation of fakes for generators")
        factors = self._class_factors(state)

        def judge(fake_b: Tensor, fake_a: Tensor) -> Tensor:
            total = fake_b.new_zeros(())
            for fakes, target in ((fake_b, label), (fake_a, self.majority_)):
                x = flip_and_crop(fakes, steps, rng).add(1).mul(0.5)
                loss = cross_entropy(net(x), x.new_full((len(x),), target).long())
                total = total + factors[target] / factors[label] * loss
            return weight * total

        return judge

    def _real_images(self, state: TrainState, labels: NDArray[np.int64]) -> NDArray[Any]:
        rng = state.rng("real images in place of fakes")
        rows = [int(rng.choice(self.real_rows_[label])) for label in labels]
        return state.examples.take(np.asarray(rows))
