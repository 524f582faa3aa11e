"""Pictures of what a pair of generators does: translations and loss curves, as PNG."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from imbench.methods._reconstruction import BLOCKS, block_average, error

__all__ = ["Pair", "loss_curves", "png", "sample_grid", "tiled"]

LINE = 14
"""Pixels of a line of text below a picture."""


class Pair(Protocol):
    """Images of the majority and of a minority, and what translates between them."""

    @property
    def a(self) -> NDArray[np.uint8]:
        """Of the majority."""
        ...

    @property
    def b(self) -> NDArray[np.uint8]:
        """Of the minority."""
        ...

    def translate(self, x: NDArray[Any], *, to_minority: bool) -> NDArray[np.uint8]:
        """Return images (n, height, width, channels) of the other class."""
        ...


def sample_grid(pair: Pair, shown: int = 10, side: int = 64) -> bytes:
    """Return six rows of `shown` images: a, its translation, back; b, its translation, back.

    Below them stands how far those that came back are from where they started.
    """
    rows: list[NDArray[np.uint8]] = []
    lines = []
    for name, x, to_minority in (("A>B>A", pair.a, True), ("B>A>B", pair.b, False)):
        translated = pair.translate(x[:shown], to_minority=to_minority)
        rows += [x[:shown], translated, pair.translate(translated, to_minority=not to_minority)]
        lines.append(_restored(name, rows[-3], rows[-1]))
    return png(tiled(rows, max(1, side // pair.a.shape[1])), lines)


def _restored(name: str, x: NDArray[np.uint8], back: NDArray[np.uint8]) -> str:
    """Return the error of images that came back, beside those of averages over blocks."""
    blocks = (f"{side} px {error(x, block_average(x, side)):.3f}" for side in BLOCKS)
    return f"{name} error {error(x, back):.3f}; of averages over blocks of {', '.join(blocks)}"


def loss_curves(history: Sequence[tuple[float, ...]], names: Sequence[str]) -> bytes:
    """Return the curves of every loss over the steps, on a logarithmic scale."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 3.5), layout="constrained")
    axes = figure.subplots()
    steps = [line[0] for line in history]
    for column, name in enumerate(names, start=1):
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


def png(pixels: NDArray[np.uint8], lines: Sequence[str] = ()) -> bytes:
    """Return a picture with lines of text below it, wide enough for both."""
    from PIL import Image, ImageDraw

    picture = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    measured = ImageDraw.Draw(picture)
    width = max([picture.width, *(math.ceil(measured.textlength(line)) + 4 for line in lines)])
    page = Image.new(picture.mode, (width, picture.height + LINE * len(lines)), "white")
    page.paste(picture)
    drawn = ImageDraw.Draw(page)
    for number, line in enumerate(lines):
        drawn.text((2, picture.height + LINE * number), line, fill="black")
    out = io.BytesIO()
    page.save(out, "PNG")
    return out.getvalue()
