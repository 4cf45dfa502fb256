"""Pages of payment plans: all of them, whether payers agree by themselves, and one agreed with a customer."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import Form
from starlette.responses import Response

from receivables.money import Money, MoneyError
from reminders.payment_plan import MAX_INSTALMENTS
from runtime.operations.customers import names_of
from runtime.operations.errors import InputError
from runtime.operations.plans.agree_plan import (
    MAX_CONSENT_CHARS,
    MIN_INSTALMENTS,
    agree_plan,
    end_plan,
    set_payers_plans,
)
from runtime.operations.plans.payment_plans import offers, plans_of
from runtime.web.access import CHASE, SEE, SWITCH, Who, routes
from runtime.web.numbers import Given
from runtime.web.pages import go, page
from runtime.web.running import Running
from runtime.web.staff import organisation_or_404
from runtime.web.work import known

ROUTES = routes("plans")


@ROUTES.get("/o/{organisation_id}/plans", dependencies=[SEE])
def show_plans(app: Running, organisation_id: str, customer: str = "", notice: str = "") -> Response:
    """List the payment plans; of a customer who is named, what could be paid in instalments."""
    now = app.clock()
    with app.store.read() as db:
        organisation = organisation_or_404(db, organisation_id)
        today = now.astimezone(organisation.zone).date()
        plans = plans_of(db, organisation, now=now)
        names = names_of(db, organisation_id, {each.customer_id for each in plans} | {customer})
        possible = offers(db, organisation, customer, now=now) if customer in names else []
    return page(
        "plans.html",
        organisation=organisation,
        plans=plans,
        names=names,
        customer=customer,
        offers=possible,
        today=today,
        least=MIN_INSTALMENTS,
        most=MAX_INSTALMENTS,
        longest=MAX_CONSENT_CHARS,
        notice=notice,
    )


@ROUTES.post("/o/{organisation_id}/settings/plans", dependencies=[SWITCH], status_code=303)
def set_payers(app: Running, who: Who, organisation_id: str, most: Given) -> Response:
    """Let payers agree on so many instalments by themselves, or on none."""
    known(app, organisation_id)
    set_payers_plans(app, organisation_id=organisation_id, most=most, actor=who)
    return go(f"/o/{organisation_id}/plans", "declared")


@ROUTES.post("/o/{organisation_id}/customers/{customer_id}/plan", dependencies=[CHASE], status_code=303)
def agree(
    app: Running,
    who: Who,
    organisation_id: str,
    customer_id: str,
    *,
    minor: Given,
    currency: Annotated[str, Form(pattern="^[A-Z]{3}$")],
    count: Given,
    first_on: Annotated[str, Form(max_length=10)],
    consent: Annotated[str, Form()],
) -> Response:
    """Keep a plan that was agreed with a customer, and how they agreed."""
    known(app, organisation_id)
    try:
        debt, first = Money(minor, currency), date.fromisoformat(first_on)
    except (MoneyError, ValueError) as error:
        raise InputError(str(error)) from None
    agree_plan(
        app,
        organisation_id=organisation_id,
        customer_id=customer_id,
        debt=debt,
        count=count,
        first_on=first,
        consent=consent,
        actor=who,
    )
    return go(f"/o/{organisation_id}/plans", "plan_kept")


@ROUTES.post("/o/{organisation_id}/plans/{plan_id}/end", dependencies=[CHASE], status_code=303)
def end(app: Running, who: Who, organisation_id: str, plan_id: str) -> Response:
    """End a plan: what is open of it is due again."""
    known(app, organisation_id)
    end_plan(app, organisation_id=organisation_id, plan_id=plan_id, actor=who)
    return go(f"/o/{organisation_id}/plans", "plan_ended")
