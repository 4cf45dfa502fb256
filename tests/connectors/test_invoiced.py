"""How ledgers' lines and taxes are read: what each tax is, and what is told by nothing stays unknown."""

from __future__ import annotations

import copy
from decimal import Decimal
from typing import Any

import pytest

from connectors.ledgers.quickbooks import invoiced as quickbooks
from connectors.ledgers.xero import invoiced as xero
from receivables.e_invoice import EInvoice, e_invoice
from receivables.invoiced import Issuer, Party, Tax, TaxCategory
from receivables.money import Money

STANDARD = Tax(TaxCategory.STANDARD, Decimal(20))
ORGANISATION: dict[str, Any] = {
    "Name": "Harbour", "LegalName": "Harbour Ltd", "Version": "UK", "BaseCurrency": "GBP", "CountryCode": "GB",
    "TaxNumber": "999 9999 73", "RegistrationNumber": "00000000",
    "Addresses": [
        {"AddressType": "STREET", "City": "", "Country": ""},
        {"AddressType": "POBOX", "AddressLine1": "1 Quay", "City": "Bristol", "PostalCode": "BS1", "Country": "UK"},
    ],
}  # fmt: skip


def _rate(kind: str, rate: str, *, reported: str = "", components: int = 1, compound: bool = False) -> dict[str, Any]:
    part = {"Name": "VAT", "Rate": Decimal(rate), "IsCompound": compound}
    return {
        "Name": kind,
        "TaxType": kind,
        "ReportTaxType": reported or kind,
        "EffectiveRate": Decimal(rate),
        "TaxComponents": [part] * components,
    }


@pytest.mark.parametrize(
    ("rate", "tax"),
    [
        (_rate("OUTPUT2", "20.0000", reported="OUTPUT"), STANDARD),
        (_rate("TAX004", "5.5", reported="OUTPUT"), Tax(TaxCategory.STANDARD, Decimal("5.5"))),
        (_rate("ZERORATEDOUTPUT", "0"), Tax(TaxCategory.ZERO)),
        (_rate("EXEMPTOUTPUT", "0"), Tax(TaxCategory.EXEMPT)),
        (_rate("TAX005", "0", reported="EXEMPTOUTPUT"), Tax(TaxCategory.EXEMPT)),
        (_rate("ECZROUTPUT", "0", reported="ECOUTPUT"), None),
        (_rate("DRCHARGESUPPLY20", "0", reported="REVERSECHARGES"), None),
        (_rate("TAX001", "8", components=2), None),
        (_rate("TAX002", "8", compound=True), None),
    ],
)
def test_what_a_tax_of_xero_is(rate: dict[str, Any], tax: Tax | None) -> None:
    assert xero.issuer(ORGANISATION, [rate]).taxes[rate["TaxType"]] == tax


@pytest.mark.parametrize(
    ("version", "number", "tax"),
    [("UK", "1", Tax(TaxCategory.OUTSIDE)), ("GLOBAL", "1", None), ("GLOBAL", "", Tax(TaxCategory.OUTSIDE))],
)
def test_no_tax_in_xero_is_outside_its_scope_where_nothing_else_is_called_so(
    version: str, number: str, tax: Tax | None
) -> None:
    told = ORGANISATION | {"Version": version, "TaxNumber": number}
    assert xero.issuer(told, [_rate("NONE", "0")]).taxes["NONE"] == tax


