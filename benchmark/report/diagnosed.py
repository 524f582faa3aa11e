"""A diagnosis of records: one thing that is wrong, where, and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = ["KINDS", "Diagnosis", "Kind", "Place"]

Kind = Literal["trivial", "floor", "constant", "chance", "loss", "memorised", "coarse", "seeds"]
KINDS: Mapping[Kind, str] = {
    "trivial": "a mean is not better than the trivial score",
    "floor": "a mean is not better than that of a floor, such as colours alone",
    "constant": "a run calls all test images one class, so a constant reaches its score",
    "chance": "AUROC is not above what chance alone exceeds in one case of twenty",
    "loss": "the training loss ends above nine tenths of what the class shares alone give",
    "memorised": "the training loss is below .001 for half of the steps or more",
    "coarse": "one test image moves F1 by more than .02",
    "seeds": "there are fewer seeds than a comparison of all methods needs",
}
"""What each kind of diagnosis says, in the order in which they are given."""
Place = tuple[str, int]
"""Recipe and minority count."""


@dataclass(frozen=True)
class Diagnosis:
    """One thing that is wrong, where, and what to do.

    Attributes
    ----------
    kind : str
        One of `KINDS`.
    methods : tuple of str
        Recipes that it is said of, in the order of the table; empty if it is said of all data.
    counts : tuple of int
        Minority counts at which it is said of some of them.
    sentence, advice : str
        What is so, with its numbers, and what to do; without the final full stop.
    places : tuple of (recipe, count)
        Methods and counts together.
    numbers : dict
        The numbers of the sentence by name.
    """

    kind: Kind
    methods: tuple[str, ...]
    counts: tuple[int, ...]
    sentence: str
    advice: str
    places: tuple[Place, ...] = ()
    numbers: Mapping[str, float] = field(default_factory=dict, hash=False)

    @property
    def note(self) -> str:
        """Sentence and advice in one line."""
        return f"{self.sentence}; to do: {self.advice}"

    def plain(self) -> dict[str, Any]:
        """Return it as JSON-ready data."""
        return {
            "kind": self.kind,
            "methods": list(self.methods),
            "counts": list(self.counts),
            "places": [list(place) for place in self.places],
            "sentence": self.sentence,
            "advice": self.advice,
            "numbers": dict(self.numbers),
        }
