"""Serves stand-ins on loopback."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from sandbox.standin import StandIn

LOOPBACK = "127.0.0.1"
POLL_SECONDS = 0.05  # how long a stop waits at most


class _QuietHandler(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"  # keep-alive, as the vendors have it

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        logging.getLogger("sandbox.http").debug("%s %s %s", self.requestline, code, size)


@dataclass
class Served:
    """A stand-in listening at `url`."""

    standin: StandIn
    url: str
    _server: BaseWSGIServer
    _thread: threading.Thread

    def stop(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._thread.join(timeout=10)
        self._server.server_close()


def serve(standin: StandIn, *, port: int = 0) -> Served:
    """Listen on loopback (port 0: a free one) and answer in background threads; OSError when the port is taken."""
    server = make_server(LOOPBACK, port, standin, threaded=True, request_handler=_QuietHandler)
    thread = threading.Thread(
        target=server.serve_forever, args=(POLL_SECONDS,), name=f"sandbox-{standin.name}", daemon=True
    )
    thread.start()
    return Served(standin, f"http://{LOOPBACK}:{server.server_port}", server, thread)
