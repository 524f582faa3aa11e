"""One generator for all classes: StarGAN, Choi et al. 2018, arXiv 1711.09020."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from imbench.methods._gan_design import design_for
from imbench.methods._gan_networks import generator_of, initialise

__all__ = ["LabelCritic", "StarGAN", "StarSettings", "drawn_alike"]


@dataclass(frozen=True)
class StarSettings:
    """How the generator of all classes is trained; `imbench.methods.aug_star` describes it."""

    steps: int
    batch: int
    lr: float
    classify: float
    reconstruct: float
    penalty: float
    critics: int


class LabelCritic(nn.Module):
    """A critic without bounds on its scores, and a classifier on the same layers.

    Two strided layers of 4x4 without norm (a gradient penalty holds for an image by itself); then
    a score for each patch, and logits of the classes from the mean over patches.
    """

    def __init__(self, channels: int, classes: int, width: int = 32) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, width, 4, stride=2, padding=1),
            nn.LeakyReLU(0.01),
            nn.Conv2d(width, 2 * width, 4, stride=2, padding=1),
            nn.LeakyReLU(0.01),
        )
        self.scores = nn.Conv2d(2 * width, 1, 3, padding=1)
        self.labels = nn.Linear(2 * width, classes)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return scores (m,) and logits (m, K) of images in [-1, 1]."""
        features = self.body(x)
        return self.scores(features).mean(dim=(1, 2, 3)), self.labels(features.mean(dim=(2, 3)))


class StarGAN:
    """A generator that is told the class wanted, its critic, and their optimisers.

    The generator is that of the design for the side of the images; the class wanted stands beside
    the image as K maps of zeros and ones.

    Parameters
    ----------
    shape : (channels, height, width)
        Of the images.
    classes : int
        K.
    settings : StarSettings
        Weights and rates.
    seed : int
        Fixes the initial weights and all draws.
    device : torch.device
        Where the networks live.
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        classes: int,
        settings: StarSettings,
        seed: int,
        device: torch.device,
    ) -> None:
        self.settings, self.classes, self.device = settings, classes, device
        self.rng = np.random.default_rng([seed, 1])
        design = self.design = design_for("auto", min(shape[1:]))
        drawn = torch.Generator().manual_seed(seed)
        with torch.random.fork_rng(devices=[]):
            self.generator = generator_of(design, shape[0], given=shape[0] + classes).to(device)
            self.critic = LabelCritic(shape[0], classes).to(device)
        initialise(self.generator, drawn, design.init)
        initialise(self.critic, drawn, "he")
        self.opt_g, self.opt_d = (
            torch.optim.Adam(net.parameters(), settings.lr, betas=(0.5, 0.999), fused=True)
            for net in (self.generator, self.critic)
        )

    def made(self, x: Tensor, y: Tensor) -> Tensor:
        """Return images (m, ...) in [-1, 1] translated to classes y (m,)."""
        wanted = F.one_hot(y, self.classes).to(x.dtype)[:, :, None, None]
        maps = wanted.expand(-1, -1, *x.shape[2:])
        out: Tensor = self.generator(torch.cat([x, maps], dim=1))
        return out

    def targets(self, m: int) -> Tensor:
        """Draw classes (m,) to translate to, all alike."""
        return torch.from_numpy(self.rng.integers(0, self.classes, m)).to(self.device)

    def critic_step(self, x: Tensor, y: Tensor, factor: float) -> Tensor:
        """Update the critic on images and their labels; return its loss, detached."""
        with torch.no_grad():
            fakes = self.made(x, self.targets(len(x)))
        scores, logits = self.critic(torch.cat([x, fakes]))
        real, fake = scores.split([len(x), len(x)])
        s = self.settings
        loss: Tensor = fake.mean() - real.mean() + s.classify * F.cross_entropy(logits[: len(x)], y)
        if s.penalty:
            loss = loss + s.penalty * self.steepness(x, fakes)
        _descend(self.opt_d, loss, s.lr * factor)
        return loss.detach()

    def steepness(self, x: Tensor, fakes: Tensor) -> Tensor:
        """Return the mean of (|gradient of the score| - 1)^2 between images and fakes.

        Gulrajani et al. 2017, arXiv 1704.00028.
        """
        share = torch.from_numpy(self.rng.random((len(x), 1, 1, 1))).to(x)
        between = (share * x + (1 - share) * fakes).requires_grad_()
        (slope,) = torch.autograd.grad(self.critic(between)[0].sum(), between, create_graph=True)
        steep: Tensor = (slope.flatten(1).norm(dim=1) - 1).square().mean()
        return steep

    def generator_step(self, x: Tensor, y: Tensor, factor: float) -> Tensor:
        """Update the generator; return its terms (adversarial, class, reconstruction), detached."""
        wanted, s = self.targets(len(x)), self.settings
        fakes = self.made(x, wanted)
        scores, logits = self.critic(fakes)
        back = (self.made(fakes, y) - x).abs().mean()
        terms: Tensor = torch.stack(
            [-scores.mean(), s.classify * F.cross_entropy(logits, wanted), s.reconstruct * back]
        )
        _descend(self.opt_g, terms.sum(), s.lr * factor)
        return terms.detach()

    @torch.no_grad()
    def translate(self, x: Tensor, label: int) -> Tensor:
        """Return images (m, ...) in [-1, 1] translated to a class."""
        return self.made(x, torch.full((len(x),), label, device=x.device))

    def state(self, *, ended: bool = False) -> dict[str, Any]:
        """Return all that training depends on, as tensors and plain data.

        What only further training needs is left out where it has `ended`.
        """
        if ended:
            return {"nets": {"generator": self.generator.state_dict()}}
        nets = {"generator": self.generator, "critic": self.critic}
        return {
            "nets": {name: net.state_dict() for name, net in nets.items()},
            "optimisers": [self.opt_g.state_dict(), self.opt_d.state_dict()],
            "rng": self.rng.bit_generator.state,
        }

    def load(self, state: dict[str, Any]) -> None:
        """Go on from a state, or only translate with what an ended one holds."""
        self.generator.load_state_dict(state["nets"]["generator"])
        if "optimisers" not in state:
            return
        self.critic.load_state_dict(state["nets"]["critic"])
        for optimiser, kept in zip((self.opt_g, self.opt_d), state["optimisers"], strict=True):
            optimiser.load_state_dict(kept)
        self.rng.bit_generator.state = state["rng"]


def _descend(optimiser: torch.optim.Optimizer, loss: Tensor, lr: float) -> None:
    for group in optimiser.param_groups:
        group["lr"] = lr
    optimiser.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    optimiser.step()


def drawn_alike(y: NDArray[np.int64], m: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return rows (m,) of examples, every class drawn alike."""
    rows = [np.flatnonzero(y == label) for label in np.unique(y)]
    return np.array([rng.choice(rows[c]) for c in rng.integers(0, len(rows), m)])
