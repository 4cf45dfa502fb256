"""Records as the accounting API shows them: with names, date texts and the documents they point to."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal

from sandbox.xero.ledger import Ledger
from sandbox.xero.values import Record, date_string

_HEAVY = ("LineItems", "Payments", "CreditNotes", "Prepayments", "Overpayments", "Allocations")
_INVOICE_IN_PAYMENT = """
    Type InvoiceID InvoiceNumber Reference AmountDue AmountPaid AmountCredited SentToContact CurrencyRate Date DueDate
    Status LineAmountTypes SubTotal TotalTax Total UpdatedDateUTC CurrencyCode FullyPaidOnDate
""".split()


def _dated(record: Record) -> Record:
    shown = dict(record)
    for name in ("Date", "DueDate"):
        if isinstance(day := record.get(name), date):
            shown[f"{name}String"] = date_string(day)
    return shown


def _stamped(record: Record) -> Record:
    """Dates in text, the last change too: only documents with a balance, and payments, have it so."""
    shown = _dated(record)
    if isinstance(changed := record.get("UpdatedDateUTC"), datetime):
        shown["UpdatedDateUTCString"] = f"{changed:%Y-%m-%dT%H:%M:%SZ}"
    return shown


def _contact_of(books: Ledger, record: Record) -> Record:
    contact = books.contacts[record["Contact"]["ContactID"]]
    shown = {name: contact[name] for name in ("ContactID", "ContactNumber", "Name", "EmailAddress") if name in contact}
    return shown | {
        "Addresses": [],
        "Phones": [],
        "ContactGroups": [],
        "ContactPersons": [],
        "HasValidationErrors": False,
    }


def document(books: Ledger, record: Record) -> Record:
    """An invoice, credit note, overpayment, prepayment or bank transaction in full."""
    shown = _dated(record) if "BankTransactionID" in record else _stamped(record)
    if "Contact" in record:
        shown["Contact"] = _contact_of(books, record)
    return shown


def summary(books: Ledger, record: Record) -> Record:
    """A document without what is heavy to compute (`summaryOnly=true`, and lists without `page`)."""
    shown = document(books, record)
    return {name: value for name, value in shown.items() if name not in _HEAVY}


def payment(books: Ledger, record: Record) -> Record:
    """A payment with the document it pays."""
    shown = _stamped(record)
    if batch := books.batch_payments.get(record.get("BatchPaymentID", "")):
        names = ("Account", "BatchPaymentID", "Date", "Type", "Status", "TotalAmount", "UpdatedDateUTC", "IsReconciled")
        shown["BatchPayment"] = {name: batch[name] for name in names if name in batch}
    if "Invoice" in record:
        invoice = books.invoices[record["Invoice"]["InvoiceID"]]
        inner = _dated({name: invoice[name] for name in _INVOICE_IN_PAYMENT if name in invoice})
        inner |= {"Contact": _contact_of(books, invoice), "Payments": [], "CreditNotes": [], "Prepayments": []}
        shown["Invoice"] = inner | {"Overpayments": [], "LineItems": [], "HasErrors": False, "IsDiscounted": False}
    return shown


def transfer(_books: Ledger, record: Record) -> Record:
    """A bank transfer: it tells when it was made, never when it changed."""
    return {name: value for name, value in _dated(record).items() if name != "UpdatedDateUTC"}


def plain(_books: Ledger, record: Record) -> Record:
    """A record that needs nothing beside its dates."""
    return _dated(record)


def contact_listed(books: Ledger, record: Record) -> Record:
    """A contact in a list without pages, which does not say what it was merged into."""
    return {name: value for name, value in plain(books, record).items() if name != "MergedToContactID"}


def organisation(books: Ledger) -> Record:
    """The organisation itself."""
    shown: Record = {"Name": books.name, "LegalName": books.name, "PaysTax": False, "Version": "GLOBAL"}
    shown |= {"OrganisationType": "COMPANY", "BaseCurrency": books.base_currency, "IsDemoCompany": False}
    shown |= {"OrganisationStatus": "ACTIVE", "FinancialYearEndDay": 31, "FinancialYearEndMonth": 12}
    shown |= {"SalesTaxBasis": "ACCRUALS", "CreatedDateUTC": books.created_at, "OrganisationEntityType": "COMPANY"}
    shown |= {
        "ShortCode": books.short_code,
        "OrganisationID": books.tenant_id,
        "Edition": "BUSINESS",
        "Class": "PREMIUM",
    }
    locks = {"PeriodLockDate": books.period_lock_date, "EndOfYearLockDate": books.end_of_year_lock_date}
    shown |= {name: day for name, day in locks.items() if day is not None}
    return shown | {"Addresses": [], "Phones": [], "ExternalLinks": [], "PaymentTerms": {}} | books.told


def with_addresses(books: Ledger, shown: Record) -> Record:
    """An invoice asked for alone shows the addresses of its contact."""
    contact = books.contacts[shown["Contact"]["ContactID"]]
    return shown | {"Contact": shown["Contact"] | {"Addresses": contact.get("Addresses", [])}}


_TAX_NAMES = {"NONE": "No VAT", "OUTPUT2": "20% (VAT on Income)", "INPUT2": "20% (VAT on Expenses)",
              "ZERORATEDOUTPUT": "Zero Rated Income"}  # fmt: skip
_REPORTED = {"NONE": "NONE", "ZERORATEDOUTPUT": "ZERORATEDOUTPUT"}  # in a line of the return of their own


def tax_rate(tax_type: str, rate: Decimal, *, status: str = "ACTIVE", is_for_sales: bool = True) -> Record:
    """A tax rate of what is sold, or of what is bought."""
    sides = {"Assets": True, "Equity": True, "Expenses": not is_for_sales, "Liabilities": True, "Revenue": is_for_sales}
    name = _TAX_NAMES.get(tax_type, tax_type)
    reported = _REPORTED.get(tax_type, "OUTPUT" if is_for_sales else "INPUT")
    component = {"Name": "VAT", "Rate": rate, "IsCompound": False, "IsNonRecoverable": False}
    shown: Record = {"Name": name, "TaxType": tax_type, "ReportTaxType": reported}
    shown |= {f"CanApplyTo{side}": applies for side, applies in sides.items()}
    return shown | {"DisplayTaxRate": rate, "EffectiveRate": rate, "Status": status, "TaxComponents": [component]}


Renderer = Callable[[Ledger, Record], Record]
