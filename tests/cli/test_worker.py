"""`truedue worker` beside `truedue serve`, on PostgreSQL and RabbitMQ."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from tests.cli.command import (
    KEY,
    XERO_SECRET,
    free_port,
    post_xero,
    refused,
    served,
    sqlite,
    started,
    wait_until,
    xero_event,
)
from tests.shared import unavailable

BROKERS = {"rabbitmq": ("amqp://guest:guest@127.0.0.1:5672//", 5672), "redis": ("redis://127.0.0.1:6379/9", 6379)}
BROKER = BROKERS["rabbitmq"][0]
SWEEP_SECONDS = 15
NOT_FOLLOWED = "SUBSCRIPTION"  # a category of Xero's that nothing here follows


@pytest.fixture(scope="module", params=["rabbitmq", pytest.param("redis", marks=pytest.mark.long)])
def broker(request: pytest.FixtureRequest) -> str:
    address, port = BROKERS[request.param]
    try:
        socket.create_connection(("127.0.0.1", port), timeout=3).close()
    except OSError as error:
        unavailable(f"{request.param} does not answer on port {port}: {error}")
    return address


def settled(database: str, external_id: str) -> Callable[[], bool]:
    """Whether the stored event of this object is done."""

    def is_done() -> bool:
        with psycopg.connect(database) as db:
            return db.execute("SELECT state FROM inbox WHERE external_id = %s", (external_id,)).fetchall() == [
                ("done",)
            ]

    return is_done


@pytest.mark.parametrize("of_memory", ["database", "broker"])
def test_it_is_refused_without_what_crosses_processes(tmp_path: Path, of_memory: str) -> None:
    url = sqlite(tmp_path) if of_memory == "database" else f"postgresql://postgres@127.0.0.1:{free_port()}/postgres"
    settings = {"key": KEY, "database_url": url} | ({"broker_url": BROKER} if of_memory == "database" else {})
    line = refused("worker", folder=tmp_path, **settings)
    assert line == "workers need PostgreSQL and a broker: set TRUEDUE_DATABASE_URL and TRUEDUE_BROKER_URL"


def test_a_wake_crosses_the_broker_and_a_lost_one_is_made_up_for_by_the_sweep(
    tmp_path: Path, database: str, broker: str
) -> None:
    settings = {"key": KEY, "database_url": database, "xero_webhook_secret": XERO_SECRET}
    nobody = f"amqp://guest:guest@127.0.0.1:{free_port()}//"
    with (
        served(tmp_path, broker_url=broker, **settings) as (_, http),
        # Without --beat this worker sweeps nothing: only a wake makes it look.
        started("worker", "--concurrency", 1, folder=tmp_path, name="a", broker_url=broker, **settings) as woken,
    ):
        wait_until(lambda: " ready." in woken.said, woken)
        assert post_xero(http, xero_event("woken", category=NOT_FOLLOWED)).status_code == 200
        wait_until(settled(database, "woken"), woken)
        assert woken.terminate() == 0, woken.said
    with (
        started("worker", "--beat", folder=tmp_path, name="b", broker_url=broker, **settings) as sweeping,
        served(tmp_path, name="unheard", broker_url=nobody, **settings) as (_, http),
    ):
        answer = post_xero(http, xero_event("unheard", category=NOT_FOLLOWED))
        assert (answer.status_code, answer.content) == (200, b"")
        wait_until(settled(database, "unheard"), sweeping, seconds=2 * SWEEP_SECONDS)
        assert sweeping.terminate() == 0, sweeping.said
    assert [path.name for path in tmp_path.iterdir() if path.suffix not in (".out", ".err")] == []


def test_serve_and_a_worker_may_start_together_on_a_fresh_database(tmp_path: Path, database: str, broker: str) -> None:
    settings = {"key": KEY, "database_url": database, "broker_url": broker}
    with (
        started("worker", folder=tmp_path, name="worker", **settings) as worker,
        served(tmp_path, **settings) as (_, http),
    ):
        wait_until(lambda: " ready." in worker.said, worker)
        assert http.get("/readyz").status_code == 200
