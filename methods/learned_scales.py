"""Learnable weight scaling (LWS): Kang et al. 2020, arXiv 1910.09217, section 4.1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Self

from imbench.methods._second_stage import SecondStage
from imbench.methods.ldam import refuse_cosines
from imbench.training.part import Part

if TYPE_CHECKING:
    from imbench.training.state import TrainState

__all__ = ["LearnedScales"]


class LearnedScales(SecondStage):
    """Learn a factor for each class's logit on equally many images of each class.

    Parameters
    ----------
    share : float
        Steps of the second stage over those of the training; 0 is plain training.

    Notes
    -----
    After the last step the logit of class c becomes f_c (w_c x + b_c), and the factors f, which
    start at 1, are trained with class-aware batches while the network is frozen in evaluation mode.
    Directions of the class vectors stay, only their lengths change. For two classes whose vectors
    are opposite that moves the boundary little. The further steps go beyond the budget of the other
    methods: the record has their number and seconds.

    References
    ----------
    Kang, Xie, Rohrbach, Yan, Gordo, Feng and Kalantidis 2020, "Decoupling representation and
    classifier for long-tailed recognition", ICLR, section 4.1, arXiv 1910.09217.

    Examples
    --------
    >>> LearnedScales(share=0.1).head_steps(1000)
    100
    """

    title: ClassVar[str] = "LWS"
    name: ClassVar[str] = "lws"

    def beside(self, others: Sequence[Part]) -> Self:
        """Refuse a layer of cosines, which class vectors of any length leave as it is."""
        refuse_cosines("lws", others)
        return self

    def second_stage(self, state: TrainState, steps: int) -> None:
        """Train the factors, and multiply them into the last layer."""
        import torch

        from imbench.methods._head import find_head
        from imbench.methods._retrain import retrain

        head = find_head(state.net, len(state.counts), self.name)
        factors = torch.nn.Parameter(torch.ones(len(state.counts), device=state.device))
        self.add_cost(**retrain(state, [factors], lambda x: factors * state.net(x), steps))
        with torch.no_grad():
            head.weight.mul_(factors[:, None])
            if head.bias is not None:
                head.bias.mul_(factors)
