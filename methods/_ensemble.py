"""What methods of several networks share: their number, and the budget between them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from imbench.constraints import FLAG, whole
from imbench.errors import UsageError
from imbench.training.part import Part

__all__ = ["BalancedSets", "EnsemblePart", "as_many_of_each"]


class EnsemblePart(Part):
    """Base of methods of several networks, whose logits are averaged."""

    constraints: ClassVar = {"members": whole(1, 100), "each": FLAG}

    def __init__(self, members: int, each: bool) -> None:
        self.members = members
        self.each = each

    @property
    def networks(self) -> int:
        """How many networks it trains."""
        return self.members

    def beside(self, others: Sequence[Part]) -> Self:
        """Refuse parts that train generators: those of one network would go on with the next."""
        if any(part.trains_generators for part in others):
            raise UsageError(f"{self.title} cannot stand beside a part that trains generators")
        return self

    def own_steps(self, steps: int) -> int:
        """Return the steps beyond those of a method."""
        return (self.members - 1) * steps if self.each else 0

    def member_steps(self, steps: int) -> list[int]:
        """Return the steps of each network: its share of all, or all."""
        if self.each:
            if self.members > 1:
                self.notes_.append(
                    f"each of {self.members} networks was trained for {steps} steps: "
                    f"{self.members} times as many as a method has"
                )
            return [steps] * self.members
        if steps < self.members:
            raise UsageError(f"{self.members} networks cannot share {steps} steps")
        share, more = divmod(steps, self.members)
        return [share + (member < more) for member in range(self.members)]


class BalancedSets(EnsemblePart):
    """Base of those whose networks are trained on as many images of each class."""

    def __init__(self, members: int = 4, each: bool = False) -> None:
        super().__init__(members, each)

    def foresee(self, counts: NDArray[np.int64], shape: tuple[int, ...]) -> NDArray[np.int64]:
        """Return the counts that each network is trained on."""
        return np.full(len(counts), counts.min(), np.int64)


def as_many_of_each(
    classes: Sequence[NDArray[np.int64]], least: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Return `least` random rows of each class, sorted."""
    return np.sort(np.concatenate([rng.permutation(rows)[:least] for rows in classes]))
