"""Any bank statement file: find its format, read it whole, or refuse it and say where and why.

Every reader counts the raw lines of the file apart from reading them, and sets the figures that the file states
against what it read: a silent loss of money is the one fault not allowed here. The kept libraries for MT940 and BAI2
were measured and left out for that reason; their files say what was found.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from connectors.banks import bai2, camt, delimited, mt940, ofx
from connectors.banks.columns import ColumnMapping
from connectors.banks.draft import Reading, statements
from connectors.banks.fields import MAX_FILE_BYTES, BankFileError, decode
from connectors.banks.shape import shape_key
from connectors.banks.table import Row, UnclearColumnsError, first_rows
from receivables.problem import Problem
from receivables.statement import Entry, Part, Statement, StatementFile

REFUSED, UNCLEAR = "statement_refused", "statement_columns"
_SNIFFED_CHARACTERS = 4096  # headers and the first record of every format lie well within
_REMEDY = "Ask the bank for the file again or export it in another format; nothing of this file was imported."
_NAME_COLUMNS = "Say what its columns mean on the statements page; files like it are then read by themselves."


def read_statement_file(path: Path, *, mapping: ColumnMapping | None = None) -> StatementFile:
    """Read the file at `path`; a missing or unreadable file is refused like a bad one."""
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            return _refused(str(path), None, _too_large(path.stat().st_size))
        content = path.read_bytes()
    except (OSError, ValueError) as error:
        return _refused(str(path), None, BankFileError(f"the file cannot be opened: {error}"))
    return read_statement(str(path), content, mapping=mapping)


def read_statement(name: str, content: bytes, *, mapping: ColumnMapping | None = None) -> StatementFile:
    """Read `content`, called `name` in problems. Never raises: a file that is not read whole is refused.

    `mapping` names the columns and conventions of a delimited file that does not show them itself.
    """
    found = None
    try:
        if len(content) > MAX_FILE_BYTES:
            raise _too_large(len(content))
        found, reader = _detect(content, mapping)
        reading = reader()
    except BankFileError as error:
        return _refused(name, found, error)
    remarks = tuple(
        Problem(
            code="statement_remark",
            text=f"{name}: {remark}",
            remedy="Compare it with the bank's own view of the account.",
            subject=name,
        )
        for remark in reading.remarks
    )
    return StatementFile(name, reading.format, statements(reading.drafts), remarks)


def heading_rows(content: bytes) -> list[Row]:
    """Return the first rows of what may be a delimited file, among which its headings stand; none of anything else."""
    try:
        return first_rows(decode(content))
    except BankFileError:
        return []


def shape_of(content: bytes) -> str | None:
    """Return the key of a delimited file without headings; None of anything else."""
    try:
        return shape_key(decode(content))
    except BankFileError:
        return None


def statement_file_json(statement_file: StatementFile) -> dict[str, Any]:
    """The object that `truedue statement --json` prints for one file (docs: the outside contracts)."""
    return {
        "file": statement_file.file,
        "format": statement_file.format,
        "accounts": [_statement_json(statement) for statement in statement_file.statements],
        "problems": [
            {"code": problem.code, "text": problem.text, "remedy": problem.remedy}
            for problem in statement_file.problems
        ],
    }


def _detect(content: bytes, mapping: ColumnMapping | None) -> tuple[str | None, Callable[[], Reading]]:
    """The format's name as far as the beginning tells it, and the reader to call."""
    text = decode(content)
    if not text.strip("\0 \t\n"):
        raise BankFileError("the file is empty")
    head = text.lstrip("\ufeff\0 \t\n")[:_SNIFFED_CHARACTERS]
    if "OFXHEADER" in head or re.search(r"<OFX>", head, re.IGNORECASE):
        return "ofx", lambda: ofx.read(text)
    if head.startswith("<"):
        message = re.search(r"camt\.05[234]", head)
        return (message.group() if message else None), lambda: camt.read(content.lstrip(b" \t\r\n"))
    if mapping is None and mt940.looks_like(head):
        return mt940.format_name(text), lambda: mt940.read(text)
    if mapping is None and bai2.looks_like(head):
        return "bai2", lambda: bai2.read(text)
    return ("csv" if mapping else None), lambda: delimited.read(text, mapping)


def _too_large(size: int) -> BankFileError:
    return BankFileError(f"the file has {size} bytes, more than the {MAX_FILE_BYTES} read at once")


def _refused(name: str, found: str | None, error: BankFileError) -> StatementFile:
    place = f"{name}, line {error.line}" if error.line else name
    code, remedy = (UNCLEAR, _NAME_COLUMNS) if isinstance(error, UnclearColumnsError) else (REFUSED, _REMEDY)
    problem = Problem(code, f"{place}: {error.reason}", remedy, subject=name)
    return StatementFile(name, found, (), (problem,), refused=True)


def _statement_json(statement: Statement) -> dict[str, Any]:
    return {
        "account": statement.account,
        "currency": statement.currency,
        "opening": _plain(statement.opening),
        "closing": _plain(statement.closing),
        "entries": [_entry_json(entry) for entry in statement.entries],
    }


def _entry_json(entry: Entry) -> dict[str, Any]:
    return {
        "entry_id": entry.entry_id,
        "booked_on": _plain(entry.booked_on),
        "value_on": _plain(entry.value_on),
        "amount": _plain(entry.amount),
        "currency": entry.currency,
        "counterparty": entry.counterparty,
        "counterparty_account": entry.counterparty_account,
        "remittance": entry.remittance,
        "status": entry.status,
        "reversal": entry.reversal,
        "parts": [_part_json(part) for part in entry.parts],
    }


def _part_json(part: Part) -> dict[str, Any]:
    return {
        "amount": _plain(part.amount),
        "currency": part.currency,
        "counterparty": part.counterparty,
        "counterparty_account": part.counterparty_account,
        "remittance": part.remittance,
        "end_to_end_id": part.end_to_end_id,
    }


def _plain(value: Decimal | date | None) -> str | None:
    if isinstance(value, Decimal):
        return f"{value:f}"
    return value.isoformat() if value else None
