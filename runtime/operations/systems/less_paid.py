"""Invoices on which less is paid than was known: nothing is asked for before the ledger's payments are read.

Somebody deleted a payment there, maybe one of ours. The balance tells of it at the next reading, and no webhook of
Xero's does. Until payments are read, nobody knows which money is gone from the invoice: it may lie there unapplied.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, select

from connectors.contract import Role
from connectors.records import Kind
from runtime.app import App
from runtime.operations.systems.loss import noting_loss
from runtime.operations.systems.pull import pull
from runtime.store import connections
from runtime.store import tables as t
from runtime.store.connections import VendorConnection
from runtime.store.rows import chunks


def with_unread_payments(db: Connection, organisation_id: str, documents: Iterable[Mapping[str, Any]]) -> set[str]:
    """Return which of these rows of `document` showed less paid than was known since payments were last read."""
    less_paid = {each["id"]: each["less_paid_at"] for each in documents if each["less_paid_at"] is not None}
    ledger = connections.connection_for_role(db, organisation_id, Role.LEDGER) if less_paid else None
    read_at = connections.watermark(db, ledger.id, Kind.PAYMENT) if ledger else None
    return {document_id for document_id, at in less_paid.items() if read_at is None or at > read_at}


def read_payments_of(app: App, ledger: VendorConnection, documents: Collection[str]) -> None:
    """Read the ledger's payments where one of these documents needs it; a ConnectorError when it cannot be reached."""
    document = t.document.c
    with app.store.read() as db:
        rows = [
            row
            for ids in chunks(sorted(documents))
            for row in db.execute(
                select(document.id, document.less_paid_at).where(
                    document.organisation_id == ledger.organisation_id,
                    document.id.in_(ids),
                    document.less_paid_at.is_not(None),
                )
            ).mappings()
        ]
        is_needed = bool(with_unread_payments(db, ledger.organisation_id, rows))
    if is_needed:
        with noting_loss(app, ledger):
            pull(app, ledger, kinds=(Kind.PAYMENT,))
