"""Writes bank statements as SWIFT MT940, one message a day, with the ?-subfields of German banks in `:86:`.

Field forms: SWIFT User Handbook, Category 9, MT 940; subfields: DFÜ agreement, annex 3, chapter 8.2.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from decimal import Decimal

from sandbox.world.statement import BankStatement, Line

LINE_LENGTH = 65
PART_LENGTH = 27
PURPOSE_PARTS = tuple(range(20, 30))
_IN, _OUT = ("NTRF", "166", "CREDIT TRANSFER"), ("NTRF", "116", "TRANSFER")
_BACK = ("NRTI", "159", "RETURNED ITEM")
_NO_ID = "NOTPROVIDED"


def document(statements: Sequence[BankStatement]) -> bytes:
    """Return the file of these statements, in SWIFT's character set, lines ending in CR LF."""
    lines = [line for statement in statements for line in _statement(statement)]
    return ("\r\n".join(lines) + "\r\n").encode("ascii")


def _statement(statement: BankStatement) -> Iterator[str]:
    currency, day = statement.currency, f"{statement.on:%y%m%d}"
    yield f":20:STMT{statement.on:%Y%m%d}"
    yield f":25:{statement.account}"
    yield f":28C:{statement.number:05d}/001"
    yield f":60F:{_mark(statement.opening)}{day}{currency}{_amount(statement.opening)}"
    for line in statement.lines:
        yield from _entry(line, currency)
    yield f":62F:{_mark(statement.closing)}{day}{currency}{_amount(statement.closing)}"
    yield "-"


def _entry(line: Line, currency: str) -> Iterator[str]:
    kind, code, words = _BACK if line.returned else _IN if line.amount >= 0 else _OUT
    day = line.booked_on
    yield f":61:{day:%y%m%d}{day:%m%d}{_mark(line.amount)}{_amount(line.amount)}{kind}NONREF//{line.reference}"
    if line.gross is not None and line.fee is not None:
        yield f"/OCMT/{currency}{_amount(line.gross)}//CHGS/{currency}{_amount(line.fee)}/"
    bank, _, account = line.counterparty_account.partition("/")
    named = line.remittance if line.end_to_end == _NO_ID else f"EREF+{line.end_to_end} SVWZ+{line.remittance}"
    parts = [f"?00{words}", *_parts(PURPOSE_PARTS, named)]
    parts += [f"?30{bank}", f"?31{account}"] if account else []
    parts += _parts((32, 33), line.counterparty)
    yield from _folded(f":86:{code}{''.join(parts)}")


def _parts(tags: Sequence[int], text: str) -> list[str]:
    clean = _swift(text)
    pieces = [clean[start : start + PART_LENGTH] for start in range(0, len(clean), PART_LENGTH)]
    return [f"?{tag}{piece}" for tag, piece in zip(tags, pieces, strict=False)]


def _folded(field: str) -> Iterator[str]:
    while len(field) > LINE_LENGTH:
        cut = LINE_LENGTH
        # A line that begins with - or : would end the message or the field; spaces at line ends get lost.
        while field[cut] in "-: " or field[cut - 1] == " ":
            cut -= 1
        yield field[:cut]
        field = field[cut:]
    yield field


def _swift(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return plain.replace("?", "").replace("&", "+")


def _mark(amount: Decimal) -> str:
    return "C" if amount >= 0 else "D"


def _amount(amount: Decimal) -> str:
    return f"{abs(amount):.2f}".replace(".", ",")
