"""Invoices of which every reminder was sent and that are not paid become tasks: a person decides what follows.

Each once. What something still holds has somebody or something that it waits for, and becomes one when the hold ends.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from itertools import islice

from sqlalchemy import Connection, or_, select

from receivables.document import DocumentKind, DocumentStatus
from reminders.holds import HoldCode
from reminders.payment_plan import PlanState
from reminders.replies.routing import TaskKind
from reminders.schedule import ItemDecision
from runtime.app import App
from runtime.operations.matching.open_items import open_documents
from runtime.operations.people.tasks import close_task, open_task
from runtime.store import connections
from runtime.store import tables as t
from runtime.store.connections import Organisation
from runtime.store.rows import chunks

TASKS_A_HEAP = 200  # the others come up with the next planning: nobody does more in a day
MAX_CLOSED_A_RUN = 500
BY = "reminders"  # who closes a task when its invoice is paid; one that a person closed is not opened again
_UNTIL_PAID = (TaskKind.ALL_REMINDED, TaskKind.BROKEN_PROMISE)
# What speaks against a message at this hour, not against the debt.
_NOT_OF_THE_DEBT = frozenset({HoldCode.CONTACT, HoldCode.STALE})


def untold(db: Connection, organisation_id: str, document_ids: Collection[str]) -> list[str]:
    """Return those of these invoices that have had no task, or one that ended when they were paid."""
    task = t.task.c
    told: set[str] = set()
    for chunk in chunks(sorted(document_ids)):
        told.update(
            db.scalars(
                select(task.subject).where(
                    task.organisation_id == organisation_id,
                    task.kind == TaskKind.ALL_REMINDED.value,
                    task.subject.in_(chunk),
                    or_(task.closed_at.is_(None), task.closed_by != BY),
                )
            )
        )
    return [each for each in document_ids if each not in told]


def leave_to_people(
    db: Connection, organisation: Organisation, decisions: Iterable[ItemDecision], *, at: datetime
) -> None:
    """Open a task for each of these items of which something is open and nothing holds, for TASKS_A_HEAP at most.

    The caller has locked the organisation.
    """
    due = (
        decision.evidence
        for decision in decisions
        if decision.evidence.remaining.minor > 0 and {hold.code for hold in decision.holds} <= _NOT_OF_THE_DEBT
    )
    for evidence in islice(due, TASKS_A_HEAP):
        open_task(
            db,
            organisation,
            kind=TaskKind.ALL_REMINDED,
            subject=evidence.item.item_id,
            customer_id=evidence.item.customer_id,
            text=f"Every reminder of {evidence.item.number} was sent, and {evidence.remaining} of it is not paid.",
            at=at,
        )


def close_paid(app: App, organisation_id: str) -> int:
    """End the open tasks that ask for money of invoices of which nothing is open any more; returns how many."""
    document, task = t.document.c, t.task.c
    with app.store.write() as db:
        ids = db.scalars(
            select(document.id)
            .join(t.task, (task.subject == document.id) & (task.organisation_id == document.organisation_id))
            .where(
                task.organisation_id == organisation_id,
                task.kind.in_([kind.value for kind in _UNTIL_PAID]),
                task.closed_at.is_(None),
                document.kind == DocumentKind.INVOICE.value,
            )
            .distinct()
            .order_by(document.id)
        ).all()
        still_open = {
            each.document.document_id
            for each in open_documents(db, organisation_id, document_ids=ids)
            if each.document.status is DocumentStatus.OPEN and each.open_amount
        }
        paid = [each for each in ids if each not in still_open]
        if paid:
            connections.lock_organisation(db, organisation_id)
        of_plans = _first_of_broken_plans(db, organisation_id) if paid else set()
        return sum(
            close_task(
                db,
                organisation_id=organisation_id,
                subject=document_id,
                kinds=(TaskKind.ALL_REMINDED,) if document_id in of_plans else _UNTIL_PAID,
                by=BY,
                at=app.clock(),
            )
            for document_id in paid[:MAX_CLOSED_A_RUN]
        )


def _first_of_broken_plans(db: Connection, organisation_id: str) -> set[str]:
    """The invoices that stand for a plan that was not kept: its task is about all of the plan's."""
    plan = t.payment_plan.c
    rows = db.scalars(
        select(plan.documents).where(plan.organisation_id == organisation_id, plan.state == PlanState.BROKEN.value)
    )
    return {documents[0] for documents in rows}
