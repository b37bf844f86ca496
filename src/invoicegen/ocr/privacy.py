"""Inference runtimes that report their use to their makers, kept from doing so."""

from __future__ import annotations

import os
import sys


def forbid_usage_reports() -> None:
    """Keep ONNX Runtime and OpenVINO from sending usage data; call it before they are imported.

    onnxruntime >= 1.29 sends unless ``ORT_DISABLE_TELEMETRY`` is set before its import. ``import openvino``
    sends an event to a web analytics service and writes ``~/intel`` in the user's home, unless its package
    ``openvino_telemetry`` cannot be imported; for that case it brings a stub of its own.
    """
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
