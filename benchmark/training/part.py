"""The hooks a part of a method may override: each changes one step of training."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray

from imbench.contained import subclass_fault
from imbench.training.parameters import Parameters

if TYPE_CHECKING:
    import torch

    from imbench.constraints import Constraint
    from imbench.training.examples import Examples
    from imbench.training.refit import Refit
    from imbench.training.state import TrainState

__all__ = ["HOOKS", "Context", "Part", "begin_fit", "makes_images", "overrides"]

HOOKS = (
    "build",
    "resample",
    "member_sets",
    "draw",
    "class_weights",
    "begin",
    "batches",
    "losses",
    "compose",
    "mix",
    "weigh",
    "gradients",
    "after_step",
    "before_step",
    "finish",
    "tune",
    "join",
    "adjust",
)


@dataclass(frozen=True)
class Context:
    """What a part that trains a model of its own needs to know of the training."""

    seed: int = 0
    """The replicate's seed, for `imbench.stream`."""
    device: str = "cpu"
    """Where the classifier is trained, as torch names it."""
    augment: str = "none"
    """How the classifier's batches are augmented, without functions of the user."""
    steps: int = 100
    """Optimiser steps of the classifier."""
    geometry: str = "crop"
    """How images that are read from files become squares, as those of the data set did."""
    folder: Path | None = None
    """Folder in which trained generators are stored for other cells; None stores nothing."""
    counts: tuple[int, ...] = ()
    """Training images of each label before any part changed them: the most are the majority's."""


