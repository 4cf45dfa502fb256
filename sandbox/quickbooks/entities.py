"""What each entity requires, what QuickBooks works out itself, and how a change is merged in."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from sandbox.quickbooks import settlement
from sandbox.quickbooks.values import ZERO, Fault, Record, business, missing, read_amount, read_day, reference

if TYPE_CHECKING:
    from sandbox.quickbooks.ledger import Ledger

TRANSACTIONS = ("Invoice", "CreditMemo", "Payment", "Deposit", "JournalEntry", "Transfer")
NAMES = ("Account", "Customer")
ENTITIES = (*TRANSACTIONS, *NAMES)
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
}
_DEFAULTS: dict[str, Record] = {
    "Invoice": {"EmailStatus": "NotSet", "PrintStatus": "NotSet", "CustomField": [], "LinkedTxn": []},
    "CreditMemo": {"EmailStatus": "NotSet", "PrintStatus": "NotSet", "CustomField": [], "LinkedTxn": []},
    "Payment": {"ProcessPayment": False, "Line": [], "LinkedTxn": []},
    "Deposit": {"LinkedTxn": []},
    "JournalEntry": {"Adjustment": False},
    "Transfer": {},
    "Account": {"Active": True, "SubAccount": False, "CurrentBalance": ZERO},
    "Customer": {"Active": True, "Taxable": False, "BillWithParent": False, "PreferredDeliveryMethod": "Print"},
}


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


def _sale(books: Ledger, record: Record) -> None:
    _customer_and_currency(books, record)
    total = ZERO
    for number, line in enumerate(record["Line"], start=1):
        line["Amount"] = read_amount(line.get("Amount", 0), field="Line.Amount")
        if line.get("DetailType") != "SubTotalLineDetail":
            line.setdefault("Id", str(number))
            total += line["Amount"]
    if total < 0:
        raise business("The total amount of a transaction must be 0 or greater")
    applied = record.get("TotalAmt", ZERO) - record.get("Balance", ZERO)
    if total < applied:
        raise business("The amount is less than what has already been applied to this transaction")
    record |= {"TotalAmt": total, "Balance": total - applied}


def _invoice(books: Ledger, record: Record) -> None:
    record["DueDate"] = read_day(record.get("DueDate") or record["TxnDate"], field="DueDate")
    _sale(books, record)
    if not record.get("DocNumber"):
        record["DocNumber"] = str(1_001 + len(books.invoices))


def _credit_memo(books: Ledger, record: Record) -> None:
    _sale(books, record)
    record["RemainingCredit"] = record["Balance"]


def _payment(books: Ledger, record: Record) -> None:
    _customer_and_currency(books, record)
    record["TotalAmt"] = read_amount(record["TotalAmt"], field="TotalAmt")
    if record["TotalAmt"] < 0:
        raise business("The payment amount must be 0 or greater")
    account = reference(record.get("DepositToAccountRef")) or books.undeposited_funds_id
    if account not in books.accounts:
        raise not_valid("DepositToAccountRef")
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


def _customer(books: Ledger, record: Record) -> None:
    parent_id = reference(record.get("ParentRef"))
    if parent_id and parent_id not in books.customers:
        raise not_valid("ParentRef")
    parent = books.customers.get(parent_id)
    record["Job"] = parent is not None
    record["Level"] = parent["Level"] + 1 if parent else 0
    above = f"{parent['FullyQualifiedName']}:" if parent else ""
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


def _customer_and_currency(books: Ledger, record: Record) -> None:
    customer = books.customers.get(reference(record["CustomerRef"]))
    if customer is None:
        raise not_valid("CustomerRef")
    record["CustomerRef"] = {"value": customer["Id"], "name": customer["DisplayName"]}
    currency = reference(record.get("CurrencyRef")) or customer["CurrencyRef"]["value"]
    if currency != books.home_currency and not books.multicurrency:
        raise business("Multi currency should be enabled to perform this operation")
    if currency != customer["CurrencyRef"]["value"]:
        raise business("The currency of a transaction must be the currency of its customer")
    record["CurrencyRef"] = {"value": currency}
    record.setdefault("ExchangeRate", Decimal(1))


def not_valid(field: str) -> Fault:
    """A reference to something that does not exist (code 2500)."""
    return Fault("2500", "Invalid Reference Id", f"Invalid Reference Id : {field}", element=field)


_WORK_OUT = {
    "Invoice": _invoice,
    "CreditMemo": _credit_memo,
    "Payment": _payment,
    "Deposit": _deposit,
    "JournalEntry": _journal_entry,
    "Transfer": _transfer,
    "Account": _account,
    "Customer": _customer,
}
