"""What a company says of itself: its name, and how people set it up."""

from __future__ import annotations

from sandbox.quickbooks.books import QuickBooksBooks
from sandbox.quickbooks.values import Record, stamp


def info(books: QuickBooksBooks) -> Record:
    """CompanyInfo."""
    moment = stamp(books.created_at)
    return {
        "CompanyName": books.name, "LegalName": books.name, "Country": "US", "FiscalYearStartMonth": "January",
        "SupportedLanguages": "en", "CompanyAddr": {"Id": "1"}, "NameValue": [], "domain": "QBO", "sparse": False,
        "Id": "1", "SyncToken": "0", "MetaData": {"CreateTime": moment, "LastUpdatedTime": moment},
    } | books.told  # fmt: skip


def preferences(books: QuickBooksBooks) -> Record:
    """Preferences."""
    close: Record = {"BookCloseDate": books.book_close_date.isoformat()} if books.book_close_date else {}
    moment = stamp(books.created_at)
    return {
        "AccountingInfoPrefs": {"UseAccountNumbers": False, "CustomerTerminology": "Customers", **close},
        "CurrencyPrefs": {"MultiCurrencyEnabled": books.multicurrency, "HomeCurrency": {"value": books.home_currency}},
        "SalesFormsPrefs": {"AutoApplyCredit": False, "AutoApplyPayments": False, **_custom_fields(books)},
        "domain": "QBO", "sparse": False,
        "Id": "1", "SyncToken": "0", "MetaData": {"CreateTime": moment, "LastUpdatedTime": moment},
    }  # fmt: skip


def _custom_fields(books: QuickBooksBooks) -> Record:
    """The sales forms' own fields, as QuickBooks nests them: which are in use, then how they are called."""
    if not books.custom_field_names:
        return {}
    used = [
        {
            "Name": f"SalesFormsPrefs.UseSalesCustom{key}",
            "Type": "BooleanType",
            "BooleanValue": key in books.custom_field_names,
        }
        for key in ("3", "2", "1")
    ]
    named = [
        {"Name": f"SalesFormsPrefs.SalesCustomName{key}", "Type": "StringType", "StringValue": name}
        for key, name in {**books.unused_field_names, **books.custom_field_names}.items()
    ]
    return {"CustomField": [{"CustomField": used}, {"CustomField": named}]}
