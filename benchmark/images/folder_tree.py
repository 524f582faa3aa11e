"""Folders that hold images, as a tree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from imbench.errors import UsageError
from imbench.images.split_words import split_name
from imbench.spec import did_you_mean

__all__ = ["FolderTree", "make_tree"]


@dataclass(eq=False)
class FolderTree:
    """A folder, the images in it, and the folders below that hold some."""

    parts: tuple[str, ...] = ()
    """Its path from the top, of which it is empty."""
    files: list[str] = field(default_factory=list)
    folders: dict[str, FolderTree] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """The path as a note prints it."""
        return "/".join(self.parts) or "."

    @cached_property
    def total(self) -> int:
        """Images in it and below."""
        return len(self.files) + sum(below.total for below in self.folders.values())

    def walk(self) -> Iterator[FolderTree]:
        """Yield it and every folder below."""
        yield self
        for below in self.folders.values():
            yield from below.walk()

    def level(self, depth: int) -> list[FolderTree]:
        """Return the folders so many levels below."""
        found: list[FolderTree] = [self]
        for _ in range(depth):
            found = [below for folder in found for below in folder.folders.values()]
        return found

    @property
    def is_holder(self) -> bool:
        """Whether most of its images are in folders below."""
        return 2 * len(self.files) < self.total

    def unwrapped(self, split: str | None = None) -> FolderTree:
        """Return the first folder below that does more than hold another one with folders.

        It is never looked for in a folder that is named like a split, other than `split`.
        """
        folder = self
        while folder.is_holder and len(folder.folders) == 1:
            ((name, only),) = folder.folders.items()
            if not only.is_holder or split_name(name) not in (None, split):
                break
            folder = only
        return folder

    def find(self, path: str) -> FolderTree:
        """Return the folder of a path from here or from what this folder wraps, in any case.

        Raises
        ------
        UsageError
            If there is none with images.
        """
        names = [name for name in path.replace("\\", "/").split("/") if name not in ("", ".")]
        for start in (self, self.unwrapped()):
            folder: FolderTree | None = start
            for name in names:
                folder = folder and folder._child(name)
            if folder and names:
                return folder
        known = [below.path for below in self.walk() if 1 <= len(below.parts) <= 3]
        raise UsageError(f"no folder {path!r} with images: {did_you_mean(path, known)}")

    def at(self, parts: tuple[str, ...]) -> FolderTree:
        """Return the folder of a path from the top, which this has to be."""
        folder = self
        for name in parts:
            folder = folder.folders[name]
        return folder

    def _child(self, name: str) -> FolderTree | None:
        if name in self.folders:
            return self.folders[name]
        alike = [below for key, below in self.folders.items() if key.lower() == name.lower()]
        return alike[0] if len(alike) == 1 else None


def make_tree(folders: Mapping[tuple[str, ...], list[str]]) -> FolderTree:
    """Return the tree of folders and the names of the images in each."""
    top = FolderTree()
    for parts, files in sorted(folders.items()):
        folder = top
        for depth, name in enumerate(parts, 1):
            folder = folder.folders.setdefault(name, FolderTree(parts[:depth]))
        folder.files = files
    return top
