"""Bringing a database to the current shape with Alembic."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from runtime.store.engine import Store


def _config(store: Store) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["store"] = store
    return config


def upgrade(store: Store, revision: str = "head") -> None:
    """Apply every migration that the database lacks, up to `revision`."""
    command.upgrade(_config(store), revision)


def downgrade(store: Store, revision: str) -> None:
    """Go back to `revision` (`base`: an empty database)."""
    command.downgrade(_config(store), revision)


def is_current(store: Store) -> bool:
    """Whether the database has the newest shape."""
    with store.read() as db:
        current = MigrationContext.configure(db).get_current_revision()
    return current == ScriptDirectory.from_config(_config(store)).get_current_head()
