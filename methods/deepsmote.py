"""DeepSMOTE: Dablain, Krawczyk and Chawla 2021, arXiv 2105.02340, section IV."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from imbench.constraints import NONE, number, whole
from imbench.errors import UsageError
from imbench.methods._rebalancing import target_counts
from imbench.methods.smote import SMOTE, neighbours, pairs
from imbench.training.examples import Examples
from imbench.training.part import Part

if TYPE_CHECKING:
    from imbench.methods._autoencoder import Autoencoder

__all__ = ["DeepSMOTE"]


class DeepSMOTE(SMOTE):
    """Add what an autoencoder decodes from points between the codes of minority images.

    Parameters
    ----------
    k_neighbors : int
        Neighbours of a code to choose from; lowered to the class count less one, with a note.
    rho : float, optional
        How far to balance, in [0, 1]: the ratio IR of a class to the rarest becomes IR**(1 - rho).
        Left out it is 1, or 0.5 beside a part that weighs classes; 0 is plain training.
    steps : int, optional
        Steps of the autoencoder; as many as those of the classifier if not given.
    batch : int
        Images in each of its steps.
    lr : float
        Its learning rate (Adam).
    width, code : int
        Channels after its first convolution, and numbers in a code.
    penalty : float
        Weight of the reconstruction of one class's images, classes drawn alike, by the decoder.

    Notes
    -----
    An autoencoder learns to reconstruct all training images x, by the mean squared error of
    decode(encode(x)) and of as many images of a class drawn alike. Then, as in SMOTE,

        z_new = z_i + u (z_j - z_i),   x_new = decode(z_new)

    for codes z_i of a class, z_j one of the k nearest in the class and u uniform in [0, 1]. So what
    lies between two images is an image rather than a double exposure of both, as sharp as the
    decoder can draw: on few steps it is a blur, of which the record has a picture. It takes images,
    not features, and does nothing to classes of equal size.

    What the autoencoder costs goes beyond the steps of other methods and stands in the record.

    References
    ----------
    Dablain, Krawczyk and Chawla 2021, "DeepSMOTE: fusing deep learning and SMOTE for imbalanced
    data", IEEE TNNLS, section IV, arXiv 2105.02340.

    Examples
    --------
    >>> DeepSMOTE(steps=500).own_steps(1000), DeepSMOTE().own_steps(1000)
    (500, 1000)
    """

    title: ClassVar[str] = "DeepSMOTE"
    constraints: ClassVar = {
        **SMOTE.constraints,
        "rho": number(0, 1) | NONE,
        "steps": whole(1, 100_000_000) | NONE,
        "batch": whole(2, 100_000),
        "lr": number(0, 10, open_low=True),
        "width": whole(1, 1024),
        "code": whole(1, 100_000),
        "penalty": number(0, 1e6),
    }

    def __init__(
        self,
        k_neighbors: int = 5,
        rho: float | None = None,
        steps: int | None = None,
        batch: int = 64,
        lr: float = 1e-3,
        width: int = 32,
        code: int = 64,
        penalty: float = 1.0,
    ) -> None:
        super().__init__(k_neighbors)
        self.rho = rho
        self.steps = steps
        self.batch = batch
        self.lr = lr
        self.width = width
        self.code = code
        self.penalty = penalty

    @property
    def needs_pixels(self) -> str:
        """Its auto-encoder takes and makes images."""
        return "its auto-encoder makes images"

    def beside(self, others: Sequence[Part]) -> Self:
        """Settle rho: left out it is 1, or 0.5 beside a part that weighs classes."""
        settled = type(self)(**self.get_params(deep=False))
        if self.rho is None:
            settled.rho = 0.5 if any(part.weighs for part in others) else 1.0
        return settled

    def own_steps(self, steps: int) -> int:
        """Return the steps of the autoencoder."""
        if self.rho == 0:
            return 0
        return steps if self.steps is None else self.steps

    def foresee(self, counts: NDArray[np.int64], shape: tuple[int, ...]) -> NDArray[np.int64]:
        """Return the counts after balancing; refuse a class of one image."""
        wanted = target_counts(counts, self.rho, up=True)
        for label in np.flatnonzero(wanted > counts):
            _check_count(int(label), int(counts[label]))
        return wanted

    def resample(
        self, x: Examples, y: NDArray[np.int64], rng: np.random.Generator
    ) -> tuple[Examples, NDArray[np.int64]]:
        """Return the examples followed by the new ones."""
        counts = np.bincount(y)
        missing = target_counts(counts, self.rho, up=True) - counts
        if not missing.any():
            return x, y
        if x.pixels.ndim != 4:
            raise UsageError("deepsmote takes images, not rows of features")
        import torch

        pixels = np.rint(x.take(np.arange(len(x)))).astype(np.uint8)
        net, device = self._trained(pixels, y), torch.device(self.context_.device)
        made, labels = [], []
        for label in np.flatnonzero(missing).tolist():
            own = pixels[y == label]
            codes = net.codes_of(own, device)
            near = neighbours(codes, self._k(label, len(own)))
            i, j, share = pairs(near, missing[label], np.random.RandomState(rng.integers(2**32)))
            between = codes[i] + share[:, None].astype(np.float32) * (codes[j] - codes[i])
            made.append(net.images_of(between.astype(np.float32, copy=False), device))
            labels.append(np.full(missing[label], label))
            self._draw_picture(label, own, net.images_of(codes[:10], device), made[-1])
        return x.join(np.concatenate(made)), np.concatenate([y, *labels])

    def _trained(self, pixels: NDArray[np.uint8], y: NDArray[np.int64]) -> Autoencoder:
        import torch

        from imbench.methods._autoencoder import CodeSettings, trained
        from imbench.seeds import stream

        begun, steps = time.perf_counter(), self.own_steps(self.context_.steps)
        settings = CodeSettings(steps, self.batch, self.lr, self.width, self.code, self.penalty)
        rng, device = stream(self.context_.seed, "deepsmote"), torch.device(self.context_.device)
        net, loss = trained(pixels, y, settings, device, rng)
        self.add_cost(
            autoencoder_steps=steps,
            autoencoder_images=steps * self.batch * (2 if self.penalty else 1),
            autoencoder_seconds=time.perf_counter() - begun,
        )
        self.cost_["autoencoder_loss"] = loss
        return net

    def _draw_picture(self, label: int, *rows: NDArray[np.uint8]) -> None:
        """Keep a picture of some images, how they are reconstructed, and what was made."""
        from imbench.methods._pictures import png, tiled

        zoom = max(1, 64 // rows[0].shape[1])
        self.artifacts_[f"deepsmote-{label}.png"] = png(tiled([row[:10] for row in rows], zoom))


def _check_count(label: int, count: int) -> None:
    if count < 2:
        raise UsageError(f"DeepSMOTE needs at least 2 images of class {label}, there is {count}")
