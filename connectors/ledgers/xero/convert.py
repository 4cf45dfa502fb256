"""Xero's objects as records. Each function takes one object of a page; ValueError or KeyError make it a problem.

The raw JSON is read instead of the SDK's models: there one unknown enum value or null date fails the whole page.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from connectors.ledgers.exact import money
from connectors.records import (
    AccountFields,
    AccountPurpose,
    CodedReceiptFields,
    ContactWays,
    CustomerFields,
    DocumentFields,
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

_STATUS = {
    "DRAFT": DocumentStatus.DRAFT,
    "SUBMITTED": DocumentStatus.DRAFT,
    "AUTHORISED": DocumentStatus.OPEN,
    "PAID": DocumentStatus.PAID,
    "VOIDED": DocumentStatus.VOID,
    "DELETED": DocumentStatus.VOID,
}
_MS_DATE = re.compile(r"/Date\((-?\d+)([+-]\d{4})?\)/")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FEE_WORDS = ("fee", "charges")
_INCOME_TYPES = ("REVENUE", "SALES", "OTHERINCOME")


def moment(value: object) -> datetime:
    """Read Xero's `/Date(ms+0000)/` or ISO text as an aware time; text without a zone is UTC."""
    text = str(value)
    if found := _MS_DATE.fullmatch(text):
        return _EPOCH + timedelta(milliseconds=int(found[1]))  # the offset only says how Xero would show it
    read = datetime.fromisoformat(text)
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def day(item: Item, name: str) -> date:
    """Read a business date; ValueError when it is missing."""
    text = item.get(f"{name}String") or item.get(name)
    if not text:
        raise ValueError(f"{name} is missing")
    return moment(text).date()


def version(item: Item) -> str:
    """The version of an object: when it was last updated."""
    return moment(item["UpdatedDateUTC"]).isoformat()


def customer(item: Item) -> Record:
    """Read a contact. A contact merged into another is deleted; one that is only archived may still owe."""
    merged_into = item.get("MergedToContactID") or None
    number = item.get("ContactNumber") or None
    identity = str(item["ContactID"])
    countries = [str(address["Country"]) for address in item.get("Addresses") or [] if address.get("Country")]
    fields = CustomerFields(
        name=str(item["Name"]),
        number=number,
        email=item.get("EmailAddress") or None,
        country=countries[0] if countries else None,
        currency=item.get("DefaultCurrency") or None,
        keys=(number, identity) if number else (identity,),
        merged_into_external_id=merged_into,
        ways=_ways(item),
    )
    return _record(Kind.CUSTOMER, identity, item, fields, deleted=merged_into is not None)


def _ways(item: Item) -> ContactWays:
    """How a contact is reached beside e-mail. Xero calls the postal address POBOX, and a direct line DDI."""
    phones = {str(each.get("PhoneType")): each for each in item.get("Phones") or [] if each.get("PhoneNumber")}
    calls = [_phone(phones[kind]) for kind in ("DEFAULT", "DDI") if kind in phones]
    addresses = {str(each.get("AddressType")): _postal(each) for each in item.get("Addresses") or []}
    return ContactWays(
        mobile=_phone(phones["MOBILE"]) if "MOBILE" in phones else "",
        telephone=calls[0] if calls else "",
        address=addresses.get("POBOX") or addresses.get("STREET"),
    )


def _phone(item: Item) -> str:
    country, area = (str(item.get(name) or "").strip() for name in ("PhoneCountryCode", "PhoneAreaCode"))
    abroad = f"+{country.lstrip('+')}" if country else ""
    return " ".join(part for part in (abroad, area, str(item["PhoneNumber"]).strip()) if part)


