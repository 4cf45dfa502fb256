"""What every statement format needs: text from bytes, exact amounts, days, and one way to refuse a file."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal

MAX_FILE_BYTES = 64 * 2**20  # the largest real statements seen are a few MiB; a reader holds several copies
MAX_ENTRIES = 500_000  # lines in one file; a busy account books fewer in a year
MAX_AMOUNT_DIGITS = 18  # ISO 20022 allows 18 digits in all; MT940 15 characters

_AMOUNT = re.compile(r"[+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+)", re.ASCII)
_DOS_LETTERS = range(0x80, 0xA8)  # accented letters in cp850/cp852, mostly typography in cp1252
_WESTERN_LETTERS = range(0xC0, 0x100)  # accented letters in cp1252 and latin-1


class BankFileError(ValueError):
    """The file cannot be read whole. `reason` is for a person; `line` counts from 1 where it is known."""

    def __init__(self, reason: str, *, line: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line


def decode(content: bytes) -> str:
    """Text of a statement file: by its byte order mark, else UTF-8, else the DOS or Windows code page of its letters.

    Never fails. Lines end in a single newline afterwards.
    """
    return _decoded(content).replace("\r\n", "\n").replace("\r", "\n")


def _decoded(content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", errors="replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    dos = sum(byte in _DOS_LETTERS for byte in content)
    western = sum(byte in _WESTERN_LETTERS for byte in content)
    if dos > western:
        return content.decode("cp850")
    try:
        return content.decode("cp1252")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def amount(text: str, *, line: int | None = None) -> Decimal:
    """Read a plain amount with a point or comma as decimal mark and no grouping; BankFileError when it is not one."""
    stripped = text.strip()
    if not _AMOUNT.fullmatch(stripped):
        raise BankFileError(f"{shown(text)} is not an amount", line=line)
    if sum(character.isdigit() for character in stripped) > MAX_AMOUNT_DIGITS:
        raise BankFileError(
            f"the amount {shown(text)} has more than {MAX_AMOUNT_DIGITS} digits",
            line=line,
        )
    return Decimal(stripped.replace(",", ".").rstrip("."))


def day(year: int, month: int, day_of_month: int) -> date | None:
    """The calendar day, or None when there is no such day (30 February in some banks' value dates)."""
    try:
        return date(year, month, day_of_month)
    except ValueError:
        return None


def signed(magnitude: Decimal, *, outgoing: bool) -> Decimal:
    """Money in is positive, money out negative, and nothing has no sign."""
    return -magnitude if outgoing else magnitude


def charges_kept(*, booked: Decimal, instructed: Decimal | None, charges: Decimal | None) -> Decimal | None:
    """Return what banks kept of money in, when the file's own figures prove it: instructed less charges is booked."""
    if instructed is None or charges is None or charges <= 0 or booked <= 0:
        return None
    return charges if instructed - charges == booked else None


def iso_day(text: str | None) -> date | None:
    """The day at the start of an ISO date or date-time, with or without hyphens; None when there is none."""
    match = re.match(r"\s*(\d{4})-?(\d\d)-?(\d\d)", text or "", re.ASCII)
    return day(*map(int, match.groups())) if match else None


def short_day(text: str) -> date | None:
    """A `YYMMDD` day; SWIFT reads 80 to 99 as 1980 to 1999 and the rest as 2000 to 2079."""
    match = re.fullmatch(r"(\d\d)(\d\d)(\d\d)", text, re.ASCII)
    if not match:
        return None
    year, month, day_of_month = map(int, match.groups())
    return day(full_year(year), month, day_of_month)


def full_year(two_digits: int) -> int:
    """The year that two digits of a SWIFT date mean."""
    return two_digits + (1900 if two_digits >= 80 else 2000)


def clean(text: str | None) -> str | None:
    """One line of text with single spaces, or None when nothing is left."""
    if text is None:
        return None
    printable = "".join(character if character.isprintable() else " " for character in text)
    return " ".join(printable.split()) or None


def joined(pieces: list[str | None], separator: str = " ") -> str | None:
    """The non-empty pieces in order, each named once, or None."""
    return separator.join(dict.fromkeys(piece for piece in map(clean, pieces) if piece)) or None


def shown(text: str) -> str:
    """A short quotation of the file's text for a problem."""
    return repr(text if len(text) <= 40 else text[:37] + "...")
