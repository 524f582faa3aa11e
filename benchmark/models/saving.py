"""Fitted methods to a model's folder, after a check that what is loaded predicts the same."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from imbench.errors import UsageError
from imbench.models.backbone import pretrained_of, refuse_code, refuse_unregistered
from imbench.models.card import model_card
from imbench.models.core import Core, Member, View
from imbench.models.decision import Decision
from imbench.models.description import Description
from imbench.models.folder import CARD, WEIGHTS, new_folder
from imbench.models.model import Model
from imbench.models.weights import pack, unpack
from imbench.records.cell import Settings, code_of
from imbench.records.environment import describe_environment
from imbench.training.budget import SETTINGS
from imbench.training.method import Method
from imbench.training.recipe import parse_recorded

__all__ = ["core_of", "kept_model", "packed", "save_model"]


def save_model(
    path: str | PathLike[str],
    methods: Method | Sequence[Method],
    *,
    classes: Sequence[str],
    geometry: Literal["stretch", "pad", "crop"] = "stretch",
    threshold: float | None = None,
    replace: bool = False,
) -> None:
    """Write fitted methods as a model, whose probabilities are the mean of theirs.

    Parameters
    ----------
    path : path
        A folder that does not exist yet, or is empty.
    methods : Method or sequence of Method
        Fitted on square images with labels 0..K-1, with one recipe and the same settings.
    classes : sequence of str
        Names of the classes by their labels, the majority first.
    geometry : {"stretch", "pad", "crop"}
        What becomes of files that are not square.
    threshold : float, optional
        Probability of the minority above which it is said; without one the highest wins.
    replace : bool, default False
        Whether to replace a model that is there.

    Raises
    ------
    UsageError
        If the methods do not fit together, or hold what a model cannot: code of a file, a network
        that is no registered one.
    EnvironmentFault
        If the folder cannot be written.

    Examples
    --------
    >>> import numpy as np
    >>> from imbench import Method, load_model, save_model
    >>> labels = np.repeat([0, 1], 20)
    >>> images = np.full((40, 8, 8), 50, np.uint8) + 100 * labels[:, None, None].astype(np.uint8)
    >>> method = Method("cs", network="linear", steps=20, augment="none").fit(images, labels)
    >>> save_model("MODEL", method, classes=["ok", "defect"])
    >>> load_model("MODEL").predict(images[[0, -1]])
    array(['ok', 'defect'], dtype='<U6')
    """
    fitted = [methods] if isinstance(methods, Method) else list(methods)
    if not fitted:
        raise UsageError("no method is given, so there is nothing to save")
    if threshold is not None and (len(classes) > 2 or not 0 <= threshold <= 1):
        raise UsageError("a threshold lies between 0 and 1, and is for two classes")
    height, width, channels = getattr(fitted[0], "image_shape_", (0, 1, 1))
    if height != width:
        raise UsageError("a model is made of methods that were fitted on square images")
    view = View.model_validate({"size": height, "channels": channels, "geometry": geometry})
    core = core_of(fitted, tuple(classes), view)
    rule: Literal["threshold", "highest"] = "highest" if threshold is None else "threshold"
    description = Description(
        core=core,
        decision=Decision(rule=rule, threshold=threshold),
        train_loss=tuple(method.cost_["train_loss"] for method in fitted),
        environment=describe_environment(fitted[0].device, core.settings.threads),
    )
    with new_folder(Path(path), replace=replace) as folder:
        weights = packed(core, fitted, {})
        folder.publish(description, {WEIGHTS: weights, CARD: model_card(description).encode()})


def core_of(methods: Sequence[Method], classes: tuple[str, ...], view: View) -> Core:
    """Return what prediction needs of fitted methods besides their weights.

    Raises
    ------
    UsageError
        If they do not fit together, or use code that has no registered name.
    """
    first = methods[0]
    if not isinstance(first.augment, str):
        raise UsageError("a model names its augmentation by a text: give it as FILE.py:NAME")
    known = {name: getattr(first, name) for name in SETTINGS if name != "size"}
    if not isinstance(first.network, str):
        raise UsageError(
            "a model holds no code: give `network` as a registered name, and register yours as a "
            "plug-in"
        )
    refuse_unregistered("networks", first.network)
    refuse_code(first.network)
    for method in methods:
        same = all(getattr(method, name) == value for name, value in known.items())
        if not same or method.recipe != first.recipe:
            raise UsageError("the methods of one model have the same recipe and settings")
        if list(method.classes_) != list(range(len(classes))):
            raise UsageError(f"the labels of fit are not 0..{len(classes) - 1}, one for each class")
    recipe = parse_recorded(first.recipe)
    return Core(
        classes=classes,
        view=view,
        recipe=str(recipe),
        versions=recipe.versions,
        settings=Settings(
            **{**known, "precision": first.precision_},
            size=view.size,
            code=code_of(first.network, first.augment),
        ),
        backbone=pretrained_of(first.network),
        members=tuple(
            Member(seed=int(method.random_state), counts=tuple(method.sampled_counts_.tolist()))
            for method in methods
        ),
    )


def kept_model(method: Method, classes: tuple[str, ...], view: View) -> bytes:
    """Return a fitted method as the file that ``bench run --keep models`` leaves for it.

    `imbench.load_model` opens it. Weights are tensors; recipe, network, view, class counts and
    settings lie in the file's head.

    Raises
    ------
    UsageError
        If it holds what no file of data can: code without a registered name.
    """
    return packed(core_of([method], classes, view), [method], {})


def packed(core: Core, methods: Sequence[Method], extra: dict[str, Tensor]) -> bytes:
    """Return the weights of fitted methods as a file, after a check that they are all of it.

    Raises
    ------
    UsageError
        If what is loaded of the file does not predict what the methods do: a part keeps something
        that is neither a weight nor in the recipe.
    """
    networks: list[nn.Module] = [method.network_ for method in methods]
    content = pack(core, networks, extra)
    description = Description(core=core, decision=Decision(rule="highest"))
    loaded = Model(description, unpack(content, "the model")[1], device=_device_of(methods[0]))
    squares = _probes(core)
    ours = np.mean([method.predict_proba(squares) for method in methods], axis=0)
    if not np.allclose(loaded.predict_squares(squares), ours, atol=1e-6):
        raise UsageError(
            f"a model cannot hold what {core.recipe} learns: it predicts otherwise once it is "
            "loaded; choose another method"
        )
    return content


def _device_of(method: Method) -> str:
    return str(next(method.network_.parameters()).device)


def _probes(core: Core) -> NDArray[np.uint8]:
    view, rng = core.view, np.random.default_rng(0)
    return rng.integers(0, 256, (8, view.size, view.size, view.channels), dtype=np.uint8)
