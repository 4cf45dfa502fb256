"""A firm's bank account: what was booked on each day, and the statement files that the bank gives out later."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal

from sandbox.world import camt053, mt940
from sandbox.world.statement import BankStatement, Line

Shown = Callable[[datetime], None]


@dataclass
class Money:
    """A booked line, which invoices it truly pays, and what is to be told when a statement shows it."""

    line: Line
    customer: str
    pays: tuple[tuple[str, Decimal], ...]
    shown: list[Shown] = field(default_factory=list)

    @property
    def unapplied(self) -> Decimal:
        """What is left of it when everything is paid that it was for."""
        return self.line.amount - sum((amount for _, amount in self.pays), Decimal(0))


@dataclass
class BankBook:
    """One account. Statements are by whole days; a day is given out once it is over."""

    account: str
    currency: str
    owner: str
    opening: Decimal
    opened_on: date
    is_camt: bool
    booked: list[Money] = field(default_factory=list)
    given_until: date | None = None
    _days: dict[date, list[Money]] = field(default_factory=dict)

    def book(
        self,
        *,
        on: date,
        amount: Decimal,
        payer: str,
        payer_account: str,
        remittance: str,
        customer: str,
        pays: Sequence[tuple[str, Decimal]],
    ) -> Money:
        """Book money in (negative: out)."""
        reference = f"FT{on:%y%j}{len(self.booked) + 4100:06d}"
        money = Money(Line(on, amount, payer, payer_account, remittance, reference), customer, tuple(pays))
        self.booked.append(money)
        self._days.setdefault(on, []).append(money)
        return money

    def statement(self, *, since: date, until: date, at: datetime) -> bytes:
        """Return the file of the days from `since` to `until`, and show what stands in it."""
        balance = self.opening + sum(
            (each.line.amount for day, booked in self._days.items() if day < since for each in booked), Decimal(0)
        )
        made = []
        for number in range((since - self.opened_on).days, (until - self.opened_on).days + 1):
            day = self.opened_on + timedelta(days=number)
            booked = self._days.get(day, [])
            lines = tuple(each.line for each in booked)
            made.append(BankStatement(self.account, self.currency, self.owner, number + 1, day, balance, lines))
            balance = made[-1].closing
            for shown in (shown for each in booked for shown in each.shown):
                shown(at)
        self.given_until = max(until, self.given_until or until)
        return camt053.document(made, created_at=at) if self.is_camt else mt940.document(made)
