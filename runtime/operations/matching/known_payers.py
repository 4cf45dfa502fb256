"""Who paid for whom before: from what stands applied, and from what people booked in the ledger for money of ours.

Nothing is kept beside it, so an application that is taken back teaches nothing any more.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cache
from typing import Any

from sqlalchemy import CTE, Column, Connection, Select, bindparam, func, select

from receivables.receipt import account_key
from reconcile.calibrate import History
from runtime.store import tables as t
from runtime.store.rows import beside_an_index, chunks, owned_by


def learn_payers(db: Connection, organisation_id: str, history: History, payers: Sequence[tuple[str, str]]) -> None:
    """Teach `history` what is known of these accounts and names (a pair each payer), and of the groups behind them."""
    accounts = {account_key(account) for account, _ in payers} - {""}
    names = {name for _, name in payers} - {""}
    for account, customer_id, times in _paid(db, organisation_id, t.receipt.c.payer_account_key, accounts):
        history.know(account=account, customer_id=customer_id, times=times)
    for name, customer_id, times in _paid(db, organisation_id, t.receipt.c.payer_name, names):
        history.know(name=name, customer_id=customer_id, times=times)
    history.parents.update(_parents(db, organisation_id, history.customers()))


def _paid(
    db: Connection, organisation_id: str, key: Column[str], wanted: Collection[str]
) -> list[tuple[str, str, int]]:
    """Return how many receipts of each wanted key paid for each customer."""
    return [
        (row.payer, row.customer_id, row.times)
        for some in chunks(sorted(wanted))
        for query in (_applied(key), _booked(key))
        for row in db.execute(query, {"organisation_id": organisation_id, "wanted": list(some)})
    ]


# Asked with every match by two keys, so built once for each.
@cache
def _applied(key: Column[str]) -> Select[Any]:
    """What we applied and nobody took back."""
    allocation, document = t.allocation.c, t.document.c
    paid = _receipts(key, state="applied")
    return (
        select(paid.c.payer, document.customer_id, func.count(paid.c.id.distinct()).label("times"))
        .select_from(paid)
        .join(t.allocation, allocation.receipt_id == paid.c.id)
        .join(t.document, document.id == allocation.document_id)
        .where(allocation.organisation_id == paid.c.organisation_id)
        .where(allocation.undone_at.is_(None), allocation.is_credit.is_(False))
        .group_by(paid.c.payer, document.customer_id)
    )


@cache
def _booked(key: Column[str]) -> Select[Any]:
    """What people booked themselves for a customer."""
    payment = t.ledger_payment.c
    paid = _receipts(key, state="recorded")
    return (
        select(paid.c.payer, payment.customer_id, func.count(paid.c.id.distinct()).label("times"))
        .select_from(paid)
        .join(t.ledger_payment, payment.receipt_id == paid.c.id)
        .where(owned_by(t.ledger_payment, bindparam("organisation_id")))
        .where(payment.customer_id.is_not(None), payment.deleted.is_(False))
        .group_by(paid.c.payer, payment.customer_id)
    )


def _receipts(key: Column[str], *, state: str) -> CTE:
    """The payers' receipts, found before anything is joined to them.

    SQLite knows nothing of how many rows have a value: left to itself it begins with every allocation there is.
    """
    receipt = t.receipt.c
    return (
        select(receipt.id, receipt.organisation_id, key.label("payer"))
        .where(
            receipt.organisation_id == bindparam("organisation_id"),
            key.in_(bindparam("wanted", expanding=True)),
            beside_an_index(receipt.state) == state,
        )
        .cte("paid")
        .prefix_with("MATERIALIZED")
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
