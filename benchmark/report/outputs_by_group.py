"""A section about the outputs of records: tables and rows of each group."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from imbench.errors import NotComparable
from imbench.records.groups import Group, group_records
from imbench.records.image_names import ImageNames
from imbench.records.record import Record
from imbench.report.printed_table import PrintedTable
from imbench.report.sections import Section

__all__ = ["Blocks", "class_names", "outputs_section"]

Blocks = tuple[list[PrintedTable], list[dict[str, Any]]]
"""Tables, and the same as plain rows."""


def outputs_section(
    key: str,
    records: Iterable[Record],
    names: Mapping[str, ImageNames] | None,
    describe: Callable[[Group, ImageNames | None], Blocks],
    told: str,
) -> Section:
    """Return what `describe` makes of each group of comparable records.

    Parameters
    ----------
    key : str
        Name of the section in JSON.
    records : iterable of Record
        In any order.
    names : mapping or None
        Fingerprint to names of classes and test images.
    describe : callable
        Returns tables and rows of a group, none where no record of it has outputs.
    told : str
        What records with outputs tell, for the message where there are none.

    Raises
    ------
    NotComparable
        If no record has outputs.
    """
    tables: list[PrintedTable] = []
    rows: list[dict[str, Any]] = []
    for group in group_records(records):
        more_tables, more_rows = describe(group, (names or {}).get(group.basis.fingerprint))
        tables += more_tables
        rows += more_rows
    if not tables:
        raise NotComparable(f"no record has outputs, so none tells {told}")
    return Section(key, tuple(tables), tuple(rows))


def class_names(names: ImageNames | None, classes: int) -> list[str]:
    """Return the names of classes; their roles where a results folder does not know them."""
    if names is not None and len(names.classes) == classes:
        return list(names.classes)
    rest = ["minority"] if classes == 2 else [f"minority {label}" for label in range(1, classes)]
    return ["majority", *rest]
