"""What is said of the pool of training images that the replicates of a table share."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from imbench.records.groups import Group
from imbench.records.image_names import ImageNames
from imbench.stats.pool import disjoint, widening

__all__ = ["pool_notes", "pool_of"]

MATTERS = 1.2
"""Widening from which on it is told."""


def pool_of(group: Group, names: Mapping[str, ImageNames]) -> tuple[int, ...]:
    """Return the training images of each class that replicates draw from; empty if not known."""
    found = names.get(group.basis.fingerprint)
    return () if found is None else found.pool


def pool_notes(group: Group, pool: Sequence[int]) -> Iterator[str]:
    """Yield what holds for this pool only: that replicates share images, and how much it hides."""
    seeds = {seed for slot in group.slots.values() for seed in slot}
    smallest = min(pool[1:], default=0)
    if not smallest or not seeds:
        yield "all of it is about the pool of training images that the seeds share"
        return
    told, apart = [], []
    for count in group.counts:
        drawn = min(count, smallest)
        wider = widening(drawn, smallest, len(seeds))
        if math.isinf(wider):
            told.append(f"at {count} all of it, so that no interval knows of other images")
        elif wider >= MATTERS:
            told.append(
                f"at {count} {drawn / smallest:.0%} of it, so that intervals about any pool may be "
                f"{wider:.1f} times as wide"
            )
        elif len(seeds) <= disjoint(drawn, smallest):
            apart.append(str(count))
    if apart:
        told.insert(0, f"at {', '.join(apart)} so little that {len(seeds)} seeds could be disjoint")
    facts = f": {'; '.join(told)}" if told else ""
    yield (
        f"all of it is about this pool of {smallest} minority images, of which each seed draws its "
        f"own{facts}"
    )
