"""Pages of the processor on which payers began to pay: which of them may still bring money."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select

from receivables.money import Money
from receivables.receipt import LIVING
from runtime.store import tables as t

LIFETIME = timedelta(hours=1)  # so long a checkout that was begun holds (DESIGN section 3), so no page lives longer
MAX_BEGUN = 1_000  # looked at in one organisation: more within an hour are of somebody who plays
_BEGUN = (
    select(t.checkout)
    .where(
        t.checkout.c.organisation_id == bindparam("organisation_id"),
        t.checkout.c.begun_at <= bindparam("now"),
        t.checkout.c.expires_at > bindparam("now"),
    )
    .order_by(t.checkout.c.begun_at.desc(), t.checkout.c.id)
    .limit(MAX_BEGUN)
)


@dataclass(frozen=True, slots=True)
class Checkout:
    """A page on which a customer began to pay `amounts` (by document); `address` is None until the processor gave it.

    One that does not hold reminders back was begun after too many others for the same items. One `by_transfer` tells
    where to send the money: it says nothing of whether somebody did.
    """

    id: str
    customer_id: str
    amounts: Mapping[str, Money]
    address: str | None
    holds: bool
    by_transfer: bool
    begun_at: datetime
    expires_at: datetime


def begun(db: Connection, organisation_id: str, now: datetime) -> list[Checkout]:
    """Return the checkouts that are not over and that no payment came of yet, the newest first."""
    rows = db.execute(_BEGUN, {"organisation_id": organisation_id, "now": now}).all()
    paid = _paid_since(db, organisation_id, min((row.begun_at for row in rows), default=None))
    return [_checkout(row) for row in rows if not any(_pays(payment, row) for payment in paid)]


def begun_lately(db: Connection, organisation_id: str, customer_id: str, since: datetime) -> list[Collection[str]]:
    """Return the documents of each checkout that a customer began since."""
    checkout = t.checkout.c
    mine = (checkout.organisation_id == organisation_id) & (checkout.customer_id == customer_id)
    begun_for = db.scalars(select(checkout.amounts).where(mine, checkout.begun_at > since))
    return [[document_id for document_id, _ in each] for each in begun_for]


def _paid_since(db: Connection, organisation_id: str, since: datetime | None) -> list[Row[Any]]:
    """Payments that were noticed since, by our own clock; none of a processor's that failed."""
    if since is None:
        return []
    receipt = t.receipt.c
    mine = (receipt.organisation_id == organisation_id) & (receipt.noticed_at >= since)
    of_processor = receipt.read_at.is_not(None) & receipt.status.in_(LIVING)
    return list(db.execute(select(receipt.hints, receipt.noticed_at).where(mine, of_processor)))


def _pays(payment: Row[Any], checkout: Row[Any]) -> bool:
    named = set(payment.hints.get("item_ids", []))
    return payment.noticed_at >= checkout.begun_at and any(document_id in named for document_id, _ in checkout.amounts)


def _checkout(row: Row[Any]) -> Checkout:
    amounts = {document_id: Money(minor, row.currency) for document_id, minor in row.amounts}
    return Checkout(
        row.id, row.customer_id, amounts, row.address, row.holds, row.by_transfer, row.begun_at, row.expires_at
    )
