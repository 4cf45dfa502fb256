"""What promises, disputes and questions of a payer have in common: which invoice it is about, and what must follow."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from receivables.document import DocumentKind, DocumentStatus
from receivables.money import Money
from reminders.replies.amounts import written_amount
from runtime.operations.errors import InputError, RefusedError
from runtime.operations.matching.open_items import pending_allocations
from runtime.operations.reminding.withdraw import withdraw_reminders
from runtime.store import journal
from runtime.store import tables as t
from runtime.store.touch import touch_documents


def open_invoice(db: Connection, organisation_id: str, customer_id: str, document_id: str) -> dict[str, Any]:
    """Return an invoice of this customer that still has something open, as `open_minor`; RefusedError for any other."""
    row = db.execute(
        select(t.document).where(
            t.document.c.organisation_id == organisation_id,
            t.document.c.customer_id == customer_id,
            t.document.c.id == document_id,
            t.document.c.kind == DocumentKind.INVOICE.value,
            t.document.c.status == DocumentStatus.OPEN.value,
        )
    ).first()
    open_minor = row.balance_minor - pending_allocations(db, organisation_id).get(document_id, 0) if row else 0
    if row is None or open_minor <= 0:
        raise RefusedError("this invoice is not open any more: nothing is left to pay on it")
    return {**row._mapping, "open_minor": open_minor}


def plain(text: str, longest: int, asked: str) -> str:
    """Return what a payer wrote, less what cannot be shown; InputError when that is empty or over `longest` characters.

    `asked` is the line that says so, with a place for `longest`.
    """
    said = "".join(letter for letter in text.replace("\r\n", "\n") if letter.isprintable() or letter in "\n\t").strip()
    if not 0 < len(said) <= longest:
        raise InputError(asked, longest=longest)
    return said


def amount_of(text: str, currency: str) -> Money:
    """Return the amount that a payer wrote into a field; InputError where it is none."""
    amount = written_amount(text, currency=currency)
    if amount is None:
        raise InputError("write the amount in numbers, such as 120.50")
    return amount


def follow(
    db: Connection, *, organisation_id: str, document_id: str, actor: str, action: str, detail: str, at: datetime
) -> None:
    """Record it, take the invoice out of planned reminders, and let everything derived from it follow."""
    journal.record(
        db,
        organisation_id=organisation_id,
        at=at,
        actor=actor,
        action=action,
        subject=document_id,
        detail=detail,
    )
    withdraw_reminders(db, organisation_id=organisation_id, document_ids=[document_id], why=detail, at=at)
    touch_documents(db, organisation_id, [document_id], at)
