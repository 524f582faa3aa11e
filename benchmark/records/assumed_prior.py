"""The class shares that a record's probabilities assume, and correcting these to others.

A network trained on a class balance learns probabilities about that balance. Samplers, class
weights and threshold scaling move it; `assumed_prior` follows them. Probabilities p_c about shares
a_c become probabilities about shares b_c by p_c b_c / a_c, normalised (Saerens, Latinne and
Decaestecker 2002, "Adjusting the outputs of a classifier to new a priori probabilities", Neural
Computation 14(1), equation 2.4).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from imbench.errors import NotComparable
from imbench.records.floors import is_floor
from imbench.records.record import Record

__all__ = ["assumed_prior", "to_test_prior"]


def assumed_prior(record: Record) -> NDArray[np.float64]:
    """Return the class shares (K,) that the probabilities of a record are about.

    They are the sampler's shares times the class weights, divided by what the recipe divides
    outputs by; equal shares where a part corrects for the imbalance by other means, as a loss.

    Raises
    ------
    NotComparable
        If the record does not say its counts, or a part leaves outputs that are about no shares.
    UsageError
        If a part is not installed.
    """
    from imbench.training.part import overrides
    from imbench.training.recipe import parse_recorded

    sampled = np.asarray(record.sampled_counts, np.float64)
    original = np.asarray(record.train_counts, np.float64)
    if len(sampled) < 2 or sampled.shape != original.shape or not (sampled > 0).all():
        raise NotComparable("the record does not say the class counts that it was trained on")
    if is_floor(record.cell):  # trained with classes that count alike
        return np.full(len(sampled), 1 / len(sampled))
    recipe = parse_recorded(record.cell.recipe)
    shares = sampled / sampled.sum()
    assumed = np.log(shares)
    for name, part in zip(recipe.names, recipe.parts, strict=True):
        if part.moves_threshold:
            raise NotComparable(f"{name} moves the threshold, so outputs are no probabilities")
        weights = part.class_weights(sampled, original)
        if weights is not None:
            assumed = assumed + np.log(weights)
        elif part.corrects and not overrides(part, "adjust"):
            assumed = np.zeros(len(shares))
        assumed = part.adjust(assumed[None], shares)[0]
    powers = np.exp(assumed - assumed.max())
    return np.asarray(powers / powers.sum())


def to_test_prior(
    record: Record, labels: NDArray[np.int64], proba: NDArray[Any]
) -> NDArray[np.float64]:
    """Return probabilities (n, K) of a record corrected to the class shares of its test set.

    Raises
    ------
    NotComparable, UsageError
        As `assumed_prior`, and if the record's counts are of another number of classes.
    """
    assumed, proba = assumed_prior(record), np.asarray(proba, np.float64)
    if len(assumed) != proba.shape[1]:
        raise NotComparable("the record's counts and outputs are of different classes")
    test = np.bincount(labels, minlength=len(assumed)) / len(labels)
    odds = proba * test / assumed
    return np.asarray(odds / odds.sum(axis=1, keepdims=True))
