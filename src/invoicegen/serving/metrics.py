"""Prometheus metrics of one app."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)


class Metrics:
    """Counters of an app, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "invoicegen_requests", "Requests answered.", ["method", "route", "status"], registry=self.registry
        )
        self.seconds = Histogram(
            "invoicegen_request_seconds",
            "From the first byte of a request to the last of its answer.",
            ["method", "route"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.documents = Counter(
            "invoicegen_documents", "Documents by what became of them.", ["outcome"], registry=self.registry
        )
        self.pages = Counter("invoicegen_pages", "Pages read.", ["engine"], registry=self.registry)
        self.phases = Histogram(
            "invoicegen_phase_seconds",
            "Seconds of a document by phase.",
            ["phase"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.in_hand = Gauge(
            "invoicegen_documents_in_hand",
            "Documents that are read or wait for a worker.",
            registry=self.registry,
        )
        self.shed = Counter(
            "invoicegen_shed", "Requests refused, by reason.", ["reason"], registry=self.registry
        )
        self.ready = Gauge(
            "invoicegen_ready", "Whether the model answered when last asked.", registry=self.registry
        )
