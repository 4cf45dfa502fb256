"""What a customer said about an item: a promise to pay, or a dispute."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from receivables.money import Money


@dataclass(frozen=True, slots=True)
class PromiseToPay:
    """The customer will pay `amount` (None: all that is open) of an item on or before `promised_on`."""

    item_id: str
    promised_on: date
    amount: Money | None = None


@dataclass(frozen=True, slots=True)
class Dispute:
    """The customer contests an item, for `reason`; open until a person resolves it."""

    item_id: str
    reason: str
