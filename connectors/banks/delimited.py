"""Delimited statements (CSV): columns found by their headings, or named by a mapping.

Nothing is guessed: when the dates fit both day-month and month-day, the amounts both a decimal and a grouping mark, or
a column may say which amounts left the account, the file is refused and asks for a mapping. Every row below the
headings becomes one entry or refuses the file; where a column of balances is named, every row must lead to its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from connectors.banks.columns import ColumnMapping, check_mapping, columns_of
from connectors.banks.dates import DATE_ORDERS, is_day, read_day
from connectors.banks.draft import Draft, Line, Reading, check_entry_bound, exact_sum
from connectors.banks.fields import BankFileError, amount, clean, joined, shown, signed
from connectors.banks.table import MAX_PREAMBLE_ROWS, Row, UnclearColumnsError, labels, places, rows_of

__all__ = ["ColumnMapping", "read", "settled"]

_CAME = frozenset("c|cr|crdt|credit|h|haben|bij|in|+|money in|crédit|avoir|crédito|credito".split("|"))
_LEFT = frozenset("d|dr|dbit|debit|s|soll|af|out|-|money out|débit|doit|débito|debito".split("|"))
_FIGURES = ("amount", "credit", "debit", "balance")


@dataclass(frozen=True, slots=True)
class _Row:
    line: int
    cells: dict[str, str]


def read(text: str, mapping: ColumnMapping | None = None) -> Reading:
    """Read all rows.

    BankFileError when a row cannot be read; UnclearColumnsError when a mapping could say what the file does not.
    """
    mapping = mapping or ColumnMapping()
    check_mapping(mapping)
    rows = _rows(text, mapping)
    check_entry_bound(len(rows))
    dates, mark = _conventions(rows, mapping)
    drafts: dict[str | None, Draft] = {}
    balances: dict[str | None, list[tuple[Decimal, int]]] = {}
    for row in rows:
        account = clean(row.cells.get("account")) or mapping.account
        draft = drafts.setdefault(account, Draft(account=account, currency=mapping.currency))
        draft.lines.append(_entry(row, dates, mark, mapping))
        if "balance" in row.cells:
            balances.setdefault(account, []).append((_balance(row, mark), row.line))
    for account, draft in drafts.items():
        currencies = {line.currency for line in draft.lines}
        draft.currency = currencies.pop() if len(currencies) == 1 else mapping.currency
        if account in balances:
            _follow(draft, balances[account])
    return Reading("csv", list(drafts.values()) or [Draft(account=mapping.account, currency=mapping.currency)])


def settled(text: str, mapping: ColumnMapping) -> ColumnMapping:
    """Return a mapping with the order of dates and the decimal mark that a file shows, for files that show neither.

    BankFileError as `read`.
    """
    rows = _rows(text, mapping)
    dates, mark = _conventions(rows, mapping)
    shows = any(mark in row.cells.get(name, "") for row in rows for name in _FIGURES)
    return replace(
        mapping, date_order=dates if rows else mapping.date_order, decimal_mark=mark if shows else mapping.decimal_mark
    )


def _conventions(rows: Sequence[_Row], mapping: ColumnMapping) -> tuple[str, str]:
    dates = [(row.cells.get(name, "").strip(), row.line) for row in rows for name in ("booked_on", "value_on")]
    return _date_order(dict(reversed(dates)), mapping), _decimal_mark(
        [row.cells.get(name, "") for row in rows for name in _FIGURES], mapping
    )


def _rows(text: str, mapping: ColumnMapping) -> list[_Row]:
    if not mapping.has_headings:
        return _rows_alone(text, mapping)
    found: list[_Row] = []
    columns: dict[int, str] = {}
    headings: tuple[str, ...] = ()
    body: list[Row] = []
    for index, row in enumerate(rows_of(text)):
        if not columns:
            if index < MAX_PREAMBLE_ROWS:
                columns, headings = columns_of(row.cells, mapping), labels(row.cells)
                _check_headings(columns, row)
            continue
        if len(row.cells) != len(headings):
            raise BankFileError(f"{len(row.cells)} columns where the headings are {len(headings)}", line=row.line)
        body.append(row)
        found.append(_Row(row.line, {name: row.cells[place] for place, name in columns.items()}))
    if not columns and mapping.columns is not None:
        raise BankFileError(f"there is no row of headings with {', '.join(map(repr, mapping.columns.values()))}")
    if not columns:
        raise UnclearColumnsError(
            "the format was not recognised, and as delimited text no headings for a date and an amount (or credit and "
            "debit) were found; name the columns in a mapping"
        )
    if mapping.columns is None:
        _check_signs(found, body, columns, headings)
    return found


def _rows_alone(text: str, mapping: ColumnMapping) -> list[_Row]:
    """The rows of a file without headings: every row that is not blank, the first one too."""
    found: list[_Row] = []
    columns: dict[int, str] = {}
    count = 0
    for row in rows_of(text):
        if not count:
            count = len(row.cells)
            columns = columns_of(places(count), mapping)
            if not columns:
                raise BankFileError(f"the file has {count} columns, too few for those that are named", line=row.line)
        if len(row.cells) != count:
            raise BankFileError(f"{len(row.cells)} columns where the first row has {count}", line=row.line)
        found.append(_Row(row.line, {name: row.cells[place] for place, name in columns.items()}))
    return found


def _check_headings(columns: dict[int, str], row: Row) -> None:
    """Refuse a first line that was taken for the headings: it would be lost."""
    for place, name in columns.items():
        if name == "booked_on" and is_day(row.cells[place]):
            raise UnclearColumnsError(
                f"{shown(row.cells[place])} is no heading but a date; say that the file has no row of headings",
                line=row.line,
            )


def _check_signs(rows: Sequence[_Row], body: Sequence[Row], columns: dict[int, str], headings: Sequence[str]) -> None:
    """Refuse amounts that all seem to have come where a column that nobody named may say which of them left."""
    names = set(columns.values())
    if not rows or "amount" not in names or "direction" in names:
        return
    if any("-" in row.cells["amount"] or "(" in row.cells["amount"] or "−" in row.cells["amount"] for row in rows):
        return
    for place, heading in enumerate(headings):
        if place not in columns and all(_direction(row.cells[place]) is not None for row in body):
            raise UnclearColumnsError(
                f"no amount is negative, and the column {shown(heading)} may say which of them left the account; "
                "name it in a mapping"
            )


def _entry(row: _Row, dates: str, mark: str, mapping: ColumnMapping) -> Line:
    cell = row.cells
    booked_on = _day(cell.get("booked_on", ""), dates, row)
    if booked_on is None:
        raise BankFileError("the row has no date", line=row.line)
    value = _amount(cell, mark, row)
    return Line(
        amount=signed(value, outgoing=mapping.is_reversed),
        line=row.line,
        bank_reference=clean(cell.get("bank_reference")),
        booked_on=booked_on,
        value_on=_day(cell.get("value_on", ""), dates, row),
        currency=(clean(cell.get("currency")) or mapping.currency or "").upper() or None,
        counterparty=clean(cell.get("counterparty")),
        counterparty_account=clean(cell.get("counterparty_account")),
        remittance=joined([cell.get("description"), cell.get("reference")]),
    )


def _amount(cell: dict[str, str], mark: str, row: _Row) -> Decimal:
    """The signed amount column, or credit less debit where a row fills one of them; a debit's own sign is ignored."""
    single = _number(cell.get("amount", ""), mark, row)
    credit, debit = (_number(cell.get(name, ""), mark, row) for name in ("credit", "debit"))
    stated = [value for value in (single, credit, debit) if value is not None]
    nonzero = [value for value in stated if value] or stated[:1]
    if len(nonzero) != 1:
        raise BankFileError(f"the row has {len(nonzero)} amounts instead of one", line=row.line)
    if single is not None and nonzero[0] is single:
        return _turned(single, cell["direction"], row) if "direction" in cell else single
    return -abs(nonzero[0]) if nonzero[0] is debit else nonzero[0]


