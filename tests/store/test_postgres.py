"""The server that tests fall back to where the machine has none."""

from __future__ import annotations

import psycopg
import pytest

from runtime.store.engine import Store
from runtime.store.migrate import is_current, upgrade
from tests import postgres


def test_a_server_from_the_wheel_serves_the_store_and_ends_with_the_tests() -> None:
    with postgres.started() as server:
        assert server.port != postgres.MACHINE_PORT
        with server.database() as name:
            store = Store(server.url(name))
            upgrade(store)
            assert is_current(store)
            store.close()
        with server.connect() as db:
            assert db.execute("SELECT 40 + 2").fetchone() == (42,)
            assert db.execute("SELECT count(*) FROM pg_database WHERE datname = %s", [name]).fetchone() == (0,)
            assert db.execute("SHOW listen_addresses").fetchone() == ("127.0.0.1",)
    with pytest.raises(psycopg.OperationalError):
        server.connect()
