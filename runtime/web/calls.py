"""Pages of what a person carries out: the calls to make, one of them with its script and outcome, handing over."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

from fastapi import Form, HTTPException
from starlette.responses import Response

from reminders.evidence import Channel
from runtime.operations.payers.promise import MAX_DAYS_AHEAD
from runtime.operations.reminding.call_customers import MAX_ATTEMPTS, Outcome, Said, begin, record_outcome, take_back
from runtime.operations.views.calls import one_call, waiting_calls
from runtime.web.access import CHASE, SEE, Who, routes
from runtime.web.days import day_of
from runtime.web.numbers import AmountText
from runtime.web.pages import go, page
from runtime.web.running import Running
from runtime.web.staff import organisation_or_404
from runtime.web.work import known

ROUTES = routes("calls")


@ROUTES.get("/o/{organisation_id}/calls", dependencies=[SEE])
def show_calls(app: Running, organisation_id: str, notice: str = "") -> Response:
    """List the calls to make and the debts to hand over, by the last plan."""
    with app.store.read() as db:
        organisation = organisation_or_404(db, organisation_id)
        calls = waiting_calls(db, organisation)
    return page("calls.html", organisation=organisation, calls=calls, notice=notice)


@ROUTES.get("/o/{organisation_id}/calls/{reminder_id}", dependencies=[SEE])
def show_call(app: Running, organisation_id: str, reminder_id: str, notice: str = "") -> Response:
    """Show one call: its script and the form for its outcome, once it has begun."""
    with app.store.read() as db:
        organisation = organisation_or_404(db, organisation_id)
        view = one_call(db, organisation, reminder_id)
    if view is None:
        raise HTTPException(404)
    today = app.clock().astimezone(organisation.zone).date()
    return page(
        "call.html",
        organisation=organisation,
        view=view,
        outcomes=Outcome,
        today=today,
        ahead=MAX_DAYS_AHEAD,
        attempts=MAX_ATTEMPTS,
        notice=notice,
    )


@ROUTES.post("/o/{organisation_id}/calls/{reminder_id}/begin", dependencies=[CHASE], status_code=303)
def begin_call(app: Running, who: Who, organisation_id: str, reminder_id: str) -> Response:
    """Let it pass the gate, for whoever is about to call or hand over."""
    known(app, organisation_id)
    channel = begin(app, organisation_id=organisation_id, reminder_id=reminder_id, actor=who)
    notice = "handed_over" if channel is Channel.HAND_OVER else "call_begun"
    return go(f"/o/{organisation_id}/calls/{quote(reminder_id)}", notice)


@ROUTES.post("/o/{organisation_id}/calls/{reminder_id}/outcome", dependencies=[CHASE], status_code=303)
def take_outcome(
    app: Running,
    who: Who,
    organisation_id: str,
    reminder_id: str,
    *,
    outcome: Annotated[Outcome, Form()],
    note: Annotated[str, Form(max_length=2_000)] = "",
    promised_on: Annotated[str, Form(max_length=10)] = "",
    part: AmountText = "",
) -> Response:
    """Keep how a call ended."""
    known(app, organisation_id)
    day = day_of(promised_on) if promised_on and outcome is Outcome.PROMISED else None
    said = Said(outcome, note.strip(), day, part)
    record_outcome(app, organisation_id=organisation_id, reminder_id=reminder_id, said=said, actor=who)
    return go(f"/o/{organisation_id}/calls", "outcome_kept")


@ROUTES.post("/o/{organisation_id}/calls/{reminder_id}/take-back", dependencies=[CHASE], status_code=303)
def end_handing_over(app: Running, who: Who, organisation_id: str, reminder_id: str) -> Response:
    """Ask for handed-over invoices ourselves again."""
    known(app, organisation_id)
    take_back(app, organisation_id=organisation_id, reminder_id=reminder_id, actor=who)
    return go(f"/o/{organisation_id}/calls/{quote(reminder_id)}", "taken_back")
