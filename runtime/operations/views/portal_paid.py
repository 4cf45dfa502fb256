"""The invoices of a payer that money has paid: which, on which day, and how much of it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import Connection, select

from receivables.document import DocumentKind, DocumentStatus
from receivables.money import Money, total
from runtime.operations.matching.open_items import open_documents
from runtime.operations.reminding.replay import payments_of
from runtime.store import tables as t
from runtime.store.connections import Organisation

SHOWN_DAYS = 365  # paid no longer ago
MAX_SHOWN = 100
MAX_LOOKED_AT = 1_000  # invoices of one payer, the latest by due date


@dataclass(frozen=True, slots=True)
class PaidInvoice:
    """An invoice of which nothing is open; `paid` is what came as money by `paid_on`, the day of its last part."""

    document_id: str
    number: str
    issued_on: date
    total: Money
    paid: Money
    paid_on: date


def paid_invoices(
    db: Connection, organisation: Organisation, customer_id: str, *, still_open: Collection[str], now: datetime
) -> tuple[PaidInvoice, ...]:
    """Return what the customer has paid in the last SHOWN_DAYS, the latest first, MAX_SHOWN at most.

    It counts once it is applied here, before the ledger shows it. `still_open` are those that the customer is asked
    for. What no money paid, but credit notes alone or nobody, is none of it.
    """
    candidates = set(_sent(db, organisation.id, customer_id)) - set(still_open)
    documents = open_documents(db, organisation.id, document_ids=candidates)
    money = payments_of(db, organisation, documents, cash_only=True)
    found = []
    for each in (one.document for one in documents):
        parts = money.get(each.document_id, [])
        if parts:
            paid, paid_on = total([part.amount for part in parts], each.total.currency), max(p.paid_on for p in parts)
            found.append(PaidInvoice(each.document_id, each.number, each.issued_on, each.total, paid, paid_on))
    first = now.astimezone(organisation.zone).date() - timedelta(days=SHOWN_DAYS)
    recent = (each for each in found if each.paid_on >= first)
    return tuple(sorted(recent, key=lambda each: (-each.paid_on.toordinal(), each.number))[:MAX_SHOWN])


def _sent(db: Connection, organisation_id: str, customer_id: str) -> list[str]:
    document = t.document.c
    statement = (
        select(document.id)
        .where(
            document.organisation_id == organisation_id,
            document.customer_id == customer_id,
            document.kind == DocumentKind.INVOICE.value,
            document.status.in_((DocumentStatus.OPEN.value, DocumentStatus.PAID.value)),
            document.sent,
        )
        .order_by(document.due_on.desc(), document.id)
        .limit(MAX_LOOKED_AT)
    )
    return list(db.scalars(statement))
