"""Storing what webhooks tell: many notices in one statement, each once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Column, Connection, Integer, LargeBinary, String
from sqlalchemy.dialects import sqlite

from runtime.store import tables as t
from runtime.store.rows import CHUNK_ROWS, Row

_KEYS = ("system", "account", "event_id")
_COLUMNS: tuple[Column[Any], ...] = (
    t.inbox.c.system,
    t.inbox.c.account,
    t.inbox.c.event_id,
    t.inbox.c.kind,
    t.inbox.c.external_id,
    t.inbox.c.body,
    t.inbox.c.received_at,
    t.inbox.c.state,
    t.inbox.c.attempts,
    t.inbox.c.next_at,
    t.inbox.c.problem,
)
# Never a type with a length: a cast to one would cut a text that is too long, where the column refuses it.
_ARRAYS: tuple[tuple[type, str], ...] = (
    (String, "text[]"),
    (LargeBinary, "bytea[]"),
    (Integer, "bigint[]"),
    (t.Instant, "timestamptz[]"),
)


def store_notices(db: Connection, rows: Sequence[Row]) -> int:
    """Store webhook notices, each a row of `inbox`; one that is there already is left as it is.

    Returns how many were new. Every row names the same columns.
    """
    chunks = [rows[start : start + CHUNK_ROWS] for start in range(0, len(rows), CHUNK_ROWS)]
    store = _store_arrays if db.dialect.name == "postgresql" else _store_each
    return sum(store(db, chunk) for chunk in chunks)


def _store_each(db: Connection, rows: Sequence[Row]) -> int:
    insert = sqlite.insert(t.inbox).on_conflict_do_nothing(index_elements=_KEYS)
    return db.execute(insert, [dict(row) for row in rows]).rowcount


def _store_arrays(db: Connection, rows: Sequence[Row]) -> int:
    """Send each column as one binary array: five times less work on our side than a parameter for each value."""
    values = tuple([_bound(db, column, row[column.name]) for row in rows] for column in _COLUMNS)
    return db.exec_driver_sql(_INSERT_ARRAYS, values).rowcount


def _bound(db: Connection, column: Column[Any], value: Any) -> object:  # noqa: ANN401 - a column value
    return column.type.process_bind_param(value, db.dialect) if isinstance(column.type, t.Instant) else value


def _array_of(column: Column[Any]) -> str:
    return next(array for kind, array in _ARRAYS if isinstance(column.type, kind))


_INSERT_ARRAYS = (
    f"INSERT INTO {t.inbox.name} ({', '.join(column.name for column in _COLUMNS)})"  # noqa: S608 - our own names
    f" SELECT * FROM unnest({', '.join(f'%b::{_array_of(column)}' for column in _COLUMNS)})"
    f" ON CONFLICT ({', '.join(_KEYS)}) DO NOTHING"
)
