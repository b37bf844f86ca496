"""Networks that ONNX Runtime runs, on the CPU."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from invoicegen.modeling.errors import ModelFolderError
from invoicegen.modeling.network import CPU_BATCH_TOKENS, Inputs
from invoicegen.ocr.privacy import forbid_usage_reports


class OnnxNetwork:
    """An exported network.

    Args:
        path: The ONNX file; weights that it takes from ``model.safetensors`` lie beside it.
        threads: CPU threads; None for one a core.

    Raises:
        ModelFolderError: If the file, or one that it refers to, is missing or damaged.
    """

    batch_tokens = CPU_BATCH_TOKENS

    def __init__(self, path: Path, threads: int | None = None) -> None:
        forbid_usage_reports()
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = threads or 0
        try:
            self._session = onnxruntime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # its exceptions have no common base but this
            raise ModelFolderError(
                f"{path} cannot be loaded, it is damaged or incomplete: {error}; "
                "copy the whole folder again, or export the model anew with `invoicegen export-model`"
            ) from error
        self._inputs = [node.name for node in self._session.get_inputs()]
        self._outputs = [node.name for node in self._session.get_outputs()]

    def __call__(self, inputs: Inputs) -> dict[str, NDArray[np.float32]]:
        """Logits of the heads that the file gives as ``<head>_logits``."""
        results: list[Any] = self._session.run(self._outputs, {name: inputs[name] for name in self._inputs})
        return {
            name.removesuffix("_logits"): logits for name, logits in zip(self._outputs, results, strict=True)
        }
