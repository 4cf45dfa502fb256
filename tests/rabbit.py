"""A RabbitMQ node of our own, to stop and start again: the machine's own one is left alone."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SERVER = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
START_SECONDS = 60.0
STOP_SECONDS = 30.0


class NoRabbitError(Exception):
    """There is no RabbitMQ on this machine to start."""


class Node:
    """One node; `url` is where it answers while it runs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port, self._distribution = _free_ports()
        self._name = f"truedue-{secrets.token_hex(4)}@localhost"
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"amqp://guest:guest@127.0.0.1:{self._port}//"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        environment = os.environ | {
            "HOME": str(self._folder),
            "RABBITMQ_NODENAME": self._name,
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self._port),
            "RABBITMQ_DIST_PORT": str(self._distribution),
            "RABBITMQ_MNESIA_BASE": str(self._folder / "data"),
            "RABBITMQ_LOG_BASE": str(self._folder / "log"),
            "RABBITMQ_PID_FILE": str(self._folder / "pid"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self._folder / "plugins"),
            "RABBITMQ_CONFIG_FILE": str(self._folder / "none"),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
        }
        with (self._folder / "said").open("ab") as said:
            self._process = subprocess.Popen(
                [SERVER], env=environment, stdout=said, stderr=said, start_new_session=True
            )
        ends = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > ends:
                raise NoRabbitError((self._folder / "said").read_text()[-2_000:])
            time.sleep(0.2)

    def stop(self) -> None:
        """Stop it; what it kept on disk stays."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(STOP_SECONDS)

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self._port), timeout=1) as probe:
                probe.sendall(b"AMQP\x00\x00\x09\x01")
                return bool(probe.recv(1))
        except OSError:
            return False


@contextmanager
def node() -> Iterator[Node]:
    """Run a node until the context ends; NoRabbitError where RabbitMQ is not installed."""
    if not SERVER.exists() or shutil.which("erl") is None:
        raise NoRabbitError("RabbitMQ is not installed")
    with tempfile.TemporaryDirectory(prefix="truedue-rabbit-") as folder:
        made = Node(Path(folder))
        try:
            made.start()
            yield made
        finally:
            made.stop()


def _free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1]), int(other.getsockname()[1])
