"""Payers who let what they owe be taken from a means that they saved, and what their banks say when it is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

from sandbox.life.debts import Debt, Source
from sandbox.life.firm import Firm, Mandate
from sandbox.life.hands import Acts, Hands
from sandbox.life.processor import DECLINED, LIVE, TAKEN_BACK, debit_ends, new_charge
from sandbox.stripe.objects import Object
from sandbox.stripe.payments import usual_fee
from sandbox.world.model import Charge

CARD = "card"
_REASONS = ("insufficient_funds", "try_again_later", "expired_card", "lost_card")
_WORKS_AGAIN_DAYS = (1, 5)


def standing(firm: Firm, customer: str) -> Mandate | None:
    """The mandate of a customer that counts, if there is one whose means is not declined."""
    refusing = firm.processor.account.refusing
    return next((each for each in _live(firm) if each.customer == customer and each.means not in refusing), None)


def took(hands: Hands, firm: Firm, debt: Debt, intent: Object, mandate: Mandate) -> Charge:
    """Note in the firm's books what was asked of a saved means, whatever its bank said."""
    charge = new_charge(
        firm,
        debt,
        method=mandate.method,
        amount=Decimal(intent["amount"]).scaleb(-2),
        fee=Decimal(usual_fee(intent["amount"])).scaleb(-2),
        at=hands.clock(),
        payment_intent=str(intent["id"]),
    )
    charge.taken_from = mandate.means
    charge.state = LIVE if intent["status"] == "succeeded" else DECLINED
    if intent["status"] == "processing":
        debit_ends(hands, firm, debt, charge)
    elif charge.state == LIVE:
        _arrived(hands, firm, debt, charge)
    return charge


def _arrived(hands: Hands, firm: Firm, debt: Debt, charge: Charge) -> None:
    """What nobody knew to be too much is the customer's."""
    too_much = charge.amount - max(hands.owed(debt), Decimal(0))
    hands.note(firm, debt, Source.PROCESSOR, paid=charge.amount)
    if too_much > 0:
        firm.credit_to(firm.customer_of(debt), too_much, debt.invoice.currency)


def stands(charge: Charge) -> bool:
    """Whether what was taken is with the firm, or on its way there."""
    return charge.state not in (DECLINED, TAKEN_BACK)


def _live(firm: Firm) -> Iterator[Mandate]:
    return (each for each in firm.mandates.values() if each.ended_at is None)


def _decline(hands: Hands, firm: Firm) -> str | None:
    """A payer's bank declines whatever is taken from their card, for some days or for good."""
    refusing = firm.processor.account.refusing
    cards = [each for each in _live(firm) if each.method == CARD and each.means not in refusing]
    if not cards:
        return None
    means, reason = hands.rng.choice(cards).means, hands.rng.choice(_REASONS)
    firm.processor.account.refuse(means, decline_code=reason)

    def works() -> str:
        refusing.pop(means, None)
        return f"{firm.key}: a saved card works again"

    hands.later(timedelta(days=hands.rng.randint(*_WORKS_AGAIN_DAYS)), "card works again", works)
    return f"a saved card ({reason})"


ACTS: Acts = {"decline a saved card": (2, _decline)}
