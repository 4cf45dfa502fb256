"""A bank statement as its file states it, before anything is concluded from it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from receivables.problem import Problem


@dataclass(frozen=True, slots=True)
class TakenBack:
    """What a bank says of money that it takes back, or brings back: why, in its own words or code.

    `original` is how much had been paid (not negative), where the file states it: the rest is charged for the return.
    """

    reason: str
    original: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """One transaction inside a batched entry (camt `TxDtls`); `amount` is signed, None where the file is silent."""

    amount: Decimal | None
    currency: str | None
    counterparty: str | None
    counterparty_account: str | None
    remittance: str | None
    end_to_end_id: str | None = None
    references: tuple[str, ...] = ()
    taken_back: TakenBack | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a statement (`Ntry`, `:61:`, `STMTTRN`, `16` record). `amount` is signed: money in is positive.

    `entry_id` is the same for the same line in every file that holds it, and differs between two lines that
    only look alike. `charges` is what banks on the way kept of the money, where the file states it: the payer paid
    `amount` and `charges` together. `references` are the ids that the payment bears from end to end, which its return
    repeats. `taken_back` is set where the bank says that the line undoes an earlier payment, `reversal` where it
    marks the line itself so. `line` is where in the file it stands, counted from 1, where the reader knows.
    """

    entry_id: str
    booked_on: date | None
    value_on: date | None
    amount: Decimal
    currency: str | None
    counterparty: str | None
    counterparty_account: str | None
    remittance: str | None
    status: str | None
    reversal: bool
    parts: tuple[Part, ...] = ()
    charges: Decimal | None = None
    references: tuple[str, ...] = ()
    taken_back: TakenBack | None = None
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Statement:
    """The entries of one account in one file; balances are signed, None where the file does not state them.

    `closed_on` is the day at whose end the closing balance stands: all that was booked until then is in the entries.
    `is_whole` is False where its own figures say that bookings are missing: it proves nothing of its days.
    """

    account: str | None
    currency: str | None
    opening: Decimal | None
    closing: Decimal | None
    entries: tuple[Entry, ...]
    closed_on: date | None = None
    is_whole: bool = True


@dataclass(frozen=True, slots=True)
class StatementFile:
    """A whole file. A refused file has no statements and at least one problem that says why."""

    file: str
    format: str | None
    statements: tuple[Statement, ...]
    problems: tuple[Problem, ...] = ()
    refused: bool = False
