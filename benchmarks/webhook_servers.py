"""The servers that `benchmarks.webhooks` compares, each a process of its own."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import uvicorn
from flask import Flask, request

from runtime.app import App, build
from runtime.listening import LOOPBACK, free_port
from runtime.operations.inbox.intake import Intake
from runtime.operations.inbox.take_webhook import Webhook
from runtime.settings import Settings
from runtime.store.migrate import upgrade
from runtime.web.application import create_web

SECRET = "not-a-real-webhook-key"  # noqa: S105 - both sides of the bench are ours
FLASK_THREADS = 8
START_SECONDS = 60.0
_DATABASE = "TRUEDUE_BENCH_DATABASE"
_BUSY_SECONDS = 15


class _NoIntake(Intake):
    """Keeps nothing: what is left is the server, the guards, the signature and the reading."""

    async def keep(self, webhook: Webhook) -> None:
        """Return at once."""


def serve(kind: str, url: str, port: int) -> None:
    """Serve TrueDue's web application in one process without workers; `noop` verifies and stores nothing."""
    app = _opened(url)
    web = create_web(app, _NoIntake(app) if kind == "noop" else None)
    uvicorn.run(web, host=LOOPBACK, port=port, log_level="warning", access_log=False)


def prepare(url: str) -> None:
    """Make the tables of TrueDue and the one of the Flask view."""
    app = _opened(url)
    upgrade(app.store)
    with app.store.write() as db:
        number, body = ("INTEGER", "BLOB") if app.store.is_sqlite else ("BIGSERIAL", "BYTEA")
        db.exec_driver_sql(
            f"CREATE TABLE flask_inbox (id {number} PRIMARY KEY, event_id TEXT NOT NULL UNIQUE, body {body} NOT NULL,"
            " received_at DOUBLE PRECISION NOT NULL)"
        )
    app.close()


def count(url: str, table: str) -> int:
    """Return how many rows a table has."""
    app = _opened(url)
    with app.store.read() as db:
        rows = int(db.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one())  # noqa: S608 - our own name
    app.close()
    return rows


def _opened(url: str) -> App:
    key = base64.b64encode(bytes(32)).decode()
    return build(Settings.model_validate({"database_url": url, "key": key, "stripe_webhook_secret": SECRET}))


def flask_app() -> Flask:
    """Return the plain view: verify, one insert, commit, answer. Its database is named in the environment."""
    app = Flask(__name__)
    insert = _inserting(os.environ[_DATABASE])

    @app.post("/webhooks/stripe")
    def webhook() -> tuple[str, int]:
        body = request.get_data()
        parts = dict(part.split("=", 1) for part in request.headers["Stripe-Signature"].split(","))
        expected = hmac.new(SECRET.encode(), parts["t"].encode() + b"." + body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(expected, parts["v1"]):
            return "", 401
        insert(json.loads(body)["id"], body)
        return "", 200

    return app


def _inserting(url: str) -> Callable[[str, bytes], None]:
    """Return what inserts one event and commits, on a connection that each thread keeps."""
    mine = threading.local()
    values = "INSERT INTO flask_inbox (event_id, body, received_at) VALUES"
    if url.startswith("sqlite:///"):

        def insert_sqlite(event_id: str, body: bytes) -> None:
            if not hasattr(mine, "db"):
                mine.db = sqlite3.connect(url.removeprefix("sqlite:///"), timeout=_BUSY_SECONDS, isolation_level=None)
                mine.db.execute("PRAGMA journal_mode=WAL")
                mine.db.execute("PRAGMA synchronous=FULL")
            mine.db.execute(f"{values} (?, ?, ?) ON CONFLICT DO NOTHING", (event_id, body, time.time()))

        return insert_sqlite

    def insert_postgresql(event_id: str, body: bytes) -> None:
        if not hasattr(mine, "db"):
            mine.db = psycopg.connect(url, autocommit=True)
        mine.db.execute(f"{values} (%s, %s, %s) ON CONFLICT DO NOTHING", (event_id, body, time.time()))

    return insert_postgresql


@contextmanager
def started(kind: str, url: str, *, flask_processes: int) -> Iterator[int]:
    """Start a server of this kind (`truedue`, `noop` or `flask`) and stop it at the end; gives its port."""
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.webhook_servers", kind, url, str(port)]
    if kind == "flask":
        command = [sys.executable, "-m", "gunicorn", "--worker-class", "gthread", "--threads", str(FLASK_THREADS)]
        command += ["--workers", str(flask_processes), "--keep-alive", "60", "--log-level", "error"]
        command += ["--bind", f"{LOOPBACK}:{port}", "benchmarks.webhook_servers:flask_app()"]
    process = subprocess.Popen(command, env=os.environ | {_DATABASE: url})
    try:
        yield port
    finally:
        process.terminate()
        process.wait(START_SECONDS)


if __name__ == "__main__":
    serve(sys.argv[1], sys.argv[2], int(sys.argv[3]))
