"""The page of late charges: terms and rates, what waits for a decision with its arithmetic, what was decided."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Form, Query
from starlette.responses import Response

from receivables.money import Money, MoneyError
from reminders.charges import PAID_LATE_DAYS
from runtime.operations.charges.decide import Shown, approve_charge, waive_charge
from runtime.operations.charges.refused import approve_again, give_up_charge
from runtime.operations.charges.terms import DUE_DAYS, MAX_DUE_DAYS, note_business, set_rate, set_terms, switch_charges
from runtime.operations.errors import InputError
from runtime.operations.views.charges import charges_view
from runtime.web.access import CONFIGURE, MATCH, SEE, SWITCH, Who, routes
from runtime.web.days import day_of
from runtime.web.numbers import Given
from runtime.web.pages import go, page
from runtime.web.running import Running
from runtime.web.setup import Answer, Switch
from runtime.web.staff import organisation_or_404
from runtime.web.work import WITH_KEYS, known

ROUTES = routes("charges")
Short = Annotated[str, Form(max_length=20)]
Code = Annotated[str, Form(pattern="^[A-Z]{3}$")]


def _shown(*, until: Short, interest: Given, fixed: Given, currency: Code) -> Shown:
    """Read what the page showed, which its forms bring back."""
    try:
        return Shown(day_of(until), Money(interest, currency), Money(fixed, currency))
    except MoneyError as error:
        raise InputError(str(error)) from None


Decided = Annotated[Shown, Depends(_shown)]


@ROUTES.get("/o/{organisation_id}/charges", dependencies=[SEE])
def show_charges(
    app: Running, organisation_id: str, notice: str = "", q: Annotated[str, Query(max_length=100)] = ""
) -> Response:
    """Show what late invoices have come to and what was decided about it; `q` is searched for."""
    with app.store.read() as db:
        organisation = organisation_or_404(db, organisation_id)
        view = charges_view(db, organisation, now=app.clock(), text=q.strip())
    shown = page(
        "charges.html",
        organisation=organisation,
        view=view,
        most_days=MAX_DUE_DAYS,
        paid_late_days=PAID_LATE_DAYS,
        q=q,
        notice=notice,
    )
    shown.headers["Content-Security-Policy"] = WITH_KEYS
    return shown


@ROUTES.post("/o/{organisation_id}/settings/charges", dependencies=[SWITCH], status_code=303)
def switch(app: Running, who: Who, organisation_id: str, charges: Annotated[Switch, Form()]) -> Response:
    """Let charges be proposed and approved, or none."""
    known(app, organisation_id)
    switch_charges(app, organisation_id=organisation_id, on=charges is Switch.ON, actor=who)
    return go(f"/o/{organisation_id}/charges", f"charges_{charges}")


@ROUTES.post("/o/{organisation_id}/charges/terms", dependencies=[CONFIGURE], status_code=303)
def take_terms(
    app: Running,
    who: Who,
    organisation_id: str,
    *,
    contract_rate: Short = "",
    contract_fee: Short = "",
    due_days: Given = DUE_DAYS,
) -> Response:
    """Charge by the contract, or by the law."""
    known(app, organisation_id)
    set_terms(
        app,
        organisation_id=organisation_id,
        contract_rate=contract_rate.strip(),
        contract_fee=contract_fee.strip(),
        due_days=due_days,
        actor=who,
    )
    return go(f"/o/{organisation_id}/charges", "declared")


@ROUTES.post("/o/{organisation_id}/charges/rate", dependencies=[CONFIGURE], status_code=303)
def take_rate(app: Running, who: Who, organisation_id: str, *, since: Short, per_cent: Short = "") -> Response:
    """Keep the reference rate of a half-year; an empty one forgets it."""
    known(app, organisation_id)
    set_rate(app, organisation_id=organisation_id, since=day_of(since), per_cent=per_cent.strip(), actor=who)
    return go(f"/o/{organisation_id}/charges", "declared")


@ROUTES.post("/o/{organisation_id}/customers/{customer_id}/business", dependencies=[CONFIGURE], status_code=303)
def take_business(
    app: Running, who: Who, organisation_id: str, customer_id: str, business: Annotated[Answer, Form()]
) -> Response:
    """Keep whether a customer is a business."""
    known(app, organisation_id)
    note_business(
        app, organisation_id=organisation_id, customer_id=customer_id, is_business=business is Answer.YES, actor=who
    )
    return go(f"/o/{organisation_id}/charges", "declared")


@ROUTES.post("/o/{organisation_id}/charges/{document_id}/approve", dependencies=[MATCH], status_code=303)
def approve(app: Running, who: Who, organisation_id: str, document_id: str, shown: Decided) -> Response:
    """Post what the page showed to the ledger."""
    known(app, organisation_id, document_id=document_id)
    approve_charge(app, organisation_id=organisation_id, document_id=document_id, shown=shown, actor=who)
    return go(f"/o/{organisation_id}/charges", "charge_approved")


@ROUTES.post("/o/{organisation_id}/charges/{document_id}/waive", dependencies=[MATCH], status_code=303)
def waive(app: Running, who: Who, organisation_id: str, document_id: str, shown: Decided) -> Response:
    """Ask for nothing of what the page showed."""
    known(app, organisation_id, document_id=document_id)
    waive_charge(app, organisation_id=organisation_id, document_id=document_id, shown=shown, actor=who)
    return go(f"/o/{organisation_id}/charges", "charge_waived")


@ROUTES.post("/o/{organisation_id}/refused-charges/{charge_id}/again", dependencies=[MATCH], status_code=303)
def post_again(app: Running, who: Who, organisation_id: str, charge_id: str) -> Response:
    """Post a charge once more that the ledger refused."""
    known(app, organisation_id)
    approve_again(app, organisation_id=organisation_id, charge_id=charge_id, actor=who)
    return go(f"/o/{organisation_id}/charges", "charge_approved")


@ROUTES.post("/o/{organisation_id}/refused-charges/{charge_id}/waive", dependencies=[MATCH], status_code=303)
def give_up(app: Running, who: Who, organisation_id: str, charge_id: str) -> Response:
    """Waive a charge that the ledger refused."""
    known(app, organisation_id)
    give_up_charge(app, organisation_id=organisation_id, charge_id=charge_id, actor=who)
    return go(f"/o/{organisation_id}/charges", "charge_waived")
