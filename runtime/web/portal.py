"""The payer's own pages: the link is the authority, and it reaches one customer only."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Annotated

from fastapi import Form, HTTPException
from starlette.responses import Response

from runtime.app import App
from runtime.operations.dispute import MAX_REASON_CHARS, dispute
from runtime.operations.errors import InputError
from runtime.operations.opt_out import opt_out
from runtime.operations.pay_by_card import pay_by_card
from runtime.operations.print_invoice import print_invoice
from runtime.operations.promise import MAX_DAYS_AHEAD, promise
from runtime.operations.question import MAX_QUESTION_CHARS, ask
from runtime.operations.views.portal import PortalAccount, PortalInvoice, portal
from runtime.portal_links import LinkError, PortalLinks
from runtime.store import connections
from runtime.store.connections import Organisation
from runtime.web.access import PAYER, routes
from runtime.web.pages import go, page
from runtime.web.running import Running

ACTOR = "customer"
MAX_CHOSEN = 1_000  # invoices that a form can name; how many can be paid together is said in words
_NOTHING: list[str] = []


_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")  # in the name of a file, on any system
MAX_FILE_NAME_CHARS = 80

ROUTES = routes("portal", prefix="/p/{token}", dependencies=[PAYER])


def account_of(app: App, token: str) -> tuple[Organisation, PortalAccount]:
    """Return whose page a link opens; LinkError when it opens none."""
    links = PortalLinks(app.settings.encryption_key(), app.clock, app.settings.old_encryption_keys())
    organisation_id, customer_id = links.read(token)
    with app.store.read() as db:
        organisation = connections.organisation(db, organisation_id)
        account = portal(db, organisation, customer_id, now=app.clock()) if organisation else None
    if organisation is None or account is None:
        raise LinkError
    return organisation, account


def open_invoice(app: App, token: str, document_id: str) -> tuple[Organisation, PortalAccount, PortalInvoice]:
    """Return an open invoice of the payer; any other is not found."""
    organisation, account = account_of(app, token)
    invoice = account.invoice(document_id)
    if invoice is None:
        raise HTTPException(404)
    return organisation, account, invoice


@ROUTES.get("")
def show_account(app: Running, token: str, notice: str = "") -> Response:
    """Show the balance, the open invoices and the payments."""
    organisation, account = account_of(app, token)
    return page("portal.html", organisation=organisation, view=account, token=token, notice=notice)


@ROUTES.get("/pay/{document_id}")
def show_invoice(app: Running, token: str, document_id: str) -> Response:
    """Show how to pay one invoice, and what else can be said about it."""
    organisation, account, invoice = open_invoice(app, token, document_id)
    today = app.clock().astimezone(organisation.zone).date()
    return page(
        "portal_pay.html",
        organisation=organisation,
        view=account,
        invoice=invoice,
        token=token,
        first=today,
        last=today + timedelta(days=MAX_DAYS_AHEAD),
        longest=MAX_REASON_CHARS,
        longest_question=MAX_QUESTION_CHARS,
    )


@ROUTES.get("/invoices/{document_id}.pdf")
def give_pdf(app: Running, token: str, document_id: str) -> Response:
    """Give an invoice of the payer as the ledger prints it, to be kept as a file."""
    organisation, account = account_of(app, token)
    number, pdf = print_invoice(
        app, organisation_id=organisation.id, customer_id=account.customer_id, document_id=document_id
    )
    headers = {"Content-Disposition": f'attachment; filename="{_file_name(number)}.pdf"'}
    return Response(pdf, media_type="application/pdf", headers=headers)


@ROUTES.post("/checkout")
def take_checkout(
    app: Running,
    token: str,
    invoice: Annotated[list[str], Form(max_length=MAX_CHOSEN)] = _NOTHING,
    part: Annotated[str, Form(max_length=20)] = "",
) -> Response:
    """Lead the payer to a page on which they pay what they chose."""
    organisation, account = account_of(app, token)
    address = pay_by_card(
        app,
        organisation_id=organisation.id,
        customer_id=account.customer_id,
        document_ids=invoice,
        part=part,
        back_to=f"{app.settings.public_url.rstrip('/')}/p/{token}",
    )
    return page("portal_checkout.html", organisation=organisation, view=account, token=token, address=address)


@ROUTES.post("/promise/{document_id}", status_code=303)
def take_promise(
    app: Running, token: str, document_id: str, promised_on: Annotated[str, Form(max_length=10)]
) -> Response:
    """Note the day on which the payer will pay."""
    organisation, account, _ = open_invoice(app, token, document_id)
    try:
        day = date.fromisoformat(promised_on)
    except ValueError:
        raise InputError("choose a day, such as 2026-03-31") from None
    promise(
        app,
        organisation_id=organisation.id,
        customer_id=account.customer_id,
        document_id=document_id,
        promised_on=day,
        actor=ACTOR,
    )
    return go(f"/p/{token}", "promised")


@ROUTES.post("/dispute/{document_id}", status_code=303)
def take_dispute(app: Running, token: str, document_id: str, reason: Annotated[str, Form()]) -> Response:
    """Note what is wrong with an invoice."""
    organisation, account, _ = open_invoice(app, token, document_id)
    dispute(
        app,
        organisation_id=organisation.id,
        customer_id=account.customer_id,
        document_id=document_id,
        reason=reason,
        actor=ACTOR,
    )
    return go(f"/p/{token}", "disputed")


@ROUTES.post("/ask/{document_id}", status_code=303)
def take_question(app: Running, token: str, document_id: str, question: Annotated[str, Form()]) -> Response:
    """Pass a question about an invoice on to a person."""
    organisation, account, _ = open_invoice(app, token, document_id)
    ask(
        app,
        organisation_id=organisation.id,
        customer_id=account.customer_id,
        document_id=document_id,
        question=question,
        actor=ACTOR,
    )
    return go(f"/p/{token}", "asked")


@ROUTES.get("/unsubscribe")
def ask_unsubscribe(app: Running, token: str) -> Response:
    """Ask before messages are stopped: mail scanners open every link of a message."""
    organisation, account = account_of(app, token)
    return page("portal_unsubscribe.html", organisation=organisation, view=account, token=token)


@ROUTES.post("/unsubscribe")
def unsubscribe(app: Running, token: str) -> Response:
    """Stop messages, for a person or for a mail program's one click (RFC 8058, which forbids a redirect)."""
    organisation, account = account_of(app, token)
    opt_out(app, organisation_id=organisation.id, customer_id=account.customer_id, actor=ACTOR)
    organisation, account = account_of(app, token)
    return page("portal_unsubscribe.html", organisation=organisation, view=account, token=token)


def _file_name(number: str) -> str:
    return _UNSAFE.sub("-", number).strip("-.")[:MAX_FILE_NAME_CHARS] or "invoice"
