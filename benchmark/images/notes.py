"""What was done to a data set that its reader did not ask for, a line each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["DataNote", "notes_of"]


@dataclass(frozen=True)
class DataNote:
    """Something that was guessed, left out, dropped, weighted, cropped or rescaled.

    >>> note = DataNote("left out", "12 HEIC files, a format that is not read", 12, "convert them")
    >>> note.line
    'left out: 12 HEIC files, a format that is not read; to change it: convert them'
    """

    kind: str
    """What was done, in one or two words: ``guessed``, ``left out``, ``dropped``, ..."""
    text: str
    """To what and why, with the count, in one line."""
    count: int
    """Images or files that it concerns."""
    change: str = ""
    """How to change it: an option or a command; empty if there is nothing to change."""

    def __post_init__(self) -> None:
        """Escape what no line of text holds: names of files may have line feeds in them."""
        for name in ("text", "change"):
            object.__setattr__(self, name, "".join(map(_shown, getattr(self, name))))

    @property
    def line(self) -> str:
        """The note as one line of text."""
        way = f"; to change it: {self.change}" if self.change else ""
        return f"{self.kind}: {self.text}{way}"

    def plain(self) -> dict[str, Any]:
        """Return the note as JSON-ready data."""
        return asdict(self)


def _shown(sign: str) -> str:
    return sign if sign.isprintable() else sign.encode("unicode_escape").decode("ascii")


def notes_of(plain: Iterable[Mapping[str, Any]]) -> tuple[DataNote, ...]:
    """Return the notes that `DataNote.plain` made data of."""
    return tuple(DataNote(**note) for note in plain)
