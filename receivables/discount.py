"""A discount that a payer was offered for paying an invoice early."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime

from receivables.allocation import Hypothesis, ResidualKind
from receivables.money import Money, total
from receivables.receipt import Receipt


@dataclass(frozen=True, slots=True)
class DiscountOffer:
    """`amount` is taken off an invoice whose rest is paid by `last_on`, a day that ends for its payer at `ends_at`.

    What counts is when the money was received: the moment of a payment that tells its moment (by card), else its day.
    """

    amount: Money
    last_on: date
    ends_at: datetime

    def is_kept_by(self, receipt: Receipt) -> bool:
        """Whether the money of a receipt came in time."""
        if receipt.made_at is not None:
            return receipt.made_at < self.ends_at
        return receipt.received_on <= self.last_on


def cash_alone(
    hypothesis: Hypothesis, *, offers: Mapping[str, DiscountOffer], receipt: Receipt
) -> tuple[Hypothesis, Mapping[str, DiscountOffer]] | None:
    """Split what a receipt pays from the discounts that it takes, by item: those wait for a person, the cash does not.

    None where it takes a discount that nobody offered, another amount, or comes too late for it.
    """
    taken = [each.amount for each in hypothesis.residuals if each.kind is ResidualKind.DISCOUNT]
    if not taken:
        return hypothesis, {}
    granted = {
        each.item_id: offer
        for each in hypothesis.allocations
        if (offer := offers.get(each.item_id)) is not None and offer.is_kept_by(receipt) and not each.is_credit
    }
    currency = taken[0].currency
    if not granted or total([offer.amount for offer in granted.values()], currency) != total(taken, currency):
        return None
    allocations = tuple(
        replace(each, amount=each.amount - granted[each.item_id].amount) if each.item_id in granted else each
        for each in hypothesis.allocations
    )
    residuals = tuple(each for each in hypothesis.residuals if each.kind is not ResidualKind.DISCOUNT)
    return replace(hypothesis, allocations=allocations, residuals=residuals), granted
