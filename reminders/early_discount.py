"""What a business grants another that pays early: the terms of a policy, and what they come to for an invoice.

No law gives a discount: the source is the terms themselves. Amounts are integer minor units.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from types import MappingProxyType

from receivables.discount import DiscountOffer
from receivables.money import Money
from reminders.business_time import start_of_day

MAX_BASIS_POINTS = 5_000  # half an invoice: more is no discount but a mistake
MAX_DAYS = 365
_WHOLE = 10_000


class EarlyDiscountError(ValueError):
    """Terms that cannot be followed; the text says what to correct."""


@dataclass(frozen=True, slots=True)
class EarlyDiscount:
    """Terms such as 2/10 net 30: a part of the total (2 % is 200 `basis_points`) or an amount by currency, one of both.

    It is granted until `days` calendar days after the invoice's date, but no later than on its due date; never more
    than `at_most` of the invoice's currency, where that is named.
    """

    days: int
    basis_points: int = 0
    amounts: Mapping[str, Money] = field(default_factory=lambda: MappingProxyType({}))
    at_most: Mapping[str, Money] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        if bool(self.basis_points) == bool(self.amounts):
            raise EarlyDiscountError("a discount is either 'per_cent' or 'amount'")
        if not 0 <= self.basis_points <= MAX_BASIS_POINTS or not 0 <= self.days <= MAX_DAYS:
            raise EarlyDiscountError(f"a discount is at most {MAX_BASIS_POINTS // 100} % within {MAX_DAYS} days")
        if self.amounts and self.at_most:
            raise EarlyDiscountError("'at_most' bounds a discount in per cent: an amount is its own bound")

    def of(self, total: Money) -> Money:
        """What is taken off `total`: the percentage rounded half up to the minor unit, then bounded.

        Nothing where the currency has no amount, or where the amount is all that is asked for, or more.
        """
        nothing = Money.zero(total.currency)
        if self.amounts:
            amount = self.amounts.get(total.currency, nothing)
            return amount if amount < total else nothing
        if total.minor <= 0:
            return nothing
        part = Money((total.minor * self.basis_points * 2 + _WHOLE) // (2 * _WHOLE), total.currency)
        return min(part, self.at_most.get(total.currency, part))

    def offer(self, *, total: Money, issued_on: date, due_on: date, time_zone: str) -> DiscountOffer | None:
        """What a payer in `time_zone` is offered of an invoice; None where that is nothing."""
        amount = self.of(total)
        if not amount:
            return None
        last_on = self.last_on(issued_on=issued_on, due_on=due_on)
        return DiscountOffer(amount, last_on, start_of_day(last_on + timedelta(days=1), time_zone))

    def last_on(self, *, issued_on: date, due_on: date) -> date:
        """The last day on which an invoice may be paid with it."""
        return min(issued_on + timedelta(days=self.days), due_on)
