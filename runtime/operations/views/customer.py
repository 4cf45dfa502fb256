"""What a customer has open, as a person of ours sees it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection

from runtime.operations.matching.open_items import open_invoices
from runtime.operations.payers.pause import paused_until


@dataclass(frozen=True, slots=True)
class PausedInvoice:
    """An open invoice whose reminders a person paused, through the day `until`."""

    document_id: str
    number: str
    until: date


def paused_invoices(
    db: Connection, organisation_id: str, customer_id: str, *, now: datetime
) -> tuple[PausedInvoice, ...]:
    """Return the open invoices of a customer that are paused, by due date."""
    documents = [each.document for each in open_invoices(db, organisation_id, customer_id)]
    paused = paused_until(db, organisation_id, [each.document_id for each in documents], now)
    return tuple(
        PausedInvoice(each.document_id, each.number, paused[each.document_id])
        for each in documents
        if each.document_id in paused
    )
