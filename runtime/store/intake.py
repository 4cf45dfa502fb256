"""Storing what webhooks tell: many notices in one statement, each once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, Dialect, Integer, LargeBinary, String, bindparam, func, select

from connectors.records import Kind
from receivables.identity import stable_id
from runtime.store import tables as t
from runtime.store.queues import NEW
from runtime.store.rows import Row

VALUES_ROWS = 64  # 704 values: an older SQLite takes 999
_ASKED = "again"  # what the event ids begin with of what nobody but ourselves asked for
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
_OLDEST_ASKED = select(func.min(t.inbox.c.received_at)).where(
    t.inbox.c.system == bindparam("system"),
    t.inbox.c.account == bindparam("account"),
    t.inbox.c.state == NEW,
    t.inbox.c.event_id.startswith(f"{_ASKED}_"),
)
# Never a type with a length: a cast to one would cut a text that is too long, where the column refuses it.
_ARRAY_TYPES: tuple[tuple[type, str], ...] = (
    (String, "text[]"),
    (LargeBinary, "bytea[]"),
    (Integer, "bigint[]"),
    (t.Instant, "timestamptz[]"),
)


def store_notices(db: Connection, rows: Sequence[Row]) -> int:
    """Store webhook notices, each a row of `inbox`; one that is there already is left as it is.

    Returns how many were new. Every row names the same columns.
    """
    if db.dialect.name == "postgresql":
        return db.exec_driver_sql(ARRAYS, arrays(db.dialect, rows)).rowcount
    return sum(_store_values(db, rows[start : start + VALUES_ROWS]) for start in range(0, len(rows), VALUES_ROWS))


def arrays(dialect: Dialect, rows: Sequence[Row]) -> tuple[list[object], ...]:
    """Return the values of ARRAYS, a list a column: five times less work for us than a parameter a value."""
    return tuple([bind(row[name]) for row in rows] for name, bind in _binds(dialect))


def ask_to_read(
    db: Connection, *, system: str, account: str, objects: Iterable[tuple[Kind, str]], because: str, at: datetime
) -> None:
    """Ask to read these objects (kind and id) of a vendor's account once more, as if a webhook had named them at `at`.

    `because` of one thing an object is asked for only once.
    """
    rows = [
        {
            "system": system,
            "account": account,
            "event_id": stable_id(_ASKED, because, kind.value, external_id),
            "kind": kind.value,
            "external_id": external_id,
            "body": b"",
            "received_at": at,
            "state": NEW,
            "attempts": 0,
            "next_at": at,
            "problem": None,
        }
        for kind, external_id in objects
    ]
    store_notices(db, rows)


def asked_since(db: Connection, *, system: str, account: str) -> datetime | None:
    """Return the time of the oldest `ask_to_read` of this account that waits to be followed, None without one."""
    found: datetime | None = db.scalar(_OLDEST_ASKED, {"system": system, "account": account})
    return found


def _store_values(db: Connection, rows: Sequence[Row]) -> int:
    """Insert in one step: SQLite's driver gives the interpreter away at each, and waits to have it back."""
    binds = _binds(db.dialect)
    statement = f"{_INSERT} VALUES {', '.join([_PLACES] * len(rows))} {_ONCE}"
    return db.exec_driver_sql(statement, tuple(bind(row[name]) for row in rows for name, bind in binds)).rowcount


def _binds(dialect: Dialect) -> list[tuple[str, Callable[[Any], object]]]:
    """Return each column and what makes its values the driver's."""
    return [(column.name, _bind(column, dialect)) for column in _COLUMNS]


def _bind(column: Column[Any], dialect: Dialect) -> Callable[[Any], object]:
    if not isinstance(column.type, t.Instant):
        return _as_it_is
    return column.type.dialect_impl(dialect).bind_processor(dialect) or _as_it_is


def _as_it_is(value: object) -> object:
    return value


def _array_of(column: Column[Any]) -> str:
    return next(array for kind, array in _ARRAY_TYPES if isinstance(column.type, kind))


_INSERT = f"INSERT INTO {t.inbox.name} ({', '.join(column.name for column in _COLUMNS)})"
_ONCE = f"ON CONFLICT ({', '.join(_KEYS)}) DO NOTHING"
_PLACES = f"({', '.join('?' for _ in _COLUMNS)})"
_COLUMN_ARRAYS = ", ".join(f"%b::{_array_of(column)}" for column in _COLUMNS)
_GIVEN = f"given({', '.join(column.name for column in _COLUMNS)})"
_FROM_ARRAYS = f"SELECT * FROM unnest({_COLUMN_ARRAYS}) AS {_GIVEN} ORDER BY {', '.join(_KEYS)}"  # noqa: S608 - our own names
# In one order for everybody: two that store some of the same notices at once never wait for each other.
ARRAYS = f"{_INSERT} {_FROM_ARRAYS} {_ONCE}"
