"""A table of images: path, label, and optionally split, group and weight."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from imbench.datasets._user_images import UserImages
from imbench.errors import DataError, UsageError
from imbench.images.dataset import Listing
from imbench.images.split import stratified_splits
from imbench.images.split_words import split_name
from imbench.spec import Value, unknown_name

__all__ = ["CsvTable"]

_COLUMNS = ("path", "label", "split", "group", "weight")


class CsvTable(UserImages):
    r"""``csv:PATH``: PATH below the data folder, below the working directory, or absolute.

    The columns `path` (relative to the table) and `label` are needed; `split`, `group` and
    `weight` are used if they exist. ``label=gender,group=person`` names other columns. Images of
    one group never stand on both sides of a split: a split column that does that is refused, and
    our own split (where there is no such column) keeps groups whole.

    Options: the five columns, `majority`, `minority`, and without a split column `test` and
    `validation` (shares of each class, default 0.25 and 0); `geometry` as for a folder.

    Notes
    -----
    Your images, under your terms; none are copied but into the cache of decoded images. Without a
    split column ours takes the same share of each class, as nearly as whole groups allow, by a
    hash of the path or of the group. A weight multiplies the loss of its image in training.

    References
    ----------
    RFC 4180, "Common format and MIME type for comma-separated values (CSV) files",
    https://www.rfc-editor.org/rfc/rfc4180; text in UTF-8.

    Examples
    --------
    Three pictures of each person stay on one side of the split:

    >>> import tempfile
    >>> rows = [f"{n}.png,{'hat' if n % 2 else 'shirt'},person {n // 3}" for n in range(24)]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     table = Path(folder, "table.csv")
    ...     _ = table.write_text("\n".join(["path,kind,person", *rows]), "utf-8")
    ...     listing = CsvTable(Path(), str(table), label="kind", group="person").read()
    >>> print(listing.classes, sorted(set(listing.groups[listing.splits == "test"])))
    ('hat', 'shirt') ['person 3', 'person 4']
    """

    title = "CSV"
    kind = "csv"
    own = _COLUMNS

    def __init__(self, root: Path, argument: str | None = None, **options: Value) -> None:
        super().__init__(root, argument, **options)
        self.columns = {role: self.given.text(role) for role in _COLUMNS}

    def everything(self) -> Listing:
        """List every row of the table."""
        table = self.place()
        if not table.is_file():
            raise DataError(f"{table} is not a file; folder:PATH reads class folders")
        rows = _read(table)
        column = self._columns(table, list(rows[0]))
        names = tuple(_cells(rows, column["path"], table))
        texts = _cells(rows, column["label"], table)
        twice = len(names) - len(set(names))
        if twice:
            first = next(name for name in names if names.count(name) > 1)
            raise DataError(f"{table} lists {twice} images twice, the first of them {first!r}")
        classes = tuple(sorted(set(texts)))
        number = {name: label for label, name in enumerate(classes)}
        labels = np.array([number[text] for text in texts], np.int64)
        groups = None
        if "group" in column:
            groups = np.array(_cells(rows, column["group"], table), dtype=object)
        return Listing(
            classes=classes,
            sources=[table.parent / name for name in names],
            labels=labels,
            splits=self._splits(rows, column.get("split"), table, names, labels, groups),
            names=names,
            groups=groups,
            weights=_weights(rows, column["weight"], table) if "weight" in column else None,
            policies=self.policies,
        )

    def _columns(self, table: Path, header: list[str]) -> dict[str, str]:
        found = {}
        for role in _COLUMNS:
            chosen = self.columns[role]
            if chosen is not None and chosen not in header:
                raise unknown_name(f"column of {table.name}", chosen, header)
            if chosen is not None or role in header:
                found[role] = chosen or role
        for needed in ("path", "label"):
            if needed not in found:
                raise UsageError(
                    f"{table} has no column {needed!r}; name one with {needed}= from "
                    f"{', '.join(header)}"
                )
        return found

    def _splits(
        self,
        rows: list[dict[str, str]],
        column: str | None,
        table: Path,
        names: tuple[str, ...],
        labels: NDArray[np.int64],
        groups: NDArray[np.object_] | None,
    ) -> NDArray[np.str_]:
        if column is None:
            return stratified_splits(
                names, labels, test=self.test, validation=self.validation, groups=groups
            )
        if self.split_given:
            raise UsageError(f"{table} has its own split; leave out test= and validation=")
        splits = [split_name(text) for text in _cells(rows, column, table)]
        for row, split in zip(rows, splits, strict=True):
            if split is None:
                raise DataError(
                    f"{table}: {column} {row[column]!r} is none of train, validation, test"
                )
        # That no group is torn is checked where images are decoded; `bench data verify` lists them.
        return np.array(splits, dtype="<U10")


def _read(table: Path) -> list[dict[str, str]]:
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file, strict=True))
    except UnicodeDecodeError as error:
        raise DataError(f"{table} is not UTF-8 text: {error.reason}") from error
    except csv.Error as error:
        raise DataError(f"{table} is not a CSV table: {error}") from error
    if not rows:
        raise DataError(f"{table} has no rows")
    for number, row in enumerate(rows, 2):
        # DictReader marks surplus cells by the key None and missing ones by the value None.
        if None in row or None in row.values():
            raise DataError(f"{table}, row {number}: not as many cells as the header has")
    return rows


def _cells(rows: list[dict[str, str]], column: str, table: Path) -> list[str]:
    cells = [row[column].strip() for row in rows]
    if "" in cells:
        raise DataError(f"{table}, row {cells.index('') + 2}: {column} is empty")
    return cells


def _weights(rows: list[dict[str, str]], column: str, table: Path) -> NDArray[np.float64]:
    weights = []
    for number, cell in enumerate(_cells(rows, column, table), 2):
        try:
            weight = float(cell)
        except ValueError:
            weight = math.nan
        if not (math.isfinite(weight) and weight > 0):
            raise DataError(f"{table}, row {number}: {column} {cell!r} is not a positive number")
        weights.append(weight)
    return np.array(weights, np.float64)
