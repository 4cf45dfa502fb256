"""What a payment in another currency is worth: its rate, what reaches the bank, and what was gained since invoicing."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from sandbox.xero.ledger import Ledger
from sandbox.xero.values import CENT, ONE, ZERO, Record, read_amount

_RATE = Decimal("0.000001")


@dataclass(frozen=True, slots=True)
class Exchange:
    """`rate` is units of the document's currency for one of the base currency; `gain` is in the base currency."""

    rate: Decimal
    bank_amount: Decimal
    gain: Decimal


def exchange(books: Ledger, target: Record, account: Record, amount: Decimal, item: Record) -> Exchange:
    """Work out a payment of `amount` on a document into an account.

    An account in the base currency takes the BankAmount that was given, or what the rate makes of the amount.
    """
    currency = target["CurrencyCode"]
    if currency == books.base_currency:
        return Exchange(ONE, amount, ZERO)
    in_base = account.get("CurrencyCode", books.base_currency) == books.base_currency
    if in_base and item.get("BankAmount") and not item.get("CurrencyRate"):
        arrived = read_amount(item["BankAmount"], field="BankAmount")
        rate = books.rate(currency, (amount / arrived).quantize(_RATE))
    else:
        rate = books.rate(currency, item.get("CurrencyRate"))
        arrived = _worth(amount, rate)
        if in_base and item.get("BankAmount"):
            arrived = read_amount(item["BankAmount"], field="BankAmount")
    gain = arrived - _worth(amount, target["CurrencyRate"])
    return Exchange(rate, arrived if in_base else amount, gain)


def _worth(amount: Decimal, rate: Decimal) -> Decimal:
    return (amount / rate).quantize(CENT, rounding=ROUND_HALF_UP)
