"""Numbers for a monitoring system: requests as they are answered, everything else from the database.

    @gauge("retaguarda_rollup_lag_seconds", "Age of the oldest bucket that waits to be recomputed.")
    def lag() -> float: ...                         # or {"label value": number} with `label="state"`

With several processes on one port, PROMETHEUS_MULTIPROC_DIR makes them count together.
"""

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.db.models import Count, Min
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from prometheus_client import CollectorRegistry, Histogram, generate_latest, multiprocess
from prometheus_client.core import GaugeMetricFamily

from .models import Delivery, Job

_registry = CollectorRegistry()
_SECONDS = Histogram(
    "retaguarda_request_seconds",
    "Server time of answers by route.",
    ["route", "method", "status"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
    registry=None if "PROMETHEUS_MULTIPROC_DIR" in os.environ else _registry,
)
if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
    multiprocess.MultiProcessCollector(_registry)  # type: ignore[no-untyped-call]

Reading = float | dict[str, float]


@dataclass(frozen=True)
class Gauge:
    name: str
    documentation: str
    label: str
    read: Callable[[], Reading]


_GAUGES: dict[str, Gauge] = {}


def gauge(
    name: str, documentation: str, *, label: str = ""
) -> Callable[[Callable[[], Reading]], Callable[[], Reading]]:
    """Publish what the function reads at each scrape; with `label`, one number per label value."""

    def keep(read: Callable[[], Reading]) -> Callable[[], Reading]:
        _GAUGES[name] = Gauge(name, documentation, label, read)
        return read

    return keep


class FromDatabase:
    """The gauges, read when they are asked for: true whatever the number of processes."""

    def collect(self) -> Iterable[GaugeMetricFamily]:
        for each in _GAUGES.values():
            reading = each.read()
            family = GaugeMetricFamily(each.name, each.documentation, labels=[each.label] if each.label else [])
            for value, number in reading.items() if isinstance(reading, dict) else [("", reading)]:
                family.add_metric([value] if each.label else [], number)
            yield family

    def describe(self) -> Iterable[GaugeMetricFamily]:
        return []


_registry.register(FromDatabase())


def observe(request: HttpRequest, response: HttpResponse, seconds: float) -> None:
    """Count one answer under its route's name, never under its address."""
    match = request.resolver_match
    route = (match.view_name if match else "") or "none"
    _SECONDS.labels(route, request.method or "", str(response.status_code)).observe(seconds)


def exposition() -> bytes:
    """Everything in Prometheus' text form."""
    return generate_latest(_registry)


@gauge("retaguarda_jobs", "Jobs by state.", label="state")
def jobs() -> dict[str, float]:
    counted = dict(Job.objects.order_by().values_list("state").annotate(n=Count("pk")))
    return {state: float(counted.get(state, 0)) for state in Job.State.values}


@gauge("retaguarda_deliveries", "Events not yet handled, by state.", label="state")
def deliveries() -> dict[str, float]:
    open_ones = Delivery.objects.exclude(state=Delivery.State.DONE).order_by()
    counted = dict(open_ones.values_list("state").annotate(n=Count("pk")))
    return {state: float(counted.get(state, 0)) for state in (Delivery.State.WAITING, Delivery.State.PARKED)}


@gauge("retaguarda_outbox_lag_seconds", "Age of the oldest event that waits for a handler.")
def outbox_lag() -> float:
    oldest = Delivery.objects.filter(state=Delivery.State.WAITING).aggregate(at=Min("event__at"))["at"]
    return (timezone.now() - oldest).total_seconds() if oldest else 0.0
