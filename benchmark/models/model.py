"""A model: networks whose probabilities are averaged, and the rule by which it says a class."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from imbench.errors import DataError, UsageError
from imbench.files.reading import LARGE, read_bytes
from imbench.images.decode import ImageFault, image_of, quiet_pillow
from imbench.images.geometry import to_square
from imbench.models.backbone import embedded, found_backbone
from imbench.models.core import Core
from imbench.models.decision import Decision
from imbench.models.description import Description
from imbench.models.folder import read_folder
from imbench.models.kept import check_kept
from imbench.models.weights import parts_of, unpack
from imbench.training.device import choose_device, fixed_threads
from imbench.training.forward import forward_all, probabilities

__all__ = ["Images", "Model", "load_model"]

Images = str | PathLike[str] | Sequence[str | PathLike[str]] | ArrayLike
"""A path, paths, or pixels uint8 (n, height, width[, channels])."""


class Model:
    """Trained networks that predict together; `imbench.load_model` makes one of a folder.

    Attributes
    ----------
    description : Description
        What ``model.json`` says.
    classes : tuple of str
        Names of the classes, the majority first: the columns of `predict_proba`.
    threshold : float or None
        Probability of the minority above which it is said; None where the highest one wins.
    """

    def __init__(
        self,
        description: Description,
        networks: Sequence[nn.Module],
        *,
        seen: NDArray[np.int64] | None = None,
        device: str = "auto",
    ) -> None:
        self.description = description
        self.device = choose_device(device)
        self.networks = [net.to(self.device).eval() for net in networks]
        self.seen = np.empty(0, np.int64) if seen is None else seen
        """Hashes of the training images, as the network saw them: see `imbench.models.seen`."""
        self.parts = parts_of(self.core)
        self.backbone = found_backbone(self.core)
        """The frozen backbone whose features the networks take, if they do."""

    @property
    def core(self) -> Core:
        """What prediction needs besides the weights."""
        return self.description.core

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, the majority first."""
        return self.core.classes

    @property
    def decision(self) -> Decision:
        """The rule by which a class is said."""
        return self.description.decision

    @property
    def threshold(self) -> float | None:
        """Probability of the minority above which it is said."""
        return self.decision.threshold

    def predict_proba(self, images: Images) -> NDArray[np.float64]:
        """Return the probability of each class, shape (n, K), averaged over the members.

        Parameters
        ----------
        images : path, paths or array
            Image files, decoded as the training images were; or pixels uint8 (n, height, width,
            channels), also without the last axis for grey.

        Raises
        ------
        DataError
            If a file cannot be used, naming it.
        UsageError
            If an array has another type or shape.
        """
        return self.predict_squares(self.squares(images))

    def predict(self, images: Images) -> NDArray[Any]:
        """Return the name of the class that is said of each image, shape (n,)."""
        return np.array(self.classes)[self.decision.said(self.predict_proba(images))]

    def predict_squares(self, pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Return the probabilities (n, K) of pixels (n, size, size, channels), as it sees them."""
        if len(pixels) == 0:
            return np.empty((0, len(self.classes)))
        total = np.zeros((len(pixels), len(self.classes)))
        with fixed_threads(self.core.settings.threads):
            seen = embedded(self.backbone, pixels, str(self.device))
            for net, member in zip(self.networks, self.core.members, strict=True):
                logits = forward_all(net, seen, self.device)
                total += probabilities(self.parts, logits, member.priors)
        return total / len(self.networks)

    def squares(self, images: Images) -> NDArray[np.uint8]:
        """Return images as the network sees them, uint8 (n, size, size, channels)."""
        view = self.core.view
        paths = _paths(images)
        if paths is not None:
            with quiet_pillow():
                found = [self._decoded(path) for path in paths]
        else:
            found = [
                to_square(image_of(image), view.size, view.channels, view.geometry)
                for image in _checked(images)
            ]
        shape = (len(found), view.size, view.size, view.channels)
        return np.asarray(found, np.uint8).reshape(shape)

    def _decoded(self, path: Path) -> NDArray[np.uint8]:
        try:
            return self.core.view.square(read_bytes(path, LARGE))[0]
        except ImageFault as fault:
            raise DataError(f"{path}: {fault}") from fault
        except OSError as error:
            raise DataError(f"{path} cannot be read: {error.strerror}") from error


def load_model(path: str | PathLike[str], *, device: str = "auto") -> Model:
    """Open a model that `bench fit` or `imbench.save_model` wrote.

    Nothing in the folder is run: weights are tensors, the rest is data, and both are checked.

    Parameters
    ----------
    path : path
        The folder, or a file of weights that ``bench run --keep models`` left beside a record.
    device : str, default "auto"
        As torch names it; ``auto`` is CUDA if available.

    Returns
    -------
    Model
        ``predict(images)`` gives the names of classes (n,), by the model's threshold, and
        ``predict_proba(images)`` probabilities (n, K). Images are paths, or pixels uint8 (n,
        height, width[, channels]). ``classes`` are the names, the majority first; ``threshold``
        is the probability of the minority above which it is said, None where the highest wins.

    Raises
    ------
    UsageError
        If there is no model, or a part or network of it is not installed here.
    DataError
        If a file is missing, damaged or was changed.
    EnvironmentFault
        If a newer imbench wrote it, or there is no such device.

    Examples
    --------
    >>> import imbench
    >>> model = imbench.load_model("MODEL")  # doctest: +SKIP
    >>> model.classes  # doctest: +SKIP
    ('ok', 'defect')
    >>> model.predict(["a.jpg", "b.jpg"])  # doctest: +SKIP
    array(['ok', 'defect'], dtype='<U6')
    """
    path = Path(path)
    if path.is_file():
        content = _read(path)
        check_kept(path, content)
        core, networks, others = unpack(content, str(path))
        return Model(_of_cell(core), networks, seen=_seen(others), device=device)
    description, weights = read_folder(path)
    core, networks, others = unpack(weights, str(path))
    if core != description.core:
        raise DataError(
            f"{path}: model.json describes another model than its weights; copy the folder again"
        )
    return Model(description, networks, seen=_seen(others), device=device)


def _of_cell(core: Core) -> Description:
    """Return the description of a network that a run kept, which decides as records do."""
    return Description(core=core, decision=Decision(rule="highest")).sealed()


def _seen(others: dict[str, Tensor]) -> NDArray[np.int64]:
    found = others.get("seen", torch.empty(0, dtype=torch.int64))
    return np.asarray(found.reshape(-1).numpy(), np.int64)


def _read(path: Path) -> bytes:
    try:
        return read_bytes(path, LARGE * 4)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error


def _paths(images: Images) -> list[Path] | None:
    """Return the paths that are given, None if it is an array."""
    if isinstance(images, str | PathLike):
        return [Path(images)]
    if not isinstance(images, Sequence):
        return None
    named = [item for item in images if isinstance(item, str | PathLike)]
    return [Path(item) for item in named] if len(named) == len(images) else None


def _checked(images: Any) -> NDArray[np.uint8]:
    """Return pixels uint8 (n, height, width, 1 or 3)."""
    array = np.asarray(images)
    if array.dtype != np.uint8 or array.ndim not in (3, 4):
        raise UsageError(
            "images must be paths, or pixels uint8 of shape (n, height, width[, channels]), not "
            f"{array.dtype} {array.shape}"
        )
    array = array[..., None] if array.ndim == 3 else array
    if array.shape[-1] not in (1, 3) or 0 in array.shape[1:3]:
        raise UsageError(f"images of shape {array.shape[1:]} have neither one nor three channels")
    return array
