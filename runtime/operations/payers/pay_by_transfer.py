"""A payer pays by bank transfer to an account that the processor keeps for them alone, so that it tells whose it is."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, delete, insert, select

from connectors import registry
from connectors.contract import Role
from connectors.errors import Absent, ConnectorError, Retry
from connectors.intents import ByTransfer, KeepPayer, OpenCheckout, Outcome
from receivables.problem import Problem
from runtime.app import App
from runtime.operations.errors import RefusedError
from runtime.operations.organisations import keep_switch
from runtime.store import connections, journal
from runtime.store import tables as t
from runtime.store.connections import Organisation, VendorConnection

NOT_OFFERED = "transfer_not_offered"
_KEPT = t.payer_account.c


def transfers_in(db: Connection, organisation: Organisation) -> Collection[str]:
    """The currencies in which payers are offered to pay by transfer to the processor; none while it is switched off."""
    if not (organisation.card_payments_on and organisation.transfers_on):
        return frozenset()
    processor = connections.connection_for_role(db, organisation.id, Role.PROCESSOR)
    return registry.declaration(processor.system).transfers_in if processor else frozenset()


def switch_transfers(app: App, *, organisation_id: str, on: bool, actor: str) -> None:
    """Offer payers to pay by transfer, or no more; RefusedError while paying on the processor's page is not offered."""
    with app.store.write() as db:
        organisation, now = connections.organisation(db, organisation_id), app.clock()
        if on and not (organisation and organisation.card_payments_on):
            raise RefusedError("offer payers to pay by card first: transfers come beside it")
        keep_switch(db, organisation_id, {"transfers_on": on}, action="transfers_switched", actor=actor, at=now)
        processor = connections.connection_for_role(db, organisation_id, Role.PROCESSOR)
        if processor is not None:
            _settle(db, processor, now)


def open_for_transfer(
    app: App, processor: VendorConnection, organisation: Organisation, customer_id: str, page: OpenCheckout
) -> Outcome | None:
    """Open a page that tells a payer where to transfer what they pay; None where the processor opens none.

    A person is told why, and the payer can pay by other means. A payer whom somebody deleted there is kept anew, once.
    """
    outcome = _asked(app, processor, organisation, customer_id, page)
    if isinstance(outcome, Absent):
        with app.store.write() as db:
            db.execute(delete(t.payer_account).where(_mine(processor, customer_id)))
        outcome = _asked(app, processor, organisation, customer_id, page)
    if isinstance(outcome, Retry):
        return outcome
    with app.store.write() as db:
        if not isinstance(outcome, ConnectorError):
            _settle(db, processor, app.clock())
            return outcome
        text = f"A payer could not pay by bank transfer through {processor.system.capitalize()}: {outcome}"
        remedy = (
            "Switch bank transfers on there and accept what the app asks for, or stop offering them in the settings."
            " Payers are shown the other means of payment meanwhile."
        )
        problem = Problem(NOT_OFFERED, text, remedy, processor.id)
        journal.raise_problem(db, organisation_id=organisation.id, problem=problem, at=app.clock())
    return None


def kept_for(db: Connection, organisation_id: str, system: str, payer_external_id: str) -> str | None:
    """The customer for whom the processor was asked to keep this payer; None for any other payer."""
    mine = (_KEPT.organisation_id == organisation_id) & (_KEPT.system == system)
    return db.scalar(select(_KEPT.customer_id).where(mine, _KEPT.external_id == payer_external_id))


def _asked(
    app: App, processor: VendorConnection, organisation: Organisation, customer_id: str, page: OpenCheckout
) -> Outcome:
    payer = _payer(app, processor, customer_id, page)
    if isinstance(payer, ConnectorError):
        return payer
    transfer = ByTransfer(payer, organisation.country)
    # A key of its own: the same page may be asked for by other means afterwards.
    asked = replace(page, key=f"{page.key}.{payer}", transfer=transfer)
    (outcome,) = app.vendors.connector(processor).write([asked])
    return outcome


def _payer(app: App, processor: VendorConnection, customer_id: str, page: OpenCheckout) -> str | ConnectorError:
    """Return the payer whom the processor keeps for a customer, the first one for good: they may have sent money."""
    with app.store.read() as db:
        oldest = select(_KEPT.external_id).where(_mine(processor, customer_id)).order_by(_KEPT.kept_at).limit(1)
        known: str | None = db.scalar(oldest)
        name = db.scalar(select(t.customer.c.name).where(t.customer.c.id == customer_id))
    if known is not None:
        return known
    intent = KeepPayer(f"{page.key}.payer", customer_id, name or "", page.email)
    (made,) = app.vendors.connector(processor).write([intent])
    if isinstance(made, ConnectorError):
        return made
    row = {
        "organisation_id": processor.organisation_id,
        "system": processor.system,
        "external_id": made.external_ids[0],
        "account": processor.account.external_id,
        "customer_id": customer_id,
        "kept_at": app.clock(),
    }
    with app.store.write() as db:
        db.execute(insert(t.payer_account).values(**row))
    return made.external_ids[0]


def _mine(processor: VendorConnection, customer_id: str) -> ColumnElement[bool]:
    ours = (_KEPT.organisation_id == processor.organisation_id) & (_KEPT.customer_id == customer_id)
    return ours & (_KEPT.system == processor.system) & (_KEPT.account == processor.account.external_id)


def _settle(db: Connection, processor: VendorConnection, at: datetime) -> None:
    journal.resolve_problem(
        db, organisation_id=processor.organisation_id, code=NOT_OFFERED, subject=processor.id, at=at
    )
