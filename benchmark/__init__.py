"""imbench: which remedy for class imbalance works on which images, and how sure one can be.

Plug-ins, notebooks and the examples of the documentation import from here and from nowhere deeper;
docs/python.md says what each name is for.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from imbench.backbones.backbone import Backbone
    from imbench.constraints import FLAG, NONE, TEXT, choice, number, whole
    from imbench.errors import (
        DataError,
        Diverged,
        EnvironmentFault,
        ImbenchError,
        NotComparable,
        UsageError,
    )
    from imbench.explain.saliency import Maps, Saliency
    from imbench.explain.trained import TrainedNetwork
    from imbench.files.download import RemoteFile
    from imbench.images.cache import make_dataset, prepare
    from imbench.images.classes import choose_classes
    from imbench.images.dataset import Dataset, Listing
    from imbench.images.obtain import Obtainable
    from imbench.images.options import DatasetOptions
    from imbench.images.subsets import subset
    from imbench.models.model import load_model
    from imbench.models.saving import save_model
    from imbench.records.export import load_results
    from imbench.runs.from_python import run
    from imbench.runs.options import RunOptions
    from imbench.seeds import stream, torch_seed
    from imbench.stats.metrics import confusion, score_all
    from imbench.training.checks import check_dataset, check_metric, check_network, check_part
    from imbench.training.examples import Examples
    from imbench.training.method import Method
    from imbench.training.part import Context, Part
    from imbench.training.recipe import parse_recipe
    from imbench.training.state import TrainState

    __version__: str
    """Version of the package, which every record has."""

__all__ = [
    "FLAG",
    "NONE",
    "TEXT",
    "Backbone",
    "Context",
    "DataError",
    "Dataset",
    "DatasetOptions",
    "Diverged",
    "EnvironmentFault",
    "Examples",
    "ImbenchError",
    "Listing",
    "Maps",
    "Method",
    "NotComparable",
    "Obtainable",
    "Part",
    "RemoteFile",
    "RunOptions",
    "Saliency",
    "TrainState",
    "TrainedNetwork",
    "UsageError",
    "__version__",
    "check_dataset",
    "check_metric",
    "check_network",
    "check_part",
    "choice",
    "choose_classes",
    "confusion",
    "load_model",
    "load_results",
    "make_dataset",
    "number",
    "parse_recipe",
    "prepare",
    "run",
    "save_model",
    "score_all",
    "stream",
    "subset",
    "torch_seed",
    "whole",
]

_MODULES = {
    "backbones.backbone": ("Backbone",),
    "constraints": ("FLAG", "NONE", "TEXT", "choice", "number", "whole"),
    "errors": (
        "DataError",
        "Diverged",
        "EnvironmentFault",
        "ImbenchError",
        "NotComparable",
        "UsageError",
    ),
    "explain.saliency": ("Maps", "Saliency"),
    "explain.trained": ("TrainedNetwork",),
    "files.download": ("RemoteFile",),
    "images.cache": ("make_dataset", "prepare"),
    "images.classes": ("choose_classes",),
    "images.dataset": ("Dataset", "Listing"),
    "images.obtain": ("Obtainable",),
    "images.options": ("DatasetOptions",),
    "images.subsets": ("subset",),
    "models.model": ("load_model",),
    "models.saving": ("save_model",),
    "records.export": ("load_results",),
    "runs.from_python": ("run",),
    "runs.options": ("RunOptions",),
    "seeds": ("stream", "torch_seed"),
    "stats.metrics": ("confusion", "score_all"),
    "training.checks": ("check_dataset", "check_metric", "check_network", "check_part"),
    "training.examples": ("Examples",),
    "training.method": ("Method",),
    "training.part": ("Context", "Part"),
    "training.recipe": ("parse_recipe",),
    "training.state": ("TrainState",),
}
"""Names by module, imported when first used: torch takes 1.5 s, scikit-learn 1.1 s."""


def __dir__() -> list[str]:
    return __all__


if not TYPE_CHECKING:  # Else type checkers would take any name for one of ours.

    def __getattr__(name: str) -> object:
        from importlib import import_module

        if name == "__version__":
            value = import_module("imbench.version").imbench_version()
        else:
            home = next((module for module, names in _MODULES.items() if name in names), None)
            if home is None:
                raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
            value = getattr(import_module(f"imbench.{home}"), name)
        globals()[name] = value
        return value
