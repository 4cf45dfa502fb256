"""The page of autopay: who has it, what is taken next, and whether payers are offered it."""

from __future__ import annotations

from typing import Annotated

from fastapi import Form
from starlette.responses import Response

from runtime.operations.autopay.agree import end_autopay, may_agree, switch_autopay
from runtime.operations.errors import RefusedError
from runtime.operations.views.autopay import autopay_page
from runtime.web.access import CHASE, SEE, SWITCH, Who, routes
from runtime.web.pages import go, page
from runtime.web.running import Running
from runtime.web.setup import Switch
from runtime.web.staff import organisation_or_404
from runtime.web.work import known

ROUTES = routes("autopay")


@ROUTES.get("/o/{organisation_id}/autopay", dependencies=[SEE])
def show_autopay(app: Running, organisation_id: str, notice: str = "") -> Response:
    """List who pays by autopay, what is taken next, and what was not."""
    with app.store.read() as db:
        organisation = organisation_or_404(db, organisation_id)
        view = autopay_page(db, organisation, now=app.clock())
        offered = may_agree(db, organisation)
    return page("autopay.html", organisation=organisation, view=view, offered=offered, notice=notice)


@ROUTES.post("/o/{organisation_id}/settings/autopay", dependencies=[SWITCH], status_code=303)
def switch(app: Running, who: Who, organisation_id: str, autopay: Annotated[Switch, Form()]) -> Response:
    """Offer payers autopay, or no more."""
    known(app, organisation_id)
    switch_autopay(app, organisation_id=organisation_id, on=autopay is Switch.ON, actor=who)
    return go(f"/o/{organisation_id}/autopay", f"autopay_{autopay}")


@ROUTES.post("/o/{organisation_id}/customers/{customer_id}/autopay/end", dependencies=[CHASE], status_code=303)
def end(app: Running, who: Who, organisation_id: str, customer_id: str) -> Response:
    """Switch autopay of a customer off."""
    known(app, organisation_id)
    if not end_autopay(app, organisation_id=organisation_id, customer_id=customer_id, actor=who):
        raise RefusedError("this customer does not pay by autopay")
    return go(f"/o/{organisation_id}/autopay", "autopay_stopped")
