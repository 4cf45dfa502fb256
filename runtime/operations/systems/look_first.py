"""Look before people's fields are overwritten in a CRM that takes every write, whatever stands there meanwhile."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, select

from connectors.contract import Connector, FetchesByKey
from connectors.intents import Intent, ShowInvoice
from connectors.records import Kind, Page
from runtime.app import App
from runtime.operations.systems.absorb.page import absorb
from runtime.operations.systems.absorb.scope import DOCUMENT_LINK
from runtime.store import tables as t
from runtime.store.connections import VendorConnection
from runtime.store.links import external_ids
from runtime.store.rows import among, owned_by


def look_first(app: App, crm: VendorConnection, intents: Sequence[Intent]) -> bool:
    """Read again, and merge, the CRM's invoices in which `intents` write what people edit. False when there is none.

    An edit that somebody made there since we read it would be overwritten unseen; merged, it counts or is a conflict.
    What was never written there yet has nothing to overwrite, so a first load costs no call. What was written and
    never answered may stand there under our id.
    """
    overwritten = [each.document_id for each in intents if isinstance(each, ShowInvoice) and _writes_peoples(each)]
    if not overwritten:
        return False
    with app.store.read() as db:
        known = external_ids(db, crm.organisation_id, crm.system, DOCUMENT_LINK, overwritten)
        unanswered = _unanswered(db, crm.organisation_id, [each for each in overwritten if each not in known])
    if not known and not unanswered:
        return False
    read_at = app.clock()
    pages = _read(app.vendors.connector(crm), sorted(known.values()), unanswered)
    with app.store.write() as db:
        for page in pages:
            absorb(db, connection=crm, page=page, read_at=read_at)
    return True


def _unanswered(db: Connection, organisation_id: str, document_ids: Sequence[str]) -> list[str]:
    """Return which of these documents, of which no record is known, were written before."""
    document = t.document.c
    wanted = owned_by(t.document, organisation_id) & among(db, document.id, document_ids)
    return list(db.scalars(select(document.id).where(wanted, document.first_shown.is_not(None)).order_by(document.id)))


def _read(connector: Connector, external_ids: Sequence[str], document_ids: Sequence[str]) -> list[Page]:
    pages = [connector.fetch(Kind.INVOICE, external_ids)] if external_ids else []
    if document_ids and isinstance(connector, FetchesByKey):
        pages.append(connector.fetch_by_key(Kind.INVOICE, document_ids))
    return pages


def _writes_peoples(intent: ShowInvoice) -> bool:
    return any(each is not None for each in (intent.due_on, intent.saying, intent.purchase_order, intent.note))
