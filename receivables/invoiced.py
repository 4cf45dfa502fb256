"""An invoice as its ledger states it in full: who issued it, for whom, its lines, and the tax that was charged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from receivables.money import Money


class InvoiceFormat(StrEnum):
    """In which form a payer gets an invoice."""

    PDF = "pdf"  # as the ledger prints it
    UBL = "ubl"
    FACTUR_X = "factur-x"
    CSV = "csv"


class TaxCategory(StrEnum):
    """How value added tax applies to a line: the codes of UNCL 5305 that EN 16931 uses and ledgers tell apart."""

    STANDARD = "S"  # at a rate above zero, be it the standard one or a reduced one
    ZERO = "Z"
    EXEMPT = "E"
    OUTSIDE = "O"  # not subject to value added tax


@dataclass(frozen=True, slots=True)
class Tax:
    """A tax category with its rate in per cent: zero, except for STANDARD."""

    category: TaxCategory
    percent: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Party:
    """Seller or buyer. `country` as the ledger's people typed it or in two letters; "" for what is not known.

    `tax_number` is that of value added tax, `registration` the one in the register of companies.
    """

    name: str
    lines: tuple[str, ...] = ()
    city: str = ""
    region: str = ""
    post_code: str = ""
    country: str = ""
    tax_number: str = ""
    registration: str = ""


@dataclass(frozen=True, slots=True)
class Issuer:
    """What all invoices of a ledger have in common: the seller, the currency of its books, and what its taxes are.

    `taxes` goes by the ledger's own code; None stands for a tax that cannot be told to be one of the categories.
    """

    seller: Party
    currency: str
    taxes: Mapping[str, Tax | None]


@dataclass(frozen=True, slots=True)
class InvoicedLine:
    """A line of an invoice. `net` is what it adds to the invoice before tax, discounts of its own taken off.

    `unit_price` is the net price of one, None where the ledger does not state it. `tax` is None where nobody can tell
    which tax it bears; `tax_name` is what the ledger calls it.
    """

    text: str
    quantity: Decimal
    net: Money
    tax: Tax | None
    tax_name: str
    unit_price: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Discount:
    """What is taken off the whole invoice before tax; `amount` is positive."""

    amount: Money
    text: str


@dataclass(frozen=True, slots=True)
class Invoiced:
    """An invoice in full. The totals are the ledger's own figures, not sums of ours; `charged` is its tax by rate.

    `open_amount` is what the ledger shows as still to pay.
    """

    number: str
    issued_on: date
    due_on: date
    buyer: Party
    order_number: str
    lines: tuple[InvoicedLine, ...]
    discounts: tuple[Discount, ...]
    charged: tuple[tuple[Decimal, Money], ...]
    net: Money
    tax: Money
    total: Money
    open_amount: Money
