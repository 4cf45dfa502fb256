"""Statement files of which a person has yet to say what their columns mean: kept for a day, then taken in or not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection, delete, insert, select

from connectors.banks.dates import is_day
from connectors.banks.feed import heading_rows
from connectors.banks.fields import MAX_FILE_BYTES
from connectors.banks.table import Row, labels, places
from receivables.identity import stable_id
from runtime.app import App
from runtime.operations.bank_files.import_statement import Imported, import_statement
from runtime.operations.bank_files.statement_columns import SaidColumns
from runtime.store import tables as t

MAX_PENDING = 5  # of one organisation; the oldest goes first
KEPT_FOR = timedelta(days=1)
MAX_COLUMNS = 100


@dataclass(frozen=True, slots=True)
class PendingStatement:
    """A file that waits, with its first rows.

    `headings` is the place among them of what are most likely headings, None where that row seems to be a line already.
    """

    id: str
    file: str
    content: bytes
    rows: tuple[Row, ...]
    headings: int | None

    def labels(self, place: int | None) -> tuple[str, ...]:
        """What the columns are called if the row at `place` has their headings, or none has."""
        return places(len(self.rows[0].cells)) if place is None else labels(self.rows[place].cells)

    def below(self, place: int | None) -> tuple[Row, ...]:
        """The rows below the headings."""
        return self.rows if place is None else self.rows[place + 1 :]


def keep_pending(app: App, *, organisation_id: str, name: str, content: bytes) -> str | None:
    """Keep a file until a person has said what its columns mean; returns its id, None for what has no columns."""
    rows = heading_rows(content)
    if len(content) > MAX_FILE_BYTES or not any(1 < len(row.cells) <= MAX_COLUMNS for row in rows):
        return None
    now, pending = app.clock(), t.pending_statement
    pending_id = stable_id("pst", organisation_id, name, now.isoformat())
    mine = pending.c.organisation_id == organisation_id
    with app.store.write() as db:
        newest = db.scalars(
            select(pending.c.id).where(mine).order_by(pending.c.uploaded_at.desc(), pending.c.id).limit(MAX_PENDING - 1)
        ).all()
        outdated = (pending.c.uploaded_at < now - KEPT_FOR) | pending.c.id.not_in(newest)
        db.execute(delete(pending).where(mine, outdated | (pending.c.id == pending_id)))
        row = {"id": pending_id, "organisation_id": organisation_id, "file": name, "content": content}
        db.execute(insert(pending).values(uploaded_at=now, **row))
    return pending_id


def pending_statement(db: Connection, organisation_id: str, pending_id: str) -> PendingStatement | None:
    """Return a file that waits, None when it was taken in or waited too long."""
    row = db.execute(
        select(t.pending_statement).where(
            t.pending_statement.c.organisation_id == organisation_id, t.pending_statement.c.id == pending_id
        )
    ).first()
    if row is None:
        return None
    rows = tuple(each for each in heading_rows(row.content) if len(each.cells) <= MAX_COLUMNS)
    filled = [sum(bool(cell.strip()) for cell in each.cells) for each in rows]
    likely = filled.index(max(filled))
    is_line = any(is_day(cell) for cell in rows[likely].cells)
    return PendingStatement(row.id, row.file, row.content, rows, None if is_line else likely)


def pending_statements(db: Connection, organisation_id: str) -> list[tuple[str, str]]:
    """Return the files that wait: id and name, the newest first."""
    pending = t.pending_statement.c
    rows = db.execute(
        select(pending.id, pending.file)
        .where(pending.organisation_id == organisation_id)
        .order_by(pending.uploaded_at.desc(), pending.id)
        .limit(MAX_PENDING)
    )
    return [(row.id, row.file) for row in rows]


def take_pending(app: App, *, organisation_id: str, pending: PendingStatement, said: SaidColumns) -> Imported:
    """Take a waiting file in, keep its columns, and let it wait no more."""
    imported = import_statement(
        app, organisation_id=organisation_id, name=pending.file, content=pending.content, said=said
    )
    drop_pending(app, organisation_id=organisation_id, pending_id=pending.id)
    return imported


def drop_pending(app: App, *, organisation_id: str, pending_id: str) -> None:
    """Let a file wait no more."""
    pending = t.pending_statement
    with app.store.write() as db:
        db.execute(delete(pending).where(pending.c.organisation_id == organisation_id, pending.c.id == pending_id))
