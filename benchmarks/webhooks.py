"""Durable webhook intake beside a verify-only no-op of the same server and a plain Flask view, in one run.

Every server takes the same signed Stripe events of 1.5 KB over keep-alive connections from this process. The servers
are loaded in turn, round after round, so that a busy moment of the machine meets all of them; what counts is the ratio
within a round. Prints a table, or one object with `--json`; exit 1 when an aim is missed or an answered event is not
stored.
"""

from __future__ import annotations

import argparse
import hashlib
import hmac
import json
import os
import platform
import secrets
import socket
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from itertools import product
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from benchmarks.load import Load, run_load
from benchmarks.webhook_servers import FLASK_THREADS, SECRET, START_SECONDS, count, prepare, started
from tests.postgres import NoPostgresError, Server, cluster, machine

EVENT_BYTES = 1_500
MAX_RATE = 15_000  # events made for each second of a load: more than one process takes
WARM_UP_SECONDS = 1.0
MIN_OF_NOOP = 0.4
MIN_OF_FLASK = 4.0
KINDS = ("noop", "truedue", "flask")
_TABLES = {"truedue": "inbox", "flask": "flask_inbox"}


@dataclass
class Measured:
    """One server on one database, and each round's load of it."""

    kind: str
    database: str
    url: str
    port: int
    answered: int = 0
    loads: list[Load] = field(default_factory=list)

    def take(self, seconds: float, connections: int, *, warm_up: bool = False) -> None:
        """Load it once; the first time only to warm it up."""
        events = signed_events(int(MAX_RATE * seconds), int(time.time()))
        load = run_load(self.port, events, connections=connections, seconds=seconds)
        self.answered += len(load.taken)
        if load.refused or load.broken:
            raise RuntimeError(f"{self.kind}: {load.refused} events were refused and {load.broken} connections broke")
        if not warm_up:
            self.loads.append(load)


def signed_events(number: int, at: int) -> list[bytes]:
    """Return that many requests, each a signed event with an id of its own."""
    run = secrets.token_hex(8)
    about: dict[str, object] = {"id": "pi_1", "object": "payment_intent", "amount": 12_000, "currency": "gbp"}
    event = {"id": f"evt_{run}00000000", "object": "event", "account": "acct_bench", "created": at}
    event |= {"type": "payment_intent.succeeded", "livemode": False, "data": {"object": about}}
    about["description"] = "x" * (EVENT_BYTES - len(json.dumps(event)) - len(', "description": ""'))
    before, after = json.dumps(event).encode().split(b"00000000", 1)
    return [_post(before + b"%08d" % each + after, at) for each in range(number)]


