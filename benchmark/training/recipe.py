"""Parse recipes such as ``us+cs`` or ``smote:k_neighbors=3+cbl:beta=0.99`` into parts."""

from __future__ import annotations

import inspect
import re
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property

from imbench.constraints import written
from imbench.contained import usable
from imbench.errors import UsageError
from imbench.given import read_options
from imbench.registry import load_plugin, registered_names
from imbench.spec import Spec, parse_spec, pieces_of, shown
from imbench.training.groups import PAPER_METHODS
from imbench.training.part import HOOKS, Part, class_fault, overrides

__all__ = [
    "PAPER_METHODS",
    "TWICE",
    "Recipe",
    "canonical_recipe",
    "make_part",
    "parse_recipe",
    "parse_recorded",
]

TWICE = "it is corrected twice: mean it, or leave one out"
"""End of a sentence of `Recipe.cautions`."""
VANILLA = "vanilla"
EXCLUSIVE = ("losses", "draw", "tune", "member_sets")
"""Hooks that only one part of a recipe may override, since results cannot be combined."""

# A plus sign in a number (1e+3) is followed by a digit, one between parts by a name or path.
_PLUS = r"\+(?=\s*[A-Za-z_./])"


@dataclass(frozen=True)
class Recipe:
    """Parts in the order they act, with their names and texts.

    Attributes
    ----------
    names : tuple of str
        Registered name of each part.
    specs : tuple of str
        Canonical text of each part: parameters that differ from the part's defaults.
    parts : tuple of Part
        The parts, with the defaults that depend on the other parts.
    """

    names: tuple[str, ...]
    specs: tuple[str, ...]
    parts: tuple[Part, ...]

    def __str__(self) -> str:
        return "+".join(self.specs) or VANILLA

    @cached_property
    def training(self) -> Recipe:
        """The recipe without the parts that act at prediction time only."""
        specs = [
            spec
            for spec, part in zip(self.specs, self.parts, strict=True)
            if any(overrides(part, hook) for hook in HOOKS if hook != "adjust")
        ]
        # Parsed again, since defaults of parts depend on the other parts.
        return self if len(specs) == len(self.specs) else parse_recipe("+".join(specs) or VANILLA)

    def without(self, place: int) -> Recipe:
        """Return the recipe without one of its parts."""
        specs = [spec for index, spec in enumerate(self.specs) if index != place]
        return parse_recipe("+".join(specs) or VANILLA)

    @property
    def title(self) -> str:
        """Name in tables."""
        return "+".join(map(_part_title, self.specs, self.parts)) or "Vanilla"

    @cached_property
    def cautions(self) -> tuple[str, ...]:
        """Sentences on parts that repeat each other's work, then those of single parts."""
        named = list(zip(self.names, self.parts, strict=True))
        correcting = {name: _correction(name, part) for name, part in named}
        correcting = {name: what for name, what in correcting.items() if what}
        samplers = [
            name for name, part in named if overrides(part, "resample") or overrides(part, "draw")
        ]
        said = []
        if len(correcting) > 1:
            said.append(f"{' and '.join(correcting)} each correct for the same imbalance, so")
        again = [name for name, what in correcting.items() if what == "all" and samplers]
        if again:
            after = " and ".join(samplers)
            said.append(f"{again[0]} corrects again for what {after} has balanced, so")
        own = [_own_caution(name, part) for name, part in named]
        return (*(f"{what} {TWICE}" for what in said), *filter(None, own))

    @property
    def versions(self) -> dict[str, int]:
        """`Part.stamp` of each part."""
        return {name: _stamp(name, part) for name, part in zip(self.names, self.parts, strict=True)}


