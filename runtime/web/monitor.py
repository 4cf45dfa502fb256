"""Routes for machines that watch: alive, ready, measures."""

from __future__ import annotations

from collections.abc import Iterator

from fastapi import APIRouter, Request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import JSONResponse, PlainTextResponse, Response

from runtime.app import App
from runtime.operations.views.measures import measures
from runtime.store.migrate import is_current
from runtime.web.access import ANYONE, HERE, routes


def monitor_routes(app: App, registry: CollectorRegistry) -> APIRouter:
    """Return the routes; `registry` holds the counters of this process."""
    monitor = routes("monitor")
    registry.register(_Waiting(app))

    @monitor.get("/healthz", dependencies=[ANYONE], response_class=PlainTextResponse)
    def healthz() -> str:
        """Say that the process answers."""
        return "ok"

    @monitor.get("/readyz", dependencies=[ANYONE], response_class=PlainTextResponse)
    def readyz() -> Response:
        """Say whether the database is reachable and has the newest shape."""
        try:
            ready = is_current(app.store)
        except SQLAlchemyError:
            return PlainTextResponse("the database is not reachable", 503)
        if not ready:
            return PlainTextResponse("the database lacks a migration: run truedue doctor", 503)
        return PlainTextResponse("ready")

    @monitor.get("/metrics", dependencies=[HERE], response_class=PlainTextResponse)
    def metrics() -> Response:
        """Give the measures in the text format of Prometheus."""
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    @monitor.get("/openapi.json", dependencies=[HERE], include_in_schema=False)
    def openapi(request: Request) -> Response:
        """Describe every route."""
        return JSONResponse(request.app.openapi())

    return monitor


class _Waiting(Collector):
    """Reads the measures from the database when they are asked for."""

    def __init__(self, app: App) -> None:
        self._app = app

    def describe(self) -> list[GaugeMetricFamily]:
        """Nothing is known before the database is read."""
        return []

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Read and give the measures."""
        with self._app.store.read() as db:
            found = measures(db, now=self._app.clock())
        tables = (
            ("inbox", found.inbox),
            ("outbox", found.outbox),
            ("reminders", found.reminders),
            ("receipts", found.receipts),
        )
        for name, states in tables:
            family = GaugeMetricFamily(f"truedue_{name}_rows", f"Rows of {name} by state", labels=["state"])
            for state, count in states.items():
                family.add_metric([state], count)
            yield family
        yield GaugeMetricFamily("truedue_problems", "Problems that wait for a person", value=found.problems)
        yield GaugeMetricFamily(
            "truedue_inbox_oldest_seconds",
            "Age of the oldest webhook that waits, 0 for none",
            value=found.oldest_waiting_seconds,
        )
