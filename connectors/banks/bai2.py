"""BAI2 cash management balance reporting (version 2, with the 2008 technical reference's rules).

A small record reader of our own: PyPI bai2 0.15 in strict mode refuses all three known files, and its lenient mode
reads just the one whose control totals disagree. Amounts have the currency's decimals implied; a group without
currency is in USD, as the format defines. All trailers (49, 98, 99) are checked: totals, and numbers of accounts,
groups and records. BAI2 does not promise a detail record for every booking: where the details do not reach the closing
ledger from the opening one, or fall short of the credits (100) or debits (400) that the account states, the file is
read with a remark that bookings are missing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from connectors.banks import returns
from connectors.banks.draft import Draft, Line, Reading, check_count, check_entry_bound, exact_sum
from connectors.banks.fields import BankFileError, amount, clean, joined, short_day, shown, signed
from receivables.money import MoneyError, exponent
from receivables.statement import TakenBack

_CODES = {"01", "02", "03", "16", "49", "88", "98", "99"}
_GROUP_STATUS = {"2": "deletion", "3": "correction", "4": "test"}
_NON_MONETARY = 890
_CREDITS = (range(100, 400), range(700, 760), range(920, 960))
_DEBITS = (range(400, 700), range(760, 800), range(960, 1000))
_FUNDS_FIELDS = {"S": 3, "V": 2}  # further fields behind the funds type; D states their number itself
_OPENING, _CLOSING, _ALL_CREDITS, _ALL_DEBITS = "010", "015", "100", "400"


@dataclass(slots=True)
class _Record:
    code: str
    line: int
    bodies: list[str]

    @property
    def physical(self) -> int:
        return len(self.bodies)

    @property
    def text(self) -> str:
        return ",\n".join(self.bodies)

    @property
    def fields(self) -> list[str]:
        return [value.strip() for value in self.text.split(",")]


@dataclass(slots=True)
class _Level:
    """Running totals of an account, a group or the file."""

    total: Decimal = Decimal(0)
    records: int = 0
    members: int = 0

    def add(self, record: _Record, value: Decimal = Decimal(0)) -> None:
        self.records += record.physical
        self.total = exact_sum([self.total, value])


@dataclass(slots=True)
class _State:
    file: _Level = field(default_factory=_Level)
    group: _Level | None = None
    account: _Level | None = None
    status: str | None = None
    as_of: date | None = None
    currency: str = "USD"
    ended: bool = False
    drafts: list[Draft] = field(default_factory=list)
    totals: dict[str, Decimal] = field(default_factory=dict)  # of the account that is being read, by summary code
    remarks: list[str] = field(default_factory=list)


def looks_like(head: str) -> bool:
    """Whether the first line looks like a record: two digits, a comma, and a slash at the end or a header code."""
    first = head.split("\n", 1)[0].rstrip()
    return re.match(r"01,|\d\d,.*/$", first, re.ASCII) is not None


def read(text: str) -> Reading:
    """Read every account of the file; BankFileError when records are out of order or a trailer disagrees."""
    stated = len(re.findall(r"(?m)^[ \t]*16,", text))
    check_entry_bound(stated)
    state = _State()
    for record in _records(text):
        _STEPS[record.code](state, record)
    if not state.ended:
        raise BankFileError("the file ends without a 99 file trailer: it was cut short")
    check_count(state.drafts, stated=stated, what="16 records")
    return Reading("bai2", state.drafts, tuple(state.remarks))


def _records(text: str) -> list[_Record]:
    """Logical records: an 88 continues the one before; fields go on behind a comma."""
    records: list[_Record] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip("\0\x1a \t"):
            continue
        code, comma, rest = line.strip().partition(",")
        if not comma or code not in _CODES:
            raise BankFileError(f"{shown(line)} is no BAI2 record", line=number)
        body = rest.removesuffix("/")
        if code != "88":
            records.append(_Record(code, number, [body]))
        elif records:
            records[-1].bodies.append(body)
        else:
            raise BankFileError("an 88 continuation with nothing before it", line=number)
    if not records or records[0].code != "01":
        raise BankFileError("the file does not begin with a 01 file header", line=1)
    return records


def _file_header(state: _State, record: _Record) -> None:
    if state.file.records:
        raise BankFileError("a second 01 file header", line=record.line)
    state.file.add(record)


def _group_header(state: _State, record: _Record) -> None:
    if state.group or state.ended:
        raise BankFileError("a 02 group header inside a group or after the end", line=record.line)
    fields = [*record.fields, *[""] * 7]
    state.group = _Level()
    state.group.add(record)
    state.status = _GROUP_STATUS.get(fields[2])
    state.as_of = short_day(fields[3])
    state.currency = fields[5] or "USD"


def _account(state: _State, record: _Record) -> None:
    if not state.group or state.account:
        raise BankFileError("a 03 account outside a group or inside an account", line=record.line)
    fields = [*record.fields, ""]
    draft = Draft(account=fields[0] or None, currency=fields[1] or state.currency)
    state.account = _Level()
    state.account.add(record)
    state.totals = {}
    for code, value in _summaries(fields[2:], record):
        state.account.total = exact_sum([state.account.total, value])
        if code in (_OPENING, _CLOSING, _ALL_CREDITS, _ALL_DEBITS):
            state.totals[code] = _scaled(value, draft, record)
    draft.opening, draft.closing = state.totals.get(_OPENING), state.totals.get(_CLOSING)
    state.drafts.append(draft)


def _summaries(fields: list[str], record: _Record) -> list[tuple[str, Decimal]]:
    """The type codes of an 03 record with their unscaled amounts; a funds type may bring further fields."""
    found = []
    place = 0
    while place + 1 < len(fields):
        code, value = fields[place], fields[place + 1]
        if code and value:
            found.append((code, amount(value, line=record.line)))
        place += 3
        place += _funds_width(fields, place, record)
    return found


def _funds_width(fields: list[str], place: int, record: _Record) -> int:
    """How many fields the funds type at `place` takes, itself included."""
    kind = fields[place] if place < len(fields) else ""
    if kind != "D":
        return 1 + _FUNDS_FIELDS.get(kind, 0)
    count = fields[place + 1] if place + 1 < len(fields) else ""
    if not re.fullmatch(r"\d{1,2}", count, re.ASCII):
        raise BankFileError(f"funds type D with {shown(count)} instead of a number", line=record.line)
    return 2 + 2 * int(count)


def _detail(state: _State, record: _Record) -> None:
    if not state.account:
        raise BankFileError("a 16 transaction outside an account", line=record.line)
    draft = state.drafts[-1]
    parts = record.text.split(",")
    fields = [*record.fields, "", "", ""]
    code, stated = fields[0], fields[1]
    sign = _sign(code, record)
    if not stated and sign:
        raise BankFileError(f"the 16 record {code} states no amount", line=record.line)
    value = amount(stated, line=record.line) if stated else Decimal(0)
    state.account.add(record, value)
    end = 2 + _funds_width(fields, 2, record)
    text = ",".join(parts[end + 2 :]).replace(",\n", "\n")
    draft.lines.append(
        Line(
            amount=signed(_scaled(value, draft, record), outgoing=sign < 0),
            line=record.line,
            bank_reference=fields[end] if end < len(fields) and fields[end] else None,
            booked_on=state.as_of,
            value_on=short_day(fields[3]) if fields[2] == "V" else None,
            currency=draft.currency,
            counterparty=_named(text, "CRNM" if sign < 0 else "DBNM"),
            counterparty_account=_named(text, "CACT" if sign < 0 else "DACT"),
            remittance=joined([fields[end + 1] if end + 1 < len(fields) else None, text]),
            status=state.status,
            reversal=False,
            taken_back=TakenBack(returns.BAI2_CODES[code]) if code in returns.BAI2_CODES else None,
        )
    )


def _named(text: str, word: str) -> str | None:
    """A labelled continuation such as `DBNM: SAMPLE INC`: creditor or debtor, name or account."""
    match = re.search(rf"(?m)^\s*{word}: *(.*)$", text)
    return clean(match[1]) if match else None


def _sign(code: str, record: _Record) -> int:
    """+1 for a credit type code, -1 for a debit, 0 for 890 (no money); the code tables of the BAI2 reference."""
    number = int(code) if re.fullmatch(r"\d{3}", code, re.ASCII) else -1
    if number == _NON_MONETARY:
        return 0
    if any(number in codes for codes in _CREDITS):
        return 1
    if any(number in codes for codes in _DEBITS):
        return -1
    raise BankFileError(f"type code {shown(code)} says neither credit nor debit", line=record.line)


def _account_trailer(state: _State, record: _Record) -> None:
    if not state.account or not state.group:
        raise BankFileError("a 49 account trailer outside an account", line=record.line)
    level, state.account = state.account, None
    level.records += record.physical
    _check(level, record, total=0, records=1)
    _note_what_is_missing(state)
    state.group.total = exact_sum([state.group.total, level.total])
    state.group.records += level.records
    state.group.members += 1


def _note_what_is_missing(state: _State) -> None:
    """Remark where an account states other bookings than it tells; where money in may be missing, it is not whole."""
    draft, totals = state.drafts[-1], state.totals
    money_in = exact_sum(line.amount for line in draft.lines if line.amount > 0)
    money_out = exact_sum(-line.amount for line in draft.lines if line.amount < 0)
    both = draft.opening is not None and draft.closing is not None
    moved = exact_sum([totals[_CLOSING], -totals[_OPENING]]) if both else None
    figures = (
        ("credits", totals.get(_ALL_CREDITS), money_in),
        ("debits", totals.get(_ALL_DEBITS), money_out),
        ("a change of the ledger balance", moved, exact_sum([money_in, -money_out])),
    )
    wrong = [f"{what} of {stated:f} but tells {told:f}" for what, stated, told in figures if stated not in (None, told)]
    if wrong:
        draft.is_whole = totals.get(_ALL_CREDITS) == money_in
        proof = "" if draft.is_whole else ", and no day is proved by it"
        name = draft.account or "(unnamed)"
        state.remarks.append(f"account {name} states {', '.join(wrong)}: bookings are missing{proof}")


def _group_trailer(state: _State, record: _Record) -> None:
    if not state.group or state.account:
        raise BankFileError("a 98 group trailer outside a group or inside an account", line=record.line)
    level, state.group = state.group, None
    level.records += record.physical
    _check(level, record, total=0, members=1, records=2)
    state.file.total = exact_sum([state.file.total, level.total])
    state.file.records += level.records
    state.file.members += 1


def _file_trailer(state: _State, record: _Record) -> None:
    if state.group or state.ended:
        raise BankFileError("a 99 file trailer inside a group or after the end", line=record.line)
    state.file.records += record.physical
    _check(state.file, record, total=0, members=1, records=2)
    state.ended = True


def _check(level: _Level, record: _Record, *, total: int, records: int, members: int | None = None) -> None:
    """Compare the trailer's fields at these places with what was read; an empty field states nothing."""
    found = [("a control total", total, level.total), ("a number of records", records, Decimal(level.records))]
    if members is not None:
        found.append(("a number of members", members, Decimal(level.members)))
    for what, place, value in found:
        stated = record.fields[place] if place < len(record.fields) else ""
        if stated and amount(stated, line=record.line) != value:
            raise BankFileError(
                f"the {record.code} trailer states {what} of {stated}, found {value:f}", line=record.line
            )


def _scaled(value: Decimal, draft: Draft, record: _Record) -> Decimal:
    """Minor units as stated, in major units of the account's currency."""
    try:
        return value.scaleb(-exponent(draft.currency or ""))
    except MoneyError as error:
        raise BankFileError(str(error), line=record.line) from error


_STEPS = {
    "01": _file_header,
    "02": _group_header,
    "03": _account,
    "16": _detail,
    "49": _account_trailer,
    "98": _group_trailer,
    "99": _file_trailer,
}
