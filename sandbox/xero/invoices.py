"""Invoices: created, changed within the rules of their status, and kept in step with what is paid on them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from sandbox.xero.ledger import Ledger
from sandbox.xero.lines import Taxed, taxed
from sandbox.xero.values import ZERO, Commit, Record, Refused, read_day

_NEXT = {
    "DRAFT": {"DRAFT", "SUBMITTED", "AUTHORISED", "DELETED"},
    "SUBMITTED": {"DRAFT", "SUBMITTED", "AUTHORISED", "DELETED"},
    "AUTHORISED": {"AUTHORISED", "VOIDED"},
    "PAID": {"PAID"},
    "VOIDED": set(),
    "DELETED": set(),
}
_ALWAYS = {
    "DueDate",
    "Reference",
    "SentToContact",
    "Url",
    "ExpectedPaymentDate",
    "PlannedPaymentDate",
    "BrandingThemeID",
}
_DAYS = {"DueDate", "ExpectedPaymentDate", "PlannedPaymentDate", "Date"}
_WHILE_UNPAID = {"LineItems", "Date", "Contact", "InvoiceNumber", "CurrencyCode"}


def new(
    books: Ledger, *, kind: str, contact_id: str, number: str, taxed: Taxed, currency: str, rate: Decimal,
    issued_on: date, due_on: date, reference: str, status: str, amount_types: str = "NoTax",
) -> Record:  # fmt: skip
    """Keep a new invoice; the caller announces it."""
    invoice_id = books.new_id("invoice")
    for item in taxed.lines:
        item["LineItemID"] = books.new_id("line")
    record: Record = {"Type": kind, "InvoiceID": invoice_id, "InvoiceNumber": number, "Reference": reference}
    record |= {"Payments": [], "CreditNotes": [], "Prepayments": [], "Overpayments": [], "AmountDue": taxed.total}
    record |= {"AmountPaid": ZERO, "AmountCredited": ZERO, "CurrencyRate": rate, "SentToContact": False}
    record |= {"IsDiscounted": False, "HasAttachments": False, "HasErrors": False, "Contact": {"ContactID": contact_id}}
    record |= {"Date": issued_on, "DueDate": due_on, "Status": status, "LineAmountTypes": amount_types}
    record |= {**taxed.amounts(), "CurrencyCode": currency}
    books.invoices[invoice_id] = record
    books.numbers[number] = invoice_id
    return record


def find(books: Ledger, reference: object) -> Record | None:
    """The invoice that `{InvoiceID}` or `{InvoiceNumber}` names."""
    wanted = reference if isinstance(reference, dict) else {}
    by_number = books.numbers.get(str(wanted.get("InvoiceNumber")), "")
    return books.invoices.get(str(wanted.get("InvoiceID") or by_number))


def plan(books: Ledger, item: Record, *, may_update: bool) -> Commit:
    """Plan what POST (create or update) or PUT (create) asks for one invoice."""
    existing = find(books, item)
    if item.get("InvoiceID") and existing is None:
        raise Refused("Invoice not found")
    if existing is not None:
        if not may_update:
            raise Refused("Invoice # must be unique.")
        return plan_update(books, existing, item)
    return _plan_new(books, item)


def plan_update(books: Ledger, record: Record, fields: Record) -> Commit:
    """Plan to change an invoice, within what its status allows."""
    status = str(fields.get("Status", record["Status"]))
    asked = {name: _read(books, record, name, fields[name]) for name in (_ALWAYS | _WHILE_UNPAID) & fields.keys()}
    asked = {name: value for name, value in asked.items() if _differs(record, name, value)}
    if status not in _NEXT[record["Status"]]:
        raise Refused("Invoice not of valid status for modification")
    paid = bool(record["AmountPaid"] or record["AmountCredited"])
    if paid and (status == "VOIDED" or asked.keys() & _WHILE_UNPAID):
        raise Refused("This document cannot be edited as it has a payment or credit note allocated to it.")
    books.check_open(record["Date"])
    if "Contact" in asked:
        asked["Contact"] = {"ContactID": books.contact(asked["Contact"])["ContactID"]}

    def commit() -> Record:
        record.update({name: value for name, value in asked.items() if name != "LineItems"})
        if "LineItems" in asked:
            record.update(asked["LineItems"].amounts())
        record["Status"] = status
        if "InvoiceNumber" in asked:
            books.numbers[record["InvoiceNumber"]] = record["InvoiceID"]
        settle(record, on=books.now().date())
        books.changed("INVOICE", "UPDATE", record)
        return record

    return commit


def settle(record: Record, *, on: date) -> None:
    """Work out what is due from what is paid and credited, and the status that follows."""
    record["AmountDue"] = record["Total"] - record["AmountPaid"] - record["AmountCredited"]
    if record["Status"] in ("VOIDED", "DELETED"):
        record["AmountDue"] = ZERO
    elif record["Status"] == "AUTHORISED" and record["AmountDue"] == 0 and record["Total"]:
        record |= {"Status": "PAID", "FullyPaidOnDate": on}
    elif record["Status"] == "PAID" and record["AmountDue"] > 0:
        record["Status"] = "AUTHORISED"
        record.pop("FullyPaidOnDate", None)


def _plan_new(books: Ledger, item: Record) -> Commit:
    if item.get("Type") not in ("ACCREC", "ACCPAY"):
        raise Refused("Invoice Type is not valid")
    status = str(item.get("Status", "DRAFT"))
    if status not in ("DRAFT", "SUBMITTED", "AUTHORISED"):
        raise Refused("Invoice not of valid status for creation")
    contact_id = str(books.contact(item.get("Contact"))["ContactID"])
    issued_on = read_day(item.get("Date", books.now().date()), field="Date")
    due_on = read_day(item["DueDate"], field="DueDate") if item.get("DueDate") else issued_on
    amount_types = str(item.get("LineAmountTypes", "Exclusive"))
    made = taxed(books, item.get("LineItems"), amount_types)
    currency = str(item.get("CurrencyCode") or books.base_currency)
    rate = books.rate(currency, item.get("CurrencyRate"))
    books.check_open(issued_on)

    def commit() -> Record:
        record = new(
            books, kind=str(item["Type"]), contact_id=contact_id,
            number=str(item.get("InvoiceNumber") or _next_number(books)), taxed=made,
            currency=currency, rate=rate, issued_on=issued_on, due_on=due_on,
            reference=str(item.get("Reference") or ""), status=status, amount_types=amount_types,
        )  # fmt: skip
        record["SentToContact"] = bool(item.get("SentToContact", False))
        books.made_through_api.add(record["InvoiceID"])
        books.changed("INVOICE", "CREATE", record)
        return record

    return commit


def _next_number(books: Ledger) -> str:
    """The first free number after as many as there are invoices."""
    first = len(books.invoices) + 1
    numbers = (f"INV-{number:04d}" for number in range(first, 2 * first + 1))
    return next(number for number in numbers if number not in books.numbers)


def _read(books: Ledger, record: Record, name: str, value: object) -> Any:  # noqa: ANN401 - what the field holds
    if name in _DAYS:
        return read_day(value, field=name)
    return taxed(books, value, record["LineAmountTypes"]) if name == "LineItems" else value


def _differs(record: Record, name: str, value: object) -> bool:
    if name == "Contact":
        return isinstance(value, dict) and value.get("ContactID") != record["Contact"]["ContactID"]
    if isinstance(value, Taxed):
        pick = ("Description", "Quantity", "UnitAmount", "LineAmount", "AccountCode")
        return [[item[f] for f in pick] for item in value.lines] != [
            [item[f] for f in pick] for item in record["LineItems"]
        ]
    return bool(record.get(name) != value)
