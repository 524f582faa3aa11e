"""The autoencoder of DeepSMOTE: images to codes and back, and how it is trained."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from imbench.training.forward import to_tensor

__all__ = ["Autoencoder", "CodeSettings", "trained"]

SMALLEST = 4
"""Side from which on maps are not halved any more."""
CHUNK = 256
"""Images coded at a time."""


@dataclass(frozen=True)
class CodeSettings:
    """How an autoencoder is built and trained."""

    steps: int
    batch: int
    lr: float
    width: int
    code: int
    penalty: float


class Autoencoder(nn.Module):
    """Convolutions that halve the sides down to a code, and their reverse.

    Parameters
    ----------
    shape : tuple of int
        (channels, height, width) of the images.
    width : int
        Channels after the first convolution; each further one doubles them.
    code : int
        Numbers in a code.
    """

    def __init__(self, shape: tuple[int, int, int], width: int, code: int) -> None:
        super().__init__()
        channels, *side = shape
        sides, widths = [tuple(side)], [channels]
        while max(sides[-1]) > SMALLEST:
            sides.append(tuple((length + 1) // 2 for length in sides[-1]))
            widths.append(width * 2 ** (len(widths) - 1))
        self.sides, last = sides, (widths[-1], *sides[-1])
        down = [_down(a, b) for a, b in pairwise(widths)]
        self.encoder = nn.Sequential(*down, nn.Flatten(), nn.Linear(int(np.prod(last)), code))
        self.start = nn.Sequential(nn.Linear(code, int(np.prod(last))), nn.Unflatten(1, last))
        backwards = widths[::-1]
        self.up = nn.ModuleList(
            _up(a, b, last=place == len(widths) - 2)
            for place, (a, b) in enumerate(pairwise(backwards))
        )

    def encode(self, x: Tensor) -> Tensor:
        """Return the codes (m, code) of images (m, channels, height, width) in [0, 1]."""
        codes: Tensor = self.encoder(x)
        return codes

    def decode(self, codes: Tensor) -> Tensor:
        """Return the images in [0, 1] of codes."""
        x: Tensor = self.start(codes)
        for side, layer in zip(self.sides[-2::-1], self.up, strict=True):
            x = layer(functional.interpolate(functional.relu(x), size=side))
        return x.sigmoid()

    def codes_of(self, pixels: NDArray[np.uint8], device: torch.device) -> NDArray[np.float32]:
        """Return the codes of images (n, height, width, channels) in evaluation mode."""
        self.eval()
        pieces = (pixels[i : i + CHUNK] for i in range(0, len(pixels), CHUNK))
        with torch.no_grad():
            codes = [self.encode(to_tensor(piece, device)).cpu() for piece in pieces]
        return torch.cat(codes).numpy()

    def images_of(self, codes: NDArray[np.float32], device: torch.device) -> NDArray[np.uint8]:
        """Return the images (n, height, width, channels) of codes, in evaluation mode."""
        self.eval()
        pieces = (codes[i : i + CHUNK] for i in range(0, len(codes), CHUNK))
        with torch.no_grad():
            made = [self.decode(torch.from_numpy(piece).to(device)).cpu() for piece in pieces]
        whole = (torch.cat(made) * 255).round().to(torch.uint8)
        return whole.permute(0, 2, 3, 1).contiguous().numpy()


def trained(
    pixels: NDArray[np.uint8],
    y: NDArray[np.int64],
    settings: CodeSettings,
    device: torch.device,
    rng: np.random.Generator,
) -> tuple[Autoencoder, float]:
    """Return an autoencoder trained on images uint8, and its loss over the last tenth.

    Each step adds to the reconstruction of a batch, with the weight `penalty`, that of as many
    images of one class, classes drawn alike, from codes that are cut off: the decoder learns the
    rare classes as often as the others.
    """
    height, width, channels = pixels.shape[1:]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(rng.integers(2**63)))
        net = Autoencoder((channels, height, width), settings.width, settings.code).to(device)
    optimiser = torch.optim.Adam(net.parameters(), settings.lr)
    rows_of = [np.flatnonzero(y == label) for label in np.unique(y)]
    losses = []
    net.train()
    for _ in range(settings.steps):
        x = to_tensor(pixels[rng.choice(len(y), settings.batch)], device)
        loss = functional.mse_loss(net.decode(net.encode(x)), x)
        losses.append(loss.detach())
        own = rng.choice(rows_of[rng.integers(len(rows_of))], settings.batch)
        if settings.penalty:
            x = to_tensor(pixels[own], device)
            again = net.decode(net.encode(x).detach())
            loss = loss + settings.penalty * functional.mse_loss(again, x)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    tail = losses[-max(1, settings.steps // 10) :]
    return net, float(torch.stack(tail).mean())


def _down(channels: int, wider: int) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(channels, wider, 3, 2, 1, bias=False), nn.BatchNorm2d(wider), nn.LeakyReLU(0.2)
    )


def _up(channels: int, narrower: int, *, last: bool) -> nn.Module:
    if last:
        return nn.Conv2d(channels, narrower, 3, 1, 1)
    return nn.Sequential(
        nn.Conv2d(channels, narrower, 3, 1, 1, bias=False), nn.BatchNorm2d(narrower)
    )
