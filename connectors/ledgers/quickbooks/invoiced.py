"""QuickBooks' invoices in full: the company that issues them, its taxes, and lines with their tax."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from connectors.ledgers.exact import money
from connectors.ledgers.quickbooks.order_number import order_number
from receivables.invoiced import Discount, Invoiced, InvoicedLine, Issuer, Party, Tax, TaxCategory
from receivables.money import Money

Item = Mapping[str, Any]

# What a rate of nothing means, by the names that QuickBooks gives its tax codes where there is value added tax.
_NOTHING = {
    "0.0% Z": TaxCategory.ZERO,
    "0% Z": TaxCategory.ZERO,
    "Exempt": TaxCategory.EXEMPT,
    "No VAT": TaxCategory.OUTSIDE,
}
_NAMES_NO_RATE = ("", "NON", "TAX")  # lines where QuickBooks finds the rate itself: only the whole tells whether any is
_NO_SALE = ("SubTotalLineDetail", "DescriptionOnly")
_SALE = "SalesItemLineDetail"


@dataclass(frozen=True, slots=True)
class Setup:
    """What a company says of itself and its taxes."""

    company: Item
    agencies: Sequence[Item]
    codes: Sequence[Item]
    rates: Sequence[Item]
    home_currency: str


def issuer(setup: Setup) -> Issuer:
    """Read the company, whose number for value added tax stands with the agency that it pays the tax to."""
    company = setup.company
    numbers = {str(each["TaxRegistrationNumber"]) for each in setup.agencies if each.get("TaxRegistrationNumber")}
    seller = _party(
        str(company.get("LegalName") or company["CompanyName"]),
        company.get("LegalAddr") or company.get("CompanyAddr") or {},
        country=str(company.get("Country") or ""),
        tax_number=numbers.pop() if len(numbers) == 1 else "",
        registration=str(company.get("EmployerId") or ""),
    )
    rates = {str(each["Id"]): Decimal(str(each.get("RateValue") or 0)) for each in setup.rates}
    return Issuer(seller, setup.home_currency, {str(each["Id"]): _tax(each, rates) for each in setup.codes})


def invoiced(item: Item, by: Issuer) -> Invoiced:
    """Read an invoice with its lines; ValueError or KeyError when something of it is missing or of an unknown kind."""
    code = str(item["CurrencyRef"]["value"])
    told = item.get("TxnTaxDetail") or {}
    tax, whole = money(told.get("TotalTax") or 0, code), money(item["TotalAmt"], code)
    lines = list(_flat(item.get("Line") or []))
    return Invoiced(
        number=str(item.get("DocNumber") or ""),
        issued_on=date.fromisoformat(str(item["TxnDate"])[:10]),
        due_on=date.fromisoformat(str(item["DueDate"])[:10]),
        buyer=_party(str(item["CustomerRef"].get("name") or ""), item.get("BillAddr") or {}),
        order_number=order_number(item) or "",
        lines=tuple(_line(line, by, code, taxed=bool(tax)) for line in lines if line["DetailType"] == _SALE),
        discounts=tuple(
            Discount(money(line["Amount"], code), str(line.get("Description") or ""))
            for line in lines
            if line["DetailType"] == "DiscountLineDetail" and line.get("Amount")
        ),
        charged=tuple(
            (Decimal(str(line["TaxLineDetail"].get("TaxPercent") or 0)), money(line.get("Amount") or 0, code))
            for line in told.get("TaxLine") or []
        ),
        net=whole - tax,
        tax=tax,
        total=whole,
        open_amount=money(item["Balance"], code),
    )


def _flat(lines: Sequence[Item]) -> Iterator[Item]:
    """Yield what was sold and what is taken off, with the lines of bundles; ValueError for a kind that is unknown."""
    for line in lines:
        kind = line.get("DetailType")
        if kind == "GroupLineDetail":
            yield from _flat(line["GroupLineDetail"].get("Line") or [])
        elif kind in (_SALE, "DiscountLineDetail"):
            yield line
        elif kind not in _NO_SALE:
            raise ValueError(f"a line is of the kind {kind!r}, which is not known")


def _line(line: Item, by: Issuer, code: str, *, taxed: bool) -> InvoicedLine:
    """A line; `Amount` is without tax, also where people type prices with it (then another field has those)."""
    detail = line[_SALE]
    of = str((detail.get("TaxCodeRef") or {}).get("value") or "")
    unit = detail.get("UnitPrice")
    tax = by.taxes.get(of)
    if of in _NAMES_NO_RATE:
        tax = None if taxed else Tax(TaxCategory.OUTSIDE)
    return InvoicedLine(
        text=str(line.get("Description") or (detail.get("ItemRef") or {}).get("name") or ""),
        quantity=Decimal(str(detail.get("Qty") or 1)),
        net=_amount(line, code),
        tax=tax,
        tax_name=of or "no tax code",
        unit_price=None if unit is None else Decimal(str(unit)),
    )


def _amount(line: Item, code: str) -> Money:
    return money(line.get("Amount") or 0, code)


def _tax(code: Item, rates: Mapping[str, Decimal]) -> Tax | None:
    """A code of one rate above nothing, or what a rate of nothing means; None for several rates in one code."""
    details = (code.get("SalesTaxRateList") or {}).get("TaxRateDetail") or []
    percents = [rates.get(str(each["TaxRateRef"]["value"])) for each in details]
    if len(percents) == 1 and percents[0] is not None and percents[0] > 0:
        return Tax(TaxCategory.STANDARD, percents[0].normalize())
    category = _NOTHING.get(str(code.get("Name") or ""))
    return Tax(category) if category is not None and not any(percents) else None


def _party(name: str, address: Item, *, country: str = "", tax_number: str = "", registration: str = "") -> Party:
    texts = (str(address.get(f"Line{number}") or "").strip() for number in range(1, 6))
    return Party(
        name=name,
        lines=tuple(text for text in texts if text and text != name),
        city=str(address.get("City") or ""),
        region=str(address.get("CountrySubDivisionCode") or ""),
        post_code=str(address.get("PostalCode") or ""),
        country=country or str(address.get("CountryCode") or address.get("Country") or ""),
        tax_number=tax_number,
        registration=registration,
    )
