"""Pictures of what a pair of generators does: translations and loss curves, as PNG."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from imbench.methods._pair import GeneratorPair

__all__ = ["loss_curves", "png", "sample_grid", "tiled"]

LOSSES = ("adversarial", "cycle", "identity", "judge", "discriminators")


def sample_grid(pair: GeneratorPair, shown: int = 10, side: int = 64) -> bytes:
    """Return six rows of `shown` images: a, its translation, back; b, its translation, back."""
    rows: list[NDArray[np.uint8]] = []
    for x, to_minority in ((pair.a[:shown], True), (pair.b[:shown], False)):
        translated = pair.translate(x, to_minority=to_minority)
        rows += [x, translated, pair.translate(translated, to_minority=not to_minority)]
    return png(tiled(rows, max(1, side // pair.a.shape[1])))


def loss_curves(history: Sequence[tuple[float, ...]]) -> bytes:
    """Return the curves of every loss over the steps, on a logarithmic scale."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 3.5), layout="constrained")
    axes = figure.subplots()
    steps = [line[0] for line in history]
    for column, name in enumerate(LOSSES, start=1):
        values = [line[column] for line in history]
        if any(values):
            axes.plot(steps, values, label=name)
    axes.set(xlabel="generator step", ylabel="loss", yscale="log" if history else "linear")
    if history:
        axes.legend(fontsize="small")
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=100, metadata={"Software": None})
    return out.getvalue()


def tiled(rows: Sequence[NDArray[np.uint8]], zoom: int, gap: int = 2) -> NDArray[np.uint8]:
    rows = [row.repeat(zoom, axis=1).repeat(zoom, axis=2) for row in rows]
    height, width, channels = rows[0].shape[1:]
    columns = max(map(len, rows))
    shape = (len(rows) * (height + gap), columns * (width + gap), channels)
    canvas = np.full(shape, 255, np.uint8)
    for i, row in enumerate(rows):
        for j, image in enumerate(row):
            top, left = i * (height + gap), j * (width + gap)
            canvas[top : top + height, left : left + width] = image
    return canvas


def png(pixels: NDArray[np.uint8]) -> bytes:
    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).save(out, "PNG")
    return out.getvalue()
