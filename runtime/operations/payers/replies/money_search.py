"""Look for the money that a payer says they sent: theirs, anybody's of that amount, and what the ledger holds."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, or_, select

from receivables.document import DocumentStatus
from receivables.money import Money
from receivables.receipt import LIVING
from reminders.message import AnswerKind
from runtime.operations.applying.applications import proposed_items
from runtime.store import tables as t

SEARCHED = timedelta(days=90)  # money that came before this is no news to anybody
NEAR = timedelta(days=10)  # of the day that the payer names, for money of others
MAX_FOUND = 20
_UNSETTLED = frozenset({"new", "suggested", "unidentified", "awaited", "undone", "coded"})


@dataclass(frozen=True, slots=True)
class Found:
    """What was found. `lines` are for people here and may name other customers; `amount` and `day` are the payer's own
    money alone, and may be told to them.
    """

    kind: AnswerKind
    lines: tuple[str, ...]
    amount: Money | None = None
    day: date | None = None


def search_money(
    db: Connection,
    organisation_id: str,
    *,
    customer_id: str,
    document_ids: Collection[str],
    amount: Money | None,
    day: date | None,
    now: datetime,
) -> Found:
    """Look for money of this customer, and for any of the amount that they name or owe, near the day that they name."""
    documents = _documents(db, organisation_id, document_ids)
    wanted = _wanted(documents, amount)
    since = (now - SEARCHED).date()
    theirs, others = [], []
    for row in _receipts(db, organisation_id, customer_id, wanted, since):
        is_theirs = row["customer_id"] == customer_id or bool(set(row["plausible"] or ()) & set(document_ids))
        if is_theirs:
            theirs.append(row)
        elif _is_near(row["received_on"], day):
            others.append(row)
    lines = [_line(row, "theirs") for row in theirs] + [_line(row, "of the same amount") for row in others]
    booked = list(_booked(db, organisation_id, customer_id, wanted, since=since, day=day))
    lines += [line for line, _ in booked]
    if documents and all(row["status"] == DocumentStatus.PAID.value for row in documents):
        last = max((row for row in theirs if row["state"] == "applied"), key=_received, default=None)
        return _found(AnswerKind.SETTLED, lines, last)
    waiting = [row for row in theirs if row["state"] in _UNSETTLED or row["status"] == "in_flight"]
    if waiting:
        own = max(waiting, key=_received)
        return _found(AnswerKind.ARRIVED, lines, own if own["customer_id"] == customer_id else None)
    if any(row["state"] in _UNSETTLED for row in others) or any(is_open for _, is_open in booked):
        return Found(AnswerKind.ARRIVED, tuple(lines[:MAX_FOUND]))
    return Found(AnswerKind.NOT_FOUND, tuple(lines[:MAX_FOUND]) or ("No money of this customer or of this amount.",))


def _found(kind: AnswerKind, lines: list[str], row: dict[str, Any] | None) -> Found:
    if row is None:
        return Found(kind, tuple(lines[:MAX_FOUND]))
    return Found(kind, tuple(lines[:MAX_FOUND]), Money(row["amount_minor"], row["currency"]), row["received_on"])


def _received(row: dict[str, Any]) -> date:
    day: date = row["received_on"]
    return day


def _documents(db: Connection, organisation_id: str, document_ids: Collection[str]) -> list[dict[str, Any]]:
    document = t.document.c
    rows = db.execute(
        select(document.id, document.status, document.balance_minor, document.total_minor, document.currency).where(
            document.organisation_id == organisation_id, document.id.in_(document_ids)
        )
    )
    return [dict(row._mapping) for row in rows]


def _wanted(documents: list[dict[str, Any]], amount: Money | None) -> set[tuple[str, int]]:
    """The amounts that the money may have: what is named, each invoice, and all of them."""
    found = {(amount.currency, amount.minor)} if amount is not None else set()
    for row in documents:
        found |= {(row["currency"], row["total_minor"]), (row["currency"], row["balance_minor"])}
    for currency in {row["currency"] for row in documents}:
        found.add((currency, sum(row["balance_minor"] for row in documents if row["currency"] == currency)))
    return {(currency, minor) for currency, minor in found if minor > 0}


def _receipts(
    db: Connection, organisation_id: str, customer_id: str, wanted: set[tuple[str, int]], since: date
) -> list[dict[str, Any]]:
    receipt, proposal = t.receipt.c, t.proposal.c
    of_amount = receipt.amount_minor.in_([minor for _, minor in wanted])
    rows = db.execute(
        select(t.receipt, proposal.plausible, proposal.body, t.customer.c.name.label("customer_name"))
        .outerjoin(
            t.proposal, (proposal.receipt_id == receipt.id) & (proposal.organisation_id == receipt.organisation_id)
        )
        .outerjoin(
            t.customer,
            (t.customer.c.id == receipt.customer_id) & (t.customer.c.organisation_id == receipt.organisation_id),
        )
        .where(
            receipt.organisation_id == organisation_id,
            receipt.status.in_(LIVING),
            receipt.received_on >= since,
            or_(receipt.customer_id == customer_id, of_amount),
        )
        .order_by(receipt.received_on.desc(), receipt.id)
        .limit(MAX_FOUND * 5)
    )
    found = [dict(row._mapping) for row in rows]
    return [
        row for row in found if row["customer_id"] == customer_id or (row["currency"], row["amount_minor"]) in wanted
    ]


def _booked(
    db: Connection,
    organisation_id: str,
    customer_id: str,
    wanted: set[tuple[str, int]],
    *,
    since: date,
    day: date | None,
) -> Iterator[tuple[str, bool]]:
    """Yield what the ledger holds that is not ours, and whether some of it pays nothing yet."""
    payment = t.ledger_payment.c
    rows = db.execute(
        select(t.ledger_payment)
        .where(
            payment.organisation_id == organisation_id,
            payment.deleted.is_(False),
            payment.receipt_id.is_(None),
            payment.received_on >= since,
            or_(payment.customer_id == customer_id, payment.amount_minor.in_([minor for _, minor in wanted])),
        )
        .order_by(payment.received_on.desc(), payment.id)
        .limit(MAX_FOUND)
    )
    for row in rows:
        is_theirs = row.customer_id == customer_id
        if not is_theirs and ((row.currency, row.amount_minor) not in wanted or not _is_near(row.received_on, day)):
            continue
        is_open = row.coded or row.unapplied_minor > 0
        where = (
            "booked to an account" if row.coded else "not set against an invoice" if is_open else "set against invoices"
        )
        whose = "theirs" if is_theirs else "of the same amount"
        amount = Money(row.amount_minor, row.currency)
        yield f"In the ledger: {amount} of {row.received_on}, {whose}, {where}.", is_open


def _is_near(received_on: date, day: date | None) -> bool:
    return day is None or abs(received_on - day) <= NEAR


def _line(row: dict[str, Any], whose: str) -> str:
    amount = Money(row["amount_minor"], row["currency"])
    payer = row["payer_name"] or "an unnamed payer"
    pays = ""
    if row["state"] == "applied":
        pays = f", applied for {row['customer_name'] or 'somebody'}"
    elif row["body"] and proposed_items(row["body"]):
        pays = ", waits for a decision on the review page"
    return f"{amount} received on {row['received_on']} from {payer}, {whose}, {row['state']}{pays}."
