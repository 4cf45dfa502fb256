"""What would be read of a delimited statement by what a person says of its columns, before anything is taken in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from connectors.banks.columns import ColumnMapping
from receivables.money import Money, total
from receivables.statement import Entry
from runtime.operations.bank_files.import_statement import amounts, read_whole
from runtime.operations.bank_files.statement_columns import header_of

SHOWN_LINES = 8


@dataclass(frozen=True, slots=True)
class Look:
    """What would be read of a file: `came` and `left` are one sum a currency, `lines` the first ones."""

    count: int
    came: tuple[Money, ...]
    left: tuple[Money, ...]
    came_count: int
    left_count: int
    first: date | None
    last: date | None
    accounts: tuple[str, ...]
    lines: tuple[tuple[Entry, Money], ...]


def look(*, name: str, content: bytes, mapping: ColumnMapping) -> Look:
    """Read a file by a mapping and change nothing; InputError says which row cannot be read so, and why."""
    header_of(content, mapping)
    file = read_whole(name, content, mapping)
    read = amounts(file)
    currencies = sorted({amount.currency for _, amount in read})
    came, left = ([amount for _, amount in read if (amount.minor >= 0) is sign] for sign in (True, False))
    days = [entry.booked_on for entry, _ in read if entry.booked_on is not None]
    return Look(
        count=len(read),
        came=_sums(came, currencies),
        left=_sums(left, currencies),
        came_count=len(came),
        left_count=len(left),
        first=min(days, default=None),
        last=max(days, default=None),
        accounts=tuple(statement.account or "" for statement in file.statements),
        lines=tuple(read[:SHOWN_LINES]),
    )


def _sums(every: list[Money], currencies: list[str]) -> tuple[Money, ...]:
    return tuple(
        total([amount for amount in every if amount.currency == currency], currency) for currency in currencies
    )
