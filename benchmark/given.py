"""Options that were given, read by what their owner declares: each by its constraint."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from imbench.constraints import FLAG, LOOSE, TEXT, Constraint, number
from imbench.errors import UsageError
from imbench.spec import check_options, shown

__all__ = ["read_options", "read_values"]


def read_values(
    owner: str, given: Mapping[str, object], constraints: Mapping[str, Constraint]
) -> dict[str, Any]:
    """Return what the given values stand for.

    Parameters
    ----------
    owner : str
        What the parameters belong to, for messages.
    given : mapping
        Name to value, as text or typed.
    constraints : mapping
        Name to constraint.

    Raises
    ------
    UsageError
        Naming the first parameter that is unknown or has a wrong value, and what it must be.
    """
    check_options(owner, given, constraints)
    return {name: constraints[name].read(owner, name, value) for name, value in given.items()}


def read_options(
    owner: str,
    maker: Callable[..., Any],
    given: Mapping[str, object],
    *,
    argument: str | None = None,
    skip: int = 0,
    undeclared: Constraint = LOOSE,
) -> dict[str, Any]:
    """Return the options of a callable as what it wants.

    ``maker.constraints``, a mapping of name to constraint, says what that is. A parameter that is
    not in it wants what its default is: a flag, a number or a text; without a default, or with
    None, it takes what `undeclared` says. Where one option decides over the others,
    ``maker.constraints_for(given)`` returns the mapping.

    Parameters
    ----------
    owner : str
        Its name, for messages.
    maker : callable
        A class or function.
    given : mapping
        Name to value; texts are read.
    argument : str, optional
        Value of its first option.
    skip : int
        Parameters at the front of its signature that are no options.
    undeclared : Constraint
        What a parameter may be of which nothing is known.

    Raises
    ------
    UsageError
        If a name is unknown, or a value is not what its parameter wants; if there is no first
        option for the argument.
    """
    parameters = list(inspect.signature(maker).parameters.values())[skip:]
    declared: Mapping[str, Constraint] = getattr(maker, "constraints", {})
    constraints = {
        parameter.name: declared.get(parameter.name) or _implied(parameter.default, undeclared)
        for parameter in parameters
        if parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL)
    }
    if argument is not None:
        first = next(iter(constraints), None)
        if first is None or first in given:
            raise UsageError(f"{owner} cannot take the argument {shown(argument)!r}")
        given = {first: argument, **given}
    if declare := getattr(maker, "constraints_for", None):
        return read_values(owner, given, declare(given))
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        constraints = {**dict.fromkeys(given, undeclared), **declared, **constraints}
    return read_values(owner, given, constraints)


def _implied(default: object, undeclared: Constraint) -> Constraint:
    if isinstance(default, bool):
        return FLAG
    if isinstance(default, int | float):
        return number()
    return TEXT if isinstance(default, str) else undeclared
