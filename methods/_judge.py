"""A classifier's say in what generators learn, held back where it would outweigh the critics."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

__all__ = ["Judge", "of_ratios", "restrained"]

Judge = Callable[[Tensor, Tensor, Tensor], Tensor]
"""A classifier's loss on fakes of B and fakes of A, both in [-1, 1], given the critics' loss on
them; gradients pass through."""


def restrained(loss: Callable[[Tensor, Tensor], Tensor], clip: float, ratios: list[float]) -> Judge:
    """Return a judge whose gradient in the fakes is at most `clip` times the critics'.

    Parameters
    ----------
    loss : callable
        The classifier's weighted loss on fakes of B and fakes of A.
    clip : float
        Largest length of its gradient, as a share of that of the critics' loss; 0 for no limit.
    ratios : list of float
        Where each step notes that share as it was, if there is a limit.
    """

    def judge(fake_b: Tensor, fake_a: Tensor, fooled: Tensor) -> Tensor:
        judged = loss(fake_b, fake_a)
        if not clip:
            return judged
        mine, theirs = (_slope(term, (fake_b, fake_a)) for term in (judged, fooled))
        least = torch.finfo(mine.dtype).tiny
        ratios.append(float(mine / theirs.clamp(min=least)))
        return judged * (clip * theirs / mine.clamp(min=least)).clamp(max=1)

    return judge


def of_ratios(ratios: Sequence[float], clip: float) -> str:
    """Return in words how large the classifier's gradient was, and how often it was held back."""
    ordered = sorted(ratios)
    low, median, high = ordered[0], ordered[len(ordered) // 2], ordered[-1]
    held = sum(ratio > clip for ratio in ratios) / len(ratios)
    return (
        f"the judge's gradient was {low:.2g} to {high:.2g} times the critics', {median:.2g} in "
        f"the middle; {held:.0%} of the steps were held back to {clip:g}"
    )


def _slope(loss: Tensor, fakes: tuple[Tensor, Tensor]) -> Tensor:
    """Return the length of a loss's gradient in the fakes."""
    gradients = torch.autograd.grad(loss, fakes, retain_graph=True)
    length: Tensor = torch.linalg.vector_norm(torch.cat([one.flatten() for one in gradients]))
    return length
