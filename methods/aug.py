"""AUG: Sahoo et al. 2020, arXiv 2008.05524: a CycleGAN once, then a classifier on its fakes too."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from imbench.methods._translated import TranslatedPart
from imbench.training.examples import Examples

__all__ = ["Augmented", "AugmentedDA"]


class Augmented(TranslatedPart):
    """Train a CycleGAN between the majority and each minority, then classify with its fakes.

    With more than two classes every minority has a pair of its own with the majority: what is
    known of two classes stays as it is, and the cost grows with their number.

    Parameters
    ----------
    gamma : float or str
        What divides the loss of the majority: a number, ``ir`` (n_A / n_B; on top of equal parts
        it over-corrects), ``effective`` (the ratio of the counts when a fake is worth `kappa`),
        ``cbl`` (of the effective numbers at `beta`), ``learned`` or ``learned-meta``.
    kappa : float, optional
        Worth of a fake: how often it is drawn against a real image. Left out it is 1, or 0.1
        beside a part that weighs classes and for `gamma` from counts.
    variant : {'both', 'a2b'}
        Fakes of both classes, or of the minority only.
    ratio : float
        For ``a2b``: fakes for each image that the minority lacks.
    filter : float
        Leave out fakes that a running mean of the classifier gives less than this chance of
        their label; 0 leaves out none.
    beta : float
        Of ``gamma=cbl``.
    summed : bool
        Draw every real image alike, rather than four equal parts; set beside class weights.
    steps, batch : int
        Generator steps, and images of each class in one; 0 steps are twice the classifier's.
    lr, cycle, identity : float
        Adam's rate; weights of the cycle and identity losses (alpha is half of beta there).
    gan : {'lsgan', 'bce'}
        Adversarial loss.
    pool : int
        Past fakes kept for each discriminator.
    width, blocks, layers, patch_width : int
        Sizes of the networks; 0 chooses by image size.
    da : bool, optional
        DiffAugment in the discriminators; off in AUG.
    ema : float
        Decay of a running mean of the generators, which then makes the fakes; 0 for none.
    """

    version: ClassVar[int] = 2
    title: ClassVar[str] = "AUG"
    DIFF_AUGMENT: ClassVar[bool] = False

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

    def resample(
        self, x: Examples, y: NDArray[np.int64], rng: np.random.Generator
    ) -> tuple[Examples, NDArray[np.int64]]:
        """Train the generators, or take them from the run's folder, and add their fakes."""
        x, y = self._without_held(x, y, rng)
        pixels = self._pixels(x)
        fakes, labels = [np.empty((0, *pixels.shape[1:]), np.uint8)], [np.empty(0, np.int64)]
        for label, pair in self._trained_pairs(pixels, y, self.gan_settings.steps).items():
            for target, sources in self._sources(y, label, rng):
                made = pair.translate(pixels[sources], to_minority=target == label)
                fakes.append(made)
                labels.append(np.full(len(made), target))
            self._report(label, pair)
        return self._join(x, y, Examples(np.concatenate(fakes)), np.concatenate(labels))


class AugmentedDA(Augmented):
    """AUG with DiffAugment (Zhao et al. 2020, arXiv 2006.10738) in the discriminators.

    With 12 to 100 minority images a discriminator learns them by heart; see `Augmented` for the
    parameters.
    """

    title: ClassVar[str] = "AUG-DA"
    DIFF_AUGMENT: ClassVar[bool] = True
