"""Routes for machines that watch: alive, ready, measures."""

from __future__ import annotations

from collections.abc import Iterator

from fastapi import FastAPI, Request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import JSONResponse, PlainTextResponse, Response

from runtime.app import App
from runtime.operations.views.measures import measures
from runtime.store.migrate import is_current
from runtime.web.access import ANYONE, HERE, routes
from runtime.web.running import Running

ROUTES = routes("monitor")


def measure(web: FastAPI, app: App, registry: CollectorRegistry) -> None:
    """Let `web` give the measures of `app`; `registry` holds the counters of this process."""
    registry.register(_Waiting(app))
    web.state.measures = registry


@ROUTES.get("/healthz", dependencies=[ANYONE], response_class=PlainTextResponse)
def healthz() -> str:
    """Say that the process answers."""
    return "ok"


@ROUTES.get("/readyz", dependencies=[ANYONE], response_class=PlainTextResponse)
def readyz(app: Running) -> Response:
    """Say whether the database is reachable and has the newest shape."""
    try:
        ready = is_current(app.store)
    except SQLAlchemyError:
        return PlainTextResponse("the database is not reachable", 503)
    if not ready:
        return PlainTextResponse("the database lacks a migration: run truedue doctor", 503)
    return PlainTextResponse("ready")


@ROUTES.get("/metrics", dependencies=[HERE], response_class=PlainTextResponse)
def metrics(request: Request) -> Response:
    """Give the measures in the text format of Prometheus."""
    return Response(generate_latest(request.app.state.measures), media_type=CONTENT_TYPE_LATEST)


@ROUTES.get("/openapi.json", dependencies=[HERE], include_in_schema=False)
def openapi(request: Request) -> Response:
    """Describe every route."""
    return JSONResponse(request.app.openapi())


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
