"""Faults of the world outside that tests put between the product and a stand-in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from werkzeug.wrappers import Request, Response

from runtime.simulation.damage import without_news
from runtime.simulation.wire import Answered
from sandbox.standin import Interceptor, StandIn

LAG = timedelta(seconds=90)  # of a replica


def is_write(request: Request) -> bool:
    """Whether a request changes the vendor's books; a query of QuickBooks travels as POST and changes nothing."""
    reads = ("token" in request.path) or request.path.endswith("/query")
    return request.method in ("POST", "PUT", "PATCH") and not reads


def lose_answer(standin: StandIn) -> Interceptor:
    """The next write takes effect and the connection breaks before its answer is complete."""

    def lose(request: Request, handle: Callable[[], Response]) -> Response:
        if not is_write(request):
            return handle()
        handle()
        standin.interceptor = None
        return Response(b"{", headers={"Content-Length": "99", "Connection": "close"})

    return lose


def lose_answer_and_lag(standin: StandIn) -> Interceptor:
    """The next write takes effect, its answer is lost, and for a while no list shows what it wrote."""
    written: list[datetime] = []

    def lag(request: Request, handle: Callable[[], Response]) -> Response:
        if not written and is_write(request):
            written.append(standin.clock())
            handle()
            return Response(b"{", headers={"Content-Length": "99", "Connection": "close"})
        response = handle()
        if written and not is_write(request) and standin.clock() < written[0] + LAG:
            shown = Answered(response.status_code, (), response.get_data())
            old = without_news(standin.name, shown, written[0] - timedelta(seconds=1))
            response.set_data(old.body if old else shown.body)
        return response

    return lag


def unavailable(_request: Request, _handle: Callable[[], Response]) -> Response:
    """Every call fails at once and changes nothing."""
    return Response("down for maintenance", status=503)


def no_writes(request: Request, handle: Callable[[], Response]) -> Response:
    """Every write fails at once and changes nothing; what is read is answered."""
    return unavailable(request, handle) if is_write(request) else handle()


def refused(request: Request, handle: Callable[[], Response]) -> Response:
    """Every write is refused for good; what is read is answered."""
    return Response("{}", status=400, mimetype="application/json") if is_write(request) else handle()


def not_shown_yet(request: Request, handle: Callable[[], Response]) -> Response:
    """A replica of Stripe's knows none of the payments that its events name."""
    if "/v1/payment_intents/" in request.path:
        return Response('{"error": {"type": "invalid_request_error", "code": "resource_missing"}}', status=404)
    return handle()


def counting_writes(seen: list[str]) -> Interceptor:
    """Note every write, and let it through."""

    def count(request: Request, handle: Callable[[], Response]) -> Response:
        if is_write(request):
            seen.append(f"{request.method} {request.path}")
        return handle()

    return count
