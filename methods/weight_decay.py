"""Weight decay on chosen layers, MaxNorm: Alshammari et al. 2022, arXiv 2203.14197."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from imbench.constraints import NONE, choice, number
from imbench.training.part import Part

if TYPE_CHECKING:
    from torch import Tensor

    from imbench.training.state import TrainState

__all__ = ["WeightDecay"]


class WeightDecay(Part):
    """Decay the weights of some layers more, and cap the lengths of the class vectors.

    Parameters
    ----------
    decay : float
        The decay; the training's own leaves all as it is.
    layers : {'all', 'head', 'body'}
        All parameters, those of the last linear layer, or all others.
    maxnorm : float, optional
        Largest length of a class's vector in the last layer: longer ones are cut to it after each
        step.

    Notes
    -----
    SGD takes decay times the weight to each gradient. Plain training gives frequent classes the
    larger weights; decay shrinks what is large the most, and so balances layers without knowing
    counts. It is a tuning of plain training: ask whether a remedy beats it, too. With the
    training's own decay and no cap it is plain training.

    References
    ----------
    Alshammari, Wang, Ramanan and Kong 2022, "Long-tailed recognition via weight balancing", CVPR,
    section 3, arXiv 2203.14197.

    Examples
    --------
    >>> import torch
    >>> rows = torch.tensor([[3.0, 4.0], [0.6, 0.8]], dtype=torch.float64)
    >>> WeightDecay(0.005, maxnorm=2).capped(rows).numpy().round(3).tolist()
    [[1.2, 1.6], [0.6, 0.8]]
    """

    title: ClassVar[str] = "WD"
    constraints: ClassVar = {
        "decay": number(0, 1),
        "layers": choice("all", "head", "body"),
        "maxnorm": number(0, 1e6, open_low=True) | NONE,
    }

    def __init__(
        self, decay: float = 5e-3, layers: str = "all", maxnorm: float | None = None
    ) -> None:
        self.decay = decay
        self.layers = layers
        self.maxnorm = maxnorm

    def begin(self, state: TrainState) -> None:
        """Give the chosen parameters their decay."""
        from imbench.methods._head import find_head

        groups = state.optimiser.param_groups
        if self.layers == "all":
            for group in groups:
                group["weight_decay"] = self.decay
            return
        head = find_head(state.net, len(state.counts), f"wd:layers={self.layers}")
        of_head = {id(parameter) for parameter in head.parameters()}
        for group in list(groups):
            chosen = [p for p in group["params"] if (id(p) in of_head) == (self.layers == "head")]
            if not chosen:
                continue
            ids = {id(p) for p in chosen}
            group["params"] = [p for p in group["params"] if id(p) not in ids]
            options = {key: value for key, value in group.items() if key != "params"}
            state.optimiser.add_param_group(
                {**options, "params": chosen, "weight_decay": self.decay}
            )

    def after_step(self, state: TrainState) -> None:
        """Cut the class vectors that are too long."""
        if self.maxnorm is None:
            return
        import torch

        from imbench.methods._head import find_head

        weight = find_head(state.net, len(state.counts), "wd:maxnorm").weight
        with torch.no_grad():
            weight.copy_(self.capped(weight))

    def capped(self, rows: Tensor) -> Tensor:
        """Return rows (K, d), cut to the largest length."""
        lengths = rows.norm(dim=1, keepdim=True).clamp(min=1e-12)
        return rows * (self.maxnorm / lengths).clamp(max=1) if self.maxnorm else rows
