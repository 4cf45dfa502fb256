"""The objects that an intent writes, in order: the first stands for it, a second one completes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from connectors.errors import Fatal, Reject
from connectors.intents import (
    AllocateCredit,
    DraftInvoice,
    EditCustomer,
    EditDocument,
    Intent,
    PostCharge,
    PostPayout,
    PostReceipt,
    WriteDown,
)
from connectors.ledgers.quickbooks import bodies
from connectors.ledgers.quickbooks.client import Json
from connectors.ledgers.quickbooks.company import Company
from connectors.ledgers.quickbooks.edits import edit_body
from receivables.identity import stable_id


@dataclass(frozen=True, slots=True)
class Step:
    """One object to create, to update with a sparse body, or to delete; `key` tells it from every other."""

    entity: str
    operation: str
    body: Json
    key: str

    @property
    def request_id(self) -> str | None:
        """The request id that keeps it from happening twice; None where the version that its body names does.

        QuickBooks answers a known request id with its first answer, a refusal too: also when the person has done what
        the refusal asked for.
        """
        return self.key if self.operation == "create" else None


@dataclass(frozen=True, slots=True)
class Mark:
    """How a written object is found again: among those of its day, by `value` in `field` (or a part of that)."""

    entity: str
    on: date
    field: str
    value: str

    def is_on(self, item: Mapping[str, Any]) -> bool:
        """Whether the object carries the mark."""
        text = str(item.get(self.field) or "")
        return self.value in text if self.field == "PrivateNote" else text == self.value


def first_step(intent: Intent, company: Company) -> Step:
    """What is written first; a ConnectorError when the company lacks what it needs."""
    if isinstance(intent, PostReceipt):
        _check_currencies(intent, company)
        return _create("Payment", bodies.payment(intent), intent)
    if isinstance(intent, AllocateCredit):
        return _create("Payment", bodies.allocation(intent), intent)
    if isinstance(intent, PostPayout):
        return _create("JournalEntry", bodies.payout_entry(intent), intent)
    if isinstance(intent, WriteDown):
        return _write_down(intent, company)
    if isinstance(intent, DraftInvoice):
        order_field = company.order_field() if intent.purchase_order else None
        return _create("Estimate", bodies.estimate(intent, company.item(intent.account), order_field), intent)
    if isinstance(intent, PostCharge):
        return _charge(intent, company)
    if isinstance(intent, EditDocument | EditCustomer):
        entity, body = edit_body(intent, company)
        return Step(entity, "update", body, stable_id("td", intent.key, "edit"))
    raise Fatal(f"QuickBooks takes no {intent.intent}")


def second_step(intent: Intent, entity: str, first: Json) -> Step | None:
    """What completes the intent once `first`, an object of `entity`, stands; None when nothing is left to do."""
    identity = str(first["Id"])
    if isinstance(intent, PostReceipt) and intent.fee:
        return _create("Deposit", bodies.deposit(intent, identity), intent)
    if isinstance(intent, WriteDown):
        return _create("Payment", bodies.write_down_payment(intent, entity, identity), intent)
    return None


def deletion(entity: str, item: Json) -> Step:
    """Delete an object of `entity` as it was read."""
    body = {"Id": str(item["Id"]), "SyncToken": str(item["SyncToken"])}
    return Step(entity, "delete", body, stable_id("td", "delete", entity, body["Id"], body["SyncToken"]))


def mark_of(intent: Intent) -> Mark:
    """How the first object of an intent is found again."""
    if isinstance(intent, PostReceipt):
        return Mark("Payment", intent.received_on, "PaymentRefNum", bodies.short_key(intent))
    if isinstance(intent, AllocateCredit):
        return Mark("Payment", intent.on, "PaymentRefNum", bodies.short_key(intent))
    if isinstance(intent, PostPayout):
        return Mark("JournalEntry", intent.paid_on, "DocNumber", bodies.short_key(intent))
    if isinstance(intent, WriteDown):
        return Mark(write_down_entity(intent), intent.on, "DocNumber", bodies.short_key(intent))
    if isinstance(intent, DraftInvoice):
        return Mark("Estimate", intent.issued_on, "PrivateNote", intent.reference)
    if isinstance(intent, PostCharge):
        return Mark("Invoice", intent.issued_on, "PrivateNote", intent.reference)
    raise Fatal(f"QuickBooks takes no {intent.intent}")


def write_down_entity(intent: WriteDown) -> str:
    """A journal entry posts to any account; only a credit memo also lowers the tax on sales."""
    return "CreditMemo" if intent.tax_code not in bodies.UNTAXED else "JournalEntry"


def _write_down(intent: WriteDown, company: Company) -> Step:
    if write_down_entity(intent) == "JournalEntry":
        receivables = company.receivables_account(intent.amount.currency)
        return _create("JournalEntry", bodies.write_down_entry(intent, receivables), intent)
    rate = company.tax_rate(intent.tax_code)
    return _create("CreditMemo", bodies.write_down_memo(intent, company.item(intent.account), rate), intent)


def _charge(intent: PostCharge, company: Company) -> Step:
    """QuickBooks repeats its first answer to a request id, so another day or account is another request."""
    rate = None if intent.tax_code in bodies.UNTAXED else company.tax_rate(intent.tax_code)
    body = bodies.charge(intent, company.item(intent.account), rate)
    key = stable_id("td", intent.key, "invoice", intent.issued_on.isoformat(), intent.account, intent.tax_code)
    return Step("Invoice", "create", body, key)


def _check_currencies(intent: PostReceipt, company: Company) -> None:
    """QuickBooks takes money of an invoice's currency into an account of that or of the home currency only."""
    if intent.banked is not None and intent.banked.currency != company.home_currency():
        raise Reject(
            f"QuickBooks cannot put {intent.unapplied.currency} into an account in {intent.banked.currency}",
            code="account_currency",
            remedy="Record this receipt in QuickBooks by hand, with a transfer between the two accounts.",
        )


def _create(entity: str, body: Json, intent: Intent) -> Step:
    return Step(entity, "create", body, stable_id("td", intent.key, entity.lower()))
