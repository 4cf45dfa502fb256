"""What the columns of delimited statements mean: said once by a person, kept by the headings, used by every later file.

A file without headings is known by its shape instead. Nothing is guessed. Where several bank accounts share their
headings, the file's name or what stands above the headings must name one of them. Corrected columns take no line twice:
the id that a line had by the columns before is known.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, insert, select, update

from connectors.banks.columns import ColumnMapping, check_mapping, columns_of
from connectors.banks.delimited import settled
from connectors.banks.feed import heading_rows, read_statement, shape_of
from connectors.banks.fields import BankFileError, decode
from connectors.banks.table import Row, header_key
from receivables.identity import stable_id
from receivables.statement import Entry, StatementFile
from runtime.app import App
from runtime.operations.errors import InputError
from runtime.store import journal
from runtime.store import tables as t
from runtime.store.rows import chunks

MAX_ACCOUNT_CHARS = 64
MAX_CORRECTIONS = 10  # of one account's columns: each is asked about every line of every later file
MIN_NAMED_CHARS = 4  # of an account that is looked for in the name of a file


@dataclass(frozen=True, slots=True)
class KeptColumns:
    """What was said about the columns under one row of headings; `replaces` is what it corrected, if anything."""

    id: str
    header: str
    mapping: ColumnMapping
    replaces: str | None
    set_by: str
    set_at: datetime


@dataclass(frozen=True, slots=True)
class SaidColumns:
    """What a person says now: `replaces` is the id of kept columns that it corrects, None for another account."""

    mapping: ColumnMapping
    replaces: str | None
    actor: str


def kept_columns(db: Connection, organisation_id: str) -> list[KeptColumns]:
    """Return the columns that count, in the order in which they were set."""
    columns = t.statement_columns.c
    rows = db.execute(
        select(t.statement_columns)
        .where(columns.organisation_id == organisation_id, columns.ended_at.is_(None))
        .order_by(columns.set_at, columns.id)
    )
    return [_kept(row) for row in rows]


def fitting(db: Connection, organisation_id: str, content: bytes) -> list[KeptColumns]:
    """Return the columns that are kept for the headings of a file, or for its shape if it has none."""
    every = kept_columns(db, organisation_id)
    keys = {header_key(row.cells) for row in heading_rows(content)} if every else set()
    if not all(each.mapping.has_headings for each in every):
        keys |= {key for key in (shape_of(content),) if key is not None}
    return [each for each in every if each.header in keys]


def chosen_columns(db: Connection, organisation_id: str, name: str, content: bytes) -> KeptColumns | None:
    """Return the columns that a file is read by, None where its own headings must do.

    InputError where several are kept for its headings and nothing in it says which.
    """
    found = fitting(db, organisation_id, content)
    if len(found) < 2:
        return found[0] if found else None
    above = " ".join(_above(heading_rows(content), found[0].header))
    named = [each for each in found if _names(f"{name} {above}", each.mapping.account or "")]
    if len(named) == 1:
        return named[0]
    accounts = ", ".join(sorted(each.mapping.account or "no account" for each in found))
    raise InputError(
        f"{name}: files with these columns come from several accounts ({accounts}), and neither the file's name nor "
        "what stands above the headings names one of them; put the account's number into the name of the file"
    )


def keep_columns(
    db: Connection, organisation_id: str, content: bytes, said: SaidColumns, *, at: datetime
) -> KeptColumns:
    """Keep what a person says about the columns of a file that can be read so; InputError when it cannot be kept."""
    header = header_of(content, said.mapping)
    mapping = settled(decode(content), said.mapping)
    if mapping.account is not None and len(mapping.account) > MAX_ACCOUNT_CHARS:
        raise InputError(f"an account number has at most {MAX_ACCOUNT_CHARS} characters")
    same = [each for each in kept_columns(db, organisation_id) if each.header == header]
    corrected = next((each for each in same if each.id == said.replaces), None)
    if said.replaces is not None and corrected is None:
        raise InputError("the columns to be corrected were changed meanwhile; look at them again")
    if corrected is not None and corrected.mapping == mapping:
        return corrected
    rivals = [each for each in same if each is not corrected and each.mapping.account == mapping.account]
    if rivals:
        raise InputError(f"these columns of {mapping.account or 'no account'} are kept already")
    if corrected is not None:
        if len(_chain(db, organisation_id, corrected)) >= MAX_CORRECTIONS:
            raise InputError(f"these columns were corrected {MAX_CORRECTIONS} times; export the file in another format")
        _end(db, organisation_id, corrected.id, at)
    columns_id = stable_id("col", organisation_id, header, at.isoformat(), repr(mapping))
    row = {
        "id": columns_id,
        "organisation_id": organisation_id,
        "header": header,
        "account": mapping.account or "",
        "body": asdict(mapping),
        "replaces": said.replaces,
        "set_by": said.actor,
        "set_at": at,
    }
    db.execute(insert(t.statement_columns).values(row))
    journal.record(
        db,
        organisation_id=organisation_id,
        at=at,
        actor=said.actor,
        action="columns_set",
        subject=columns_id,
        detail=f"columns of statements of {mapping.account or 'no named account'}",
    )
    return KeptColumns(columns_id, header, mapping, said.replaces, said.actor, at)


def forget_columns(app: App, *, organisation_id: str, columns_id: str, actor: str) -> None:
    """Let kept columns count no more; InputError when there are none of this id."""
    with app.store.write() as db:
        if columns_id not in {each.id for each in kept_columns(db, organisation_id)}:
            raise InputError("there are no such columns")
        _end(db, organisation_id, columns_id, app.clock())
        journal.record(
            db,
            organisation_id=organisation_id,
            at=app.clock(),
            actor=actor,
            action="columns_forgotten",
            subject=columns_id,
            detail="columns of statements",
        )


def header_of(content: bytes, mapping: ColumnMapping) -> str:
    """Return the key under which a mapping is kept: of the file's headings, or of its shape where it has none.

    InputError when the mapping does not fit the file.
    """
    try:
        check_mapping(mapping)
    except BankFileError as error:
        raise InputError(error.reason) from None
    if not mapping.has_headings:
        key = shape_of(content)
        if key is None:
            raise InputError(
                "without headings every row must have as many columns as the first, one column must hold only days and "
                "another only amounts with decimals"
            )
        return key
    for row in heading_rows(content):
        if mapping.columns and columns_of(row.cells, mapping):
            return header_key(row.cells)
    raise InputError("the file has no row of headings with the named columns")


def taken_before(
    db: Connection, organisation_id: str, content: bytes, file: StatementFile, kept: KeptColumns
) -> set[str]:
    """Return the ids of the lines of a file that the columns before took already, under the ids they had by those.

    InputError where one was taken with another amount or day: then one of the two is not true.
    """
    entries = {entry.line: entry for statement in file.statements for entry in statement.entries}
    taken: set[str] = set()
    for mapping in _chain(db, organisation_id, kept)[1:]:
        former = read_statement(file.file, content, mapping=mapping)
        named = {entry.entry_id: entry for statement in former.statements for entry in statement.entries}
        for entry_id in _stored(db, organisation_id, [each for each in named if each not in _ids(file)]):
            old, new = named[entry_id], entries.get(named[entry_id].line)
            if new is None or _figures(old) != _figures(new):
                raise InputError(
                    f"{file.file}, line {old.line}: it was taken as {old.amount:f} of {old.booked_on} by the columns "
                    "before, and these say something else. Leave the lines that were taken out of the file"
                )
            taken.add(new.entry_id)
    return taken


def _figures(entry: Entry) -> tuple[Decimal, object, str | None]:
    return entry.amount, entry.booked_on, entry.currency


def _ids(file: StatementFile) -> set[str]:
    return {entry.entry_id for statement in file.statements for entry in statement.entries}


def _stored(db: Connection, organisation_id: str, ids: Sequence[str]) -> list[str]:
    """Return those of the ids of lines under which something is stored."""
    return [
        found
        for some in chunks(ids)
        for table in (t.receipt, t.debit)
        for found in db.scalars(
            select(table.c.external_id).where(table.c.organisation_id == organisation_id, table.c.external_id.in_(some))
        )
    ]


def _chain(db: Connection, organisation_id: str, kept: KeptColumns) -> list[ColumnMapping | None]:
    """Return the mapping, those that it corrected, and at last none: files may have been read by their own headings."""
    found: list[ColumnMapping | None] = [kept.mapping]
    before = kept.replaces
    while before is not None:
        row = db.execute(
            select(t.statement_columns).where(
                t.statement_columns.c.organisation_id == organisation_id, t.statement_columns.c.id == before
            )
        ).one()
        found.append(_kept(row).mapping)
        before = row.replaces
    return [*found, None]


def _end(db: Connection, organisation_id: str, columns_id: str, at: datetime) -> None:
    columns = t.statement_columns.c
    db.execute(
        update(t.statement_columns)
        .where(columns.organisation_id == organisation_id, columns.id == columns_id)
        .values(ended_at=at)
    )


def _kept(row: Any) -> KeptColumns:  # noqa: ANN401 - a row of the table
    return KeptColumns(row.id, row.header, ColumnMapping(**row.body), row.replaces, row.set_by, row.set_at)


def _above(rows: Sequence[Row], header: str) -> list[str]:
    """What stands above the headings; nothing where there are none, for a line may name the payer's account."""
    found: list[str] = []
    for row in rows:
        if header_key(row.cells) == header:
            return found
        found += row.cells
    return []


def _names(text: str, account: str) -> bool:
    """Whether a text names an account, however either is spaced."""
    plain, wanted = (re.sub(r"\W", "", each).casefold() for each in (text, account))
    return len(wanted) >= MIN_NAMED_CHARS and wanted in plain
