"""Mandates of payers and the payments under way by them, as rows; how both end."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select, update

from connectors.intents import ForgetMeans
from receivables.identity import stable_id
from receivables.money import Money
from reminders.autopay import UNDER_WAY, MandateState, PaymentState, Terms, in_flight
from reminders.evidence import InFlight
from runtime.store import journal, queues
from runtime.store import tables as t
from runtime.store.connections import Organisation
from runtime.store.rows import chunks
from runtime.store.weighing import weigh_again

ACTOR = "autopay"
LIVE = (MandateState.ON, MandateState.PAUSED)
MAX_MANDATES = 5_000  # of one organisation that are looked at in one unit of work
MAX_PAYMENTS = 5_000  # under way in one organisation
_mandate, _payment = t.mandate.c, t.automatic_payment.c
_MANDATES = (
    select(t.mandate)
    .where(
        _mandate.organisation_id == bindparam("organisation_id"),
        _mandate.state.in_(bindparam("states", expanding=True)),
    )
    .order_by(_mandate.agreed_at.desc(), _mandate.id)
    .limit(MAX_MANDATES)
)
_MANDATES_OF_ONE = _MANDATES.where(_mandate.customer_id == bindparam("customer_id"))
_PAYMENTS = (
    select(t.automatic_payment)
    .where(
        _payment.organisation_id == bindparam("organisation_id"),
        _payment.state.in_(bindparam("states", expanding=True)),
    )
    .order_by(_payment.take_on, _payment.id)
    .limit(MAX_PAYMENTS)
)
_PAYMENTS_BY_ONE = _PAYMENTS.where(_payment.mandate_id == bindparam("mandate_id"))
_OF_DOCUMENTS = (
    select(t.automatic_payment)
    .where(
        _payment.organisation_id == bindparam("organisation_id"),
        _payment.document_id.in_(bindparam("document_ids", expanding=True)),
    )
    .order_by(_payment.attempt)
)


@dataclass(frozen=True, slots=True)
class Mandate:
    """What a payer agreed to, and the means that they saved for it, in an account at the processor."""

    id: str
    organisation_id: str
    customer_id: str
    state: MandateState
    terms: Terms
    consent: str
    consent_version: int
    agreed_by: str
    agreed_at: datetime
    system: str
    account: str
    page_external_id: str | None
    page_address: str | None
    page_expires_at: datetime
    payer_external_id: str
    means_external_id: str
    method: str
    ending: str
    failures: int
    why: str
    ended_at: datetime | None


def mandates(
    db: Connection, organisation_id: str, *states: MandateState, customer_id: str | None = None
) -> list[Mandate]:
    """Return the mandates in these states, of one customer or of everybody, the newest first."""
    wanted = {"organisation_id": organisation_id, "states": [each.value for each in states]}
    if customer_id is None:
        return [_read(row) for row in db.execute(_MANDATES, wanted)]
    return [_read(row) for row in db.execute(_MANDATES_OF_ONE, wanted | {"customer_id": customer_id})]


def by_id(db: Connection, organisation_id: str, mandate_ids: Collection[str]) -> dict[str, Mandate]:
    """Return these mandates of the organisation by their ids."""
    return {
        row.id: _read(row)
        for chunk in chunks(sorted(mandate_ids))
        for row in db.execute(
            select(t.mandate).where(_mandate.organisation_id == organisation_id, _mandate.id.in_(chunk))
        )
    }


def standing_of(db: Connection, organisation_id: str, customer_id: str, now: datetime) -> Mandate | None:
    """Return the mandate that a payer has, or began and may complete; the one that they ended last, if nothing else."""
    every = mandates(db, organisation_id, *MandateState, customer_id=customer_id)
    live = [each for each in every if each.state in LIVE]
    begun = [each for each in every if each.state is MandateState.BEGUN and now < each.page_expires_at]
    over = [each for each in every if each.state is MandateState.ENDED and each.means_external_id]
    return next(iter([*live, *(each for each in begun if each.page_address), *over]), None)


def payments(
    db: Connection, organisation_id: str, *states: PaymentState, mandate_id: str | None = None
) -> list[Row[Any]]:
    """Return the payments in these states, of one mandate or of all, in the order of their days."""
    wanted = {"organisation_id": organisation_id, "states": [each.value for each in states]}
    if mandate_id is None:
        return list(db.execute(_PAYMENTS, wanted))
    return list(db.execute(_PAYMENTS_BY_ONE, wanted | {"mandate_id": mandate_id}))


def of_documents(db: Connection, organisation_id: str, document_ids: Collection[str]) -> dict[str, list[Row[Any]]]:
    """Return every payment there was of these invoices, by invoice, the first one first."""
    found: defaultdict[str, list[Row[Any]]] = defaultdict(list)
    for chunk in chunks(sorted(document_ids)):
        for row in db.execute(_OF_DOCUMENTS, {"organisation_id": organisation_id, "document_ids": list(chunk)}):
            found[row.document_id].append(row)
    return found


def under_way(
    db: Connection,
    organisation: Organisation,
    document_ids: Collection[str],
    *,
    states: Collection[PaymentState] = UNDER_WAY,
) -> dict[str, list[InFlight]]:
    """Return what comes by autopay for these invoices: it holds reminders until it is known to have come or failed."""
    return {
        document_id: [
            in_flight(
                amount=Money(row.amount_minor, row.currency),
                day=row.take_on,
                zone=organisation.zone,
                promised_at=row.promised_at,
            )
            for row in rows
            if row.state in states
        ]
        for document_id, rows in of_documents(db, organisation.id, document_ids).items()
    }


def set_payment(
    db: Connection,
    row: Row[Any],
    *,
    state: PaymentState,
    at: datetime,
    actor: str = ACTOR,
    **values: Any,  # noqa: ANN401 - column values
) -> None:
    """Move a payment on, and write down in its invoice's history what became of it."""
    mine = (_payment.organisation_id == row.organisation_id) & (_payment.id == row.id)
    db.execute(update(t.automatic_payment).where(mine).values(state=state.value, **values))
    weigh_again(db, row.organisation_id, document_ids=[row.document_id])
    amount, why = Money(row.amount_minor, row.currency), values.get("why", "")
    journal.record(
        db,
        organisation_id=row.organisation_id,
        at=at,
        actor=actor,
        action=f"automatic_payment_{state}",
        subject=row.document_id,
        detail=f"{amount}: {why}" if why else str(amount),
    )


