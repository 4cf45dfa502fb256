"""What the view of our Stripe app shows in Stripe's dashboard, asked for by a request that Stripe signs.

The view runs in a frame of Stripe's without an origin and brings no cookie: the signature is all the authority there
is. It says which account the person is signed in to; what is shown is that account's organisation's, and only while the
account is connected. Source: docs.stripe.com/stripe-apps/build-backend.
"""

from __future__ import annotations

import json
from typing import Any

from fastapi import HTTPException, Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from connectors.signature import stripe_matches
from runtime.app import App
from runtime.operations.views.at_stripe import Beside, Neighbour, beside
from runtime.store import connections
from runtime.store.connections import Organisation
from runtime.store.isolation import within
from runtime.web import formats, words
from runtime.web.access import ANYONE, routes
from runtime.web.running import Running

PATH = "/apps/stripe/beside"
ROUTES = routes("stripe app")
# A frame without an origin sends "null", which only the star answers; no cookie can come with it.
_FROM_A_FRAME = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "POST",
    "Access-Control-Allow-Headers": "content-type, stripe-signature",
    "Access-Control-Max-Age": "600",
}


class Asked(BaseModel):
    """What the view asks. Stripe signs all of it; `user_id` and `account_id` are Stripe's own word."""

    model_config = ConfigDict(extra="forbid")

    customer: str = Field(max_length=100)
    number: str = Field(max_length=100)
    user_id: str = Field(max_length=100)
    account_id: str = Field(max_length=100)


@ROUTES.options(PATH, dependencies=[ANYONE])
def allow() -> Response:
    """Let the view's frame ask."""
    return Response(status_code=204, headers=_FROM_A_FRAME)


@ROUTES.post(PATH, dependencies=[ANYONE])
async def show(app: Running, request: Request) -> Response:
    """Tell where the invoices beside an object of Stripe stand.

    401 for another signature than TRUEDUE_STRIPE_APP_SECRET makes, 404 while that is not set or the account is not
    connected.
    """
    secret = app.settings.stripe_app_secret.get_secret_value()
    if not secret:
        raise HTTPException(404)
    body = await request.body()
    if not stripe_matches(secret, body, request.headers.get("stripe-signature", ""), app.clock()):
        return _answer(401, {"said": "The signature is not Stripe's."})
    try:
        asked = Asked.model_validate(json.loads(body, object_pairs_hook=_once))
    except (ValueError, ValidationError):
        return _answer(400, {"said": "The view and this installation do not understand each other: update the app."})
    return await run_in_threadpool(_told, app, asked)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a key that comes twice: two readers could take another one each."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key comes twice")
    return found


def _told(app: App, asked: Asked) -> Response:
    with app.store.read() as db:
        connection = connections.connection_for_account(db, "stripe", asked.account_id)
    if connection is None:
        return _answer(404, {"said": "This Stripe account is not connected to TrueDue."})
    with within(connection.organisation_id), app.store.read() as db:
        organisation = connections.organisation(db, connection.organisation_id)
        if organisation is None:
            raise HTTPException(404)
        found = beside(db, organisation, payer=asked.customer, number=asked.number, now=app.clock())
    home = f"{app.settings.public_url.rstrip('/')}/o/{organisation.id}"
    if found is None:
        said = "No invoice of the books has this number, and nobody knows yet for whom this customer pays."
        return _answer(200, {"said": said, "link": f"{home}/invoices", "invoices": []})
    return _answer(200, _page(found, organisation, home))


def _page(found: Beside, organisation: Organisation, home: str) -> dict[str, Any]:
    return {
        "said": "" if found.invoices else "Nothing is open.",
        "customer": found.customer_name,
        "link": f"{home}/customers/{found.customer_id}",
        "more": found.more,
        "invoices": [_invoice(each, organisation, home) for each in found.invoices],
    }


def _invoice(each: Neighbour, organisation: Organisation, home: str) -> dict[str, Any]:
    place = each.standing
    if place is None:
        state = words.label(words.DOCUMENT_STATES, each.status)
    elif not place.open_amount:
        state = "Paid, being posted"
    elif place.truly_due:
        state = "Truly due"
    else:
        state = "Overdue, held back" if place.overdue else "Not due yet"
    return {
        "number": each.number,
        "link": f"{home}/invoices/{each.document_id}",
        "open": formats.money(each.open_amount),
        "due": formats.day(each.due_on),
        "state": state,
        "due_now": place is not None and place.truly_due,
        "why": [hold.reason for hold in place.holds] if place else [],
        "reminded": formats.instant(each.reminded_at, organisation.zone) if each.reminded_at else "",
    }


def _answer(status: int, told: dict[str, Any]) -> Response:
    return JSONResponse(told, status, headers=_FROM_A_FRAME)
