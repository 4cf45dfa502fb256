"""The lane of webhooks: ahead of the pages' machinery, which would cost several times what taking a webhook costs."""

from __future__ import annotations

from fastapi import HTTPException
from prometheus_client import Counter

from connectors import registry
from runtime.app import App
from runtime.operations.intake import RETRY_AFTER_SECONDS, Intake, NotStoredError
from runtime.operations.take_webhook import BadSignatureError, read_webhook
from runtime.web.guards import Application, Receive, Scope, Send

_PATH = "/webhooks/"


class SenderGoneError(Exception):
    """The connection ended before the whole body came: there is nobody to answer."""


class WebhookLane:
    """Takes the webhooks of known systems and passes everything else on to `web`.

    It stands behind the guards, which bound the body. `counted` counts answers by system and outcome.
    """

    def __init__(self, web: Application, *, app: App, intake: Intake, counted: Counter) -> None:
        self._web = web
        self._app = app
        self._intake = intake
        self._counts = {
            (system, outcome): counted.labels(system, outcome)
            for system in registry.SYSTEMS
            for outcome in ("stored", "refused", "unavailable")
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a webhook with an empty body, or pass the request on."""
        system = _system_of(scope)
        if system is None:
            await self._web(scope, receive, send)
            return
        try:
            body = await _whole_body(receive)
        except HTTPException as error:  # the guards': it is too large
            await _answer(send, error.status_code)
        except SenderGoneError:
            return
        else:
            await _answer(send, await self._take(system, scope, body))

    async def _take(self, system: str, scope: Scope, body: bytes) -> int:
        """Return the status to answer: 200 stored, 401 not signed by the vendor, 503 come again."""
        # Of a header that comes twice the first counts, as everywhere else here.
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in reversed(scope["headers"])}
        try:
            await self._intake.keep(read_webhook(self._app, system=system, headers=headers, body=body))
        except BadSignatureError:
            self._counts[system, "refused"].inc()
            return 401
        except NotStoredError:
            self._counts[system, "unavailable"].inc()
            return 503
        self._counts[system, "stored"].inc()
        return 200


def _system_of(scope: Scope) -> str | None:
    """Return whose webhook this is; None for any other request."""
    if scope["type"] != "http" or scope["method"] != "POST" or not scope["path"].startswith(_PATH):
        return None
    system: str = scope["path"].removeprefix(_PATH)
    return system if system in registry.SYSTEMS else None


async def _whole_body(receive: Receive) -> bytes:
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body", False):
        return bytes(message.get("body", b""))
    parts = []
    while message["type"] == "http.request":
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)
        message = await receive()
    raise SenderGoneError


async def _answer(send: Send, status: int) -> None:
    headers = [(b"content-length", b"0")]
    if status == 503:
        headers.append((b"retry-after", str(RETRY_AFTER_SECONDS).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
