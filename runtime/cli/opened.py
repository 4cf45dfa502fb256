"""Opening the product for a command."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from runtime.app import App, build
from runtime.operations.errors import InputError
from runtime.settings import load
from runtime.store import connections, migrate
from runtime.store.connections import Organisation
from runtime.store.engine import Store


@contextmanager
def opened_app() -> Iterator[App]:
    """Build the product, with its database brought up to date."""
    app = build(load())
    try:
        migrate.upgrade(app.store)
        yield app
    finally:
        app.close()


@contextmanager
def opened_store() -> Iterator[Store]:
    """Open the database to read from it; InputError when it is not there or not up to date."""
    settings = load()
    file = settings.sqlite_file()
    if file is not None and not file.is_file():
        raise InputError(f"{file}: there is no database; run `truedue serve` or set TRUEDUE_DATABASE_URL")
    store = Store(settings.database_url)
    try:
        if not migrate.is_current(store):
            raise InputError("the database is of another version: run `truedue serve` once to bring it up to date")
        yield store
    finally:
        store.close()


def chosen_organisation(store: Store, organisation_id: str | None) -> Organisation:
    """Return the organisation named, or the only one there is."""
    with store.read() as db:
        known = connections.organisations(db)
    chosen = [each for each in known if organisation_id in (None, each.id)]
    if len(chosen) == 1:
        return chosen[0]
    if organisation_id is not None:
        raise InputError(f"there is no organisation {organisation_id}")
    raise InputError("name the organisation with --org: " + ", ".join(f"{each.id} ({each.name})" for each in known))


def aware(text: str) -> datetime:
    """Read a date and time with its zone; InputError for anything else."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(f"--as-of {text}: not a date and time such as 2026-11-17T10:00:00+00:00") from None
    if moment.tzinfo is None:
        raise InputError(f"--as-of {text}: add the time zone, such as +00:00 or Z")
    return moment
