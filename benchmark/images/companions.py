"""Files and folders that belong to images without being some: masks, thumbnails, litter."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping

from imbench.images.formats import is_read, suffix_of

__all__ = ["companions", "folder_rule", "is_beside", "mask_folders", "unmasked"]

_HIDDEN = ("__macosx", "@eadir", "$recycle.bin", "lost+found", "__pycache__")
_MASKS = ("ground_truth", "ground-truth", "ground truth", "groundtruth")
_THUMBNAILS = ("thumbnails",)
# These may be classes as well ("mask" and "no mask"): what lies beside or above them decides.
_MAYBE_MASKS = frozenset(
    (
        *("mask", "masks", "gt", "label", "labels", "annotation", "annotations", "seg"),
        *("segmentation", "segmentations"),
    )
)
_MAYBE_THUMBNAILS = frozenset(["thumb", "thumbs"])
_IMAGES = frozenset(
    (
        *("image", "images", "img", "imgs", "jpg", "jpegimages", "photo", "photos"),
        *("picture", "pictures", "original", "originals", "input", "inputs"),
    )
)
_BESIDE = frozenset(_MASKS) | _MAYBE_MASKS | _IMAGES
_MASK = re.compile(
    r"(?P<of>.+?)[ _.-]+(?:masks?|seg|segmentation|gt|ground[ _-]?truth|labels?|annotation)"
    r"(?:[ _.-]?\d+)?",
    re.IGNORECASE,
)
_THUMBNAIL = re.compile(
    r"(?P<of>.+?)[ _.-]+thumb(?:nail)?|thumb(?:nail)?[ _.-]+(?P<of_>.+)", re.IGNORECASE
)
_FIRST = ("JPEG", "WebP", "TIFF", "BMP", "PPM", "PNG", "GIF")
"""Of files of one name the first is the image: photographs are JPEG, masks are lossless."""


def folder_rule(name: str, keep: Collection[str] = ()) -> str:
    """Return the rule by which everything in a folder of this name is left out, or nothing."""
    lower = name.lower()
    for rule, names in (("masks", _MASKS), ("thumbnails", _THUMBNAILS), ("hidden", _HIDDEN)):
        if lower in names or (rule == "hidden" and name.startswith(".")):
            return "" if rule in keep else rule
    return ""


def companions(names: Iterable[str], keep: Collection[str] = ()) -> dict[str, str]:
    """Return the images of one folder that belong to another one there, with the rule.

    >>> companions(["a.jpg", "a.png", "b.png", "b_mask.png", "c_mask.png"])
    {'a.png': 'masks', 'b_mask.png': 'masks'}
    """
    by_stem: dict[str, list[str]] = {}
    for name in names:
        by_stem.setdefault(_stem(name), []).append(name)
    found: dict[str, str] = {}
    for stem, group in by_stem.items():
        rule = _belongs(stem, by_stem)
        kinds = {name: is_read(suffix_of(name)) for name in group}
        order = {name: _FIRST.index(kind) for name, kind in kinds.items() if kind}
        first = min(order.values(), default=0)
        for name in group:
            if rule or order.get(name, first) > first:
                found[name] = rule or "masks"
    return {name: rule for name, rule in found.items() if rule not in keep}


def mask_folders(
    folders: Mapping[tuple[str, ...], Collection[str]], keep: Collection[str] = ()
) -> dict[tuple[str, ...], str]:
    """Return the folders of images that repeat those beside or above them, with the rule.

    ``masks`` is one beside ``images``, or in a folder whose images have the same names.
    """
    beside: dict[tuple[str, ...], set[str]] = {}
    for at in folders:
        for depth, name in enumerate(at):
            beside.setdefault(at[:depth], set()).add(name.lower())
    found = {}
    for at, names in folders.items():
        for depth, name in enumerate(at):
            rule = _maybe(name)
            if not rule or rule in keep:
                continue
            above = {_stem(image) for image in folders.get(at[:depth], ())}
            repeated = sum(
                _stem(image) in above or bool(_belongs(_stem(image), above)) for image in names
            )
            if beside[at[:depth]] & _IMAGES or 2 * repeated > len(names):
                found[at] = rule
                break
    return found


def is_beside(folder: str) -> bool:
    """Whether a folder of this name holds images or masks that stand beside each other."""
    return folder.lower() in _BESIDE


def unmasked(stem: str) -> str:
    """Return the name of the image that a mask is of, or nothing: ``part 7_mask`` is of ``part 7``.

    `stem` is a name without its suffix.
    """
    mask = _MASK.fullmatch(stem)
    return mask["of"] if mask else ""


def _maybe(name: str) -> str:
    if name.lower() in _MAYBE_MASKS:
        return "masks"
    return "thumbnails" if name.lower() in _MAYBE_THUMBNAILS else ""


def _belongs(stem: str, stems: Collection[str]) -> str:
    """Return the rule by which a name belongs to another of `stems`, or nothing."""
    if unmasked(stem) in stems:
        return "masks"
    thumbnail = _THUMBNAIL.fullmatch(stem)
    if thumbnail and (thumbnail["of"] or thumbnail["of_"]) in stems:
        return "thumbnails"
    return ""


def _stem(name: str) -> str:
    return name.lower().removesuffix(suffix_of(name))
