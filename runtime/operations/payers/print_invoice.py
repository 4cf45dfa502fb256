"""An invoice as PDF, as its ledger prints it: what a customer knows, and what their bookkeeping files."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from connectors.contract import Connector, PrintsInvoices, Role
from connectors.errors import ConnectorError
from receivables.document import DocumentKind, DocumentStatus
from runtime.app import App
from runtime.operations.errors import RefusedError
from runtime.operations.systems.absorb.scope import DOCUMENT_LINK
from runtime.store import connections
from runtime.store import tables as t
from runtime.store.connections import CONNECTED
from runtime.store.links import external_ids
from runtime.vault import VaultError

LATER = "this invoice cannot be fetched just now: try again in a minute"
_PRINTED = (DocumentStatus.OPEN.value, DocumentStatus.PAID.value)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AtLedger:
    """An invoice that was sent, and how its ledger is asked about it."""

    number: str
    changed_at: datetime
    system: str
    account: str
    external_id: str
    connector: Connector


def at_ledger(app: App, *, organisation_id: str, document_id: str, customer_id: str | None) -> AtLedger:
    """Return an invoice that was sent (to this customer, where one is named); RefusedError where there is none.

    RefusedError also while its ledger cannot be asked.
    """
    document = t.document.c
    with app.store.read() as db:
        row = db.execute(
            select(document.number, document.changed_at, document.customer_id).where(
                document.organisation_id == organisation_id,
                document.id == document_id,
                document.kind == DocumentKind.INVOICE.value,
                document.status.in_(_PRINTED),
                document.sent,
            )
        ).first()
        ledger = connections.connection_for_role(db, organisation_id, Role.LEDGER)
        if row is None or customer_id not in (None, row.customer_id):
            raise RefusedError("there is no such invoice")
        if ledger is None or ledger.status != CONNECTED:
            raise RefusedError(LATER)
        named = external_ids(db, organisation_id, ledger.system, DOCUMENT_LINK, [document_id])
    if document_id not in named:
        raise RefusedError(LATER)
    connector = app.vendors.connector(ledger)
    return AtLedger(
        row.number, row.changed_at, ledger.system, ledger.account.external_id, named[document_id], connector
    )


def print_invoice(app: App, *, organisation_id: str, customer_id: str, document_id: str) -> tuple[str, bytes]:
    """Return the number and the PDF of an invoice that was sent to this customer.

    RefusedError where there is no such invoice, or the ledger cannot be asked now: nothing is made up in its place.
    """
    found = at_ledger(app, organisation_id=organisation_id, document_id=document_id, customer_id=customer_id)
    connector = found.connector
    if not isinstance(connector, PrintsInvoices):
        raise RefusedError(LATER)
    try:
        pdf = app.printed.get(document_id, found.changed_at, lambda: connector.printed(found.external_id))
    except (ConnectorError, VaultError) as error:
        _log.warning("an invoice of %s cannot be printed: %s", found.system, error)
        raise RefusedError(LATER) from error
    return found.number, pdf