def _turned(value: Decimal, text: str, row: _Row) -> Decimal:
    """An amount with the sign that a column of its own says."""
    came = _direction(text)
    if came is None:
        raise BankFileError(f"{shown(text)} does not say whether the money came or left", line=row.line)
    if came and value < 0:
        raise BankFileError(f"{shown(text)} says that the money came, but the amount is negative", line=row.line)
    return value if came else -abs(value)


def _direction(text: str) -> bool | None:
    """Whether a word says that money came; None when it says neither."""
    plain = text.strip().strip(".").casefold()
    return True if plain in _CAME else False if plain in _LEFT else None


def _balance(row: _Row, mark: str) -> Decimal:
    found = _number(row.cells["balance"], mark, row)
    if found is None:
        raise BankFileError("the row has no balance", line=row.line)
    return found


def _follow(draft: Draft, balances: Sequence[tuple[Decimal, int]]) -> None:
    """Check that each amount leads from one balance to the next, from the oldest row on, which days tell, or either."""
    amounts = [line.amount for line in draft.lines]
    first, last = (draft.lines[place].booked_on or date.min for place in (0, -1))
    broken: list[int | None] = []
    for may_be, step in ((first <= last, 1), (first >= last, -1)):
        if may_be:
            broken.append(_broken(amounts[::step], balances[::step]))
        if may_be and broken[-1] is None:
            draft.opening = exact_sum([balances[::step][0][0], -amounts[::step][0]])
            draft.closing = balances[::step][-1][0]
            return
    raise BankFileError("the balance does not follow from the one before and the amount", line=broken[0])


