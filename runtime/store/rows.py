"""Writing many rows at once: insert or update on both databases."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table, bindparam, update
from sqlalchemy.dialects import postgresql, sqlite

Row = Mapping[str, Any]
CHUNK_ROWS = 1_000
IDS_A_QUERY = 500


def chunks(values: Sequence[str], size: int = IDS_A_QUERY) -> Iterator[Sequence[str]]:
    """Yield `values` in pieces that one query can name."""
    for start in range(0, len(values), size):
        yield values[start : start + size]


def upsert(db: Connection, table: Table, rows: Sequence[Row], *, keys: Sequence[str], keep: Sequence[str] = ()) -> None:
    """Insert `rows`, or update those whose `keys` exist, except for the columns in `keep`."""
    if not rows:
        return
    insert = postgresql.insert(table) if db.dialect.name == "postgresql" else sqlite.insert(table)
    changed = {name: insert.excluded[name] for name in rows[0] if name not in keys and name not in keep}
    statement = (
        insert.on_conflict_do_update(index_elements=list(keys), set_=changed)
        if changed
        else insert.on_conflict_do_nothing(index_elements=list(keys))
    )
    for start in range(0, len(rows), CHUNK_ROWS):
        db.execute(statement, [dict(row) for row in rows[start : start + CHUNK_ROWS]])


def insert_new(db: Connection, table: Table, rows: Sequence[Row], *, keys: Sequence[str]) -> int:
    """Insert the rows whose `keys` are not there yet; return how many were new."""
    insert = postgresql.insert(table) if db.dialect.name == "postgresql" else sqlite.insert(table)
    # Counted by what comes back: with PostgreSQL the row count of such an insert is not known.
    statement = insert.on_conflict_do_nothing(index_elements=list(keys)).returning(table.c[keys[0]])
    return sum(len(db.execute(statement.values(dict(row))).all()) for row in rows)


def update_rows(db: Connection, table: Table, key: str, rows: Sequence[Row]) -> None:
    """Update many rows by their `key` column; every row names the same columns."""
    if not rows:
        return
    names = [name for name in rows[0] if name != key]
    statement = (
        update(table).where(table.c[key] == bindparam("the_key")).values({n: bindparam(f"v_{n}") for n in names})
    )
    db.execute(statement, [{"the_key": row[key], **{f"v_{n}": row[n] for n in names}} for row in rows])