def _post(body: bytes, at: int) -> bytes:
    signature = hmac.new(SECRET.encode(), b"%d." % at + body, hashlib.sha256).hexdigest()
    head = (
        "POST /webhooks/stripe HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: Stripe/1.0\r\nAccept: */*\r\n"
        f"Content-Type: application/json\r\nStripe-Signature: t={at},v1={signature}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


@contextmanager
def databases() -> Iterator[dict[str, str]]:
    """Give the address of an empty SQLite file and of an empty PostgreSQL database, both with full durability."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="truedue-bench-")))
        server = machine() or stack.enter_context(stack.enter_context(cluster()).running())
        _require_durable(server)
        urls = {
            "sqlite": f"sqlite:///{folder / 'bench.sqlite3'}",
            "postgresql": server.url(stack.enter_context(server.database())),
        }
        for url in urls.values():
            prepare(url)
        yield urls


def _require_durable(server: Server) -> None:
    with server.connect() as db:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            row = db.execute(sql.SQL("SHOW {}").format(sql.Identifier(setting))).fetchone()
            if row != ("on",):
                raise NoPostgresError(f"the PostgreSQL on port {server.port} has {setting} {row}: it must be on")


def _wait_for(port: int) -> None:
    ends = time.monotonic() + START_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            if time.monotonic() > ends:
                raise
            time.sleep(0.05)
        else:
            return


def measure(rounds: int, seconds: float, connections: int, flask_processes: int) -> list[Measured]:
    """Start every server, load them in turn, and count what is stored; RuntimeError when an answered event is not."""
    with databases() as urls, ExitStack() as stack:
        all_of_them = []
        for (name, url), kind in product(urls.items(), KINDS):
            port = stack.enter_context(started(kind, url, flask_processes=flask_processes))
            all_of_them.append(Measured(kind, name, url, port))
            _wait_for(port)
            all_of_them[-1].take(WARM_UP_SECONDS, connections, warm_up=True)
        for number in range(rounds):
            for each in all_of_them:
                print(f"round {number + 1} of {rounds}: {each.kind} on {each.database}", file=sys.stderr)
                each.take(seconds, connections)
        for each in all_of_them:
            if each.kind in _TABLES and (stored := count(each.url, _TABLES[each.kind])) != each.answered:
                raise RuntimeError(f"{each.kind} on {each.database}: {each.answered} answered, {stored} stored")
    return all_of_them


def summary(measured: list[Measured]) -> dict[str, Any]:
    """Return medians of the rounds, the ratios within each round, and which aims are missed."""
    rows, missed = [], []
    of = {(each.database, each.kind): each for each in measured}
    for each in measured:
        row: dict[str, Any] = {
            "server": each.kind,
            "database": each.database,
            "answered_a_second": round(statistics.median(load.rate for load in each.loads)),
            "p50_ms": _milliseconds(each, 0.5),
            "p99_ms": _milliseconds(each, 0.99),
        }
        if each.kind == "truedue":
            flask = of[each.database, "flask"]
            row["of_noop"] = _ratio(each, of[each.database, "noop"])
            row["of_flask"] = _ratio(each, flask)
            missed += _missed(row, _milliseconds(flask, 0.99))
        rows.append(row)
    return {"machine": _machine(), "rows": rows, "missed": missed}


def _ratio(one: Measured, other: Measured) -> float:
    pairs = zip(one.loads, other.loads, strict=True)
    return round(statistics.median(mine.rate / theirs.rate for mine, theirs in pairs), 2)


def _milliseconds(each: Measured, share: float) -> float:
    return round(1_000 * statistics.median(load.wait_at(share) for load in each.loads), 1)


def _missed(row: dict[str, Any], flask_p99: float) -> list[str]:
    aims = (
        ("of_noop", row["of_noop"] >= MIN_OF_NOOP, f"at least {MIN_OF_NOOP} of the no-op"),
        ("of_flask", row["of_flask"] >= MIN_OF_FLASK, f"at least {MIN_OF_FLASK} times Flask"),
        ("p99_ms", row["p99_ms"] <= flask_p99, f"a p99 of at most Flask's {flask_p99} ms"),
    )
    return [f"{row['database']}: {row[name]} where the aim is {aim}" for name, holds, aim in aims if not holds]


def _machine() -> dict[str, str]:
    packages = ("uvicorn", "uvloop", "httptools", "sqlalchemy", "psycopg", "flask", "gunicorn")
    return {
        "cores": str(os.cpu_count()),
        "load": f"{os.getloadavg()[0]:.1f}",
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "packages": ", ".join(f"{name} {version(name)}" for name in packages),
    }


def _table(found: dict[str, Any], connections: int, flask_processes: int) -> Iterator[str]:
    yield ", ".join(f"{name} {text}" for name, text in found["machine"].items())
    yield f"{connections} keep-alive connections, events of {EVENT_BYTES:,} bytes; TrueDue: one process"
    yield f"Flask: gunicorn gthread, {flask_processes} processes of {FLASK_THREADS} threads"
    names = ("database", "server", "answered_a_second", "p50_ms", "p99_ms", "of_noop", "of_flask")
    yield "  ".join(f"{name:>17}" for name in names)
    for row in found["rows"]:
        yield "  ".join(f"{row.get(name, ''):>17}" for name in names)
    yield from (f"missed: {each}" for each in found["missed"])


def main() -> int:
    """Measure, print, and return 1 when an aim is missed."""
    parser = argparse.ArgumentParser(prog="bench-webhooks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4.0, help="of each load")
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--flask-processes", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    try:
        measured = measure(given.rounds, given.seconds, given.connections, given.flask_processes)
    except (RuntimeError, NoPostgresError, psycopg.OperationalError, OSError) as error:
        print(f"bench-webhooks: {error}", file=sys.stderr)
        return 1
    found = summary(measured)
    if given.json:
        print(json.dumps(found))
    else:
        print("\n".join(_table(found, given.connections, given.flask_processes)))
    return 1 if found["missed"] else 0


if __name__ == "__main__":
    sys.exit(main())
