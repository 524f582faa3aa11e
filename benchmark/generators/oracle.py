"""The oracle: a classifier of real images of all classes, which judges generated ones.

It is trained on every training image of the data set, those included that the imbalanced runs
withhold, with the classes balanced by weights; on no test image. Its penultimate layer gives the
features in which images are compared. It is no Inception network and is never called one.
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

from imbench.errors import EnvironmentFault
from imbench.files import checkpoint
from imbench.files.leases import awaited
from imbench.images.dataset import Images
from imbench.training.loop import choose_device, fixed_threads, to_tensor
from imbench.training.method import Method
from imbench.training.networks import Normalise, build_network

__all__ = ["Oracle", "OracleSettings", "kept_network", "seen_digest", "trained_oracle"]

VERSION = 1
"""Raise it when the same settings would train to another oracle."""
RECIPE = "cs"


@dataclass(frozen=True)
class OracleSettings:
    """How an oracle is trained; what is not named here is as in `Method`."""

    network: str = "resnet20"
    steps: int = 1000
    seed: int = 0
    batch_size: int = 64
    lr: float = 0.05
    augment: str = "flip+crop"
    threads: int = 1

    @property
    def name(self) -> str:
        """What it is called in tables: ``r20`` for ResNet-20."""
        return {"resnet20": "r20"}.get(self.network, self.network.partition(":")[0])


class Oracle:
    """A trained classifier that returns labels and features of images.

    Parameters
    ----------
    net : nn.Module
        Takes images (m, channels, height, width) in [0, 1].
    name : str
        Stands after ``KID-`` in tables.
    seen : str
        Digest of the images and labels it was trained on (`seen_digest`).
    threads : int
        torch threads to look with.
    """

    def __init__(self, net: nn.Module, name: str, seen: str, threads: int = 1) -> None:
        self.net = net.eval()
        self.name = name
        self.seen = seen
        self.threads = threads
        self.head = _head(net)

    def look(self, x: NDArray[np.uint8], m: int = 128) -> tuple[NDArray[Any], NDArray[np.float64]]:
        """Return labels (n,) and features (n, d) of images uint8 (n, height, width, channels).

        Features are what goes into the last linear layer.
        """
        if not len(x):
            raise ValueError("no images to look at")
        device = next(self.net.parameters()).device
        inputs: list[Tensor] = []
        hook = self.head.register_forward_pre_hook(lambda _, given: inputs.append(given[0]))
        try:
            with torch.inference_mode(), fixed_threads(self.threads):
                logits = [
                    self.net(to_tensor(np.ascontiguousarray(x[i : i + m]), device))
                    for i in range(0, len(x), m)
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
    say: Callable[[str], None] = lambda _: None,
) -> Oracle:
    """Return the oracle of a training set: from the folder, or trained now and left there.

    Parameters
    ----------
    train : Images
        Every training image of the data set.
    settings : OracleSettings
        How it is trained.
    folder : Path, optional
        Where oracles are kept, under a key of the images and settings; None keeps none.
    device : str
        ``auto`` takes CUDA where there is one.
    say : callable
        Is told before a training, which takes minutes.

    Raises
    ------
    Diverged
        If the loss becomes NaN or infinite.
    """
    seen = seen_digest(train)
    facts = {"version": VERSION, "seen": seen, "recipe": RECIPE, **asdict(settings)}
    net = kept_network(
        facts,
        folder,
        blank=lambda: _blank(train, settings),
        fit=lambda: _trained(train, settings, device, say),
        device=device,
    )
    return Oracle(net, settings.name, seen, settings.threads)


def kept_network(
    facts: Mapping[str, Any],
    folder: Path | None,
    *,
    blank: Callable[[], nn.Module],
    fit: Callable[[], nn.Module],
    device: str,
) -> nn.Module:
    """Return a judge's network: read from the folder into a blank one, or fitted and left there.

    Two commands that need the same one at once train it once: the second waits.

    Parameters
    ----------
    facts : mapping
        All that the network depends on, as plain data: it is kept under their hash.
    folder : Path or None
        Where networks are kept; None keeps none.
    blank, fit : callable
        Return a network of the same shape: with any weights, or trained.
    device : str
        Where one that is read goes.
    """
    if folder is None:
        return fit()
    key = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]
    path = folder / f"oracle-{key}.pt"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with awaited(path.with_suffix(".lock")):
            content = checkpoint.load_tensors(path)
            if content is not None and content.get("key") == key:
                net = blank()
                net.load_state_dict(content["weights"])
            else:
                net = fit()
                weights = {name: tensor.cpu() for name, tensor in net.state_dict().items()}
                checkpoint.save_tensors(
                    path, {"key": key, "facts": dict(facts), "weights": weights}
                )
    except OSError as error:
        raise EnvironmentFault(f"no oracle can be kept in {folder}: {error.strerror}") from error
    # x 1.2 on CPU against the default format.
    net.to(choose_device(device), memory_format=torch.channels_last)  # type: ignore[call-overload]
    return net


def seen_digest(images: Images) -> str:
    """Return the SHA-256 of pixels, labels and weights that something was trained on."""
    digest = hashlib.sha256(str(images.pixels.shape).encode())
    for array in (images.pixels, images.labels, images.weights):
        if array is not None:
            digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _trained(
    train: Images, settings: OracleSettings, device: str, say: Callable[[str], None]
) -> nn.Module:
    say(
        f"training an oracle on {len(train)} images: {settings.network}, {settings.steps} steps, "
        f"seed {settings.seed}"
    )
    given = asdict(settings)
    method = Method(RECIPE, device=device, random_state=given.pop("seed"), **given)
    net: nn.Module = method.fit(train.pixels, train.labels, sample_weight=train.weights).network_
    return net


def _blank(train: Images, settings: OracleSettings) -> nn.Module:
    height, width, channels = train.pixels.shape[1:]
    classes = len(np.unique(train.labels))
    network = build_network(settings.network, (channels, height, width), classes)
    return nn.Sequential(Normalise(torch.zeros(channels), torch.ones(channels)), network)


def _head(net: nn.Module) -> nn.Module:
    """Return the last linear layer: the one whose outputs are the logits."""
    linear = [module for module in net.modules() if isinstance(module, nn.Linear)]
    if not linear:
        raise ValueError(f"{type(net).__name__} has no linear layer, so no features before it")
    return linear[-1]