def _of_xero(**fields: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    line = {"Description": "Boards", "Quantity": Decimal("3.0"), "UnitAmount": Decimal("33.3333"), "TaxType": "OUTPUT2",
            "TaxAmount": Decimal("20.0"), "LineAmount": Decimal("100.0"), "AccountCode": "200"}  # fmt: skip
    text = {"Description": "Thank you", "TaxAmount": Decimal("0.0"), "LineAmount": Decimal("0.0")}
    contact = {
        "Name": "Acme",
        "TaxNumber": "GB1",
        "Addresses": [{"AddressType": "POBOX", "City": "Leeds", "Country": "UK"}],
    }
    return {
        "InvoiceNumber": "INV-1", "Reference": "PO-7", "Contact": contact, "Date": "/Date(1771977600000+0000)/",
        "DueDate": "/Date(1774569600000+0000)/", "LineAmountTypes": "Exclusive", "LineItems": [line, text],
        "SubTotal": Decimal("100.0"), "TotalTax": Decimal("20.0"), "Total": Decimal("120.0"),
        "AmountDue": Decimal("70.0"), "CurrencyCode": "GBP",
    } | fields  # fmt: skip


def test_lines_of_xero_with_and_without_tax_in_their_prices() -> None:
    issuer = xero.issuer(ORGANISATION, [_rate("OUTPUT2", "20")])
    assert issuer.seller == Party("Harbour Ltd", ("1 Quay",), "Bristol", "", "BS1", "GB", "999 9999 73", "00000000")
    stated = xero.invoiced(_of_xero(), issuer)
    assert stated.buyer == Party("Acme", (), "Leeds", "", "", "UK", "GB1")
    (line,) = stated.lines  # a line of text alone sells nothing
    assert (line.net, line.unit_price, line.tax) == (Money(10_000, "GBP"), Decimal("33.3333"), STANDARD)
    assert stated.charged == ((Decimal(20), Money(2_000, "GBP")),)
    inclusive = copy.deepcopy(_of_xero(LineAmountTypes="Inclusive"))
    inclusive["LineItems"][0] |= {"LineAmount": Decimal("120.0"), "UnitAmount": Decimal("40.0")}
    (line,) = xero.invoiced(inclusive, issuer).lines
    assert (line.net, line.unit_price) == (Money(10_000, "GBP"), None)
    made = e_invoice(Issuer(issuer.seller, "GBP", {}), _british(xero.invoiced(inclusive, issuer)))
    assert isinstance(made, EInvoice)
    assert (made.totals.due, made.totals.paid) == (Money(7_000, "GBP"), Money(5_000, "GBP"))


def _british(stated: Any) -> Any:  # noqa: ANN401 - Invoiced
    import dataclasses

    return dataclasses.replace(stated, buyer=dataclasses.replace(stated.buyer, country="GB"))


def _codes(**percents: str) -> list[dict[str, Any]]:
    return [
        {
            "Id": name,
            "Name": name.replace("_", " "),
            "SalesTaxRateList": {"TaxRateDetail": [{"TaxRateRef": {"value": name}}]},
        }
        for name in percents
    ]


def test_what_a_tax_code_of_quickbooks_is() -> None:
    percents = {"20.0%_S": "20", "0.0%_Z": "0", "Exempt": "0", "No_VAT": "0", "0.0%_ECG": "0"}
    codes = _codes(**percents)
    codes.append({"Id": "both", "Name": "both", "SalesTaxRateList": {"TaxRateDetail": [
        {"TaxRateRef": {"value": "20.0%_S"}}, {"TaxRateRef": {"value": "Exempt"}}]}})  # fmt: skip
    rates = [{"Id": name, "RateValue": Decimal(percent)} for name, percent in percents.items()]
    company = {"CompanyName": "Harbour", "Country": "GB", "CompanyAddr": {"Line1": "Harbour", "Line2": "1 Quay"}}
    agencies = [{"DisplayName": "HMRC", "TaxRegistrationNumber": "999999973"}, {"DisplayName": "Other"}]
    issuer = quickbooks.issuer(quickbooks.Setup(company, agencies, codes, rates, "GBP"))
    assert issuer.taxes == {
        "20.0%_S": STANDARD,
        "0.0%_Z": Tax(TaxCategory.ZERO),
        "Exempt": Tax(TaxCategory.EXEMPT),
        "No_VAT": Tax(TaxCategory.OUTSIDE),
        "0.0%_ECG": None,
        "both": None,
    }
    assert (issuer.seller.tax_number, issuer.seller.lines) == ("999999973", ("1 Quay",))


def _of_quickbooks(*lines: dict[str, Any], tax: dict[str, Any] | None = None, total: str = "120.0") -> dict[str, Any]:
    return {
        "DocNumber": "INV-1", "TxnDate": "2026-02-25", "DueDate": "2026-03-27", "CurrencyRef": {"value": "GBP"},
        "CustomerRef": {"value": "1", "name": "Acme"}, "BillAddr": {"City": "Leeds", "Country": "UK"},
        "Line": list(lines), "TxnTaxDetail": tax or {}, "TotalAmt": Decimal(total), "Balance": Decimal("70.0"),
    }  # fmt: skip


def _sold(amount: str, code: str) -> dict[str, Any]:
    detail = {"TaxCodeRef": {"value": code}, "Qty": 2, "UnitPrice": Decimal(amount) / 2}
    return {"Amount": Decimal(amount), "Description": "Boards", "DetailType": "SalesItemLineDetail",
            "SalesItemLineDetail": detail}  # fmt: skip


def test_lines_of_quickbooks_bundles_and_discounts() -> None:
    issuer = Issuer(Party("Harbour"), "GBP", {"5": STANDARD})
    bundle = {"DetailType": "GroupLineDetail", "GroupLineDetail": {"Line": [_sold("60.0", "5")]}}
    off = {"Amount": Decimal("10.0"), "DetailType": "DiscountLineDetail", "DiscountLineDetail": {"PercentBased": False}}
    subtotal = {"Amount": Decimal("110.0"), "DetailType": "SubTotalLineDetail", "SubTotalLineDetail": {}}
    rate = {"Amount": Decimal("20.0"), "TaxLineDetail": {"TaxPercent": 20, "NetAmountTaxable": Decimal("100.0")}}
    tax = {"TotalTax": Decimal("20.0"), "TaxLine": [rate]}
    stated = quickbooks.invoiced(_of_quickbooks(_sold("50.0", "5"), bundle, off, subtotal, tax=tax), issuer)
    assert [line.net.text() for line in stated.lines] == ["50.00", "60.00"]
    assert [each.amount.text() for each in stated.discounts] == ["10.00"]
    assert (stated.net.text(), stated.tax.text(), stated.charged) == (
        "100.00",
        "20.00",
        ((Decimal(20), Money(2_000, "GBP")),),
    )
    with pytest.raises(ValueError, match="which is not known"):
        quickbooks.invoiced(_of_quickbooks({"DetailType": "TDSLineDetail"}), issuer)


@pytest.mark.parametrize("code", ["NON", "TAX"])
def test_sales_tax_of_the_united_states_is_never_taken_for_value_added_tax(code: str) -> None:
    issuer = Issuer(Party("Cedar"), "USD", {})
    (free,) = quickbooks.invoiced(_of_quickbooks(_sold("120.0", code)), issuer).lines
    assert free.tax == Tax(TaxCategory.OUTSIDE)
    taxed = quickbooks.invoiced(_of_quickbooks(_sold("110.0", code), tax={"TotalTax": Decimal("10.0")}), issuer)
    assert taxed.lines[0].tax is None
