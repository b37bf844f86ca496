"""Networks that OpenVINO runs, on the CPU."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from invoicegen.modeling.errors import ModelFolderError
from invoicegen.modeling.network import CPU_BATCH_TOKENS, Inputs
from invoicegen.ocr.privacy import forbid_usage_reports


class OpenVinoNetwork:
    """An exported network; its products are in bf16 where the processor multiplies it natively, else in fp32.

    Args:
        path: The ONNX file; weights that it takes from ``model.safetensors`` lie beside it.
        threads: CPU threads; None for one a core.
        precision: ``bf16`` or ``f32``; None chooses by the processor.

    Raises:
        ModelFolderError: If the file, or one that it refers to, is missing or damaged.
    """

    batch_tokens = CPU_BATCH_TOKENS

    def __init__(self, path: Path, threads: int | None = None, precision: str | None = None) -> None:
        forbid_usage_reports()
        import openvino

        core = openvino.Core()
        if precision is None:
            native = core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
            precision = "bf16" if "BF16" in native else "f32"
        options: dict[str, Any] = {
            "INFERENCE_PRECISION_HINT": precision,
            # Pinned, the threads of two workers share one core.
            "ENABLE_CPU_PINNING": False,
        }
        if threads is not None:
            options["INFERENCE_NUM_THREADS"] = threads
        try:
            self._network = core.compile_model(path, "CPU", options)
        except Exception as error:  # it raises RuntimeError and its subclasses, and some others
            raise ModelFolderError(
                f"{path} cannot be loaded, it is damaged or incomplete: {error}; "
                "copy the whole folder again, or export the model anew with `invoicegen export-model`"
            ) from error
        self._inputs = [port.any_name for port in self._network.inputs]
        self._outputs = [port.any_name for port in self._network.outputs]

    def __call__(self, inputs: Inputs) -> dict[str, NDArray[np.float32]]:
        """Logits of the heads that the file gives as ``<head>_logits``."""
        results = self._network({name: inputs[name] for name in self._inputs})
        return {name.removesuffix("_logits"): results[name] for name in self._outputs}
