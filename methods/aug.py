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

    Parameters
    ----------
    gamma : float or str
        What divides the loss of the majority: a number, ``ir`` (n_A / n_B; on top of equal parts
        it over-corrects), ``effective`` (the ratio of the counts when a fake is worth `kappa`),
        ``cbl`` (of the effective numbers at `beta`), ``learned`` or ``learned-meta``.
    kappa : float, optional
        Worth of a fake: how often it is drawn against a real image. Left out it is 0.25 (the
        paper draws alike, 1), or 0.1 beside a part that weighs classes and for `gamma` from
        counts.
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
        Generator steps, and images of each class in a step; 0 steps are twice the classifier's.
    lr, cycle, identity : float, optional
        Adam's rate; weights of the cycle and identity losses. Left out the design chooses them.
    gan : {'lsgan', 'bce'}
        Adversarial loss.
    pool : int
        Past fakes kept for each discriminator.
    width, blocks, layers, patch_width : int
        Sizes of the networks; 0 leaves them to the design.
    da : bool, optional
        DiffAugment in the discriminators; off in AUG.
    ema : float
        Decay of a running mean of the generators, which then makes the fakes; 0 for none.
    design : {'auto', 'small', 'paper'}
        Networks, rate and weights: ``paper`` is the reference code's, scaled down below 200 px,
        ``small`` one whose generator can copy an image within some hundred steps; ``auto`` takes
        ``small``.
    down : int
        Strided layers of the generators; 0 leaves them to the design.
    norm : {'auto', 'none', 'instance'}
        Of the generators.
    init : {'auto', 'scaled', 'he', 'normal'}
        Initial weights of the generators.

    Notes
    -----
    G_AB makes minority images of majority images, G_BA the reverse; D_A and D_B tell real images
    from fakes. Generators and discriminators minimise, with mean absolute differences,

        G: (D_B(G_AB(a)) - 1)^2 + (D_A(G_BA(b)) - 1)^2
           + cycle (|G_BA(G_AB(a)) - a| + |G_AB(G_BA(b)) - b|)
           + identity (|G_AB(b) - b| + |G_BA(a) - a|)
        D: 1/2 [(D_A(a) - 1)^2 + D_A(G_BA(b))^2 + (D_B(b) - 1)^2 + D_B(G_AB(a))^2]

    Then a classifier with probability z of the minority learns from real images and, `kappa` times
    as often, from fakes under the label they were translated to:

        -log z(b) - log z(G_AB(a)) + 1/gamma [-log(1 - z(a)) - log(1 - z(G_BA(b)))]

    Both classes are equally strong at gamma 1; docs/methods/aug.md has other values. With more than
    two classes every minority has a pair of its own with the majority, so the cost grows with their
    number. It helps where fakes differ from what there is: with a dozen minority images D_B learns
    them by heart, and a G_AB that changes little makes majority images under the wrong label.

    References
    ----------
    Sahoo, Singh, Panda, Feris and Das 2020, "Mitigating dataset imbalance via joint generation and
    classification", ECCV Workshops, doi 10.1007/978-3-030-65414-6_14, arXiv 2008.05524.

    Zhu, Park, Isola and Efros 2017, "Unpaired image-to-image translation using cycle-consistent
    adversarial networks", ICCV, section 3, arXiv 1703.10593.

    Examples
    --------
    >>> import numpy as np
    >>> from imbench import Method
    >>> x = np.random.default_rng(0).integers(0, 80, (26, 8, 8, 3), dtype=np.uint8)
    >>> y = np.repeat([0, 1], [20, 6])
    >>> x[y == 1] += 60
    >>> small = "steps=4,batch=2,width=4,blocks=1,patch_width=4"
    >>> method = Method(f"aug:{small}", network="linear", steps=2, device="cpu").fit(x, y)
    >>> real, drawn = method.counts_, method.priors_
    >>> print(real, drawn, method.cost_["generator_steps"])
    [20.  6.] [0.5 0.5] 4.0
    """

    version: ClassVar[int] = 3
    title: ClassVar[str] = "AUG"

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

    Parameters
    ----------
    gamma, kappa, variant, ratio, filter, beta, summed, steps, batch, lr, cycle, identity, gan, \
pool, width, blocks, layers, patch_width, da, ema, design, down, norm, init
        See `Augmented`; `da` is on here.

    Notes
    -----
    Each discriminator D sees T(x) instead of x, of real images and fakes alike. T changes colours,
    shifts by up to an eighth of the side and cuts out a square of half the side; the generators'
    gradients pass through it. Without T a discriminator learns 12 to 100 minority images by
    heart; with thousands of images there is little to gain.

    References
    ----------
    Zhao, Liu, Lin, Zhu and Han 2020, "Differentiable augmentation for data-efficient GAN
    training", NeurIPS, section 3.2, arXiv 2006.10738.

    Examples
    --------
    >>> from imbench import parse_recipe
    >>> for recipe in ("aug", "aug-da", "aug:da=true"):
    ...     (part,) = parse_recipe(recipe).parts
    ...     print(recipe, part.gan_settings.da)
    aug False
    aug-da True
    aug:da=true True
    """

    title: ClassVar[str] = "AUG-DA"
    DIFF_AUGMENT: ClassVar[bool] = True
