"""Pages that only show: the overview, invoices, receipts, problems and connections of an organisation."""

from __future__ import annotations

import json
from datetime import timedelta
from enum import StrEnum
from typing import Annotated

from fastapi import HTTPException, Query
from sqlalchemy import Connection
from starlette.responses import RedirectResponse, Response

from connectors import registry
from receivables.invoiced import InvoiceFormat
from reminders.holds import HoldCode
from runtime.operations.applying.write_off import offer
from runtime.operations.payers.dispute import MAX_REASON_CHARS
from runtime.operations.payers.dispute_files import KEPT_FOR
from runtime.operations.payers.hold_by_hand import MAX_WHOM_CHARS, MAX_WHY_CHARS
from runtime.operations.payers.invoice_formats import formats
from runtime.operations.payers.pause import MAX_DAYS
from runtime.operations.payers.promise import MAX_DAYS_AHEAD
from runtime.operations.reminding.certificates import find
from runtime.operations.reminding.figures import figures
from runtime.operations.systems.online_invoice import online_invoice
from runtime.operations.views import connected, overview, payouts, receipts
from runtime.operations.views import invoice as one
from runtime.operations.views import invoices as many
from runtime.operations.views.ageing import BUCKETS
from runtime.operations.views.setup import setup
from runtime.store import connections
from runtime.store.connections import Organisation
from runtime.web.access import EXPORT, SEE, routes
from runtime.web.chart import ageing_svg
from runtime.web.pages import page
from runtime.web.running import Running

CHART_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'"
PageNumber = Annotated[int, Query(ge=1, le=many.MAX_PAGE)]


class ReceiptGroup(StrEnum):
    """What became of receipts."""

    MATCHED = "matched"
    WAITING = "waiting"
    UNMATCHED = "unmatched"
    BACK = "back"


def organisation_or_404(db: Connection, organisation_id: str) -> Organisation:
    """Return the organisation of a page's address."""
    organisation = connections.organisation(db, organisation_id)
    if organisation is None:
        raise HTTPException(404)
    return organisation


ROUTES = routes("pages")


@ROUTES.get("/o/{organisation_id}", dependencies=[SEE])
def show_overview(app: Running, organisation_id: str) -> Response:
    """Show what is open, what is truly due, and what waits for a person."""
    with app.store.read() as db:
        organisation = organisation_or_404(db, organisation_id)
        view = overview.overview(db, organisation, now=app.clock())
        obstacles = setup(db, app, organisation).obstacles
    return page("overview.html", organisation=organisation, view=view, buckets=BUCKETS, obstacles=obstacles)


@ROUTES.get("/o/{organisation_id}/ageing.svg", dependencies=[SEE])
def show_ageing(app: Running, organisation_id: str, currency: str, *, narrow: bool = False) -> Response:
    """Draw the ageing of one currency."""
    with app.store.read() as db:
        every = figures(db, organisation_or_404(db, organisation_id), now=app.clock()).ageing
    for each in every:
        if each.currency == currency:
            headers = {"Content-Security-Policy": CHART_POLICY}
            return Response(ageing_svg(each, narrow=narrow), media_type="image/svg+xml", headers=headers)
    raise HTTPException(404)


@ROUTES.get("/o/{organisation_id}/invoices", dependencies=[SEE])
def show_invoices(
    app: Running,
    organisation_id: str,
    *,
    state: many.InvoiceState = many.InvoiceState.OPEN,
    hold: HoldCode | None = None,
    q: Annotated[str, Query(max_length=100)] = "",
    number: Annotated[PageNumber, Query(alias="page")] = 1,
) -> Response:
    """List invoices."""
    with app.store.read() as db:
        organisation = organisation_or_404(db, organisation_id)
        view = many.invoices(db, organisation, now=app.clock(), state=state, hold=hold, text=q.strip(), page=number)
    return page(
        "invoices.html",
        organisation=organisation,
        view=view,
        state=state,
        hold=hold,
        q=q,
        weighed=many.MAX_WEIGHED,
    )


@ROUTES.get("/o/{organisation_id}/invoices/{document_id}", dependencies=[SEE])
def show_invoice(app: Running, organisation_id: str, document_id: str, notice: str = "") -> Response:
    """Show one invoice with everything known about it."""
    with app.store.read() as db:
        organisation = organisation_or_404(db, organisation_id)
        view = one.invoice(db, organisation, document_id, now=app.clock())
        rest = offer(db, organisation_id, document_id)
    if view is None:
        raise HTTPException(404)
    today = app.clock().astimezone(organisation.zone).date()
    return page(
        "invoice.html",
        organisation=organisation,
        view=view,
        rest=rest,
        file_days=KEPT_FOR.days,
        today=today,
        promise_by=today + timedelta(days=MAX_DAYS_AHEAD),
        pause_by=today + timedelta(days=MAX_DAYS),
        longest={"reason": MAX_REASON_CHARS, "why": MAX_WHY_CHARS, "whom": MAX_WHOM_CHARS},
        notice=notice,
    )


