"""Credit notes, overpayments and prepayments: how much is left, and what it is set against."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from sandbox.xero import invoices
from sandbox.xero.ledger import Ledger
from sandbox.xero.values import ZERO, Commit, Record, Refused, read_amount, read_day

KINDS = {"CreditNoteID": "CreditNotes", "OverpaymentID": "Overpayments", "PrepaymentID": "Prepayments"}


def id_field(credit: Record) -> str:
    """Which kind of credit a record is, by its id field."""
    return next(name for name in KINDS if name in credit)


def new_note(books: Ledger, *, contact_id: str, number: str, total: Decimal, currency: str, issued_on: date) -> Record:
    """Keep and announce an approved sales credit note."""
    record = blank(books, "CreditNote", contact_id=contact_id, total=total, currency=currency, issued_on=issued_on)
    record |= {"Type": "ACCRECCREDIT", "CreditNoteNumber": number, "SentToContact": False}
    record["LineItems"] = [invoices.line("Credit", total) | {"LineItemID": books.new_id("line")}]
    books.credit_notes[record["CreditNoteID"]] = record
    books.changed("CREDITNOTE", "CREATE", record)
    return record


def blank(books: Ledger, kind: str, *, contact_id: str, total: Decimal, currency: str, issued_on: date) -> Record:
    """A credit of `kind` with everything left on it."""
    credit_id = books.new_id(kind.lower())
    record: Record = {f"{kind}ID": credit_id, "ID": credit_id, "Contact": {"ContactID": contact_id}, "Date": issued_on}
    record |= {"Status": "AUTHORISED", "LineAmountTypes": "NoTax", "LineItems": [], "SubTotal": total, "TotalTax": ZERO}
    record |= {"Total": total, "CurrencyCode": currency, "CurrencyRate": Decimal("1.000000"), "RemainingCredit": total}
    return record | {"Allocations": [], "Payments": [], "HasAttachments": False, "Reference": ""}


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

    def commit() -> Record:
        invoice = books.invoices[found["Invoice"]["InvoiceID"]]
        name = id_field(credit)
        credit["Allocations"].remove(found)
        _move(books, credit, invoice, -found["Amount"], found["Date"])
        invoice[KINDS[name]] = [part for part in invoice[KINDS[name]] if part["AllocationID"] != allocation_id]
        return {**found, "IsDeleted": True}

    return commit


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
    if credit["Status"] == "PAID":
        credit["FullyPaidOnDate"] = on
    else:
        credit.pop("FullyPaidOnDate", None)
    invoice["AmountCredited"] += amount
    invoices.settle(invoice, on=on)
    books.changed(id_field(credit).removesuffix("ID").upper(), "UPDATE", credit)
    books.changed("INVOICE", "UPDATE", invoice)
