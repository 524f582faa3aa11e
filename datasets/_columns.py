"""Which columns of a table hold what: named by the user, by their own names, or guessed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from imbench.datasets._table import Table
from imbench.errors import UsageError
from imbench.images.formats import is_read, suffix_of
from imbench.images.notes import DataNote
from imbench.spec import match_name, unknown_name

__all__ = ["EXPECTED", "ROLES", "Columns", "find_columns"]

ROLES = ("path", "label", "split", "group", "weight")
_SAMPLE = 100
"""Cells by which a column of files is recognised."""
OFF = "none"
"""``group=none``: no column, even if there is one of that name."""
_ALSO_CALLED = {
    "path": (
        *("filename", "file_name", "file", "filepath", "file_path", "img", "img_path", "img_name"),
        *("image", "image_path", "image_file", "image_name", "image_id", "image index", "id"),
    ),
    "label": (
        *("class", "class_name", "category", "labels", "label_name", "target", "diagnosis", "dx"),
        *("species", "finding labels"),
    ),
}
"""Names of public tables for a column that there has to be, and that is guessed from them."""
_LOOKS_LIKE = {
    "group": (
        *("patient", "patient_id", "patient id", "patientid", "subject", "subject_id", "person"),
        *("person_id", "lesion_id", "case_id", "slide_id", "site", "site_id", "animal_id"),
        *("individual", "individual_id", "video", "video_id"),
    ),
    "split": ("set", "subset", "fold", "partition", "phase", "is_test"),
}
"""Names that are told of, since to pass them over may let test images leak into training."""
EXPECTED = (*ROLES, *_ALSO_CALLED["path"], *_ALSO_CALLED["label"])
"""Names by which a header is recognised."""


@dataclass(frozen=True)
class Columns:
    """The column of each role that a table has, and what is to be said of that."""

    of: Mapping[str, str]
    classes: tuple[str, ...]
    """Columns of which each is a class, marked by 1; empty if one column has the labels."""
    notes: tuple[DataNote, ...]


def find_columns(table: Table, named: Mapping[str, str | None]) -> Columns:
    """Find the columns of a table.

    Parameters
    ----------
    named : mapping
        Role to the column that the user names, None where none is named, or ``none`` for a column
        that is not to be used. ``label=A/B`` names a column for each class.

    Raises
    ------
    UsageError
        If a column does not exist, or there is none for the path or the label.
    """
    found: dict[str, str] = {}
    classes: tuple[str, ...] = ()
    for role in ROLES:
        choice = named.get(role)
        if choice is None:
            own = _called(table, role)
            # Units of a column `weight` are rarely those of a loss: it is used when it is named.
            if own is not None and role != "weight":
                found[role] = own
        elif role == "label" and choice not in table.header and "/" in choice:
            classes = tuple(_existing(table, name.strip()) for name in choice.split("/"))
        elif choice != OFF or role in ("path", "label"):
            found[role] = _existing(table, choice)
    notes = []
    for role in ("path", "label"):
        if role not in found and not (role == "label" and classes):
            found[role] = _guess(table, role, list(found.values()))
            words = f"column {found[role]!r} holds the {role} of {len(table.rows)} images"
            notes.append(DataNote("guessed", words, len(table.rows), f"{role}=COLUMN"))
    used = {*found.values(), *classes}
    notes += [note for role in ("split", "group") if (note := _missed(table, role, named, used))]
    if named.get("weight") is None and (note := _unused_weight(table)):
        notes.append(note)
    return Columns(found, classes, tuple(notes))


def _existing(table: Table, name: str) -> str:
    kind, header = f"column of {table.path.name}", [name for name in table.header if name]
    found = match_name(name, header, kind)
    if found is None:
        raise unknown_name(kind, name, header)
    return found


def _called(table: Table, *names: str) -> str | None:
    """Return the column of one of the names: as it is written, or else in another case."""
    for name in names:
        if name in table.header:
            return name
    alike = [name for name in table.header if name.casefold() in names]
    return alike[0] if len(alike) == 1 else None


def _guess(table: Table, role: str, used: list[str]) -> str:
    if _holds_files(table.header[:1]):
        raise UsageError(
            f"{table.path} begins with an image, not with names of columns: write a line above it, "
            "such as path,label"
        )
    also = _ALSO_CALLED[role]
    free = [name for name in table.header if name and name not in used]
    known = [name for name in free if name.casefold() in also]
    if not known and role == "path":
        known = [name for name in free if _holds_files(table.column(name))]
    if len(known) == 1:
        return known[0]
    several = f"{' and '.join(known)} may be it: " if known else ""
    marked = [name for name in free if _is_mark(table.column(name))]
    if role == "label" and len(marked) > 1:
        several = f"{', '.join(marked)} are 0 or 1, label={'/'.join(marked)} makes them classes: "
    header = ", ".join(name or "(no name)" for name in table.header)
    raise UsageError(
        f"{table.path} has no column {role!r}; {several}name one with {role}= from {header}"
    )


def _holds_files(cells: list[str]) -> bool:
    return all(is_read(suffix_of(cell)) is not None for cell in cells[:_SAMPLE])


def _is_mark(cells: list[str]) -> bool:
    return {"1", "1.0"} & set(cells) != set() and set(cells) <= {"0", "1", "0.0", "1.0", "-1"}


def _missed(
    table: Table, role: str, named: Mapping[str, str | None], used: set[str]
) -> DataNote | None:
    """Return a note on a column that looks like a split or groups and is not used as such."""
    if named.get(role) is not None or _called(table, role) is not None:
        return None
    for name in table.header:
        if name.casefold() in _LOOKS_LIKE[role] and name not in used:
            values = len(set(table.column(name)))
            words = f"column {name!r} ({values} values in {len(table.rows)} rows) is no {role}"
            return DataNote("not used", words, len(table.rows), f"{role}={name}")
    return None


def _unused_weight(table: Table) -> DataNote | None:
    name = _called(table, "weight")
    if name is None:
        return None
    words = f"column {name!r}{_range(table.column(name))} does not weigh the loss"
    return DataNote("not used", words, len(table.rows), f"weight={name}")


def _range(cells: list[str]) -> str:
    try:
        numbers = [float(cell) for cell in cells if cell]
    except ValueError:
        return ""
    finite = [number for number in numbers if math.isfinite(number)]
    return f" ({min(finite):g} to {max(finite):g})" if finite else ""
