"""An invoice in UN/CEFACT's Cross Industry Invoice (D16B and later), in the syntax of EN 16931-3-3."""

from __future__ import annotations

from datetime import date

from lxml import etree

from receivables.e_invoice import Allowance, EInvoice, Line, TaxBreakdown
from receivables.invoiced import Party, Tax, TaxCategory
from receivables.money import Money
from runtime.e_invoices.codes import COMMERCIAL_INVOICE, CUSTOMIZATION, DISCOUNT, ONE, exemption_code
from runtime.e_invoices.xml import Vocabulary, plain, written

_CEFACT = "urn:un:unece:uncefact:data"
_XML = Vocabulary(
    {
        "rsm": f"{_CEFACT}:standard:CrossIndustryInvoice:100",
        "ram": f"{_CEFACT}:standard:ReusableAggregateBusinessInformationEntity:100",
        "udt": f"{_CEFACT}:standard:UnqualifiedDataType:100",
    }
)
_is, _maybe = _XML.element, _XML.filled
_DAY = "102"  # UNTDID 2379: CCYYMMDD


def write_cii(invoice: EInvoice) -> bytes:
    """Return the invoice as a file."""
    return written(
        _is(
            "rsm:CrossIndustryInvoice",
            _is(
                "rsm:ExchangedDocumentContext",
                _is("ram:GuidelineSpecifiedDocumentContextParameter", _is("ram:ID", CUSTOMIZATION)),
            ),
            _is(
                "rsm:ExchangedDocument",
                _is("ram:ID", invoice.number),
                _is("ram:TypeCode", COMMERCIAL_INVOICE),
                _day("ram:IssueDateTime", invoice.issued_on),
            ),
            _is(
                "rsm:SupplyChainTradeTransaction",
                *[_line(each) for each in invoice.lines],
                _agreement(invoice),
                _is("ram:ApplicableHeaderTradeDelivery"),
                _settlement(invoice),
            ),
        )
    )


def _agreement(invoice: EInvoice) -> etree._Element:
    order = invoice.order_number
    return _is(
        "ram:ApplicableHeaderTradeAgreement",
        _party("ram:SellerTradeParty", invoice.seller),
        _party("ram:BuyerTradeParty", invoice.buyer),
        _is("ram:BuyerOrderReferencedDocument", _is("ram:IssuerAssignedID", order)) if order else None,
    )


def _party(name: str, party: Party) -> etree._Element:
    one, two, three = (*party.lines[:3], "", "", "")[:3]
    registered, number = party.registration, party.tax_number
    return _is(
        name,
        _is("ram:Name", party.name),
        _is("ram:SpecifiedLegalOrganization", _is("ram:ID", registered)) if registered else None,
        _is(
            "ram:PostalTradeAddress",
            _maybe("ram:PostcodeCode", party.post_code),
            _maybe("ram:LineOne", one),
            _maybe("ram:LineTwo", two),
            _maybe("ram:LineThree", three),
            _maybe("ram:CityName", party.city),
            _is("ram:CountryID", party.country),
            _maybe("ram:CountrySubDivisionName", party.region),
        ),
        _is("ram:SpecifiedTaxRegistration", _is("ram:ID", number, schemeID="VA")) if number else None,
    )


def _settlement(invoice: EInvoice) -> etree._Element:
    totals = invoice.totals
    return _is(
        "ram:ApplicableHeaderTradeSettlement",
        _is("ram:InvoiceCurrencyCode", invoice.currency),
        *[_breakdown(each) for each in invoice.breakdown],
        *[_allowance(each) for each in invoice.allowances],
        _is("ram:SpecifiedTradePaymentTerms", _day("ram:DueDateDateTime", invoice.due_on)),
        _is(
            "ram:SpecifiedTradeSettlementHeaderMonetarySummation",
            _is("ram:LineTotalAmount", totals.lines.text()),
            _is("ram:AllowanceTotalAmount", totals.allowances.text()) if invoice.allowances else None,
            _is("ram:TaxBasisTotalAmount", totals.net.text()),
            _is("ram:TaxTotalAmount", totals.tax.text(), currencyID=invoice.currency),
            _is("ram:GrandTotalAmount", totals.total.text()),
            _is("ram:TotalPrepaidAmount", totals.paid.text()) if totals.paid else None,
            _is("ram:DuePayableAmount", totals.due.text()),
        ),
    )


def _breakdown(each: TaxBreakdown) -> etree._Element:
    return _tax("ram:ApplicableTradeTax", each.tax, each.amount, each.taxable, each.reason)


def _allowance(allowance: Allowance) -> etree._Element:
    return _is(
        "ram:SpecifiedTradeAllowanceCharge",
        _is("ram:ChargeIndicator", _is("udt:Indicator", "false")),
        _is("ram:ActualAmount", allowance.amount.text()),
        _is("ram:ReasonCode", DISCOUNT),
        _is("ram:Reason", allowance.reason),
        _tax("ram:CategoryTradeTax", allowance.tax),
    )


def _line(line: Line) -> etree._Element:
    base = _is("ram:BasisQuantity", plain(line.base), unitCode=ONE) if line.base != 1 else None
    return _is(
        "ram:IncludedSupplyChainTradeLineItem",
        _is("ram:AssociatedDocumentLineDocument", _is("ram:LineID", str(line.number))),
        _is("ram:SpecifiedTradeProduct", _is("ram:Name", line.name), _maybe("ram:Description", line.description)),
        _is(
            "ram:SpecifiedLineTradeAgreement",
            _is("ram:NetPriceProductTradePrice", _is("ram:ChargeAmount", plain(line.price)), base),
        ),
        _is("ram:SpecifiedLineTradeDelivery", _is("ram:BilledQuantity", plain(line.quantity), unitCode=ONE)),
        _is(
            "ram:SpecifiedLineTradeSettlement",
            _tax("ram:ApplicableTradeTax", line.tax),
            _is("ram:SpecifiedTradeSettlementLineMonetarySummation", _is("ram:LineTotalAmount", line.net.text())),
        ),
    )


def _tax(
    name: str, tax: Tax, amount: Money | None = None, taxable: Money | None = None, reason: str = ""
) -> etree._Element:
    """A tax; what is outside its scope has no rate (BR-O-05)."""
    outside = tax.category is TaxCategory.OUTSIDE
    return _is(
        name,
        _is("ram:CalculatedAmount", amount.text()) if amount is not None else None,
        _is("ram:TypeCode", "VAT"),
        _maybe("ram:ExemptionReason", reason),
        _is("ram:BasisAmount", taxable.text()) if taxable is not None else None,
        _is("ram:CategoryCode", tax.category.value),
        _maybe("ram:ExemptionReasonCode", exemption_code(tax) if reason else ""),
        None if outside else _is("ram:RateApplicablePercent", plain(tax.percent)),
    )


def _day(name: str, day: date) -> etree._Element:
    return _is(name, _is("udt:DateTimeString", f"{day:%Y%m%d}", format=_DAY))
