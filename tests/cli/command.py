"""The installed command `truedue`, run as people run it: a process of its own, judged by what it prints and leaves."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.reduction import DupFd
from pathlib import Path
from typing import Protocol

import httpx

from runtime.cli import main
from runtime.cli.program import _COMMANDS
from tests.http_client import client_of

TRUEDUE = Path(sys.executable).with_name("truedue")
KEY = base64.b64encode(bytes(range(32))).decode()
ANOTHER_KEY = base64.b64encode(bytes(range(1, 33))).decode()
XERO_SECRET = "not-a-real-webhook-key"
RUN_SECONDS = 60
START_SECONDS = 90  # a busy machine takes long to import; nothing waits for it where it is not
STOP_SECONDS = 10

# Importing the product takes most of a command's time. One process does it, and each command is a copy of that one.
_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload([__name__, "runtime.cli.refusals", *_COMMANDS])

Result = subprocess.CompletedProcess[str]


class _Handed(Protocol):
    """A file that another process was handed."""

    def detach(self) -> int:
        """Its descriptor here."""


def environment(**settings: str) -> dict[str, str]:
    """Our own environment with these settings of TrueDue and no others."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("TRUEDUE_")}
    return others | {f"TRUEDUE_{name.upper()}": value for name, value in settings.items()}


def truedue(*arguments: object, folder: Path, **settings: str) -> Result:
    """Run the command in `folder` until it ends: a process of its own that had the imports done before it began."""
    words = [str(argument) for argument in arguments]
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = _PROCESSES.Process(
            target=_command, args=(words, folder, environment(**settings), DupFd(out.fileno()), DupFd(err.fileno()))
        )
        process.start()
        process.join(RUN_SECONDS)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired(words, RUN_SECONDS)
        out.seek(0)
        err.seek(0)
        return Result(words, process.exitcode, out.read().decode(), err.read().decode())


def _command(arguments: list[str], folder: Path, environ: dict[str, str], out: _Handed, err: _Handed) -> None:
    """What the installed script does, in a process that is its own."""
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environ)
    os.dup2(out.detach(), 1)
    os.dup2(err.detach(), 2)
    sys.argv = ["truedue", *arguments]
    main()


def installed(*arguments: object, folder: Path, **settings: str) -> Result:
    """Run the installed script in `folder` until it ends, as a shell does; it imports everything anew."""
    return subprocess.run(
        [TRUEDUE, *map(str, arguments)],
        cwd=folder,
        env=environment(**settings),
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
        check=False,
    )


def refused(*arguments: object, folder: Path, **settings: str) -> str:
    """Run the command, which must refuse: exit 2, one line on stderr, nothing on stdout, nothing changed in `folder`.

    Gives the line without the program's name.
    """
    before = contents(folder)
    result = truedue(*arguments, folder=folder, **settings)
    assert (result.returncode, result.stdout) == (2, ""), result
    assert contents(folder) == before
    return one_line(result)


def one_line(result: Result) -> str:
    """The single line that a refusal writes on stderr, without the program's name."""
    assert result.stderr.count("\n") == 1, result.stderr
    assert result.stderr.startswith("truedue: "), result.stderr
    return result.stderr.removeprefix("truedue: ").removesuffix("\n")


def contents(folder: Path) -> dict[str, bytes | None]:
    """Every file and folder below `folder`, with the bytes of the files."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }


@dataclass
class Running:
    """A command that runs until it is stopped; what it says goes to two files."""

    process: subprocess.Popen[bytes]
    log: Path

    @property
    def said(self) -> str:
        return self.log.with_suffix(".out").read_text() + self.log.with_suffix(".err").read_text()

    @property
    def printed(self) -> str:
        return self.log.with_suffix(".out").read_text()

    def terminate(self) -> int:
        """Ask it to end; gives its exit code."""
        self.process.terminate()
        return self.process.wait(STOP_SECONDS)

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(STOP_SECONDS)


@contextmanager
def started(*arguments: object, folder: Path, name: str = "process", **settings: str) -> Iterator[Running]:
    """Start the command in `folder`; it is ended with the context at the latest."""
    log = folder / name
    with log.with_suffix(".out").open("wb") as out, log.with_suffix(".err").open("wb") as err:
        process = subprocess.Popen(
            [TRUEDUE, *map(str, arguments)], cwd=folder, env=environment(**settings), stdout=out, stderr=err
        )
    running = Running(process, log)
    try:
        yield running
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                running.kill()


@contextmanager
def served(folder: Path, *, name: str = "serve", **settings: str) -> Iterator[tuple[Running, httpx.Client]]:
    """Serve until the context ends; gives the process, which answers, and a client of it."""
    port = free_port()
    with (
        started("serve", "--port", port, folder=folder, name=name, **settings) as running,
        client_of(f"http://127.0.0.1:{port}", timeout=STOP_SECONDS, trust_env=False) as http,
    ):
        wait_until(lambda: answers(http), running)
        yield running, http


def answers(http: httpx.Client) -> bool:
    try:
        return http.get("/healthz").status_code == 200
    except httpx.TransportError:
        return False


def wait_until(holds: Callable[[], bool], running: Running, *, seconds: float = START_SECONDS) -> None:
    """Wait until `holds` does; fails with what the process said when it ends or takes longer."""
    ends = time.monotonic() + seconds
    while not holds():
        assert running.process.poll() is None, running.said
        assert time.monotonic() < ends, running.said
        time.sleep(0.05)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def sqlite(folder: Path, name: str = "store.sqlite3") -> str:
    """The address of a database file in `folder`."""
    return f"sqlite:///{folder / name}"


def xero_event(event_id: str, *, category: str = "INVOICE") -> bytes:
    """The body of a Xero webhook with one event."""
    event = {
        "resourceUrl": "",
        "resourceId": event_id,
        "eventDateUtc": "2026-03-10T08:59:00.000",
        "eventType": "UPDATE",
        "eventCategory": category,
        "tenantId": "nobodys-tenant",
        "tenantType": "ORGANISATION",
    }
    return json.dumps({"events": [event], "firstEventSequence": 1, "lastEventSequence": 1, "entropy": "x"}).encode()


def post_xero(http: httpx.Client, body: bytes, *, secret: str = XERO_SECRET) -> httpx.Response:
    signature = base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()
    return http.post("/webhooks/xero", content=body, headers={"x-xero-signature": signature})
