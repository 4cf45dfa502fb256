"""Agree on a payment plan, by a payer or a person, with a recorded consent; or end one."""

from __future__ import annotations

from datetime import date

from sqlalchemy import insert, select, update

from receivables.identity import stable_id
from receivables.money import Money
from reminders.payment_plan import MAX_INSTALMENTS, PlanState, last_first_day, monthly
from runtime.app import App
from runtime.operations.errors import InputError, RefusedError
from runtime.operations.plans.payment_plans import note, offers, read_plan
from runtime.operations.plans.watch_plans import close_plan, follow_plan
from runtime.operations.reminding.withdraw import withdraw_reminders
from runtime.store import connections, journal
from runtime.store import tables as t

MIN_INSTALMENTS = 2
MAX_CONSENT_CHARS = 1_000
AMOUNT_CHANGED = "the amount has changed meanwhile: look again, then agree"


def set_payers_plans(app: App, *, organisation_id: str, most: int, actor: str) -> None:
    """Let payers agree on up to `most` monthly instalments by themselves; 0: none. InputError beyond the bounds."""
    if most != 0 and not MIN_INSTALMENTS <= most <= MAX_INSTALMENTS:
        raise InputError(
            "payers may agree on %(least)s to %(most)s instalments, or on none (0)",
            least=MIN_INSTALMENTS,
            most=MAX_INSTALMENTS,
        )
    with app.store.write() as db:
        db.execute(update(t.organisation).where(t.organisation.c.id == organisation_id).values(payers_instalments=most))
        journal.record(
            db,
            organisation_id=organisation_id,
            at=app.clock(),
            actor=actor,
            action="plans_switched",
            subject=organisation_id,
            detail=f"up to {most} instalments" if most else "none",
        )


def agree_plan(
    app: App,
    *,
    organisation_id: str,
    customer_id: str,
    debt: Money,
    count: int,
    first_on: date,
    consent: str,
    actor: str,
    most: int = MAX_INSTALMENTS,
    by_payer: bool = False,
) -> None:
    """Agree that what is overdue of a customer in the currency of `debt` is paid in `count` monthly instalments.

    `consent` is what was agreed to, word for word. InputError for another number, day or an empty consent; RefusedError
    where `debt` is not what is overdue any more: what was seen is agreed on, and nothing else.
    """
    if not MIN_INSTALMENTS <= count <= most:
        raise InputError("choose %(least)s to %(most)s instalments", least=MIN_INSTALMENTS, most=most)
    if not 0 < len(consent.strip()) <= MAX_CONSENT_CHARS:
        raise InputError("note in at most %(longest)s characters what was agreed, and how", longest=MAX_CONSENT_CHARS)
    with app.store.write() as db:
        organisation = connections.organisation(db, organisation_id)
        if organisation is None:
            raise RefusedError("there is no such organisation")
        connections.lock_organisation(db, organisation_id)
        now = app.clock()
        today = now.astimezone(organisation.zone).date()
        if not today <= first_on <= last_first_day(today):
            raise InputError("the first instalment is due within a month from today")
        possible = offers(db, organisation, customer_id, now=now, by_payer=by_payer)
        offer = next((each for each in possible if each.debt == debt), None)
        if offer is None:
            raise RefusedError(AMOUNT_CHANGED)
        instalments = monthly(debt=debt, count=count, first_on=first_on)
        row = {
            "id": stable_id("pln", organisation_id, customer_id, now.isoformat()),
            "organisation_id": organisation_id,
            "customer_id": customer_id,
            "documents": list(offer.documents),
            "currency": debt.currency,
            "total_minor": debt.minor,
            "instalments": [[each.due_on.isoformat(), each.amount.minor] for each in instalments],
            "state": PlanState.RUNNING.value,
            "consent": consent.strip(),
            "agreed_by": actor,
            "agreed_at": now,
            "why": "",
        }
        db.execute(insert(t.payment_plan).values(row))
        follow_plan(db, organisation, read_plan(db, organisation, row, now=now), now)
        withdraw_reminders(
            db,
            organisation_id=organisation_id,
            document_ids=offer.documents,
            why=f"{debt} are paid in {count} instalments",
            at=now,
        )
        detail = f"{debt} in {count} instalments from {first_on}: {consent.strip()}"
        note(db, organisation_id, offer.documents, action="plan_agreed", detail=detail, actor=actor, at=now)
    app.wake()


def end_plan(app: App, *, organisation_id: str, plan_id: str, actor: str) -> None:
    """End a running plan: what is open of it is due again. RefusedError where it does not run."""
    with app.store.write() as db:
        connections.lock_organisation(db, organisation_id)
        now = app.clock()
        columns = t.payment_plan.c
        mine = (columns.organisation_id == organisation_id) & (columns.id == plan_id)
        plan = db.execute(select(t.payment_plan).where(mine, columns.state == PlanState.RUNNING.value)).first()
        if plan is None:
            raise RefusedError("there is no such plan that is running")
        close_plan(
            db, organisation_id, plan.id, plan.documents, state=PlanState.ENDED, why="ended", actor=actor, at=now
        )
