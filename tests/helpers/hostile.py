"""Texts of an attacker, every place of a model that holds a text, and what no output may hold."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

from pydantic import BaseModel

__all__ = ["FORGED", "HOSTILE", "LEGIBLE", "assert_page", "assert_shown", "spoiled", "text_places"]

FORGED = "FORGED by a text"
LEGIBLE = "Größe e\u0301 名前 👩\u200d🔬 Ж"
HOSTILE = (
    "=cmd|'/C calc'!A0;=1+1 \x1b[31m\x1b]0;owned\x07\x9b32m\x90q\x9c \u202eright\u2066to\u200fleft "
    f"zero\u200bwidth\ufeff\u2060 \b\b\b \x00 \x7f tab\there \u3164 {LEGIBLE} "
    "%s %n {0} $x$ `cmd` | \\ <script>alert(1)</script><img src=x onerror=alert(1)> \"' & "
    + "".join(
        f"{end}{FORGED} "
        for end in ("\n", "\r", "\r\n", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029")
    )
    + "\n::error::"
    + FORGED
)


def assert_shown(text: str) -> None:
    """Assert that an output does nothing: every character is seen, and no line is forged."""
    unseen = {ascii(c) for c in text if c != "\n" and not (c.isprintable() or c == "\u200d")}
    assert not unseen, unseen
    assert "\u3164" not in text
    for joined in text.split("\u200d")[1:]:
        assert joined.startswith("🔬"), "the only joiner is that of the emoji"
    for line in text.splitlines():
        assert not line.lstrip(" :>#|*-").startswith(FORGED), line
        assert "error::" not in line.lstrip().removeprefix("::")[:7] or "\\n::error" in line, line


class Elements(HTMLParser):
    """The elements of a page and their attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def assert_page(page: str) -> None:
    """Assert that a page has the elements of its template and no others."""
    found = Elements(page).found
    assert not [tag for tag, given in found if any(name.startswith("on") for name in given)]
    assert sum(tag == "script" for tag, _ in found) == 2
    assert all((given.get("src") or "data:").startswith("data:") for _, given in found)


def text_places(model: type[BaseModel]) -> Iterator[str]:
    """Yield the path of every field of a model, and of the models in it, that can hold a text."""
    for name, field in model.model_fields.items():
        for inner in _leaves(field.annotation):
            if isinstance(inner, type) and issubclass(inner, BaseModel):
                yield from (f"{name}.{place}" for place in text_places(inner))
            elif inner is str:
                yield name


def spoiled(value: Any, model: Any, text: str, *, kept: frozenset[str], place: str = "") -> Any:
    """Return plain data of a model with `text` in every text of it but those that are `kept`."""
    if place in kept or value is None:
        return value
    if isinstance(model, type) and issubclass(model, BaseModel):
        dot = f"{place}." if place else ""
        return {
            key: spoiled(
                value[key],
                model.model_fields[_field(model, key)].annotation,
                text,
                kept=kept,
                place=f"{dot}{_field(model, key)}",
            )
            for key in value
        }
    return _spoiled_plain(value, model, text, kept, place)


def _spoiled_plain(value: Any, model: Any, text: str, kept: frozenset[str], place: str) -> Any:
    origin, inner = typing.get_origin(model), typing.get_args(model)
    if origin in (typing.Union, types.UnionType):
        model = next(one for one in inner if one is not type(None))
        return spoiled(value, model, text, kept=kept, place=place)
    if origin in (list, tuple):
        items = value or ([""] if inner[0] is str else [])
        return [spoiled(item, inner[0], text, kept=kept, place=place) for item in items]
    if origin is dict:
        items = value or {"": "" if inner[1] is str else 1}
        return {
            text if inner[0] is str else key: spoiled(one, inner[1], text, kept=kept, place=place)
            for key, one in items.items()
        }
    return text if model is str else value


def _field(model: type[BaseModel], key: str) -> str:
    """Return the name of a field by its name or its alias."""
    return next(name for name, field in model.model_fields.items() if key in (name, field.alias))


def _leaves(annotation: Any) -> list[Any]:
    inner = typing.get_args(annotation)
    if typing.get_origin(annotation) is typing.Literal:
        return []
    return [leaf for one in inner for leaf in _leaves(one)] if inner else [annotation]
