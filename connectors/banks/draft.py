"""Statements while they are read: checked against the file's own figures, joined, and given stable entry ids."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal, localcontext

from connectors.banks import returns
from connectors.banks.fields import MAX_ENTRIES, BankFileError
from receivables.identity import stable_id
from receivables.statement import Entry, Part, Statement, TakenBack

_SUM_DIGITS = 60  # more than MAX_ENTRIES amounts of MAX_AMOUNT_DIGITS can need, so that every sum is exact


@dataclass(frozen=True, slots=True)
class Line:
    """An entry before it has an id. `bank_reference` is the bank's own, None where the file gives none."""

    amount: Decimal
    line: int | None = None
    bank_reference: str | None = None
    booked_on: date | None = None
    value_on: date | None = None
    currency: str | None = None
    counterparty: str | None = None
    counterparty_account: str | None = None
    remittance: str | None = None
    status: str | None = None
    reversal: bool = False
    parts: tuple[Part, ...] = ()
    charges: Decimal | None = None
    references: tuple[str, ...] = ()
    taken_back: TakenBack | None = None


@dataclass(slots=True)
class Draft:
    """One statement of one account as it is being read; balances are signed."""

    account: str | None = None
    currency: str | None = None
    opening: Decimal | None = None
    closing: Decimal | None = None
    closed_on: date | None = None  # the day at whose end the closing balance stands
    lines: list[Line] = field(default_factory=list)
    is_whole: bool = True  # False where its own figures say that bookings are missing


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reader returns: the format's name, its statements, and remarks that lose nothing."""

    format: str
    drafts: list[Draft]
    remarks: tuple[str, ...] = ()


def exact_sum(amounts: Iterable[Decimal]) -> Decimal:
    """Add without rounding, whatever the number of digits."""
    with localcontext() as context:
        context.prec = _SUM_DIGITS
        return sum(amounts, Decimal(0))


def check_entry_bound(count: int) -> None:
    """Refuse a file with more than MAX_ENTRIES lines before they are read."""
    if count > MAX_ENTRIES:
        raise BankFileError(f"the file has {count} entries, more than the {MAX_ENTRIES} read at once")


def check_count(drafts: list[Draft], *, stated: int, what: str) -> None:
    """Refuse when the entries read are not as many as the raw text of the file holds."""
    found = sum(len(draft.lines) for draft in drafts)
    if found != stated:
        raise BankFileError(f"the file holds {stated} {what} but {found} could be read")


def check_balance(draft: Draft, amounts: Iterable[Decimal], *, line: int | None = None) -> None:
    """Refuse when opening balance and booked amounts do not give the closing balance; silent if one is unstated."""
    if draft.opening is None or draft.closing is None:
        return
    total = exact_sum(amounts)
    reached = exact_sum([draft.opening, total])
    if reached != draft.closing:
        raise BankFileError(
            f"account {draft.account or '(unnamed)'}: opening balance {draft.opening:f} and entries of {total:f} "
            f"give {reached:f}, but the file states a closing balance of {draft.closing:f}",
            line=line,
        )


def statements(drafts: list[Draft]) -> tuple[Statement, ...]:
    """Join the pages and days of one account that follow on from each other, and give every entry its id."""
    chains = _chained(drafts)
    seen: Counter[str] = Counter()
    return tuple(_statement(draft, seen) for draft in chains)


def _chained(drafts: list[Draft]) -> list[Draft]:
    chains: list[Draft] = []
    for draft in drafts:
        if chains and _follows(chains[-1], draft):
            chains[-1].lines.extend(draft.lines)
            chains[-1].closing, chains[-1].closed_on = draft.closing, draft.closed_on
            chains[-1].is_whole = chains[-1].is_whole and draft.is_whole
        else:
            chains.append(replace(draft, lines=list(draft.lines)))
    return chains


def _follows(earlier: Draft, later: Draft) -> bool:
    same = (earlier.account, earlier.currency) == (later.account, later.currency)
    return same and earlier.closing is not None and earlier.closing == later.opening


def _statement(draft: Draft, seen: Counter[str]) -> Statement:
    entries = tuple(_entry(draft.account or "", line, seen) for line in draft.lines)
    opening, closing = draft.opening, draft.closing
    return Statement(draft.account, draft.currency, opening, closing, entries, draft.closed_on, draft.is_whole)


def _entry(account: str, line: Line, seen: Counter[str]) -> Entry:
    """Name the line by what every file that holds it repeats.

    A bank's reference stands for the texts, which one file may cut shorter than another. Day and amount stay
    beside it because banks do reuse references. What is still alike is numbered in the order of the file.
    """
    figures = (account, _text(line.booked_on or line.value_on), f"{line.amount.normalize():f}", line.currency or "")
    texts = (
        ("reference", line.bank_reference)
        if line.bank_reference
        else (
            "texts",
            _text(line.value_on),
            line.counterparty or "",
            line.counterparty_account or "",
            line.remittance or "",
        )
    )
    alike = stable_id("line", *figures, *texts)
    seen[alike] += 1
    return Entry(
        entry_id=stable_id("ent", alike, str(seen[alike])),
        booked_on=line.booked_on,
        value_on=line.value_on,
        amount=line.amount,
        currency=line.currency,
        counterparty=line.counterparty,
        counterparty_account=line.counterparty_account,
        remittance=line.remittance,
        status=line.status,
        reversal=line.reversal,
        parts=line.parts,
        charges=line.charges,
        references=line.references or returns.named_in(line.remittance),
        taken_back=line.taken_back or returns.in_words(line.remittance, line.counterparty),
        line=line.line,
    )


def _text(value: date | None) -> str:
    return value.isoformat() if value else ""
