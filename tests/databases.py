"""SQLite databases of today's shape: migrated once a process and then copied, which is many times faster."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from runtime.store.engine import Store
from runtime.store.migrate import upgrade


def migrate(store: Store) -> None:
    """Give a database today's shape; an SQLite file that is not there yet is made as a copy of a migrated one."""
    file = Path(store.engine.url.database or "") if store.is_sqlite else None
    if file is None or file.exists():
        upgrade(store)
    else:
        file.write_bytes(_migrated())


@cache
def _migrated() -> bytes:
    with TemporaryDirectory(prefix="truedue-template-") as folder:
        file = Path(folder) / "store.sqlite3"
        store = Store(f"sqlite:///{file}")
        upgrade(store)
        store.close()
        return file.read_bytes()
