"""SWIFT MT940 (end of day) and MT942 (intraday) statements, read tag by tag.

A tag reader of our own instead of PyPI mt-940: that library cannot read three of the known files, keeps no line
numbers and merges or skips what it does not place, while every `:61:` here either becomes one entry or refuses the
file. A tag counts only when the message type knows it, so that a time wrapped to the next line (`:26:37`) stays text.
The mark of a line gives its sign: C and RD (reversal of a debit) are money in, D and RC are money out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from itertools import pairwise

from connectors.banks.draft import Draft, Line, Reading, check_balance, check_count, check_entry_bound, exact_sum
from connectors.banks.fields import BankFileError, amount, clean, day, full_year, short_day, shown, signed
from connectors.banks.mt940_text import IBAN, Details, details
from receivables.money import MoneyError, exponent

_TAG = re.compile(
    r"[\x00-\x20\ufeff]*(?:\{1:.*?\{4:\s*|\{4:\s*)?"
    r":(2[01]|25P?|28C?|13D?|34F|6[02][FM]|61|64|65|86|90[CD]|NS|940|942):(.*)",
    re.DOTALL,
)
_STATEMENT_TAGS = {"25", "25P", "34F", "60F", "60M", "61", "62F", "62M", "64", "65", "90C", "90D"}
_BROKEN_TAG = re.compile(r"(?m)^:\n(?=\d\d[A-Z]?:)")  # a line break inside `:86:` itself
_RAW_LINE = re.compile(r"(?m):61:|^61:\d{6}")  # anywhere, also where its line break or first colon was lost
_END = re.compile(r"-(?:\}.*|X*)\s*[\x00-\x20]*")
_LINE = re.compile(
    r"(?P<value>\d{6})(?P<entry>\d{4})?(?P<mark>R[CD]|E[CD]|C|D)(?P<funds>[A-Z])?"
    r"(?P<amount>\d+(?:,\d*)?)(?P<type>[A-Z][A-Z0-9 ]{3})?(?P<rest>.*)",
    re.ASCII | re.DOTALL,
)
_BALANCE = re.compile(r"(?P<mark>[CD])\d{6}(?P<currency>[A-Z]{3})?(?P<amount>\d+(?:,\d*)?)", re.ASCII)
_SUMMARY = re.compile(r"(?P<count>\d{1,5})(?P<currency>[A-Z]{3})(?P<amount>\d+(?:,\d*)?)", re.ASCII)
_REFERENCE_WIDTH = 16  # field 61, subfield 7; some banks write the counterparty's name behind it
_UNREFERENCED = {"", "NONREF", "NOREF"}


@dataclass(slots=True)
class _Field:
    tag: str
    text: str
    line: int
    more: list[str] = field(default_factory=list)

    @property
    def lines(self) -> list[str]:
        return [self.text, *self.more]


@dataclass(slots=True)
class _Message:
    """One statement message: a draft and what only the checks need."""

    draft: Draft = field(default_factory=Draft)
    line: int = 1
    continues: bool = False
    continued: bool = False
    floored: bool = False
    tags: set[str] = field(default_factory=set)
    summaries: list[tuple[_Field, int, Decimal]] = field(default_factory=list)


def looks_like(text: str) -> bool:
    """Whether some line begins with a tag of these messages."""
    return re.search(r"(?m)^[\x00-\x20]*(?:\{1:.*)?:?(?::\d\d[A-Z]?|:NS|:94[02]|\{4):", text) is not None


def format_name(text: str) -> str:
    """`mt942` for a message with interim fields and no balances, else `mt940`."""
    interim = re.search(r"(?m)^[\x00-\x20]*:(?:34F|90[CD]):", text)
    balances = re.search(r"(?m)^[\x00-\x20]*:6[02][FM]:", text)
    return "mt942" if interim and not balances else "mt940"


def read(text: str) -> Reading:
    """Read all statements of the file; BankFileError when a line is unreadable or the figures disagree."""
    text = _BROKEN_TAG.sub("\n:", text)
    stated = len(_RAW_LINE.findall(text))
    check_entry_bound(stated)
    remarks: list[str] = []
    messages = _messages(_fields(text), remarks)
    if not messages:
        raise BankFileError("the file holds no statement: no account (:25:), balance (:60F:, :62F:) or line (:61:)")
    drafts = [message.draft for message in messages]
    check_count(drafts, stated=stated, what="statement lines (:61:)")
    for message in messages:
        _check(message)
        if message.draft.lines and message.draft.opening is not None and message.draft.closing is None:
            remarks.append(f"line {message.line}: the statement states no closing balance, so a cut would not show")
    _check_pages(messages)
    return Reading(format_name(text), drafts, tuple(remarks))


def _fields(text: str) -> list[_Field]:
    """The tagged fields with their continuation lines; the end of a message has the tag `-`."""
    fields: list[_Field] = []
    for number, line in enumerate(text.split("\n"), start=1):
        tagged = _TAG.fullmatch(line)
        if tagged:
            fields.append(_Field(tagged[1], tagged[2], number))
        elif _END.fullmatch(line):
            fields.append(_Field("-", "", number))
        elif fields and fields[-1].tag != "-":
            fields[-1].more.append(line)
    return fields


def _messages(fields: list[_Field], remarks: list[str]) -> list[_Message]:
    messages: list[_Message] = []
    message = _Message()
    pending: tuple[_Field, list[_Field]] | None = None
    for found in [*fields, _Field("-", "", 0)]:
        if pending and found.tag in {"86", "NS"}:
            pending[1].append(found)
            continue
        if pending:
            message.draft.lines.append(_entry(*pending, remarks))
            pending = None
        if found.tag in {"-", "20"}:
            if message.tags & _STATEMENT_TAGS:
                messages.append(message)
            message = _Message(line=found.line)
        elif found.tag == "61":
            pending = (found, [])
        elif found.tag in message.tags & {"25", "25P", "60F", "60M", "62F", "62M"}:
            raise BankFileError(f"a second :{found.tag}: in one statement", line=found.line)
        _HANDLERS.get(found.tag, _ignore)(message, found)
        message.tags.add(found.tag)
    return [replace(message, draft=_with_currency(message.draft)) for message in messages]


def _with_currency(draft: Draft) -> Draft:
    """A currency that a later balance states holds for the lines before it as well."""
    return replace(draft, lines=[replace(line, currency=draft.currency) for line in draft.lines])


def _account(message: _Message, found: _Field) -> None:
    stated = clean(found.text) or ""
    suffixed = re.fullmatch(r"(.*[0-9/])([A-Z]{3})", stated)
    if suffixed and _is_currency(suffixed[2]):
        message.draft.currency = suffixed[2]
        stated = suffixed[1].rstrip("/")
    message.draft.account = stated or None


def _opening(message: _Message, found: _Field) -> None:
    message.draft.opening = _balance(message, found)
    message.continues = found.tag == "60M"
    if message.draft.lines:
        raise BankFileError("an opening balance after the first line", line=found.line)


def _closing(message: _Message, found: _Field) -> None:
    message.draft.closing = _balance(message, found)
    message.continued = found.tag == "62M"


def _balance(message: _Message, found: _Field) -> Decimal:
    match = _BALANCE.fullmatch(clean(" ".join(found.lines)) or "")
    if not match:
        raise BankFileError(f":{found.tag}: {shown(found.text)} is not a balance", line=found.line)
    _set_currency(message.draft, match["currency"], found)
    return signed(amount(match["amount"], line=found.line), outgoing=match["mark"] == "D")


def _floor(message: _Message, found: _Field) -> None:
    """A floor limit above zero lets the bank leave small lines out, so that its totals cover more than the file."""
    match = re.fullmatch(r"([A-Z]{3})([CD]?)(\d+(?:,\d*)?)", clean(found.text) or "", re.ASCII)
    if not match:
        raise BankFileError(f":34F: {shown(found.text)} is not a floor limit", line=found.line)
    _set_currency(message.draft, match[1], found)
    message.floored = message.floored or amount(match[3], line=found.line) > 0


def _summary(message: _Message, found: _Field) -> None:
    match = _SUMMARY.fullmatch(clean(found.text) or "")
    if not match:
        raise BankFileError(f":{found.tag}: {shown(found.text)} is not a number and sum of entries", line=found.line)
    _set_currency(message.draft, match["currency"], found)
    message.summaries.append((found, int(match["count"]), amount(match["amount"], line=found.line)))


def _ignore(message: _Message, found: _Field) -> None:
    """References, numbers, forward balances and notes of the whole statement bear on no line."""


_HANDLERS = {
    "25": _account,
    "25P": _account,
    "60F": _opening,
    "60M": _opening,
    "62F": _closing,
    "62M": _closing,
    "34F": _floor,
    "90C": _summary,
    "90D": _summary,
}


def _set_currency(draft: Draft, currency: str | None, found: _Field) -> None:
    if currency and draft.currency and currency != draft.currency:
        raise BankFileError(f":{found.tag}: is in {currency}, the statement in {draft.currency}", line=found.line)
    draft.currency = currency or draft.currency


def _entry(found: _Field, notes: list[_Field], remarks: list[str]) -> Line:
    match, supplement = _LINE.fullmatch(found.text.rstrip()), found.more
    if not match and found.more:
        match, supplement = _LINE.fullmatch((found.text + found.more[0]).rstrip()), found.more[1:]
    if not match:
        raise BankFileError(f":61: {shown(found.text)} cannot be read as a statement line", line=found.line)
    value_on = short_day(match["value"])
    if value_on is None:
        remarks.append(f"line {found.line}: there is no day {match['value']}; the value date is left empty")
    outgoing = match["mark"] in {"D", "RC", "ED"}
    reference, _, bank_reference = match["rest"].partition("//")
    texts = [details(note.tag, note.lines) for note in notes]
    text = _told_twice(_merged([*texts, _beside(match["rest"], reference, supplement)]), reference, supplement)
    return Line(
        amount=signed(amount(match["amount"], line=found.line), outgoing=outgoing),
        line=found.line,
        bank_reference=None if bank_reference.strip() in _UNREFERENCED else clean(bank_reference),
        booked_on=_booked_on(match["value"], value_on, match["entry"]),
        value_on=value_on,
        counterparty=text.counterparty,
        counterparty_account=text.account,
        remittance=text.remittance,
        status="expected" if match["mark"].startswith("E") else None,
        reversal=match["mark"].startswith("R"),
    )


def _beside(rest: str, reference: str, supplement: list[str]) -> Details:
    """What field 61 itself says about the other side.

    ASN and SNS write the account as the reference and the name below it, Rabobank's IBAN format the account below
    EREF or NONREF, Rabobank's old format the name behind the sixteen characters of the reference.
    """
    below = clean(" ".join(supplement))
    named = clean(reference)
    if named and IBAN.fullmatch(named):
        return Details(counterparty=below, account=named)
    if below and IBAN.fullmatch(below):
        return Details(account=below)
    behind = clean(reference[_REFERENCE_WIDTH:]) if "//" not in rest else None
    told = None if named is None or named in _UNREFERENCED else clean(reference[:_REFERENCE_WIDTH])
    return Details(counterparty=behind, fallback=below or told)


def _told_twice(text: Details, reference: str, supplement: list[str]) -> Details:
    """ASN and SNS begin field 86 with the account and the name that field 61 holds: they are no remittance."""
    account, name = clean(reference), clean(" ".join(supplement))
    if not (account and name and text.remittance and text.remittance.startswith(f"{account} {name}")):
        return text
    return Details(name, account, clean(text.remittance[len(f"{account} {name}") :]))


def _merged(texts: list[Details]) -> Details:
    remittance = clean(" ".join(text.remittance or "" for text in texts))
    fallback = next((text.fallback for text in texts if text.fallback), None)
    return Details(
        counterparty=next((text.counterparty for text in texts if text.counterparty), None),
        account=next((text.account for text in texts if text.account), None),
        remittance=remittance or fallback,
    )


def _booked_on(value: str, value_on: date | None, entry: str | None) -> date | None:
    """The entry date, `MMDD`, in the year that brings it nearest to the value date."""
    if not entry:
        return None
    year = full_year(int(value[:2]))
    candidates = [day(year + shift, int(entry[:2]), int(entry[2:])) for shift in (0, -1, 1)]
    possible = [candidate for candidate in candidates if candidate]
    if not possible or value_on is None:
        return candidates[0]
    return min(possible, key=lambda candidate: abs(candidate - value_on))


def _check(message: _Message) -> None:
    draft = message.draft
    booked = [line.amount for line in draft.lines if line.status is None]
    check_balance(draft, booked, line=message.line)
    if message.floored:
        return
    for found, count, total in message.summaries:
        chosen = [abs(value) for value in booked if (value < 0) == (found.tag == "90D")]
        if count != len(chosen) or total != exact_sum(chosen):
            raise BankFileError(
                f":{found.tag}: states {count} entries of {total:f}, the file holds {len(chosen)} of "
                f"{exact_sum(chosen):f}",
                line=found.line,
            )


def _check_pages(messages: list[_Message]) -> None:
    """A page that continues the one before it opens with that page's interim closing balance."""
    for earlier, later in pairwise(messages):
        same = earlier.draft.account == later.draft.account
        if same and earlier.continued and later.continues and earlier.draft.closing != later.draft.opening:
            raise BankFileError("a page does not continue the interim balance of the page before it", line=later.line)


def _is_currency(code: str) -> bool:
    try:
        exponent(code)
    except MoneyError:
        return False
    return True
