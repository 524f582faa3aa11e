"""Classifier retraining (cRT): Kang et al. 2020, arXiv 1910.09217, section 4.1."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from imbench.methods._second_stage import SecondStage

if TYPE_CHECKING:
    from imbench.training.state import TrainState

__all__ = ["ClassifierRetraining"]


class ClassifierRetraining(SecondStage):
    """Train the last layer anew on equally many images of each class.

    Parameters
    ----------
    share : float
        Steps of the second stage over those of the training; 0 is plain training.

    Notes
    -----
    After the last step the last linear layer gets new random weights and is trained with
    class-aware batches, the rest of the network frozen in evaluation mode. So the features come
    from all images alike and only the decision is balanced. The further steps go beyond the budget
    of the other methods: the record has their number and seconds, and since only the last layer
    learns, one takes about a third of the time of another. Parts beside it act on the training, not
    on the second stage, which has the plain loss.

    References
    ----------
    Kang, Xie, Rohrbach, Yan, Gordo, Feng and Kalantidis 2020, "Decoupling representation and
    classifier for long-tailed recognition", ICLR, section 4.1, arXiv 1910.09217.

    Examples
    --------
    >>> ClassifierRetraining(share=0.1).head_steps(1000)
    100
    """

    title: ClassVar[str] = "cRT"
    name: ClassVar[str] = "crt"

    def second_stage(self, state: TrainState, steps: int) -> None:
        """Give the last layer new weights and train it."""
        import torch

        from imbench.methods._head import find_head
        from imbench.methods._retrain import retrain
        from imbench.seeds import torch_seed

        head = find_head(state.net, len(state.counts), self.name)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(torch_seed(state.seed, "cRT"))
            fresh = type(head)(head.in_features, head.out_features, bias=head.bias is not None)
        head.load_state_dict(fresh.state_dict())
        self.add_cost(**retrain(state, list(head.parameters()), state.net, steps))
