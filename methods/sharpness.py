"""Sharpness-aware minimisation (SAM): Foret et al. 2021, arXiv 2010.01412, algorithm 1."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from imbench.constraints import number
from imbench.training.part import Part

if TYPE_CHECKING:
    from torch import nn

    from imbench.training.state import TrainState

    _Normalising = nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d

__all__ = ["SharpnessAware"]


class SharpnessAware(Part):
    """Step by the gradient at the worst point nearby, not by that where the network stands.

    Parameters
    ----------
    rho : float
        Distance of that point; 0 is plain training.

    Notes
    -----
    With g the gradient of the batch's loss in all weights w, the step is taken from w by the
    gradient of the same batch at

        w + rho g / |g|

    Flat minima move less when images change, which the few images of a minority do. Each step needs
    two gradients, so it costs twice the time at the same number of steps; the record says so.
    Running means of batch norm are those of the first.

    References
    ----------
    Foret, Kleiner, Mobahi and Neyshabur 2021, "Sharpness-aware minimization for efficiently
    improving generalization", ICLR, algorithm 1, arXiv 2010.01412.

    Shwartz-Ziv, Goldblum, Li, Bruss and Wilson 2023, "Simplifying neural network training under
    class imbalance", NeurIPS, arXiv 2312.02517.

    Examples
    --------
    The loss w**2 at w = 1 has the gradient 2; with rho 0.5 the step uses that at 1.5:

    >>> import torch
    >>> from types import SimpleNamespace
    >>> net = torch.nn.Linear(1, 1, bias=False)
    >>> _ = torch.nn.init.ones_(net.weight)
    >>> def again():
    ...     net.weight.grad = 2 * net.weight.detach()
    >>> again()
    >>> part = SharpnessAware(rho=0.5)
    >>> part.cost_ = {}
    >>> part.gradients(SimpleNamespace(net=net), again)
    >>> net.weight.item(), net.weight.grad.item()
    (1.0, 3.0)
    """

    title: ClassVar[str] = "SAM"
    constraints: ClassVar = {"rho": number(0, 10)}

    def __init__(self, rho: float = 0.05) -> None:
        self.rho = rho

    def own_steps(self, steps: int) -> int:
        """Return how many gradients are computed a second time."""
        return steps if self.rho else 0

    def gradients(self, state: TrainState, again: Callable[[], None]) -> None:
        """Replace the gradients by those at the worst point nearby."""
        if self.rho == 0:
            return
        import torch

        self.add_cost(second_gradients=1)
        found = [(p, p.grad) for p in state.net.parameters() if p.grad is not None]
        length = torch.stack([gradient.norm() for _, gradient in found]).norm()
        before = [p.detach().clone() for p, _ in found]
        with torch.no_grad():
            for p, gradient in found:
                p.add_(self.rho * gradient / (length + 1e-12))
        moving = _running_means(state.net)
        for module, _ in moving:
            module.momentum = 0.0
        again()
        for module, momentum in moving:
            module.momentum = momentum
        with torch.no_grad():
            for (p, _), old in zip(found, before, strict=True):
                p.copy_(old)


def _running_means(net: nn.Module) -> list[tuple[_Normalising, float | None]]:
    """Return the layers that keep running means, and how fast these move."""
    from torch import nn

    kinds = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
    return [(module, module.momentum) for module in net.modules() if isinstance(module, kinds)]
