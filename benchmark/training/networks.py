"""Classifiers by name; each is built from the shape of its input and the number of classes."""

from __future__ import annotations

import math
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from imbench.constraints import Constraint, whole
from imbench.errors import UsageError
from imbench.spec import unknown_name
from imbench.training.passes import mean_over_places, thinned

__all__ = [
    "Linear",
    "Normalise",
    "RepeatChannels",
    "ResNet",
    "Scale",
    "Shape",
    "SmallCNN",
    "resnet20",
    "torchvision_classifier",
]

Shape = tuple[int, ...]
"""(channels, height, width) of images, or (features,)."""


class Normalise(nn.Module):
    """Subtract the mean of the training images and divide by their deviation, per channel."""

    mean: Tensor
    scale: Tensor

    def __init__(self, mean: Tensor, std: Tensor) -> None:
        super().__init__()
        self.done = False
        """Whether what comes is normalised already, as features are while a head is trained."""
        self.register_buffer("mean", mean)
        self.register_buffer("scale", 1 / torch.where(std > 0, std, torch.ones_like(std)))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise x of shape (m, channels, ...)."""
        if self.done:
            return x
        shape = (1, -1, *[1] * (x.ndim - 2))
        mean, scale = self.mean.view(shape), self.scale.view(shape)
        if self.training and x.ndim == 4:
            # As large as an image: loops over the three channels alone take four times as long.
            mean, scale = (_as_image(one, x) for one in (mean, scale))
        return (x - mean).mul_(scale)


def _as_image(channels: Tensor, x: Tensor) -> Tensor:
    whole = channels.expand(1, *x.shape[1:])
    return whole.contiguous(memory_format=torch.channels_last)


class Linear(nn.Module):
    """Logistic regression on pixels or features."""

    def __init__(self, shape: Shape, classes: int) -> None:
        super().__init__()
        self.head = nn.Linear(math.prod(shape), classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (m, classes)."""
        logits: Tensor = self.head(x.flatten(1))
        return logits


class SmallCNN(nn.Module):
    """Three convolutions with batch norm and pooling: seconds instead of ResNet-20's minutes."""

    constraints: ClassVar = {"width": whole(1, 1024)}

    def __init__(self, shape: Shape, classes: int, width: int = 16) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = _image_channels("cnn", shape)
        for wider in (width, 2 * width, 4 * width):
            layers += [
                nn.Conv2d(channels, wider, 3, padding=1, bias=False),
                nn.BatchNorm2d(wider),
                nn.ReLU(inplace=True),
                nn.MaxPool2d(2, ceil_mode=True),
            ]
            channels = wider
        self.body = nn.Sequential(*layers)
        self.head = nn.Linear(channels, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (m, classes) of images (m, channels, height, width)."""
        layers = list(self.body)
        for conv, norm, relu, pool in zip(*[iter(layers)] * 4, strict=True):
            x = norm(conv(x))
            # Pooled first, the ReLU has a quarter of the values: the same results and gradients,
            # bit for bit. Not where maps are asked for, which are those behind a ReLU.
            mapped = torch.is_grad_enabled() and not self.training
            x = pool(relu(x)) if mapped else relu(pool(x))
        logits: Tensor = self.head(mean_over_places(x))
        return logits


class _Block(nn.Module):
    """Two 3x3 convolutions; the shortcut subsamples and pads zeros if the shape changes."""

    def __init__(self, channels: int, wider: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, wider, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(wider)
        self.conv2 = nn.Conv2d(wider, wider, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(wider)
        self.stride = stride
        self.extra = wider - channels

    def forward(self, x: Tensor) -> Tensor:
        out = F.relu(self.bn1(self.conv1(x)), inplace=True)
        out = self.bn2(self.conv2(out))
        if self.stride > 1 or self.extra:
            x = thinned(x, self.stride, self.extra)
        return F.relu(out.add_(x), inplace=True)


class ResNet(nn.Module):
    """Residual network of the CIFAR kind with parameter-free shortcuts.

    He et al. 2016, arXiv 1512.03385, section 4.2, option A. With `blocks` per stage it has
    6 * blocks + 2 weighted layers; ResNet-20 with two outputs has 269,202 parameters.
    """

    def __init__(self, shape: Shape, classes: int, blocks: int = 3, width: int = 16) -> None:
        super().__init__()
        self.conv = nn.Conv2d(_image_channels("resnet", shape), width, 3, 1, 1, bias=False)
        self.bn = nn.BatchNorm2d(width)
        stages: list[nn.Module] = []
        channels = width
        for stage in range(3):
            wider = width * 2**stage
            for block in range(blocks):
                stride = 2 if stage > 0 and block == 0 else 1
                stages.append(_Block(channels, wider, stride))
                channels = wider
        self.stages = nn.Sequential(*stages)
        self.head = nn.Linear(channels, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.kaiming_normal_(module.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (m, classes) of images (m, channels, height, width)."""
        x = F.relu(self.bn(self.conv(x)), inplace=True)
        logits: Tensor = self.head(mean_over_places(self.stages(x)))
        return logits


def resnet20(shape: Shape, classes: int) -> nn.Module:
    """ResNet-20 of the paper: 20 layers, for any image size, one or three channels."""
    return ResNet(shape, classes)


def torchvision_classifier(shape: Shape, classes: int, name: str = "resnet18") -> nn.Module:
    """Torchvision's classifiers with random weights, such as ``torchvision:resnet18``.

    Grey images are repeated to three channels.
    """
    from torchvision import models

    auxiliary = name in ("googlenet", "inception_v3")
    options = {"aux_logits": False, "init_weights": True} if auxiliary else {}
    net: nn.Module = models.get_model(name, weights=None, num_classes=classes, **options)
    if _image_channels(f"torchvision:{name}", shape) == 1:
        return nn.Sequential(RepeatChannels(), net)
    return net


def _classifier(name: object) -> object:
    from torchvision import models

    known = models.list_models(module=models)
    if name not in known:
        raise unknown_name("torchvision model", str(name), known)
    return name


torchvision_classifier.constraints = {  # type: ignore[attr-defined]
    "name": Constraint("a classifier of torchvision", _classifier)
}


class Scale(nn.Module):
    """Multiply features or logits by a number."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        """Return x, multiplied."""
        return self.factor * x


class RepeatChannels(nn.Module):
    """Show grey images to a network that takes three channels."""

    def forward(self, x: Tensor) -> Tensor:
        """Return x (m, 3, height, width)."""
        return x.expand(-1, 3, -1, -1)


def _image_channels(name: str, shape: Shape) -> int:
    if len(shape) != 3:
        raise UsageError(f"network {name!r} takes images, not rows of features; use linear")
    return shape[0]
