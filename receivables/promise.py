"""What a customer said about an item: a promise to pay, or a dispute."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from receivables.money import Money


@dataclass(frozen=True, slots=True)
class PromiseToPay:
    """The customer will pay `amount` (None: all that is open) of an item on or before `promised_on`.

    Of a promise that is for a part `amount` is what is still to come: zero once that part is paid.
    """

    item_id: str
    promised_on: date
    amount: Money | None = None


def still_promised(open_amount: Money, leaves_minor: int | None) -> Money | None:
    """Return what is still to come of a promise after which that much is open; None when all of it was promised."""
    return None if leaves_minor is None else replace(open_amount, minor=max(open_amount.minor - leaves_minor, 0))


@dataclass(frozen=True, slots=True)
class Dispute:
    """The customer contests an item, for `reason`; open until a person resolves it."""

    item_id: str
    reason: str
