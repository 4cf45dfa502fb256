"""Who paid for whom before: from what stands applied, and from what people booked in the ledger for money of ours.

Nothing is kept beside it, so an application that is taken back teaches nothing any more.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, select

from reconcile.calibrate import History
from runtime.store import tables as t
from runtime.store.rows import chunks

_PLAIN_ACCOUNT = func.upper(func.replace(t.receipt.c.payer_account, " ", ""))


def learn_payers(db: Connection, organisation_id: str, history: History, payers: Sequence[tuple[str, str]]) -> None:
    """Teach `history` what is known of these accounts and names (a pair each payer), and of the groups behind them."""
    accounts = {"".join(account.split()).upper() for account, _ in payers} - {""}
    names = {name for _, name in payers} - {""}
    for account, customer_id, times in _paid(db, organisation_id, _PLAIN_ACCOUNT, accounts):
        history.know(account=account, customer_id=customer_id, times=times)
    for name, customer_id, times in _paid(db, organisation_id, t.receipt.c.payer_name, names):
        history.know(name=name, customer_id=customer_id, times=times)
    history.parents.update(_parents(db, organisation_id, history.customers()))


def _paid(
    db: Connection, organisation_id: str, key: ColumnElement[str], wanted: Collection[str]
) -> list[tuple[str, str, int]]:
    """Return how many receipts of each wanted key paid for each customer."""
    return [
        (row.payer, row.customer_id, row.times)
        for some in chunks(sorted(wanted))
        for query in (_applied(organisation_id, key), _booked(organisation_id, key))
        for row in db.execute(query.where(key.in_(some)))
    ]


def _applied(organisation_id: str, key: ColumnElement[str]) -> Select[Any]:
    """What we applied and nobody took back."""
    allocation, document, receipt = t.allocation.c, t.document.c, t.receipt.c
    return (
        select(key.label("payer"), document.customer_id, func.count(receipt.id.distinct()).label("times"))
        .select_from(t.receipt)
        .join(t.allocation, allocation.receipt_id == receipt.id)
        .join(t.document, document.id == allocation.document_id)
        .where(receipt.organisation_id == organisation_id, allocation.organisation_id == organisation_id)
        .where(receipt.state == "applied", allocation.undone_at.is_(None), allocation.is_credit.is_(False))
        .group_by(key, document.customer_id)
    )


def _booked(organisation_id: str, key: ColumnElement[str]) -> Select[Any]:
    """What people booked themselves for a customer."""
    payment, receipt = t.ledger_payment.c, t.receipt.c
    return (
        select(key.label("payer"), payment.customer_id, func.count(receipt.id.distinct()).label("times"))
        .select_from(t.receipt)
        .join(t.ledger_payment, payment.receipt_id == receipt.id)
        .where(receipt.organisation_id == organisation_id, payment.organisation_id == organisation_id)
        .where(receipt.state == "recorded", payment.customer_id.is_not(None), payment.deleted.is_(False))
        .group_by(key, payment.customer_id)
    )


def _parents(db: Connection, organisation_id: str, customer_ids: Collection[str]) -> dict[str, str]:
    customer = t.customer.c
    return {
        row.id: row.parent_id
        for some in chunks(sorted(customer_ids))
        for row in db.execute(
            select(customer.id, customer.parent_id).where(
                customer.organisation_id == organisation_id, customer.id.in_(some), customer.parent_id.is_not(None)
            )
        )
    }
