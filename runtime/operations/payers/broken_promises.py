"""Promises that were not kept become tasks: somebody calls, once for each day that was promised."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, exists, func, select, true, tuple_

from receivables.document import DocumentKind, DocumentStatus
from receivables.money import Money
from reminders.holds import PROMISE_GRACE_DAYS
from reminders.replies.routing import TaskKind
from runtime.app import App
from runtime.operations.matching.open_items import open_documents
from runtime.operations.people.tasks import open_task
from runtime.operations.reminding.on_their_way import less_on_its_way, on_their_way
from runtime.store import connections
from runtime.store import tables as t
from runtime.store.connections import Organisation

MAX_A_RUN = 200  # tasks that one run opens, and promises that are looked at together
MAX_HEAPS = 500


def watch_promises(app: App, organisation_id: str) -> int:
    """Open a task for each invoice whose promised day, with its grace, has passed without the money being sent.

    What is on its way counts until it has failed, or is too old to be believed. Returns how many.
    """
    with app.store.write() as db:
        organisation = connections.organisation(db, organisation_id)
        if organisation is None:
            return 0
        now = app.clock()
        last = now.astimezone(organisation.zone).date() - timedelta(days=PROMISE_GRACE_DAYS + 1)
        broken: list[Row[Any]] = []
        for rows in _heaps(db, organisation_id, last):
            connections.lock_organisation(db, organisation_id)
            broken += _broken(db, organisation, rows, now)
            if len(broken) >= MAX_A_RUN:
                break
        for row in broken[:MAX_A_RUN]:
            open_task(
                db,
                organisation,
                kind=TaskKind.BROKEN_PROMISE,
                subject=row.id,
                customer_id=row.customer_id,
                text=_text(row),
                at=now,
            )
    return len(broken[:MAX_A_RUN])


def _heaps(db: Connection, organisation_id: str, last: date) -> Iterator[Sequence[Row[Any]]]:
    """Yield, some at a time, the invoices of which more is open than was promised until `last` and nobody was told."""
    document, task = t.document.c, t.task.c
    told = exists(
        select(task.id).where(
            task.organisation_id == organisation_id,
            task.kind == TaskKind.BROKEN_PROMISE.value,
            task.subject == document.id,
            task.due_on > document.promised_on,
        )
    )
    late = (
        select(t.document)
        .where(
            document.organisation_id == organisation_id,
            document.kind == DocumentKind.INVOICE.value,
            document.status == DocumentStatus.OPEN.value,
            document.promised_on <= last,
            document.balance_minor > func.coalesce(document.promise_leaves_minor, 0),
            ~told,
        )
        .order_by(document.promised_on, document.id)
        .limit(MAX_A_RUN)
    )
    after: ColumnElement[bool] = true()
    for _ in range(MAX_HEAPS):
        rows = db.execute(late.where(after)).all()
        if rows:
            yield rows
        if len(rows) < MAX_A_RUN:
            return
        after = tuple_(document.promised_on, document.id) > (rows[-1].promised_on, rows[-1].id)


def _broken(db: Connection, organisation: Organisation, rows: Sequence[Row[Any]], now: datetime) -> list[Row[Any]]:
    """Return those of which more is left than the promise leaves, less what we applied and what is on its way."""
    opened = {
        each.document.document_id: each.open_amount
        for each in open_documents(db, organisation.id, document_ids=[row.id for row in rows])
    }
    coming = on_their_way(db, organisation, opened, now=now)
    left = less_on_its_way(opened, coming)
    return [row for row in rows if left[row.id].minor > (row.promise_leaves_minor or 0)]


def _text(row: Row[Any]) -> str:
    if row.promise_leaves_minor is None:
        return f"{row.number} was promised for {row.promised_on} and is not paid."
    leaves = Money(row.promise_leaves_minor, row.currency)
    return f"A part of {row.number} was promised for {row.promised_on}: {leaves} was to be left, and more is open."
