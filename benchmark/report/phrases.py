"""Pieces of sentences that verdicts and diagnoses share: places, ranges of numbers, seeds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

__all__ = ["count_seeds", "decimals", "gains_text", "places_text", "signed", "span_text"]


def places_text(places: Iterable[tuple[str, int]], label: Callable[[int], str] = str) -> str:
    """Return ``CS, OS at 10, 20; SMOTE at 10``: texts with the counts they have in common.

    Examples
    --------
    >>> places_text([("CS", 20), ("OS", 10), ("CS", 10), ("OS", 20), ("SMOTE", 10)])
    'CS, OS at 10, 20; SMOTE at 10'
    """
    counts: dict[str, list[int]] = defaultdict(list)
    for text, count in places:
        counts[text].append(count)
    alike: dict[tuple[int, ...], list[str]] = defaultdict(list)
    for text, where in counts.items():
        alike[tuple(sorted(where))].append(text)
    return "; ".join(
        f"{', '.join(texts)} at {', '.join(map(label, where))}" for where, texts in alike.items()
    )


def gains_text(gains: Sequence[tuple[str, int, float]], label: Callable[[int], str] = str) -> str:
    """Return methods with counts and differences; those with the same counts stand together.

    Examples
    --------
    >>> gains_text([("CS", 10, 0.1), ("CS", 20, 0.11), ("OS", 20, 0.1)])
    'CS +0.100 to +0.110 at 10, 20; OS +0.100 at 20'
    """
    reached: dict[str, list[float]] = defaultdict(list)
    for title, _, gain in gains:
        reached[title].append(gain)
    named = {title: f"{title} {span_text(found, signed)}" for title, found in reached.items()}
    return places_text(((named[title], count) for title, count, _ in gains), label)


def decimals(value: float) -> str:
    """Return a score with three decimals."""
    return f"{value:.3f}"


def signed(value: float) -> str:
    """Return a difference with its sign and three decimals."""
    return f"{round(value, 3) + 0.0:+.3f}"


def span_text(values: Iterable[float], form: Callable[[float], str] = decimals) -> str:
    """Return ``0.512 to 0.655``, or one number where both are printed alike."""
    listed = list(values)
    low, high = form(min(listed)), form(max(listed))
    return low if low == high else f"{low} to {high}"


def count_seeds(seeds: int) -> str:
    """Return ``1 seed``, ``6 seeds``."""
    return f"{seeds} seed{'' if seeds == 1 else 's'}"
