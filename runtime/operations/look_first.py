"""Look before people's fields are overwritten in a CRM that takes every write, whatever stands there meanwhile."""

from __future__ import annotations

from collections.abc import Sequence

from connectors.intents import Intent, ShowInvoice
from connectors.records import Kind
from runtime.app import App
from runtime.operations.absorb.page import absorb
from runtime.operations.absorb.scope import DOCUMENT_LINK
from runtime.store.connections import VendorConnection
from runtime.store.links import external_ids


def look_first(app: App, crm: VendorConnection, intents: Sequence[Intent]) -> bool:
    """Read again, and merge, the CRM's invoices in which `intents` write what people edit. False when there is none.

    An edit that somebody made there since we read it would be overwritten unseen; merged, it counts or is a conflict.
    What was never shown there yet has nothing to overwrite, so a first load costs no call.
    """
    overwritten = [each.document_id for each in intents if isinstance(each, ShowInvoice) and _writes_peoples(each)]
    if not overwritten:
        return False
    with app.store.read() as db:
        known = external_ids(db, crm.organisation_id, crm.system, DOCUMENT_LINK, overwritten)
    if not known:
        return False
    read_at = app.clock()
    page = app.vendors.connector(crm).fetch(Kind.INVOICE, sorted(known.values()))
    with app.store.write() as db:
        absorb(db, connection=crm, page=page, read_at=read_at)
    return True


def _writes_peoples(intent: ShowInvoice) -> bool:
    return any(each is not None for each in (intent.due_on, intent.saying, intent.purchase_order, intent.note))
