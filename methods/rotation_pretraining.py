"""Rotation pretraining (SSL): Yang and Xu 2020, arXiv 2006.07529, section 3.

The task is that of Gidaris et al. 2018, arXiv 1803.07728.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from imbench.constraints import number
from imbench.errors import UsageError
from imbench.training.part import Part

if TYPE_CHECKING:
    import torch
    from torch import nn

    from imbench.training.state import TrainState

__all__ = ["RotationPretraining", "rotated"]

TURNS = 4
"""By 0, 90, 180 and 270 degrees."""


class RotationPretraining(Part):
    """Let the network first learn by how much images were turned, without any label.

    Parameters
    ----------
    share : float
        Steps of the pretraining over those of the training; 0 is plain training.

    Notes
    -----
    All training images, of all classes alike, are augmented as ever and turned by 0, 90, 180 or 270
    degrees, a quarter of each batch by each. The network, with a last layer of four outputs in
    place of its own, learns the turn by plain cross-entropy; optimiser, schedule and size of the
    batches are those of the training. Then the recipe trains the whole network, its own last layer
    from the weights it had. No label is used, so none can be imbalanced: what is
    learned of the images is not the majority's boundary. It needs images that have an upright
    position and enough of them. Images that other parts left out (US) are learned from too.

    The steps go beyond those of other methods; the record has them as ``ssl_steps`` with their
    seconds, and as ``ssl_loss`` the loss over the last tenth of them: log 4 = 1.386 is a guess.

    References
    ----------
    Yang and Xu 2020, "Rethinking the value of labels for improving class-imbalanced learning",
    NeurIPS, section 3, arXiv 2006.07529.

    Gidaris, Singh and Komodakis 2018, "Unsupervised representation learning by predicting image
    rotations", ICLR, arXiv 1803.07728.

    Examples
    --------
    >>> RotationPretraining(share=0.5).own_steps(1000)
    500
    """

    title: ClassVar[str] = "SSL"
    constraints: ClassVar = {"share": number(0, 10)}

    def __init__(self, share: float = 1.0) -> None:
        self.share = share

    @property
    def needs_pixels(self) -> str:
        """A frozen backbone learns nothing of turned images."""
        return "it learns from turned images"

    def own_steps(self, steps: int) -> int:
        """Return the steps of the pretraining."""
        return round(self.share * steps)

    def foresee(self, counts: NDArray[np.int64], shape: tuple[int, ...]) -> NDArray[np.int64]:
        """Refuse images that are not square: turned, they have another shape."""
        self._check(shape)
        return counts

    def build(self, net: nn.Module, counts: NDArray[np.float64]) -> nn.Module:
        """Return the network as it is; refuse one without a last linear layer before it trains."""
        from imbench.methods._head import find_head

        if self.share:
            find_head(net, len(counts), "ssl")
        return net

    def begin(self, state: TrainState) -> None:
        """Train the network on turns; its own last layer stays as it is."""
        steps = self.own_steps(state.steps)
        if not steps:
            return
        self._check(state.examples.pixels.shape[1:])
        begun = time.perf_counter()
        loss = _pretrain(state, steps)
        # An ensemble has a pretraining for each of its networks.
        self.add_cost(ssl_steps=steps, ssl_seconds=time.perf_counter() - begun)
        self.cost_["ssl_loss"] = loss

    def _check(self, shape: tuple[int, ...]) -> None:
        if self.share and (len(shape) != 3 or shape[0] != shape[1]):
            raise UsageError("ssl turns images: it takes square ones, not rows of features")


def _pretrain(state: TrainState, steps: int) -> float:
    """Train the network of a state on turns, in place; return the loss at the end."""
    from dataclasses import replace

    import torch

    from imbench.methods._head import OtherHead, find_head
    from imbench.seeds import stream, torch_seed
    from imbench.training.examples import Examples
    from imbench.training.loop import new_optimiser, train
    from imbench.training.state import TrainState

    own = find_head(state.net, len(state.counts), "ssl")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(torch_seed(state.seed, "ssl"))
        net = OtherHead(state.net, own, TURNS)
    # Rows of the array, which parts that leave images out have not changed.
    images = Examples(state.examples.pixels)
    pretraining = TrainState(
        net=net,
        optimiser=new_optimiser(net, state.budget),
        examples=images,
        labels=np.zeros(len(images), np.int64),
        counts=np.ones(TURNS),
        budget=replace(state.budget, steps=steps),
        device=state.device,
        # Of its own: the order of the training's batches would come twice.
        seed=int(stream(state.seed, "ssl").integers(2**31)),
    )
    train(pretraining, [_Turned()], None, None)
    net.hook.remove()
    return pretraining.train_loss


class _Turned(Part):
    """Turn the images of a batch, and label them by how far."""

    def mix(
        self, state: TrainState, x: torch.Tensor, y: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        return rotated(x, state.rng("turns"))


def rotated(x: torch.Tensor, rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Turn each image (m, channels, side, side) by a random multiple of 90 degrees.

    Each turn comes equally often. Returned are images and turns (m,), counted against the clock.

    Examples
    --------
    >>> import numpy as np
    >>> import torch
    >>> x = torch.tensor([[[[1, 2], [3, 4]]]])
    >>> turned, by = rotated(x, np.random.default_rng(0))
    >>> by.item(), turned.flatten().tolist()
    (2, [4, 3, 2, 1])
    """
    import torch

    turns = torch.from_numpy(rng.permutation(np.arange(len(x)) % TURNS)).to(x.device)
    turned = x.clone()
    for turn in range(1, TURNS):
        turned[turns == turn] = torch.rot90(x[turns == turn], turn, (2, 3))
    return turned, turns
