"""The payer's own page of instalments: looked at first, then agreed on with a recorded consent."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated

from fastapi import Form, Query
from starlette.responses import Response

from receivables.money import Money, MoneyError
from reminders.payment_plan import Instalment, last_first_day, monthly
from runtime.operations.errors import InputError
from runtime.operations.plans.agree_plan import AMOUNT_CHANGED, MIN_INSTALMENTS, agree_plan
from runtime.operations.plans.pay_instalment import pay_instalment
from runtime.operations.plans.payment_plans import Offer, offers
from runtime.web.access import PAYER, routes
from runtime.web.days import day_of
from runtime.web.numbers import Asked, Given
from runtime.web.pages import go
from runtime.web.portal import ACTOR, Means, Visiting
from runtime.web.running import Running

ROUTES = routes("portal", prefix="/p/{token}", dependencies=[PAYER])
CONSENT = "I agree to pay these amounts by these days."
USUAL_COUNT, USUAL_DAYS = 3, 7


@ROUTES.get("/plan")
def show_plan(
    app: Running,
    visiting: Visiting,
    currency: Annotated[str, Query(max_length=3)] = "",
    count: Asked = USUAL_COUNT,
    first_on: Annotated[str, Query(max_length=10)] = "",
) -> Response:
    """Show what could be paid in instalments, and those of the number and first day that were chosen."""
    most, now = visiting.organisation.payers_instalments, app.clock()
    if not most:
        return go(f"/p/{visiting.token}")
    today = now.astimezone(visiting.organisation.zone).date()
    first = day_of(first_on) if first_on else today + timedelta(days=USUAL_DAYS)
    count = min(count, most) if not currency else count
    with app.store.read() as db:
        found = offers(db, visiting.organisation, visiting.account.customer_id, now=now, by_payer=True)
    if currency and not (MIN_INSTALMENTS <= count <= most and today <= first <= last_first_day(today)):
        raise InputError("choose a number of instalments and a first day within a month")
    return visiting.page(
        "portal_plan.html",
        offers=[(each, _instalments(each, currency, count, first)) for each in found],
        counts=range(MIN_INSTALMENTS, most + 1),
        count=count,
        first_on=first,
        today=today,
        last=last_first_day(today),
        consent=CONSENT,
    )


@ROUTES.post("/plan", status_code=303)
def take_plan(
    app: Running,
    visiting: Visiting,
    *,
    minor: Given,
    currency: Annotated[str, Form(pattern="^[A-Z]{3}$")],
    count: Given,
    first_on: Annotated[str, Form(max_length=10)],
    agreed: Annotated[str, Form(max_length=3)] = "",
) -> Response:
    """Agree on the instalments that were shown; what was agreed to is kept in the payer's words."""
    most = visiting.organisation.payers_instalments
    if not most:
        raise InputError("instalments are not offered here: please answer our message instead")
    if agreed != "yes":
        raise InputError("please agree to the instalments first")
    try:
        debt = Money(minor, currency)
    except MoneyError:
        raise InputError(AMOUNT_CHANGED) from None
    agree_plan(
        app,
        organisation_id=visiting.organisation.id,
        customer_id=visiting.account.customer_id,
        debt=debt,
        count=count,
        first_on=day_of(first_on),
        consent=visiting.language.gettext(CONSENT),
        actor=ACTOR,
        most=most,
        by_payer=True,
    )
    return go(f"/p/{visiting.token}", "plan_agreed")


@ROUTES.post("/plan/{plan_id}/pay")
def take_instalment(
    app: Running, visiting: Visiting, plan_id: str, means: Annotated[Means, Form()] = Means.CARD
) -> Response:
    """Lead the payer to a page on which they pay the instalment ahead, or learn where to transfer it to."""
    address = pay_instalment(
        app,
        organisation_id=visiting.organisation.id,
        customer_id=visiting.account.customer_id,
        plan_id=plan_id,
        back_to=f"{app.settings.public_url.rstrip('/')}/p/{visiting.token}",
        by_transfer=means is Means.TRANSFER,
    )
    return visiting.page("portal_checkout.html", address=address)


def _instalments(offer: Offer, currency: str, count: int, first_on: date) -> tuple[Instalment, ...]:
    """The instalments of the offer that was chosen; none of the others."""
    return monthly(debt=offer.debt, count=count, first_on=first_on) if offer.debt.currency == currency else ()
