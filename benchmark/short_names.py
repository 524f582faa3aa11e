"""What data sets are called in headings and lines of progress."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePath

from imbench.errors import UsageError
from imbench.spec import parse_spec

__all__ = ["short_name", "short_names"]

SHORT = 40
"""Characters up to which a spec is its own heading."""


def short_name(spec: str, folders: int = 1) -> str:
    """Return what a data set is called in headings and lines of progress.

    A spec of more than 40 characters is cut to the last `folders` of its path and its classes.

    >>> short_name("folder:/scans/2024/line 3,majority=ok,minority=defect,test=0.3")
    'line 3 (ok, defect)'
    """
    if len(spec) <= SHORT:
        return spec
    try:
        parsed = parse_spec(spec)
    except UsageError:  # from a record, which may hold anything
        return spec
    if parsed.argument is None:
        return spec
    path = PurePath(parsed.argument)
    last = "/".join(path.relative_to(path.anchor).parts[-folders:]) or parsed.argument
    classes = [parsed.options[key] for key in ("majority", "minority") if key in parsed.options]
    return f"{last} ({', '.join(classes)})" if classes else last


def short_names(specs: Iterable[str]) -> dict[str, str]:
    """Return a short name for each spec, with the parent folders that tell it from the others.

    Specs that differ in other options only keep their whole text.

    >>> spec = "folder:/scans/line {}/october/images,majority=ok,minority=defect"
    >>> list(short_names([spec.format(3), spec.format(4)]).values())
    ['line 3/october/images (ok, defect)', 'line 4/october/images (ok, defect)']
    """
    specs = list(dict.fromkeys(specs))
    names = dict(zip(specs, specs, strict=True))
    deepest = max((spec.count("/") for spec in specs), default=0) + 2
    for folders in reversed(range(1, deepest)):  # at last the shortest that differs
        cut = [short_name(spec, folders) for spec in specs]
        names |= {spec: name for spec, name in zip(specs, cut, strict=True) if cut.count(name) == 1}
    return names
