"""What parts share that train the last layer a second time, after the network."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from imbench.constraints import number
from imbench.training.part import Part

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import nn

    from imbench.training.state import TrainState

__all__ = ["SecondStage"]


class SecondStage(Part):
    """Base of cRT and LWS."""

    constraints: ClassVar = {"share": number(0, 10)}
    name: ClassVar[str]
    """What a recipe calls the part, for messages."""

    def __init__(self, share: float = 0.1) -> None:
        self.share = share

    @property
    def corrects(self) -> Literal["", "rest", "all"]:
        """All of the imbalance: the second stage sees the classes alike."""
        return "rest" if self.share else ""

    def head_steps(self, steps: int) -> int:
        """Return how many steps the last layer is trained beyond so many of the network."""
        return round(self.share * steps)

    def own_steps(self, steps: int) -> int:
        """Return the steps of the second stage."""
        return self.head_steps(steps)

    def build(self, net: nn.Module, counts: NDArray[np.float64]) -> nn.Module:
        """Return the network as it is; refuse one without a last linear layer before it trains."""
        from imbench.methods._head import find_head

        if self.share:
            find_head(net, len(counts), self.name)
        return net

    def finish(self, state: TrainState) -> None:
        """Train the last layer again, unless no steps are asked for."""
        steps = self.head_steps(state.steps)
        if steps:
            self.second_stage(state, steps)

    def second_stage(self, state: TrainState, steps: int) -> None:
        """Train the last layer for some steps."""
        raise NotImplementedError
