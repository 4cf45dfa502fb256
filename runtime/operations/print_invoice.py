"""An invoice as PDF, as its ledger prints it: what a customer knows, and what their bookkeeping files."""

from __future__ import annotations

import logging

from sqlalchemy import select

from connectors.contract import PrintsInvoices, Role
from connectors.errors import ConnectorError
from receivables.document import DocumentKind, DocumentStatus
from runtime.app import App
from runtime.operations.absorb.scope import DOCUMENT_LINK
from runtime.operations.errors import RefusedError
from runtime.store import connections
from runtime.store import tables as t
from runtime.store.connections import CONNECTED
from runtime.store.links import external_ids

_LATER = "this invoice cannot be fetched just now: try again in a minute"
_PRINTED = (DocumentStatus.OPEN.value, DocumentStatus.PAID.value)
_log = logging.getLogger(__name__)


def print_invoice(app: App, *, organisation_id: str, customer_id: str, document_id: str) -> tuple[str, bytes]:
    """Return the number and the PDF of an invoice that was sent to this customer.

    RefusedError where there is no such invoice, or the ledger cannot be asked now: nothing is made up in its place.
    """
    with app.store.read() as db:
        document = db.execute(
            select(t.document.c.number, t.document.c.changed_at).where(
                t.document.c.organisation_id == organisation_id,
                t.document.c.customer_id == customer_id,
                t.document.c.id == document_id,
                t.document.c.kind == DocumentKind.INVOICE.value,
                t.document.c.status.in_(_PRINTED),
                t.document.c.sent,
            )
        ).first()
        ledger = connections.connection_for_role(db, organisation_id, Role.LEDGER)
        if document is None:
            raise RefusedError("there is no such invoice")
        if ledger is None or ledger.status != CONNECTED:
            raise RefusedError(_LATER)
        named = external_ids(db, organisation_id, ledger.system, DOCUMENT_LINK, [document_id])
    connector = app.vendors.connector(ledger)
    if document_id not in named or not isinstance(connector, PrintsInvoices):
        raise RefusedError(_LATER)
    try:
        pdf = app.printed.get(document_id, document.changed_at, lambda: connector.printed(named[document_id]))
    except ConnectorError as error:
        _log.warning("an invoice of %s cannot be printed: %s", ledger.system, error)
        raise RefusedError(_LATER) from error
    return document.number, pdf
