"""Line items and what tax they bear."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from sandbox.xero.ledger import Ledger
from sandbox.xero.values import CENT, ZERO, Record, Refused, read_amount


@dataclass(frozen=True, slots=True)
class Taxed:
    """Line items with their tax, and the totals of the document they make."""

    lines: list[Record]
    subtotal: Decimal
    tax: Decimal

    @property
    def total(self) -> Decimal:
        """With tax."""
        return self.subtotal + self.tax

    def amounts(self) -> Record:
        """The fields of the document."""
        return {"LineItems": self.lines, "SubTotal": self.subtotal, "TotalTax": self.tax, "Total": self.total}


def line(description: str, amount: Decimal, account_code: str = "200") -> Record:
    """One line item without tax."""
    return {"Description": description, "Quantity": Decimal(1), "UnitAmount": amount, "AccountCode": account_code,
            "TaxType": "NONE", "TaxAmount": ZERO, "LineAmount": amount, "Tracking": []}  # fmt: skip


def read_lines(books: Ledger, items: object) -> list[Record]:
    """Line items of a request body with their amounts worked out; Refused without any."""
    if not isinstance(items, list) or not items:
        raise Refused("One or more line items must be specified")
    return [_read(books, item) for item in items]


def taxed(books: Ledger, items: object, amount_types: str) -> Taxed:
    """Line items of a request body with tax, by LineAmountTypes (Inclusive, Exclusive or NoTax)."""
    if amount_types not in ("Inclusive", "Exclusive", "NoTax"):
        raise Refused("The LineAmountTypes is not valid")
    lines = read_lines(books, items)
    codes = {account["Code"] for account in books.accounts.values()}
    for item in lines:
        if item["AccountCode"] and item["AccountCode"] not in codes:
            raise Refused(f"Account code '{item['AccountCode']}' is not a valid code for this document.")
        item["TaxAmount"] = _tax(books, item, amount_types)
    amount = sum((item["LineAmount"] for item in lines), ZERO)
    tax = sum((item["TaxAmount"] for item in lines), ZERO)
    return Taxed(lines, amount - tax if amount_types == "Inclusive" else amount, tax)


def _read(books: Ledger, item: Record) -> Record:
    quantity = Decimal(str(item.get("Quantity", 1)))
    unit = Decimal(str(item.get("UnitAmount", 0)))
    amount = read_amount(item.get("LineAmount", quantity * unit), field="LineAmount")
    made = line(str(item.get("Description", "")), amount, _account_code(books, item))
    made |= {"Quantity": quantity, "UnitAmount": unit if "UnitAmount" in item else amount}
    return made | {"TaxType": str(item.get("TaxType") or "NONE")}


def _account_code(books: Ledger, item: Record) -> str:
    """The code of the line's account; empty where none is named, as on a line that is text alone."""
    if item.get("AccountID"):
        return str(books.account({"AccountID": item["AccountID"]})["Code"])
    return str(item.get("AccountCode") or "")


def _tax(books: Ledger, item: Record, amount_types: str) -> Decimal:
    if amount_types == "NoTax":
        return ZERO
    rate = books.tax_rates.get(item["TaxType"])
    if rate is None:
        raise Refused(
            f"The TaxType code '{item['TaxType']}' does not exist or cannot be used for this type of transaction."
        )
    base = 100 + rate if amount_types == "Inclusive" else Decimal(100)
    tax: Decimal = (item["LineAmount"] * rate / base).quantize(CENT, rounding=ROUND_HALF_UP)
    return tax