def _postal(item: Item) -> PostalFields | None:
    """Read an address; None where no line of it is filled in."""
    names = ("AttentionTo", "AddressLine1", "AddressLine2", "AddressLine3", "AddressLine4")
    lines = tuple(text for name in names if (text := str(item.get(name) or "").strip()))
    if not lines:
        return None
    rest = [str(item.get(name) or "").strip() for name in ("City", "Region", "PostalCode", "Country")]
    return PostalFields(lines, *rest)


def invoice(item: Item) -> Record | None:
    """Read a sales invoice; None for a bill."""
    if item["Type"] != "ACCREC":
        return None
    fields = _document(item, DocumentKind.INVOICE, number="InvoiceNumber", balance="AmountDue")
    return _record(Kind.INVOICE, str(item["InvoiceID"]), item, fields)


def credit_note(item: Item) -> Record | None:
    """Read a sales credit note; None for a supplier's."""
    if item["Type"] != "ACCRECCREDIT":
        return None
    fields = _document(item, DocumentKind.CREDIT_NOTE, number="CreditNoteNumber", balance="RemainingCredit")
    return _record(Kind.CREDIT_NOTE, str(item["CreditNoteID"]), item, fields)


def payment(item: Item) -> Record | None:
    """Read a payment of one sales invoice; None for any other payment."""
    if item.get("PaymentType") != "ACCRECPAYMENT":
        return None
    line = payment_line(item)
    fields = PaymentFields(
        customer_external_id=contact_of(item),
        received_on=day(item, "Date"),
        amount=line.amount,
        reference=str(item.get("Reference") or ""),
        lines=(line,),
        unapplied=Money.zero(line.amount.currency),
        account_external_id=_account_of(item.get("Account")),
        reconciled=bool(item.get("IsReconciled")),
    )
    return _record(Kind.PAYMENT, str(item["PaymentID"]), item, fields, deleted=item.get("Status") == "DELETED")


def payment_line(item: Item) -> PaymentLine:
    """What a payment sets against its invoice, in the invoice's currency."""
    paid = item["Invoice"]
    return PaymentLine(str(paid["InvoiceID"]), money(item["Amount"], paid["CurrencyCode"]))


def contact_of(item: Item) -> str | None:
    """The customer whose invoice a payment pays."""
    identity = ((item.get("Invoice") or {}).get("Contact") or {}).get("ContactID")
    return str(identity) if identity else None


def batch_payment(item: Item, payments: Sequence[Item]) -> Record:
    """Read a batch payment as one payment; `payments` are some of its own, which state currency and customer.

    A deleted batch may have none left: then it is in the currency of its account.
    """
    currency = str((payments[0]["Invoice"] if payments else item["Account"])["CurrencyCode"])
    contacts = {contact_of(each) for each in payments}
    lines = tuple(
        PaymentLine(str(each["Invoice"]["InvoiceID"]), money(each["Amount"], currency)) for each in item["Payments"]
    )
    fields = PaymentFields(
        customer_external_id=contacts.pop() if len(contacts) == 1 else None,
        received_on=day(item, "Date"),
        amount=total([line.amount for line in lines], currency),
        reference=str(item.get("Reference") or item.get("Details") or ""),
        lines=lines,
        unapplied=Money.zero(currency),
        account_external_id=_account_of(item.get("Account")),
        reconciled=bool(item.get("IsReconciled")),
    )
    return _record(Kind.PAYMENT, str(item["BatchPaymentID"]), item, fields, deleted=item.get("Status") == "DELETED")


def held_credit(item: Item) -> Record | None:
    """Read a customer's overpayment or prepayment as a payment with an unapplied rest; None for a supplier's."""
    if not str(item["Type"]).startswith(("RECEIVE-", "AR")):
        return None
    currency = item["CurrencyCode"]
    fields = PaymentFields(
        customer_external_id=str(item["Contact"]["ContactID"]),
        received_on=day(item, "Date"),
        amount=money(item["Total"], currency),
        reference=str(item.get("Reference") or ""),
        lines=tuple(
            PaymentLine(str(part["Invoice"]["InvoiceID"]), money(part["Amount"], currency))
            for part in item.get("Allocations") or []
        ),
        unapplied=money(item["RemainingCredit"], currency),
    )
    identity = str(item.get("OverpaymentID") or item["PrepaymentID"])
    return _record(Kind.PAYMENT, identity, item, fields, deleted=item.get("Status") in ("VOIDED", "DELETED"))


