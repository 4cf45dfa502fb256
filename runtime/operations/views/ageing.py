"""Open invoices by how late they are."""

from __future__ import annotations

from dataclasses import dataclass

from receivables.money import Money, total

# The last day late of each bucket but the last, and what people call them.
_LAST_DAYS = (0, 30, 60, 90)
BUCKETS = ("Not due yet", "1–30 days", "31–60 days", "61–90 days", "Over 90 days")


@dataclass(frozen=True, slots=True)
class Ageing:
    """What is open in one currency: an amount and a number of invoices for each of BUCKETS."""

    currency: str
    amounts: tuple[Money, ...]
    counts: tuple[int, ...]

    @property
    def total(self) -> Money:
        """All that is open."""
        return total(self.amounts, self.currency)

    @property
    def overdue(self) -> Money:
        """All that is late."""
        return total(self.amounts[1:], self.currency)


def bucket(days_overdue: int) -> int:
    """Return the place in BUCKETS of an invoice that is so many days late (negative: not due yet)."""
    return sum(days_overdue > last for last in _LAST_DAYS)
