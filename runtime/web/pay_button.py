"""The page behind the pay-now button of a ledger's invoice: what is asked for, and the way to pay it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Form, HTTPException, Query, Request
from starlette.responses import Response

from reminders.wording import FALLBACK_LANGUAGE
from runtime.operations.errors import RefusedError
from runtime.operations.payers.brand import Brand, brand
from runtime.operations.payers.pay_by_card import pay_by_card
from runtime.operations.views.pay_button import ButtonInvoice, Payable, named_invoice
from runtime.signed_tokens import LinkError
from runtime.store import connections
from runtime.store.connections import Organisation
from runtime.web.access import PAYER, routes
from runtime.web.guards import is_loopback
from runtime.web.languages import Language, choose, language
from runtime.web.pace import Pace
from runtime.web.pages import page
from runtime.web.running import Running

WRONG_AT_ONCE = 20  # invoices that one address may name wrongly, and then one a minute: enough for old papers
WRONG_A_SECOND = 1 / 60
MAX_NUMBER_CHARS, MAX_AMOUNT_CHARS, MAX_CODE_CHARS = 255, 30, 20

ROUTES = routes("pay button", prefix="/pay/{button}", dependencies=[PAYER])
_wrong = Pace(burst=WRONG_AT_ONCE, per_second=WRONG_A_SECOND)


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose button was pressed, by whom, and in which language they read."""

    button: str
    organisation: Organisation
    language: Language
    client: str
    brand: Brand

    def page(self, template: str, *, status: int = 200, notice: str = "", **facts: object) -> Response:
        """Render a page for them."""
        return page(
            template,
            status=status,
            notice=notice,
            spoken=self.language,
            organisation=self.organisation,
            button=self.button,
            brand=self.brand,
            **facts,
        )


def caller(request: Request, app: Running, button: str) -> Caller:
    """Return who pressed the button; LinkError when it is none of ours, or is switched off."""
    organisation_id = app.button_links().read(button)
    with app.store.read() as db:
        organisation = connections.organisation(db, organisation_id)
        looks = brand(db, organisation_id)
    if organisation is None or not organisation.pay_button_on:
        raise LinkError
    accepted = request.headers.get("accept-language", "")
    spoken = language(choose(chosen=None, accepted=accepted, fallback=FALLBACK_LANGUAGE))
    request.state.language = spoken
    return Caller(button, organisation, spoken, request.client.host if request.client else "", looks)


Calling = Annotated[Caller, Depends(caller)]
Number = Annotated[str, Query(alias="invoiceNo", max_length=MAX_NUMBER_CHARS)]
Currency = Annotated[str, Query(max_length=MAX_CODE_CHARS)]
Amount = Annotated[str, Query(max_length=MAX_AMOUNT_CHARS)]


@ROUTES.get("")
def show(app: Running, calling: Calling, number: Number = "", currency: Currency = "", amount: Amount = "") -> Response:
    """Show what is asked for; whatever is named wrongly looks the same, whether it exists or not."""
    invoice = _named(app, calling, number, currency, amount)
    if invoice is None:
        return calling.page("button_unknown.html", status=404)
    return calling.page("button_pay.html", invoice=invoice, states=Payable, named=(number, currency, amount))


@ROUTES.post("")
def take(
    app: Running,
    calling: Calling,
    *,
    number: Annotated[str, Form(alias="invoiceNo", max_length=MAX_NUMBER_CHARS)] = "",
    currency: Annotated[str, Form(max_length=MAX_CODE_CHARS)] = "",
    amount: Annotated[str, Form(max_length=MAX_AMOUNT_CHARS)] = "",
) -> Response:
    """Lead the payer to a page on which they pay it."""
    invoice = _named(app, calling, number, currency, amount)
    if invoice is None:
        return calling.page("button_unknown.html", status=404)
    if invoice.state is Payable.PAID:
        raise RefusedError("this invoice is paid already: there is nothing to pay")
    address = pay_by_card(
        app,
        organisation_id=calling.organisation.id,
        customer_id=invoice.customer_id,
        document_ids=[invoice.document_id],
        part="",
        back_to=f"{app.settings.public_url.rstrip('/')}/pay/{calling.button}/done",
        in_hand=True,
    )
    return calling.page("button_checkout.html", address=address)


@ROUTES.get("/done")
def done(calling: Calling, notice: str = "") -> Response:
    """Receive the payer from the processor's page; it says nothing of any invoice."""
    return calling.page("button_done.html", paying=notice == "paying")


def _named(app: Running, calling: Caller, number: str, currency: str, amount: str) -> ButtonInvoice | None:
    """Return the invoice that was named; HTTPException 429 to who names too many wrongly."""
    counted = bool(calling.client) and not is_loopback(calling.client)
    if counted and _wrong.is_spent(calling.client):
        raise HTTPException(429, "too many invoices were named that are not here: try again in some minutes")
    with app.store.read() as db:
        invoice = named_invoice(
            db, calling.organisation, number=number, currency=currency, amount=amount, now=app.clock()
        )
    if invoice is None and counted:
        _wrong.wait(calling.client)
    return invoice
