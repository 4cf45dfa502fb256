"""The payer's own page of what they have paid."""

from __future__ import annotations

from starlette.responses import Response

from runtime.operations.views.portal_paid import MAX_SHOWN, paid_invoices
from runtime.web.access import PAYER, routes
from runtime.web.portal import Visiting
from runtime.web.running import Running

ROUTES = routes("portal", prefix="/p/{token}", dependencies=[PAYER])


@ROUTES.get("/paid")
def show_paid(app: Running, visiting: Visiting) -> Response:
    """Show the paid invoices of the payer, and as what each can be downloaded."""
    account = visiting.account
    with app.store.read() as db:
        still_open = [each.document_id for each in account.invoices]
        paid = paid_invoices(db, visiting.organisation, account.customer_id, still_open=still_open, now=app.clock())
    return visiting.page("portal_paid.html", paid=paid, most=MAX_SHOWN)
