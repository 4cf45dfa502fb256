"""Invoices, credit memos and estimates: their customer and currency, their lines, tax and custom fields."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING

from sandbox.quickbooks.values import (
    CENT,
    ZERO,
    Fault,
    Record,
    business,
    not_valid,
    read_amount,
    read_day,
    reference,
)

if TYPE_CHECKING:
    from sandbox.quickbooks.ledger import Ledger

CUSTOM_FIELD_CHARACTERS = 31
_WITHOUT_RATES = ("TAX", "NON")  # the codes of lines in the United States, where QuickBooks finds the rate itself


def invoice(books: Ledger, record: Record) -> None:
    """Work out an invoice."""
    record["DueDate"] = read_day(record.get("DueDate") or record["TxnDate"], field="DueDate")
    _sale(books, record)
    if not record.get("DocNumber"):
        record["DocNumber"] = str(1_001 + len(books.invoices))


def credit_memo(books: Ledger, record: Record) -> None:
    """Work out a credit memo."""
    _sale(books, record)
    record["RemainingCredit"] = record["Balance"]


def estimate(books: Ledger, record: Record) -> None:
    """Work out an estimate: it posts nothing and nobody owes it."""
    customer_and_currency(books, record)
    record["TotalAmt"] = _lines(books, record)
    if not record.get("DocNumber"):
        record["DocNumber"] = str(1_001 + len(books.entities["Estimate"]))


def customer_and_currency(books: Ledger, record: Record) -> None:
    """Check the customer of a transaction, and its currency, which is the customer's."""
    customer = books.customers.get(reference(record["CustomerRef"]))
    if customer is None:
        raise not_valid("CustomerRef")
    record["CustomerRef"] = {"value": customer["Id"], "name": customer["DisplayName"]}
    currency = reference(record.get("CurrencyRef")) or customer["CurrencyRef"]["value"]
    if currency != books.home_currency and not books.multicurrency:
        raise business("Multi currency should be enabled to perform this operation")
    if currency != customer["CurrencyRef"]["value"]:
        raise business("The currency of a transaction must be the currency of its customer")
    record["CurrencyRef"] = {"value": currency}
    record["ExchangeRate"] = books.rate_of(currency, record.get("ExchangeRate"))


def custom_fields(books: Ledger, given: object, kept: list[Record]) -> list[Record]:
    """The company's custom fields with their values: each is known by its DefinitionId, one without it is ignored."""
    values = {field["DefinitionId"]: field.get("StringValue", "") for field in kept}
    for field in given if isinstance(given, list) else []:
        values[str(field.get("DefinitionId", ""))] = str(field.get("StringValue", ""))
    shown: list[Record] = []
    for definition_id, name in sorted(books.custom_field_names.items()):
        value = values.get(definition_id, "")
        if len(value) > CUSTOM_FIELD_CHARACTERS:
            detail = f"String length is either shorter or longer than supported by specification : {name}"
            raise Fault("2050", "String length is either shorter or longer", detail, element="CustomField")
        field = {"DefinitionId": definition_id, "Name": name, "Type": "StringType"}
        shown.append(field | ({"StringValue": value} if value else {}))
    return shown


def _sale(books: Ledger, record: Record) -> None:
    customer_and_currency(books, record)
    books.receivables_account(record["CurrencyRef"]["value"])
    total = _lines(books, record)
    applied = record.get("TotalAmt", ZERO) - record.get("Balance", ZERO)
    if total < applied:
        raise business("The amount is less than what has already been applied to this transaction")
    record |= {"TotalAmt": total, "Balance": total - applied}


def _lines(books: Ledger, record: Record) -> Decimal:
    """The total of the lines and their tax, which is worked out here."""
    inclusive = record.get("GlobalTaxCalculation") == "TaxInclusive"
    net = tax = ZERO
    by_code: defaultdict[str, list[Decimal]] = defaultdict(lambda: [ZERO, ZERO])
    for number, line in enumerate(record["Line"], start=1):
        line["Amount"] = read_amount(line.get("Amount", 0), field="Line.Amount")
        if line.get("DetailType") == "SubTotalLineDetail":
            continue
        line.setdefault("Id", str(number))
        net += line["Amount"]
        detail = line.get("SalesItemLineDetail") or {}
        charged = _tax(books, line["Amount"], detail, inclusive=inclusive)
        tax += charged
        if (code := reference(detail.get("TaxCodeRef"))) and code not in _WITHOUT_RATES:
            by_code[code] = [by_code[code][0] + line["Amount"], by_code[code][1] + charged]
    if net + tax < 0:
        raise business("The total amount of a transaction must be 0 or greater")
    lines = [_tax_line(books, code, *amounts) for code, amounts in by_code.items()]
    record["TxnTaxDetail"] = {"TotalTax": tax, **({"TaxLine": lines} if lines else {})}
    return net + tax


def _tax_line(books: Ledger, code: str, net: Decimal, tax: Decimal) -> Record:
    """What a tax code of one rate comes to."""
    rate = books.entities["TaxCode"][code]["SalesTaxRateList"]["TaxRateDetail"][0]["TaxRateRef"]
    detail = {"TaxRateRef": {"value": rate["value"]}, "PercentBased": True, "TaxPercent": books.sales_tax_rate(code)}
    detail["NetAmountTaxable"] = net
    return {"Amount": tax, "DetailType": "TaxLineDetail", "TaxLineDetail": detail}


def _tax(books: Ledger, net: Decimal, detail: Record, *, inclusive: bool) -> Decimal:
    item = reference(detail.get("ItemRef"))
    if item and item not in books.items:
        raise not_valid("ItemRef")
    code = reference(detail.get("TaxCodeRef"))
    if not code or code in _WITHOUT_RATES:
        return ZERO
    tax = (net * books.sales_tax_rate(code) / 100).quantize(CENT)
    if not inclusive or "TaxInclusiveAmt" not in detail:
        return tax
    told = read_amount(detail["TaxInclusiveAmt"], field="TaxInclusiveAmt") - net
    if abs(told - tax) > CENT:
        raise Fault("6070", "Amount calculation incorrect in the request", f"Amount does not fit the tax : {net}")
    return told
