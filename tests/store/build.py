"""Rows for tests of the store: a test names only the columns that it is about."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import Connection, Table, insert

from connectors.intents import EditCustomer, Intent
from runtime.store import tables as t
from runtime.store.engine import Store

NOW = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)
_PLAIN: dict[type, object] = {int: 0, str: "", bool: False, date: NOW.date(), object: {}, bytes: b""}


OWNED = [table for table in t.metadata.sorted_tables if "organisation_id" in table.columns]


def fill_every_table(db: Connection, organisation_id: str, *, said: str = "") -> None:
    """Put a row of an organisation into each table that has one; its id is the table's name and the organisation's.

    `said`, or the organisation's id, stands in every text that must be there and has room for it.
    """
    said = said or organisation_id
    put(db, t.consent, id=f"consent-{organisation_id}", system=organisation_id)
    put(db, t.person, id=f"person-{organisation_id}", email=said, name=said)
    for table in OWNED:
        put(db, table, **_row(table, organisation_id, said))


def _row(table: Table, organisation_id: str, said: str) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for column in table.columns:
        if column.name == "organisation_id":
            values[column.name] = organisation_id
        elif column.foreign_keys:
            values[column.name] = f"{next(iter(column.foreign_keys)).column.table.name}-{organisation_id}"
        elif column.type.python_type is str and not column.nullable:
            named = f"{table.name}-{organisation_id}" if column.name == "id" else said
            length = getattr(column.type, "length", None) or len(named)
            values[column.name] = named if len(named) <= length else organisation_id[:1]
    return values


def put(db: Connection, table: Table, **values: Any) -> None:  # noqa: ANN401 - column values
    """Insert a row with the plainest value in each column that needs one."""
    db.execute(insert(table).values(**plain(table) | values))


def plain(table: Table) -> dict[str, Any]:
    """The plainest value of each column that needs one."""
    return {
        column.name: NOW if isinstance(column.type, t.Instant) else _PLAIN[column.type.python_type]
        for column in table.columns
        if not column.nullable and column.server_default is None and not _numbered(column)
    }


def _numbered(column: Any) -> bool:  # noqa: ANN401 - any column
    return column.primary_key and column.type.python_type is int and column.autoincrement is True


def organisations(store: Store, *ids: str) -> None:
    """Insert organisations."""
    with store.write() as db:
        for each in ids:
            put(db, t.organisation, id=each, name=each, base_currency="GBP", time_zone="Europe/London", country="GB")


def intent(key: str) -> Intent:
    """An intent of which only the key matters."""
    return EditCustomer(key=key, customer_external_id="c", version="1", email="a@example.com")


def notice(event_id: str, **values: Any) -> dict[str, Any]:  # noqa: ANN401 - column values
    """A webhook notice as a row, due now."""
    row: dict[str, Any] = {
        "system": "xero",
        "account": "tenant",
        "event_id": event_id,
        "kind": "invoice",
        "external_id": "i",
        "body": b"{}",
        "received_at": NOW,
        "state": "new",
        "attempts": 0,
        "next_at": NOW,
        "problem": None,
    }
    return row | values
