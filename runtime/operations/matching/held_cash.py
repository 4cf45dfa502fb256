"""Whose money it is that a processor keeps for a payer, and what it holds: it pays nothing until it is applied there.

It is posted nowhere. Applied to a payment of the processor it comes as that payment's receipt, and is posted as such.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, or_, select, update

from receivables.money import Money
from receivables.problem import Problem
from receivables.receipt import Receipt
from runtime.operations.payers.pay_by_transfer import kept_for
from runtime.operations.reminding.facts import credit
from runtime.operations.reminding.withdraw import withdraw_reminders
from runtime.operations.systems.absorb.accounts import candidates
from runtime.store import journal
from runtime.store import tables as t
from sync.links import Account, CustomerBook

NEW, KNOWN, UNKNOWN, SPENT = "new", "known", "unknown", "spent"
PAYER_UNKNOWN = "held_cash_unknown"
_HELD = t.held_cash.c


def recognise_cash(db: Connection, organisation_id: str, now: datetime) -> list[dict[str, Any]]:
    """Find out whose cash it is that is kept for payers; return what nobody of ours is known to have sent."""
    mine = _HELD.organisation_id == organisation_id
    asked = or_(_HELD.state == NEW, _HELD.state == UNKNOWN)
    rows = [dict(row) for row in db.execute(select(t.held_cash).where(mine, asked).order_by(_HELD.id)).mappings()]
    unknown = []
    book: CustomerBook | None = None
    for row in rows:
        if row["amount_minor"] <= 0:
            _settle(db, row, SPENT, row["customer_id"], now)
            continue
        kept = kept_for(db, organisation_id, row["system"], row["external_id"])
        customer_id = kept or row["customer_id"] or _paid_before(db, row)
        if customer_id is None:
            book = book or CustomerBook(candidates(db, organisation_id, row["system"]))
            emails = (row["payer_email"],) if row["payer_email"] else ()
            customer_id = book.by_name(Account(row["payer_name"], emails=emails))
        if customer_id is None:
            unknown.append(row)
            continue
        _settle(db, row, KNOWN, customer_id, now)
        covered = credit(db, organisation_id, [customer_id])
        why = f"{_amount(row)} of the customer's lies at {row['system']} and pays nothing yet"
        withdraw_reminders(db, organisation_id=organisation_id, document_ids=covered, why=why, at=now)
    return unknown


def as_receipt(row: dict[str, Any]) -> Receipt:
    """Cash that is kept, as the receipt that it would be."""
    return Receipt(
        receipt_id=row["id"],
        received_on=row["received_on"],
        amount=_amount(row),
        payer_name=row["payer_name"],
        payer_account=row["external_id"],
        remittance=row["remittance"],
    )


def hold_for(db: Connection, row: dict[str, Any], document_ids: Sequence[str], now: datetime) -> None:
    """Hold the invoices that cash of an unknown payer may be meant for, and tell a person about it."""
    _settle(db, row, UNKNOWN, None, now, plausible=document_ids)
    why = f"{_amount(row)} lies at {row['system']} and may be meant for it"
    withdraw_reminders(db, organisation_id=row["organisation_id"], document_ids=document_ids, why=why, at=now)
    problem = Problem(
        PAYER_UNKNOWN,
        f"{_amount(row)} lies at {row['system']} for {row['payer_name'] or 'a payer'} ({row['external_id']}), who is no"
        " customer that we know.",
        "Apply it there to a payment of theirs or send it back; or give them there the name and the e-mail address that"
        " the customer has in the ledger.",
        row["id"],
    )
    journal.raise_problem(db, organisation_id=row["organisation_id"], problem=problem, at=now)


def _paid_before(db: Connection, row: dict[str, Any]) -> str | None:
    """The customer whose invoices the same payer paid before; None where that is nobody, or several."""
    receipt = t.receipt.c
    paid = db.scalars(
        select(receipt.customer_id)
        .where(
            receipt.organisation_id == row["organisation_id"],
            receipt.source == row["system"],
            receipt.payer_account == row["external_id"],
            receipt.state.in_(("applied", "recorded")),
            receipt.customer_id.is_not(None),
        )
        .distinct()
        .limit(2)
    ).all()
    return paid[0] if len(paid) == 1 else None


def _settle(
    db: Connection,
    row: dict[str, Any],
    state: str,
    customer_id: str | None,
    now: datetime,
    *,
    plausible: Sequence[str] = (),
) -> None:
    values = {"state": state, "customer_id": customer_id, "plausible": list(plausible)}
    if any(row[name] != value for name, value in values.items()):
        db.execute(update(t.held_cash).where(_HELD.id == row["id"]).values(**values))
    if state != UNKNOWN:
        journal.resolve_problem(
            db, organisation_id=row["organisation_id"], code=PAYER_UNKNOWN, subject=row["id"], at=now
        )


def _amount(row: dict[str, Any]) -> Money:
    return Money(row["amount_minor"], row["currency"])
