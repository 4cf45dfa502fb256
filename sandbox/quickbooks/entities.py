"""What each entity requires, what QuickBooks works out itself, and how a change is merged in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.quickbooks import sales, settlement
from sandbox.quickbooks.values import (
    ZERO,
    Fault,
    Record,
    business,
    missing,
    not_valid,
    read_amount,
    read_day,
    reference,
)

if TYPE_CHECKING:
    from sandbox.quickbooks.ledger import Ledger

TRANSACTIONS = ("Invoice", "CreditMemo", "Payment", "Deposit", "JournalEntry", "Transfer", "Estimate")
NAMES = ("Account", "Customer", "Item")
TAXES = ("TaxCode", "TaxRate", "TaxAgency")  # set up by people in QuickBooks, read here
NOTES = ("Attachable",)  # of which no webhook tells
ENTITIES = (*TRANSACTIONS, *NAMES, *TAXES, *NOTES)
SALES = ("Invoice", "CreditMemo", "Estimate")
_SOLD_THROUGH = ("Income", "Other Income", "Expense", "Other Expense", "Cost of Goods Sold")
MAX_NOTE_CHARACTERS = 2_000
DELETED = " (deleted)"  # what QuickBooks adds to the name of a customer made inactive
# kept by QuickBooks itself, whatever a request says
_OWN = {"Id", "SyncToken", "MetaData", "domain", "Balance", "TotalAmt", "LinkedTxn", "RemainingCredit", "UnappliedAmt"}
_OWN |= {
    "HomeBalance",
    "HomeTotalAmt",
    "BalanceWithJobs",
    "FullyQualifiedName",
    "Job",
    "Level",
    "status",
    "CurrentBalance",
}
_REQUIRED = {
    "Invoice": ("CustomerRef", "Line"),
    "CreditMemo": ("CustomerRef", "Line"),
    "Payment": ("CustomerRef", "TotalAmt"),
    "Deposit": ("DepositToAccountRef", "Line"),
    "JournalEntry": ("Line",),
    "Transfer": ("FromAccountRef", "ToAccountRef", "Amount"),
    "Account": ("Name",),
    "Customer": ("DisplayName",),
    "Estimate": ("CustomerRef", "Line"),
    "Item": ("Name",),
    "TaxCode": ("Name",),
    "TaxRate": ("Name", "RateValue"),
    "TaxAgency": ("DisplayName",),
    "Attachable": ("Note",),
}
_DEFAULTS: dict[str, Record] = {
    "Invoice": {"EmailStatus": "NotSet", "PrintStatus": "NotSet", "CustomField": [], "LinkedTxn": []},
    "CreditMemo": {"EmailStatus": "NotSet", "PrintStatus": "NotSet", "CustomField": [], "LinkedTxn": []},
    "Payment": {"ProcessPayment": False, "Line": [], "LinkedTxn": []},
    "Deposit": {"LinkedTxn": []},
    "JournalEntry": {"Adjustment": False, "LinkedTxn": []},
    "Transfer": {},
    "Account": {"Active": True, "SubAccount": False, "CurrentBalance": ZERO},
    "Customer": {"Active": True, "Taxable": False, "BillWithParent": False, "PreferredDeliveryMethod": "Print"},
    "Estimate": {
        "EmailStatus": "NotSet", "PrintStatus": "NotSet", "CustomField": [], "LinkedTxn": [], "TxnStatus": "Pending"
    },
    "Item": {"Active": True, "Type": "Service", "Taxable": False},
    "TaxCode": {"Active": True, "Taxable": True},
    "TaxRate": {"Active": True},
    "TaxAgency": {"TaxTrackedOnSales": True, "TaxTrackedOnPurchases": True},
    "Attachable": {"AttachableRef": []},
}  # fmt: skip


def shape(books: Ledger, name: str, body: Record, old: Record | None) -> Record:
    """The record that `body` asks for, checked, with what QuickBooks works out; nothing is kept yet.

    A sparse update changes only what it names but replaces whole Line arrays; a full update drops what it omits.
    """
    given = {key: value for key, value in body.items() if key not in _OWN and key != "sparse"}
    if name == "Payment" and "TotalAmt" in body:
        given["TotalAmt"] = body["TotalAmt"]
    base = dict(old) if old else _fresh(_DEFAULTS[name])
    if old and body.get("sparse") is not True:
        base = _fresh(_DEFAULTS[name]) | {key: value for key, value in old.items() if key in _OWN}
    record: Record = {**base, **given, "domain": "QBO", "sparse": False}
    if name in SALES:
        record["CustomField"] = sales.custom_fields(books, given.get("CustomField"), base["CustomField"])
    for field in _REQUIRED[name]:
        if record.get(field) in (None, "", {}) or (field == "Line" and not record.get("Line")):
            raise missing(field)
    if name in TRANSACTIONS:
        record["TxnDate"] = read_day(record.get("TxnDate") or books.now().date(), field="TxnDate")
        books.check_open(record["TxnDate"])
        if old is not None:
            books.check_open(old["TxnDate"])
    _WORK_OUT[name](books, record)
    return record


def _fresh(defaults: Record) -> Record:
    return {key: list(value) if isinstance(value, list) else value for key, value in defaults.items()}


def _payment(books: Ledger, record: Record) -> None:
    sales.customer_and_currency(books, record)
    record["TotalAmt"] = read_amount(record["TotalAmt"], field="TotalAmt")
    if record["TotalAmt"] < 0:
        raise business("The payment amount must be 0 or greater")
    account = reference(record.get("DepositToAccountRef")) or books.undeposited_funds_id
    if account not in books.accounts:
        raise not_valid("DepositToAccountRef")
    if books.accounts[account]["CurrencyRef"]["value"] not in (books.home_currency, record["CurrencyRef"]["value"]):
        raise business("The account must keep the home currency or the currency of the transaction")
    record["DepositToAccountRef"] = {"value": account}
    for line in record.setdefault("Line", []):
        _read_line(line)
    settlement.check_payment(books, record)


def _deposit(books: Ledger, record: Record) -> None:
    account = books.accounts.get(reference(record["DepositToAccountRef"]))
    if account is None:
        raise not_valid("DepositToAccountRef")
    record.setdefault("CurrencyRef", account["CurrencyRef"])
    record.setdefault("ExchangeRate", 1)
    for number, line in enumerate(record["Line"], start=1):
        _read_line(line)
        line.setdefault("Id", str(number))
    settlement.check_deposit(books, record)
    record["TotalAmt"] = sum((line["Amount"] for line in record["Line"]), ZERO)
    if record["TotalAmt"] < 0:
        raise business("The total of a deposit must be 0 or greater")


def _read_line(line: Record) -> None:
    line["Amount"] = read_amount(line.get("Amount", 0), field="Line.Amount")
    line["LinkedTxn"] = [{**link, "TxnId": str(link["TxnId"])} for link in line.get("LinkedTxn") or []]


def _journal_entry(books: Ledger, record: Record) -> None:
    sides = {"Debit": ZERO, "Credit": ZERO}
    for line in record["Line"]:
        line["Amount"] = read_amount(line.get("Amount", 0), field="Line.Amount")
        detail = line.get("JournalEntryLineDetail") or {}
        if detail.get("PostingType") not in sides:
            raise missing("PostingType")
        if reference(detail.get("AccountRef")) not in books.accounts:
            raise not_valid("AccountRef")
        sides[detail["PostingType"]] += line["Amount"]
    if sides["Debit"] != sides["Credit"]:
        raise business("Debits and credits do not balance")
    record["TotalAmt"] = sides["Debit"]
    record.setdefault("CurrencyRef", {"value": books.home_currency})
    settlement.check_receivables(books, record)


def _transfer(books: Ledger, record: Record) -> None:
    record["Amount"] = read_amount(record["Amount"], field="Amount")
    for field in ("FromAccountRef", "ToAccountRef"):
        if reference(record[field]) not in books.accounts:
            raise not_valid(field)


def _account(books: Ledger, record: Record) -> None:
    record.setdefault("AccountType", "Bank")
    record["FullyQualifiedName"] = record["Name"]
    record.setdefault("CurrencyRef", {"value": books.home_currency})
    _unique(books, "Account", "Name", record)


def _item(books: Ledger, record: Record) -> None:
    account = books.accounts.get(reference(record.get("IncomeAccountRef")))
    if account is None:
        raise not_valid("IncomeAccountRef")
    if account["AccountType"] not in _SOLD_THROUGH:
        raise Fault("6430", "Invalid account type used", f"Invalid account type: {account['AccountType']}")
    record["FullyQualifiedName"] = record["Name"]
    _unique(books, "Item", "Name", record)


def _tax(_books: Ledger, _record: Record) -> None:
    """A tax code or rate is as people set it up."""


def _attachable(books: Ledger, record: Record) -> None:
    """A note; what it is attached to must be there."""
    if len(str(record["Note"])) > MAX_NOTE_CHARACTERS:
        raise Fault("2050", "String length is either shorter or longer than supported by specification", "Note")
    for each in record["AttachableRef"]:
        entity = each.get("EntityRef") or {}
        if reference(entity) not in books.entities.get(str(entity.get("type")), {}):
            raise not_valid("AttachableRef")


def _customer(books: Ledger, record: Record) -> None:
    parent_id = reference(record.get("ParentRef"))
    if parent_id and parent_id not in books.customers:
        raise not_valid("ParentRef")
    parent = books.customers.get(parent_id)
    record["Job"] = parent is not None
    record["Level"] = parent["Level"] + 1 if parent else 0
    above = f"{parent['FullyQualifiedName']}:" if parent else ""
    if not record["Active"] and not record["DisplayName"].endswith(DELETED):
        record["DisplayName"] += DELETED
    record["FullyQualifiedName"] = f"{above}{record['DisplayName']}"
    record.setdefault("CurrencyRef", {"value": books.home_currency})
    record.setdefault("PrintOnCheckName", record["DisplayName"])
    record.setdefault("Balance", ZERO)
    record["BalanceWithJobs"] = record["Balance"]
    _unique(books, "Customer", "DisplayName", record)


def _unique(books: Ledger, name: str, field: str, record: Record) -> None:
    for other in books.entities[name].values():
        if other[field] == record[field] and other["Id"] != record.get("Id"):
            raise Fault("6240", "Duplicate Name Exists Error", f"The name supplied already exists. : Id={other['Id']}")


_WORK_OUT = {
    "Invoice": sales.invoice,
    "CreditMemo": sales.credit_memo,
    "Estimate": sales.estimate,
    "Payment": _payment,
    "Deposit": _deposit,
    "JournalEntry": _journal_entry,
    "Transfer": _transfer,
    "Account": _account,
    "Customer": _customer,
    "Item": _item,
    "TaxCode": _tax,
    "TaxRate": _tax,
    "TaxAgency": _tax,
    "Attachable": _attachable,
}
