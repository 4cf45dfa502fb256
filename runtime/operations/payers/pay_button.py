"""The pay-now button on a ledger's own invoices: it leads payers to a page of ours that asks for just that invoice."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from connectors import registry
from connectors.contract import Role
from connectors.errors import ConnectorError, Reconnect
from connectors.intents import OfferPayment
from receivables.identity import stable_id
from runtime.app import App
from runtime.operations.errors import RefusedError
from runtime.operations.organisations import keep_switch
from runtime.store import connections

NAME = "TrueDue"
WORDS = "Pay now"


@dataclass(frozen=True, slots=True)
class PayButton:
    """What a ledger's pay-now button leads to. `by_itself`: whether we put it there, or a person pastes the address."""

    title: str
    address: str
    by_itself: bool


def button_address(app: App, organisation_id: str) -> str:
    """Return the address of the organisation's page for payers who come from its ledger."""
    return f"{app.settings.public_url.rstrip('/')}/pay/{app.button_links().token(organisation_id)}"


def pay_button(db: Connection, app: App, organisation_id: str) -> PayButton | None:
    """Return the button that the organisation's ledger can have, None where it has none."""
    ledger = connections.connection_for_role(db, organisation_id, Role.LEDGER)
    declared = registry.declaration(ledger.system) if ledger else None
    if declared is None or declared.pay_button is None:
        return None
    template = declared.pay_button(button_address(app, organisation_id))
    return PayButton(declared.title, template, app.settings.offers_payment(declared.system))


def switch_pay_button(app: App, *, organisation_id: str, on: bool, actor: str) -> tuple[str, ...]:
    """Serve the page behind the button, or no more; where the vendor lets us, put the button on the invoices too.

    Returns the names of the styles of invoices that have another button, which they keep. RefusedError when the ledger
    has no such button or refuses it: then nothing is switched.
    """
    left: tuple[str, ...] = ()
    if on:
        with app.store.read() as db:
            ledger = connections.connection_for_role(db, organisation_id, Role.LEDGER)
            button = pay_button(db, app, organisation_id)
        if ledger is None or button is None:
            raise RefusedError("no ledger is connected whose invoices can have a pay-now button: connect Xero first")
        if button.by_itself:
            left = _offer(app, ledger)
    with app.store.write() as db:
        connections.lock_organisation(db, organisation_id)
        switch = {"pay_button_on": on}
        keep_switch(db, organisation_id, switch, action="pay_button_switched", actor=actor, at=app.clock())
    return left


def _offer(app: App, ledger: connections.VendorConnection) -> tuple[str, ...]:
    address = button_address(app, ledger.organisation_id)
    intent = OfferPayment(stable_id("btn", ledger.id, address), NAME, address, WORDS)
    (outcome,) = app.vendors.connector(ledger).write([intent])
    if isinstance(outcome, Reconnect):
        # The consent may cover all that is read and not this: whether it is lost, a reading tells.
        raise RefusedError(f"the consent does not cover the pay-now button: connect {ledger.account.name} again")
    if isinstance(outcome, ConnectorError):
        remedy = getattr(outcome, "remedy", "")
        raise RefusedError(f"{outcome}. {remedy}".strip() if remedy else str(outcome))
    return outcome.left
