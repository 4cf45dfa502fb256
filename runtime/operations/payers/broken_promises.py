"""Promises that were not kept become tasks: somebody calls, once for each day that was promised."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import Row, exists, func, select

from receivables.document import DocumentKind, DocumentStatus
from receivables.money import Money
from reminders.holds import PROMISE_GRACE_DAYS
from reminders.replies.routing import TaskKind
from runtime.app import App
from runtime.operations.matching.open_items import pending_allocations
from runtime.operations.people.tasks import open_task
from runtime.store import connections
from runtime.store import tables as t

MAX_A_RUN = 200


def watch_promises(app: App, organisation_id: str) -> int:
    """Open a task for each invoice whose promised day, with its grace, has passed unpaid. Returns how many."""
    document, task = t.document.c, t.task.c
    with app.store.write() as db:
        organisation = connections.organisation(db, organisation_id)
        if organisation is None:
            return 0
        now = app.clock()
        last = now.astimezone(organisation.zone).date() - timedelta(days=PROMISE_GRACE_DAYS + 1)
        told = exists(
            select(task.id).where(
                task.organisation_id == organisation_id,
                task.kind == TaskKind.BROKEN_PROMISE.value,
                task.subject == document.id,
                task.due_on > document.promised_on,
            )
        )
        rows = db.execute(
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
        ).all()
        if not rows:
            return 0
        connections.lock_organisation(db, organisation_id)
        pending = pending_allocations(db, organisation_id)
        broken = [row for row in rows if row.balance_minor - pending.get(row.id, 0) > (row.promise_leaves_minor or 0)]
        for row in broken:
            open_task(
                db,
                organisation,
                kind=TaskKind.BROKEN_PROMISE,
                subject=row.id,
                customer_id=row.customer_id,
                text=_text(row),
                at=now,
            )
    return len(broken)


def _text(row: Row[Any]) -> str:
    if row.promise_leaves_minor is None:
        return f"{row.number} was promised for {row.promised_on} and is not paid."
    leaves = Money(row.promise_leaves_minor, row.currency)
    return f"A part of {row.number} was promised for {row.promised_on}: {leaves} was to be left, and more is open."
