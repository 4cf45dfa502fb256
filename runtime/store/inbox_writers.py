"""Writers of the inbox for an event loop: what one is given is a transaction of its own.

SQLite has one, on a thread. PostgreSQL has several, on connections of the loop's own: a thread that talks to a database
waits for the interpreter after each of its answers, as long as the loop is busy, which is most of what a commit takes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import Executor
from typing import Protocol

import psycopg
from sqlalchemy.exc import InterfaceError, OperationalError

from runtime.store.engine import CONNECT_TIMEOUT_SECONDS, STATEMENT_TIMEOUT_SECONDS, Store
from runtime.store.intake import ARRAYS, arrays, store_notices
from runtime.store.rows import Row

POSTGRES_WRITERS = 4  # beside one that waits for its turn or for the disk, others go on
ANSWER_SECONDS = CONNECT_TIMEOUT_SECONDS + STATEMENT_TIMEOUT_SECONDS  # for a server that cannot even give up

_ARRAYS = ARRAYS.encode()  # psycopg takes text only where it is a literal


class DatabaseAwayError(Exception):
    """The database does not answer, or not in time: what it was given may be asked of it later."""


class InboxWriter(Protocol):
    """Writes one group of notices at a time."""

    async def write(self, rows: Sequence[Row]) -> int:
        """Commit notices, each a row of `inbox`, all or none, and return how many were new.

        DatabaseAwayError when the database is away; any other error is the database's about these rows.
        """

    async def close(self) -> None:
        """Let go of the database."""


def inbox_writers(store: Store, threads: Executor) -> list[InboxWriter]:
    """Return the writers that write to `store` side by side, on one of `threads` if they need one.

    They open their connections when they need them.
    """
    return [_OnThread(store, threads)] if store.is_sqlite else [_OnLoop(store) for _ in range(POSTGRES_WRITERS)]


class _OnThread:
    """A unit of work on a thread."""

    def __init__(self, store: Store, threads: Executor) -> None:
        self._store = store
        self._threads = threads

    async def write(self, rows: Sequence[Row]) -> int:
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._write, rows)

    def _write(self, rows: Sequence[Row]) -> int:
        try:
            with self._store.write() as db:
                return store_notices(db, rows)
        except (OperationalError, InterfaceError) as error:
            raise DatabaseAwayError from error

    async def close(self) -> None:
        """Keep nothing open: the connections are the store's."""


class _OnLoop:
    """One statement on a connection that commits each by itself: one round trip to the database and back."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._connection: psycopg.AsyncConnection | None = None

    async def write(self, rows: Sequence[Row]) -> int:
        values = arrays(self._store.engine.dialect, rows)
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await self._write(values)
        except (psycopg.OperationalError, psycopg.InterfaceError, TimeoutError) as error:
            raise DatabaseAwayError from error

    async def _write(self, values: Sequence[object]) -> int:
        if self._connection is not None:
            try:
                return (await self._connection.execute(_ARRAYS, values)).rowcount
            except (psycopg.OperationalError, psycopg.InterfaceError):
                if not self._connection.closed:
                    raise
            # That a server was started anew is noticed at the next statement only. Should this one have taken effect,
            # nothing is new the second time, and the workers' sweep finds what nobody tells them of.
        arguments = self._store.driver_arguments()
        self._connection = await psycopg.AsyncConnection.connect(autocommit=True, **arguments)
        return (await self._connection.execute(_ARRAYS, values)).rowcount

    async def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()
