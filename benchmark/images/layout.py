"""Splits and classes of a tree of folders: what their names say, and a sentence where they do not.

Nothing is guessed all or nothing: split folders are looked for at any depth, what stands beside
them is left out, and folders that could be splits or classes alike are an error that says which
option decides.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

from imbench.errors import DataError
from imbench.images.class_names import class_key, one_name
from imbench.images.companions import folder_rule
from imbench.images.folder_tree import FolderTree
from imbench.images.image_files import LeftOut
from imbench.images.split_folders import (
    SplitChoice,
    SplitFolder,
    find_split_folders,
    refuse_half_a_split,
)
from imbench.images.split_words import split_name

__all__ = ["ClassFolder", "Layout", "ListedImage", "find_layout"]


@dataclass(frozen=True)
class ClassFolder:
    """A folder whose images, and those below it, are of one class; `split` may be empty."""

    folder: FolderTree
    split: str
    name: str
    named_by_split: bool = False
    """Whether the class is in the name or the place of the split's folder: ``trainA``."""


class ListedImage(NamedTuple):
    """Path, split (may be empty) and class of an image."""

    path: str
    split: str
    kind: str


@dataclass
class Layout:
    """The class folders of a tree, and what was guessed to find them."""

    classes: list[ClassFolder]
    splits: list[SplitFolder] = field(default_factory=list)
    top: tuple[str, ...] = ()
    """Path of the folder that holds the class folders, where there are no splits."""

    def images(self) -> list[ListedImage]:
        """Return the images in class folders, sorted by their paths."""
        return sorted(
            ListedImage("/".join((*folder.parts, file)), one.split, one.name)
            for one in self.classes
            for folder in one.folder.walk()
            for file in folder.files
        )

    def left_out(self, tree: FolderTree) -> list[LeftOut]:
        """Return the images of the tree that are in no class folder."""
        found = []
        inside = {member.folder.parts for member in self.splits}
        ours = {one.folder.parts for one in self.classes}
        above = {parts[:depth] for parts in ours for depth in range(len(parts))}
        stack = [tree]
        while stack:
            folder = stack.pop()
            if folder.parts in ours:
                continue
            leads = folder.parts in above
            stack += folder.folders.values() if leads else ()
            in_split = any(folder.parts[: len(parts)] == parts for parts in inside)
            why = "beside" if inside and not in_split else "outside"
            for part in [folder] if leads else folder.walk():
                kind = f"in {folder.path if folder.parts else 'the folder itself'}"
                found += [LeftOut(why, "/".join((*part.parts, name)), kind) for name in part.files]
        return found

    def class_of(self, place: str) -> str | None:
        """Return the class that a file of this path belongs to, if it is in a class folder.

        A folder beside class folders is one too, though none of its files may be readable.
        """
        parts = tuple(place.split("/"))
        for depth in range(len(parts) - 1, 0, -1):
            if parts[:depth] in self._names:
                return self._names[parts[:depth]]
            if parts[: depth - 1] in self._holders and not folder_rule(parts[depth - 1]):
                return parts[depth - 1]
        return None

    @cached_property
    def _names(self) -> dict[tuple[str, ...], str]:
        return {one.folder.parts: one.name for one in self.classes}

    @cached_property
    def _holders(self) -> set[tuple[str, ...]]:
        return {one.folder.parts[:-1] for one in self.classes if not one.named_by_split}


def find_layout(tree: FolderTree, choice: SplitChoice, where: str) -> Layout:
    """Find splits and classes.

    Parameters
    ----------
    tree : FolderTree
        Folders with images, as `make_tree` returns them.
    choice : SplitChoice
        What the user says.
    where : str
        The folder's name in messages.

    Raises
    ------
    DataError
        If names contradict each other; the text says which option decides.
    UsageError
        If the choice names what is not there.
    """
    members = find_split_folders(tree, choice, where)
    top = tree if choice.depth else tree.unwrapped()
    if not members:
        if not choice.pooled:
            refuse_half_a_split(top, where)
        return Layout(_class_folders([SplitFolder(top, "")], choice, where), top=top.parts)
    classes = _class_folders(_at_one_level(members, choice, where), choice, where)
    if choice.pooled:
        return Layout([replace(one, split="") for one in classes])
    return Layout(classes, members)


