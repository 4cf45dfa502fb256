"""What is shown in Salesforce: the row of each intent, and whether a record already holds it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from connectors.crm.salesforce.client import Row
from connectors.crm.salesforce.reading import DONE, DRAFTED, REFUSED, instant
from connectors.intents import (
    AdoptInvoice,
    AnswerInstruction,
    EditContact,
    Intent,
    Saying,
    ShowBalance,
    ShowInvoice,
    ShowReceipt,
    ShowReminder,
)
from receivables.document import DocumentKind
from receivables.money import Money

NAME_LENGTH = 80  # Salesforce's limit of a record name
TEXT_LENGTH = 255
LONG_TEXT_LENGTH = 32_768

Value = str | bool | Decimal | date | datetime | None


@dataclass(frozen=True, slots=True)
class Target:
    """An object and the field by which its records are addressed."""

    sobject: str
    key_field: str

    @property
    def path(self) -> str:
        """The collection resource that writes it."""
        return f"composite/sobjects/{self.sobject}/{self.key_field}" if self.is_upsert else "composite/sobjects"

    @property
    def is_upsert(self) -> bool:
        """Whether a missing record is created."""
        return self.key_field != "Id"


INVOICE = Target("TrueDue_Invoice__c", "External_Id__c")
RECEIPT = Target("TrueDue_Receipt__c", "External_Id__c")
REMINDER = Target("TrueDue_Reminder__c", "External_Id__c")
ACCOUNT = Target("Account", "Id")
CONTACT = Target("Contact", "Id")
REQUEST = Target("TrueDue_Invoice__c", "Id")
INSTRUCTION = Target("TrueDue_Instruction__c", "Id")


@dataclass(frozen=True, slots=True)
class Change:
    """The fields that one intent sets on the record `key` of `target`."""

    target: Target
    key: str
    fields: dict[str, Value]

    def body(self) -> Row:
        """The record as a collection call wants it."""
        key_name = self.target.key_field if self.target.is_upsert else "id"
        return {"attributes": {"type": self.target.sobject}, key_name: self.key, **self.values()}

    def values(self) -> Row:
        """The fields as the API writes them."""
        return {name: _sent(value) for name, value in self.fields.items()}

    def stands_in(self, record: Row) -> bool:
        """Whether `record` holds every field as this change sets it."""
        return all(_same(value, record.get(name)) for name, value in self.fields.items())


def change_of(intent: Intent, currencies: Collection[str]) -> Change | None:
    """Return what an intent changes in Salesforce; None when it has no place there.

    `currencies` are those of the org's records, when it has several: each record then says which one is its own.
    """
    match intent:
        case ShowInvoice():
            return Change(INVOICE, intent.document_id, _invoice(intent, currencies))
        case ShowBalance():
            return Change(ACCOUNT, intent.account_external_id, _balance(intent))
        case ShowReceipt():
            return Change(RECEIPT, intent.receipt_id, _receipt(intent, currencies))
        case ShowReminder():
            return Change(REMINDER, intent.reminder_id, _reminder(intent))
        case EditContact():
            return Change(CONTACT, intent.contact_external_id, {"Email": intent.email or None})
        case AdoptInvoice():
            return Change(REQUEST, intent.request_external_id, _adoption(intent))
        case AnswerInstruction():
            return Change(INSTRUCTION, intent.instruction_external_id, _answer(intent))
        case _:
            return None


def _invoice(intent: ShowInvoice, currencies: Collection[str]) -> dict[str, Value]:
    # A credit note is shown below zero, so that sums over an account's list are what the customer owes.
    sign = -1 if intent.kind is DocumentKind.CREDIT_NOTE else 1
    return {
        "Account__c": intent.account_external_id,
        "Name": (intent.number or intent.document_id)[:NAME_LENGTH],
        "Number__c": intent.number,
        "Status__c": intent.status.value,
        **_currency(intent.total, currencies),
        "Total__c": sign * intent.total.decimal,
        "Balance__c": sign * intent.balance.decimal,
        "Issue_Date__c": intent.issued_on,
        **({"Due_Date__c": intent.due_on} if intent.due_on else {}),
        **_saying(intent.saying),
        **({} if intent.purchase_order is None else {"PO_Number__c": intent.purchase_order}),
        **({} if intent.note is None else {"Note__c": intent.note}),
        "Paused_Until__c": intent.paused_until,
    }


def _currency(amount: Money, currencies: Collection[str]) -> dict[str, Value]:
    """The currency as text, and as the record's own where the org has that one."""
    own = {"CurrencyIsoCode": amount.currency} if amount.currency in currencies else {}
    return {"Currency__c": amount.currency, **own}


