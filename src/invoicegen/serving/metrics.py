"""Prometheus metrics of the services: each app has a registry of its own.

Labels have few values, known beforehand or bounded by what the model knows; none says what is printed on a document.
docs/monitoring.md lists them all.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol, get_args

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)

from invoicegen import __version__
from invoicegen.extraction.review import ReviewKind
from invoicegen.schema.annotation import DocumentType
from invoicegen.schema.taxonomy import ENTITY_TYPES

if TYPE_CHECKING:
    from invoicegen.extraction.baseline import Baseline, Observation
    from invoicegen.serving.jobs import Census

_SECONDS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)
_CONFIDENCES: Final = (0.5, 0.8, 0.9, 0.95, 0.99, 1.0)
"""Upper ends of the bands of confidence."""
PHASES: Final = ("decode", "ocr", "model", "checks", "total")
RESTARTS: Final = ("died", "timeout", "lost")
"""Why workers are replaced: its document ended it, took too long, or all were lost at once."""
_PROBLEMS: Final = (
    "internal-error",
    "not-ready",
    "overloaded",
    "rate-limit-unavailable",
    "took-too-long",
    "too-many-requests",
    "unreadable-document",
)
"""Kinds that are there from the start, so that the first of each counts as a rise; the others come when they happen."""
_DOCUMENT_TYPES: Final[tuple[DocumentType, ...]] = get_args(DocumentType)


class WatchedPool(Protocol):
    """What is asked of a pool of workers at every scrape."""

    def resident_bytes(self) -> list[int]:
        """Memory of each worker that is alive, in the order of their process ids."""
        ...

    def waiting_s(self) -> list[float]:
        """How long each task has waited that no worker has begun."""
        ...

    def running(self) -> int:
        """Tasks that workers are at."""
        ...


class Metrics:
    """What every service counts, in a registry of its own.

    Attributes:
        registry: All of it, with the process's own memory, CPU time, files and garbage collection.
    """

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call] # a time beside every series, which nobody asks for
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        self.build = self._gauge(
            "invoicegen_build_info", "Always 1; what runs: version of the package, fingerprint of the model.",
            "version", "model",
        )  # fmt: skip
        self.requests = self._counter(
            "invoicegen_requests", "Requests answered; status 499: the client went away.",
            "method", "route", "status",
        )  # fmt: skip
        self.seconds = self._histogram(
            "invoicegen_request_seconds", "From the first byte of a request to the last of its answer.",
            _SECONDS, "method", "route",
        )  # fmt: skip
        self.problems = self._counter(
            "invoicegen_problems",
            "Requests refused or failed, by the kind of problem that was answered.",
            "kind",
        )
        self.documents = self._counter(
            "invoicegen_documents",
            "Documents by what became of them: read, or the kind of problem.",
            "outcome",
        )
        self.pages = self._counter("invoicegen_pages", "Pages read, by what read their words.", "engine")
        self.phases = self._histogram(
            "invoicegen_phase_seconds",
            "Seconds that a worker took for a document, by phase.",
            _SECONDS,
            "phase",
        )
        self.in_hand = self._gauge(
            "invoicegen_documents_in_hand", "Documents of requests that are read or wait for a worker."
        )
        self.ready = self._gauge("invoicegen_ready", "Whether the model answered when last asked.")
        self.rate_failures = self._counter(
            "invoicegen_rate_storage_failures", "Requests that could not be counted: no answer from Redis."
        )
        self.workers = self._gauge("invoicegen_workers", "Workers that are alive.")
        self.workers_wanted = self._gauge("invoicegen_workers_wanted", "Workers that there should be.")
        self.worker_bytes = self._gauge(
            "invoicegen_worker_resident_memory_bytes",
            "Resident memory of each worker, by its place.",
            "worker",
        )
        self.worker_limit = self._gauge(
            "invoicegen_worker_memory_limit_bytes", "What the data of a worker may take."
        )
        self.restarts = self._counter("invoicegen_worker_restarts", "Workers replaced, by reason.", "reason")
        self.tasks = self._gauge("invoicegen_tasks", "Tasks of workers, by state.", "state")
        self.oldest_wait = self._gauge(
            "invoicegen_oldest_task_wait_seconds", "How long the task has waited that waits longest."
        )
        for kind in _PROBLEMS:
            self.problems.labels(kind)
        for reason in RESTARTS:
            self.restarts.labels(reason)
        for phase in PHASES:
            self.phases.labels(phase)
        self.documents.labels("read")

    def describe(self, model: str) -> None:
        """Say what runs.

        Args:
            model: Its fingerprint.
        """
        self.build.labels(__version__, model).set(1)

    def expect(self, method: str, route: str, statuses: Iterable[int]) -> None:
        """Have series at zero for all that a route may answer: the first of them then counts as a rise."""
        self.seconds.labels(method, route)
        for status in statuses:
            self.requests.labels(method, route, str(status))

    def watch(self, pool: WatchedPool, workers: int, memory_bytes: int) -> None:
        """Ask a pool at every scrape.

        Args:
            pool: The workers.
            workers: How many there should be.
            memory_bytes: What the data of each may take.
        """

        def resident(place: int) -> float:
            sizes = pool.resident_bytes()
            return sizes[place] if place < len(sizes) else 0

        self.workers_wanted.set(workers)
        self.worker_limit.set(memory_bytes)
        self.workers.set_function(lambda: len(pool.resident_bytes()))
        for place in range(workers):
            self.worker_bytes.labels(str(place)).set_function(partial(resident, place))
        self.tasks.labels("running").set_function(pool.running)
        self.tasks.labels("waiting").set_function(lambda: len(pool.waiting_s()))
        self.oldest_wait.set_function(lambda: max(pool.waiting_s(), default=0))

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(name, text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(name, text, labels, registry=self.registry)

    def _histogram(self, name: str, text: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
        return Histogram(name, text, labels, buckets=buckets, registry=self.registry)


class ExtractionMetrics(Metrics):
    """What extraction counts beside: values, checks, review, batches; and what its model gave when it was measured.

    Args:
        rules: Names of the checks, which are then there from the start.
    """

    def __init__(self, rules: frozenset[str] = frozenset()) -> None:
        super().__init__()
        self.read = self._counter(
            "invoicegen_documents_read", "Documents read, by type and by whether a person should look at them.",
            "document_type", "needs_review",
        )  # fmt: skip
        self.review_reasons = self._counter(
            "invoicegen_review_reasons", "Reasons for which documents need review; a document may have several.",
            "reason",
        )  # fmt: skip
        self.checks = self._counter(
            "invoicegen_checks", "Checks of documents, by rule and what came of them.", "rule", "status"
        )
        self.confidence = self._histogram(
            "invoicegen_field_confidence_ratio", "Confidence of values: the first of a field, all of line items.",
            _CONFIDENCES, "entity_type",
        )  # fmt: skip
        self.present = self._counter(
            "invoicegen_field_documents", "Documents with at least one value of an entity type.",
            "entity_type", "document_type",
        )  # fmt: skip
        self.baseline_presence = self._gauge(
            "invoicegen_baseline_field_presence_ratio",
            "Share of the documents of a type with a value, when the model was measured.",
            "entity_type", "document_type",
        )  # fmt: skip
        self.baseline_confidence = self._gauge(
            "invoicegen_baseline_field_confidence_ratio",
            "Mean confidence of values, when the model was measured.", "entity_type",
        )  # fmt: skip
        self.baseline_review = self._gauge(
            "invoicegen_baseline_review_ratio",
            "Share of the documents of a type that needed review, when the model was measured.",
            "document_type",
        )  # fmt: skip
        self.batches = self._gauge("invoicegen_batches", "Batches that are kept, by state.", "state")
        self.batch_documents = self._gauge(
            "invoicegen_batch_documents", "Documents of batches that are kept, by state.", "state"
        )
        self.oldest_batch = self._gauge(
            "invoicegen_oldest_batch_seconds", "Age of the oldest batch that is not finished; 0 without one."
        )
        self.webhooks = self._counter(
            "invoicegen_webhooks", "Tries to tell an owner of a finished batch, by outcome.", "outcome"
        )
        self.state_free = self._gauge(
            "invoicegen_state_free_bytes", "Free space of the file system that batches are kept on."
        )
        self.state_size = self._gauge(
            "invoicegen_state_size_bytes", "Size of the file system that batches are kept on."
        )
        for document_type in _DOCUMENT_TYPES:
            for needed in ("true", "false"):
                self.read.labels(document_type, needed)
            for entity_type in ENTITY_TYPES:
                self.present.labels(entity_type, document_type)
        for entity_type in ENTITY_TYPES:
            self.confidence.labels(entity_type)
        for reason in get_args(ReviewKind):
            self.review_reasons.labels(reason)
        for rule in rules:
            for status in ("ok", "failed", "not_applicable"):
                self.checks.labels(rule, status)
        for outcome in ("delivered", "failed", "gave_up"):
            self.webhooks.labels(outcome)

    def show(self, baseline: Baseline) -> None:
        """Set what the model gave when it was measured."""
        for entity_type, shares in baseline.presence.items():
            for document_type, share in shares.items():
                self.baseline_presence.labels(entity_type, document_type).set(share)
        for entity_type, mean in baseline.confidence.items():
            self.baseline_confidence.labels(entity_type).set(mean)
        for document_type, share in baseline.review.items():
            self.baseline_review.labels(document_type).set(share)

    def count(self, seen: Observation) -> None:
        """Count a document that was read."""
        self.read.labels(seen.document_type, "true" if seen.reasons else "false").inc()
        for reason in seen.reasons:
            self.review_reasons.labels(reason).inc()
        for rule, status in seen.checks:
            self.checks.labels(rule, status).inc()
        for entity_type in seen.present:
            self.present.labels(entity_type, seen.document_type).inc()
        for entity_type, confidence in seen.confidences:
            self.confidence.labels(entity_type).observe(confidence)

    def set_census(self, census: Census) -> None:
        """Set how many batches there are."""
        for state, count in census.batches.items():
            self.batches.labels(state).set(count)
        for state, count in census.documents.items():
            self.batch_documents.labels(state).set(count)
        self.oldest_batch.set(census.oldest_s)
        self.state_free.set(census.free_bytes)
        self.state_size.set(census.size_bytes)
