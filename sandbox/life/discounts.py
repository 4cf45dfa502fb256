"""Discounts for paying early: what a firm gives, and who takes it in time, too late, or a little more of it."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import ROUND_HALF_UP

from sandbox.life.debts import Debt
from sandbox.life.firm import Firm, Offer
from sandbox.life.hands import CENT, Hands
from sandbox.life.payments import pay
from sandbox.world.bank import reference_to

TAKEN = "discount"  # what holds the rest of an invoice until the accountant has decided
_LATE, _WRONG = 0.25, 0.15
_LATE_DAYS = (1, 2)


def offer_on(firm: Firm, debt: Debt) -> Offer | None:
    """What the firm's terms come to for an invoice of which nothing was paid; None where it gives none."""
    if firm.discount is None:
        return None
    amount = (debt.invoice.total * firm.discount.per_cent / 100).quantize(CENT, ROUND_HALF_UP)
    last_on = debt.invoice.issued_on + timedelta(days=firm.discount.days)
    return Offer(amount, min(last_on, debt.invoice.due_on))


def told(firm: Firm, debt: Debt) -> Offer | None:
    """A payer is told of a discount; what they were told stands."""
    offer = offer_on(firm, debt)
    return None if offer is None else firm.offers.setdefault(debt.number, offer)


def early(hands: Hands, firm: Firm) -> Debt | None:
    """Draw an invoice that may be paid with a discount today, rather one that falls due soon."""

    def stands(debt: Debt) -> bool:
        offer = offer_on(firm, debt)
        return (
            not debt.facts and debt.number not in firm.offers and offer is not None and offer.last_on >= hands.today()
        )

    return hands.pick(firm, stands)


def take_by_bank(hands: Hands, firm: Firm, debt: Debt, offer: Offer) -> str:
    """Pay less by the discount, or by a little more than it; most do so in time, some days later."""
    days_left = max(0, (offer.last_on - hands.today()).days)
    is_late = hands.rng.random() < _LATE
    after = days_left + hands.rng.randint(*_LATE_DAYS) if is_late else hands.rng.randint(0, min(1, days_left))
    less = offer.amount + (CENT if hands.rng.random() < _WRONG else 0)

    def paid() -> str:
        owed = hands.owed(debt)
        if owed != debt.invoice.total or hands.is_touched(debt):
            return f"{firm.key}: no discount is taken on {debt.number} any more"
        text = reference_to(debt.invoice, hands.rng)
        told = pay(hands, firm, firm.customer_of(debt), [debt], amount=owed - less, text=text)
        if less == offer.amount:
            took(debt, offer, hands.today())
        return f"{firm.key}: paid early: {told}"

    hands.later(timedelta(days=after, minutes=1), "paid early", paid)
    return f"will pay {debt.number} less {less}, {offer.last_on} is the last day"


def took(debt: Debt, offer: Offer, on: date) -> None:
    """The payment that came last took a discount: if it came in time, what is left waits for the accountant."""
    offer.taken_on = on
    if on <= offer.last_on:
        debt.facts[-1].holds = TAKEN
