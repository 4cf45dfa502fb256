"""Bringing a database to the current shape with Alembic, imported where it is used: every command would wait for it."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from runtime.store.engine import Store

if TYPE_CHECKING:
    from alembic.config import Config


def _config(store: Store) -> Config:
    from alembic.config import Config  # noqa: PLC0415 - as the module says

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["store"] = store
    return config


def upgrade(store: Store, revision: str = "head") -> None:
    """Apply every migration that the database lacks, up to `revision`."""
    from alembic import command  # noqa: PLC0415 - as the module says

    command.upgrade(_config(store), revision)


@cache
def empty_sqlite() -> bytes:
    """An SQLite file of today's shape without a row, made once a process: copied, it is there many times faster."""
    with TemporaryDirectory(prefix="truedue-template-") as folder:
        file = Path(folder) / "store.sqlite3"
        store = Store(f"sqlite:///{file}")
        upgrade(store)
        store.close()
        return file.read_bytes()


def downgrade(store: Store, revision: str) -> None:
    """Go back to `revision` (`base`: an empty database)."""
    from alembic import command  # noqa: PLC0415 - as the module says

    command.downgrade(_config(store), revision)


def is_current(store: Store) -> bool:
    """Whether the database has the newest shape."""
    from alembic.runtime.migration import MigrationContext  # noqa: PLC0415 - as the module says
    from alembic.script import ScriptDirectory  # noqa: PLC0415 - as the module says

    with store.read() as db:
        current = MigrationContext.configure(db).get_current_revision()
    return current == ScriptDirectory.from_config(_config(store)).get_current_head()
