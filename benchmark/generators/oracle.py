"""The oracle: a classifier of real images of all classes, which classifies generated ones.

It is trained on every training image of the data set, also on those that the imbalanced runs
withhold, with the classes balanced by weights, and on no test image. Its penultimate layer gives
the features in which images are compared. It is not an Inception network.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from imbench.errors import DataError, EnvironmentFault
from imbench.files import checkpoint
from imbench.files.leases import hold
from imbench.images.dataset import Images
from imbench.training.budget import AUGMENT, DEFAULTS, NETWORK, THREADS
from imbench.training.building import build_network
from imbench.training.device import choose_device, fixed_threads
from imbench.training.forward import to_tensor
from imbench.training.method import Method
from imbench.training.networks import Normalise
from imbench.training.numerics import training_environment

__all__ = [
    "ImageClassifier",
    "OracleSettings",
    "cached_network",
    "images_digest",
    "trained_oracle",
]

VERSION = 1
"""Increased when the same settings would give another oracle."""
RECIPE = "cs"


@dataclass(frozen=True)
class OracleSettings:
    """How an oracle is trained; further settings are the defaults of `Method`."""

    network: str = NETWORK
    steps: int = DEFAULTS.steps
    seed: int = 0
    batch_size: int = DEFAULTS.batch_size
    lr: float = DEFAULTS.lr
    augment: str = AUGMENT
    threads: int = THREADS

    @property
    def name(self) -> str:
        """Name in tables: ``r20`` for ResNet-20."""
        return {"resnet20": "r20"}.get(self.network, self.network.partition(":")[0])


class ImageClassifier:
    """A trained classifier that returns predicted labels and features of images.

    Parameters
    ----------
    net : nn.Module
        Takes images (m, channels, height, width) in [0, 1].
    name : str
        Printed after ``KID-`` in tables.
    trained_on : str
        Digest of the images and labels it was trained on (`images_digest`).
    threads : int
        Number of torch threads.
    """

    def __init__(self, net: nn.Module, name: str, trained_on: str, threads: int = 1) -> None:
        self.net = net.eval()
        self.name = name
        self.trained_on = trained_on
        self.threads = threads
        self.head = _last_linear(net)

    def classify(
        self, x: NDArray[np.uint8], batch: int = 128
    ) -> tuple[NDArray[Any], NDArray[np.float64]]:
        """Return labels (n,) and features (n, d) of images uint8 (n, height, width, channels).

        Features are the inputs of the last linear layer.
        """
        if not len(x):
            raise ValueError("no images to classify")
        device = next(self.net.parameters()).device
        inputs: list[Tensor] = []
        hook = self.head.register_forward_pre_hook(lambda _, given: inputs.append(given[0]))
        try:
            with torch.inference_mode(), fixed_threads(self.threads):
                logits = [
                    self.net(to_tensor(np.ascontiguousarray(x[i : i + batch]), device))
                    for i in range(0, len(x), batch)
                ]
        finally:
            hook.remove()
        labels = torch.cat(logits).argmax(dim=1).cpu().numpy()
        return labels, torch.cat(inputs).flatten(1).double().cpu().numpy()


def trained_oracle(
    train: Images,
    settings: OracleSettings,
    folder: Path | None = None,
    *,
    device: str = "auto",
    log: Callable[[str], None] = lambda _: None,
) -> ImageClassifier:
    """Return the oracle of a training set: read from a folder, or trained and saved there.

    Parameters
    ----------
    train : Images
        Every training image of the data set.
    settings : OracleSettings
        How it is trained.
    folder : Path, optional
        Where oracles are saved, under a key of the images and settings; None saves none.
    device : str
        ``auto`` takes CUDA where there is one.
    log : callable
        Called with a line of text before a training, which takes minutes.

    Raises
    ------
    Diverged
        If the loss becomes NaN or infinite.
    """
    digest = images_digest(train)
    facts = {"version": VERSION, "seen": digest, "recipe": RECIPE, **asdict(settings)}
    net = cached_network(
        facts,
        folder,
        blank=lambda: _untrained(train, settings),
        fit=lambda: _train(train, settings, device, log),
        device=device,
    )
    return ImageClassifier(net, settings.name, digest, settings.threads)


def cached_network(
    facts: Mapping[str, Any],
    folder: Path | None,
    *,
    blank: Callable[[], nn.Module],
    fit: Callable[[], nn.Module],
    device: str,
) -> nn.Module:
    """Return a trained network: read from a folder, or trained and saved there.

    Two commands that need the same network at once train it once: the second waits. One that
    another torch or processor trained is not used.

    Parameters
    ----------
    facts : mapping
        All that the network depends on but the environment, as plain data. Both name the file.
    folder : Path or None
        Where networks are saved; None saves none.
    blank, fit : callable
        Return a network of the same shape: with any weights, or trained.
    device : str
        Device of the network.
    """
    if folder is None:
        return fit()
    facts = {**facts, "environment": training_environment(choose_device(device))}
    key = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]
    path = folder / f"oracle-{key}.pt"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with hold(path.with_suffix(".lock")):
            content = checkpoint.load_tensors(path)
            if content is not None and content.get("key") == key:
                net = blank()
                _load(net, content, path)
            else:
                net = fit()
                weights = {name: tensor.cpu() for name, tensor in net.state_dict().items()}
                checkpoint.save_tensors(path, {"key": key, "facts": facts, "weights": weights})
    except OSError as error:
        raise EnvironmentFault(f"no oracle can be saved in {folder}: {error.strerror}") from error
    # 1.2 times as fast on a CPU as the default format.
    net.to(choose_device(device), memory_format=torch.channels_last)  # type: ignore[call-overload]
    return net


def _load(net: nn.Module, content: Mapping[str, Any], path: Path) -> None:
    try:
        net.load_state_dict(content["weights"])
    except Exception as error:  # whatever a forged one may lead to
        raise DataError(
            f"{path} does not hold the network that its name says; delete it"
        ) from error


def images_digest(images: Images) -> str:
    """Return the SHA-256 of the pixels, labels and weights of a training set."""
    digest = hashlib.sha256(str(images.pixels.shape).encode())
    for array in (images.pixels, images.labels, images.weights):
        if array is not None:
            digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _train(
    train: Images, settings: OracleSettings, device: str, log: Callable[[str], None]
) -> nn.Module:
    log(
        f"training an oracle on {len(train)} images: {settings.network}, {settings.steps} steps, "
        f"seed {settings.seed}"
    )
    options = asdict(settings)
    method = Method(RECIPE, device=device, random_state=options.pop("seed"), **options)
    net: nn.Module = method.fit(train.pixels, train.labels, sample_weight=train.weights).network_
    return net


def _untrained(train: Images, settings: OracleSettings) -> nn.Module:
    height, width, channels = train.pixels.shape[1:]
    classes = len(np.unique(train.labels))
    network = build_network(settings.network, (channels, height, width), classes)
    return nn.Sequential(Normalise(torch.zeros(channels), torch.ones(channels)), network)


def _last_linear(net: nn.Module) -> nn.Module:
    """Return the last linear layer: the one whose outputs are the logits."""
    linear = [module for module in net.modules() if isinstance(module, nn.Linear)]
    if not linear:
        raise ValueError(f"{type(net).__name__} has no linear layer, so no features")
    return linear[-1]
