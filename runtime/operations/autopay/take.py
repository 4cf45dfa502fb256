"""Take what was announced, on its day: promised as every outside write, asked about once more right before it is made.

A payment goes announced → promised (a row of the outbox, once for ever under its id) → taken (there is one at the
processor) → paid or failed. The moment before the call, when the row is about to be in doubt, ledger and processor were
read again and every hold is asked, under the organisation's lock: what arrived until then keeps it from being taken.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, select

from connectors.contract import Role
from connectors.errors import Retry
from connectors.intents import Done, Outcome, TakePayment
from receivables.discount import DiscountOffer
from receivables.money import Money
from reminders.autopay import MandateState, PaymentState, Refusal, Then, is_time, is_too_late, refused
from reminders.evidence import ItemEvidence
from runtime.app import App
from runtime.operations.autopay.follow import pause_after, taken_back
from runtime.operations.autopay.mandates import (
    ACTOR,
    Mandate,
    by_id,
    close_mandate,
    leave,
    payments,
    set_payment,
)
from runtime.operations.discounts.offers import offers_of
from runtime.operations.reminding.catch_up import catch_up
from runtime.operations.reminding.evidence import gather
from runtime.operations.reminding.withdraw import SENT, withdraw_reminders
from runtime.operations.systems.read_invoices import read_invoices
from runtime.store import connections, queues
from runtime.store import tables as t
from runtime.store.connections import Organisation
from runtime.store.rows import chunks

READ_AGAIN_SECONDS = 900.0  # so long is waited for evidence that is too old
OutboxRow = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Found:
    """A payment with its mandate, what is known of its invoice, and the discount with which that may be paid now.

    `is_told` unless its payer perhaps does not know of it: the announcement did not surely leave, or it came back.
    """

    row: Row[Any]
    is_told: bool
    mandate: Mandate | None
    evidence: ItemEvidence | None
    discount: DiscountOffer | None


def promise_payments(app: App, organisation_id: str) -> Counter[str]:
    """Promise what is to be taken by now and that nothing speaks against. Returns how many ended each way."""
    outcome: Counter[str] = Counter()
    with app.store.read() as db:
        organisation = connections.organisation(db, organisation_id)
        if organisation is None or not payments(db, organisation_id, PaymentState.ANNOUNCED):
            return outcome
    with app.store.write() as db:
        connections.lock_organisation(db, organisation_id)
        now = app.clock()
        due = [
            row
            for row in payments(db, organisation_id, PaymentState.ANNOUNCED)
            if is_time(day=row.take_on, now=now, zone=organisation.zone)
        ]
        for found in _with_evidence(db, organisation, due, now):
            row, mandate, evidence = found.row, found.mandate, found.evidence
            why = _why_not(db, organisation, found, now, freshness_is_reported=True)
            if found.is_told and is_too_late(day=row.take_on, now=now, zone=organisation.zone):
                why = Refusal("Its day passed, and it could not be taken then.")
            if why is not None or mandate is None:
                leave(db, row, why.reason if why else "", at=now)
                outcome[PaymentState.LEFT.value] += 1
                continue
            _promise(db, row, mandate, evidence, now)
            outcome[PaymentState.PROMISED.value] += 1
    if outcome[PaymentState.PROMISED.value]:
        app.wake()
    return outcome


def _promise(db: Connection, row: Row[Any], mandate: Mandate, evidence: ItemEvidence | None, now: datetime) -> None:
    intent = TakePayment(
        key=row.id,
        item_id=row.document_id,
        number=evidence.item.number if evidence else "",
        amount=Money(row.amount_minor, row.currency),
        payer_external_id=mandate.payer_external_id,
        means_external_id=mandate.means_external_id,
        method=mandate.method,
        promised_at=now,
    )
    queues.enqueue(
        db, organisation_id=row.organisation_id, system=mandate.system, intent=intent, subject=row.id, at=now
    )
    set_payment(db, row, state=PaymentState.PROMISED, at=now, promised_at=now)
    withdraw_reminders(
        db,
        organisation_id=row.organisation_id,
        document_ids=[row.document_id],
        why=f"{intent.amount} are taken by autopay",
        at=now,
    )


def read_before_taking(app: App, organisation_id: str, rows: Sequence[OutboxRow]) -> None:
    """Read again, now, what payments that are about to be made rest on; what cannot be read stays old, and holds."""
    documents = _documents(rows)
    if documents:
        catch_up(app, organisation_id, after=timedelta(0))
        read_invoices(app, organisation_id, documents)


def held_back(
    db: Connection, organisation_id: str, rows: Sequence[OutboxRow], now: datetime
) -> dict[int, Outcome | None]:
    """Return the rows of payments that must not be made now: None for those that are left, an error for those to wait.

    The caller has locked the organisation, and marks all others as in doubt in the same unit of work.
    """
    wanted = {row["subject"]: row for row in rows if isinstance(queues.read_intent(row), TakePayment)}
    organisation = connections.organisation(db, organisation_id)
    if not wanted or organisation is None:
        return {}
    pause_after(db, taken_back(db, organisation_id, now), now)
    found: dict[int, Outcome | None] = {}
    payment = t.automatic_payment.c
    mine = (payment.organisation_id == organisation_id) & payment.id.in_(list(wanted))
    kept = list(db.execute(select(t.automatic_payment).where(mine, payment.state == PaymentState.PROMISED.value)))
    for each in _with_evidence(db, organisation, kept, now):
        row, why = each.row, _why_not(db, organisation, each, now)
        if why is not None and why.passes:
            found[wanted[row.id]["id"]] = Retry(why.reason, after_seconds=READ_AGAIN_SECONDS)
        elif why is not None:
            leave(db, row, why.reason, at=now)
            found[wanted[row.id]["id"]] = None
    standing = {row.id for row in kept}
    found |= {row["id"]: None for subject, row in wanted.items() if subject not in standing}
    for row_id in (each for each, outcome in found.items() if outcome is None):
        queues.settle(db, t.outbox, row_id, state=queues.SUPERSEDED, done_at=now)
    return found


def after_taking(db: Connection, row: OutboxRow, done: Done, now: datetime) -> None:
    """Keep which payment at the processor it is: what becomes of it is read as of any other."""
    kept = _kept(db, row)
    if kept is not None:
        set_payment(db, kept, state=PaymentState.TAKEN, at=now, external_id=done.external_ids[0])


def after_not_taking(db: Connection, row: OutboxRow, why: str, now: datetime) -> None:
    """Pause autopay of a payer from whom nothing can be taken: the processor made no payment, and a person looks."""
    kept = _kept(db, row)
    if kept is None:
        return
    set_payment(db, kept, state=PaymentState.FAILED, at=now, settled_at=now, then=Then.PAUSE.value, why=why)
    mandate = by_id(db, row["organisation_id"], [kept.mandate_id])[kept.mandate_id]
    if mandate.state is MandateState.ON:
        close_mandate(db, row["organisation_id"], mandate, state=MandateState.PAUSED, why=why, actor=ACTOR, at=now)


def after_waiting(db: Connection, row: OutboxRow, why: str, now: datetime) -> None:
    """Leave a payment that waited too long for evidence that is new enough; one that may have been made is not left."""
    kept = _kept(db, row)
    if kept is not None:
        leave(db, kept, why, at=now)


def _kept(db: Connection, row: OutboxRow) -> Row[Any] | None:
    payment = t.automatic_payment.c
    mine = (payment.organisation_id == row["organisation_id"]) & (payment.id == row["subject"])
    return db.execute(select(t.automatic_payment).where(mine, payment.state == PaymentState.PROMISED.value)).first()


def _documents(rows: Sequence[OutboxRow]) -> list[str]:
    intents = (queues.read_intent(row) for row in rows)
    return sorted({intent.item_id for intent in intents if isinstance(intent, TakePayment)})


def _told(db: Connection, courtesy_ids: Sequence[str]) -> set[str]:
    """Return which messages surely left and did not come back: who may not have been told is not asked to pay."""
    sent = t.courtesy.c.state == SENT
    found: set[str] = set()
    for chunk in chunks(sorted(set(courtesy_ids))):
        found |= set(db.scalars(select(t.courtesy.c.id).where(t.courtesy.c.id.in_(chunk), sent)))
    return found


def _with_evidence(db: Connection, organisation: Organisation, rows: Sequence[Row[Any]], now: datetime) -> list[Found]:
    known = by_id(db, organisation.id, {row.mandate_id for row in rows})
    documents = {row.document_id for row in rows}
    gathered = gather(db, organisation, now=now, document_ids=documents) if documents else []
    evidence = {each.item.item_id: each for each in gathered}
    told = _told(db, [row.courtesy_id for row in rows])
    discounts = {key: each.offer for key, each in offers_of(db, organisation, documents, now=now).items()}
    return [
        Found(
            row=row,
            is_told=row.courtesy_id in told,
            mandate=known.get(row.mandate_id),
            evidence=evidence.get(row.document_id),
            discount=discounts.get(row.document_id),
        )
        for row in rows
    ]


def _why_not(
    db: Connection,
    organisation: Organisation,
    found: Found,
    now: datetime,
    *,
    freshness_is_reported: bool = False,
) -> Refusal | None:
    """Say why a payment is not taken now, None where nothing at all speaks against it."""
    row, mandate, evidence = found.row, found.mandate, found.evidence
    processor = connections.connection_for_role(db, organisation.id, Role.PROCESSOR)
    if not found.is_told:
        return Refusal("The payer could not be told of it beforehand.")
    if mandate is None or mandate.state is not MandateState.ON:
        return Refusal("Autopay is not on any more.")
    if not organisation.autopay_on:
        return Refusal("Autopay is switched off for this organisation.")
    if processor is None or processor.account.external_id != mandate.account:
        return Refusal("The processor at which the means was saved is not connected.")
    if evidence is None or evidence.item.customer_id != mandate.customer_id:
        return Refusal("The invoice is not the payer's any more.")
    return refused(
        terms=mandate.terms,
        evidence=evidence,
        as_of=now,
        announced=Money(row.amount_minor, row.currency),
        discount=found.discount,
        freshness_is_reported=freshness_is_reported,
    )
