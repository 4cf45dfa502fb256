"""Opening the product for a command."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from runtime.app import App, build
from runtime.operations.doctor import is_database_file, require_key
from runtime.operations.errors import InputError
from runtime.settings import Settings, load
from runtime.store import connections, migrate
from runtime.store.connections import Organisation
from runtime.store.engine import Store

# No books reach further, and every date that a decision counts to from here exists.
_FIRST_YEAR, _LAST_YEAR = 1900, 2200


@contextmanager
def opened_app(*, may_make: bool = False) -> Iterator[App]:
    """Build the product, with its database brought up to date; a database file is only made where one `may_make` it.

    SettingsError or InputError, before anything is made, when the key or the database is not usable.
    """
    settings = load()
    settings.encryption_key()
    if not may_make:
        require_database(settings)
    app = build(settings)
    try:
        migrate.upgrade(app.store)
        require_key(app.store, app.vault)
        yield app
    finally:
        app.close()


@contextmanager
def opened_store() -> Iterator[Store]:
    """Open the database to read from it; InputError when it is not there or not up to date."""
    settings = load()
    require_database(settings)
    store = Store(settings.database_url)
    try:
        if not migrate.is_current(store):
            raise InputError("the database is of another version: run `truedue serve` once to bring it up to date")
        yield store
    finally:
        store.close()


def require_database(settings: Settings) -> None:
    """InputError when the SQLite file is missing or was not made by us; it is not opened, which would change it."""
    file = settings.sqlite_file()
    if file is None:
        return
    if not file.is_file():
        raise InputError(f"{file}: there is no database; run `truedue serve` or set TRUEDUE_DATABASE_URL")
    if not is_database_file(file):
        raise InputError(f"{file}: this is not a database of TrueDue; set TRUEDUE_DATABASE_URL")


def chosen_organisation(store: Store, organisation_id: str | None) -> Organisation:
    """Return the organisation named, or the only one there is."""
    with store.read() as db:
        known = connections.organisations(db)
    chosen = [each for each in known if organisation_id in (None, each.id)]
    if len(chosen) == 1:
        return chosen[0]
    if organisation_id is not None:
        raise InputError(f"there is no organisation {organisation_id}")
    if not known:
        raise InputError("there is no organisation yet: make one with `truedue connect SYSTEM --create NAME`")
    raise InputError("name the organisation with --org: " + ", ".join(f"{each.id} ({each.name})" for each in known))


def aware(text: str) -> datetime:
    """Read a date and time with its zone; InputError for anything else."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(f"--as-of {text}: not a date and time such as 2026-11-17T10:00:00+00:00") from None
    if moment.tzinfo is None:
        raise InputError(f"--as-of {text}: add the time zone, such as +00:00 or Z")
    if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        raise InputError(f"--as-of {text}: the year must be {_FIRST_YEAR} to {_LAST_YEAR}")
    return moment
