"""The straightforward script that the harness is compared with.

What one writes from torch's tutorials: torchvision's ImageFolder and transforms, a DataLoader with
two workers, the default memory format and the default SGD. Network and batch size are ours. For the
joint methods a textbook CycleGAN is trained first, and its fakes join the real images.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch
from _textbook import Textbook
from torch import Tensor, nn
from torch.utils.data import ConcatDataset, DataLoader, Dataset
from torchvision import transforms
from torchvision.datasets import ImageFolder

from imbench.methods._cyclegan import CycleGAN
from imbench.methods._gan_settings import GanSettings
from imbench.training.building import build_network

__all__ = ["folder_of", "score_script", "train_script", "with_fakes"]

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
    data: Dataset[tuple[Tensor, int]],
    network: str,
    *,
    size: int,
    batch_size: int,
    steps: int,
    threads: int,
) -> tuple[nn.Module, int]:
    """Train for some steps; return the network and how many images went through."""
    torch.set_num_threads(threads)
    loader = _loader(data, batch_size)
    net = build_network(network, (3, size, size), 2)
    optimiser = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9, weight_decay=2e-4)
    images = step = 0
    net.train()
    while step < steps:
        for x, y in loader:
            loss = nn.functional.cross_entropy(net(x), y)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            images += len(y)
            step += 1
            if step == steps:
                break
    return net, images


def with_fakes(
    majority: Dataset[tuple[Tensor, int]],
    minority: Dataset[tuple[Tensor, int]],
    *,
    size: int,
    steps: int,
    threads: int,
) -> Dataset[tuple[Tensor, int]]:
    """Train a CycleGAN for some steps; return the images and a fake minority one of each other.

    Batch and networks are those that our joint methods have at this size.
    """
    torch.set_num_threads(threads)
    settings = GanSettings()
    gan = Textbook(CycleGAN((3, size, size), settings, 0, torch.device("cpu")))
    pairs = zip(_endless(majority, settings.batch), _endless(minority, settings.batch), strict=True)
    for _, (a, b) in zip(range(steps), pairs, strict=False):
        gan.step(a / 2, b / 2)  # from MEAN and STD to [-1, 1]
    with torch.no_grad():
        fakes = torch.cat([2 * gan.g_ab(x / 2) for x, _ in _loader(majority, 64)])
    made = [(fake, 1) for fake in fakes]
    return ConcatDataset([majority, minority, made])  # type: ignore[list-item]


def _loader(data: Dataset[tuple[Tensor, int]], batch_size: int) -> DataLoader[tuple[Tensor, int]]:
    return DataLoader(
        data,
        batch_size=batch_size,
        shuffle=True,
        num_workers=2,
        # Workers that are spawned import torch for seconds at every epoch: no fair opponent.
        multiprocessing_context="fork",
    )


def _endless(data: Dataset[tuple[Tensor, int]], batch_size: int) -> Iterator[Tensor]:
    # Longer than an epoch: with few images of the minority, new workers would start every second.
    many = ConcatDataset([data] * (1 + 4000 // len(data)))  # type: ignore[arg-type]
    loader = _loader(many, batch_size)
    while True:
        for x, _ in loader:
            yield x


def score_script(net: nn.Module, where: Path, size: int, batch_size: int) -> float:
    """Return the accuracy on the test pictures."""
    steps = [transforms.Resize((size, size)), transforms.ToTensor()]
    steps.append(transforms.Normalize(MEAN, STD))
    data = ImageFolder(str(where / "test"), transforms.Compose(steps))
    loader = DataLoader(data, batch_size=batch_size, num_workers=2, multiprocessing_context="fork")
    net.eval()
    with torch.no_grad():
        right = sum(int((net(x).argmax(1) == y).sum()) for x, y in loader)
    return right / len(data)
