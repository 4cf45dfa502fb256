"""Credit notes, overpayments and prepayments: how much is left, and what it is set against."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from sandbox.xero import invoices
from sandbox.xero.ledger import Ledger
from sandbox.xero.lines import Taxed, taxed
from sandbox.xero.values import ZERO, Commit, Record, Refused, read_amount, read_day

_NEXT = {
    "DRAFT": {"DRAFT", "SUBMITTED", "AUTHORISED", "DELETED"},
    "SUBMITTED": {"DRAFT", "SUBMITTED", "AUTHORISED", "DELETED"},
    "AUTHORISED": {"AUTHORISED", "VOIDED"},
    "PAID": {"PAID"},
    "VOIDED": set[str](),
    "DELETED": set[str](),
}
KINDS = {"CreditNoteID": "CreditNotes", "OverpaymentID": "Overpayments", "PrepaymentID": "Prepayments"}


def id_field(credit: Record) -> str:
    """Which kind of credit a record is, by its id field."""
    return next(name for name in KINDS if name in credit)


def new_note(books: Ledger, *, contact_id: str, number: str, taxed: Taxed, currency: str, issued_on: date) -> Record:
    """Keep and announce an approved sales credit note."""
    record = blank(
        books, "CreditNote", contact_id=contact_id, taxed=taxed, currency=currency, issued_on=issued_on,
        rate=books.rate(currency),
    )  # fmt: skip
    return _keep_note(books, record, number)


def blank(
    books: Ledger, kind: str, *, contact_id: str, taxed: Taxed, currency: str, rate: Decimal, issued_on: date
) -> Record:
    """A credit of `kind` with everything left on it."""
    credit_id = books.new_id(kind.lower())
    record: Record = {f"{kind}ID": credit_id, "ID": credit_id, "Contact": {"ContactID": contact_id}, "Date": issued_on}
    record |= {"Status": "AUTHORISED", "LineAmountTypes": "NoTax", **taxed.amounts(), "RemainingCredit": taxed.total}
    record |= {"CurrencyCode": currency, "CurrencyRate": rate}
    return record | {"Allocations": [], "Payments": [], "HasAttachments": False, "Reference": ""}


def plan_note(books: Ledger, item: Record) -> Commit:
    """Plan to create a sales credit note, or to change the one that `item` names."""
    if item.get("CreditNoteID"):
        existing = books.credit_notes.get(str(item["CreditNoteID"]))
        if existing is None:
            raise Refused("Credit note not found")
        return plan_note_update(books, existing, item)
    if item.get("Type") != "ACCRECCREDIT":
        raise Refused("Credit Note Type is not valid")
    status = str(item.get("Status", "DRAFT"))
    if status not in ("DRAFT", "SUBMITTED", "AUTHORISED"):
        raise Refused("Credit note not of valid status for creation")
    contact_id = str(books.contact(item.get("Contact"))["ContactID"])
    amount_types = str(item.get("LineAmountTypes", "Exclusive"))
    made = taxed(books, item.get("LineItems"), amount_types)
    currency = str(item.get("CurrencyCode") or books.base_currency)
    rate = books.rate(currency, item.get("CurrencyRate"))
    issued_on = read_day(item.get("Date") or books.now().date(), field="Date")
    if made.total <= 0:
        raise Refused("The total for this document must be greater than zero")
    books.check_open(issued_on)

    def commit() -> Record:
        record = blank(
            books, "CreditNote", contact_id=contact_id, taxed=made, currency=currency, rate=rate, issued_on=issued_on
        )
        record |= {"Status": status, "LineAmountTypes": amount_types, "Reference": str(item.get("Reference") or "")}
        return _keep_note(books, record, str(item.get("CreditNoteNumber") or f"CN-{len(books.credit_notes) + 1:04d}"))

    return commit


def plan_note_update(books: Ledger, record: Record, item: Record) -> Commit:
    """Plan to void a credit note, or to change its reference; neither while it is set against something."""
    status = str(item.get("Status", record["Status"]))
    if record["Allocations"] or record["Payments"]:
        raise Refused("This document cannot be edited as it has a payment or credit note allocated to it.")
    if status not in _NEXT[record["Status"]]:
        raise Refused("Credit note not of valid status for modification")
    books.check_open(record["Date"])

    def commit() -> Record:
        record.update({"Status": status, "Reference": str(item.get("Reference", record["Reference"]))})
        if status in ("VOIDED", "DELETED"):
            record["RemainingCredit"] = ZERO
        books.changed("CREDITNOTE", "UPDATE", record)
        return record

    return commit


def plan_allocation(books: Ledger, credit: Record, item: Record, pending: dict[str, Decimal]) -> Commit:
    """Plan to set part of `credit` against an invoice of the same contact and currency."""
    invoice = invoices.find(books, item.get("Invoice"))
    if invoice is None:
        raise Refused("Invoice could not be found")
    amount = read_amount(item.get("Amount"), field="Amount")
    applied_on = read_day(item.get("Date") or books.now().date(), field="Date")
    if amount <= 0:
        raise Refused("Allocation amount must be greater than zero")
    if credit["Status"] != "AUTHORISED" or invoice["Status"] != "AUTHORISED":
        raise Refused("Allocations can only be made between Authorised documents")
    if invoice["Contact"]["ContactID"] != credit["Contact"]["ContactID"]:
        raise Refused("The invoice and the credit must be for the same contact")
    if invoice["CurrencyCode"] != credit["CurrencyCode"]:
        raise Refused("The invoice and the credit must be in the same currency")
    for key, left, what in (
        (credit["ID"], credit["RemainingCredit"], "the credit remaining on this document"),
        (invoice["InvoiceID"], invoice["AmountDue"], "the amount outstanding on the invoice"),
    ):
        if amount > left - pending.get(key, ZERO):
            raise Refused(f"The allocation amount exceeds {what}")
        pending[key] = pending.get(key, ZERO) + amount
    books.check_open(applied_on)
    return lambda: _allocate(books, credit, invoice, amount, applied_on)


def plan_undo(books: Ledger, credit: Record, allocation_id: str) -> Commit:
    """Plan to remove one allocation."""
    found = next((a for a in credit["Allocations"] if a["AllocationID"] == allocation_id), None)
    if found is None:
        raise Refused("Allocation could not be found")
    books.check_open(found["Date"])

    def commit() -> Record:
        invoice = books.invoices[found["Invoice"]["InvoiceID"]]
        name = id_field(credit)
        credit["Allocations"].remove(found)
        _move(books, credit, invoice, -found["Amount"], found["Date"])
        invoice[KINDS[name]] = [part for part in invoice[KINDS[name]] if part["AllocationID"] != allocation_id]
        return {**found, "IsDeleted": True}

    return commit


def _keep_note(books: Ledger, record: Record, number: str) -> Record:
    record |= {"Type": "ACCRECCREDIT", "CreditNoteNumber": number, "SentToContact": False}
    for item in record["LineItems"]:
        item["LineItemID"] = books.new_id("line")
    books.credit_notes[record["CreditNoteID"]] = record
    books.changed("CREDITNOTE", "CREATE", record)
    return record


def _allocate(books: Ledger, credit: Record, invoice: Record, amount: Decimal, applied_on: date) -> Record:
    name = id_field(credit)
    allocation: Record = {"AllocationID": books.new_id("allocation"), "Amount": amount, "Date": applied_on}
    allocation["Invoice"] = {"InvoiceID": invoice["InvoiceID"], "InvoiceNumber": invoice["InvoiceNumber"]}
    credit["Allocations"].append(allocation)
    summary = {key: credit[key] for key in (name, "ID", "CreditNoteNumber", "Total") if key in credit}
    summary |= {"AppliedAmount": amount, "Date": applied_on, "AllocationID": allocation["AllocationID"]}
    invoice[KINDS[name]].append(summary)
    _move(books, credit, invoice, amount, applied_on)
    return allocation


def _move(books: Ledger, credit: Record, invoice: Record, amount: Decimal, on: date) -> None:
    credit["RemainingCredit"] -= amount
    credit["Status"] = "AUTHORISED" if credit["RemainingCredit"] else "PAID"
    if credit["Status"] == "PAID" and "CreditNoteID" in credit:  # the other credits do not say when
        credit["FullyPaidOnDate"] = on
    else:
        credit.pop("FullyPaidOnDate", None)
    invoice["AmountCredited"] += amount
    invoices.settle(invoice, on=on)
    books.changed(id_field(credit).removesuffix("ID").upper(), "UPDATE", credit)
    books.changed("INVOICE", "UPDATE", invoice)