@ROUTES.get("/o/{organisation_id}/invoices/{document_id}/online", dependencies=[SEE], status_code=303)
def lead_online(app: Running, organisation_id: str, document_id: str) -> Response:
    """Lead to an invoice as its customer sees it in the ledger's own look."""
    return RedirectResponse(online_invoice(app, organisation_id=organisation_id, document_id=document_id), 303)


@ROUTES.get("/o/{organisation_id}/invoices/{document_id}/formats", dependencies=[SEE])
def show_formats(app: Running, organisation_id: str, document_id: str) -> Response:
    """Show as what the customer gets an invoice, and what is missing for the other formats; the ledger is asked."""
    with app.store.read() as db:
        organisation = organisation_or_404(db, organisation_id)
    view = formats(app, organisation_id=organisation_id, document_id=document_id, afresh=True)
    return page("formats.html", organisation=organisation, view=view, document_id=document_id, every=InvoiceFormat)


@ROUTES.get("/o/{organisation_id}/certificates/{digest}.json", dependencies=[EXPORT])
def download_certificate(app: Running, organisation_id: str, digest: str) -> Response:
    """Give one certificate as one line of the file that `truedue certificate verify` reads."""
    with app.store.read() as db:
        organisation_or_404(db, organisation_id)
        sealed = find(db, organisation_id, digest)
    if sealed is None:
        raise HTTPException(404)
    return Response(json.dumps(sealed.as_json(), ensure_ascii=False) + "\n", media_type="application/json")


@ROUTES.get("/o/{organisation_id}/receipts", dependencies=[SEE])
def show_receipts(
    app: Running,
    organisation_id: str,
    *,
    group: ReceiptGroup | None = None,
    account: Annotated[str, Query(max_length=128)] = "",
    number: Annotated[PageNumber, Query(alias="page")] = 1,
    notice: str = "",
) -> Response:
    """List money received, and what became of it by account."""
    with app.store.read() as db:
        organisation = organisation_or_404(db, organisation_id)
        states = payouts.GROUPS[group] if group else None
        view = receipts.receipts(db, organisation.id, states=states, account=account, page=number)
        cash = receipts.held_cash(db, organisation)
        accounts = payouts.accounts(db, organisation.id)
    return page(
        "receipts.html",
        organisation=organisation,
        view=view,
        cash=cash,
        accounts=accounts,
        group=group,
        account=account,
        notice=notice,
    )


@ROUTES.get("/o/{organisation_id}/payouts", dependencies=[SEE])
def show_payouts(
    app: Running, organisation_id: str, number: Annotated[PageNumber, Query(alias="page")] = 1
) -> Response:
    """List the payouts of the processor."""
    with app.store.read() as db:
        organisation = organisation_or_404(db, organisation_id)
        rows, count = payouts.payouts(db, organisation.id, page=number)
    pages = max(1, -(-count // payouts.PAGE_ROWS))
    view = {"page": number, "pages": pages}
    return page("payouts.html", organisation=organisation, rows=rows, count=count, view=view)


@ROUTES.get("/o/{organisation_id}/payouts/{payout_id}", dependencies=[SEE])
def show_payout(
    app: Running, organisation_id: str, payout_id: str, number: Annotated[PageNumber, Query(alias="page")] = 1
) -> Response:
    """Show one payout, broken down to the cent."""
    with app.store.read() as db:
        organisation = organisation_or_404(db, organisation_id)
        view = payouts.payout(db, organisation.id, payout_id, page=number)
    if view is None:
        raise HTTPException(404)
    return page("payout.html", organisation=organisation, view=view)


@ROUTES.get("/o/{organisation_id}/connections", dependencies=[SEE])
def show_connections(app: Running, organisation_id: str, notice: str = "") -> Response:
    """List the connected systems, and those that can still be: one system serves each role."""
    with app.store.read() as db:
        organisation = organisation_or_404(db, organisation_id)
        systems = connected.connected_systems(db, organisation.id)
        banks = connected.bank_accounts(db, organisation.id)
    taken = {each.role for each in systems if each.status != connections.DISCONNECTED}
    return page(
        "connections.html",
        organisation=organisation,
        systems=systems,
        banks=banks,
        free=[name for name in registry.SYSTEMS if registry.declaration(name).role not in taken],
        notice=notice,
    )
