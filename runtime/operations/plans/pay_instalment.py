"""A payer pays what is left of the instalment ahead on the processor's page: what of it is for which invoice we say."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select

from reminders.payment_plan import PlanState
from runtime.app import App
from runtime.operations.errors import RefusedError
from runtime.operations.payers.checkouts import LIFETIME
from runtime.operations.payers.pay_by_card import Choice, open_page
from runtime.operations.plans.payment_plans import read_plan
from runtime.store import tables as t
from runtime.store.connections import Organisation


def pay_instalment(
    app: App, *, organisation_id: str, customer_id: str, plan_id: str, back_to: str, by_transfer: bool = False
) -> str:
    """Open a page on which the customer pays the instalment ahead of their plan, as `pay_by_card` does for invoices.

    RefusedError where the plan does not run, all of the instalment is paid or on its way, or no page can be opened.
    """

    def choose(db: Connection, organisation: Organisation, now: datetime) -> Choice:
        plan = t.payment_plan.c
        mine = (plan.organisation_id == organisation_id) & (plan.customer_id == customer_id) & (plan.id == plan_id)
        row = db.execute(select(t.payment_plan).where(mine, plan.state == PlanState.RUNNING.value)).first()
        if row is None:
            raise RefusedError("this payment plan is over: please look at your account again")
        parts = read_plan(db, organisation, dict(row._mapping), now=now).to_pay
        if not parts:
            raise RefusedError("nothing is left to pay of this instalment: please look at your account again")
        return Choice(
            numbers={each.document_id: each.number for each in parts},
            amounts={each.document_id: each.amount for each in parts},
            ends=now + LIFETIME,
        )

    return open_page(
        app, choose, organisation_id=organisation_id, customer_id=customer_id, back_to=back_to, by_transfer=by_transfer
    )
