"""Evidence of one invoice that is truly due and sendable; a test changes the one fact it is about."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from receivables.document import DocumentKind, DocumentStatus
from receivables.money import Money
from receivables.open_item import OpenItem
from reminders.evidence import (
    BankDeclaration,
    BankEvidence,
    Channel,
    ContactEvidence,
    CrmEvidence,
    Freshness,
    ItemEvidence,
    LawfulBasis,
    ProcessorEvidence,
    Read,
)
from reminders.message import Brand, Links
from reminders.schedule import Candidate

NOW = datetime(2026, 11, 17, 10, 0, tzinfo=UTC)  # a Tuesday, 11:00 in Berlin
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)


def eur(text: str) -> Money:
    return Money.parse(text, "EUR")


def item(**changes: Any) -> OpenItem:  # noqa: ANN401
    facts: dict[str, Any] = {
        "item_id": "item-1",
        "kind": DocumentKind.INVOICE,
        "number": "INV-2041",
        "customer_id": "customer-1",
        "customer_name": "Birkenhof GmbH",
        "open_amount": eur("1190.00"),
        "issued_on": date(2026, 10, 1),
        "due_on": date(2026, 11, 1),
    }
    return OpenItem(**{**facts, **changes})


def contact(**changes: Any) -> ContactEvidence:  # noqa: ANN401
    facts: dict[str, Any] = {
        "recipient_id": "customer-1",
        "recipient_name": "Birkenhof GmbH",
        "channel": Channel.EMAIL,
        "address": "accounts@birkenhof.example",
        "lawful_basis": LawfulBasis.CONTRACT,
        "time_zone": "Europe/Berlin",
        "country": "DE",
    }
    return ContactEvidence(**{**facts, **changes})


def freshness(as_of: datetime = NOW, **changes: Any) -> Freshness:  # noqa: ANN401
    facts: dict[str, Any] = {
        "ledger_read_at": as_of - 10 * SECOND,
        "processors": (ProcessorEvidence("stripe", as_of - 30 * SECOND),),
        "crm": CrmEvidence("salesforce", as_of - 30 * SECOND),
        "bank": (BankEvidence("DE01", BankDeclaration.STATEMENT, evidence_until=as_of.date() - DAY),),
    }
    return Freshness(**{**facts, **changes})


def evidence(as_of: datetime = NOW, **changes: Any) -> ItemEvidence:  # noqa: ANN401
    """`item` may be given; balance and total follow its open amount unless they are given too."""
    of = changes.pop("item", item())
    facts: dict[str, Any] = {
        "item": of,
        "document_status": DocumentStatus.OPEN,
        "document_sent": True,
        "document_total": of.open_amount,
        "ledger_balance": of.open_amount,
        "contact": contact(),
        "freshness": freshness(as_of),
        "credit_available": Money.zero(of.open_amount.currency),
        "versions": (Read("xero", of.item_id, "7", as_of - 10 * SECOND),),
    }
    return ItemEvidence(**{**facts, **changes})


def candidate(
    number: int,
    *,
    amount: Money | None = None,
    due_on: date = date(2026, 11, 1),
    **changes: Any,  # noqa: ANN401
) -> Candidate:
    """An item of its own with no holds."""
    of = item(
        item_id=f"item-{number}", number=f"INV-{2040 + number}", due_on=due_on, open_amount=amount or eur("100.00")
    )
    who = changes.pop("contact", contact())
    return replace(Candidate(evidence(item=of, contact=who), ()), **changes)


BRAND = Brand(name="Nordlicht Studio", signature="Anna Berger, accounts", postal_address="Hafenstr. 12, 20457 Hamburg")


def links(*item_ids: str) -> Links:
    base = "https://pay.nordlicht.example"
    return Links(
        pay=f"{base}/p/all",
        portal=f"{base}/portal",
        dispute=f"{base}/portal/dispute",
        promise=f"{base}/portal/promise",
        plan=f"{base}/portal/plan",
        question=f"{base}/portal/question",
        unsubscribe=f"{base}/portal/stop",
        pay_items={item_id: f"{base}/p/{item_id}" for item_id in item_ids},
    )
