"""Follow payment plans: renew their holds while they are kept, end those that are paid or were not kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, select, update

from reminders.business_time import start_of_day
from reminders.evidence import FlagCode
from reminders.payment_plan import PlanState
from reminders.replies.routing import TaskKind
from runtime.app import App
from runtime.operations.people.tasks import open_task
from runtime.operations.plans.payment_plans import MAX_A_RUN, MAX_HEAPS, Plan, in_state, note, read_plans
from runtime.operations.reminding.standing_holds import place_hold, release_hold
from runtime.store import connections
from runtime.store import tables as t
from runtime.store.connections import Organisation

PLAN = FlagCode.PLAN.value
WATCHER = "plans"


def watch_plans(app: App, organisation_id: str) -> Counter[PlanState]:
    """Judge running plans by what was paid: renew their holds, end those that are paid or were not kept.

    A heap of plans is a unit of work.
    """
    counted: Counter[PlanState] = Counter()
    after = ""
    for _ in range(MAX_HEAPS):
        with app.store.write() as db:
            organisation = connections.organisation(db, organisation_id)
            heap = in_state(db, organisation_id, PlanState.RUNNING, after=after)
            if organisation is None or not heap:
                break
            connections.lock_organisation(db, organisation_id)
            now = app.clock()
            for plan in read_plans(db, organisation, [dict(row._mapping) for row in heap], now=now):
                counted[plan.standing.state] += 1
                follow_plan(db, organisation, plan, now)
        if len(heap) < MAX_A_RUN:
            break
        after = heap[-1].id
    return counted


def follow_plan(db: Connection, organisation: Organisation, plan: Plan, now: datetime) -> None:
    """Hold the invoices of a plan until the instalment ahead must have arrived, or end it where it is over.

    What is on its way counts for that: where it fails, what was missed breaks the plan then.
    """
    standing, ahead = plan.standing, plan.standing.ahead
    if standing.state is PlanState.KEPT:
        _close(db, organisation, plan, state=PlanState.KEPT, why="all is paid", at=now)
        return
    if ahead is None or standing.last_day is None:
        _hold(db, organisation, plan, "A payment plan is running: its rest is on its way.", until=plan.comes_by, at=now)
        return
    if standing.state is PlanState.BROKEN:
        why = f"{ahead.amount} due on {ahead.due_on} did not arrive by {standing.last_day}"
        _close(db, organisation, plan, state=PlanState.BROKEN, why=why, at=now)
        open_task(
            db,
            organisation,
            kind=TaskKind.BROKEN_PROMISE,
            subject=plan.documents[0],
            customer_id=plan.customer_id,
            text=f"A payment plan over {plan.debt} was not kept: {why}.",
            at=now,
        )
        return
    until = start_of_day(standing.last_day + timedelta(days=1), organisation.time_zone)
    reason = f"A payment plan is running: {ahead.amount} are due on {ahead.due_on}."
    _hold(db, organisation, plan, reason, until=until, at=now)


def _hold(
    db: Connection, organisation: Organisation, plan: Plan, reason: str, *, until: datetime | None, at: datetime
) -> None:
    """Hold the invoices of a plan for this reason until then, unless they are already."""
    for document_id in plan.documents:
        if not _holds(db, organisation.id, document_id, reason, until):
            place_hold(
                db,
                organisation_id=organisation.id,
                document_id=document_id,
                code=PLAN,
                reason=reason,
                placed_by=WATCHER,
                at=at,
                until=until,
            )


def _holds(db: Connection, organisation_id: str, document_id: str, reason: str, until: datetime | None) -> bool:
    hold = t.hold.c
    mine = (hold.organisation_id == organisation_id) & (hold.document_id == document_id) & (hold.code == PLAN)
    row = db.execute(select(hold.reason, hold.until).where(mine, hold.released_at.is_(None))).first()
    return row is not None and (row.reason, row.until) == (reason, until)


def close_plan(
    db: Connection,
    organisation_id: str,
    plan_id: str,
    documents: Sequence[str],
    *,
    state: PlanState,
    why: str,
    actor: str,
    at: datetime,
) -> None:
    """End a plan as `state` says: its invoices are held by it no more."""
    mine = (t.payment_plan.c.organisation_id == organisation_id) & (t.payment_plan.c.id == plan_id)
    db.execute(update(t.payment_plan).where(mine).values(state=state.value, ended_at=at, why=why))
    for document_id in documents:
        release_hold(db, organisation_id, document_id, PLAN, at)
    note(db, organisation_id, documents, action=f"plan_{state}", detail=why, actor=actor, at=at)


def _close(db: Connection, organisation: Organisation, plan: Plan, *, state: PlanState, why: str, at: datetime) -> None:
    close_plan(db, organisation.id, plan.plan_id, plan.documents, state=state, why=why, actor=WATCHER, at=at)
