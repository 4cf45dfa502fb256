"""Payments that went back, or may have: what a person is asked about, or has to look at before reminders go on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, select

from receivables.money import Money
from receivables.receipt import ReceiptStatus
from runtime.operations.matching.debits import RETURNED, SUGGESTED
from runtime.operations.matching.taken_back import documents_of
from runtime.store import tables as t

MAX_RETURNS = 100  # a person works from the top; the rest follows as these are decided


@dataclass(frozen=True, slots=True)
class ReturnItem:
    """A debit of the bank and the payment it takes back; `asks` while a person is to say whether it does.

    `documents` are those (id, number) that the payment pays, or had paid. `is_part` when one payment of several that
    came as one went back: what they pay stays as it is until a person records it.
    """

    debit_id: str
    booked_on: date
    amount: Money
    payer_name: str
    received_on: date
    came: Money
    documents: tuple[tuple[str, str], ...]
    reasons: tuple[str, ...]
    asks: bool
    is_part: bool


def returns_to_review(db: Connection, organisation_id: str) -> tuple[ReturnItem, ...]:
    """Return the payments that went back and wait for a person, the oldest first."""
    rows = db.execute(
        select(t.debit)
        .where(waits_for_a_person(organisation_id))
        .order_by(t.debit.c.booked_on, t.debit.c.id)
        .limit(MAX_RETURNS)
    ).all()
    wanted = [row.receipt_id for row in rows]
    receipts = {
        row.id: dict(row._mapping)
        for row in db.execute(
            select(t.receipt).where(t.receipt.c.organisation_id == organisation_id, t.receipt.c.id.in_(wanted))
        )
    }
    return tuple(_item(db, dict(row._mapping), receipts[row.receipt_id]) for row in rows)


def count_returns(db: Connection, organisation_id: str) -> int:
    """Return how many payments that went back wait for a person."""
    return db.scalar(select(func.count()).select_from(t.debit).where(waits_for_a_person(organisation_id))) or 0


def waits_for_a_person(organisation_id: str) -> ColumnElement[bool]:
    """The condition on a debit that somebody is to decide about it, or to look at what it took back."""
    unseen = (t.debit.c.state == RETURNED) & t.debit.c.decided_at.is_(None)
    return (t.debit.c.organisation_id == organisation_id) & ((t.debit.c.state == SUGGESTED) | unseen)


def _item(db: Connection, row: dict[str, Any], receipt: dict[str, Any]) -> ReturnItem:
    asks = row["state"] == SUGGESTED
    documents = documents_of(db, receipt) if asks else row["held"]
    numbers = db.execute(
        select(t.document.c.id, t.document.c.number)
        .where(t.document.c.organisation_id == row["organisation_id"], t.document.c.id.in_(documents))
        .order_by(t.document.c.number)
    )
    return ReturnItem(
        debit_id=row["id"],
        booked_on=row["booked_on"],
        amount=Money(row["amount_minor"], row["currency"]),
        payer_name=receipt["payer_name"] or row["payee_name"],
        received_on=receipt["received_on"],
        came=Money(receipt["amount_minor"], receipt["currency"]),
        documents=tuple((each.id, each.number) for each in numbers),
        reasons=tuple(row["reasons"]),
        asks=asks,
        is_part=not asks and receipt["status"] == ReceiptStatus.RECEIVED.value,
    )
