"""Invoices and credit notes as the ledger keeps them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from receivables.money import Money


class DocumentKind(StrEnum):
    """What a document does to a customer's balance."""

    INVOICE = "invoice"
    CREDIT_NOTE = "credit_note"


class DocumentStatus(StrEnum):
    """Where a document is in its life; only `open` can be due."""

    DRAFT = "draft"
    OPEN = "open"
    PAID = "paid"
    VOID = "void"


@dataclass(frozen=True, slots=True)
class Document:
    """An invoice or credit note. `balance` is what the ledger shows as still open, never negative."""

    document_id: str
    kind: DocumentKind
    customer_id: str
    number: str
    total: Money
    balance: Money
    issued_on: date
    due_on: date
    status: DocumentStatus
    references: tuple[str, ...] = ()
    sent: bool = True
