"""Discounts: only what was offered, was taken in time and was granted by a person is written off."""

from __future__ import annotations

from sqlalchemy import Select, select

from receivables.allocation import ResidualKind
from receivables.money import Money
from runtime.operations.discounts.states import GRANTED, WAITING
from runtime.simulation.discounts import is_as_the_terms_say
from runtime.simulation.stage import Play
from runtime.store import tables as t

Found = tuple[int, list[str]]


def discounts_as_offered(play: Play) -> Found:
    """[35] Offered is what the firm's terms come to; it waits where it was taken in time, and is gone once granted."""
    checked, violations = 0, []
    discount, document = t.discount.c, t.document.c
    for key, organisation_id in play.ids.items():
        firm = play.life.firms[key]
        mine = discount.organisation_id == organisation_id
        known = select(t.discount, document.number).join(t.document, document.id == discount.document_id).where(mine)
        with play.app.store.read() as db:
            rows = db.execute(known).all()
            written_off = db.execute(_written_off(organisation_id)).all()
        checked += len(rows) + len(written_off)
        for row in rows:
            offer, what = firm.offers.get(row.number), f"{key} {row.number}: {row.state}"
            if not is_as_the_terms_say(firm, firm.debts[row.number], Money(row.amount_minor, row.currency).decimal):
                violations.append(f"{what}, and {row.amount_minor} is not what the firm gives")
            if row.state in (WAITING, GRANTED) and not (offer and offer.is_in_time):
                violations.append(f"{what}, taken {offer.taken_on if offer else 'by nobody'}")
        for row in written_off:
            offer, amount = firm.offers.get(row.number), Money(row.amount_minor, row.currency).decimal
            if offer is None or not offer.is_granted or offer.amount != amount:
                violations.append(f"{key} {row.number}: {amount} are written off, which nobody granted")
    return checked, violations


def _written_off(organisation_id: str) -> Select[tuple[str, int, str]]:
    allocation, residual, document = t.allocation.c, t.residual.c, t.document.c
    return (
        select(document.number, residual.amount_minor, residual.currency)
        .join(t.allocation, (allocation.receipt_id == residual.receipt_id) & allocation.undone_at.is_(None))
        .join(t.document, document.id == allocation.document_id)
        .where(
            residual.organisation_id == organisation_id,
            residual.kind == ResidualKind.DISCOUNT.value,
            residual.undone_at.is_(None),
        )
    )
