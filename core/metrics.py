"""Counts and times of requests for Prometheus, of all workers of a node together; nothing about persons.

A request is named by its endpoint, never by its address: addresses hold ids and search words.
"""

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from flask import Flask, Response, g, request
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
    multiprocess,
    values,
)
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from core.health import Figures

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
SLOT = "NARABI_WORKER_SLOT"
_BUCKETS = (0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)  # seconds
_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})


@dataclass(frozen=True, slots=True)
class _Instruments:
    registry: CollectorRegistry
    requests: Counter
    seconds: Histogram


@lru_cache(maxsize=1)
def _instruments() -> _Instruments:
    """Make them after the fork: a worker counts on in the file of its slot, whoever held it before."""
    if FOLDER in os.environ:
        values.ValueClass = multiprocess_values()
    registry = CollectorRegistry()
    labels = ["endpoint", "method", "status"]
    counter = Counter("narabi_http_requests", "Answered requests", labels, registry=registry)
    seconds = Histogram(
        "narabi_http_request_seconds",
        "Seconds until a request was answered; of a stream, until it began",
        ["endpoint"],
        registry=registry,
        buckets=_BUCKETS,
    )
    return _Instruments(registry, counter, seconds)


def multiprocess_values() -> type:
    """Return values kept in files, by the worker's slot: replaced workers do not leave files behind."""
    made: type = values.MultiProcessValue(lambda: os.environ.get(SLOT) or str(os.getpid()))  # type: ignore[no-untyped-call]
    return made


def init_metrics(app: Flask) -> None:
    """Measure every request; the first of all that is done with it."""
    _instruments()
    app.before_request(_begin)
    app.after_request(_count)


def _begin() -> None:
    g.began_at = time.perf_counter()


def _count(response: Response) -> Response:
    instruments = _instruments()
    endpoint = request.endpoint or "none"
    method = request.method if request.method in _METHODS else "other"
    instruments.requests.labels(endpoint, method, str(response.status_code)).inc()
    instruments.seconds.labels(endpoint).observe(time.perf_counter() - g.began_at)
    return response


class _Instance(Collector):
    """What the database says, as gauges."""

    def __init__(self, figures: Figures) -> None:
        self._figures = figures

    def collect(self) -> Iterator[Metric]:
        """Give each figure."""
        figures = self._figures
        told = {
            "outbox_waiting": ("Overdue messages", figures.outbox.waiting),
            "outbox_lag_seconds": ("Age of the oldest overdue message", figures.outbox.seconds),
            "outbox_given_up": ("Messages that were given up", figures.given_up),
            "index_waiting": ("Overdue changes of the search index", figures.index.waiting),
            "index_lag_seconds": ("Age of the oldest overdue change", figures.index.seconds),
            "feed_head": ("Last number of the public feed", figures.feed_head),
            "feed_records": ("Public records", figures.feed_records),
            "audit_events": ("Events of the audit trail", figures.audit_events),
        }
        for name, (words, value) in {**told, **figures.more}.items():
            yield GaugeMetricFamily(f"narabi_{name}", words, value)
        if figures.worker_silent_seconds is not None:
            words = "Seconds since a worker of the outbox was seen"
            yield GaugeMetricFamily(
                "narabi_worker_silent_seconds", words, figures.worker_silent_seconds
            )


def render(figures: Figures) -> bytes:
    """Return everything in Prometheus' text format."""
    registry = CollectorRegistry()
    if FOLDER in os.environ:
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    requests = b"" if FOLDER in os.environ else generate_latest(_instruments().registry)
    registry.register(_Instance(figures))
    return requests + generate_latest(registry)
