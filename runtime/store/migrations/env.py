"""Alembic's entry: runs the migrations on the store that `runtime.store.migrate` hands over."""

from __future__ import annotations

from alembic import context
from sqlalchemy import func, select

from runtime.store.engine import Store
from runtime.store.isolation import protect
from runtime.store.tables import metadata

_MIGRATING = 0x7472_7565  # any number that nothing else in this database locks by


def run() -> None:
    """Migrate inside one unit of work."""
    store: Store = context.config.attributes["store"]
    with store.write() as db:
        if not store.is_sqlite:  # serve and workers that start together migrate one after the other
            db.execute(select(func.pg_advisory_xact_lock(_MIGRATING)))
        context.configure(connection=db, target_metadata=metadata, render_as_batch=True)
        with context.begin_transaction():
            context.run_migrations()
        if not store.is_sqlite:
            protect(db)


run()
