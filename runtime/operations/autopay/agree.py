"""A payer agrees to autopay: the consent is kept, the processor opens a page on which they save a means of payment."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from secrets import token_hex

from sqlalchemy import Connection, delete, func, insert, select, update

from connectors.contract import Role
from connectors.errors import ConnectorError, Retry
from connectors.intents import Outcome, SaveMeans
from connectors.records import SavedMeansFields
from receivables.identity import stable_id
from receivables.problem import Problem
from reminders.autopay import MAX_DAYS_BEFORE, MandateState, Terms
from runtime.app import App
from runtime.operations.autopay.mandates import ACTOR, LIVE, by_id, close_mandate, forget_means, mandates
from runtime.operations.errors import InputError, RefusedError
from runtime.operations.organisations import keep_switch
from runtime.store import connections, journal
from runtime.store import tables as t
from runtime.store.connections import Organisation, VendorConnection

PAGE_LIFETIME = timedelta(hours=1)
MAX_A_DAY = 10  # pages for one customer: each costs a call of the processor
MAX_CONSENT_CHARS = 2_000
CEILING_IN_ITS_CURRENCY = "the most for one invoice must be more than nothing, in the currency of the invoices"
_PROBLEM = "autopay_page_not_opened"
_mandate = t.mandate.c


def may_agree(db: Connection, organisation: Organisation) -> bool:
    """Whether payers are offered autopay: the owner switched it on, and a processor is connected."""
    return organisation.autopay_on and connections.connection_for_role(db, organisation.id, Role.PROCESSOR) is not None


def switch_autopay(app: App, *, organisation_id: str, on: bool, actor: str) -> None:
    """Offer payers autopay, or no more: then nothing is taken either. RefusedError when no processor is connected."""
    with app.store.write() as db:
        if on and connections.connection_for_role(db, organisation_id, Role.PROCESSOR) is None:
            raise RefusedError("no processor is connected that could take payments: connect Stripe first")
        switch = {"autopay_on": on}
        keep_switch(db, organisation_id, switch, action="autopay_switched", actor=actor, at=app.clock())


def begin_autopay(
    app: App,
    *,
    organisation_id: str,
    customer_id: str,
    terms: Terms,
    consent: str,
    consent_version: int,
    language: str,
    back_to: str,
    actor: str,
) -> str:
    """Keep what a payer agreed to, word for word, and return the page on which they save a means of payment.

    Nothing is taken before they did. `back_to` is their own page of autopay. InputError for terms that cannot be;
    RefusedError where autopay is not offered, too many pages were opened, or the processor opens none.
    """
    if not 0 <= terms.days_before <= MAX_DAYS_BEFORE:
        raise InputError("choose the due date or the day before it")
    if terms.ceiling is not None and (terms.ceiling.minor <= 0 or terms.ceiling.currency != terms.currency):
        raise InputError(CEILING_IN_ITS_CURRENCY)
    if not 0 < len(consent.strip()) <= MAX_CONSENT_CHARS:
        raise InputError("what is agreed to must be said in at most %(longest)s characters", longest=MAX_CONSENT_CHARS)
    with app.store.write() as db:
        connections.lock_organisation(db, organisation_id)
        now = app.clock()
        organisation = connections.organisation(db, organisation_id)
        processor = connections.connection_for_role(db, organisation_id, Role.PROCESSOR)
        if organisation is None or processor is None or not organisation.autopay_on:
            raise RefusedError("automatic payment is not offered here")
        mine = (t.customer.c.organisation_id == organisation_id) & (t.customer.c.id == customer_id)
        customer = db.execute(select(t.customer.c.email).where(mine)).first()
        if customer is None:
            raise RefusedError("there is no such customer")
        mandate_id = _keep(
            db,
            processor,
            customer_id,
            terms=terms,
            consent=consent.strip(),
            consent_version=consent_version,
            language=language,
            actor=actor,
            now=now,
        )
    intent = SaveMeans(
        key=mandate_id,
        mandate_id=mandate_id,
        currency=terms.currency,
        email=customer.email or "",
        saved_url=f"{back_to}?notice=means_saved",
        given_up_url=back_to,
        expires_at=now + PAGE_LIFETIME,
    )
    (outcome,) = app.vendors.connector(processor).write([intent])
    return _opened(app, processor, mandate_id, outcome)


def _keep(
    db: Connection,
    processor: VendorConnection,
    customer_id: str,
    *,
    terms: Terms,
    consent: str,
    consent_version: int,
    language: str,
    actor: str,
    now: datetime,
) -> str:
    """Keep the consent before the processor is asked: what is saved on the page names it."""
    organisation_id = processor.organisation_id
    lately = (_mandate.customer_id == customer_id) & (_mandate.agreed_at > now - timedelta(days=1))
    opened = db.scalar(select(func.count()).where(_mandate.organisation_id == organisation_id, lately))
    if (opened or 0) >= MAX_A_DAY:
        raise RefusedError("this was begun too often today: please try again tomorrow")
    mandate_id = stable_id("mnd", organisation_id, customer_id, token_hex(8))
    db.execute(
        insert(t.mandate).values(
            id=mandate_id,
            organisation_id=organisation_id,
            customer_id=customer_id,
            state=MandateState.BEGUN.value,
            currency=terms.currency,
            ceiling_minor=terms.ceiling.minor if terms.ceiling else None,
            days_before=terms.days_before,
            consent=consent,
            consent_version=consent_version,
            consent_language=language,
            agreed_by=actor,
            agreed_at=now,
            system=processor.system,
            account=processor.account.external_id,
            page_expires_at=now + PAGE_LIFETIME,
            method="",
            ending="",
            failures=0,
            why="",
        )
    )
    detail = f"version {consent_version}: {consent}"
    _record(db, organisation_id, customer_id, action="autopay_agreed", detail=detail, actor=actor, at=now)
    return mandate_id


def _opened(app: App, processor: VendorConnection, mandate_id: str, outcome: Outcome) -> str:
    """Keep where the page is, or forget the mandate where there is none: its consent stays in the audit trail."""
    mine = (_mandate.organisation_id == processor.organisation_id) & (_mandate.id == mandate_id)
    with app.store.write() as db:
        now = app.clock()
        if not isinstance(outcome, ConnectorError):
            values = {"page_external_id": outcome.external_ids[0], "page_address": outcome.address}
            db.execute(update(t.mandate).where(mine).values(**values))
            journal.resolve_problem(
                db, organisation_id=processor.organisation_id, code=_PROBLEM, subject=processor.id, at=now
            )
            return outcome.address
        db.execute(delete(t.mandate).where(mine))
        if not isinstance(outcome, Retry):  # of a page that may be there nobody was told, so nobody can use it
            text = f"A payer could not set automatic payment up: {outcome}"
            remedy = "Look at what Stripe says; payers can pay as before meanwhile."
            problem = Problem(_PROBLEM, text, remedy, processor.id)
            journal.raise_problem(db, organisation_id=processor.organisation_id, problem=problem, at=now)
    raise RefusedError("setting automatic payment up does not work just now: please pay as before, or try again later")


def keep_means(db: Connection, organisation_id: str, saved: SavedMeansFields, *, account: str, at: datetime) -> None:
    """Switch autopay on by what a payer saved; what they saved for a mandate that is over is forgotten at once.

    A means that replaces another ends that one's mandate: what was announced by it is announced anew. The caller has
    locked the organisation.
    """
    mandate = by_id(db, organisation_id, [saved.mandate_id]).get(saved.mandate_id)
    if mandate is None or mandate.account != account:
        return
    if mandate.means_external_id == saved.means_external_id:
        return
    if mandate.state is not MandateState.BEGUN:
        forget_means(db, organisation_id, mandate, saved.means_external_id, at)
        return
    for other in mandates(db, organisation_id, *LIVE, customer_id=mandate.customer_id):
        close_mandate(
            db, organisation_id, other, state=MandateState.ENDED, why="another means was saved", actor=ACTOR, at=at
        )
    values = {
        "state": MandateState.ON.value,
        "payer_external_id": saved.payer_external_id,
        "means_external_id": saved.means_external_id,
        "method": saved.method,
        "ending": saved.ending,
        "page_address": None,
    }
    mine = (_mandate.organisation_id == organisation_id) & (_mandate.id == mandate.id)
    db.execute(update(t.mandate).where(mine).values(**values))
    detail = f"from {saved.method} ending {saved.ending}"
    who = mandate.agreed_by
    _record(db, organisation_id, mandate.customer_id, action="autopay_on", detail=detail, actor=who, at=at)


def end_autopay(app: App, *, organisation_id: str, customer_id: str, actor: str) -> bool:
    """End every mandate of a customer at once, and have the processor forget what was saved; False if there is none."""
    with app.store.write() as db:
        connections.lock_organisation(db, organisation_id)
        now = app.clock()
        standing = mandates(db, organisation_id, MandateState.BEGUN, *LIVE, customer_id=customer_id)
        for mandate in standing:
            close_mandate(
                db, organisation_id, mandate, state=MandateState.ENDED, why="switched off", actor=actor, at=now
            )
    if standing:
        app.wake()
    return bool(standing)


def pause_for_merge(db: Connection, organisation_id: str, customer_ids: Collection[str], at: datetime) -> None:
    """Pause autopay of customers who become one: none of them agreed to pay the other's invoices."""
    for customer_id in customer_ids:
        for mandate in mandates(db, organisation_id, MandateState.ON, customer_id=customer_id):
            why = "two customers were merged"
            close_mandate(db, organisation_id, mandate, state=MandateState.PAUSED, why=why, actor=ACTOR, at=at)


def _record(
    db: Connection, organisation_id: str, customer_id: str, *, action: str, detail: str, actor: str, at: datetime
) -> None:
    journal.record(
        db, organisation_id=organisation_id, at=at, actor=actor, action=action, subject=customer_id, detail=detail
    )
