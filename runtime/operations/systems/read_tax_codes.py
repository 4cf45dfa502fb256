"""Reading the ledger's tax codes: once a day, and when somebody asks for it."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

from sqlalchemy import delete, insert, select, update

from connectors import registry
from connectors.contract import ListsTaxCodes, Role
from connectors.errors import ConnectorError
from connectors.records import Kind
from runtime.app import App
from runtime.operations.errors import RefusedError
from runtime.operations.systems.pull import pull
from runtime.store import connections
from runtime.store import tables as t
from runtime.store.connections import VendorConnection

ASKED_EVERY = timedelta(days=1)
ASKED_AGAIN_AFTER = timedelta(minutes=1)  # however often somebody presses the button: each asking costs calls


def refresh_tax_codes(app: App, connection: VendorConnection) -> None:
    """Read a ledger's tax codes, at most once a day; without an answer those that were read before stay."""
    if not _asked_within(app, connection, ASKED_EVERY):
        with suppress(ConnectorError):  # no answer is no news: reading goes on, and it is asked again tomorrow
            _read(app, connection)


def read_accounts_again(app: App, *, organisation_id: str) -> None:
    """Read accounts and tax codes now, because somebody changed them; within a minute it is left at what was read.

    RefusedError where no ledger is connected, or it does not answer.
    """
    with app.store.read() as db:
        ledger = connections.connection_for_role(db, organisation_id, Role.LEDGER)
    if ledger is None:
        raise RefusedError("no ledger is connected: connect Xero or QuickBooks")
    if _asked_within(app, ledger, ASKED_AGAIN_AFTER):
        return
    with app.turns.take(f"read {ledger.id}") as is_ours:
        if not is_ours:
            raise RefusedError("the ledger is being read just now: try again in a moment")
        try:
            pull(app, ledger, kinds=[Kind.ACCOUNT])
            _read(app, ledger)
        except ConnectorError as error:
            title = registry.declaration(ledger.system).title
            raise RefusedError(f"{title} could not be read just now ({error}): try again in a moment") from error


def _asked_within(app: App, connection: VendorConnection, span: timedelta) -> bool:
    with app.store.read() as db:
        asked_at = db.scalar(select(t.connection.c.tax_codes_asked_at).where(t.connection.c.id == connection.id))
    return asked_at is not None and asked_at > app.clock() - span


def _read(app: App, connection: VendorConnection) -> None:
    connector = app.vendors.connector(connection)
    if not isinstance(connector, ListsTaxCodes):
        return
    mine, now = t.connection.c.id == connection.id, app.clock()
    with app.store.write() as db:
        db.execute(update(t.connection).where(mine).values(tax_codes_asked_at=now))
    found = connector.tax_codes()
    rows = [
        {
            "organisation_id": connection.organisation_id,
            "code": each.code,
            "name": each.name,
            "per_cent": f"{each.per_cent.normalize():f}",
        }
        for each in found
    ]
    with app.store.write() as db:
        connections.lock_organisation(db, connection.organisation_id)
        db.execute(delete(t.tax_code).where(t.tax_code.c.organisation_id == connection.organisation_id))
        if rows:
            db.execute(insert(t.tax_code), rows)
        db.execute(update(t.connection).where(mine).values(tax_codes_read_at=now))
