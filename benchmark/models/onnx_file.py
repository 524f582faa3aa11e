"""A model as an ONNX file: from pixels to probabilities in one graph, checked against torch."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from imbench.errors import EnvironmentFault, UsageError
from imbench.models.model import Model

__all__ = ["MISSING", "check_onnx", "onnx_bytes", "require_onnx"]

MISSING = (
    "--onnx needs onnx, onnxscript and onnxruntime, of which {} is not installed: "
    "`pip install 'imbench[onnx]'`, or leave it out"
)
TOLERANCE = 1e-4
"""Largest difference of a probability: both sum in single precision, in other orders."""


def require_onnx() -> None:
    """Raise EnvironmentFault unless all that writes and checks ONNX files is installed."""
    from importlib.util import find_spec

    for name in ("onnx", "onnxscript", "onnxruntime"):
        if find_spec(name) is None:
            raise EnvironmentFault(MISSING.format(name))


def onnx_bytes(model: Model) -> bytes:
    """Return a model as the bytes of an ONNX file.

    Its input ``images`` is uint8 (n, size, size, channels), decoded as the view of the model says;
    its output ``probabilities`` float32 (n, K), averaged over the members, as `predict_proba`.

    Raises
    ------
    EnvironmentFault
        If a package is missing.
    UsageError
        If a part of the recipe does at prediction what no graph can hold, or the exporter fails.
    """
    require_onnx()
    if model.backbone is not None:
        raise UsageError(
            f"the features of {model.backbone.spec} are not part of the model, and an ONNX file "
            "would need them: leave --onnx out, or fit finetune:BACKBONE"
        )
    view, net = model.core.view, _Averaged(model).eval()
    example = torch.zeros(3, view.size, view.size, view.channels, dtype=torch.uint8)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            program: Any = torch.onnx.export(
                net,
                (example,),
                dynamo=True,
                input_names=["images"],
                output_names=["probabilities"],
                dynamic_shapes={"images": {0: torch.export.Dim("n", min=1)}},
                verbose=False,
            )
        proto = program.model_proto
        for key, value in _metadata(model).items():
            entry = proto.metadata_props.add()
            entry.key, entry.value = key, value
        return bytes(proto.SerializeToString())
    except Exception as error:  # the exporter raises what it likes
        reason = str(error).strip().splitlines() or ["no message"]
        raise UsageError(
            f"the network {model.core.settings.network} cannot be written as ONNX "
            f"({type(error).__name__}: {reason[0][:200]}); leave --onnx out"
        ) from error


def check_onnx(content: bytes, model: Model, pixels: NDArray[np.uint8]) -> float:
    """Return the largest difference of a probability between the file and the model.

    Parameters
    ----------
    content : bytes
        What `onnx_bytes` returned.
    pixels : uint8 array (n, size, size, channels)
        Images as the network sees them.

    Raises
    ------
    UsageError
        If it is larger than a rounding.
    """
    import onnxruntime

    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    found = session.run(None, {"images": np.ascontiguousarray(pixels)})[0]
    worst = float(np.abs(found - model.predict_squares(pixels)).max())
    if not worst <= TOLERANCE:
        raise UsageError(
            f"the ONNX file gives other probabilities than the model, by up to {worst:.3g}; leave "
            "--onnx out"
        )
    return worst


class _Averaged(nn.Module):
    """The members of a model and the mean of their probabilities."""

    shifts: Tensor

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.members = nn.ModuleList(net.cpu() for net in model.networks)
        shifts = [_shift(model, member.priors) for member in model.core.members]
        self.register_buffer("shifts", torch.from_numpy(np.stack(shifts)).float())

    def forward(self, images: Tensor) -> Tensor:
        """Return probabilities (n, K) of images uint8 (n, size, size, channels)."""
        x = images.permute(0, 3, 1, 2).float() / 255
        outputs = [
            torch.softmax(net(x) + self.shifts[number], dim=1)
            for number, net in enumerate(self.members)
        ]
        return torch.stack(outputs).mean(dim=0)


def _shift(model: Model, priors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what the parts add to the logits at prediction, shape (K,).

    Raises
    ------
    UsageError
        If they do anything else.
    """
    from imbench.training.forward import adjust_logits

    classes = len(model.classes)
    probes = np.random.default_rng(0).normal(0, 5, (16, classes))
    added = adjust_logits(model.parts, np.zeros((1, classes)), priors)[0]
    if not np.allclose(adjust_logits(model.parts, probes, priors), probes + added, atol=1e-9):
        raise UsageError(
            f"what {model.core.recipe} does at prediction is no shift of the outputs, and ONNX "
            "files hold nothing else; leave --onnx out"
        )
    return np.asarray(added, np.float64)


def _metadata(model: Model) -> dict[str, str]:
    view, threshold = model.core.view, model.threshold
    return {
        "classes": "\n".join(model.classes),
        "view": view.model_dump_json(),
        "decision": model.decision.words(model.classes),
        "threshold": "" if threshold is None else repr(threshold),
    }
