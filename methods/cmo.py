"""Context-rich minority oversampling (CMO): Park et al. 2022, arXiv 2112.00412, algorithm 1."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from imbench.constraints import number
from imbench.training.augment import augment, parse_augment
from imbench.training.drawing import cumulated, draw_rows
from imbench.training.part import Part

if TYPE_CHECKING:
    import torch

    from imbench.training.state import TrainState

__all__ = ["CMO", "patch_chances"]


class CMO(Part):
    """Paste boxes of images that are drawn alike by class onto those of the batch.

    Parameters
    ----------
    alpha : float
        Of the distribution of the area that stays: 1 makes all areas alike.
    prob : float
        Share of the batches that get boxes; 0 is off.
    power : float
        The chance of an image of class c to give a box is in proportion to n_c**-power: 1 draws
        all classes alike, more favours the rare ones.
    skip : float
        Share of the steps without boxes, at the start and at the end each.

    Notes
    -----
    The batch is drawn as ever. A second batch is drawn by class and augmented in the same way; a
    box of each of its images is pasted onto an image of the first, and labels are mixed by area, as
    in CutMix. So a zebra stands on many meadows: minority content in the majority's context, which
    is what AUG's generators make, for the price of a second batch. It takes images, not features.
    The labels become more balanced, not balanced: the priors are still those of the sampler.

    References
    ----------
    Park, Hong, Heo, Yun and Choi 2022, "The majority can help the minority: context-rich minority
    oversampling for long-tailed classification", CVPR, algorithm 1, arXiv 2112.00412.

    Examples
    --------
    Chance that a box is of the minority, at counts (10000, 50):

    >>> import numpy as np
    >>> y = np.repeat([0, 1], [10000, 50])
    >>> for power in (0, 1, 2):
    ...     print(power, round(patch_chances(y, power)[y == 1].sum(), 6))
    0 0.004975
    1 0.5
    2 0.995025
    """

    title: ClassVar[str] = "CMO"
    constraints: ClassVar = {
        "alpha": number(0, 100, open_low=True),
        "prob": number(0, 1),
        "power": number(0, 10),
        "skip": number(0, 0.5),
    }

    def __init__(
        self, alpha: float = 1.0, prob: float = 0.5, power: float = 1.0, skip: float = 0.015
    ) -> None:
        self.alpha = alpha
        self.prob = prob
        self.power = power
        self.skip = skip

    @property
    def needs_pixels(self) -> str:
        """A row of features has no place for a box."""
        return "it pastes a box of one image onto another"

    def mix(
        self, state: TrainState, x: torch.Tensor, y: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the batch with boxes, and labels (m, K)."""
        from imbench.methods._mixing import box, check_images, soft

        check_images(x, "cmo")
        rng, margin = state.rng("cmo"), self.skip * state.steps
        if not margin <= state.step < state.steps - margin or rng.random() >= self.prob:
            return x, y
        kept = rng.beta(self.alpha, self.alpha)
        rows, columns, outside = box(x.shape[2], x.shape[3], kept, rng)
        given, classes = self._given(state, len(x), rng)
        mixed, labels = x.clone(), soft(y, len(state.counts), x)
        mixed[:, :, rows, columns] = given.to(x)[:, :, rows, columns]
        others = soft(classes.to(y.device), len(state.counts), x)
        return mixed, outside * labels + (1 - outside) * others

    def _given(
        self, state: TrainState, m: int, rng: np.random.Generator
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the images that give boxes, augmented, and their labels."""
        import torch

        from imbench.training.forward import to_tensor

        chosen = draw_rows(cumulated(patch_chances(state.labels, self.power)), m, rng)
        raw: NDArray[Any] = state.examples.take(chosen)
        raw = augment(raw, parse_augment(state.budget.augment), state.rng("cmo augmentation"))
        return to_tensor(raw, state.device), torch.from_numpy(state.labels[chosen])


def patch_chances(y: NDArray[np.int64], power: float) -> NDArray[np.float64]:
    """Return the chance of each image to give a box, shape (n,)."""
    raw = np.bincount(y).astype(np.float64)[y] ** -power
    return np.asarray(raw / raw.sum())
