"""invoice2data with its own templates on the files that standard input names; run by .venv-invoice2data's Python.

One JSON object a file on standard output: ``found``, empty where no template fits, and ``cpu_seconds``.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from typing import Any

from invoice2data import extract_data
from invoice2data.extract.loader import read_templates


def as_json(value: Any) -> str:
    """Dates as ISO 8601; what else JSON lacks as its text."""
    return value.date().isoformat() if hasattr(value, "date") else str(value)


logging.disable(logging.CRITICAL)  # a line for each document that no template fits
templates = read_templates()
for path in sys.stdin.read().splitlines():
    begun = sum(os.times()[:4])
    found = extract_data(path, templates, "text" if path.endswith(".txt") else None)
    print(
        json.dumps({"found": found, "cpu_seconds": sum(os.times()[:4]) - begun}, default=as_json), flush=True
    )