def parse_recipe(text: str) -> Recipe:
    """Return the parts that a recipe names.

    Parameters
    ----------
    text : str
        Parts joined by ``+``, each with its parameters: ``smote:k_neighbors=3+cs``; ``vanilla``
        is none. A part of yours is ``path/to/file.py:Class``.

    Returns
    -------
    Recipe
        Its ``parts`` are objects of subclasses of `Part`, ``names`` and ``versions`` are theirs;
        ``str`` of it is the recipe in its canonical form, and ``title`` its name in tables.

    Raises
    ------
    UsageError
        If a part, a parameter or its value is unknown, a part is repeated, or two parts override
        a hook whose results cannot be combined: `Part.losses`, `Part.draw`, `Part.tune` or
        `Part.member_sets`.

    Examples
    --------
    >>> from imbench import parse_recipe
    >>> recipe = parse_recipe("us + smote:k_neighbors=5")
    >>> str(recipe), recipe.title, len(recipe.parts)
    ('us+smote', 'US+SMOTE', 2)
    """
    specs = [parse_spec(piece) for piece in pieces_of(text.strip(), _PLUS)]
    if [spec.name for spec in specs] == [VANILLA] and str(specs[0]) == VANILLA:
        return Recipe((), (), ())
    _check_names(text, [spec.name for spec in specs])
    parts = [make_part(spec) for spec in specs]
    _check_exclusive_hooks(text, specs, parts)
    return Recipe(
        tuple(spec.name for spec in specs),
        tuple(_canonical_part(spec.name, part) for spec, part in zip(specs, parts, strict=True)),
        tuple(_beside(spec.name, part, parts) for spec, part in zip(specs, parts, strict=True)),
    )


def _beside(name: str, part: Part, parts: Sequence[Part]) -> Part:
    with _of_method(name):
        return part.beside([other for other in parts if other is not part])


def _correction(name: str, part: Part) -> str:
    with _of_method(name):
        return part.corrects


def _own_caution(name: str, part: Part) -> str:
    with _of_method(name):
        return part.caution


def _stamp(name: str, part: Part) -> int:
    with _of_method(name):
        return part.stamp


def parse_recorded(text: str) -> Recipe:
    """Parse the recipe of a record without importing files: records are not trusted.

    Raises
    ------
    UsageError
        As `parse_recipe`, and if a part is not an installed plug-in.
    """
    known = {VANILLA, *registered_names("methods")}
    for piece in pieces_of(text.strip(), _PLUS):
        if parse_spec(piece).name not in known:
            raise UsageError(f"{shown(piece)} is not installed here")
    return parse_recipe(text)


def canonical_recipe(text: str) -> str:
    """Return the one way to write a recipe."""
    return str(parse_recipe(text))


def make_part(spec: Spec) -> Part:
    """Build a part from its spec; a positional argument is its first parameter."""
    plugin = load_plugin("methods", spec.name)
    with _of_method(spec.name):
        if fault := class_fault(plugin):
            raise UsageError(f"method {spec.name!r} is disabled: {fault}")
        options = read_options(spec.name, plugin, spec.options, argument=spec.argument)
        parameters = inspect.signature(plugin).parameters.values()
        required = [parameter.name for parameter in parameters if _is_required(parameter)]
        missing = [name for name in required if name not in options]
        if missing:
            raise UsageError(
                f"{spec.name} needs {', '.join(missing)}: write {spec.name}:{missing[0]}=..."
            )
        part: Part = plugin(**options)
        part.get_params(deep=False)  # fails where `__init__` keeps no parameter under its name
        return part


def _of_method(name: str) -> AbstractContextManager[None]:
    return usable(f"method {name!r} cannot be used")


def _is_required(parameter: inspect.Parameter) -> bool:
    named = parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL)
    return named and parameter.default is parameter.empty


def _check_names(text: str, names: list[str]) -> None:
    if VANILLA in names:
        raise UsageError(
            f"vanilla means no parts, so it cannot be combined with others: {shown(text)!r}"
        )
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"{shown(name)!r} is given twice in {shown(text)!r}")


def _check_exclusive_hooks(text: str, specs: list[Spec], parts: list[Part]) -> None:
    for hook in EXCLUSIVE:
        rivals = [
            spec.name for spec, part in zip(specs, parts, strict=True) if overrides(part, hook)
        ]
        if len(rivals) > 1:
            raise UsageError(
                f"{' and '.join(rivals)} both change `{hook}`; choose one: {shown(text)!r}"
            )


def _canonical_part(name: str, part: Part) -> str:
    given = part.get_params(deep=False)
    changed = {
        key: written(given[key])
        for key, default in part.defaults().items()
        if key in given and given[key] != default
    }
    return re.sub(_PLUS, r"\\+", str(Spec(name, None, changed)))


def _part_title(text: str, part: Part) -> str:
    title = type(part).title
    if not title:
        return text
    values = parse_spec(text).options
    if not values:
        return title
    first, *others = values.items()
    default = part.defaults()[first[0]]
    lead = first[1] if default is inspect.Parameter.empty else f"{first[0]}={first[1]}"
    return " ".join([title, lead, *(f"{key}={value}" for key, value in others)])
