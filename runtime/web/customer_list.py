"""The customers of an organisation: the page that lists them, and the same lines as a file."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

from fastapi import Depends, Query
from starlette.responses import Response

from runtime.operations.reminding.figures import MAX_RANKED
from runtime.operations.views.customers import (
    MAX_ID_CHARS,
    MAX_TEXT_CHARS,
    Asked,
    CustomerRow,
    Order,
    customers,
    whole_list,
)
from runtime.web.access import EXPORT, SEE, routes
from runtime.web.exports import download
from runtime.web.pages import page
from runtime.web.running import Running
from runtime.web.staff import organisation_or_404
from runtime.web.words import RISKS, label

ROUTES = routes("customers", prefix="/o/{organisation_id}")
COLUMNS = (
    *("customer", "number", "email", "currency", "open", "overdue", "oldest_due"),
    *("held", "last_reminded", "risk"),
)
MAX_CURRENCY_CHARS = 3
Text = Annotated[str, Query(alias="q", max_length=MAX_TEXT_CHARS)]


def asked(
    order: Annotated[Order, Query(alias="sort")] = Order.OVERDUE,
    currency: Annotated[str, Query(max_length=MAX_CURRENCY_CHARS)] = "",
    text: Text = "",
    after: Annotated[str, Query(max_length=MAX_ID_CHARS)] = "",
) -> Asked:
    """Return which customers a form asks for."""
    return Asked(order, currency, text.strip(), after)


@ROUTES.get("/customers", dependencies=[SEE])
def show_customers(app: Running, organisation_id: str, wanted: Annotated[Asked, Depends(asked)]) -> Response:
    """List customers with what they owe: those of whom most is overdue first, or by name."""
    now = app.clock()
    with app.store.read() as db:
        organisation = organisation_or_404(db, organisation_id)
        view = customers(db, organisation, wanted, now=now)
    chosen = {"sort": wanted.order, "currency": view.currency, "q": wanted.text}
    return page(
        "customers.html",
        organisation=organisation,
        view=view,
        wanted=wanted,
        query=urlencode({name: value for name, value in chosen.items() if value}),
        today=now.astimezone(organisation.zone).date(),
        longest=MAX_TEXT_CHARS,
        most=MAX_RANKED,
    )


@ROUTES.get("/customers.csv", dependencies=[EXPORT])
def download_customers(app: Running, organisation_id: str, text: Text = "") -> Response:
    """Give the customers whom a text leaves as a file: a line for each currency in which something is open."""
    with app.store.read() as db:
        organisation = organisation_or_404(db, organisation_id)
        rows = whole_list(db, organisation, text=text.strip(), now=app.clock())
    return download("customers.csv", COLUMNS, (line for row in rows for line in _lines(row)))


def _lines(row: CustomerRow) -> list[tuple[str, ...]]:
    last = row.last_reminded_on.isoformat() if row.last_reminded_on else ""
    who, known = (row.name, row.number, row.email), (row.held, last, label(RISKS, row.risk))
    amounts = [
        (each.opened.currency, each.opened.text(), each.overdue.text(), each.oldest_due_on.isoformat())
        for each in row.owed
    ]
    return [(*who, *each, *known) for each in amounts or [("", "", "", "")]]
