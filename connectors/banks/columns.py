"""What the columns of a delimited statement mean: by their headings, or as a person says."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields

from connectors.banks.dates import DATE_ORDERS
from connectors.banks.fields import BankFileError
from connectors.banks.table import UnclearColumnsError, labels

DECIMAL_MARKS = (".", ",")
COLUMNS = (
    "booked_on", "value_on", "amount", "credit", "debit", "direction", "balance", "currency", "account", "counterparty",
    "counterparty_account", "description", "reference", "bank_reference",
)  # fmt: skip
_KNOWN = ", ".join(COLUMNS)
_ALIASES = {
    "booked_on": "date|booking date|booked on|posted date|posting date|transaction date|buchungstag|buchungsdatum|"
    "boekdatum|datum|date comptable|date operation|fecha|data contabile|data|completed date|rentedatum boeking",
    "value_on": "value date|valuta|valutadatum|wertstellung|rentedatum|date valeur|date de valeur|"
    "fecha valor|data valuta",
    "amount": "amount|betrag|bedrag|montant|importe|importo|value|transaction amount|net amount|betrag eur|amount eur|"
    "bedrag eur",
    "credit": "credit|credit amount|paid in|money in|deposit|deposits|haben|bij|avoir|abono|ingreso|receipts",
    "debit": "debit|debit amount|paid out|money out|withdrawal|withdrawals|soll|af|doit|cargo|payments",
    "direction": "af bij|credit debit|debit credit|credit debit indicator|debit credit indicator|cr dr|dr cr|d c|c d|"
    "soll haben|s h|sens",
    "currency": "currency|wahrung|waehrung|valuta code|munt|muntsoort|devise|moneda|divisa|ccy",
    "counterparty": "payer|payee|payer name|counterparty|counterparty name|name|beneficiary|sender|auftraggeber|"
    "beguenstigter zahlungspflichtiger|begunstigter zahlungspflichtiger|naam tegenpartij|tegenpartij|contrepartie|"
    "naam omschrijving",
    "counterparty_account": "iban|counterparty account|counterparty iban|payer account|payer iban|"
    "kontonummer iban|kontonummer|tegenrekening|tegenrekening iban bban|iban counterparty",
    "description": "description|details|memo|narrative|verwendungszweck|omschrijving|mededelingen|libelle|concepto|"
    "descrizione|remittance|remittance information|text|buchungstext|particulars",
    "reference": "reference|payment reference|end to end reference|kundenreferenz|betalingskenmerk|"
    "referentie|referencia",
    "bank_reference": "transaction id|bank reference|fitid|entry reference|volgnr|transaction reference",
}
_NAMES = {alias: column for column, aliases in _ALIASES.items() for alias in aliases.split("|")}


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """What a delimited file does not say: `columns` maps names of COLUMNS to its headings; conventions where ambiguous.

    `date_order` is one of DATE_ORDERS, `decimal_mark` one of DECIMAL_MARKS. `account` and `currency` hold for every
    line unless a column says it. `is_reversed`: a positive amount left the account, as card statements write it.
    Without `has_headings` the first row is a line already, and columns are called by their places (`Column 1`).
    """

    columns: Mapping[str, str] | None = None
    account: str | None = None
    currency: str | None = None
    date_order: str | None = None
    decimal_mark: str | None = None
    is_reversed: bool = False
    has_headings: bool = True


def read_mapping(text: str) -> ColumnMapping:
    """Read a mapping that is written as a JSON object of its fields; BankFileError says what is wrong in it."""
    try:
        facts = json.loads(text)
    except ValueError as error:
        raise BankFileError(f"it is not JSON: {error}") from None
    known = {field.name for field in fields(ColumnMapping)}
    if not isinstance(facts, dict) or not facts.keys() <= known:
        raise BankFileError(f"it must be an object with no other names than {', '.join(sorted(known))}")
    columns = facts.pop("columns", None)
    switches = {name: facts.pop(name) for name in ("is_reversed", "has_headings") if name in facts}
    texts = [*columns.values(), *facts.values()] if isinstance(columns, dict) else [None]
    if not all(isinstance(text, str) and text for text in texts) or not all(
        isinstance(switch, bool) for switch in switches.values()
    ):
        raise BankFileError(
            "columns must be an object of headings, is_reversed and has_headings true or false, all else text"
        )
    mapping = ColumnMapping(columns=columns, **switches, **facts)
    check_mapping(mapping)
    return mapping


def check_mapping(mapping: ColumnMapping) -> None:
    """BankFileError when a mapping could not read any file, or says two things."""
    for reason in _faults(mapping):
        raise BankFileError(reason)


def _faults(mapping: ColumnMapping) -> Iterator[str]:
    if mapping.date_order not in (None, *DATE_ORDERS):
        yield f"{mapping.date_order!r} is no order of dates; known are {', '.join(DATE_ORDERS)}"
    if mapping.decimal_mark not in (None, *DECIMAL_MARKS):
        yield f"{mapping.decimal_mark!r} is no decimal mark; it is a point or a comma"
    if mapping.columns is None:
        if not mapping.has_headings:
            yield "say which column is which, by its place (Column 1 and so on): the file has no headings"
        return
    named, headings = set(mapping.columns), Counter(mapping.columns.values())
    single, pair = "amount" in named, bool({"credit", "debit"} & named)
    checks = (
        (named <= set(COLUMNS), f"{', '.join(sorted(named - set(COLUMNS)))}: no column is that; one of {_KNOWN}"),
        ("booked_on" in named, "say which column is the date of booking"),
        (single != pair, "say which column is the amount, or which are money in and money out, and not both"),
        (single or "direction" not in named, "a column that says whether money came goes with one column of amounts"),
        (
            not mapping.is_reversed or (single and "direction" not in named),
            "amounts can be turned round only where one column has them and no other says whether money came",
        ),
        (
            max(headings.values(), default=1) == 1,
            f"the column {headings.most_common(1)[0][0] if headings else ''!r} is named for two things; it is one",
        ),
    )
    yield from (reason for holds, reason in checks if not holds)


def columns_of(cells: Sequence[str], mapping: ColumnMapping) -> dict[int, str]:
    """Return our name for each column of a row of headings; empty when the row is none that could be read by."""
    if mapping.columns is not None:
        places = {label: place for place, label in enumerate(labels(cells))}
        if not set(mapping.columns.values()) <= places.keys():
            return {}
        return {places[heading]: name for name, heading in mapping.columns.items()}
    found = {place: _NAMES[key] for place, cell in enumerate(cells) if (key := _plain(cell)) in _NAMES}
    names = list(found.values())
    if "booked_on" not in names or not {"amount", "credit", "debit"} & set(names):
        return {}
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise UnclearColumnsError(
            f"two columns could be the {', '.join(sorted(twice))}; name them in a mapping", line=1
        )
    return found


def guessed(cells: Sequence[str]) -> dict[str, str]:
    """Return what the columns of a row of headings seem to mean, for a person to correct: our names to its labels."""
    found: dict[str, str] = {}
    for cell, label in zip(cells, labels(cells), strict=True):
        name = _NAMES.get(_plain(cell))
        if name is not None:
            found.setdefault(name, label)
    return found


def _plain(cell: str) -> str:
    plain = cell.strip("\ufeff ").casefold()
    for accented, letter in (("ä", "a"), ("ü", "u"), ("é", "e"), ("ö", "o")):
        plain = plain.replace(accented, letter)
    return " ".join(re.sub(r"[^a-z]+", " ", plain).split())
