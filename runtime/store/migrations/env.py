"""Alembic's entry: runs the migrations on the store that `runtime.store.migrate` hands over."""

from __future__ import annotations

from alembic import context

from runtime.store.engine import Store
from runtime.store.tables import metadata


def run() -> None:
    """Migrate inside one unit of work."""
    store: Store = context.config.attributes["store"]
    with store.write() as db:
        context.configure(connection=db, target_metadata=metadata, render_as_batch=True)
        with context.begin_transaction():
            context.run_migrations()


run()
