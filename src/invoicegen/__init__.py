"""InvoiceGen: synthetic invoices with exact labels, and an extractor trained on them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from invoicegen.extraction.api import load_extractor

__all__ = ["__version__", "load_extractor"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Import the extractor when it is asked for: the package itself is quick to import."""
    if name == "load_extractor":
        from invoicegen.extraction.api import load_extractor

        return load_extractor
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
