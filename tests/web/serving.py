"""Serving the web application over real HTTP, in a thread of the test process."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from runtime.app import App
from runtime.web.application import create_web

START_SECONDS = 10


@contextmanager
def serving(app: App) -> Iterator[str]:
    """Serve `app` on a free port of this machine; gives the address."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(create_web(app), log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    ends = time.monotonic() + START_SECONDS
    while not server.started:
        if time.monotonic() > ends:
            raise TimeoutError("the server did not start")
        time.sleep(0.01)
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join(START_SECONDS)
