"""The server and its database are killed under load: what was answered 200 is stored, each event once."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import select

from benchmarks.load import Load, run_load
from runtime.store import tables as t
from runtime.store.engine import Store
from tests.cli.command import KEY, XERO_SECRET, Running, served, sqlite, wait_until, xero_event
from tests.postgres import Cluster, NoPostgresError, Server, cluster
from tests.shared import unavailable

EVENTS = 20_000  # more than any machine takes before it is killed
STORED_BEFORE_THE_KILL = 300
CONNECTIONS = 64
LOAD_SECONDS = 60

pytestmark = pytest.mark.long


def _request(number: int) -> bytes:
    body = xero_event(f"event-{number:05}")
    signature = base64.b64encode(hmac.new(XERO_SECRET.encode(), body, hashlib.sha256).digest()).decode()
    lines = ("POST /webhooks/xero HTTP/1.1", "Host: 127.0.0.1", f"x-xero-signature: {signature}")
    return "\r\n".join((*lines, f"Content-Length: {len(body)}", "", "")).encode() + body


def _stored(url: str) -> Counter[str]:
    store = Store(url)
    try:
        with store.read() as db:
            return Counter(db.scalars(select(t.inbox.c.external_id)))
    finally:
        store.close()


def _loaded_and_killed(port: int, url: str, running: Running, kill: Callable[[], None]) -> Load:
    """Post events until, with STORED_BEFORE_THE_KILL of them stored, `kill` ends whatever it ends."""
    requests = [_request(number) for number in range(EVENTS)]
    with ThreadPoolExecutor(1) as pool:
        loading = pool.submit(run_load, port, requests, connections=CONNECTIONS, seconds=LOAD_SECONDS)
        wait_until(lambda: _stored(url).total() >= STORED_BEFORE_THE_KILL, running)
        kill()
        running.process.kill()
        running.process.wait()
        return loading.result()


def _judge(port: int, url: str, load: Load) -> None:
    """Nothing answered is missing; what is posted again, answered before or not, is stored once."""
    assert STORED_BEFORE_THE_KILL <= len(load.taken) < EVENTS
    assert load.broken, "the kill came when nobody waited"
    stored = _stored(url)
    missing = [number for number in load.taken if f"event-{number:05}" not in stored]
    assert missing == []
    sent = max(load.taken) + 1
    again = run_load(port, [_request(number) for number in range(sent)], connections=CONNECTIONS, seconds=LOAD_SECONDS)
    assert len(again.taken) == sent
    after = _stored(url)
    assert set(after) >= {f"event-{number:05}" for number in range(sent)}
    assert set(after.values()) == {1}


def _settings(url: str) -> dict[str, str]:
    return {"key": KEY, "database_url": url, "xero_webhook_secret": XERO_SECRET}


def test_on_sqlite_a_killed_server_has_kept_what_it_answered(tmp_path: Path) -> None:
    url = sqlite(tmp_path)
    with served(tmp_path, **_settings(url)) as (running, http):
        load = _loaded_and_killed(http.base_url.port or 0, url, running, lambda: None)
    with served(tmp_path, name="again", **_settings(url)) as (_, http):
        _judge(http.base_url.port or 0, url, load)


@pytest.fixture
def durable() -> Iterator[Cluster]:
    with ExitStack() as stack:
        try:
            made = stack.enter_context(cluster())
        except NoPostgresError as error:
            unavailable(str(error))
        yield made


def test_on_postgresql_a_killed_server_and_a_killed_database_have_kept_what_they_answered(
    tmp_path: Path, durable: Cluster
) -> None:
    with durable.running() as server, served(tmp_path, **_settings(_url(server))) as (running, http):
        load = _loaded_and_killed(http.base_url.port or 0, _url(server), running, durable.kill)
    with durable.running() as server, served(tmp_path, name="again", **_settings(_url(server))) as (_, http):
        _judge(http.base_url.port or 0, _url(server), load)


def _url(server: Server) -> str:
    return server.url("postgres")
