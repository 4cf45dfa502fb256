"""Payments in question: refunded, or being charged back. What they paid is held until a person or the bank decides.

So is what one would have paid that went back before it was applied: why it did, and whether the invoice is to be asked
for again, only a person knows.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, exists, func, or_, select

from receivables.document import DocumentKind
from receivables.money import Money
from runtime.operations.applying.applications import proposed_items
from runtime.operations.reminding.standing_holds import place_hold
from runtime.store import tables as t

REFUND, CHARGEBACK = "refund_review", "chargeback_open"
# How long the invoices that a payment names are waited for; a payment's own changes are followed for ever.
NAMED_CONSIDERED = timedelta(days=30)
PAYMENTS_A_HEAP = 1_000
MAX_HEAPS = 1_000  # a million payments in question
_receipt, _hold = t.receipt.c, t.hold.c


def hold_what_is_in_question(db: Connection, organisation_id: str, receipt: dict[str, Any], at: datetime) -> None:
    """Hold what one payment paid or names, unless that was asked since its vendor showed it as it is."""
    questions = list(_questions(receipt))
    for document_id in documents_of(db, organisation_id, receipt) if questions else ():
        for code, reason in questions:
            asked = exists(select(_hold.id)).where(
                _hold.organisation_id == organisation_id,
                _hold.document_id == document_id,
                _hold.code == code,
                _hold.placed_at >= receipt["read_at"],
            )
            if not db.scalar(select(asked)):
                place_hold(
                    db,
                    organisation_id=organisation_id,
                    document_id=document_id,
                    code=code,
                    reason=reason,
                    placed_by=receipt["source_account"],
                    at=at,
                )


def hold_what_became_known(db: Connection, organisation_id: str, now: datetime) -> None:
    """Hold what payments in question paid or name that was not known, or not applied, when they were read."""
    questioned = (
        select(t.receipt)
        .where(
            _receipt.organisation_id == organisation_id,
            _receipt.changed_at >= now - NAMED_CONSIDERED,
            _receipt.read_at.is_not(None),  # a processor shows it
            or_(_receipt.refunded_minor > 0, _receipt.dispute != ""),
        )
        .order_by(_receipt.id)
        .limit(PAYMENTS_A_HEAP)
    )
    after = ""
    for _ in range(MAX_HEAPS):
        heap = db.execute(questioned.where(_receipt.id > after)).all()
        for each in heap:
            hold_what_is_in_question(db, organisation_id, dict(each._mapping), now)
        if len(heap) < PAYMENTS_A_HEAP:
            return
        after = heap[-1].id


def documents_of(db: Connection, organisation_id: str, receipt: dict[str, Any]) -> list[str]:
    """Return the documents that a processor's payment paid: by our allocations, else by the ledger's own record of it.

    One that was never applied is taken to be for the invoices that it names; one whose application the ledger took
    back, for those that a person is asked about again.
    """
    ours = db.scalars(
        select(t.allocation.c.document_id).where(
            t.allocation.c.organisation_id == organisation_id,
            t.allocation.c.receipt_id == receipt["id"],
            t.allocation.c.undone_at.is_(None),
        )
    ).all()
    if ours:
        return sorted(set(ours))
    recorded = db.scalars(
        select(t.ledger_payment.c.lines).where(
            t.ledger_payment.c.organisation_id == organisation_id,
            t.ledger_payment.c.deleted.is_(False),
            t.ledger_payment.c.reference.contains(receipt["external_id"], autoescape=True),
        )
    )
    booked = sorted({line[0] for lines in recorded for line in lines})
    if booked:
        return booked
    if receipt["applications"]:
        return _asked_again(db, organisation_id, receipt["id"])
    return list(_named(db, organisation_id, receipt["hints"]))


def _asked_again(db: Connection, organisation_id: str, receipt_id: str) -> list[str]:
    proposal = t.proposal.c
    mine = (proposal.organisation_id == organisation_id) & (proposal.receipt_id == receipt_id)
    body = db.scalar(select(proposal.body).where(mine, proposal.state == "pending"))
    return [] if body is None else proposed_items(body)


def _named(db: Connection, organisation_id: str, hints: dict[str, Any]) -> Iterator[str]:
    invoices = (t.document.c.organisation_id == organisation_id) & (t.document.c.kind == DocumentKind.INVOICE.value)
    if item_ids := hints.get("item_ids"):
        yield from db.scalars(select(t.document.c.id).where(invoices, t.document.c.id.in_(item_ids)))
    elif numbers := hints.get("numbers"):
        alone = select(func.min(t.document.c.id)).where(invoices, t.document.c.number.in_(numbers))
        yield from db.scalars(alone.group_by(t.document.c.number).having(func.count() == 1))


def _questions(receipt: dict[str, Any]) -> Iterator[tuple[str, str]]:
    amount = Money(receipt["amount_minor"], receipt["currency"])
    refunded = Money(receipt["refunded_minor"], receipt["currency"])
    if refunded:
        yield REFUND, f"{refunded} of the payment of {amount} was refunded: choose credit or reopen"
    if receipt["dispute"] == "open":
        yield CHARGEBACK, f"The payment of {amount} is being charged back; it holds until the bank decides"
    elif receipt["dispute"]:
        yield CHARGEBACK, f"The payment of {amount} was charged back, and the bank decided for the payer: call them"
