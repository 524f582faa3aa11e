"""What a cell's method is fitted on and scored on: pixels, or features of a frozen backbone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imbench.backbones.embedded import Entry, open_rows
from imbench.images.dataset import Decoded
from imbench.training.part import Part, makes_images

__all__ = ["scoring_inputs", "training_inputs"]


def training_inputs(
    features: Sequence[Entry], data: Decoded, rows: NDArray[np.int64], parts: Sequence[Part]
) -> tuple[NDArray[Any], NDArray[np.float32] | None]:
    """Return what `Method.fit` is given of some training images, and their features.

    The first are pixels where there are no features, and where a part adds images: then the second
    are the features that are known already.
    """
    if not features:
        return data.train.pixels[rows], None
    made = [open_rows(entry)[rows] for entry in features]  # training images come first
    known = np.stack(made, axis=1) if len(made) > 1 else made[0]
    return (data.train.pixels[rows], known) if makes_images(parts) else (known, None)


def scoring_inputs(features: Sequence[Entry], data: Decoded) -> NDArray[Any]:
    """Return pixels or features of the test images."""
    if not features:
        return data.test.pixels
    return open_rows(features[0])[len(data.train) + len(data.validation) :]
