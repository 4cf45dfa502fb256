"""HTTP without a network: the SDKs' own client code runs, down to the connection, which calls a stand-in at once.

Every client of the product (requests, xero-python, stripe, simple-salesforce) sends through urllib3. While a wire is
laid, urllib3's connections are ours: a request is a call of the stand-in's WSGI application in the same thread, and
what happens on the way is decided by the wire's `passage`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from math import ceil
from typing import Any, cast
from unittest.mock import patch
from urllib.parse import unquote

from urllib3 import HTTPHeaderDict
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.response import HTTPResponse

from sandbox.standin import StandIn

SCHEME = "http"
HOST = "127.0.0.1"  # consents are asked for without TLS on loopback only; nothing listens on ports this low


@dataclass(frozen=True, slots=True)
class Sent:
    """A request as it left the client; `patience` is how many seconds it waits for the answer."""

    system: str
    port: int
    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    patience: float | None


@dataclass(frozen=True, slots=True)
class Answered:
    """What came back."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


Passage = Callable[[Sent, Callable[[], Answered]], Answered]


def _undisturbed(_sent: Sent, answer: Callable[[], Answered]) -> Answered:
    """Carry every request there and back."""
    return answer()


@dataclass
class Wire:
    """Stand-ins by port. `passage` carries a request: it may answer itself, refuse, or lose what was answered."""

    standins: dict[int, StandIn] = field(default_factory=dict)
    passage: Passage = _undisturbed

    def connect(self, standin: StandIn) -> str:
        """Make a stand-in reachable and return its address."""
        port = len(self.standins) + 1
        self.standins[port] = standin
        return f"{SCHEME}://{HOST}:{port}"

    @contextmanager
    def laid(self) -> Iterator[None]:
        """Let every urllib3 connection of this process be one of this wire; what is no stand-in refuses."""
        wire = self

        class _OnThisWire(_Connection):
            _wire = wire

        with patch.object(HTTPConnectionPool, "ConnectionCls", _OnThisWire):
            yield


def ask(standin: StandIn, sent: Sent) -> Answered:
    """Have a stand-in answer a request."""
    told: list[Any] = []

    def start_response(
        status: str, headers: list[tuple[str, str]], _exc_info: object = None
    ) -> Callable[[bytes], None]:
        told[:] = [int(status[:3]), tuple(headers)]
        return lambda _data: None

    environ: dict[str, Any] = {
        "REQUEST_METHOD": sent.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote(sent.path, "latin-1"),
        "QUERY_STRING": sent.query,
        "REQUEST_URI": f"{sent.path}?{sent.query}" if sent.query else sent.path,
        "SERVER_NAME": HOST,
        "SERVER_PORT": str(sent.port),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": SCHEME,
        "wsgi.input": BytesIO(sent.body),
        "wsgi.errors": None,
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "HTTP_HOST": f"{HOST}:{sent.port}",
        "CONTENT_LENGTH": str(len(sent.body)),
    }
    for name, value in sent.headers.items():
        variable = name.upper().replace("-", "_")
        environ[variable if variable in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{variable}"] = value
    body = b"".join(standin(environ, cast("Any", start_response)))
    status, headers = told
    return Answered(status, headers, body)


class _Connection(HTTPConnection):
    """What urllib3 takes for a connection."""

    _wire: Wire
    _asked: tuple[str, str, bytes, dict[str, str], dict[str, Any]]

    @property
    def is_closed(self) -> bool:
        return False

    @property
    def is_connected(self) -> bool:
        return True

    def connect(self) -> None:
        """Need nothing: there is no socket."""

    def request(  # type: ignore[override]
        self,
        method: str,
        url: str,
        body: str | bytes | None = None,
        headers: Mapping[str, str] | None = None,
        **options: Any,  # noqa: ANN401 - as urllib3 has it
    ) -> None:
        """Keep what is to be sent; an unknown address refuses as one does that nobody listens on."""
        if self.host != HOST or self.port not in self._wire.standins:
            raise ConnectionRefusedError(f"nobody listens at {self.host}:{self.port}")
        content = body.encode() if isinstance(body, str) else (body or b"")
        text = {str(name): _text(value) for name, value in (headers or {}).items()}
        self._asked = (method, url, content, text, options)

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]
        """Carry it there and answer; errors of the passage come out as a socket's would."""
        method, url, body, headers, options = self._asked
        path, _, query = url.partition("?")
        # Of a time-out for a whole call urllib3 takes off what passed since it connected, by the machine's own clock.
        patience = ceil(self.timeout) if isinstance(self.timeout, int | float) else None
        port = self.port or 0
        standin = self._wire.standins[port]
        sent = Sent(standin.name, port, method, path, query, headers, body, patience)
        answer = self._wire.passage(sent, lambda: ask(standin, sent))
        return HTTPResponse(
            body=BytesIO(answer.body),
            headers=HTTPHeaderDict(answer.headers),
            status=answer.status,
            version=11,
            reason=None,
            preload_content=options.get("preload_content", True),
            decode_content=options.get("decode_content", True),
            request_method=method,
            request_url=url,
        )


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
