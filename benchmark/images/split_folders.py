"""Which folders are the splits: by their names, wherever they stand, or by what the user says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from imbench.errors import DataError, UsageError
from imbench.images.folder_tree import FolderTree
from imbench.images.split_words import split_and_rest, split_name, split_names

__all__ = ["SplitChoice", "SplitFolder", "find_split_folders", "refuse_half_a_split"]


@dataclass(frozen=True)
class SplitChoice:
    """What the user says of splits and classes."""

    folders: Mapping[str, str] = field(default_factory=dict)
    """Folder of a split: ``train=``, ``test=``, ``validation=``."""
    shares: Mapping[str, float] = field(default_factory=dict)
    """Share of the training images that becomes a split: ``test=0.25``."""
    pooled: bool = False
    """``split=none``: class folders in split folders are pooled; with `depth` no name counts."""
    depth: int | None = None
    """Levels from a split folder, or the top, down to the class folders."""


@dataclass(frozen=True)
class SplitFolder:
    """A folder with the images of a split, of one class if its place or name says which."""

    folder: FolderTree
    split: str
    kind: str = ""


def find_split_folders(top: FolderTree, choice: SplitChoice, where: str) -> list[SplitFolder]:
    """Return the folders that are splits; none if no name says so.

    Raises
    ------
    DataError
        If names say it in more than one way, or leave out training or test images.
    UsageError
        If a named folder is not there.
    """
    if choice.folders:
        return _named(top, choice, where)
    if choice.pooled and choice.depth:
        return []
    homes = _homes(top)
    by_class = _inside_classes(homes)
    if by_class:
        return _without_shares(by_class, choice, where)
    if choice.pooled and (len(homes) != 1 or _is_aside(top, homes[0])):
        return _half(top.unwrapped())
    if not homes:
        return []
    if len(homes) > 1:
        places = " and ".join(home.path for home, _ in homes[:2])
        raise DataError(
            f"{where} has training and test folders in {places}: point at one of them, e.g. "
            f"folder:{where}/{homes[0][0].path}"
        )
    if _is_aside(top, homes[0]):
        raise DataError(
            f"{where}/{homes[0][0].path} has training and test folders, but most of {top.total} "
            "images lie elsewhere: point at it, or write split=none"
        )
    return _without_shares(homes[0][1], choice, where)


def refuse_half_a_split(folder: FolderTree, where: str) -> None:
    """Raise DataError if folders beside each other name splits, but not training and test."""
    words = split_names(folder.folders)
    if not words:
        return
    paths = {split: folder.folders[name].path for name, split in words.items()}
    lacking = "test" if "train" in paths else "train"
    for name in words:
        if _homes(folder.folders[name]):
            raise DataError(
                f"{where} has folder {name}, but no {lacking} folder beside it: point at it, "
                f"folder:{where}/{folder.folders[name].path}, or write split=none if it is a class"
            )
    others = [below.path for name, below in folder.folders.items() if name not in words]
    ways = [f"{lacking}={paths.get('validation', (others or ['FOLDER'])[0])}"]
    if lacking == "test":
        ways.append(f"train={paths['train']},test=0.25")
    raise DataError(
        f"{where} has {' and '.join(sorted(words))} but no {lacking} folder: write "
        f"{' or '.join(ways)}, or split=none if folders named like splits are classes"
    )


def _homes(top: FolderTree) -> list[tuple[FolderTree, list[SplitFolder]]]:
    """Return the uppermost folders with training and test folders in them, and those."""
    level = [top]
    while level:
        found = [(folder, members) for folder in level if (members := _members(folder))]
        if found:
            return found
        level = [
            below
            for folder in level
            for name, below in folder.folders.items()
            if split_name(name) is None
        ]
    return []


def _members(folder: FolderTree) -> list[SplitFolder]:
    words = split_names(folder.folders)
    if {"train", "test"} <= set(words.values()):
        _refuse_two(words.values(), [folder.folders[name].path for name in words])
        return [SplitFolder(folder.folders[name], split) for name, split in words.items()]
    return _decorated(folder)


def _is_aside(top: FolderTree, home: tuple[FolderTree, list[SplitFolder]]) -> bool:
    """Whether most images are not in the splits: these are then part of something else."""
    return home[0] is not top and 2 * sum(one.folder.total for one in home[1]) < top.total


def _half(folder: FolderTree) -> list[SplitFolder]:
    """Return the folders that name splits, not all of them, and hold class folders."""
    words = split_names(folder.folders)
    found = [SplitFolder(folder.folders[name], split) for name, split in words.items()]
    return [member for member in found if member.folder.is_holder]


def _decorated(folder: FolderTree) -> list[SplitFolder]:
    """Return folders whose names hold a split and something else: ``seg_train``, ``trainA``."""
    parsed = {name: found for name in folder.folders if (found := split_and_rest(name))}
    rests: dict[str, set[str]] = {"train": set(), "test": set(), "validation": set()}
    for split, rest in parsed.values():
        rests[split].add(rest)
    common = rests["train"] & rests["test"]
    members = [
        SplitFolder(folder.folders[name], split, rest if len(common) > 1 else "")
        for name, (split, rest) in parsed.items()
        if rest in common
    ]
    if len(common) == 1:
        _refuse_two([member.split for member in members], [one.folder.path for one in members])
    elif any(member.folder.folders for member in members):
        return []  # parts of a split, or classes with more below: not for us to say
    return members


def _inside_classes(homes: list[tuple[FolderTree, list[SplitFolder]]]) -> list[SplitFolder]:
    """Return the splits where each class folder has its own, with the images right in them."""
    parents = {home.parts[:-1] for home, _ in homes}
    flat = all(not member.folder.folders for _, members in homes for member in members)
    if len(homes) < 2 or len(parents) > 1 or not flat:
        return []
    return [
        SplitFolder(member.folder, member.split, home.parts[-1])
        for home, members in homes
        for member in members
    ]


def _without_shares(found: list[SplitFolder], choice: SplitChoice, where: str) -> list[SplitFolder]:
    """Return the folders; raise UsageError if a share was to be one of these splits."""
    for member in found:
        if member.split in choice.shares and not choice.pooled:
            raise UsageError(
                f"{where} has its own split: leave out {member.split}={choice.shares[member.split]}"
                f", name the folders to use (train=FOLDER with {member.split}=SHARE leaves "
                f"{member.folder.path} out), or write split=none"
            )
    return found


def _named(top: FolderTree, choice: SplitChoice, where: str) -> list[SplitFolder]:
    """Return the folders that the user names, and those beside them whose names say the rest."""
    folders = {split: top.find(path) for split, path in choice.folders.items()}
    for a in folders:
        for b in folders:
            if a != b and folders[b].parts[: len(folders[a].parts)] == folders[a].parts:
                raise UsageError(f"{a}={folders[a].path} holds {b}={folders[b].path}: name others")
    beside = top.at(next(iter(folders.values())).parts[:-1])
    taken = {folder.parts for folder in folders.values()}
    rest = [name for name, below in beside.folders.items() if below.parts not in taken]
    words = {
        name: split
        for name, split in split_names(rest).items()
        if split not in folders and split not in choice.shares
    }
    _refuse_two(words.values(), [beside.folders[name].path for name in words])
    folders |= {split: beside.folders[name] for name, split in words.items()}
    for needed in ("train", "test"):
        if needed not in folders and needed not in choice.shares:
            others = ", ".join(beside.folders[name].path for name in rest[:5]) or "none"
            share = ", or test=0.25 for a share of the training images" * (needed == "test")
            raise UsageError(
                f"{where}: no {needed} folder beside {next(iter(folders.values())).path}: write "
                f"{needed}=FOLDER{share} (folders there: {others})"
            )
    return [SplitFolder(folder, split) for split, folder in folders.items()]


def _refuse_two(splits: Iterable[str], paths: list[str]) -> None:
    for split, count in Counter(splits).items():
        if count > 1:
            raise DataError(
                f"two folders for one split, {split}, among {', '.join(paths)}: say which with "
                f"{split}=FOLDER"
            )
