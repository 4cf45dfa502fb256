"""Xero's invoices in full: the organisation that issues them, its tax rates, and lines with their tax."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from connectors.ledgers.exact import money
from connectors.ledgers.xero.convert import day
from receivables.invoiced import Invoiced, InvoicedLine, Issuer, Party, Tax, TaxCategory
from receivables.money import Money, total

Item = Mapping[str, Any]

UNIT_DECIMALS = 4  # of prices; Xero rounds them to two unless asked
NO_TAX = "NONE"
_UNITED_KINGDOM = ("UK", "UKONRAMP")
# What a rate of nothing means, by Xero's own name of the tax or of its line in the return (Xero's list of tax types).
_NOTHING = {"ZERORATEDOUTPUT": TaxCategory.ZERO, "EXEMPTOUTPUT": TaxCategory.EXEMPT}


def issuer(organisation: Item, rates: Sequence[Item]) -> Issuer:
    """Read the organisation and its tax rates."""
    taxes = {str(rate["TaxType"]): _tax(rate) for rate in rates}
    told = str(organisation.get("TaxNumber") or "")
    # In the United Kingdom it is "No VAT", elsewhere "tax exempt" too; whoever has no number charges none at all.
    outside = organisation.get("Version") in _UNITED_KINGDOM or not told
    taxes[NO_TAX] = Tax(TaxCategory.OUTSIDE) if outside else None
    registration = organisation.get("RegistrationNumber") or organisation.get("EmployerIdentificationNumber")
    seller = _party(
        str(organisation.get("LegalName") or organisation["Name"]),
        organisation.get("Addresses") or [],
        country=str(organisation.get("CountryCode") or ""),
        tax_number=told,
        registration=str(registration or ""),
    )
    return Issuer(seller, str(organisation["BaseCurrency"]), taxes)


def invoiced(item: Item, by: Issuer) -> Invoiced:
    """Read an invoice with its lines; ValueError or KeyError when something of it is missing."""
    code = str(item["CurrencyCode"])
    with_tax = item.get("LineAmountTypes") == "Inclusive"
    # A line without an account is text alone.
    sold = [line for line in item["LineItems"] if line.get("AccountCode") or line.get("AccountID")]
    lines = tuple(_line(line, by, code, with_tax=with_tax) for line in sold)
    charged = [
        (made.tax.percent, _amount(line, "TaxAmount", code))
        for line, made in zip(sold, lines, strict=True)
        if made.tax is not None
    ]
    contact = item["Contact"]
    return Invoiced(
        number=str(item.get("InvoiceNumber") or ""),
        issued_on=day(item, "Date"),
        due_on=day(item, "DueDate"),
        buyer=_party(
            str(contact.get("Name") or ""),
            contact.get("Addresses") or [],
            tax_number=str(contact.get("TaxNumber") or ""),
        ),
        order_number=str(item.get("Reference") or ""),
        lines=lines,
        discounts=(),
        charged=tuple(
            (percent, total([amount for rate, amount in charged if rate == percent], code))
            for percent in dict.fromkeys(percent for percent, _ in charged)
        ),
        net=_amount(item, "SubTotal", code),
        tax=_amount(item, "TotalTax", code),
        total=money(item["Total"], code),
        open_amount=money(item["AmountDue"], code),
    )


def _line(line: Item, by: Issuer, code: str, *, with_tax: bool) -> InvoicedLine:
    amount, tax = _amount(line, "LineAmount", code), _amount(line, "TaxAmount", code)
    name = str(line.get("TaxType") or NO_TAX)
    unit = line.get("UnitAmount")
    return InvoicedLine(
        text=str(line.get("Description") or (line.get("Item") or {}).get("Name") or line.get("ItemCode") or ""),
        quantity=Decimal(str(line.get("Quantity") or 1)),
        net=amount - tax if with_tax else amount,
        tax=by.taxes.get(name),
        tax_name=name,
        unit_price=None if with_tax or unit is None else Decimal(str(unit)),
    )


def _tax(rate: Item) -> Tax | None:
    """A rate above nothing that is one tax, not several or one on another; or what a rate of nothing means."""
    percent = Decimal(str(rate.get("EffectiveRate") or 0))
    components = rate.get("TaxComponents") or []
    if percent > 0:
        single = len(components) <= 1 and not any(each.get("IsCompound") for each in components)
        return Tax(TaxCategory.STANDARD, percent.normalize()) if single else None
    category = _NOTHING.get(str(rate["TaxType"])) or _NOTHING.get(str(rate.get("ReportTaxType") or ""))
    return Tax(category) if category is not None else None


def _party(
    name: str, addresses: Sequence[Item], *, country: str = "", tax_number: str = "", registration: str = ""
) -> Party:
    """A party with its postal address; Xero calls that POBOX."""
    by_kind = {str(each.get("AddressType")): each for each in addresses if each.get("AddressLine1") or each.get("City")}
    address = by_kind.get("POBOX") or by_kind.get("STREET") or next(iter(addresses), {})
    texts = (str(address.get(f"AddressLine{number}") or "").strip() for number in range(1, 5))
    return Party(
        name=name,
        lines=tuple(text for text in texts if text),
        city=str(address.get("City") or ""),
        region=str(address.get("Region") or ""),
        post_code=str(address.get("PostalCode") or ""),
        country=country or str(address.get("Country") or ""),
        tax_number=tax_number,
        registration=registration,
    )


def _amount(item: Item, name: str, code: str) -> Money:
    """An amount that Xero leaves out where it is nothing."""
    return money(item.get(name) or 0, code)
