"""What databases of tests share: today's shape, migrated once a process and then copied, and compiled statements."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.util import LRUCache

from runtime.store.engine import Store
from runtime.store.migrate import empty_sqlite, upgrade


def migrate(store: Store, like: bytes | None = None) -> None:
    """Give a database today's shape; an SQLite file that is not there yet is made as a copy of a migrated one.

    That is `like`, with the rows in it, if it is given.
    """
    file = Path(store.engine.url.database or "") if store.is_sqlite else None
    if file is None or file.exists():
        upgrade(store)
    else:
        file.write_bytes(empty_sqlite() if like is None else like)


class _Compiled(LRUCache[Any, Any]):
    """Statements as they were compiled for one kind of database, whichever engine asked first."""

    def get(self, key: Any, default: Any = None) -> Any:  # noqa: ANN401 - as SQLAlchemy's own cache
        return super().get((key[0].name, *key[1:]), default)

    def __setitem__(self, key: Any, value: Any) -> None:  # noqa: ANN401
        super().__setitem__((key[0].name, *key[1:]), value)


def share_compiled_statements() -> None:
    """Compile each statement once a process: each test has an engine of its own, which would begin anew."""
    shared = _Compiled(5_000)

    @event.listens_for(Engine, "engine_connect")
    def _share(connection: Connection) -> None:
        connection.engine._compiled_cache = shared
