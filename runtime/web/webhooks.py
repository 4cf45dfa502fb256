"""The lane of webhooks: beside the pages' machinery, which would cost several times what taking a webhook costs."""

from __future__ import annotations

from prometheus_client import Counter

from connectors import registry
from runtime.app import App
from runtime.operations.inbox.intake import RETRY_AFTER_SECONDS, Intake, NotStoredError
from runtime.operations.inbox.take_webhook import MAX_BODY_BYTES, BadSignatureError, read_webhook
from runtime.web.guards import Guards, Message, Receive, Scope, Send, careful_headers

_PATH = "/webhooks/"
_STORED, _REFUSED, _TOO_LARGE, _UNAVAILABLE = 200, 401, 413, 503
_OUTCOMES = {_STORED: "stored", _REFUSED: "refused", _TOO_LARGE: "refused", _UNAVAILABLE: "unavailable"}


class WebhookLane:
    """Takes the webhooks of known systems and passes everything else on to `guarded`, refused webhooks included.

    `counted` counts answers by system and outcome.
    """

    def __init__(self, guarded: Guards, *, app: App, intake: Intake, counted: Counter) -> None:
        self._guarded = guarded
        self._app = app
        self._intake = intake
        self._counts = {
            (system, status): counted.labels(system, outcome)
            for system in registry.SYSTEMS
            for status, outcome in _OUTCOMES.items()
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a webhook with an empty body, or pass the request on."""
        system = _system_of(scope)
        if system is None or self._guarded.refusal(scope) is not None:
            await self._guarded(scope, receive, send)
            return
        body = await _whole_body(receive)
        if body is None:
            return
        status = await self._take(system, scope, body)
        self._counts[system, status].inc()
        await send(_ANSWERS[status])
        await send(_NO_BODY)

    async def _take(self, system: str, scope: Scope, body: bytes) -> int:
        """Return the status to answer."""
        if len(body) > MAX_BODY_BYTES:
            return _TOO_LARGE
        # Of a header that comes twice the first counts, as everywhere else here.
        headers = {str(name, "latin-1"): str(value, "latin-1") for name, value in reversed(scope["headers"])}
        try:
            await self._intake.keep(read_webhook(self._app, system=system, headers=headers, body=body))
        except BadSignatureError:
            return _REFUSED
        except NotStoredError:
            return _UNAVAILABLE
        return _STORED


def _system_of(scope: Scope) -> str | None:
    """Return whose webhook this is; None for any other request."""
    if scope["type"] != "http" or scope["method"] != "POST" or not scope["path"].startswith(_PATH):
        return None
    system: str = scope["path"].removeprefix(_PATH)
    return system if system in registry.SYSTEMS else None


async def _whole_body(receive: Receive) -> bytes | None:
    """Return the body, cut soon after MAX_BODY_BYTES; None when the sender has gone before its end."""
    body = bytearray()
    more = True
    while more and len(body) <= MAX_BODY_BYTES:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return bytes(body)


def _answer(status: int) -> Message:
    headers = [(b"content-length", b"0"), *careful_headers(_PATH)]
    if status == _UNAVAILABLE:
        headers.append((b"retry-after", str(RETRY_AFTER_SECONDS).encode()))
    return {"type": "http.response.start", "status": status, "headers": headers}


_ANSWERS = {status: _answer(status) for status in _OUTCOMES}
_NO_BODY: Message = {"type": "http.response.body", "body": b""}
