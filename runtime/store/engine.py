"""Opening the database: SQLite (WAL) by default, PostgreSQL by address."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

from sqlalchemy import Connection, Engine, bindparam, create_engine, event, func, literal_column, make_url, select
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, OperationalError

from runtime.store.isolation import EVERYBODY, SETTING, reached

BUSY_TIMEOUT_SECONDS = 15
POOL_SIZE = 10
STATEMENT_TIMEOUT_SECONDS = 60
CONNECT_TIMEOUT_SECONDS = 5
# A plan is kept as long as its connection: one made for tables that were empty would read a whole load for every page.
_PLAN_AFRESH = "-c plan_cache_mode=force_custom_plan"
_POSTGRES_ARGUMENTS: dict[str, Any] = {
    "connect_timeout": CONNECT_TIMEOUT_SECONDS,
    # Instants come back in one zone, whatever the server's is.
    "options": (
        f"-c statement_timeout={STATEMENT_TIMEOUT_SECONDS * 1000} -c timezone=UTC {_PLAN_AFRESH} "
        f"-c {SETTING}={EVERYBODY}"
    ),
}


# Until the transaction ends.
_FOR_ONE = select(func.set_config(SETTING, bindparam("organisation_id"), literal_column("true")))


class StoreAddressError(ValueError):
    """TRUEDUE_DATABASE_URL is not an address of SQLite or PostgreSQL."""


class Store:
    """A database that units of work run against."""

    def __init__(self, url: str) -> None:
        self.engine = _engine(url)
        # Whether this is the embedded database (one writer at a time, one serving process).
        self.is_sqlite = self.engine.dialect.name == "sqlite"

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Run one unit of work: committed as a whole at the end, rolled back as a whole on any exception."""
        with self.engine.connect() as db, db.begin():
            # A unit of work that will write takes the write lock first: a deferred transaction that reads and then
            # writes fails at once when another writer came between, whatever the busy time-out.
            self._begin(db, "BEGIN IMMEDIATE")
            yield db

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Read from one consistent state; nothing is written."""
        with self.engine.connect() as db, db.begin():
            self._begin(db, "BEGIN")
            yield db

    def driver_arguments(self) -> dict[str, Any]:
        """Return what psycopg opens a connection to this database (PostgreSQL) with, as our pool does."""
        _, of_the_address = self.engine.dialect.create_connect_args(self.engine.url)
        return {**of_the_address, **_POSTGRES_ARGUMENTS}

    def close(self) -> None:
        """Let go of all connections."""
        self.engine.dispose()

    def _begin(self, db: Connection, statement: str) -> None:
        """Begin on SQLite, whose driver begins nothing by itself; PostgreSQL's does, and is told for whom it is."""
        if not self.is_sqlite:
            if reached() != EVERYBODY:
                db.execute(_FOR_ONE, {"organisation_id": reached()})
            return
        # Said to the driver itself: an event of SQLAlchemy's would have it look for listeners at every statement.
        driver = cast("sqlite3.Connection", db.connection.driver_connection)
        try:
            driver.execute(statement)
        except sqlite3.OperationalError as error:
            raise OperationalError(statement, None, error) from error


def _engine(address: str) -> Engine:
    try:
        url = make_url(address)
    except ArgumentError:
        raise StoreAddressError(f"TRUEDUE_DATABASE_URL is not a database address: {address!r}") from None
    if url.get_backend_name() == "sqlite":
        # An error that is logged never tells what a statement was given: names, addresses, tokens.
        engine = create_engine(
            url, pool_size=POOL_SIZE, hide_parameters=True, connect_args={"timeout": BUSY_TIMEOUT_SECONDS}
        )
        event.listen(engine, "connect", _prepare_sqlite)
        return engine
    if url.get_backend_name() == "postgresql":
        return create_engine(
            url.set(drivername="postgresql+psycopg"),
            pool_size=POOL_SIZE,
            pool_pre_ping=True,
            hide_parameters=True,
            connect_args=_POSTGRES_ARGUMENTS,
        )
    raise StoreAddressError(f"TRUEDUE_DATABASE_URL must be sqlite or postgresql, not {url.get_backend_name()}")


def _prepare_sqlite(connection: DBAPIConnection, _record: Any) -> None:  # noqa: ANN401 - SQLAlchemy's pool record
    if isinstance(connection, sqlite3.Connection):
        connection.isolation_level = None  # we say BEGIN ourselves, see Store._begin
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")
