"""What every stand-in vendor shares: routes, one lock, published limits, OAuth, idempotent replay, call counts.

A stand-in is a WSGI application. Served over loopback HTTP it meets the official SDKs; called in process it is
deterministic, because time comes only from the clock it is given.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response

from sandbox.oauth import OAuthServer
from sandbox.openid import Signer
from sandbox.webhooks import Courier

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

Clock = Callable[[], datetime]
Handler = TypeVar("Handler", bound=Callable[..., Response])
Interceptor = Callable[[Request, Callable[[], Response]], Response]
Witness = Callable[["StandIn", Request, Response], None]


def route(method: str, path: str) -> Callable[[Handler], Handler]:
    """Mark a method of a stand-in as the handler of `method path` (werkzeug rule syntax)."""

    def mark(handler: Handler) -> Handler:
        rules: list[tuple[str, str]] = getattr(handler, "rules", [])
        handler.rules = [*rules, (method, path)]  # type: ignore[attr-defined]
        return handler

    return mark


class StandIn:
    """One vendor. Subclasses add state and `@route` handlers; `before` refuses a request by returning a response.

    `calls` counts answered requests by "METHOD /rule". `avoidable_429` counts refusals for a published limit:
    a client that keeps the published limits never causes one. `interceptor` lets a simulation wrap each request.
    `witness` is shown every request with the answer as the vendor wrote it, before an interceptor can damage it.
    """

    name = "stand-in"
    witness: ClassVar[Witness | None] = None  # of all stand-ins of the process

    _map: ClassVar[Map]  # of the class: compiling it takes longer than answering many requests

    def __init_subclass__(cls) -> None:
        """Compile the routes of a vendor."""
        super().__init_subclass__()
        # A vendor's path is taken as sent: an external id may hold slashes, and SDKs differ about the last one.
        cls._map = Map(list(_routes(cls)), strict_slashes=False, merge_slashes=False)

    def __init__(self, *, clock: Clock, oauth: OAuthServer | None = None, courier: Courier) -> None:
        self.clock = clock
        if oauth is not None:  # a vendor that is called with a plain password has no consents
            self.oauth = oauth
        self.courier = courier
        self.calls: Counter[str] = Counter()
        self.avoidable_429 = 0
        self.interceptor: Interceptor | None = None
        self.lock = threading.RLock()

    @cached_property
    def signer(self) -> Signer:
        """What signs the id tokens of whoever signs in here."""
        return Signer()

    def signed(self, body: bytes) -> dict[str, str]:
        """The headers of a webhook with this body, where the vendor sends any."""
        raise NotImplementedError

    def before(self, request: Request, rule: str) -> Response | None:
        """Check authentication and limits; return a response to refuse the request."""
        raise NotImplementedError

    def after(self, request: Request, response: Response) -> Response:
        """Add what the vendor puts on every answer, refusals included."""
        return response

    def not_found(self, request: Request) -> Response:
        """Answer a path that the vendor does not have."""
        return Response(f"no such path: {request.method} {request.path}\n", status=404)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one WSGI request."""
        request = Request(environ)
        try:
            response = self._answer(request)
        except HTTPException as refused:
            response = refused.get_response(environ)
        return response(environ, start_response)

    def _answer(self, request: Request) -> Response:
        adapter = self._map.bind_to_environ(request.environ)
        try:
            rule, arguments = adapter.match(return_rule=True)
        except HTTPException as error:
            return self.not_found(request) if error.code == 404 else error.get_response()

        def handle() -> Response:
            witness = StandIn.witness
            if witness is not None:
                request.get_data(cache=True)  # a handler that reads the form would leave the witness no body
            with self.lock:
                self.calls[f"{request.method} {rule.rule}"] += 1
                handler: Callable[..., Response] = getattr(self, str(rule.endpoint))
                try:
                    refused = self.before(request, rule.rule)
                    response = handler(request, **arguments) if refused is None else refused
                except HTTPException as error:
                    response = error.get_response(request.environ)
                response = self.after(request, response)
            if witness is not None:
                witness(self, request, response)
            return response

        return self.interceptor(request, handle) if self.interceptor else handle()


def _routes(of: type[StandIn]) -> Iterable[Rule]:
    for name in dir(of):
        rules: list[tuple[str, str]] = getattr(getattr(of, name), "rules", [])
        for method, path in rules:
            yield Rule(path, methods=[method], endpoint=name)


class Replays:
    """Answers kept by idempotency key, for `lifetime_seconds`; the same key with another body is the caller's error."""

    MAX_KEYS = 100_000

    def __init__(self, *, clock: Clock, lifetime_seconds: int) -> None:
        self._clock = clock
        self._lifetime = lifetime_seconds
        self._kept: dict[tuple[str, str], tuple[datetime, bytes, tuple[int, bytes, dict[str, str]]]] = {}

    def answer(
        self,
        *,
        account: str,
        key: str | None,
        fingerprint: bytes,
        conflict: Callable[[], Response],
        perform: Callable[[], Response],
    ) -> Response:
        """Replay the kept answer of (`account`, `key`), or `perform` and keep it; no key means no replay."""
        if not key:
            return perform()
        kept = self._kept.get((account, key))
        now = self._clock()
        if kept and (now - kept[0]).total_seconds() < self._lifetime:
            if kept[1] != fingerprint:
                return conflict()
            status, body, headers = kept[2]
            return Response(body, status=status, headers=headers)
        response = perform()
        if len(self._kept) >= self.MAX_KEYS:
            self._kept.pop(next(iter(self._kept)))
        self._kept[(account, key)] = (
            now,
            fingerprint,
            (response.status_code, response.get_data(), dict(response.headers)),
        )
        return response


def json_response(body: Any, status: int = 200, **headers: str) -> Response:  # noqa: ANN401 - any JSON value
    """Answer with JSON; header names are given with underscores for hyphens."""
    response = Response(json.dumps(body), status=status, content_type="application/json; charset=utf-8")
    for name, value in headers.items():
        response.headers[name.replace("_", "-")] = value
    return response