def leave(db: Connection, row: Row[Any], why: str, *, at: datetime, actor: str = ACTOR) -> None:
    """Do not take a payment that was announced, and say why; its invoice is free again."""
    set_payment(db, row, state=PaymentState.LEFT, at=at, actor=actor, why=why, settled_at=at)


def close_mandate(
    db: Connection, organisation_id: str, mandate: Mandate, *, state: MandateState, why: str, actor: str, at: datetime
) -> None:
    """Pause a mandate, or end it for good: nothing more is taken by it, and what was saved for one that ended goes.

    What is being taken at this moment is not known to be stopped: it is followed to its end. The caller has locked the
    organisation.
    """
    mine = (_mandate.organisation_id == organisation_id) & (_mandate.id == mandate.id)
    over = {"ended_at": at, "ended_by": actor} if state is MandateState.ENDED else {}
    db.execute(update(t.mandate).where(mine).values(state=state.value, why=why, **over))
    for row in payments(db, organisation_id, PaymentState.ANNOUNCED, PaymentState.PROMISED, mandate_id=mandate.id):
        if row.state == PaymentState.ANNOUNCED or _is_stopped(db, mandate.system, row, at):
            leave(db, row, why, at=at, actor=actor)
    if state is MandateState.ENDED and mandate.means_external_id:
        forget_means(db, organisation_id, mandate, mandate.means_external_id, at)
    detail = f"{mandate.method} {mandate.ending}: {why}" if mandate.method else why
    journal.record(
        db,
        organisation_id=organisation_id,
        at=at,
        actor=actor,
        action=f"autopay_{state}",
        subject=mandate.customer_id,
        detail=detail,
    )


def forget_means(db: Connection, organisation_id: str, mandate: Mandate, means_id: str, at: datetime) -> None:
    """Promise that the processor forgets a means: it is done as soon as the processor can be reached."""
    intent = ForgetMeans(key=stable_id("fgt", mandate.id, means_id), means_external_id=means_id)
    queues.enqueue(db, organisation_id=organisation_id, system=mandate.system, intent=intent, subject=mandate.id, at=at)


def _is_stopped(db: Connection, system: str, payment: Row[Any], at: datetime) -> bool:
    """Whether a promised payment could be stopped before it was asked for, so that it is not taken any more."""
    row = queues.promised(db, organisation_id=payment.organisation_id, system=system, key=payment.id)
    if row is None or row["in_doubt"] or row["state"] == queues.DONE:
        return False
    queues.settle(db, t.outbox, row["id"], state=queues.SUPERSEDED, done_at=at)
    return True


def _read(row: Row[Any]) -> Mandate:
    ceiling = None if row.ceiling_minor is None else Money(row.ceiling_minor, row.currency)
    return Mandate(
        id=row.id,
        organisation_id=row.organisation_id,
        customer_id=row.customer_id,
        state=MandateState(row.state),
        terms=Terms(row.currency, ceiling, row.days_before),
        consent=row.consent,
        consent_version=row.consent_version,
        agreed_by=row.agreed_by,
        agreed_at=row.agreed_at,
        system=row.system,
        account=row.account,
        page_external_id=row.page_external_id,
        page_address=row.page_address,
        page_expires_at=row.page_expires_at,
        payer_external_id=row.payer_external_id or "",
        means_external_id=row.means_external_id or "",
        method=row.method,
        ending=row.ending,
        failures=row.failures,
        why=row.why,
        ended_at=row.ended_at,
    )
