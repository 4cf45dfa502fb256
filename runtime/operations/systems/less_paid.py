"""Invoices on which less is paid than was known: nothing is asked for before the ledger's payments are read.

Somebody deleted a payment there, maybe one of ours. The balance tells of it at the next reading, and no webhook of
Xero's does. Until payments are read, nobody knows which money is gone from the invoice: it may lie there unapplied.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import Connection, bindparam, select

from connectors.contract import Role
from connectors.records import Kind
from runtime.app import App
from runtime.operations.systems.loss import noting_loss
from runtime.operations.systems.pull import pull
from runtime.store import connections
from runtime.store import tables as t
from runtime.store.connections import VendorConnection
from runtime.store.rows import chunks

_LESS_PAID = select(t.document.c.id, t.document.c.less_paid_at).where(
    t.document.c.organisation_id == bindparam("organisation_id"),
    t.document.c.id.in_(bindparam("ids", expanding=True)),
    t.document.c.less_paid_at.is_not(None),
)


def with_unread_payments(db: Connection, organisation_id: str, less_paid_at: Mapping[str, datetime | None]) -> set[str]:
    """Return which documents showed less paid than was known (when, by id) since payments were last read."""
    less_paid = {document_id: at for document_id, at in less_paid_at.items() if at is not None}
    ledger = connections.connection_for_role(db, organisation_id, Role.LEDGER) if less_paid else None
    read_at = connections.watermark(db, ledger.id, Kind.PAYMENT) if ledger else None
    return {document_id for document_id, at in less_paid.items() if read_at is None or at > read_at}


def read_payments_of(app: App, ledger: VendorConnection, documents: Collection[str]) -> None:
    """Read the ledger's payments where one of these documents needs it; a ConnectorError when it cannot be reached."""
    with app.store.read() as db:
        less_paid_at = {
            row.id: row.less_paid_at
            for ids in chunks(sorted(documents))
            for row in db.execute(_LESS_PAID, {"organisation_id": ledger.organisation_id, "ids": list(ids)})
        }
        is_needed = bool(with_unread_payments(db, ledger.organisation_id, less_paid_at))
    if is_needed:
        read_payments(app, ledger)


def read_payments(app: App, ledger: VendorConnection) -> None:
    """Read the payments that the ledger took since they were last read; a ConnectorError when it cannot be reached."""
    with noting_loss(app, ledger):
        pull(app, ledger, kinds=(Kind.PAYMENT,))
