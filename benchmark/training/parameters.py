"""Parameters of an object as scikit-learn's estimators keep them, without importing scikit-learn.

`sklearn.base.clone` copies whatever has ``get_params``. A report names methods, which loads their
parts: with scikit-learn below them, and what it imports, that took a second and 145 MB.
"""

from __future__ import annotations

from inspect import Parameter, signature
from typing import Any, Self

__all__ = ["Parameters"]


class Parameters:
    """Base of objects whose ``__init__`` stores each argument under its own name.

    Examples
    --------
    >>> class Shift(Parameters):
    ...     def __init__(self, tau=1.0, labels=2):
    ...         self.tau, self.labels = tau, labels
    >>> Shift(0.5).get_params()
    {'labels': 2, 'tau': 0.5}
    >>> Shift(0.5)
    Shift(tau=0.5)
    """

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters by name, sorted; AttributeError for one that was not stored.

        `deep` is for scikit-learn: no parameter holds parameters itself.
        """
        return {name: getattr(self, name) for name in sorted(_defaults(type(self)))}

    def set_params(self, **params: Any) -> Self:
        """Change parameters; ValueError for an unknown one."""
        known = self.get_params()
        for name, value in params.items():
            if name not in known:
                raise ValueError(f"{type(self).__name__} has no parameter {name!r}")
            setattr(self, name, value)
        return self

    def __repr__(self) -> str:
        """Return the call that makes an equal object: parameters that differ from defaults."""
        defaults = _defaults(type(self))
        changed = (
            f"{name}={value!r}"
            for name, value in self.get_params().items()
            if name not in defaults or repr(value) != repr(defaults[name])
        )
        return f"{type(self).__name__}({', '.join(changed)})"


def _defaults(owner: type) -> dict[str, Any]:
    """Return the named parameters of a class with their defaults."""
    return {
        name: parameter.default
        for name, parameter in signature(owner).parameters.items()
        if parameter.kind not in (Parameter.VAR_KEYWORD, Parameter.VAR_POSITIONAL)
    }
