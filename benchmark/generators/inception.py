"""Inception accuracy: torchvision's InceptionV3 with ImageNet weights, fine-tuned to the classes.

Szegedy et al. 2016, arXiv 1512.00567. The weights are a file that the user names, or a download
of torchvision's; without them there is no Inception accuracy. The length of the fine-tuning is our
choice: the paper does not give it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from imbench.errors import DataError
from imbench.files.reading import check_regular
from imbench.generators.oracle import ImageClassifier, cached_network, images_digest
from imbench.images.dataset import Images
from imbench.methods._weights import normalise
from imbench.training.budget import Budget
from imbench.training.device import choose_device, fixed_threads, own_torch_rng
from imbench.training.examples import Examples
from imbench.training.loop import train
from imbench.training.state import TrainState

__all__ = ["DOWNLOAD", "FineTuning", "Inception", "fine_tuned", "read_weights"]

VERSION = 1
DOWNLOAD = "download"
"""Instead of a file: torchvision downloads the weights, or uses its earlier download."""
IMAGENET_CLASSES = 1000
Weights = dict[str, Tensor]


@dataclass(frozen=True)
class FineTuning:
    """How the network is fine-tuned: all layers, by SGD at a low learning rate."""

    steps: int = 300
    batch_size: int = 32
    lr: float = 0.005
    seed: int = 0
    side: int = 299
    """Pixels to which images are enlarged."""
    threads: int = 1


class Inception(nn.Module):
    """InceptionV3 without its auxiliary head, for images (m, 1 or 3, height, width) in [0, 1]."""

    def __init__(self, classes: int, side: int) -> None:
        super().__init__()
        from torchvision.models import inception_v3

        self.body = inception_v3(
            weights=None, num_classes=classes, aux_logits=False, init_weights=False
        )
        self.side = side

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (m, classes), after scaling images as the ImageNet weights expect."""
        size = (self.side, self.side)
        x = F.interpolate(x, size, mode="bilinear", antialias=True, align_corners=False)
        logits: Tensor = self.body(x.expand(-1, 3, -1, -1) * 2 - 1)
        return logits


def read_weights(source: str) -> tuple[Weights, str]:
    """Return the ImageNet weights and the SHA-256 of their names and values.

    Parameters
    ----------
    source : str
        Path of torchvision's file (``inception_v3_google-*.pth``), or `DOWNLOAD`.

    Raises
    ------
    DataError
        If the file is missing or does not hold these weights, or the download fails.
    """
    try:
        if source == DOWNLOAD:
            from torchvision.models import Inception_V3_Weights

            weights: Any = Inception_V3_Weights.IMAGENET1K_V1.get_state_dict(
                progress=False, check_hash=True, weights_only=True
            )
        else:
            check_regular(Path(source))
            weights = torch.load(source, map_location="cpu", weights_only=True)
        Inception(IMAGENET_CLASSES, 299).body.load_state_dict(_without_auxiliary(weights))
    except Exception as error:  # torch raises RuntimeError, EOFError, UnpicklingError, URLError...
        what = "cannot be downloaded" if source == DOWNLOAD else f"cannot be read from {source}"
        reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise DataError(
            f"InceptionV3's ImageNet weights {what}: {reason}; name the file that "
            "torchvision publishes, or leave out --inception"
        ) from error
    digest = hashlib.sha256()
    for name in sorted(weights):
        digest.update(name.encode() + weights[name].contiguous().numpy().tobytes())
    return _without_auxiliary(weights), digest.hexdigest()


def fine_tuned(
    images: Images,
    weights: tuple[Weights, str],
    settings: FineTuning,
    folder: Path | None = None,
    *,
    device: str = "auto",
    log: Callable[[str], None] = lambda _: None,
) -> ImageClassifier:
    """Return InceptionV3 fine-tuned to all training images, or read from the folder.

    Parameters
    ----------
    images : Images
        Every training image of the data set.
    weights : tuple
        From `read_weights`.
    settings : FineTuning
        How it is fine-tuned.
    folder, device, log
        As in `imbench.generators.oracle.trained_oracle`.
    """
    classes = int(images.labels.max()) + 1
    digest = images_digest(images)
    facts = {"version": VERSION, "seen": digest, "weights": weights[1], **asdict(settings)}

    def fit() -> nn.Module:
        log(
            f"fine-tuning InceptionV3 on {len(images)} images at {settings.side} px, "
            f"{settings.steps} steps: 14 s each on one core"
        )
        # Dropout and the initial weights of the last layer draw from torch's own stream.
        rng = own_torch_rng(settings.seed, choose_device(device))
        with fixed_threads(settings.threads), rng:
            return _fine_tune(images, weights[0], settings, device)

    net = cached_network(
        facts,
        folder,
        blank=lambda: Inception(classes, settings.side),
        fit=fit,
        device=device,
    )
    return ImageClassifier(net, "inception", digest, settings.threads)


def _fine_tune(images: Images, weights: Weights, settings: FineTuning, device: str) -> nn.Module:
    counts = images.counts(int(images.labels.max()) + 1).astype(np.float64)
    net = Inception(len(counts), settings.side)
    body = {name: value for name, value in weights.items() if not name.startswith("fc.")}
    net.load_state_dict({f"body.{name}": value for name, value in body.items()}, strict=False)
    target = choose_device(device)
    net.to(target, memory_format=torch.channels_last)  # type: ignore[call-overload]
    budget = Budget(settings.steps, settings.batch_size, settings.lr, weight_decay=1e-4)
    optimiser = torch.optim.SGD(
        net.parameters(), budget.lr, budget.momentum, weight_decay=budget.weight_decay
    )
    examples = Examples(images.pixels, weights=images.weights)
    labels = np.asarray(images.labels)
    state = TrainState(net, optimiser, examples, labels, counts, budget, target, settings.seed)
    train(state, (), None, normalise(1 / counts, counts, "mean1"))
    return net


def _without_auxiliary(weights: Weights) -> Weights:
    return {name: value for name, value in weights.items() if not name.startswith("AuxLogits.")}
