"""An open item: a document with a balance, as the matcher and the reminders see it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from receivables.document import DocumentKind
from receivables.money import Money


@dataclass(frozen=True, slots=True)
class OpenItem:
    """A document that still has a balance. `open_amount` is positive, also for a credit note."""

    item_id: str
    kind: DocumentKind
    number: str
    customer_id: str
    customer_name: str
    open_amount: Money
    issued_on: date
    due_on: date
    references: tuple[str, ...] = ()
    parent_id: str | None = None
