"""The page of early-payment discounts: those that were taken in time wait here for a person."""

from __future__ import annotations

from typing import Annotated

from fastapi import Form
from starlette.responses import Response

from receivables.money import Money, MoneyError
from runtime.operations.discounts.decide import grant_discount, refuse_discount
from runtime.operations.errors import InputError
from runtime.operations.views.discounts import discounts_view
from runtime.web.access import MATCH, SEE, Who, routes
from runtime.web.numbers import Given
from runtime.web.pages import go, page
from runtime.web.running import Running
from runtime.web.staff import organisation_or_404
from runtime.web.work import WITH_KEYS, known

ROUTES = routes("discounts")
Code = Annotated[str, Form(pattern="^[A-Z]{3}$")]


@ROUTES.get("/o/{organisation_id}/discounts", dependencies=[SEE])
def show_discounts(app: Running, organisation_id: str, notice: str = "") -> Response:
    """Show what waits, what is offered and what was decided."""
    with app.store.read() as db:
        organisation = organisation_or_404(db, organisation_id)
        view = discounts_view(db, organisation, now=app.clock())
    shown = page("discounts.html", organisation=organisation, view=view, notice=notice)
    shown.headers["Content-Security-Policy"] = WITH_KEYS
    return shown


@ROUTES.post("/o/{organisation_id}/discounts/{document_id}/grant", dependencies=[MATCH], status_code=303)
def grant(app: Running, who: Who, organisation_id: str, document_id: str, *, minor: Given, currency: Code) -> Response:
    """Post a discount to the ledger: the invoice is closed by it."""
    known(app, organisation_id, document_id=document_id)
    amount = _amount(minor, currency)
    grant_discount(app, organisation_id=organisation_id, document_id=document_id, amount=amount, actor=who)
    return go(f"/o/{organisation_id}/discounts", "discount_granted")


@ROUTES.post("/o/{organisation_id}/discounts/{document_id}/refuse", dependencies=[MATCH], status_code=303)
def refuse(app: Running, who: Who, organisation_id: str, document_id: str, *, minor: Given, currency: Code) -> Response:
    """Let the rest be owed."""
    known(app, organisation_id, document_id=document_id)
    amount = _amount(minor, currency)
    refuse_discount(app, organisation_id=organisation_id, document_id=document_id, amount=amount, actor=who)
    return go(f"/o/{organisation_id}/discounts", "discount_refused")


def _amount(minor: int, currency: str) -> Money:
    """Read what the page showed, which its forms bring back."""
    try:
        return Money(minor, currency)
    except MoneyError as error:
        raise InputError(str(error)) from None
