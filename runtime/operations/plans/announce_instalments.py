"""Tell payers of an instalment that comes up, once each, some days before it is due."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from reminders.courtesy_message import render_instalment
from reminders.evidence import ContactEvidence
from reminders.message import Message
from reminders.payment_plan import PlanState
from runtime.app import App
from runtime.operations.plans.payment_plans import Plan, read_plan, read_plans, running
from runtime.operations.reaching.contact_language import language_for
from runtime.operations.reminding.compose import brand_of, portal_links
from runtime.operations.reminding.courtesies import Courtesy, not_told, send_once
from runtime.operations.systems.read_invoices import Reading, read_invoices
from runtime.store import connections
from runtime.store.connections import Organisation

INSTALMENT = "instalment"
DAYS_BEFORE = 3


def announce_instalments(app: App, organisation_id: str) -> Counter[str]:
    """Write to whoever has an instalment due in DAYS_BEFORE days. Returns how many ended each way."""
    outcome: Counter[str] = Counter()
    with app.store.read() as db:
        organisation = connections.organisation(db, organisation_id)
        if app.email is None or organisation is None or not organisation.sending_on:
            return outcome
        now = app.clock()
        plans = {row.id: dict(row._mapping) for row in running(db, organisation_id)}
        today = now.astimezone(organisation.zone).date()
        found = read_plans(db, organisation, list(plans.values()), now=now)
        due = {plan.plan_id: each for plan in found if (each := _ahead(plan, today))}
        due = not_told(db, organisation_id, due)
    if read_invoices(app, organisation_id, [each for one in due.values() for each in one.documents]) is Reading.FAILED:
        return outcome
    for plan_id, courtesy in due.items():

        def write(
            db: Connection, contact: ContactEvidence, at: datetime, of: str = plan_id, about: Courtesy = courtesy
        ) -> Message | None:
            return _written(app, db, organisation, plans[of], about, contact=contact, now=at)

        outcome[send_once(app, app.email, organisation, courtesy, write)] += 1
    return outcome


def _ahead(plan: Plan, today: date) -> Courtesy | None:
    """What a plan has to be told of now."""
    ahead = plan.standing.ahead
    if plan.standing.state is not PlanState.RUNNING or ahead is None:
        return None
    if not today <= ahead.due_on <= today + timedelta(days=DAYS_BEFORE):
        return None
    return Courtesy(INSTALMENT, f"{plan.plan_id} {ahead.due_on}", plan.customer_id, plan.documents)


def _written(
    app: App,
    db: Connection,
    organisation: Organisation,
    row: dict[str, Any],
    courtesy: Courtesy,
    *,
    contact: ContactEvidence,
    now: datetime,
) -> Message | None:
    """The words, None where the instalment is paid or on its way by now."""
    plan = read_plan(db, organisation, row, now=now)
    ahead, missing = plan.standing.ahead, plan.standing.missing
    if ahead is None or missing is None or _ahead(plan, now.astimezone(organisation.zone).date()) != courtesy:
        return None
    return render_instalment(
        recipient=contact.recipient_name,
        instalment=ahead,
        missing=missing,
        left=plan.debt - plan.paid - plan.coming,
        brand=brand_of(db, organisation),
        links=portal_links(app, organisation.id, plan.customer_id),
        language=language_for(db, organisation.id, plan.customer_id, contact.country),
    )
