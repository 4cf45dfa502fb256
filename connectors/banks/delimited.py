"""Delimited statements (CSV): columns found by their headings, or named by a mapping.

Nothing is guessed: when the dates fit both day-month and month-day, or the amounts both a decimal and a grouping mark,
the file is refused and asks for a mapping. Every row below the headings becomes one entry or refuses the file.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from connectors.banks.draft import Draft, Line, Reading, check_entry_bound
from connectors.banks.fields import BankFileError, amount, clean, day, joined, shown

_SEPARATORS = ",;\t|"
_PREAMBLE_ROWS = 30  # banks put the account, its owner and a period above the headings
_ALIASES = {
    "booked_on": "date|booking date|booked on|posted date|posting date|transaction date|buchungstag|buchungsdatum|"
    "boekdatum|datum|date comptable|date operation|fecha|data contabile|data|completed date|rentedatum boeking",
    "value_on": "value date|valuta|valutadatum|wertstellung|rentedatum|date valeur|date de valeur|"
    "fecha valor|data valuta",
    "amount": "amount|betrag|bedrag|montant|importe|importo|value|transaction amount|net amount|betrag eur|amount eur",
    "credit": "credit|credit amount|paid in|money in|deposit|deposits|haben|bij|avoir|abono|ingreso|receipts",
    "debit": "debit|debit amount|paid out|money out|withdrawal|withdrawals|soll|af|doit|cargo|payments",
    "currency": "currency|wahrung|waehrung|valuta code|munt|muntsoort|devise|moneda|divisa|ccy",
    "counterparty": "payer|payee|payer name|counterparty|counterparty name|name|beneficiary|sender|auftraggeber|"
    "beguenstigter zahlungspflichtiger|begunstigter zahlungspflichtiger|naam tegenpartij|tegenpartij|contrepartie",
    "counterparty_account": "iban|counterparty account|counterparty iban|payer account|payer iban|"
    "kontonummer iban|kontonummer|tegenrekening|tegenrekening iban bban|iban counterparty",
    "description": "description|details|memo|narrative|verwendungszweck|omschrijving|mededelingen|libelle|concepto|"
    "descrizione|remittance|remittance information|text|buchungstext|particulars",
    "reference": "reference|payment reference|end to end reference|kundenreferenz|betalingskenmerk|"
    "referentie|referencia",
    "bank_reference": "transaction id|bank reference|fitid|entry reference|volgnr|transaction reference",
}
_COLUMNS = {alias: column for column, aliases in _ALIASES.items() for alias in aliases.split("|")}


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """What a delimited file does not say: `columns` maps our names to its headings; conventions where ambiguous.

    Names: booked_on, value_on, amount or credit and debit, currency, counterparty, counterparty_account,
    description, reference, bank_reference. `date_order` is `ymd`, `dmy` or `mdy`; `decimal_mark` is `.` or `,`.
    """

    columns: dict[str, str] | None = None
    account: str | None = None
    currency: str | None = None
    date_order: str | None = None
    decimal_mark: str | None = None


@dataclass(frozen=True, slots=True)
class _Row:
    line: int
    cells: dict[str, str]


def read(text: str, mapping: ColumnMapping | None = None) -> Reading:
    """Read all rows; BankFileError when columns cannot be found or a row cannot be read."""
    mapping = mapping or ColumnMapping()
    rows = _rows(text, mapping)
    check_entry_bound(len(rows))
    dates = _date_order([row.cells.get(name, "") for row in rows for name in ("booked_on", "value_on")], mapping)
    mark = _decimal_mark([row.cells.get(name, "") for row in rows for name in ("amount", "credit", "debit")], mapping)
    lines = [_entry(row, dates, mark, mapping.currency) for row in rows]
    currencies = {line.currency for line in lines}
    currency = currencies.pop() if len(currencies) == 1 else mapping.currency
    return Reading("csv", [Draft(account=mapping.account, currency=currency, lines=lines)])


def _rows(text: str, mapping: ColumnMapping) -> list[_Row]:
    separator = max(_SEPARATORS, key=lambda mark: max(line.count(mark) for line in text.split("\n")[:_PREAMBLE_ROWS]))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    found: list[_Row] = []
    columns: dict[int, str] = {}
    width = 0
    try:
        for index, cells in enumerate(reader):
            if not columns and index < _PREAMBLE_ROWS:
                columns, width = _columns(cells, mapping), len(cells)
            elif columns and any(cell.strip() for cell in cells):
                if len(cells) != width:
                    raise BankFileError(f"{len(cells)} columns where the headings are {width}", line=reader.line_num)
                found.append(_Row(reader.line_num, {name: cells[place] for place, name in columns.items()}))
    except csv.Error as error:
        raise BankFileError(f"not readable as delimited text: {error}", line=reader.line_num) from error
    if not columns:
        raise BankFileError(
            "the format was not recognised, and as delimited text no headings for a date and an amount (or credit and "
            "debit) were found; name the columns in a mapping"
        )
    return found


def _columns(cells: list[str], mapping: ColumnMapping) -> dict[int, str]:
    """Our name for each column of a heading row; empty when the row is no heading with a date and an amount."""
    if mapping.columns is not None:
        named = {heading.strip(): name for name, heading in mapping.columns.items()}
        found = {place: named[cell.strip()] for place, cell in enumerate(cells) if cell.strip() in named}
    else:
        found = {place: _COLUMNS[key] for place, cell in enumerate(cells) if (key := _heading(cell)) in _COLUMNS}
    names = list(found.values())
    if "booked_on" not in names or not {"amount", "credit", "debit"} & set(names):
        return {}
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise BankFileError(f"two columns could be the {', '.join(sorted(twice))}; name them in a mapping", line=1)
    return found


def _heading(cell: str) -> str:
    plain = cell.strip("\ufeff ").casefold()
    for accented, letter in (("ä", "a"), ("ü", "u"), ("é", "e"), ("ö", "o")):
        plain = plain.replace(accented, letter)
    return " ".join(re.sub(r"[^a-z]+", " ", plain).split())


def _entry(row: _Row, dates: str, mark: str, currency: str | None) -> Line:
    cell = row.cells
    booked_on = _day(cell.get("booked_on", ""), dates, row)
    if booked_on is None:
        raise BankFileError("the row has no date", line=row.line)
    return Line(
        amount=_amount(cell, mark, row),
        line=row.line,
        bank_reference=clean(cell.get("bank_reference")),
        booked_on=booked_on,
        value_on=_day(cell.get("value_on", ""), dates, row),
        currency=clean(cell.get("currency")) or currency,
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
        return single
    return -abs(nonzero[0]) if nonzero[0] is debit else nonzero[0]


def _number(text: str, mark: str, row: _Row) -> Decimal | None:
    plain = re.sub(r"[\s'’\u2009\u202f]", "", text).replace("−", "-")
    if not plain:
        return None
    negative = re.fullmatch(r"\((.*)\)|(.*)-", plain)
    if negative:
        plain = f"-{negative[1] or negative[2]}"
    return amount(plain.replace("," if mark == "." else ".", ""), line=row.line)


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
        raise BankFileError("some amounts write a decimal point and some a decimal comma; name one in a mapping")
    if not sure and unsure:
        raise BankFileError(f"{shown(unsure)} could be thousands or a fraction; name the decimal mark in a mapping")
    return sure.pop() if sure else "."


def _date_order(texts: Iterable[str], mapping: ColumnMapping) -> str:
    """`ymd`, `dmy` or `mdy`, whichever is the only one under which every date exists."""
    if mapping.date_order:
        return mapping.date_order
    stated = sorted({text.strip() for text in texts if text.strip()})
    orders = [order for order in ("ymd", "dmy", "mdy") if all(_read_day(text, order) for text in stated)]
    if not orders:
        raise BankFileError("the dates are in no known order (year-month-day, day-month-year, month-day-year)")
    if len(orders) > 1 and any(_read_day(text, orders[0]) != _read_day(text, orders[1]) for text in stated):
        raise BankFileError(f"{shown(stated[0])} could be day or month first; name the date order in a mapping")
    return orders[0]


def _day(text: str, order: str, row: _Row) -> date | None:
    found = _read_day(text.strip(), order)
    if found is None and text.strip():
        raise BankFileError(f"{shown(text)} is not a date", line=row.line)
    return found


def _read_day(text: str, order: str) -> date | None:
    numbers = re.match(r"(\d{1,4})[-/. ](\d{1,2})[-/. ](\d{1,4})(?!\d)|(\d{4})(\d\d)(\d\d)(?!\d)", text, re.ASCII)
    if not numbers:
        return None
    compact = numbers[4] is not None
    parts = dict(zip("ymd" if compact else order, (part for part in numbers.groups() if part), strict=True))
    if (compact and order != "ymd") or len(parts["y"]) not in {2, 4} or (order == "ymd" and len(parts["y"]) != 4):
        return None
    year = int(parts["y"]) + (2000 if len(parts["y"]) == 2 else 0)
    return day(year, int(parts["m"]), int(parts["d"]))