def _class_folders(
    members: list[SplitFolder], choice: SplitChoice, where: str
) -> list[ClassFolder]:
    found = []
    for member in members:
        if member.kind:
            folders = [member.folder]
        else:
            folders = member.folder.level(choice.depth or 1)
            if choice.depth is None:
                _refuse_splits_as_classes(member.folder, where)
                _refuse_two_levels(member.folder, where)
        for folder in folders:
            if not choice.pooled:
                _refuse_split_inside(folder, member, where)
            found.append((member, member.kind or folder.parts[-1], folder))
    names = one_name((member.split, name) for member, name, _ in found)
    return [
        ClassFolder(folder, member.split, names[member.split, name], bool(member.kind))
        for member, name, folder in found
    ]


def _at_one_level(members: list[SplitFolder], choice: SplitChoice, where: str) -> list[SplitFolder]:
    """Return the splits with the folders that hold their classes: those inside of a wrapper."""
    usable = []
    for member in members:
        if member.kind or member.folder.folders:  # of those to pool all are
            usable.append(member)
        elif member.split != "validation":
            raise DataError(_unknown_classes(member, where))
    if choice.depth or any(member.kind for member in usable):
        return usable
    first = next((member for member in usable if member.split == "train"), usable[0])
    for start in (first.folder.unwrapped(first.split), first.folder):
        keys = _keys(start)
        chosen = [replace(member, folder=_sharing(member, keys)) for member in usable]
        if all(keys & _keys(member.folder) for member in chosen):
            return chosen
    return usable


def _sharing(member: SplitFolder, keys: set[str]) -> FolderTree:
    """Return the folder of a split, or what it wraps, whichever has folders of these names."""
    wrapped = member.folder.unwrapped(member.split)
    return wrapped if keys & _keys(wrapped) else member.folder


def _keys(folder: FolderTree) -> set[str]:
    return {class_key(name) for name in folder.folders}


def _unknown_classes(member: SplitFolder, where: str) -> str:
    place = member.folder.path
    text = f"{where}: the {len(member.folder.files)} images of {place} are in no class folders"
    if member.split == "train":
        return f"{text}: make a folder for each class, or list them in a table for csv:PATH"
    return (
        f"{text}, so their classes are unknown: leave that folder out and take a share of the "
        "training images, train=FOLDER,test=0.25, or make class folders in it"
    )


def _refuse_splits_as_classes(top: FolderTree, where: str) -> None:
    """Raise DataError if folders beside each other hold the same folders, as splits do."""
    holders = [folder for folder in top.folders.values() if folder.is_holder]
    count = Counter(key for folder in holders for key in _keys(folder))
    alike = [folder for folder in holders if any(count[key] > 1 for key in _keys(folder))]
    names = sorted({name for folder in alike for name in folder.folders})
    # Where each class has one folder of the same name in it ("images"), these are no classes.
    if len({class_key(name) for name in names}) > 1:
        a, b = alike[0].path, alike[1].path
        raise DataError(
            f"{where}: {a} and {b} hold the same folders ({', '.join(names[:4])}): if they are "
            f"splits, write train={a},test={b}; if they are classes, depth=1; if the folders in "
            "them are the classes, depth=2"
        )


def _refuse_two_levels(top: FolderTree, where: str) -> None:
    """Raise DataError if of folders beside each other one holds images, one several folders."""
    below = top.folders.values()
    holder = next(
        (one for one in below if not one.files and len(one.unwrapped().folders) > 1), None
    )
    other = next((one for one in below if one.files), None)
    if holder and other:
        names = ", ".join(list(holder.unwrapped().folders)[:3])
        raise DataError(
            f"{where}: {holder.path} holds folders ({names}) and {other.path} images: if both are "
            f"classes, write depth=1; if the folders are, point at them, "
            f"folder:{where}/{holder.unwrapped().path}"
        )


def _refuse_split_inside(folder: FolderTree, member: SplitFolder, where: str) -> None:
    """Raise DataError if a class folder is named like a split, or one below like another one."""
    start = len(member.folder.parts)
    for below in folder.walk():
        for depth, name in enumerate(below.parts[start:], start + 1):
            own = None if depth == len(folder.parts) else member.split
            if split_name(name) not in (None, own):
                raise DataError(
                    f"{where}: {below.path} is named like a split, but is part of "
                    f"{member.split or 'a class'}: move it, name the splits (train=FOLDER,"
                    "test=FOLDER), or write split=none"
                )
