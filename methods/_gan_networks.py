"""Generators and discriminators of CycleGAN: Zhu et al. 2017, arXiv 1703.10593, appendix 7.2."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from imbench.methods._gan_design import Design, Padding

__all__ = ["Generator", "PatchDiscriminator", "generator_of", "initialise"]


class Generator(nn.Module):
    """Residual generator: a layer, strided ones, residual blocks, transposed ones, a layer, tanh.

    As it stands it is the reference code's: 11,378,179 parameters, a receptive field of 169 px.

    Parameters
    ----------
    channels, width, blocks
        Channels of an image and of the first layer; residual blocks.
    down : int
        Strided layers, and as many transposed ones.
    norm : bool
        Whether layers have instance norm, without parameters. It takes every image's contrast
        away, which a few hundred steps do not teach the last layer to put back.
    kernel : int
        Side of the first and the last layer's kernel, odd.
    up : {3, 4}
        Side of the transposed layers' kernels. Kernels of 3 overlap unevenly at a stride of 2,
        which draws a checkerboard (Odena et al. 2016, doi 10.23915/distill.00003).
    padding : {'reflect', 'zeros'}
        Of all layers but the strided and the transposed, which have zeros.
    given : int, optional
        Channels of what is translated, where more stands beside an image.
    """

    def __init__(
        self,
        channels: int = 3,
        width: int = 64,
        blocks: int = 9,
        *,
        down: int = 2,
        norm: bool = True,
        kernel: int = 7,
        up: int = 3,
        padding: Padding = "reflect",
        given: int | None = None,
    ) -> None:
        super().__init__()
        self.down = down
        halves = [width << step for step in range(down)]
        first, last = (
            nn.Conv2d(*ends, kernel, padding=kernel // 2, padding_mode=padding)
            for ends in ((given or channels, width), (width, channels))
        )
        strided = [nn.Conv2d(w, 2 * w, 3, stride=2, padding=1) for w in halves]
        transposed = [_up(2 * w, w, up) for w in reversed(halves)]
        self.body = nn.Sequential(
            *_layer(first, norm),
            *(module for conv in strided for module in _layer(conv, norm)),
            *(_Residual(width << down, norm, padding) for _ in range(blocks)),
            *(module for conv in transposed for module in _layer(conv, norm)),
            last,
            nn.Tanh(),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Translate images (m, channels, height, width) in [-1, 1]; any height and width."""
        height, width = x.shape[-2:]
        step = 1 << self.down
        short, narrow = -height % step, -width % step
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
    def __init__(self, channels: int, norm: bool, padding: Padding) -> None:
        super().__init__()
        first, second = (
            nn.Conv2d(channels, channels, 3, padding=1, padding_mode=padding) for _ in range(2)
        )
        self.body = nn.Sequential(
            *_layer(first, norm), second, *([_norm(channels)] if norm else [])
        )

    @property
    def last(self) -> nn.Conv2d:
        """The second convolution."""
        return next(m for m in reversed(self.body) if isinstance(m, nn.Conv2d))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = x + self.body(x)
        return out


def _norm(channels: int) -> nn.GroupNorm:
    """Return instance norm without parameters, as group norm with a channel a group.

    The same numbers as `torch.nn.InstanceNorm2d`, x 1.5 faster forward and backward on CPU, which
    is x 1.08 of a whole step.
    """
    return nn.GroupNorm(channels, channels, affine=False)


def _layer(conv: nn.Conv2d | nn.ConvTranspose2d, norm: bool) -> list[nn.Module]:
    between = [_norm(conv.out_channels)] if norm else []
    return [conv, *between, nn.ReLU(inplace=True)]


def _up(channels: int, narrower: int, kernel: int) -> nn.ConvTranspose2d:
    odd = kernel % 2
    return nn.ConvTranspose2d(channels, narrower, kernel, stride=2, padding=1, output_padding=odd)


def generator_of(design: Design, channels: int, given: int | None = None) -> Generator:
    """Return the generator of a design, its weights not yet drawn."""
    return Generator(
        channels,
        design.width,
        design.blocks,
        down=design.down,
        norm=design.norm == "instance",
        kernel=design.kernel,
        up=design.up,
        padding=design.padding,
        given=given,
    )


def initialise(net: nn.Module, generator: torch.Generator, init: str = "normal") -> None:
    """Draw every weight, set every bias to 0.

    Parameters
    ----------
    net, generator
        Network, and what draws.
    init : {'normal', 'he', 'scaled'}
        ``normal``: N(0, 0.02), as the reference code. ``he``: N(0, sqrt(2 / m)) where m inputs
        make an output (He et al. 2015, arXiv 1502.01852): activations keep their size without
        norms. ``scaled``: so, and a residual block begins with a tenth of its output, as blocks
        without norms are begun small (Zhang et al. 2019, arXiv 1901.09321).
    """
    with torch.no_grad():
        for module in net.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
                std = 0.02 if init == "normal" else math.sqrt(2 / _inputs(module))
                module.weight.normal_(0.0, std, generator=generator)
                if module.bias is not None:
                    module.bias.zero_()
        if init == "scaled":
            for module in net.modules():
                if isinstance(module, _Residual):
                    module.last.weight.mul_(0.1)


def _inputs(conv: nn.Conv2d | nn.ConvTranspose2d | nn.Linear) -> float:
    """Return how many inputs make an output; a transposed layer spreads each over its stride."""
    if isinstance(conv, nn.Linear):
        return conv.in_features
    area = math.prod(conv.kernel_size) * conv.in_channels
    return area / math.prod(conv.stride) if isinstance(conv, nn.ConvTranspose2d) else area
