"""Bank transactions (money coded straight to accounts, overpayments, prepayments) and bank transfers."""

from __future__ import annotations

from decimal import Decimal

from sandbox.xero import credits
from sandbox.xero.ledger import Ledger
from sandbox.xero.lines import Taxed, read_lines
from sandbox.xero.values import ZERO, Commit, Record, Refused, read_amount, read_day

_CREDIT_OF = {"RECEIVE-OVERPAYMENT": "Overpayment", "RECEIVE-PREPAYMENT": "Prepayment"}
_TYPES = {"RECEIVE", "SPEND", *_CREDIT_OF}


def plan_transaction(books: Ledger, item: Record, _pending: dict[str, Decimal], *, by_person: bool = False) -> Commit:
    """Plan a receive-money or spend-money transaction; an overpayment or prepayment also becomes a credit."""
    kind = str(item.get("Type"))
    if kind not in _TYPES:
        raise Refused("The bank transaction type is not valid")
    account = books.account(item.get("BankAccount"))
    if account["Type"] != "BANK":
        raise Refused("The bank account must be of type BANK")
    contact_id = None if by_person and not item.get("Contact") else books.contact(item.get("Contact"))["ContactID"]
    lines = read_lines(books, item.get("LineItems"))
    if kind not in _CREDIT_OF:
        for line in lines:
            books.account({"Code": line["AccountCode"]})
    happened_on = read_day(item.get("Date") or books.now().date(), field="Date")
    total = sum((line["LineAmount"] for line in lines), ZERO)
    if total <= 0:
        raise Refused("The total for this document must be greater than zero")
    currency = str(item.get("CurrencyCode") or account["CurrencyCode"])
    rate = books.rate(currency, item.get("CurrencyRate"))
    books.check_open(happened_on)

    def commit() -> Record:
        transaction_id = books.new_id("bank")
        record: Record = {
            "BankTransactionID": transaction_id,
            "Type": kind,
            "Reference": str(item.get("Reference") or ""),
        }
        record["BankAccount"] = {name: account[name] for name in ("AccountID", "Code", "Name")}
        record |= {"Contact": {"ContactID": contact_id}} if contact_id else {}
        record |= {"IsReconciled": bool(item.get("IsReconciled", False)), "HasAttachments": False, "Date": happened_on}
        record |= {"Status": "AUTHORISED", "LineAmountTypes": "NoTax", "LineItems": lines, "SubTotal": total}
        record |= {"TotalTax": ZERO, "Total": total, "CurrencyRate": rate, "CurrencyCode": currency}
        if kind in _CREDIT_OF:
            credit = credits.blank(
                books, _CREDIT_OF[kind], contact_id=str(contact_id), taxed=Taxed(lines, total, ZERO),
                currency=currency, rate=rate, issued_on=happened_on,
            )  # fmt: skip
            credit |= {"Type": kind, "Reference": record["Reference"]}
            name = f"{_CREDIT_OF[kind]}ID"
            record[name] = credit[name]
            getattr(books, f"{_CREDIT_OF[kind].lower()}s")[credit[name]] = credit
            books.changed(_CREDIT_OF[kind].upper(), "CREATE", credit)
        books.bank_transactions[transaction_id] = record
        books.changed("BANKTRANSACTION", "CREATE", record)
        return record

    return commit


def plan_transaction_update(books: Ledger, record: Record, item: Record) -> Commit:
    """Plan to delete a transaction or change its reference."""
    deleting = item.get("Status") == "DELETED"
    if record["Status"] != "AUTHORISED":
        raise Refused("The bank transaction is not of valid status for modification")
    if record["IsReconciled"]:
        raise Refused("This bank transaction cannot be edited as it has been reconciled with a bank statement line")
    credit = books.overpayments.get(record.get("OverpaymentID", "")) or books.prepayments.get(
        record.get("PrepaymentID", "")
    )
    if deleting and credit is not None and (credit["Allocations"] or credit["Payments"]):
        raise Refused("This document cannot be edited as it has a payment or credit note allocated to it.")
    books.check_open(record["Date"])

    def commit() -> Record:
        record["Reference"] = str(item.get("Reference", record["Reference"]))
        if deleting:
            record["Status"] = "DELETED"
            if credit is not None:
                credit.update({"Status": "VOIDED", "RemainingCredit": ZERO})
                books.changed("CREDIT", "UPDATE", credit)
        books.changed("BANKTRANSACTION", "UPDATE", record)
        return record

    return commit


def plan_transfer(books: Ledger, item: Record, _pending: dict[str, Decimal]) -> Commit:
    """Plan a transfer between two bank accounts, which is a spend and a receive transaction."""
    source, target = books.account(item.get("FromBankAccount")), books.account(item.get("ToBankAccount"))
    if source["Type"] != "BANK" or target["Type"] != "BANK" or source is target:
        raise Refused("A transfer needs two different bank accounts")
    amount = read_amount(item.get("Amount"), field="Amount")
    happened_on = read_day(item.get("Date") or books.now().date(), field="Date")
    if amount <= 0:
        raise Refused("The transfer amount must be greater than zero")
    books.check_open(happened_on)

    def commit() -> Record:
        sides = []
        for account, kind in ((source, "SPEND-TRANSFER"), (target, "RECEIVE-TRANSFER")):
            side: Record = {"BankTransactionID": books.new_id("bank"), "Type": kind, "Status": "AUTHORISED"}
            side["BankAccount"] = {name: account[name] for name in ("AccountID", "Code", "Name")}
            side |= {"Date": happened_on, "Total": amount, "SubTotal": amount, "TotalTax": ZERO, "LineItems": []}
            side |= {"CurrencyCode": account["CurrencyCode"], "IsReconciled": False, "HasAttachments": False}
            side |= {"Reference": str(item.get("Reference") or ""), "LineAmountTypes": "NoTax"}
            books.bank_transactions[side["BankTransactionID"]] = side
            books.changed("BANKTRANSACTION", "CREATE", side)
            sides.append(side)
        record: Record = {"BankTransferID": books.new_id("transfer"), "Amount": amount, "Date": happened_on}
        record |= {
            "FromBankAccount": sides[0]["BankAccount"],
            "ToBankAccount": sides[1]["BankAccount"],
            "Status": "AUTHORISED",
        }
        record |= {
            "FromBankTransactionID": sides[0]["BankTransactionID"],
            "ToBankTransactionID": sides[1]["BankTransactionID"],
        }
        record |= {"FromIsReconciled": False, "ToIsReconciled": False, "Reference": str(item.get("Reference") or "")}
        record |= {"CurrencyRate": Decimal("1.000000"), "HasAttachments": False, "CreatedDateUTC": books.now()}
        books.bank_transfers[record["BankTransferID"]] = record
        books.changed("TRANSFER", "CREATE", record)
        return record

    return commit


def plan_delete_transfer(books: Ledger, record: Record) -> Commit:
    """Plan to delete a transfer with both its sides."""
    if record["Status"] == "DELETED":
        raise Refused("The bank transfer has already been deleted")
    sides = [books.bank_transactions[record[f"{end}BankTransactionID"]] for end in ("From", "To")]
    if any(side["IsReconciled"] for side in sides):
        raise Refused("This bank transfer cannot be deleted as it has been reconciled with a bank statement line")
    books.check_open(record["Date"])

    def commit() -> Record:
        for part, category in ((record, "TRANSFER"), *((side, "BANKTRANSACTION") for side in sides)):
            part["Status"] = "DELETED"
            books.changed(category, "UPDATE", part)
        return record

    return commit
