"""A network in an ONNX file, as a backbone."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from imbench.backbones.named import UserFile
from imbench.backbones.views import Embedder
from imbench.backbones.weights_on_disk import file_digest
from imbench.errors import DataError, UsageError

if TYPE_CHECKING:
    import torch

__all__ = ["OnnxModel"]


class OnnxModel(UserFile):
    """A network in an ONNX file that gives features, with the extra onnx.

    Parameters
    ----------
    path : str
        The file. Its first input takes float32 (n, 3, height, width) in [0, 1], any n; its first
        output is (n, d). Mean and deviation belong into the graph.
    """

    title: ClassVar[str] = "onnx"
    size: ClassVar[int] = 224

    @property
    def width(self) -> int:
        """Number of features of an image."""
        return self._width

    @cached_property
    def _width(self) -> int:
        shape = self._session.get_inputs()[0].shape
        side = shape[2] if len(shape) == 4 and isinstance(shape[2], int) else self.size
        blank = np.zeros((1, side, side, 3), np.uint8)
        return int(self.embedder("cpu")(blank, [""]).shape[1])

    def network(self) -> torch.nn.Module:
        """Refuse: an ONNX file is not trained on."""
        raise UsageError(f"onnx:{self.path} is no network of torch, so it cannot train on")

    def embedder(self, device: str) -> Embedder:
        """Return what embeds images by the file, on the processor."""
        session = self._session
        name = session.get_inputs()[0].name

        def embed(pixels: NDArray[np.uint8], _names: Sequence[str]) -> NDArray[np.float32]:
            x = np.broadcast_to(pixels, (*pixels.shape[:3], 3)).transpose(0, 3, 1, 2) / 255
            try:
                found = session.run(None, {name: np.ascontiguousarray(x, np.float32)})[0]
            except Exception as error:  # onnxruntime has exceptions of its own
                reason = " ".join(str(error).split())[:200]
                raise UsageError(
                    f"onnx:{self.path} cannot take {pixels.shape[1]} px images: {reason}"
                ) from error
            return np.asarray(found, np.float32).reshape(len(pixels), -1)

        return embed

    @cached_property
    def _session(self) -> Any:
        try:
            import onnxruntime
        except ImportError as error:
            raise DataError(
                f"onnx:{self.path} needs onnxruntime: `pip install 'imbench[onnx]'`"
            ) from error
        file_digest(self._file)  # is it there at all
        try:
            return onnxruntime.InferenceSession(str(self._file), providers=["CPUExecutionProvider"])
        except Exception as error:
            reason = " ".join(str(error).split())[:200]
            raise DataError(f"{self.path} is no network that can be read: {reason}") from error
