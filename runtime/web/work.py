"""Pages where a person decides: the review queue, undoing, what went back and disputes."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

from fastapi import Form, HTTPException, Query
from starlette.responses import Response

from receivables.money import Money, MoneyError
from runtime.app import App
from runtime.operations.applying.write_off import write_off
from runtime.operations.errors import InputError
from runtime.operations.matching import decide
from runtime.operations.matching.reconsider import reconsider
from runtime.operations.matching.returns import confirm_return, debit_exists, reject_return, see_return
from runtime.operations.matching.settle_question import settle_question
from runtime.operations.payers.dispute import settle_dispute
from runtime.operations.payers.question import mark_answered
from runtime.operations.views.invoices import document_exists
from runtime.operations.views.receipts import receipt_exists
from runtime.operations.views.review import review_queue
from runtime.store.connections import Organisation
from runtime.store.tables import ID_LENGTH
from runtime.web.access import CHASE, MATCH, SEE, Who, routes
from runtime.web.guards import PAGE_POLICY
from runtime.web.numbers import Given
from runtime.web.pages import go, page
from runtime.web.running import Running
from runtime.web.staff import organisation_or_404

WITH_KEYS = f"{PAGE_POLICY}; script-src 'self'; connect-src 'self'"  # the queue is worked from the keyboard


ROUTES = routes("work")


def known(
    app: App,
    organisation_id: str,
    *,
    receipt_id: str | None = None,
    document_id: str | None = None,
    debit_id: str | None = None,
) -> Organisation:
    """Return the organisation, when what the address names is its own."""
    with app.store.read() as db:
        organisation = organisation_or_404(db, organisation_id)
        if receipt_id is not None and not receipt_exists(db, organisation_id, receipt_id):
            raise HTTPException(404)
        if document_id is not None and not document_exists(db, organisation_id, document_id):
            raise HTTPException(404)
        if debit_id is not None and not debit_exists(db, organisation_id, debit_id):
            raise HTTPException(404)
    return organisation


@ROUTES.get("/o/{organisation_id}/review", dependencies=[SEE])
def show_review(
    app: Running,
    organisation_id: str,
    notice: str = "",
    last: Annotated[str, Query(max_length=ID_LENGTH)] = "",
    q: Annotated[str, Query(max_length=100)] = "",
) -> Response:
    """Show what waits for a decision, with the evidence; `last` was decided a moment ago, `q` is searched for."""
    with app.store.read() as db:
        organisation = organisation_or_404(db, organisation_id)
        view = review_queue(db, organisation.id, text=q.strip())
    free = last if notice == "rejected" else ""  # it has left the queue, and may pay something else
    shown = page("review.html", organisation=organisation, view=view, notice=notice, last=last, free=free, q=q)
    shown.headers["Content-Security-Policy"] = WITH_KEYS
    return shown


@ROUTES.post("/o/{organisation_id}/review/{receipt_id}/confirm", dependencies=[MATCH], status_code=303)
def confirm(app: Running, who: Who, organisation_id: str, receipt_id: str) -> Response:
    """Apply what is proposed."""
    known(app, organisation_id, receipt_id=receipt_id)
    decide.confirm(app, organisation_id=organisation_id, receipt_id=receipt_id, actor=who)
    return go(f"/o/{organisation_id}/review?last={quote(receipt_id)}", "confirmed")


@ROUTES.post("/o/{organisation_id}/review/{receipt_id}/reject", dependencies=[MATCH], status_code=303)
def reject(app: Running, who: Who, organisation_id: str, receipt_id: str) -> Response:
    """Say that the proposal is wrong."""
    known(app, organisation_id, receipt_id=receipt_id)
    decide.reject(app, organisation_id=organisation_id, receipt_id=receipt_id, actor=who)
    return go(f"/o/{organisation_id}/review?last={quote(receipt_id)}", "rejected")


@ROUTES.post("/o/{organisation_id}/review/{receipt_id}/reconsider", dependencies=[MATCH], status_code=303)
def take_decision_back(app: Running, who: Who, organisation_id: str, receipt_id: str) -> Response:
    """Let what was just decided wait again."""
    known(app, organisation_id, receipt_id=receipt_id)
    reconsider(app, organisation_id=organisation_id, receipt_id=receipt_id, actor=who)
    return go(f"/o/{organisation_id}/review", "reconsidered")


@ROUTES.post("/o/{organisation_id}/receipts/{receipt_id}/undo", dependencies=[MATCH], status_code=303)
def undo(app: Running, who: Who, organisation_id: str, receipt_id: str) -> Response:
    """Take an application back."""
    known(app, organisation_id, receipt_id=receipt_id)
    decide.undo(app, organisation_id=organisation_id, receipt_id=receipt_id, actor=who)
    return go(f"/o/{organisation_id}/receipts", "undone")


@ROUTES.post("/o/{organisation_id}/returns/{debit_id}/confirm", dependencies=[MATCH], status_code=303)
def take_back(app: Running, who: Who, organisation_id: str, debit_id: str) -> Response:
    """Say that a debit takes the proposed payment back."""
    known(app, organisation_id, debit_id=debit_id)
    confirm_return(app, organisation_id=organisation_id, debit_id=debit_id, actor=who)
    return go(f"/o/{organisation_id}/review", "returned")


@ROUTES.post("/o/{organisation_id}/returns/{debit_id}/seen", dependencies=[MATCH], status_code=303)
def see(app: Running, who: Who, organisation_id: str, debit_id: str) -> Response:
    """Say that a person has looked at a payment that went back."""
    known(app, organisation_id, debit_id=debit_id)
    see_return(app, organisation_id=organisation_id, debit_id=debit_id, actor=who)
    return go(f"/o/{organisation_id}/review", "seen")


@ROUTES.post("/o/{organisation_id}/returns/{debit_id}/reject", dependencies=[MATCH], status_code=303)
def keep(app: Running, who: Who, organisation_id: str, debit_id: str) -> Response:
    """Say that a debit does not take that payment back."""
    known(app, organisation_id, debit_id=debit_id)
    reject_return(app, organisation_id=organisation_id, debit_id=debit_id, actor=who)
    return go(f"/o/{organisation_id}/review", "not_returned")


@ROUTES.post("/o/{organisation_id}/invoices/{document_id}/settle-dispute", dependencies=[CHASE], status_code=303)
def settle(app: Running, who: Who, organisation_id: str, document_id: str) -> Response:
    """End a dispute."""
    known(app, organisation_id, document_id=document_id)
    settle_dispute(app, organisation_id=organisation_id, document_id=document_id, actor=who)
    return go(f"/o/{organisation_id}/invoices/{document_id}", "settled")


@ROUTES.post("/o/{organisation_id}/invoices/{document_id}/settle-question", dependencies=[MATCH], status_code=303)
def end_question(app: Running, who: Who, organisation_id: str, document_id: str) -> Response:
    """Say that a refund or a chargeback of an invoice was looked at."""
    known(app, organisation_id, document_id=document_id)
    settle_question(app, organisation_id=organisation_id, document_id=document_id, actor=who)
    return go(f"/o/{organisation_id}/invoices/{document_id}", "question_settled")


@ROUTES.post("/o/{organisation_id}/invoices/{document_id}/answered", dependencies=[CHASE], status_code=303)
def answered(app: Running, who: Who, organisation_id: str, document_id: str) -> Response:
    """Say that a payer's question about an invoice was answered."""
    known(app, organisation_id, document_id=document_id)
    mark_answered(app, organisation_id=organisation_id, document_id=document_id, actor=who)
    return go(f"/o/{organisation_id}/problems", "answered")


@ROUTES.post("/o/{organisation_id}/invoices/{document_id}/write-off", dependencies=[MATCH], status_code=303)
def give_up(
    app: Running,
    who: Who,
    organisation_id: str,
    document_id: str,
    *,
    minor: Given,
    currency: Annotated[str, Form(pattern="^[A-Z]{3}$")],
) -> Response:
    """Write off the small rest that the page showed."""
    known(app, organisation_id, document_id=document_id)
    try:
        amount = Money(minor, currency)
    except MoneyError as error:
        raise InputError(str(error)) from None
    write_off(app, organisation_id=organisation_id, document_id=document_id, amount=amount, actor=who)
    return go(f"/o/{organisation_id}/invoices/{document_id}", "written_off")
