"""One `:61:` line of an MT940 or MT942 statement with the texts that belong to it."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal

from connectors.banks import returns
from connectors.banks.draft import Line
from connectors.banks.fields import BankFileError, amount, charges_kept, clean, day, full_year, short_day, shown, signed
from connectors.banks.mt940_tags import Field
from connectors.banks.mt940_text import IBAN, Details, details
from receivables.statement import TakenBack

_LINE = re.compile(
    r"(?P<value>\d{6})(?P<entry>\d{4})?(?P<mark>R[CD]|E[CD]|C|D)(?P<funds>[A-Z])?"
    r"(?P<amount>\d+(?:,\d*)?)(?P<type>[A-Z][A-Z0-9 ]{3})?(?P<rest>.*)",
    re.ASCII | re.DOTALL,
)

# SWIFT's code words in field 61, subfield 9, or field 86: /OCMT/ original amount, /CHGS/ charges.
_CHARGED = re.compile(
    r"/OCMT/(?P<instructed>[A-Z]{3})(?P<amount>\d{1,15},\d{0,4})/+CHGS/(?P<charged>[A-Z]{3})(?P<charges>\d{1,15},\d{0,4})/",
    re.ASCII,
)

# German banks' words for a returned direct debit: the amount collected, and what its return compensates.
_ORIGINAL = re.compile(r"OAMT\+ ?(\d{1,15}(?:,\d{0,2})?)", re.ASCII)
_RETURN_REASON = re.compile(r"/RTRN/([^/]+)|\?34(\d{3})(?=\?|$)", re.ASCII)
_GERMAN_CODE = re.compile(r"\s*(\d{3})(?=[^0-9A-Za-z\s/]\d\d)", re.ASCII)

_REFERENCE_WIDTH = 16  # field 61, subfield 7; some banks write the counterparty's name behind it
_UNREFERENCED = {"", "NONREF", "NOREF"}


def read_line(found: Field, notes: list[Field], remarks: list[str]) -> Line:
    """Read the line `found` with its `notes` (`:86:` or `:NS:`); BankFileError when it is no statement line."""
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
    booked = signed(amount(match["amount"], line=found.line), outgoing=outgoing)
    raw = "".join([*supplement, *(line for note in notes for line in note.lines)])
    return Line(
        amount=booked,
        line=found.line,
        bank_reference=None if bank_reference.strip() in _UNREFERENCED else clean(bank_reference),
        booked_on=_booked_on(match["value"], value_on, match["entry"]),
        value_on=value_on,
        counterparty=text.counterparty,
        counterparty_account=text.account,
        remittance=text.remittance,
        status="expected" if match["mark"].startswith("E") else None,
        reversal=match["mark"].startswith("R"),
        charges=_charges(booked, raw),
        references=returns.named_in(raw),
        taken_back=_taken_back(match["type"], notes, text.remittance, raw),
    )


def _taken_back(kind: str | None, notes: list[Field], remittance: str | None, raw: str) -> TakenBack | None:
    """What the type of field 61 and the code of field 86 say of a return; the mark RC or RD is the line's own."""
    coded = _GERMAN_CODE.match("".join(notes[0].lines)) if notes else None
    german = returns.GERMAN_CODES.get(coded[1]) if coded else None
    reason = _RETURN_REASON.search(raw)
    is_swift = (kind or "")[1:] == returns.SWIFT_TYPE
    if not german and not is_swift and not (reason and reason[1]):
        return None
    original = _ORIGINAL.search(remittance or "")
    stated = next((group.strip() for group in reason.groups() if group), None) if reason else None
    return TakenBack(stated or german or "returned item", amount(original[1]) if original else None)


def _charges(booked: Decimal, text: str) -> Decimal | None:
    """What banks kept, from `/OCMT/` (the amount instructed) and `/CHGS/`, both in one currency."""
    stated = _CHARGED.search(text)
    if stated is None or stated["instructed"] != stated["charged"]:
        return None
    return charges_kept(booked=booked, instructed=amount(stated["amount"]), charges=amount(stated["charges"]))


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
