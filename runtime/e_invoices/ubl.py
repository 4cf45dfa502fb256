"""An invoice in UBL 2.1, in the syntax that EN 16931-3-2 gives each term of the model."""

from __future__ import annotations

from lxml import etree

from receivables.e_invoice import Allowance, EInvoice, Line, TaxBreakdown
from receivables.invoiced import Party, Tax, TaxCategory
from receivables.money import Money
from runtime.e_invoices.codes import COMMERCIAL_INVOICE, CUSTOMIZATION, DISCOUNT, ONE, exemption_code
from runtime.e_invoices.xml import Vocabulary, plain, written

_UBL = "urn:oasis:names:specification:ubl:schema:xsd"
_XML = Vocabulary(
    {
        "ubl": f"{_UBL}:Invoice-2",
        "cac": f"{_UBL}:CommonAggregateComponents-2",
        "cbc": f"{_UBL}:CommonBasicComponents-2",
    }
)
_is, _maybe = _XML.element, _XML.filled


def write_ubl(invoice: EInvoice) -> bytes:
    """Return the invoice as a file."""
    order = invoice.order_number
    return written(
        _is(
            "ubl:Invoice",
            _is("cbc:CustomizationID", CUSTOMIZATION),
            _is("cbc:ID", invoice.number),
            _is("cbc:IssueDate", invoice.issued_on.isoformat()),
            _is("cbc:DueDate", invoice.due_on.isoformat()),
            _is("cbc:InvoiceTypeCode", COMMERCIAL_INVOICE),
            _is("cbc:DocumentCurrencyCode", invoice.currency),
            _is("cac:OrderReference", _is("cbc:ID", order)) if order else None,
            _is("cac:AccountingSupplierParty", _party(invoice.seller)),
            _is("cac:AccountingCustomerParty", _party(invoice.buyer)),
            *[_allowance(each) for each in invoice.allowances],
            _taxes(invoice),
            _totals(invoice),
            *[_line(each) for each in invoice.lines],
        )
    )


def _party(party: Party) -> etree._Element:
    street, additional, *further = (*party.lines[:3], "", "", "")[:3]
    registered = [_is("cbc:RegistrationName", party.name), _maybe("cbc:CompanyID", party.registration)]
    taxed = _is("cac:PartyTaxScheme", _is("cbc:CompanyID", party.tax_number), _scheme()) if party.tax_number else None
    return _is(
        "cac:Party",
        _is(
            "cac:PostalAddress",
            _maybe("cbc:StreetName", street),
            _maybe("cbc:AdditionalStreetName", additional),
            _maybe("cbc:CityName", party.city),
            _maybe("cbc:PostalZone", party.post_code),
            _maybe("cbc:CountrySubentity", party.region),
            _is("cac:AddressLine", _is("cbc:Line", further[0])) if further[0] else None,
            _is("cac:Country", _is("cbc:IdentificationCode", party.country)),
        ),
        taxed,
        _is("cac:PartyLegalEntity", *registered),
    )


def _allowance(allowance: Allowance) -> etree._Element:
    return _is(
        "cac:AllowanceCharge",
        _is("cbc:ChargeIndicator", "false"),
        _is("cbc:AllowanceChargeReasonCode", DISCOUNT),
        _is("cbc:AllowanceChargeReason", allowance.reason),
        _money("cbc:Amount", allowance.amount),
        _category("cac:TaxCategory", allowance.tax),
    )


def _taxes(invoice: EInvoice) -> etree._Element:
    return _is(
        "cac:TaxTotal", _money("cbc:TaxAmount", invoice.totals.tax), *[_breakdown(each) for each in invoice.breakdown]
    )


def _breakdown(each: TaxBreakdown) -> etree._Element:
    return _is(
        "cac:TaxSubtotal",
        _money("cbc:TaxableAmount", each.taxable),
        _money("cbc:TaxAmount", each.amount),
        _category("cac:TaxCategory", each.tax, each.reason),
    )


def _totals(invoice: EInvoice) -> etree._Element:
    totals = invoice.totals
    return _is(
        "cac:LegalMonetaryTotal",
        _money("cbc:LineExtensionAmount", totals.lines),
        _money("cbc:TaxExclusiveAmount", totals.net),
        _money("cbc:TaxInclusiveAmount", totals.total),
        _money("cbc:AllowanceTotalAmount", totals.allowances) if invoice.allowances else None,
        _money("cbc:PrepaidAmount", totals.paid) if totals.paid else None,
        _money("cbc:PayableAmount", totals.due),
    )


def _line(line: Line) -> etree._Element:
    return _is(
        "cac:InvoiceLine",
        _is("cbc:ID", str(line.number)),
        _is("cbc:InvoicedQuantity", plain(line.quantity), unitCode=ONE),
        _money("cbc:LineExtensionAmount", line.net),
        _is(
            "cac:Item",
            _maybe("cbc:Description", line.description),
            _is("cbc:Name", line.name),
            _category("cac:ClassifiedTaxCategory", line.tax),
        ),
        _is(
            "cac:Price",
            _is("cbc:PriceAmount", plain(line.price), currencyID=line.net.currency),
            _is("cbc:BaseQuantity", plain(line.base), unitCode=ONE) if line.base != 1 else None,
        ),
    )


def _category(name: str, tax: Tax, reason: str = "") -> etree._Element:
    """A tax; what is outside its scope has no rate (BR-O-05)."""
    outside = tax.category is TaxCategory.OUTSIDE
    return _is(
        name,
        _is("cbc:ID", tax.category.value),
        None if outside else _is("cbc:Percent", plain(tax.percent)),
        _maybe("cbc:TaxExemptionReasonCode", exemption_code(tax) if reason else ""),
        _maybe("cbc:TaxExemptionReason", reason),
        _scheme(),
    )


def _scheme() -> etree._Element:
    return _is("cac:TaxScheme", _is("cbc:ID", "VAT"))


def _money(name: str, amount: Money) -> etree._Element:
    return _is(name, amount.text(), currencyID=amount.currency)
