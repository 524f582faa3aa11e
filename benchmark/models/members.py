"""The members of a model: each trained in a process of its own, and handed over as bytes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from imbench.images.dataset import Images
from imbench.models.core import Core, View
from imbench.models.saving import kept_model
from imbench.models.weights import unpack
from imbench.training.cross_validation import Call, Memory, remembered
from imbench.training.method import Method

__all__ = ["Trained", "join_members", "train_members"]


@dataclass(frozen=True, eq=False)
class Trained:
    """One network, and what a model says of it."""

    core: Core
    network: nn.Module
    train_loss: float
    notes: tuple[str, ...]


def train_members(
    method: Method,
    inputs: NDArray[Any],
    train: Images,
    classes: tuple[str, ...],
    view: View,
    members: int,
    jobs: int,
    memory: Memory | None,
) -> Iterator[Trained]:
    """Train a method on all training images with each of so many seeds.

    `inputs` are their pixels, or what a frozen backbone made of them.
    """
    given = (method, inputs, train.labels, train.weights, classes, view)
    calls = [Call(f"all-seed-{seed}", _member, (seed, *given)) for seed in range(members)]
    for left in remembered(calls, jobs, memory):
        head, _, weights = left.partition(b"\n")
        core, (network,), _ = unpack(weights, "a member")
        said = json.loads(head)
        yield Trained(core, network, said["train_loss"], tuple(said["notes"]))


def join_members(trained: Sequence[Trained]) -> Core:
    """Return what prediction needs of all of them besides their weights."""
    members = tuple(member for one in trained for member in one.core.members)
    return trained[0].core.model_copy(update={"members": members})


def _member(
    seed: int,
    method: Method,
    inputs: NDArray[Any],
    labels: NDArray[np.int64],
    weights: NDArray[Any] | None,
    classes: tuple[str, ...],
    view: View,
) -> bytes:
    """Return a line of JSON and the weights of a network, checked to predict as it does."""
    from sklearn.base import clone

    one: Method = clone(method).set_params(random_state=seed)
    one.fit(inputs, labels, weights)
    said = {"train_loss": one.cost_["train_loss"], "notes": list(map(str, one.notes_))}
    return json.dumps(said).encode() + b"\n" + kept_model(one, classes, view)
