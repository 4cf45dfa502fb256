"""Writing many rows at once: insert or update on both databases."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Any, TypeVar

from sqlalchemy import (
    JSON,
    BindParameter,
    Column,
    ColumnElement,
    Connection,
    Select,
    Table,
    Text,
    Update,
    any_,
    bindparam,
    cast,
    column,
    func,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import ReturningInsert

Row = Mapping[str, Any]
Value = TypeVar("Value")
Names = Sequence[str]
Insert = postgresql.Insert | sqlite.Insert
CHUNK_ROWS = 1_000
SET_ROWS = 50  # from so many on, PostgreSQL is given a chunk as one set: one statement costs less than many
IDS_A_QUERY = 500
UPSERTS_KEPT = 500  # statements of a sort; a table is written in few ways
_SET = "rows"


def chunks(values: Sequence[str], size: int = IDS_A_QUERY) -> Iterator[Sequence[str]]:
    """Yield `values` in pieces that one query can name."""
    for start in range(0, len(values), size):
        yield values[start : start + size]


def among(db: Connection, wanted: Column[str], values: Sequence[str]) -> ColumnElement[bool]:
    """The condition that a text column is one of `values`; PostgreSQL is given them as one array."""
    if db.dialect.name == "postgresql":
        return wanted == any_(literal(list(values), postgresql.ARRAY(Text)))
    return wanted.in_(values)


def among_given(dialect: str, wanted: Column[str], name: str) -> ColumnElement[bool]:
    """The same of a statement that is built once: the values are given as `name` when it is run."""
    if dialect == "postgresql":
        return wanted == any_(bindparam(name, type_=postgresql.ARRAY(Text)))
    return wanted.in_(bindparam(name, expanding=True))


def rows_of(db: Connection, organisation_id: str, table: Table, ids: Iterable[str]) -> list[dict[str, Any]]:
    """Return this organisation's rows of `table` with these ids, in the order of the ids."""
    statement = _rows_of(db.dialect.name, table)
    return [
        dict(row._mapping)
        for chunk in chunks(sorted(set(ids)))
        for row in db.execute(statement, {"organisation_id": organisation_id, "ids": list(chunk)})
    ]


def owned_by(table: Table, organisation_id: str | BindParameter[str]) -> ColumnElement[bool]:
    """The condition that rows which are named by their ids are this organisation's.

    No index serves it, on purpose: before a first load is counted, both databases take an organisation for a few rows,
    and would read all of it for every page instead of looking the ids up.
    """
    return table.c.organisation_id.concat("") == organisation_id


def beside_an_index(column: Column[Value]) -> ColumnElement[Value]:
    """A column as no index serves it: for a condition that many rows meet, beside one that few do.

    SQLite knows nothing of how many rows have a value, and takes one open document for as rare as one customer's.
    """
    return func.coalesce(column, column)


def upsert(db: Connection, table: Table, rows: Sequence[Row], *, keys: Sequence[str], keep: Sequence[str] = ()) -> None:
    """Insert `rows`, or update those whose `keys` exist, except for the columns in `keep`.

    Every row names the same columns; of several rows with the same keys the last one stands. A row that is the same
    already is left alone: nothing is written for it.
    """
    for start in range(0, len(rows), CHUNK_ROWS):
        chunk = list({tuple(row[name] for name in keys): row for row in rows[start : start + CHUNK_ROWS]}.values())
        as_set = db.dialect.name == "postgresql" and len(chunk) >= SET_ROWS
        statement = _upsert(db.dialect.name, table, tuple(chunk[0]), tuple(keys), tuple(keep), as_set=as_set)
        db.execute(statement, {_SET: _dumps(chunk)} if as_set else [dict(row) for row in chunk])


def insert_new(db: Connection, table: Table, rows: Sequence[Row], *, keys: Sequence[str]) -> int:
    """Insert the rows whose `keys` are not there yet; return how many were new."""
    # Counted by what comes back: with PostgreSQL the row count of such an insert is not known.
    statement = _insert_new(db.dialect.name, table, tuple(keys))
    return sum(len(db.execute(statement, dict(row)).all()) for row in rows)


def update_rows(db: Connection, table: Table, key: str, rows: Sequence[Row]) -> None:
    """Update many rows by their `key` column; every row names the same columns."""
    if not rows:
        return
    statement = _update(table, key)
    db.execute(statement, [{name: row[name] for name in row if name != key} | {"the_key": row[key]} for row in rows])


def update_row(db: Connection, table: Table, key: object, **values: Any) -> None:  # noqa: ANN401 - column values
    """Update the row whose `id` is `key`."""
    db.execute(_update(table, "id"), values | {"the_key": key})


# Building a statement takes several times as long as SQLite takes to run it: what runs often is built once.
@lru_cache(maxsize=UPSERTS_KEPT)
def _rows_of(dialect: str, table: Table) -> Select[Any]:
    mine = owned_by(table, bindparam("organisation_id"))
    return select(table).where(mine, among_given(dialect, table.c.id, "ids")).order_by(table.c.id)


@lru_cache(maxsize=UPSERTS_KEPT)
def _update(table: Table, key: str) -> Update:
    return update(table).where(table.c[key] == bindparam("the_key"))


@lru_cache(maxsize=UPSERTS_KEPT)
def _insert_new(dialect: str, table: Table, keys: Names) -> ReturningInsert[Any]:
    insert = postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)
    return insert.on_conflict_do_nothing(index_elements=list(keys)).returning(table.c[keys[0]])


@lru_cache(maxsize=UPSERTS_KEPT)
def _upsert(dialect: str, table: Table, names: Names, keys: Names, keep: Names, *, as_set: bool) -> Insert:
    insert = postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)
    return _or_update(insert.from_select(names, _set_of(table, names)) if as_set else insert, table, names, keys, keep)


def _or_update(insert: Insert, table: Table, names: Names, keys: Names, keep: Names) -> Insert:
    changed = {name: insert.excluded[name] for name in names if name not in keys and name not in keep}
    if not changed:
        return insert.on_conflict_do_nothing(index_elements=list(keys))
    differs = or_(*(_plain(table.c[name]).is_distinct_from(_plain(new)) for name, new in changed.items()))
    return insert.on_conflict_do_update(index_elements=list(keys), set_=changed, where=differs)


def _plain(value: ColumnElement[Any]) -> ColumnElement[Any]:
    """A column as it can be compared: PostgreSQL knows no equality of JSON."""
    return cast(value, Text) if isinstance(value.type, JSON) else value


def _set_of(table: Table, names: Names) -> Any:  # noqa: ANN401 - a select of these columns
    """Select the rows of one JSON parameter, taken apart by the database itself."""
    document = cast(bindparam(_SET, type_=Text), postgresql.JSON)
    rows = func.json_to_recordset(document).table_valued(*(column(name, table.c[name].type) for name in names))
    return select(*rows.render_derived(name="incoming", with_types=True).c)


def _dumps(rows: Sequence[Row]) -> str:
    return json.dumps([dict(row) for row in rows], default=_text)


def _text(value: object) -> str:
    """Write what JSON does not know as PostgreSQL reads it."""
    if isinstance(value, datetime) and value.tzinfo is None:
        raise ValueError("an instant must have a time zone")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bytes):
        return f"\\x{value.hex()}"
    raise TypeError(f"no column takes {type(value).__name__}")
