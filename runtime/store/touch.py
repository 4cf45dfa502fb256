"""Marking what changed, so that everything derived from it (the CRM's pages, planned reminders) follows."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, case, literal, select, update

from runtime.store import tables as t
from runtime.store.rows import among, owned_by

IDS_PER_STATEMENT = 500
_MOMENT = timedelta(microseconds=1)


def touch_documents(db: Connection, organisation_id: str, document_ids: Collection[str], at: datetime) -> None:
    """Note that these documents, and so their customers' balances, changed at `at`."""
    ids = sorted(set(document_ids))
    for start in range(0, len(ids), IDS_PER_STATEMENT):
        chunk = ids[start : start + IDS_PER_STATEMENT]
        mine = owned_by(t.document, organisation_id) & among(db, t.document.c.id, chunk)
        db.execute(update(t.document).where(mine).values(_changed(t.document, at)))
        owners = select(t.document.c.customer_id).where(mine)
        db.execute(
            update(t.customer)
            .where(owned_by(t.customer, organisation_id), t.customer.c.id.in_(owners))
            .values(_changed(t.customer, at))
        )


def touch_balances(db: Connection, organisation_id: str, customer_ids: Collection[str], at: datetime) -> None:
    """Note that what these customers owe changed at `at`."""
    ids = sorted(set(customer_ids))
    for start in range(0, len(ids), IDS_PER_STATEMENT):
        mine = among(db, t.customer.c.id, ids[start : start + IDS_PER_STATEMENT])
        db.execute(
            update(t.customer)
            .where(owned_by(t.customer, organisation_id), mine, _is_news(at))
            .values(_changed(t.customer, at))
        )


def touch_customers(db: Connection, organisation_id: str, customer_ids: Collection[str], at: datetime) -> None:
    """Note that everything of these customers changed at `at`: themselves, their documents, their receipts."""
    ids = sorted(set(customer_ids))
    for start in range(0, len(ids), IDS_PER_STATEMENT):
        chunk = ids[start : start + IDS_PER_STATEMENT]
        for table, column in ((t.customer, "id"), (t.document, "customer_id"), (t.receipt, "customer_id")):
            db.execute(
                update(table)
                .where(table.c.organisation_id == organisation_id, table.c[column].in_(chunk))
                .values(_changed(table, at))
            )


def _changed(table: Table, at: datetime) -> dict[str, Any]:
    """The columns of a row that changed at `at`; `shown_at` is the change up to which it was shown.

    Planning weighs a customer that changed again (`runtime.store.weighing`).

    `at` may be the time at which a reading began, so another change of that time may have been shown already.
    """
    before = literal(at - _MOMENT, t.Instant())
    shown = {"changed_at": at, "shown_at": case((table.c.shown_at == at, before), else_=table.c.shown_at)}
    return shown | ({"weighed_until": None} if table is t.customer else {})


def _is_news(at: datetime) -> ColumnElement[bool]:
    customer = t.customer.c
    return (customer.changed_at != at) | (customer.shown_at == at) | customer.weighed_until.is_not(None)