def _balance(intent: ShowBalance) -> dict[str, Value]:
    return {
        "TrueDue_Id__c": intent.customer_id,
        "TrueDue_Balance__c": intent.balance.decimal,
        "TrueDue_Overdue__c": intent.overdue.decimal,
        "TrueDue_Currency__c": intent.balance.currency,  # the account's own currency is other people's
        "TrueDue_Oldest_Due_Date__c": intent.oldest_due_on,
        "TrueDue_Hold__c": intent.hold[:TEXT_LENGTH],
        "TrueDue_Last_Contact__c": intent.last_contact_on,
        "TrueDue_Usually_Late__c": None if intent.usually_late_days is None else Decimal(intent.usually_late_days),
        "TrueDue_Risk__c": intent.risk,
        "TrueDue_Risk_Reasons__c": intent.risk_reasons[:TEXT_LENGTH],
    }


def _receipt(intent: ShowReceipt, currencies: Collection[str]) -> dict[str, Value]:
    return {
        "Account__c": intent.account_external_id,
        "Name": _title(intent.payer, intent.amount, intent.received_on),
        "Received_On__c": intent.received_on,
        "Amount__c": intent.amount.decimal,
        **_currency(intent.amount, currencies),
        "Payer__c": intent.payer[:TEXT_LENGTH],
        "Status__c": intent.status,
        "Detail__c": intent.detail[:LONG_TEXT_LENGTH],
    }


def _reminder(intent: ShowReminder) -> dict[str, Value]:
    return {
        "Account__c": intent.account_external_id,
        "Name": f"{intent.sent_at.date().isoformat()} level {intent.level} {intent.channel}"[:NAME_LENGTH],
        "Level__c": str(intent.level),
        "Channel__c": intent.channel,
        "Sent_At__c": intent.sent_at.astimezone(UTC).replace(microsecond=0),  # Salesforce keeps whole seconds
        "Detail__c": intent.detail[:LONG_TEXT_LENGTH],
    }


def _adoption(intent: AdoptInvoice) -> dict[str, Value]:
    return {"Status__c": DRAFTED} if intent.document_id is None else {"External_Id__c": intent.document_id}


def _answer(intent: AnswerInstruction) -> dict[str, Value]:
    return {"Status__c": DONE if intent.done else REFUSED, "Answer__c": intent.answer[:TEXT_LENGTH]}


def _title(payer: str, amount: Money, received_on: date) -> str:
    tail = f" {amount} {received_on.isoformat()}"
    return f"{payer[: NAME_LENGTH - len(tail)]}{tail}".strip()


def _sent(value: Value) -> str | bool | Decimal | None:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%dT%H:%M:%S}.000Z"
    if isinstance(value, date):
        return value.isoformat()
    return value


def _same(wanted: Value, shown: Any) -> bool:  # noqa: ANN401 - a JSON value
    if shown is None:
        return wanted is None or wanted == ""  # Salesforce keeps empty text as null
    if isinstance(wanted, bool):
        return bool(shown) is wanted
    if isinstance(wanted, datetime):
        return instant(str(shown)) == wanted
    if isinstance(wanted, Decimal):
        return Decimal(shown) == wanted
    if isinstance(wanted, str):
        return str(shown) == wanted.strip()  # Salesforce trims text
    return wanted is not None and str(shown) == wanted.isoformat()


def _saying(saying: Saying | None) -> dict[str, Value]:
    """The fields in which people note disputes and promises; left alone unless something new was said elsewhere."""
    if saying is None:
        return {}
    return {
        "Disputed__c": saying.disputed,
        "Dispute_Reason__c": saying.dispute_reason,
        "Promised_On__c": saying.promised_on,
    }
