"""Payments and batch payments: what may be paid, how it changes the document, and how it is undone."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from sandbox.xero import invoices
from sandbox.xero.exchange import Exchange, exchange
from sandbox.xero.ledger import Ledger
from sandbox.xero.values import ZERO, Commit, Record, Refused, read_amount, read_day

Pending = dict[str, Decimal]
_CREDITS = (
    ("CreditNote", "CreditNoteID", "credit_notes", "ARCREDITPAYMENT"),
    ("Overpayment", "OverpaymentID", "overpayments", "AROVERPAYMENTPAYMENT"),
    ("Prepayment", "PrepaymentID", "prepayments", "ARPREPAYMENTPAYMENT"),
)


def plan(books: Ledger, item: Record, pending: Pending) -> Commit:
    """Plan one payment of an invoice, or one refund of a credit.

    `pending` holds what other payments of the same request take, by document id. Refused with Xero's own messages.
    """
    field, kind, target = _target(books, item)
    account = books.account(item.get("Account") or {"Code": item.get("Code")})
    if account["Type"] != "BANK" and not account["EnablePaymentsToAccount"]:
        raise Refused("Account is not a valid payment account: it must be a bank account or have payments enabled")
    amount = read_amount(item.get("Amount"), field="Amount")
    paid_on = read_day(item.get("Date") or books.now().date(), field="Date")
    check_payable(books, target, amount, pending, account)
    worth = exchange(books, target, account, amount, item)
    books.check_open(paid_on)

    def commit() -> Record:
        record = _record(books, kind=kind, amount=amount, paid_on=paid_on, worth=worth, item=item)
        books.realised_gains[record["PaymentID"]] = worth.gain
        record |= {
            "Account": {name: account[name] for name in ("AccountID", "Code", "Name")},
            field: _named(field, target),
        }
        books.payments[record["PaymentID"]] = record
        _take(books, field, target, record)
        books.changed("PAYMENT", "CREATE", record)
        return record

    return commit


def check_payable(books: Ledger, target: Record, amount: Decimal, pending: Pending, account: Record) -> None:
    """Refuse what Xero refuses to pay; otherwise count `amount` as taken from the document."""
    if amount <= 0:
        raise Refused("The payment amount must be greater than 0")
    if target["Status"] != "AUTHORISED":
        raise Refused("Payments can only be made against Authorised documents")
    document_id = str(
        target.get("InvoiceID")
        or target.get("CreditNoteID")
        or target.get("OverpaymentID")
        or target.get("PrepaymentID")
    )
    left: Decimal = target["AmountDue"] if "AmountDue" in target else target["RemainingCredit"]
    if amount > left - pending.get(document_id, ZERO):
        raise Refused("Payment amount exceeds the amount outstanding on this document")
    if account.get("CurrencyCode", books.base_currency) not in (books.base_currency, target["CurrencyCode"]):
        raise Refused("The account's currency must be the document's or the organisation's currency")
    pending[document_id] = pending.get(document_id, ZERO) + amount


def plan_delete(books: Ledger, record: Record, *, with_batch: bool = False) -> Commit:
    """Plan to delete a payment; the document is open again."""
    if record["Status"] == "DELETED":
        raise Refused("The payment has already been deleted")
    if record["IsReconciled"]:
        raise Refused("This payment cannot be deleted because it has been reconciled")
    if record.get("BatchPaymentID") and not with_batch:
        raise Refused("This payment is part of a batch payment and can only be deleted with the whole batch")
    books.check_open(record["Date"])

    def commit() -> Record:
        record["Status"] = "DELETED"
        del books.realised_gains[record["PaymentID"]]
        for field, id_field, collection in (("Invoice", "InvoiceID", "invoices"), *(c[:3] for c in _CREDITS)):
            if field in record:
                target: Record = getattr(books, collection)[record[field][id_field]]
                _give_back(books, field, target, record)
        books.changed("PAYMENT", "UPDATE", record)
        return record

    return commit


def plan_batch(books: Ledger, item: Record, pending: Pending) -> Commit:
    """Plan one batch payment: several invoices paid by one bank line, made and undone as a whole."""
    account = books.account(item.get("Account"))
    if account["Type"] != "BANK":
        raise Refused("The account must be a bank account")
    paid_on = read_day(item.get("Date") or books.now().date(), field="Date")
    parts = item.get("Payments") or []
    if not parts:
        raise Refused("A batch payment must contain at least one payment")
    kinds = {target["Type"] for part in parts if (target := invoices.find(books, part.get("Invoice")))}
    if len(kinds) > 1:
        raise Refused("A batch payment cannot pay bills and sales invoices together")
    shared = {"Account": {"AccountID": account["AccountID"]}, "Date": paid_on}
    commits = [plan(books, {**part, **shared, "Reference": item.get("Reference")}, pending) for part in parts]

    def commit() -> Record:
        batch_id = books.new_id("batch")
        record: Record = {
            "BatchPaymentID": batch_id,
            "Account": {"AccountID": account["AccountID"], "CurrencyCode": account["CurrencyCode"]},
        }
        record |= {
            name: str(item[name])
            for name in ("Reference", "Narrative", "Details", "Particulars", "Code")
            if item.get(name)
        }
        made = [part() for part in commits]
        for payment in made:
            payment["BatchPaymentID"] = batch_id
        record |= {"Date": paid_on, "Type": "RECBATCH" if "ACCREC" in kinds else "PAYBATCH", "Status": "AUTHORISED"}
        record |= {"Payments": [_part(payment) for payment in made], "IsReconciled": False}
        record["TotalAmount"] = sum((payment["Amount"] for payment in made), ZERO)
        books.batch_payments[batch_id] = record
        books.changed("BATCH", "CREATE", record)
        return record

    return commit


def plan_delete_batch(books: Ledger, record: Record) -> Commit:
    """Plan to delete a batch and every payment in it."""
    if record["Status"] == "DELETED":
        raise Refused("The batch payment has already been deleted")
    commits = [plan_delete(books, books.payments[part["PaymentID"]], with_batch=True) for part in record["Payments"]]

    def commit() -> Record:
        for part in commits:
            part()
        record.update({"Status": "DELETED", "Payments": []})
        books.changed("BATCH", "UPDATE", record)
        return record

    return commit


def _target(books: Ledger, item: Record) -> tuple[str, str, Record]:
    reference = item.get("Invoice") or ({"InvoiceNumber": item["InvoiceNumber"]} if item.get("InvoiceNumber") else None)
    if found := invoices.find(books, reference):
        return "Invoice", "ACCRECPAYMENT" if found["Type"] == "ACCREC" else "ACCPAYPAYMENT", found
    for field, id_field, collection, kind in _CREDITS:
        credit = getattr(books, collection).get(str((item.get(field) or {}).get(id_field)))
        if credit is not None:
            return field, kind, credit
    raise Refused("The document to be paid could not be found")


def _record(books: Ledger, *, kind: str, amount: Decimal, paid_on: date, worth: Exchange, item: Record) -> Record:
    record: Record = {"PaymentID": books.new_id("payment"), "Date": paid_on, "Amount": amount}
    record |= {"BankAmount": worth.bank_amount, "CurrencyRate": worth.rate, "PaymentType": kind}
    record["Reference"] = str(item.get("Reference") or "")
    return record | {"Status": "AUTHORISED", "HasAccount": True, "IsReconciled": bool(item.get("IsReconciled", False)),
                     "HasValidationErrors": False}  # fmt: skip


def _named(field: str, target: Record) -> Record:
    names = ("InvoiceID", "InvoiceNumber", "Type") if field == "Invoice" else (f"{field}ID", f"{field}Number", "Type")
    return {name: target[name] for name in names if name in target}


def _part(payment: Record) -> Record:
    return {"Invoice": payment["Invoice"], "PaymentID": payment["PaymentID"], "Amount": payment["Amount"],
            "BankAmount": payment["BankAmount"], "Reference": payment["Reference"]}  # fmt: skip


def _take(books: Ledger, field: str, target: Record, record: Record) -> None:
    summary = {name: record[name] for name in ("PaymentID", "Date", "Amount", "Reference", "CurrencyRate")}
    target.setdefault("Payments", []).append(summary | {"HasAccount": False, "HasValidationErrors": False})
    if field == "Invoice":
        target["AmountPaid"] += record["Amount"]
        invoices.settle(target, on=record["Date"])
        books.changed("INVOICE", "UPDATE", target)
    else:
        _refund(books, field, target, record["Amount"])


def _give_back(books: Ledger, field: str, target: Record, record: Record) -> None:
    target["Payments"] = [part for part in target["Payments"] if part["PaymentID"] != record["PaymentID"]]
    if field == "Invoice":
        target["AmountPaid"] -= record["Amount"]
        invoices.settle(target, on=record["Date"])
        books.changed("INVOICE", "UPDATE", target)
    else:
        _refund(books, field, target, -record["Amount"])


def _refund(books: Ledger, field: str, target: Record, amount: Decimal) -> None:
    target["RemainingCredit"] -= amount
    target["Status"] = "AUTHORISED" if target["RemainingCredit"] else "PAID"
    books.changed(field.upper(), "UPDATE", target)
