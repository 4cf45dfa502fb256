"""The realised exchange difference of payments in a foreign currency."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING

from sandbox.quickbooks.values import CENT, ZERO, Record

if TYPE_CHECKING:
    from sandbox.quickbooks.ledger import Ledger

ACCOUNT = "Exchange Gain or Loss"


def realise(books: Ledger, payment: Record, links: Mapping[tuple[str, str], Decimal], *, sign: int) -> None:
    """Book (`sign` 1) or take back (-1) what the rate moved between the invoices and their payment."""
    if payment["CurrencyRef"]["value"] == books.home_currency:
        return
    gain = ZERO
    for (kind, document_id), amount in links.items():
        if kind == "Invoice" and document_id in books.invoices:
            billed = books.invoices[document_id]["ExchangeRate"]
            gain += _home(amount, payment["ExchangeRate"]) - _home(amount, billed)
    if gain:
        account_id = books.account_named(ACCOUNT, "Other Expense", "ExchangeGainOrLoss", books.home_currency)
        books.accounts[account_id]["CurrentBalance"] -= sign * gain  # an expense: a gain lowers it


def _home(amount: Decimal, rate: Decimal) -> Decimal:
    return (amount * rate).quantize(CENT)
