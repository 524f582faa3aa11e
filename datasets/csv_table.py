"""A table of images: path, label, and optionally split, group and weight."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imbench.datasets._columns import EXPECTED, ROLES, Columns, find_columns
from imbench.datasets._table import Table, read_table, separator_of
from imbench.datasets._table_labels import labels_by_columns, labels_in_column
from imbench.datasets._table_paths import FoundFiles, find_files
from imbench.datasets._table_roles import read_groups, read_splits, read_weights
from imbench.datasets._user_images import UserImages
from imbench.errors import DataError, UsageError
from imbench.images.dataset import Listing
from imbench.images.formats import is_read, suffix_of
from imbench.images.notes import DataNote
from imbench.images.split import stratified_splits
from imbench.images.whole_groups import share_notes
from imbench.spec import Value

__all__ = ["CsvTable"]


class CsvTable(UserImages):
    r"""``csv:PATH``: PATH below the data folder, below the working directory, or absolute.

    The columns `path` (relative to the table, or to ``root=FOLDER``) and `label` are needed.
    ``label=gender,path=file`` names others; without, ``filename``, ``image_id``, ``class`` and
    the like are guessed, and that is said. ``label=MEL/NV/BCC`` is a column for each class, 1 for
    yes. Images of one `group` never stand on both sides of a split: a `split` column that does
    that is refused, and our own split (where there is no such column) keeps groups whole. These
    two are used if they exist, unless ``group=none`` or ``split=none``; ``weight=COLUMN`` weighs
    the loss, and only if it is named.

    Options: the five columns, `majority`, `minority`; without a split column `test` and
    `validation` (shares of each class, default 0.25 and 0); `geometry`, `range` and `copies` as
    for a folder. Of tables of ids `suffix` (``.jpg``) is added to each path, and images that are
    not where they should be are looked for by name below `root`. `sep` (``comma``, ``semicolon``,
    ``tab``, ``bar``) and `encoding` are found out where they are not given.

    Notes
    -----
    Your images, under your terms; none are copied but into the cache of decoded images. Without a
    split column ours takes the same share of each class, as nearly as whole groups allow, by a
    hash of the path or of the group. Rows without a label, and rows that repeat an image, are
    left out; an image with two labels is an error.

    References
    ----------
    RFC 4180, "Common format and MIME type for comma-separated values (CSV) files",
    https://www.rfc-editor.org/rfc/rfc4180.

    Examples
    --------
    Three pictures of each person stay on one side of the split:

    >>> import tempfile
    >>> rows = [f"{n}.png;{'hat' if n % 2 else 'shirt'};person {n // 3}" for n in range(24)]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     table = Path(folder, "table.csv")
    ...     _ = table.write_text("\n".join(["path;kind;person", *rows]), "utf-8")
    ...     for n in range(24):
    ...         Path(folder, f"{n}.png").touch()
    ...     listing = CsvTable(Path(), str(table), label="kind", group="person").read()
    >>> print(listing.classes, sorted(set(listing.groups[listing.splits == "test"])))
    ('hat', 'shirt') ['person 3', 'person 4']
    >>> print(listing.notes[0].line)
    guessed: the cells of 24 rows are divided by semicolon; to change it: sep=
    """

    title = "CSV"
    kind = "csv"
    own = (*ROLES, "root", "suffix", "sep", "encoding")

    def __init__(self, root: Path, argument: str | None = None, /, **options: Value) -> None:
        super().__init__(root, argument, **options)
        self.columns = {role: self.given.text(role) for role in ROLES}
        self.images = self.given.text("root")
        self.suffix = self.given.text("suffix", "") or ""
        if self.suffix and not self.suffix.startswith((".", "_", "-")):
            self.suffix = f".{self.suffix}"
        sep = self.given.text("sep")
        self.sep = None if sep is None else separator_of(sep)
        self.encoding = self.given.text("encoding")

    def everything(self) -> Listing:
        """List every row of the table that has a label, each image once."""
        path = self.place()
        if not path.is_file():
            raise DataError(f"{path} is not a file; folder:PATH reads class folders")
        named = [name for name in self.columns.values() if name]
        expected = (*EXPECTED, *named)
        table = read_table(path, sep=self.sep, encoding=self.encoding, expected=expected)
        columns = find_columns(table, self.columns)
        labels, label_notes = (
            labels_by_columns(table, columns.classes)
            if columns.classes
            else labels_in_column(table, columns.of["label"])
        )
        labelled = [row for row, label in enumerate(labels) if label is not None]
        table, texts = table.keep(labelled), [str(labels[row]) for row in labelled]
        files = self._files(table, columns.of["path"])
        unread = _unread_notes(files.paths)
        once, repeated = _each_once(table, columns, files.paths, texts)
        notes = (*table.notes, *columns.notes, *label_notes, *files.notes, *unread, *repeated)
        table, texts = table.keep(once), [texts[row] for row in once]
        names = tuple(files.names[row] for row in once)
        return self._listing(
            table, columns, names, [files.paths[row] for row in once], texts, notes
        )

    def other_classes(self, listing: Listing) -> str:
        """Point to the columns."""
        return "label=COLUMN names another column, label=A/B a column for each class"

    def _files(self, table: Table, column: str) -> FoundFiles:
        cells = table.column(column)
        if "" in cells:
            line = table.lines[cells.index("")]
            raise DataError(f"{table.path}, line {line}: {column} is empty")
        folder = table.path.parent
        if self.images is not None:
            folder = _folder(self.images, (folder, self.root, Path.cwd()))
        return find_files(
            cells,
            folder,
            search=self.images is not None,
            suffix=self.suffix,
            owner=f"{table.path}, column {column!r}",
        )

    def _listing(
        self,
        table: Table,
        columns: Columns,
        names: tuple[str, ...],
        paths: list[Path],
        texts: list[str],
        notes: tuple[DataNote, ...],
    ) -> Listing:
        classes = tuple(sorted(set(texts)))
        number = {name: label for label, name in enumerate(classes)}
        labels = np.array([number[text] for text in texts], np.int64)
        groups = weights = None
        if "group" in columns.of:
            groups, more = read_groups(table, columns.of["group"])
            notes += tuple(more)
        if "split" in columns.of:
            if self.split_given:
                raise UsageError(
                    f"{table.path} has its own split, column {columns.of['split']!r}; leave out "
                    "test= and validation=, or add split=none"
                )
            splits, note = read_splits(table, columns.of["split"])
            notes += (note,)
        else:
            splits = stratified_splits(
                names, labels, test=self.test, validation=self.validation, groups=groups
            )
            notes += tuple(self._guessed_split(splits, groups))
        if "weight" in columns.of:
            weights, note = read_weights(table, columns.of["weight"])
            notes += (note,)
        listing = Listing(
            classes=classes,
            sources=paths,
            labels=labels,
            splits=splits,
            names=names,
            groups=groups,
            weights=weights,
            notes=notes,
            policies=self.policies,
        )
        if "split" in columns.of:
            return listing
        wanted = {"test": self.test, "validation": self.validation}
        return replace(listing, notes=(*notes, *share_notes(listing, wanted)))

    def _guessed_split(
        self, splits: NDArray[np.str_], groups: NDArray[Any] | None
    ) -> Iterator[DataNote]:
        if self.split_given:
            return
        count, whole = int((splits == "test").sum()), "" if groups is None else ", groups whole"
        text = (
            f"no split column: {self.test:.0%} of each class, {count} of {len(splits)} images, are "
            f"the test split, by a hash of their paths{whole}"
        )
        yield DataNote("guessed", text, count, "test=SHARE or split=COLUMN")


def _folder(name: str, bases: Sequence[Path]) -> Path:
    """Return the folder of the images, below one of the bases."""
    places = [base / Path(name).expanduser() for base in bases]
    found = next((place for place in places if place.is_dir()), None)
    if found is None:
        looked = " nor ".join(dict.fromkeys(map(str, places)))
        raise DataError(f"root={name}: there is no folder {looked}")
    return found


def _each_once(
    table: Table, columns: Columns, paths: Sequence[Path], labels: Sequence[str]
) -> tuple[list[int], list[DataNote]]:
    """Return the first row of each image; raise DataError if its other rows say otherwise."""
    others = [name for role, name in columns.of.items() if role not in ("path", "label")]
    cells = [
        dict(zip(("label", *others), row, strict=True))
        for row in zip(labels, *map(table.column, others), strict=True)
    ]
    first: dict[Path, int] = {}
    for row, path in enumerate(paths):
        before = first.setdefault(path, row)
        for name, cell in cells[row].items():
            if cell != cells[before][name]:
                raise DataError(
                    f"{table.path}: {path.name} has {name} {cells[before][name]!r} in line "
                    f"{table.lines[before]} and {cell!r} in line {table.lines[row]}; "
                    "keep one row for each image"
                )
    repeated = len(paths) - len(first)
    note = DataNote("left out", f"{repeated} rows that repeat an image", repeated, "remove them")
    return list(first.values()), [note] if repeated else []


def _unread_notes(paths: Sequence[Path]) -> list[DataNote]:
    """Count the rows whose files have a suffix of images that are not read."""
    suffixes = Counter(suffix_of(path.name) for path in paths)
    unread = {kind: count for kind, count in suffixes.items() if is_read(kind) == ""}
    if not unread:
        return []
    count = sum(unread.values())
    by_suffix = ", ".join(f"{number} {kind}" for kind, number in Counter(unread).most_common())
    text = f"{count} rows name files of a format that is not read ({by_suffix})"
    return [DataNote("unread", text, count, "convert to PNG or JPEG")]
