"""QuickBooks' objects as records. Each function takes one object; ValueError or KeyError make it a problem."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from connectors.ledgers.exact import money
from connectors.ledgers.quickbooks.order_number import order_number
from connectors.records import (
    AccountFields,
    AccountPurpose,
    CodedReceiptFields,
    ContactWays,
    CustomerFields,
    DocumentFields,
    Fields,
    Kind,
    PaymentFields,
    PaymentLine,
    PostalFields,
    Record,
    TaxCode,
)
from receivables.document import DocumentKind, DocumentStatus
from receivables.money import Money, total

Item = Mapping[str, Any]

WITHOUT_TAX = "NON"  # the tax code of a line without tax in the United States
_FEE_WORDS = ("fee", "charges")
_CLEARING_TYPES = ("Bank", "Other Current Asset")
_INCOME_TYPES = ("Income", "Other Income")
_NUMBERS = ("Mobile", "PrimaryPhone", "AlternatePhone")
_TOWN = ("City", "CountrySubDivisionCode", "PostalCode", "Country")
_CREDITS = ("CreditMemo", "JournalEntry")
_TOMBSTONE_CURRENCY = "USD"  # a deleted object shows its id only; its zero amounts mean nothing


def customer(item: Item) -> Record:
    """Read a customer; one billed with its parent names it. QuickBooks deletes a customer by making it inactive."""
    parent = _reference(item, "ParentRef") if item.get("BillWithParent") else None
    fields = CustomerFields(
        name=str(item["DisplayName"]),
        email=(item.get("PrimaryEmailAddr") or {}).get("Address") or None,
        parent_external_id=parent,
        country=(item.get("BillAddr") or {}).get("Country") or None,
        currency=_reference(item, "CurrencyRef"),
        ways=_ways(item),
    )
    return _record(Kind.CUSTOMER, item, fields, deleted=item.get("Active") is False)


def _ways(item: Item) -> ContactWays:
    """How a customer is reached beside e-mail: its numbers, and the address that its invoices bear."""
    numbers = {name: str((item.get(name) or {}).get("FreeFormNumber") or "").strip() for name in _NUMBERS}
    address = item.get("BillAddr") or {}
    lines = tuple(text for number in range(1, 6) if (text := str(address.get(f"Line{number}") or "").strip()))
    rest = [str(address.get(name) or "").strip() for name in _TOWN]
    return ContactWays(
        mobile=numbers["Mobile"],
        telephone=numbers["PrimaryPhone"] or numbers["AlternatePhone"],
        address=PostalFields(lines, *rest) if lines else None,
    )


def invoice(item: Item) -> Record:
    """Read an invoice. It counts as sent unless QuickBooks says it still has to be."""
    return _document(Kind.INVOICE, DocumentKind.INVOICE, item, balance="Balance")


def credit_memo(item: Item) -> Record:
    """Read a credit memo; its balance is the credit that remains."""
    balance = "RemainingCredit" if "RemainingCredit" in item else "Balance"
    return _document(Kind.CREDIT_NOTE, DocumentKind.CREDIT_NOTE, item, balance=balance)


def payment(item: Item) -> Record:
    """Read a payment: a line an invoice; a credit memo or journal credit that it uses up is a negative line."""
    currency = _currency(item)
    lines = tuple(line for part in item.get("Line") or [] for line in _payment_lines(part, currency))
    amount = money(item["TotalAmt"], currency)
    texts = dict.fromkeys(str(item[name]) for name in ("PaymentRefNum", "PrivateNote") if item.get(name))
    fields = PaymentFields(
        customer_external_id=_reference(item, "CustomerRef"),
        received_on=_day(item, "TxnDate"),
        amount=amount,
        reference=" ".join(texts),
        lines=lines,
        unapplied=money(item.get("UnappliedAmt", 0), currency),
        account_external_id=_reference(item, "DepositToAccountRef"),
    )
    return _record(Kind.PAYMENT, item, fields, deleted=_is_voided(item, amount))


def coded_receipt(item: Item) -> Record:
    """Read a deposit's money that was coded straight to an account; without any, as in our own deposits, it is zero."""
    currency = _currency(item)
    coded = [line for line in item.get("Line") or [] if _is_coded(line)]
    amounts = [money(line["Amount"], currency) for line in coded]
    details = [line["DepositLineDetail"] for line in coded]
    names = [str((detail.get("Entity") or {}).get("name") or "") for detail in details]
    descriptions = [str(line["Description"]) for line in coded if line.get("Description")]
    fields = CodedReceiptFields(
        received_on=_day(item, "TxnDate"),
        amount=total(amounts, currency),
        payer_name=next((name for name in names if name), ""),
        reference=str(item.get("PrivateNote") or " ".join(descriptions)),
        account_external_id=str(details[0]["AccountRef"]["value"]) if details else "",
    )
    return _record(Kind.CODED_RECEIPT, item, fields)


def account(item: Item) -> Record:
    """Read an account of the chart; its purpose comes from its type, then from words in its name."""
    fields = AccountFields(
        name=str(item["Name"]),
        handle=str(item["Id"]),
        purpose=_purpose(str(item["AccountType"]), str(item["Name"]).lower()),
        currency=_reference(item, "CurrencyRef"),
    )
    return _record(Kind.ACCOUNT, item, fields, deleted=item.get("Active") is False)


