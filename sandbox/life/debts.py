"""What is truly owed on an invoice, fact by fact, each with the moment from which a system showed it.

Amounts are Decimal in the invoice's currency. A fact that no system shows yet is true all the same: the product cannot
know it, and is not blamed for it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from sandbox.world.model import TrueInvoice


class Source(StrEnum):
    """Which system shows a fact."""

    LEDGER = "ledger"
    PROCESSOR = "processor"
    CRM = "crm"
    INSTRUCTIONS = "instructions"  # records in the CRM in which its users tell the product what to do
    BANK = "bank"
    DESK = "desk"  # what people say to the product itself


@dataclass
class Fact:
    """Something that happened to a debt: money in (negative: it went back), a hold begun or ended, a due date.

    `shown_at` is when its source began to show it; None while it does not. A due date that was written `beside` another
    one, by somebody who had not seen that yet, leaves it open which of the two counts; the one that they saw,
    `instead_of` which they wrote theirs, counts no more.
    """

    source: Source
    at: datetime
    shown_at: datetime | None
    paid: Decimal = Decimal(0)
    holds: str = ""
    frees: str = ""
    until: date | None = None
    due_on: date | None = None
    is_told: bool = True  # whether its source will ever show it
    beside: bool = False
    instead_of: date | None = None

    def show(self, at: datetime) -> None:
        """Its source shows it from now on."""
        self.shown_at = self.shown_at or at


@dataclass(frozen=True)
class State:
    """A debt as some of its facts have it."""

    open: Decimal
    due_days: frozenset[date]  # several only where people wrote different ones at the same time
    held: frozenset[str]

    @property
    def due_on(self) -> date:
        """The first day on which it may be due."""
        return min(self.due_days)

    def wrong_to_ask(self, on: date) -> str | None:
        """Why it must not be asked for on a day; None when asking is right."""
        if self.open <= 0:
            return "covered"
        if self.held:
            return f"held ({', '.join(sorted(self.held))})"
        return None if self.due_on < on else f"not due before {self.due_on}"


Known = Callable[[Fact], bool]


@dataclass
class Debt:
    """One invoice of a firm and everything that truly happened to it."""

    invoice: TrueInvoice
    sold_at: datetime
    facts: list[Fact] = field(default_factory=list)

    @property
    def number(self) -> str:
        """The invoice's number."""
        return self.invoice.number

    def state(self, on: date, known: Known = lambda _fact: True) -> State:
        """Return what the `known` facts come to on a day: by default all of them, which is the truth."""
        opened, due_days = self.invoice.total, frozenset({self.invoice.due_on})
        held: dict[str, date | None] = {}
        for fact in self.facts:
            if not known(fact):
                continue
            opened -= fact.paid
            if fact.due_on:
                others = due_days - {fact.instead_of} if fact.beside else frozenset()
                due_days = others | {fact.due_on}
            if fact.holds:
                held[fact.holds] = fact.until
            held.pop(fact.frees, None)
        alive = frozenset(name for name, until in held.items() if until is None or on <= until)
        return State(opened, due_days, alive)

    def due_dates(self) -> list[date]:
        """Every day on which it was ever due."""
        return [self.invoice.due_on, *(fact.due_on for fact in self.facts if fact.due_on is not None)]
