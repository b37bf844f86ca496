"""Extraction over HTTP: an app that reads documents in worker processes, and what keeps it safe and observable."""

from invoicegen.serving.options import ServiceOptions

__all__ = ["ServiceOptions"]
