"""What a report cannot show of the plans of its results folder, in sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from imbench.records.groups import without_group
from imbench.records.planned import Plans
from imbench.records.record import Record
from imbench.short_names import short_names

__all__ = ["plan_notes"]


def plan_notes(plans: Plans, records: Sequence[Record]) -> tuple[str, ...]:
    """Return a sentence on each plan that cannot be read, and on data that have no record yet."""
    counts = Counter(cell.dataset for cell in without_group(records, plans.cells))
    names = short_names(counts)
    return (
        *plans.faults,
        *(
            f"{number} planned cells of {names[dataset]} stand in no table, for none with the same "
            "data and settings has a record yet: `bench status` names their plan"
            for dataset, number in counts.items()
        ),
    )