class Part(Parameters):
    """Base of all parts; ``__init__`` only stores parameters.

    A hook that is not overridden changes nothing. All name their arguments alike: ``y`` are labels
    0..K-1, of the training set (n,) or of a batch (m,); ``counts`` (K,) are images per label, as
    the sampler yields them; ``logits`` are (m, K); from ``rng`` a hook takes its random numbers.
    It may append a sentence to `notes_`, add seconds and steps to `cost_` by `add_cost`, and files
    to `artifacts_` and `kept_`: they are written to the record and to files with its name.

    Examples
    --------
    >>> import numpy as np
    >>> from imbench import Part
    >>> class Sqrt(Part):
    ...     def class_weights(self, counts, original):
    ...         return (counts.mean() / counts) ** 0.5
    >>> counts = np.array([900.0, 100.0])
    >>> Sqrt().class_weights(counts, counts).round(2)
    array([0.75, 2.24])
    """

    version: ClassVar[int] = 1
    """Raise it when the part's scores change: older records then no longer count."""
    title: ClassVar[str] = ""
    """Name in tables, as in the paper."""
    trains_generators: ClassVar[bool] = False
    """Whether it trains networks beside the classifier: its cells are then timed apart."""
    moves_threshold: ClassVar[bool] = False
    """Whether it shifts outputs for the sake of decisions: they are no probabilities any more."""
    makes_images: ClassVar[bool] = False
    """Whether its `resample` adds images: on features of a backbone they are embedded then, and
    parts up to the last such one see pixels."""
    constraints: ClassVar[Mapping[str, Constraint]] = {}
    """Which values the parameters may take, by name: see `imbench.number`."""

    notes_: list[str]
    """Sentences for the record: what was done otherwise than asked."""
    cost_: dict[str, float]
    """Seconds, steps and counts of the part's own training: see `add_cost`."""
    artifacts_: dict[str, bytes]
    """Files to keep beside the record, such as pictures: name to content."""
    kept_: dict[str, str]
    """Files that other cells share, such as generators: name to file in `Context.folder`."""
    context_: Context = Context()
    """The run, for a part that trains a model of its own."""

    def add_cost(self, **more: float) -> None:
        """Add to the seconds, steps and counts that the record says of the part.

        They are added to what is there: a hook may be called at every step, or for each network of
        an ensemble.

        Parameters
        ----------
        **more : float
            Name to what is added.

        Examples
        --------
        >>> from imbench.training.part import Context, begin_fit
        >>> part = Part()
        >>> begin_fit(part, Context())
        >>> for steps in (100, 50):
        ...     part.add_cost(head_steps=steps)
        >>> part.cost_
        {'head_steps': 150.0}
        """
        for name, value in more.items():
            self.cost_[name] = self.cost_.get(name, 0.0) + value

    @property
    def weighs(self) -> bool:
        """Whether the part weights classes; US and OS then balance only half way."""
        return overrides(self, "class_weights")

    @property
    def corrects(self) -> Literal["", "rest", "all"]:
        """For which imbalance the part corrects: none, what samplers leave, or that of the data.

        Two parts that correct for the same one correct twice, and a plan says so.
        """
        return "rest" if self.weighs else ""

    @property
    def caution(self) -> str:
        """What a parameter does that is easily misread, in a sentence; plan and record say it."""
        return ""

    @property
    def needs_pixels(self) -> str:
        """Why it cannot act on features of a frozen backbone; empty if it can. Plans refuse it."""
        return "it changes pixels at every step" if overrides(self, "compose") else ""

    @property
    def by_seed(self) -> bool:
        """Whether `foresee` depends on the seed: plans then ask it for each."""
        return False

    @property
    def stamp(self) -> int:
        """What must be equal in older records: the version, or that of the files a part reads."""
        return self.version

    @property
    def networks(self) -> int:
        """How many networks it trains: see `member_sets`."""
        return 1

    def member_steps(self, steps: int) -> list[int]:
        """Return the steps of each network, of so many that a method has."""
        return [steps]

    def defaults(self) -> dict[str, Any]:
        """Return the parameters with their defaults, in the order of canonical recipes."""
        parameters = signature(type(self)).parameters.items()
        return {name: parameter.default for name, parameter in parameters}

    def beside(self, others: Sequence[Part]) -> Self:
        """Return the part to use together with `others`, with defaults that depend on them."""
        del others
        return self

    def own_steps(self, steps: int) -> int:
        """Return how many steps it takes beyond so many of the classifier.

        Of generators, folds, further networks, a second stage, second gradients: plans name them.
        """
        return 0

    def foresee(
        self, counts: NDArray[np.int64], shape: tuple[int, ...]
    ) -> NDArray[np.int64] | None:
        """Return the counts (K,) that `resample` will leave; None if that depends on the images.

        `shape` is (height, width, channels). Called when a run is planned, without torch: raise
        UsageError if no training set with such counts could be trained on. `context_` has the seed
        of one cell, or of each if the part is `by_seed`.
        """
        return None if overrides(self, "resample") else counts

    def build(self, net: torch.nn.Module, counts: NDArray[np.float64]) -> torch.nn.Module:
        """Change the network before training, e.g. its head."""
        return net

    def resample(
        self, x: Examples, y: NDArray[np.int64], rng: np.random.Generator
    ) -> tuple[Examples | NDArray[Any], NDArray[np.int64]]:
        """Change the training set once; return examples and labels."""
        return x, y

    def member_sets(
        self,
        y: NDArray[np.int64],
        score: Callable[[NDArray[np.int64]], NDArray[np.float64]],
        rng: np.random.Generator,
    ) -> Iterator[NDArray[np.int64] | None]:
        """Yield the rows of the training set that each network is trained on; None for all.

        For methods of several networks, as many as `networks` says. They are trained one after the
        other; ``score(rows)`` gives the logits (len(rows), K) of the one that was trained last.
        """
        yield None

    def draw(self, y: NDArray[np.int64]) -> NDArray[np.float64] | None:
        """Return each example's chance to be drawn, shape (n,); None for a plain shuffle.

        Chances are relative to the largest, which counts as one image.
        """
        return None

    def class_weights(
        self, counts: NDArray[np.float64], original: NDArray[np.float64]
    ) -> NDArray[np.float64] | None:
        """Return the weight of each class in the loss, shape (K,).

        `counts` are those of the sampler after every `resample` and `draw`; `original` are those
        of the original training set.
        """
        return None

    def begin(self, state: TrainState) -> None:
        """Change the network or its optimiser before the first step, e.g. rates of some layers."""

    def batches(self, state: TrainState) -> Iterator[NDArray[np.int64]] | None:
        """Yield the rows of one batch after the other; None for what `draw` asks for.

        A part that overrides it overrides `draw` too, with the chances that it comes to: counts
        and priors are computed from them.
        """
        return None

    def losses(
        self, logits: torch.Tensor, y: torch.Tensor, counts: NDArray[np.float64]
    ) -> torch.Tensor:
        """Return one loss per example, shape (m,); y may be soft, shape (m, K)."""
        raise NotImplementedError

    def compose(self, state: TrainState, x: NDArray[Any], rows: NDArray[np.int64]) -> NDArray[Any]:
        """Change the raw images of a batch before they are augmented; labels stay.

        `x` (m, height, width, channels) are the examples `rows` of ``state.examples``.
        """
        return x

    def mix(
        self, state: TrainState, x: torch.Tensor, y: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Change a batch: x float (m, channels, height, width) in [0, 1]; y may become soft.

        Soft labels have shape (m, K); another part may have made them soft before.
        """
        return x, y

    def weigh(
        self, state: TrainState, x: torch.Tensor, y: torch.Tensor, rows: NDArray[np.int64]
    ) -> torch.Tensor | None:
        """Return the weight of each example of a batch in the loss, shape (m,)."""
        return None

    def before_step(self, state: TrainState) -> None:
        """Train another model before a step of the classifier."""

    def gradients(self, state: TrainState, again: Callable[[], None]) -> None:
        """Change the gradients of the network's parameters before the optimiser takes its step.

        ``again()`` computes them anew, for the same batch and with the same weights of images,
        where the network stands then.
        """

    def after_step(self, state: TrainState) -> None:
        """Change the network after each step, e.g. to keep weights within bounds."""

    def finish(self, state: TrainState) -> None:
        """Change the network after the last step, e.g. retrain the head."""

    def tune(self, net: torch.nn.Module, refit: Refit) -> None:
        """Change the trained network for the sake of decisions, by what trainings on a share say.

        Parameters
        ----------
        net : Module
            The trained network.
        refit : Refit
            ``refit.method`` is a `Method` that is not fitted, the recipe without this part;
            ``pixels``, ``labels``, ``weights`` and ``groups`` are those of the training images.
        """

    def join(self, logits: torch.Tensor) -> torch.Tensor:
        """Return the logits (m, K) of several networks (networks, m, K) as those of one."""
        return logits.mean(dim=0)

    def adjust(
        self, logits: NDArray[np.float64], priors: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Change logits (n, K) at prediction time; `priors` (K,) are the training sampler's."""
        return logits


def class_fault(plugin: Any) -> str | None:
    """Return why an object cannot be a method plug-in; None if it can."""
    fault = subclass_fault(plugin, Part)
    return fault or (None if isinstance(plugin.title, str) else "its title is not a text")


def overrides(part: Part, hook: str) -> bool:
    """Whether a part overrides a hook."""
    return getattr(type(part), hook) is not getattr(Part, hook)


def is_plain_loss(parts: Sequence[Part]) -> bool:
    """Whether the loss of these parts is the cross-entropy, weighted by class at most."""
    return not any(overrides(part, hook) for part in parts for hook in ("losses", "mix", "weigh"))


def makes_images(parts: Sequence[Part]) -> bool:
    """Whether any of these parts adds images, so that features alone are not enough for it."""
    return any(part.makes_images for part in parts)


def begin_fit(part: Part, context: Context) -> None:
    """Set the context of a part and clear what an earlier fit left in it."""
    part.context_ = context
    part.notes_, part.cost_, part.artifacts_, part.kept_ = [], {}, {}, {}
