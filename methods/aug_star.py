"""AUG with one generator for all classes: StarGAN, Choi et al. 2018, arXiv 1711.09020."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from imbench.constraints import number, whole
from imbench.errors import UsageError
from imbench.methods._generator_names import generator_name
from imbench.methods._joint import JointPart
from imbench.training.examples import Examples

if TYPE_CHECKING:
    from imbench.methods._star_training import StarTraining
    from imbench.methods._stargan import StarSettings

__all__ = ["StarAugmented"]


@dataclass(eq=False, repr=False)
class StarAugmented(JointPart):
    """Train one generator that is told the class wanted, then classify with its fakes.

    Parameters
    ----------
    gamma, kappa, filter, beta, summed
        See `imbench.methods.aug.Augmented`.
    steps, batch : int
        Generator steps and images in a step; 0 steps are twice the classifier's.
    lr : float
        Adam's rate for generator and critic.
    classify, reconstruct, penalty : float
        Weights of the class head's losses, of the reconstruction and of the gradient penalty.
    critics : int
        Critic steps before each generator step (5 in the paper).

    Notes
    -----
    With G(x, c) the image x translated to class c, y its own class, and D the critic with a class
    head P, they minimise

        D: D(G(x, c)) - D(x) - classify log P(y | x) + penalty (|slope of D between them| - 1)^2
        G: -D(G(x, c)) - classify log P(c | G(x, c)) + reconstruct |x - G(G(x, c), y)|

    Classes are drawn alike, and so are targets c. Then the classifier gets what it gets in `aug`:
    majority images translated to every minority, and every minority's to the majority. One network
    learns from all images, so its cost does not grow with the number of classes, where `aug` trains
    a pair for each minority. It helps where minorities share what sets them apart from the
    majority; a minority of a dozen images is drawn as often as any class and learned by heart.

    References
    ----------
    Choi, Choi, Kim, Ha, Kim and Choo 2018, "StarGAN: unified generative adversarial networks for
    multi-domain image-to-image translation", CVPR, section 3, arXiv 1711.09020.

    Examples
    --------
    >>> import numpy as np
    >>> from imbench import Method
    >>> x = np.random.default_rng(0).integers(0, 80, (31, 8, 8, 3), dtype=np.uint8)
    >>> y = np.repeat([0, 1, 2], [20, 6, 5])
    >>> method = Method("aug-star:steps=2,batch=4", network="linear", steps=2, device="cpu")
    >>> print(method.fit(x, y).cost_["generator_steps"], method.priors_.round(2))
    2.0 [0.33 0.33 0.33]
    """

    version: ClassVar[int] = 2
    trains_generators: ClassVar[bool] = True
    title: ClassVar[str] = "AUG-star"

    gamma: float | str = 1.0
    kappa: float | None = None
    filter: float = 0.0
    beta: float = 0.999
    summed: bool = False
    steps: int = 0
    batch: int = 8
    lr: float = 5e-4
    classify: float = 1.0
    reconstruct: float = 10.0
    penalty: float = 10.0
    critics: int = 1

    constraints: ClassVar = {
        **JointPart.constraints,
        "steps": whole(0, 100_000_000),
        "batch": whole(1, 10_000),
        "lr": number(0, 100, open_low=True),
        **dict.fromkeys(("classify", "reconstruct", "penalty"), number(0, 1e6)),
        "critics": whole(1, 100),
    }

    @property
    def star_settings(self) -> StarSettings:
        """How the generator is trained."""
        from imbench.methods._stargan import StarSettings

        names = ("batch", "lr", "classify", "reconstruct", "penalty", "critics")
        given = {name: getattr(self, name) for name in names}
        return StarSettings(steps=self.own_steps(self.context_.steps), **given)

    def own_steps(self, steps: int) -> int:
        """Return the steps of the generator: twice the classifier's unless they are given."""
        return self.steps or 2 * steps

    def resample(
        self, x: Examples, y: NDArray[np.int64], rng: np.random.Generator
    ) -> tuple[Examples, NDArray[np.int64]]:
        """Train the generator and add its fakes."""
        if x.pixels.ndim != 4:
            raise UsageError(f"{self.title} translates images, not rows of features")
        x, y = self._without_held(x, y, rng)
        pixels = np.asarray(np.rint(x.take(np.arange(len(x))))).astype(np.uint8)
        training = self._trained(pixels, y)
        minorities = [int(label) for label in np.unique(y) if label != self.majority_]
        self._report(training, minorities)
        wanted = [(self.majority_, label) for label in minorities]
        wanted += [(label, self.majority_) for label in minorities]
        fakes = [training.translate(pixels[y == source], target) for source, target in wanted]
        labels = [np.full(len(f), c) for f, (_, c) in zip(fakes, wanted, strict=True)]
        return self._join(x, y, Examples(np.concatenate(fakes)), np.concatenate(labels))

    def _trained(self, pixels: NDArray[np.uint8], y: NDArray[np.int64]) -> StarTraining:
        """Return the generator, trained here or by another fit."""
        from imbench.methods._kept import trained
        from imbench.methods._star_training import StarTraining

        training = StarTraining(pixels, y, self.star_settings, self.context_)
        return trained(training, training.steps)

    def _report(self, training: StarTraining, minorities: list[int]) -> None:
        """Note what the generator cost, its pictures, and the file that holds it."""
        from imbench.methods._pictures import loss_curves, sample_grid
        from imbench.methods._star_training import OneMinority

        self.add_cost(
            generator_seconds=training.seconds,
            generator_steps=training.done,
            generator_images=training.done * self.batch,
            generator_reused=training.reused,
        )
        for label in minorities:
            pair = OneMinority(training, self.majority_, label)
            self.artifacts_[f"samples-{label}.png"] = sample_grid(pair)
            if training.file:
                self.kept_[generator_name(label)] = training.file
        self.artifacts_["losses.png"] = loss_curves(training.history, training.LOSSES)