def _broken(amounts: Sequence[Decimal], balances: Sequence[tuple[Decimal, int]]) -> int | None:
    """The line of the first balance that does not follow; None when all do."""
    for (before, _), (after, line), value in zip(balances, balances[1:], amounts[1:], strict=False):
        if exact_sum([before, value]) != after:
            return line
    return None


def _number(text: str, mark: str, row: _Row) -> Decimal | None:
    plain = re.sub(r"[\s'’\u2009\u202f]", "", text).replace("−", "-")
    if not plain:
        return None
    negative = re.fullmatch(r"\((.*)\)|(.*)-", plain)
    if negative:
        plain = f"-{negative[1] or negative[2]}"
    group = "," if mark == "." else "."
    if group in plain and not re.fullmatch(rf"[+-]?\d{{1,3}}(\{group}\d{{2,3}})*\{group}\d{{3}}(\{mark}\d*)?", plain):
        raise BankFileError(f"{shown(text)} is not an amount with {mark!r} as its decimal mark", line=row.line)
    try:
        return amount(plain.replace(group, ""), line=row.line)
    except BankFileError as error:
        raise BankFileError(f"{shown(text)} is not an amount", line=row.line) from error


def _decimal_mark(texts: Iterable[str], mapping: ColumnMapping) -> str:
    """The one decimal mark that all amounts allow."""
    if mapping.decimal_mark:
        return mapping.decimal_mark
    sure: set[str] = set()
    unsure = ""
    for text in texts:
        marks = re.findall(r"[.,]", text)
        if len(set(marks)) == 2:
            sure.add(marks[-1])
        elif len(marks) > 1:
            sure.add("," if marks[0] == "." else ".")
        elif marks and re.search(r"\d[.,]\d{3}(?!\d)", text):
            unsure = text
        elif marks:
            sure.add(marks[0])
    if len(sure) > 1:
        raise UnclearColumnsError("some amounts write a decimal point and some a decimal comma; name one in a mapping")
    if not sure and unsure:
        raise UnclearColumnsError(
            f"{shown(unsure)} could be thousands or a fraction; name the decimal mark in a mapping"
        )
    return sure.pop() if sure else "."


def _date_order(lines: Mapping[str, int], mapping: ColumnMapping) -> str:
    """`ymd`, `dmy` or `mdy`, whichever is the only one under which every date exists; `lines` is where each stands."""
    if mapping.date_order:
        return mapping.date_order
    stated = sorted(filter(None, lines))
    unread = {order: [text for text in stated if not read_day(text, order)] for order in DATE_ORDERS}
    orders = [order for order in DATE_ORDERS if not unread[order]]
    if not orders:
        fewest = min(unread.values(), key=len)
        if 2 * len(fewest) < len(stated):
            first = min(fewest, key=lines.__getitem__)
            raise BankFileError(f"{shown(first)} is not a date", line=lines[first])
        raise UnclearColumnsError(
            "the dates are in no known order (year-month-day, day-month-year, month-day-year), or "
            "the name of a month is not known, or means another month in another language"
        )
    if len(orders) > 1 and any(read_day(text, orders[0]) != read_day(text, orders[1]) for text in stated):
        raise UnclearColumnsError(f"{shown(stated[0])} could be day or month first; name the date order in a mapping")
    return orders[0]


def _day(text: str, order: str, row: _Row) -> date | None:
    found = read_day(text.strip(), order)
    if found is None and text.strip():
        raise BankFileError(f"{shown(text)} is not a date", line=row.line)
    return found
