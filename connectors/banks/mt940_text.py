"""The free text of an MT940 line (`:86:`, `:NS:`): who, from which account, what for.

Field 86 has no common form. German and Austrian banks, and others after them, write a three-digit code and sub-fields
(`?20` to `?29` and `?60` to `?63` purpose, `?32` `?33` name, `?31` account, `?38` IBAN); Dutch banks write
`/NAME/.../REMI/...`; the rest write prose. Old German files carry `:NS:` with two-digit sub-fields a line.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass

from connectors.banks.fields import clean, joined

IBAN = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}", re.ASCII)

_STRUCTURED = re.compile(r"\s*\d{3}\s*([^0-9A-Za-z\s/])(?=\d\d)", re.ASCII)
_SUBFIELD_WIDTH = 27  # a sub-field filled to its width was cut there, mid-word or not
_LINE_WIDTH = 65  # likewise a line of field 86
_SLASH_LINE_WIDTH = 64  # Dutch banks break `/NAME/` texts one character earlier
_PURPOSE = tuple(f"{number}" for number in (*range(20, 30), *range(60, 64)))
_SEPA_WORD = re.compile(r"(?:EREF|KREF|MREF|CRED|DEBT|SVWZ|ABWA|ABWE|BREF|RREF|IBAN|BIC|COAM|OAMT)\+")
_SLASH_WORD = re.compile(
    r"/(EREF|PREF|KREF|RREF|IREF|MARF|CSID|BENM|ORDP|ULTD|ULTB|NAME|ADDR|REMI|USTD|STRD|CDTRREFTP|CDTRREF|ISSR|"
    r"IBAN|ACCW|CNTP|BIC|ISDT|TRTP|TRCD|PURP|RTRN|SVCL|DACS|ID|NRTX|BUSP|OCMT|CHGS|EXCH|SDST|UCRD|UDTR)/"
)
# Prose of known banks: the other side's account and name. Evidence: jejik__knab.sta, mBank__mt940.sta.
_PROSE = (
    (re.compile(r"REK: (?P<account>[A-Z0-9]+)/NAAM: (?P<name>.+)"), "knab"),
    (re.compile(r"Z RACH\.: ?(?P<account>[A-Z0-9]+); OD: (?P<name>[^;]+?) ?(?=UL\.|;)"), "mBank"),
)


@dataclass(frozen=True, slots=True)
class Details:
    """What the text says; `fallback` is text to show when nothing states a purpose."""

    counterparty: str | None = None
    account: str | None = None
    remittance: str | None = None
    fallback: str | None = None


def details(tag: str, lines: list[str]) -> Details:
    """Read one `:86:` or `:NS:` field, given as its lines."""
    if tag == "NS":
        return _numbered_lines(lines)
    unbroken = "".join(lines)
    structured = _STRUCTURED.match(unbroken)
    if structured:
        return _subfields(unbroken[structured.end(1) - 1 :], structured[1])
    if _SLASH_WORD.match(unbroken.lstrip()):
        return _slash_words(_prose(lines, _SLASH_LINE_WIDTH))
    return _plain(_prose(lines, _LINE_WIDTH))


def _subfields(text: str, separator: str) -> Details:
    pieces = re.split(rf"{re.escape(separator)}(\d\d)", text)
    repeated: defaultdict[str, list[str]] = defaultdict(list)
    for code, value in zip(pieces[1::2], pieces[2::2], strict=True):
        repeated[code].append(value)
    found = {code: "".join(values) for code, values in repeated.items()}
    account = found.get("38") or found.get("31") or ""
    return Details(
        counterparty=_glued([found[code] for code in ("32", "33") if code in found]),
        account="".join(account.split()) or None,
        remittance=_glued([found[code] for code in _PURPOSE if code in found]),
        fallback=clean(found.get("00")),
    )


def _glued(pieces: list[str]) -> str | None:
    """Join sub-fields: directly after a full one, with a space after a short one or before a SEPA keyword."""
    text = ""
    previous = ""
    for piece in pieces:
        cut = len(previous) >= _SUBFIELD_WIDTH and not _SEPA_WORD.match(piece)
        text += piece if cut else f" {piece}"
        previous = piece
    return clean(text)


def _prose(lines: list[str], width: int) -> str:
    text = ""
    for line in lines:
        text += line if len(line) >= width else f"{line}\n"
    return clean(text) or ""


def _slash_words(text: str) -> Details:
    pieces = _SLASH_WORD.split(text)
    found: dict[str, str] = {}
    for word, value in zip(pieces[1::2], pieces[2::2], strict=True):
        found.setdefault(word, value.strip("/ "))
    other = found.get("CNTP", "").split("/")
    name = found.get("NAME") or (other[2] if len(other) > 2 else None)
    account = found.get("IBAN") or found.get("ACCW", "").split(",")[0] or other[0]
    purpose = joined([found.get(word) for word in ("REMI", "USTD", "STRD", "CDTRREF")])
    return Details(clean(name), clean(account), purpose, clean(found.get("EREF")) or clean(text))


def _plain(text: str) -> Details:
    for pattern, _bank in _PROSE:
        match = pattern.search(text)
        if match:
            return Details(clean(match["name"]), match["account"], clean(text))
    return Details(remittance=clean(text))


def _numbered_lines(lines: list[str]) -> Details:
    """01 to 14 purpose, 15 and 16 name, 17 kind of booking, 34 account: the lines of an old `:NS:` field."""
    found = [(line[:2], line[2:]) for line in lines if re.match(r"\d\d", line, re.ASCII)]
    purpose = [text for code, text in found if "01" <= code <= "14"]
    return Details(
        counterparty=_glued([text for code, text in found if code in {"15", "16"}]),
        account=clean("".join(text for code, text in found if code == "34")),
        remittance=clean(" ".join(purpose)),
        fallback=clean(" ".join(text for code, text in found if code == "17")),
    )
