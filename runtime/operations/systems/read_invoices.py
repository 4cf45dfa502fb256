"""Read some invoices in the ledger again, now: before anything rests on them that cannot be taken back."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from enum import StrEnum

from connectors.contract import Role
from connectors.errors import ConnectorError
from connectors.records import Kind
from runtime.app import App
from runtime.operations.systems.absorb.page import absorb
from runtime.operations.systems.absorb.scope import DOCUMENT_LINK
from runtime.operations.systems.less_paid import read_payments_of
from runtime.operations.systems.loss import noting_loss
from runtime.store import connections
from runtime.store.links import external_ids


class Reading(StrEnum):
    """How it went, as a sending counts it."""

    DONE = "ledger_reads"
    FAILED = "ledger_not_read"
    NEEDLESS = "ledger_not_asked"  # there is no ledger, or nothing to read


def read_invoices(app: App, organisation_id: str, documents: Collection[str]) -> Reading:
    """Read these invoices in one call a batch of the ledger's; what cannot be read stays as old as it is.

    Where less is paid on one than was known, the payments are read as well.
    """
    with app.store.read() as db:
        ledger = connections.connection_for_role(db, organisation_id, Role.LEDGER)
        if ledger is None or not documents:
            return Reading.NEEDLESS
        ids = external_ids(db, organisation_id, ledger.system, DOCUMENT_LINK, documents)
    read_at = app.clock()
    try:
        with noting_loss(app, ledger):
            page = app.vendors.connector(ledger).fetch(Kind.INVOICE, sorted(ids.values()))
    except ConnectorError:
        return Reading.FAILED
    with app.store.write() as db:
        absorb(db, connection=ledger, page=page, read_at=read_at)
    with suppress(ConnectorError):  # what is not read is known as such, and holds
        read_payments_of(app, ledger, documents)
    return Reading.DONE
