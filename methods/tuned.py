"""A threshold tuned by cross-validation inside the training set, which can be deployed (TS-val)."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from imbench.constraints import NONE, choice, number, whole
from imbench.errors import UsageError
from imbench.methods._cuts import best_cut
from imbench.training.part import Part, overrides
from imbench.training.refit import Refit

if TYPE_CHECKING:
    import torch

__all__ = ["Tuned"]

LEAST = 3
"""Images of a class from which on every fold leaves two of them to train on."""


class Tuned(Part):
    """Move the threshold to where it is best for training images that were held out.

    Parameters
    ----------
    goal : {'f1', 'acsa', 'cost'}
        What is best: F1 of the minority, the mean recall of all classes, or the least mean cost.
    ratio : float, optional
        Cost of missing a minority image, a false alarm costing 1; needed by the goal ``cost``.
    folds : int
        Folds of the cross-validation; fewer where a class has fewer images, or groups of images.
    share : float, optional
        Share of minority images where the classifier is used, on which F1 and costs depend; that of
        the training set if not given.

    Notes
    -----
    The recipe without this part is trained once for each fold on the other folds, with the full
    budget, and its outputs on the fold are kept. All folds' outputs together choose the threshold:
    midway, in log-odds, between two neighbouring images; of equally good ones the highest. Then the
    recipe is trained on all training images, and the log-odds of its outputs are moved so that the
    threshold lies where two classes are equally likely. So no image is held out of what is
    delivered, and the cost is that of `folds` trainings more.

    With more than two classes the threshold is that between the majority and the likeliest
    minority. With a few minority images, of which each fold holds some, it is a rough one.

    The training set's share of minority images is the benchmark's doing. Where that of the test
    set is another, a threshold for F1 or a cost is right for the former unless `share` says
    otherwise; one for ACSA depends on no share.

    References
    ----------
    Provost 2000, "Machine learning from imbalanced data sets 101", AAAI Workshop on Learning from
    Imbalanced Data Sets: outputs with the threshold adjusted before anything else is tried.

    Examples
    --------
    >>> from imbench.training.recipe import parse_recipe
    >>> parse_recipe("us+tuned:goal=cost,ratio=10").title
    'US+Tuned goal=cost ratio=10'
    """

    title: ClassVar[str] = "Tuned"
    moves_threshold: ClassVar[bool] = True
    constraints: ClassVar = {
        "goal": choice("f1", "acsa", "cost"),
        "ratio": number(0, 1e6, open_low=True) | NONE,
        "folds": whole(2, 100),
        "share": number(0, 1, open_low=True, open_high=True) | NONE,
    }

    def __init__(
        self,
        goal: str = "f1",
        ratio: float | None = None,
        folds: int = 5,
        share: float | None = None,
    ) -> None:
        self.goal = goal
        self.ratio = ratio
        self.folds = folds
        self.share = share

    def beside(self, others: Sequence[Part]) -> Self:
        """Refuse what sets the threshold as well, generators, and a cost without a ratio."""
        if (self.goal == "cost") != (self.ratio is not None):
            raise UsageError("tuned: goal=cost and ratio=R belong together: goal=cost,ratio=10")
        for part in others:
            name = type(part).title or type(part).__name__
            if overrides(part, "adjust"):
                raise UsageError(f"tuned and {name} both set the threshold: choose one")
            if part.trains_generators:
                raise UsageError(
                    f"tuned would train the generators of {name} again in each fold: leave it out"
                )
        return self

    def own_steps(self, steps: int) -> int:
        """Return the steps of the trainings of all folds."""
        return self.folds * steps

    def foresee(self, counts: NDArray[np.int64], shape: tuple[int, ...]) -> NDArray[np.int64]:
        """Refuse classes of fewer than three images, and a cost between more than two classes."""
        self._check(counts)
        return counts

    def build(self, net: torch.nn.Module, counts: NDArray[np.float64]) -> torch.nn.Module:
        """Add what will move the outputs; it does nothing before it is tuned."""
        from imbench.training.shift import shifted

        return shifted(net, len(counts))

    def tune(self, net: torch.nn.Module, refit: Refit) -> None:
        """Choose the threshold by cross-validation, and move the outputs of the network by it."""
        from imbench.training.cross_validation import assign_folds, cross_validated_outputs
        from imbench.training.shift import set_shift

        begun, labels = time.perf_counter(), refit.labels
        counts = np.bincount(labels)
        self._check(counts)
        groups = _groups(refit)
        units = min(len({groups[row] for row in np.flatnonzero(labels == c)}) for c in set(labels))
        folds = min(self.folds, units)
        if folds < self.folds:
            self.notes_.append(
                f"tuned: {folds} folds instead of {self.folds}, since a class has {units} images "
                "or groups of them"
            )
        proba = cross_validated_outputs(
            refit.method,
            refit.pixels,
            labels,
            assign_folds(labels, folds, groups),
            seeds=[int(refit.method.get_params()["random_state"] or 0)],
            weights=refit.weights,
        )
        threshold = best_cut(labels, proba, self.goal, ratio=self.ratio, share=self.share)
        set_shift(net, np.where(np.arange(len(counts)) == 0, threshold, 0.0))
        steps = folds * refit.method.get_params()["steps"]
        self.add_cost(tune=time.perf_counter() - begun, tune_steps=steps)
        self.cost_["tuned_log_odds"] = threshold

    def _check(self, counts: NDArray[np.int64]) -> None:
        if counts.min() < LEAST:
            raise UsageError(
                f"tuned needs {LEAST} training images of each class, to hold one out and train on "
                f"the others; one class has {counts.min()}"
            )
        if self.goal == "cost" and len(counts) > 2:
            raise UsageError(
                f"tuned:goal=cost is about two classes, and there are {len(counts)}: choose f1 or "
                "acsa"
            )


def _groups(refit: Refit) -> list[Any]:
    """Return what goes to one fold as a whole: groups of the data set, or equal images."""
    if refit.groups is not None:
        return list(refit.groups)
    flat = np.ascontiguousarray(refit.pixels).reshape(len(refit.pixels), -1)
    return [row.tobytes() for row in flat]