def coded_receipt(item: Item) -> Record | None:
    """Read money received that was coded straight to an account; None for any other bank transaction."""
    if item["Type"] != "RECEIVE":
        return None
    lines = item.get("LineItems") or []
    accounts = [str(line.get("AccountID") or line["AccountCode"]) for line in lines]
    fields = CodedReceiptFields(
        received_on=day(item, "Date"),
        amount=money(item["Total"], item["CurrencyCode"]),
        payer_name=str((item.get("Contact") or {}).get("Name") or ""),
        reference=str(item.get("Reference") or ""),
        account_external_id=accounts[0] if accounts else "",
    )
    deleted = item.get("Status") != "AUTHORISED"
    return _record(Kind.CODED_RECEIPT, str(item["BankTransactionID"]), item, fields, deleted=deleted)


def account(item: Item) -> Record:
    """Read an account of the chart; its purpose comes from its type, then from words in its name."""
    identity = str(item["AccountID"])
    fields = AccountFields(
        name=str(item["Name"]),
        handle=str(item.get("Code") or identity),
        purpose=_purpose(str(item["Type"]), str(item["Name"]).lower()),
        currency=item.get("CurrencyCode") or None,
    )
    return _record(Kind.ACCOUNT, identity, item, fields, deleted=item.get("Status") in ("ARCHIVED", "DELETED"))


def tax_code(item: Item) -> TaxCode | None:
    """Read a tax rate; None for one that is no longer in use, or is not for sales."""
    if item.get("Status") != "ACTIVE" or not item.get("CanApplyToRevenue"):
        return None
    return TaxCode(str(item["TaxType"]), str(item["Name"]), Decimal(item.get("EffectiveRate") or 0))


def _purpose(kind: str, name: str) -> AccountPurpose:
    if kind == "BANK":
        return AccountPurpose.CLEARING if "clearing" in name else AccountPurpose.BANK
    if kind in _INCOME_TYPES:
        return AccountPurpose.INCOME
    if any(word in name for word in _FEE_WORDS):
        return AccountPurpose.FEES
    return AccountPurpose.OTHER


def _document(item: Item, kind: DocumentKind, *, number: str, balance: str) -> DocumentFields:
    status = _STATUS[item["Status"]]
    issued_on = day(item, "Date")
    # Credit notes have no due date, and a draft may not have one yet; an open invoice without one is an error.
    dated = kind is DocumentKind.INVOICE and (status is DocumentStatus.OPEN or bool(item.get("DueDate")))
    reference = str(item.get("Reference") or "")
    return DocumentFields(
        kind=kind,
        customer_external_id=str(item["Contact"]["ContactID"]),
        number=str(item.get(number) or ""),
        total=money(item["Total"], item["CurrencyCode"]),
        balance=money(item[balance], item["CurrencyCode"]),
        issued_on=issued_on,
        due_on=day(item, "DueDate") if dated else issued_on,
        status=status,
        references=(reference,) if reference else (),
        sent=bool(item.get("SentToContact")) or status is DocumentStatus.PAID,
        purchase_order=reference if kind is DocumentKind.INVOICE else None,
    )


def _account_of(item: Item | None) -> str | None:
    identity = (item or {}).get("AccountID") or (item or {}).get("Code")
    return str(identity) if identity else None


def _record(kind: Kind, identity: str, item: Item, fields: Any, *, deleted: bool = False) -> Record:  # noqa: ANN401
    return Record(kind, identity, version(item), moment(item["UpdatedDateUTC"]), fields, deleted)
