"""The second currency of a firm: some firms sell in one, to a few of their customers."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from random import Random

from sandbox.world.company import Profile
from sandbox.world.model import Customer, Organisation

SELLS_ABROAD, _BUYS_ABROAD = 0.4, 0.3  # firms with a second currency, and their customers who buy in it
_AT_HOME = 0.2  # of what such a customer buys of a firm on Xero, whose contacts have no currency of their own
# By the ledger of the firm: which currency, in which account of the bank, and units of it for one of the firm's own.
_ABROAD = {
    "xero": ("EUR", "GB54SAND20412912345678", Decimal("1.18")),
    "quickbooks": ("EUR", "107000271/4820117766", Decimal("0.92")),
}


@dataclass(frozen=True)
class Abroad:
    """A second currency, the bank account that is kept in it, and units of it for one of the firm's own.

    `rng` draws what only firms with one do, so that the others do what they did without it.
    """

    currency: str
    account: str
    rate: Decimal
    rng: Random

    def currency_for(self, customer: Customer, profile: Profile) -> str:
        """Draw in which currency something is sold to a customer."""
        if profile.system != "xero" or customer.currency != self.currency or self.rng.random() >= _AT_HOME:
            return customer.currency
        return profile.currency


def draw_abroad(profile: Profile, rng: Random, chance: float) -> Abroad | None:
    """Draw whether a firm sells in a second currency."""
    drawn = rng.random()
    return Abroad(*_ABROAD[profile.system], Random(f"{drawn} abroad")) if drawn < chance else None  # noqa: S311


def sell_abroad(organisation: Organisation, abroad: Abroad) -> None:
    """Let some of the customers who belong to no group buy in the second currency."""
    customers = organisation.customers.values()
    parents = {each.parent for each in customers}
    for customer in customers:
        if customer.parent is None and customer.key not in parents and abroad.rng.random() < _BUYS_ABROAD:
            customer.currency = abroad.currency