def tax_code(item: Item, rates: Mapping[str, Decimal]) -> TaxCode | None:
    """Read a tax code with the sum of its `rates` for sales; None for one that our lines cannot bear.

    Those are the inactive ones, and those without a rate for sales, but for the code of lines without tax.
    """
    details = (item.get("SalesTaxRateList") or {}).get("TaxRateDetail") or []
    if item.get("Active") is False or not (details or str(item["Id"]) == WITHOUT_TAX):
        return None
    per_cent = sum((rates[str(detail["TaxRateRef"]["value"])] for detail in details), Decimal(0))
    return TaxCode(str(item["Id"]), str(item["Name"]), per_cent)


def tombstone(kind: Kind, item: Item) -> Record:
    """A deleted object: CDC shows its id and when, so all other fields are empty."""
    on = moment(item).date()
    none = Money.zero(_TOMBSTONE_CURRENCY)
    fields: Fields
    if kind in (Kind.INVOICE, Kind.CREDIT_NOTE):
        what = DocumentKind.INVOICE if kind is Kind.INVOICE else DocumentKind.CREDIT_NOTE
        fields = DocumentFields(what, "", "", none, none, on, on, DocumentStatus.VOID)
    elif kind is Kind.PAYMENT:
        fields = PaymentFields(None, on, none, "", (), none)
    elif kind is Kind.CODED_RECEIPT:
        fields = CodedReceiptFields(on, none, "", "", "")
    elif kind is Kind.ACCOUNT:
        fields = AccountFields("", str(item["Id"]), AccountPurpose.OTHER)
    else:
        fields = CustomerFields("")
    return _record(kind, item, fields, deleted=True)


def is_tombstone(item: Item) -> bool:
    """Whether CDC says that the object was deleted."""
    return str(item.get("status", "")).lower() == "deleted"


def _document(kind: Kind, what: DocumentKind, item: Item, *, balance: str) -> Record:
    currency = _currency(item)
    whole, left = money(item["TotalAmt"], currency), money(item[balance], currency)
    issued_on = _day(item, "TxnDate")
    standing = DocumentStatus.OPEN if left else DocumentStatus.PAID
    fields = DocumentFields(
        kind=what,
        customer_external_id=str(item["CustomerRef"]["value"]),
        number=str(item.get("DocNumber") or ""),
        total=whole,
        balance=left,
        issued_on=issued_on,
        due_on=_day(item, "DueDate") if what is DocumentKind.INVOICE else issued_on,
        status=DocumentStatus.VOID if _is_voided(item, whole) else standing,
        sent=item.get("EmailStatus") != "NeedToSend",
        purchase_order=order_number(item),
        note=str(item.get("PrivateNote") or ""),
        drafted_as_external_id=_linked(item, "Estimate"),
    )
    return _record(kind, item, fields)


def _payment_lines(part: Item, currency: str) -> list[PaymentLine]:
    amount = money(part["Amount"], currency)
    return [
        PaymentLine(str(link["TxnId"]), amount if link["TxnType"] == "Invoice" else -amount)
        for link in part.get("LinkedTxn") or []
        if link.get("TxnType") in ("Invoice", *_CREDITS)
    ]


def _is_coded(line: Item) -> bool:
    detail = line.get("DepositLineDetail") or {}
    return bool(detail.get("AccountRef")) and not line.get("LinkedTxn") and line["Amount"] > 0


def _is_voided(item: Item, amount: Money) -> bool:
    """QuickBooks voids by setting all amounts to zero and writing the word into the note."""
    return not amount and "voided" in str(item.get("PrivateNote") or "").lower()


def _purpose(kind: str, name: str) -> AccountPurpose:
    if kind in _CLEARING_TYPES and "clearing" in name:
        return AccountPurpose.CLEARING
    if kind == "Bank":
        return AccountPurpose.BANK
    if kind in _INCOME_TYPES:
        return AccountPurpose.INCOME
    if any(word in name for word in _FEE_WORDS):
        return AccountPurpose.FEES
    return AccountPurpose.OTHER


def _currency(item: Item) -> str:
    return str(item["CurrencyRef"]["value"])


def _reference(item: Item, name: str) -> str | None:
    value = (item.get(name) or {}).get("value")
    return str(value) if value else None


def _linked(item: Item, kind: str) -> str | None:
    return next((str(link["TxnId"]) for link in item.get("LinkedTxn") or [] if link.get("TxnType") == kind), None)


def _day(item: Item, name: str) -> date:
    return date.fromisoformat(str(item[name])[:10])


def moment(item: Item) -> datetime:
    """When the object changed last."""
    read = datetime.fromisoformat(str(item["MetaData"]["LastUpdatedTime"]))
    return (read if read.tzinfo else read.replace(tzinfo=UTC)).astimezone(UTC)


def _record(kind: Kind, item: Item, fields: Fields, *, deleted: bool = False) -> Record:
    version = str(item.get("SyncToken", ""))
    return Record(kind, str(item["Id"]), version, moment(item), fields, deleted)
