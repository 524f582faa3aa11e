"""Groups of methods by name: what ``--methods paper,rivals`` stands for. Imports nothing."""

from __future__ import annotations

__all__ = ["GROUPS", "PAPER_METHODS"]

PAPER_METHODS = (
    "vanilla",
    "ts",
    "cs",
    "us",
    "os",
    "us+cs",
    "os+cs",
    "smote",
    "cbl:beta=0.9",
    "cbl:beta=0.99",
    "cbl:beta=0.999",
    "cbl:beta=0.9999",
    "alt",
    "aug",
)
"""The methods of the paper's table, in its order."""

GROUPS: dict[str, tuple[str, ...]] = {
    "paper": PAPER_METHODS,
    "paper-cheap": tuple(name for name in PAPER_METHODS if name not in ("alt", "aug")),
    "rivals": (
        *("la", "la-post", "tuned", "vs", "ldam+drw", "drw", "focal", "cbl:beta=0.9999+focal"),
        *("cas", "sqrt", "pb", "bsmote", "mixup", "remix", "cutmix", "cmo"),
        *("crt", "lws", "tau-norm", "eeasy", "cascade", "ensemble"),
        *("smooth", "sam", "wd", "gaussian"),
        *("m2m", "deepsmote", "ssl"),
    ),
    "prior": ("ts",),
}
"""Names that stand for several methods in a list of them; ``prior`` is another name of one."""
GROUPS["features"] = tuple(
    name
    for name in (*GROUPS["paper-cheap"], *GROUPS["rivals"])
    if name not in ("cutmix", "cmo", "m2m", "deepsmote", "ssl")
)
GROUPS["all"] = (*PAPER_METHODS, "aug-da", "aug-star", *GROUPS["rivals"])
