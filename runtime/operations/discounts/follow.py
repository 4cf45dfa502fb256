"""What becomes of a discount when the money that took it comes, and when a match is taken back."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Row, select, update

from receivables.discount import DiscountOffer
from receivables.money import Money
from receivables.receipt import Receipt
from reminders.evidence import FlagCode
from runtime.operations.discounts.states import GRANTED, OFFERED, REFUSED, WAITING
from runtime.operations.matching.open_items import open_documents
from runtime.operations.reminding.standing_holds import place_hold, release_hold
from runtime.store import tables as t

HOLD = FlagCode.DISCOUNT.value


def await_approval(
    db: Connection,
    organisation_id: str,
    taken: Mapping[str, DiscountOffer],
    *,
    receipt_id: str,
    paid_on: date,
    at: datetime,
) -> None:
    """Keep that money took these discounts, by item: a person decides, and nobody is reminded of them meanwhile."""
    for document_id, offer in taken.items():
        mine = (t.discount.c.organisation_id == organisation_id) & (t.discount.c.document_id == document_id)
        db.execute(update(t.discount).where(mine).values(state=WAITING, receipt_id=receipt_id, paid_on=paid_on))
        reason = (
            f"The early-payment discount of {offer.amount}, offered until {offer.last_on}, was taken by a payment of "
            f"{paid_on}; it waits for a person's approval."
        )
        place_hold(
            db,
            organisation_id=organisation_id,
            document_id=document_id,
            code=HOLD,
            reason=reason,
            placed_by="matching",
            at=at,
        )


def await_what_was_taken(
    db: Connection, organisation_id: str, row: Mapping[str, Any], document_ids: Collection[str], *, at: datetime
) -> None:
    """After a person applied a receipt (`row`): let discounts wait that it takes in time, leaving nothing else open."""
    amount = Money(row["amount_minor"], row["currency"])
    receipt = Receipt(row["id"], row["received_on"], amount, made_at=row["begun_at"])
    left = {
        each.document.document_id: each.open_amount
        for each in open_documents(db, organisation_id, document_ids=document_ids)
    }
    discount = t.discount.c
    rows = db.execute(
        select(t.discount).where(
            discount.organisation_id == organisation_id,
            discount.document_id.in_(document_ids),
            discount.state == OFFERED,
        )
    )
    offers = {each.document_id: offer_in(each) for each in rows}
    taken = {
        document_id: offer
        for document_id, offer in offers.items()
        if offer.is_kept_by(receipt) and left.get(document_id) == offer.amount
    }
    await_approval(db, organisation_id, taken, receipt_id=row["id"], paid_on=row["received_on"], at=at)


def offer_in(row: Row[Any]) -> DiscountOffer:
    """Return the offer that a row keeps."""
    return DiscountOffer(Money(row.amount_minor, row.currency), row.last_on, row.ends_at)


def taken_back(db: Connection, organisation_id: str, receipt_id: str, *, cashless: str, at: datetime) -> list[str]:
    """Follow a receipt that was taken off its invoices; return those whose granted discount is to be taken back too.

    A discount that waited is offered again, for money that came in time. Of `cashless`, an invoice whose discount was
    granted by this very receipt of no cash, it is refused from now on.
    """
    discount = t.discount.c
    rows = db.execute(
        select(t.discount).where(discount.organisation_id == organisation_id, discount.receipt_id == receipt_id)
    ).all()
    granted = [row.document_id for row in rows if row.state == GRANTED]
    for row in rows:
        if row.state in (WAITING, GRANTED):
            mine = (discount.organisation_id == organisation_id) & (discount.document_id == row.document_id)
            db.execute(update(t.discount).where(mine).values(state=OFFERED, receipt_id=None, paid_on=None))
            release_hold(db, organisation_id, row.document_id, HOLD, at)
    if cashless:
        mine = (discount.organisation_id == organisation_id) & (discount.document_id == cashless)
        db.execute(update(t.discount).where(mine, discount.state == GRANTED).values(state=REFUSED))
    return granted
