"""Extension of griffe: links between docstrings, and what the public face must have.

A name in single backticks becomes a link to where the reference explains it. One that begins with
``imbench.`` always does, so that a name which is not public ends a strict build. What overrides a
documented member of a base class has its docstring, as in `help`.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from typing import Any

from griffe import Alias, Class, Docstring, DocstringSectionKind, Extension, Module, Object

__all__ = ["Reference"]

_LOG = logging.getLogger("mkdocs.plugins.reference")  # mkdocs counts the warnings of its own
_NAME = re.compile(r"(?<!`)`((?:\w+\.)*\w+)`(?!`)")
_DESCRIBED = (DocstringSectionKind.parameters, DocstringSectionKind.attributes)


class Reference(Extension):
    """What the reference makes of the package's public names."""

    def on_package(self, *, pkg: Module, **_given: Any) -> None:
        """Link the docstrings of all public names, and warn of those that are not there."""
        public = {name: _itself(pkg[name]) for name in map(str, pkg.exports or ())}
        for name, owner in public.items():
            for one in (owner, *_members(owner)):
                if one.docstring:
                    one.docstring.value = _NAME.sub(_Links(public, name, one), one.docstring.value)
                elif one is not owner:
                    one.docstring = _inherited(one.name, owner)
            described = _described(owner)
            for one in (owner, *_members(owner)):
                if not one.docstring and one.name not in described:
                    _LOG.warning("%s of imbench.%s has no docstring", one.name, name)


class _Links:
    """Makes links of the names in the docstring of a public object, or of a member of it."""

    def __init__(self, public: Mapping[str, Object], name: str, one: Object) -> None:
        self.public, self.name = public, name
        self.members = {member.name for member in _members(public[name]) if member.docstring}
        self.parameters = {parameter.name for parameter in getattr(one, "parameters", ())}

    def __call__(self, found: re.Match[str]) -> str:
        target = self._target(found[1])
        return f"[{found[0]}][{target}]" if target else found[0]

    def _target(self, text: str) -> str | None:
        if text.startswith("imbench."):
            return text
        if text in self.parameters:
            return None
        if text.partition(".")[0] in self.public:
            return f"imbench.{text}"
        return f"imbench.{self.name}.{text}" if text in self.members else None


def _itself(found: Object | Alias) -> Object:
    return found.final_target if isinstance(found, Alias) else found


def _members(owner: Object) -> Iterator[Object]:
    """Yield what a class defines without an underscore before its name; of others nothing."""
    if isinstance(owner, Class):
        for key, member in owner.members.items():
            if not key.startswith("_") and not isinstance(member, Alias):
                yield member


def _inherited(name: str, owner: Object) -> Docstring | None:
    """Return the docstring of a member in the nearest base class that has one."""
    bases = owner.mro() if isinstance(owner, Class) else []
    above = (base.members[name].docstring for base in bases if name in base.members)
    return next(filter(None, above), None)


def _described(owner: Object) -> set[str]:
    """Return the parameters and attributes that the docstring of a class describes."""
    sections = owner.docstring.parsed if owner.docstring else []
    return {
        item.name for section in sections if section.kind in _DESCRIBED for item in section.value
    }
