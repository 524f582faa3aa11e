"""AUG with one generator for all classes: StarGAN, Choi et al. 2018, arXiv 1711.09020."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from imbench.constraints import number, whole
from imbench.errors import Diverged, UsageError
from imbench.methods._joint import JointPart
from imbench.training.examples import Examples

if TYPE_CHECKING:
    from imbench.methods._stargan import StarGAN, StarSettings

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
    a pair for each minority. It is trained for each cell by itself, and not kept. It helps where
    minorities share what sets them apart from the majority; a minority of a dozen images is drawn
    as often as any class and learned by heart.

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
        start = time.perf_counter()
        gan = self._trained(pixels, y)
        self.cost_["generator_seconds"] = time.perf_counter() - start
        self.cost_["generator_steps"] = float(self.star_settings.steps)
        self.cost_["generator_images"] = float(self.star_settings.steps * self.batch)
        minorities = [label for label in range(int(y.max()) + 1) if label != self.majority_]
        wanted = [(self.majority_, label) for label in minorities]
        wanted += [(label, self.majority_) for label in minorities]
        fakes = [_translated(gan, pixels[y == source], target) for source, target in wanted]
        labels = [np.full(len(f), c) for f, (_, c) in zip(fakes, wanted, strict=True)]
        return self._join(x, y, Examples(np.concatenate(fakes)), np.concatenate(labels))

    def _trained(self, pixels: NDArray[np.uint8], y: NDArray[np.int64]) -> StarGAN:
        """Return the networks, trained; the rate falls as in `aug`."""
        import torch

        from imbench.methods._gan_settings import lr_factor
        from imbench.methods._pixels import to_signed
        from imbench.methods._stargan import StarGAN, drawn_alike
        from imbench.seeds import torch_seed

        settings, device = self.star_settings, torch.device(self.context_.device)
        height, width, channels = pixels.shape[1:]
        seed = torch_seed(self.context_.seed, "generator of all classes")
        gan = StarGAN((channels, height, width), int(y.max()) + 1, settings, seed, device)
        for step in range(settings.steps):
            factor = lr_factor(step, settings.steps)
            for turn in range(settings.critics + 1):
                rows = drawn_alike(y, settings.batch, gan.rng)
                x, own = to_signed(pixels[rows], device), torch.from_numpy(y[rows]).to(device)
                update = gan.critic_step if turn < settings.critics else gan.generator_step
                loss = update(x, own, factor)
                if turn == settings.critics and not bool(loss.isfinite().all()):
                    raise Diverged(step, "generator loss")
        return gan


def _translated(gan: StarGAN, x: NDArray[np.uint8], label: int) -> NDArray[np.uint8]:
    from imbench.methods._pixels import to_pixels, to_signed

    pieces = (to_signed(x[i : i + 64], gan.device) for i in range(0, len(x), 64))
    made = [to_pixels(gan.translate(piece, label)) for piece in pieces]
    return np.concatenate(made) if made else np.empty((0, *x.shape[1:]), np.uint8)
