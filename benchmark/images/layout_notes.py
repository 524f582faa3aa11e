"""What was guessed of a layout of folders, a note each."""

from __future__ import annotations

from collections.abc import Iterable

from imbench.images.layout import ClassFolder, Layout
from imbench.images.notes import DataNote
from imbench.images.split import SPLITS
from imbench.images.split_folders import SplitChoice

__all__ = ["layout_notes"]

_SHOWN = 3


def layout_notes(layout: Layout, choice: SplitChoice) -> list[DataNote]:
    """Return what names of folders decided, where the user did not."""
    notes = []
    if layout.splits and choice.folders.keys() < {member.split for member in layout.splits}:
        notes.append(_splits(layout))
    notes += _holders(layout)
    notes += _deeper(layout.classes, choice)
    notes += _spellings(layout.classes)
    return notes


def _splits(layout: Layout) -> DataNote:
    said = []
    for split in SPLITS:
        paths = [member.folder.path for member in layout.splits if member.split == split]
        if paths:
            said.append(_listed(paths) + ("" if paths == [split] else f" ({split})"))
    count = sum(one.folder.total for one in layout.classes)
    text = f"{', '.join(said)} are split folders by their names"
    return DataNote("guessed", text, count, "train=FOLDER,test=FOLDER, or split=none")


def _holders(layout: Layout) -> list[DataNote]:
    """Say where the class folders are, if not in the folder or in the splits."""
    expected = {member.folder.parts for member in layout.splits} or {()}
    found: dict[str, int] = {}
    for one in layout.classes:
        holder = one.folder.parts[:-1]
        if not one.named_by_split and holder not in expected:
            found["/".join(holder)] = found.get("/".join(holder), 0) + one.folder.total
    if not found:
        return []
    text = f"classes are the folders of {_listed(found)}"
    return [DataNote("guessed", text, sum(found.values()), "depth=1 or another number")]


def _deeper(classes: Iterable[ClassFolder], choice: SplitChoice) -> list[DataNote]:
    """Say that classes have images in folders below their own."""
    below = [
        folder
        for one in classes
        for folder in one.folder.walk()
        if folder is not one.folder and folder.files
    ]
    if not below:
        return []
    count = sum(len(folder.files) for folder in below)
    text = (
        f"{count} images in folders below a class folder are of that class "
        f"({_listed(folder.path for folder in below)})"
    )
    return [DataNote("guessed", text, count, f"depth={(choice.depth or 1) + 1}")]


def _spellings(classes: Iterable[ClassFolder]) -> list[DataNote]:
    """Say that folders of different spelling are one class."""
    folders: dict[str, dict[str, int]] = {}
    for one in classes:
        if not one.named_by_split:
            spelled = folders.setdefault(one.name, {})
            spelled[one.folder.parts[-1]] = spelled.get(one.folder.parts[-1], 0) + one.folder.total
    notes = []
    for name, spelled in folders.items():
        if len(spelled) > 1:
            text = f"folders {_listed(map(ascii, spelled))} are one class, {name}"
            notes.append(DataNote("guessed", text, sum(spelled.values()), "rename one"))
    return notes


def _listed(paths: Iterable[str]) -> str:
    paths = list(paths)
    more = [f"{len(paths) - _SHOWN} more"] if len(paths) > _SHOWN else []
    return ", ".join([*paths[:_SHOWN], *more])
