"""What a person notes, holds and has sent on our own pages: a promise, a dispute, a pause, a reminder once more."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

from fastapi import Form, HTTPException
from starlette.responses import Response

from runtime.app import App
from runtime.operations.payers.dispute import dispute
from runtime.operations.payers.hold_by_hand import hand_over, pause_by_hand, resume_by_hand, take_back_by_hand
from runtime.operations.payers.promise import promise
from runtime.operations.reminding.send_by_hand import send_again_by_hand, send_statement_by_hand
from runtime.operations.views.contacts import customer_exists
from runtime.operations.views.invoices import customer_of
from runtime.web.access import CHASE, Who, routes
from runtime.web.days import MAX_DAY_CHARS, day_of
from runtime.web.numbers import AmountText
from runtime.web.pages import go
from runtime.web.running import Running
from runtime.web.staff import organisation_or_404

ROUTES = routes("holding")
OF_INVOICE = "/o/{organisation_id}/invoices/{document_id}"
OF_CUSTOMER = "/o/{organisation_id}/customers/{customer_id}"
Day = Annotated[str, Form(max_length=MAX_DAY_CHARS)]
Text = Annotated[str, Form()]


@ROUTES.post(f"{OF_INVOICE}/promise", dependencies=[CHASE], status_code=303)
def note_promise(
    app: Running, who: Who, organisation_id: str, document_id: str, *, promised_on: Day, part: AmountText = ""
) -> Response:
    """Note the day on which the customer said that they pay, and how much, where that is less than all."""
    promise(
        app,
        **_invoice(app, organisation_id, document_id),
        promised_on=day_of(promised_on),
        part=part,
        actor=who,
        is_noted=True,
    )
    return _back(organisation_id, "invoices", document_id, "promise_noted")


@ROUTES.post(f"{OF_INVOICE}/dispute", dependencies=[CHASE], status_code=303)
def note_dispute(app: Running, who: Who, organisation_id: str, document_id: str, reason: Text) -> Response:
    """Note what the customer says is wrong with an invoice."""
    dispute(app, **_invoice(app, organisation_id, document_id), reason=reason, actor=who)
    return _back(organisation_id, "invoices", document_id, "dispute_noted")


@ROUTES.post(f"{OF_INVOICE}/pause", dependencies=[CHASE], status_code=303)
def pause_invoice(
    app: Running, who: Who, organisation_id: str, document_id: str, *, until: Day, reason: Text
) -> Response:
    """Pause reminders of one invoice."""
    pause_by_hand(app, **_invoice(app, organisation_id, document_id), until=day_of(until), reason=reason, actor=who)
    return _back(organisation_id, "invoices", document_id, "paused")


@ROUTES.post(f"{OF_INVOICE}/resume", dependencies=[CHASE], status_code=303)
def resume_invoice(app: Running, who: Who, organisation_id: str, document_id: str) -> Response:
    """Let reminders of one invoice go on."""
    resume_by_hand(app, **_invoice(app, organisation_id, document_id), actor=who)
    return _back(organisation_id, "invoices", document_id, "resumed")


@ROUTES.post(f"{OF_INVOICE}/hand-over", dependencies=[CHASE], status_code=303)
def hand_invoice_over(app: Running, who: Who, organisation_id: str, document_id: str, whom: Text) -> Response:
    """Note who asks for an invoice in our place: a lawyer, a court or an agency."""
    hand_over(app, **_invoice(app, organisation_id, document_id), whom=whom, actor=who)
    return _back(organisation_id, "invoices", document_id, "handed_over")


@ROUTES.post(f"{OF_INVOICE}/take-back", dependencies=[CHASE], status_code=303)
def take_invoice_back(app: Running, who: Who, organisation_id: str, document_id: str) -> Response:
    """Ask for a handed-over invoice ourselves again."""
    _invoice(app, organisation_id, document_id)
    take_back_by_hand(app, organisation_id=organisation_id, document_id=document_id, actor=who)
    return _back(organisation_id, "invoices", document_id, "taken_back")


@ROUTES.post(f"{OF_INVOICE}/send-again", dependencies=[CHASE], status_code=303)
def send_reminder_again(app: Running, who: Who, organisation_id: str, document_id: str) -> Response:
    """Let the last reminder of an invoice be sent again: it did not arrive, or the customer asks for it."""
    send_again_by_hand(app, **_invoice(app, organisation_id, document_id), actor=who)
    return _back(organisation_id, "invoices", document_id, "due_again")


@ROUTES.post(f"{OF_CUSTOMER}/statement", dependencies=[CHASE], status_code=303)
def mail_statement(app: Running, who: Who, organisation_id: str, customer_id: str) -> Response:
    """Send a customer their statement of account by e-mail, now."""
    send_statement_by_hand(app, **_customer(app, organisation_id, customer_id), actor=who)
    return _back(organisation_id, "customers", customer_id, "statement_mailed")


@ROUTES.post(f"{OF_CUSTOMER}/pause", dependencies=[CHASE], status_code=303)
def pause_customer(
    app: Running, who: Who, organisation_id: str, customer_id: str, *, until: Day, reason: Text
) -> Response:
    """Pause reminders of everything that a customer has open."""
    whose = _customer(app, organisation_id, customer_id)
    pause_by_hand(app, **whose, until=day_of(until), reason=reason, actor=who)
    return _back(organisation_id, "customers", customer_id, "all_paused")


@ROUTES.post(f"{OF_CUSTOMER}/resume", dependencies=[CHASE], status_code=303)
def resume_customer(app: Running, who: Who, organisation_id: str, customer_id: str) -> Response:
    """Let reminders of everything that a customer has open go on."""
    resume_by_hand(app, **_customer(app, organisation_id, customer_id), actor=who)
    return _back(organisation_id, "customers", customer_id, "resumed")


def _invoice(app: App, organisation_id: str, document_id: str) -> dict[str, str]:
    """Return which invoice the address names, and whose it is; another one is not found."""
    with app.store.read() as db:
        organisation_or_404(db, organisation_id)
        customer_id = customer_of(db, organisation_id, document_id)
    if customer_id is None:
        raise HTTPException(404)
    return {"organisation_id": organisation_id, "customer_id": customer_id, "document_id": document_id}


def _customer(app: App, organisation_id: str, customer_id: str) -> dict[str, str]:
    """Return which customer the address names; another one is not found."""
    with app.store.read() as db:
        organisation_or_404(db, organisation_id)
        if not customer_exists(db, organisation_id, customer_id):
            raise HTTPException(404)
    return {"organisation_id": organisation_id, "customer_id": customer_id}


def _back(organisation_id: str, what: str, its_id: str, notice: str) -> Response:
    return go(f"/o/{organisation_id}/{what}/{quote(its_id)}", notice)
