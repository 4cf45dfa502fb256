"""Taking turns between workers: what two of them need not do at once, one does and the other leaves alone.

Turns save calls; nothing depends on them for being right. A worker that dies gives its turns back.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import text

from runtime.store.engine import Store

_TRY = text("SELECT pg_try_advisory_lock(hashtextextended(:name, 0))")
_END = text("SELECT pg_advisory_unlock(hashtextextended(:name, 0))")


class Turns:
    """The turns of one process; with PostgreSQL they are shared with every other process of the same database."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._mine: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    @contextmanager
    def take(self, name: str) -> Iterator[bool]:
        """Give True to the one who has the turn `name` until the context ends, False to everybody else, at once."""
        lock = self._mine[name]
        if not lock.acquire(blocking=False):
            yield False
            return
        try:
            with self._among_processes(name) as is_ours:
                yield is_ours
        finally:
            lock.release()

    @contextmanager
    def _among_processes(self, name: str) -> Iterator[bool]:
        if self._store.is_sqlite:
            yield True
            return
        # A connection of its own: the lock ends with the session that holds it, however that ends.
        with self._store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as session:
            is_ours = bool(session.scalar(_TRY, {"name": name}))
            try:
                yield is_ours
            finally:
                if is_ours:
                    session.execute(_END, {"name": name})
