"""A person decides about a late charge: it is posted to the ledger as an invoice of its own, once, or waived.

The decision is a row before anything is written, and says through which day. Nobody is charged twice for a day: the
next decision about the invoice begins on the day after.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, insert, select

from connectors import registry
from connectors.contract import Role
from connectors.intents import ChargeLine, PostCharge
from receivables.identity import stable_id
from receivables.money import Money
from reminders.charges import Ask, charge_lines
from reminders.freshness import unheard
from runtime.app import App
from runtime.operations.charges.propose import Proposed, propose_charges
from runtime.operations.charges.terms import charge_terms
from runtime.operations.errors import RefusedError
from runtime.operations.reaching.by_mail import place_of
from runtime.operations.reaching.contact_language import language_for
from runtime.operations.reminding.catch_up import catch_up
from runtime.operations.reminding.facts import freshness
from runtime.operations.systems.absorb.scope import CUSTOMER_LINK
from runtime.operations.systems.read_invoices import Reading, read_invoices
from runtime.operations.systems.treatments import LATE_CHARGE, Treatment, treatments
from runtime.store import connections, journal, queues
from runtime.store import tables as t
from runtime.store.connections import Organisation, VendorConnection
from runtime.store.links import external_ids

APPROVED, POSTED, WAIVED = "approved", "posted", "waived"


@dataclass(frozen=True, slots=True)
class Shown:
    """What the person saw when they decided."""

    until: date
    interest: Money
    fixed: Money


def approve_charge(app: App, *, organisation_id: str, document_id: str, shown: Shown, actor: str) -> None:
    """Promise to post what was shown to the ledger. RefusedError where it is no longer that, or cannot be posted.

    The invoice is read again first, and what the processor and the CRM know by now: what was paid a moment ago, on its
    page too, is not charged for. What one of them says cannot be known while it cannot be read, so nothing is.
    """
    catch_up(app, organisation_id)
    if read_invoices(app, organisation_id, [document_id]) is Reading.FAILED:
        raise RefusedError("the ledger could not be read just now: try again in a moment")
    with app.store.write() as db:
        connections.lock_organisation(db, organisation_id)
        now = app.clock()
        organisation, proposed, ask = _asked(db, organisation_id, document_id, shown, now)
        if silent := unheard(freshness=freshness(db, organisation), as_of=now):
            titles = " and ".join(registry.declaration(each).title for each in silent)
            raise RefusedError(
                f"{titles} could not be read just now and may know of a payment: try again, or connect it again"
            )
        ledger, treatment = posts(db, organisation_id)
        charge_id = _keep(db, organisation, proposed, ask, state=APPROVED, actor=actor, at=now)
        intent = _intent(
            db,
            organisation,
            ledger=ledger,
            treatment=treatment,
            proposed=proposed,
            ask=ask,
            charge_id=charge_id,
            at=now,
        )
        queues.enqueue(
            db, organisation_id=organisation_id, system=ledger.system, intent=intent, subject=charge_id, at=now
        )
    app.wake()


def waive_charge(app: App, *, organisation_id: str, document_id: str, shown: Shown, actor: str) -> None:
    """Ask for nothing of what was shown, also later. RefusedError where it is no longer that."""
    with app.store.write() as db:
        connections.lock_organisation(db, organisation_id)
        now = app.clock()
        organisation, proposed, ask = _asked(db, organisation_id, document_id, shown, now)
        _keep(db, organisation, proposed, ask, state=WAIVED, actor=actor, at=now)


def _asked(
    db: Connection, organisation_id: str, document_id: str, shown: Shown, now: datetime
) -> tuple[Organisation, Proposed, Ask]:
    organisation = connections.organisation(db, organisation_id)
    if organisation is None or not organisation.charges_on:
        raise RefusedError("late charges are switched off for this organisation")
    terms = charge_terms(db, organisation)
    found = propose_charges(
        db, organisation, now=now, rates=terms.rates, contract=terms.contract, document_ids=[document_id]
    )
    if not found:
        raise RefusedError("this invoice is not overdue any more, or something holds it: nothing was charged")
    (proposed,) = found
    if proposed.ask is None:
        raise RefusedError(f"nothing can be charged for {proposed.number}: {proposed.why_not}")
    ask = proposed.ask
    if shown != Shown(ask.until, ask.interest, ask.fixed):
        raise RefusedError(f"{proposed.number} has come to {ask.interest} and {ask.fixed} now: look again, then decide")
    return organisation, proposed, ask


def _keep(
    db: Connection, organisation: Organisation, proposed: Proposed, ask: Ask, *, state: str, actor: str, at: datetime
) -> str:
    charge_id = stable_id("chg", organisation.id, proposed.item_id, ask.since.isoformat())
    db.execute(
        insert(t.charge).values(
            id=charge_id,
            organisation_id=organisation.id,
            document_id=proposed.item_id,
            customer_id=proposed.customer_id,
            since=ask.since,
            until=ask.until,
            currency=ask.interest.currency,
            interest_minor=ask.interest.minor,
            fixed_minor=ask.fixed.minor,
            arithmetic=arithmetic(ask),
            state=state,
            decided_by=actor,
            decided_at=at,
        )
    )
    detail = f"{ask.since} to {ask.until}: interest {ask.interest}, fixed sum {ask.fixed} ({ask.whole.regime.source})"
    record(db, organisation.id, proposed.item_id, action=f"charge_{state}", detail=detail, actor=actor, at=at)
    return charge_id


def arithmetic(ask: Ask) -> dict[str, Any]:
    """How an amount was worked out, to be kept beside it."""
    return {
        "source": ask.whole.regime.source,
        "interest": ask.whole.interest.text(),
        "fixed": ask.whole.fixed.text(),
        "spans": [[span.since.isoformat(), span.days, span.owed.text(), span.basis_points] for span in ask.whole.spans],
    }


def posts(db: Connection, organisation_id: str) -> tuple[VendorConnection, Treatment]:
    """Return where a charge is posted and how it is booked; RefusedError says what is missing for it."""
    ledger = connections.connection_for_role(db, organisation_id, Role.LEDGER)
    if ledger is None:
        raise RefusedError("no ledger is connected: connect Xero or QuickBooks")
    if PostCharge not in registry.declaration(ledger.system).writes:
        raise RefusedError(f"{registry.declaration(ledger.system).title} takes no charges from us")
    known = treatments(db, organisation_id)
    treatment = known.get(LATE_CHARGE)
    if treatment is None:
        raise RefusedError(known.lack(LATE_CHARGE))
    return ledger, treatment


def _intent(
    db: Connection,
    organisation: Organisation,
    *,
    ledger: VendorConnection,
    treatment: Treatment,
    proposed: Proposed,
    ask: Ask,
    charge_id: str,
    at: datetime,
) -> PostCharge:
    customers = external_ids(db, organisation.id, ledger.system, CUSTOMER_LINK, [proposed.customer_id])
    if not customers:
        raise RefusedError(f"{ledger.system} has not shown this customer yet: sync, then try again")
    country, _ = place_of(
        organisation, db.scalar(select(t.customer.c.country).where(t.customer.c.id == proposed.customer_id))
    )
    language = language_for(db, organisation.id, proposed.customer_id, country)
    today = at.astimezone(organisation.zone).date()
    lines = charge_lines(ask=ask, number=proposed.number, language=language)
    return PostCharge(
        key=charge_id,
        customer_external_id=customers[proposed.customer_id],
        issued_on=today,
        due_on=today + timedelta(days=charge_terms(db, organisation).due_days),
        lines=tuple(ChargeLine(text, amount) for text, amount in lines),
        account=treatment.account,
        tax_code=treatment.tax_code,
        reference=f"{proposed.number} {charge_id}",
    )


def record(
    db: Connection, organisation_id: str, document_id: str, *, action: str, detail: str, actor: str, at: datetime
) -> None:
    """Note in the history of an invoice what was decided about charging for it."""
    journal.record(
        db, organisation_id=organisation_id, at=at, actor=actor, action=action, subject=document_id, detail=detail
    )
