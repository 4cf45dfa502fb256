"""What a customer has open and what is known of them, as a person of ours sees it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, select

from reminders.risk import Risk
from runtime.operations.matching.open_items import open_invoices
from runtime.operations.payers.pause import paused_until
from runtime.operations.reminding.debtors import policies_for
from runtime.operations.reminding.habits import paid_lately, risks
from runtime.operations.reminding.policies import current
from runtime.store import tables as t
from runtime.store.connections import Organisation


@dataclass(frozen=True, slots=True)
class PausedInvoice:
    """An open invoice whose reminders a person paused, through the day `until`."""

    document_id: str
    number: str
    until: date


@dataclass(frozen=True, slots=True)
class Profile:
    """What is known of a customer: the policy that counts for them, their risk, and what the CRM tells of their
    business (in words, "" where it tells nothing).
    """

    policy: str
    risk: Risk
    business: str


def profile(db: Connection, organisation: Organisation, customer_id: str, *, now: datetime) -> Profile:
    """Return what is known of a customer now."""
    book = current(db, organisation.id).book
    policies = policies_for(db, organisation, book, customer_ids=[customer_id], now=now)
    today = now.astimezone(organisation.zone).date()
    paid = paid_lately(db, organisation.id, customer_ids=[customer_id], today=today)
    risk = risks(db, organisation, customer_ids=[customer_id], now=now, paid=paid)
    return Profile(
        policy=policies.get(customer_id, book.default).name,
        risk=risk[customer_id],
        business=_business(db, organisation.id, customer_id),
    )


def _business(db: Connection, organisation_id: str, customer_id: str) -> str:
    customer = t.customer.c
    mine = (customer.organisation_id == organisation_id) & (customer.id == customer_id)
    row = db.execute(select(customer.industry, customer.employees).where(mine)).first()
    if row is None:
        return ""
    size = "" if row.employees is None else f"{row.employees:,} {'employee' if row.employees == 1 else 'employees'}"
    return ", ".join(filter(None, (row.industry, size)))


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
