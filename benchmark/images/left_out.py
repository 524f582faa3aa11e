"""What was left out of a folder of images: a note for each reason, with counts and the way back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from imbench.images.formats import is_read, suffix_of
from imbench.images.image_files import FoundImages, LeftOut
from imbench.images.notes import DataNote

__all__ = ["REASONS", "left_out_notes", "link_notes", "policies"]

_SHOWN = 4
"""Kinds and classes that a note names; the others are counted."""


@dataclass(frozen=True)
class Reason:
    """How a reason is said, after a count, and how what it leaves out gets in."""

    text: str
    change: str = ""
    keep: str = ""
    """Rule of `find_images` that keeps these."""
    noun: str = "file"
    images: bool = True
    """Whether a class may lack these."""
    example: bool = False


REASONS: Mapping[str, Reason] = {
    "format": Reason("of a format that is not read", "convert to PNG or JPEG"),
    "unnamed": Reason(
        "whose names do not say so",
        "name them .jpg, .png, ...",
        "unnamed",
        noun="image",
    ),
    "masks": Reason("taken for masks of other images", "move them", "masks", example=True),
    "thumbnails": Reason(
        "taken for small copies of others", "move them", "thumbnails", example=True
    ),
    "hidden": Reason("hidden or left behind by a program", "move them", "hidden", example=True),
    "special": Reason("not regular", example=True),
    "link": Reason("leading nowhere, or back", "mend them", noun="link", example=True),
    "twice": Reason("that links list once more", "remove the links", example=True),
    "unreadable": Reason("closed to you", "change permissions", noun="folder", example=True),
    "beside": Reason("beside the split", "name a folder, e.g. test=FOLDER"),
    "outside": Reason("in no class folder", "move them into one"),
    "empty": Reason("without images", noun="folder", images=False, example=True),
    "other": Reason("", noun="other file", images=False),
}


def left_out_notes(
    left_out: Iterable[LeftOut],
    class_of: Callable[[str], str | None] = lambda _: None,
    *,
    keep: bool = False,
) -> list[DataNote]:
    """Return a note for each reason, in the order of `REASONS`.

    Parameters
    ----------
    left_out : iterable of LeftOut
        What was left out.
    class_of : callable, optional
        Gives the class that a path below the folder would belong to, or None.
    keep : bool
        Whether there is an option ``keep=`` for the rules of `find_images`.

    Examples
    --------
    >>> left = [LeftOut("format", f"train/cat/{n}.heic", ".heic") for n in range(16)]
    >>> print(left_out_notes(left, lambda place: place.split("/")[1])[0].text)
    16 files of a format that is not read (16 .heic; all in class cat)
    """
    groups: dict[str, list[LeftOut]] = {why: [] for why in REASONS}
    for left in left_out:
        groups[left.why].append(left)
    return [_note(REASONS[why], group, class_of, keep) for why, group in groups.items() if group]


def link_notes(found: FoundImages) -> list[DataNote]:
    """Return what is to be said of the links that were followed."""
    notes = []
    if found.followed:
        count = len(found.followed)
        text = f"{_count(count, 'link')} to folders (e.g. {found.followed[0]})"
        notes.append(DataNote("followed", text, count))
    if found.outside:
        text = f"{_count(found.outside, 'link')} to image files outside of the folder"
        notes.append(DataNote("followed", text, found.outside))
    return notes


def policies(found: FoundImages, keep: Collection[str]) -> dict[str, str]:
    """Return which rules decided otherwise than imbench 0.1 did on some image.

    That left out what is hidden by a dot, and read every other file with the suffix of an image.
    """
    out = {
        left.why
        for left in found.left_out
        if left.why in ("masks", "thumbnails", "hidden")
        and is_read(suffix_of(left.place))
        and not _has_dot(left.place)
    }
    kept = {"hidden" for file in found.files if _has_dot(file)}
    kept |= {"unnamed" for file in found.files if not is_read(suffix_of(file))}
    said = {"left out": out, "kept": kept & set(keep)}
    return {name: ", ".join(sorted(rules)) for name, rules in said.items() if rules}


def _has_dot(place: str) -> bool:
    return place.startswith(".") or "/." in place


def _note(
    reason: Reason, group: list[LeftOut], class_of: Callable[[str], str | None], keep: bool
) -> DataNote:
    details = []
    if kinds := Counter(left.kind for left in group if left.kind):
        details.append(_listed(f"{count} {kind}" for kind, count in kinds.most_common()))
    if reason.example:
        details.append(f"{'e.g. ' if len(group) > 1 else ''}{group[0].place}")
    classes = Counter(class_of(left.place) for left in group) if reason.images else Counter()
    if len(classes) == 1 and None not in classes:
        details.append(f"all in class {next(iter(classes))}")
    elif classes.pop(None, 0) < len(group) and classes:
        named = (f"{kind} {count}" for kind, count in classes.most_common())
        details.append(f"in class {_listed(named)}")
    said = [_count(len(group), reason.noun), reason.text, f"({'; '.join(details)})"]
    text = " ".join(filter(None, said))
    option = [f"keep={reason.keep}"] if keep and reason.keep else []
    return DataNote("left out", text, len(group), " or ".join([reason.change, *option]))


def _listed(items: Iterable[str]) -> str:
    items = list(items)
    more = [f"{len(items) - _SHOWN} more"] if len(items) > _SHOWN else []
    return ", ".join([*items[:_SHOWN], *more])


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
