"""A firm's bank accounts: what was booked on each day, and the statement files that the bank gives out later."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal

from sandbox.world import camt053, mt940
from sandbox.world.statement import BankStatement, Line

Shown = Callable[[datetime], None]


@dataclass
class Money:
    """A booked line, which invoices it truly pays, and what is to be told when a statement shows it.

    `clear` says whether its text names them, `told` whether anything of it does. What it pays is in the currency of the
    invoices, which may be another than the account's: then it is `exchanged`.
    """

    line: Line
    currency: str
    customer: str
    pays: tuple[tuple[str, Decimal], ...]
    takes_back: Money | None = None
    clear: bool = True
    told: bool = True
    exchanged: bool = False
    booked_as: str = ""  # the payment in the ledger that an accountant booked for it
    shown: list[Shown] = field(default_factory=list)

    @property
    def unapplied(self) -> Decimal:
        """What is left of it when everything is paid that it was for: nothing of what was exchanged."""
        if self.exchanged:
            return Decimal(0)
        return self.line.amount - sum((amount for _, amount in self.pays), Decimal(0))


@dataclass
class BankBook:
    """One account. Statements are by whole days; a day is given out once it is over.

    `booked` is what was booked on all accounts of the firm, oldest first: each line has a reference of its own.
    """

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
        customer: str = "",
        pays: Sequence[tuple[str, Decimal]] = (),
        end_to_end: str = "NOTPROVIDED",
        clear: bool = True,
        exchanged: bool = False,
    ) -> Money:
        """Book money in (negative: out)."""
        line = Line(on, amount, payer, payer_account, remittance, self._next_reference(on), end_to_end=end_to_end)
        return self._keep(Money(line, self.currency, customer, tuple(pays), clear=clear, exchanged=exchanged))

    def take_back(self, money: Money, *, on: date, reason: str) -> Money:
        """Book that an earlier payment goes back, for an ISO 20022 `reason`; without one it is not called so."""
        line = replace(
            money.line,
            booked_on=on,
            amount=-money.line.amount,
            reference=self._next_reference(on),
            returned=reason,
        )
        return self._keep(Money(line, self.currency, money.customer, (), takes_back=money))

    def booked_on(self, day: date) -> Sequence[Money]:
        """What was booked on this account on a day."""
        return self._days.get(day, ())

    def has_given(self, day: date) -> bool:
        """Whether somebody took the file of a day."""
        return self.given_until is not None and day <= self.given_until

    def _next_reference(self, on: date) -> str:
        return f"FT{on:%y%j}{len(self.booked) + 4100:06d}"

    def _keep(self, money: Money) -> Money:
        self.booked.append(money)
        self._days.setdefault(money.line.booked_on, []).append(money)
        return money

    def statement(self, *, since: date, until: date, at: datetime) -> bytes:
        """Return the file of the days from `since` to `until`."""
        balance = self.opening + sum(
            (each.line.amount for day, booked in self._days.items() if day < since for each in booked), Decimal(0)
        )
        made = []
        for number in range((since - self.opened_on).days, (until - self.opened_on).days + 1):
            day = self.opened_on + timedelta(days=number)
            booked = self.booked_on(day)
            lines = tuple(each.line for each in booked)
            made.append(BankStatement(self.account, self.currency, self.owner, number + 1, day, balance, lines))
            balance = made[-1].closing
        return camt053.document(made, created_at=at) if self.is_camt else mt940.document(made)

    def given(self, *, since: date, until: date, at: datetime) -> None:
        """Somebody took the file of these days: it shows what stands in it."""
        for number in range((until - since).days + 1):
            for each in self.booked_on(since + timedelta(days=number)):
                for shown in each.shown:
                    shown(at)
        self.given_until = max(until, self.given_until or until)
