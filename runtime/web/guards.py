"""What every request passes: a known host, a bounded body, no form from another site, and careful headers."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Awaitable, Callable, MutableMapping
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from fastapi import HTTPException
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, Response

from connectors.channels.incoming import MAX_MAIL_BYTES
from runtime.operations.inbox.take_webhook import MAX_BODY_BYTES as MAX_WEBHOOK_BYTES
from runtime.operations.payers.brand import MAX_LOGO_BYTES
from runtime.web.pace import Pace

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

HOSTS_REMEMBERED = 256  # nearly every request names one of two; the others are of people who try
MAX_FORM_BYTES = 64 * 1024
MAX_STATEMENT_BYTES = 20 * 1024 * 1024  # a year of a busy account; larger files are split by the bank
MAX_DISPUTE_BYTES = 20 * 1024 * 1024  # more than is kept of files: who sends too large ones is told on their page
_STATEMENTS = re.compile(r"/o/[^/]+/statements")
_DISPUTE = re.compile(r"/p/[^/]+/dispute/[^/]+")
_LOGO = re.compile(r"/o/[^/]+/settings/logo")
MAX_LOGO_FORM_BYTES = MAX_LOGO_BYTES + MAX_FORM_BYTES

PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; manifest-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)
_POLICY = b"content-security-policy"
_SIGNED = re.compile(r"/(webhooks|apps)/")  # what comes there bears a signature, and no cookie counts
_UNCOUNTED = re.compile(r"/(webhooks/|static/|healthz$|readyz$)")
_KEEP_NOTHING = b"no-cache, no-store"  # to the letter as QuickBooks' store asks for it
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def body_limit(path: str) -> int:
    """Return how many bytes a request to `path` may send."""
    if path.startswith("/webhooks/"):
        return MAX_WEBHOOK_BYTES
    if path == "/mail":
        return MAX_MAIL_BYTES
    if _DISPUTE.fullmatch(path):
        return MAX_DISPUTE_BYTES
    if _LOGO.fullmatch(path):
        return MAX_LOGO_FORM_BYTES
    return MAX_STATEMENT_BYTES if _STATEMENTS.fullmatch(path) else MAX_FORM_BYTES


class Guards:
    """Checks requests before the application sees them. `public_url` names the one host beside loopback."""

    def __init__(self, app: Application, *, public_url: str) -> None:
        self._app = app
        self._public_host = (urlsplit(public_url).hostname or "").lower()
        self._pace = Pace()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a refused request, or pass it on with its body bounded and its answer given careful headers."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refusal = self.refusal(scope) or self._too_often(scope)
        answer = _careful(scope["path"], send)
        if refusal is not None:
            await refusal(scope, receive, answer)
        else:
            await self._app(scope, _bounded(receive, body_limit(scope["path"])), answer)

    def _too_often(self, scope: Scope) -> Response | None:
        """Return the answer to who asks too often from outside.

        Vendors' webhooks are signed and bounded elsewhere. Behind a proxy that does not say for whom it asks everybody
        would be one, so there nobody is counted.
        """
        client = scope.get("client")
        if client is None or is_loopback(client[0]) or _UNCOUNTED.match(scope["path"]):
            return None
        seconds = self._pace.wait(client[0])
        if not seconds:
            return None
        return PlainTextResponse("Too many requests: wait a moment.", 429, {"Retry-After": str(seconds)})

    def refusal(self, scope: Scope) -> Response | None:
        """Return the answer to a request that goes no further, None for one that may."""
        path = scope["path"]
        host = _host_name(_header(scope, b"host"))
        if not is_loopback(host) and host != self._public_host:
            return PlainTextResponse("This server does not answer for that host.", 421)
        if "\0" in path or b"%00" in scope["query_string"]:
            return PlainTextResponse("The address holds a character that no address has.", 400)
        if int_or(_header(scope, b"content-length"), 0) > body_limit(path):
            return Response(status_code=413)
        if not _SIGNED.match(path) and is_cross_site(scope["method"], Headers(scope=scope)):
            return PlainTextResponse("This form was sent from another site, so it was refused.", 403)
        return None


def _header(scope: Scope, name: bytes) -> str:
    """Return the first header of this name, as `Headers` does at several times the cost; empty when there is none."""
    for each, value in scope["headers"]:
        if each == name:
            return str(value, "latin-1")
    return ""


def is_here(scope: Scope) -> bool:
    """Whether a request comes from this machine, by one of its own names.

    Both are asked: a name can be claimed from anywhere, and a proxy on this machine passes the outside on. Where the
    proxy says for whom (X-Forwarded-For), the server has put that address in the place of the proxy's.
    """
    client = scope.get("client")
    return is_loopback(_host_name(_header(scope, b"host"))) and client is not None and is_loopback(client[0])


@lru_cache(HOSTS_REMEMBERED)
def _host_name(header: str) -> str:
    return urlsplit(f"//{header}").hostname or ""


@lru_cache(HOSTS_REMEMBERED)
def is_loopback(host: str) -> bool:
    """Whether a host name means this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_cross_site(method: str, headers: Headers) -> bool:
    """Whether a browser sent this form from a page of another site.

    Source: Go's net/http CrossOriginProtection: `Sec-Fetch-Site` decides; without it `Origin` must be our own; a
    request with neither comes from no browser.
    """
    if method in _SAFE_METHODS:
        return False
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = headers.get("origin")
    return origin is not None and urlsplit(origin).netloc != headers.get("host")


def int_or(text: str | None, default: int) -> int:
    """Return a header's decimal number, `default` when it is none."""
    return int(text) if text and text.isascii() and text.isdigit() else default


def _bounded(receive: Receive, limit: int) -> Receive:
    """Stop a body that turns out longer than it may be, whatever its header said."""
    taken = 0

    async def bounded() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > limit:
            raise HTTPException(413, f"this is larger than the {limit:,} bytes that are taken here")
        return message

    return bounded


def _careful(path: str, send: Send) -> Send:
    """Add the security headers to an answer; one that set its own policy keeps it."""

    async def careful(message: Message) -> None:
        if message["type"] == "http.response.start":
            ours = dict(careful_headers(path))
            kept = [pair for pair in message["headers"] if pair[0] == _POLICY or pair[0] not in ours]
            if any(name == _POLICY for name, _ in kept):
                del ours[_POLICY]
            message["headers"] = [*kept, *ours.items()]
        await send(message)

    return careful


def careful_headers(path: str) -> list[tuple[bytes, bytes]]:
    """Return the security headers of an answer to `path`."""
    return [
        (_POLICY, PAGE_POLICY.encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"no-referrer"),
        (b"cross-origin-opener-policy", b"same-origin"),
        (b"cross-origin-resource-policy", b"same-origin"),
        (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=()"),
        (b"cache-control", b"max-age=300" if path.startswith("/static/") else _KEEP_NOTHING),
    ]
