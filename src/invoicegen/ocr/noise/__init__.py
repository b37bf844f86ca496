"""What an OCR engine would make of a page, from its true words alone: no pixels are read.

A noise model is fitted to the measured behaviour of an engine (``scripts/fit_noise.py``) and kept beside this module as
YAML, one file an engine; docs/labeling.md describes it.
"""

from invoicegen.ocr.noise.model import (
    SIMULATED_ENGINE_NAMES,
    NoiseModel,
    UnfittedPresetError,
    load_noise_model,
    simulated_engine_name,
)
from invoicegen.ocr.noise.simulation import simulate_words

__all__ = [
    "SIMULATED_ENGINE_NAMES",
    "NoiseModel",
    "UnfittedPresetError",
    "load_noise_model",
    "simulate_words",
    "simulated_engine_name",
]
