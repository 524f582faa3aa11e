"""The straightforward script that the harness is compared with.

What one writes from torch's tutorials: torchvision's ImageFolder and transforms, a DataLoader with
two workers, the default memory format and the default SGD. Network and batch size are ours.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn
from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.datasets import ImageFolder

from imbench.networks import build_network

__all__ = ["folder_of", "train_script"]

MEAN, STD = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)


def folder_of(where: Path, size: int, *, crop: bool = True, normalise: bool = True) -> ImageFolder:
    """Return the training pictures, resized, flipped and cropped on their way."""
    steps: list[object] = [transforms.Resize((size, size)), transforms.RandomHorizontalFlip()]
    if crop:
        steps.append(transforms.RandomCrop(size, padding=size // 8, padding_mode="reflect"))
    steps.append(transforms.ToTensor())
    if normalise:
        steps.append(transforms.Normalize(MEAN, STD))
    return ImageFolder(str(where / "train"), transforms.Compose(steps))


def train_script(
    where: Path, network: str, *, size: int, batch_size: int, epochs: int, threads: int
) -> int:
    """Train for some epochs and return how many images went through."""
    torch.set_num_threads(threads)
    loader = DataLoader(
        folder_of(where, size),
        batch_size=batch_size,
        shuffle=True,
        num_workers=2,
        # Workers that are spawned import torch for seconds at every epoch: no fair opponent.
        multiprocessing_context="fork",
    )
    net = build_network(network, (3, size, size), 2)
    optimiser = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9, weight_decay=2e-4)
    images = 0
    net.train()
    for _ in range(epochs):
        for x, y in loader:
            loss = nn.functional.cross_entropy(net(x), y)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            images += len(y)
    return images
