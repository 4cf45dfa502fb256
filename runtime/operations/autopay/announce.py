"""Tell payers of what is taken from their means before it is, and of what could not be taken, once each."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, Select, insert, select, update

from receivables.decline import Advice, Decline, DeclineGroup
from receivables.discount import DiscountOffer
from receivables.document import DocumentKind, DocumentStatus
from receivables.identity import stable_id
from receivables.money import Money
from reminders.autopay import (
    AGAIN_AFTER_DAYS,
    ANNOUNCED_DAYS_AHEAD,
    MAX_DAYS_BEFORE,
    UNDER_WAY,
    MandateState,
    PaymentState,
    Refusal,
    Then,
    holds_on_debt,
    may_be_tried,
    refused,
    take_on,
)
from reminders.autopay_message import AutomaticLine, FailedLine, Means, render_ahead, render_failed
from reminders.evidence import ContactEvidence, ItemEvidence
from reminders.message import Message
from reminders.schedule import MAX_LINES_A_MESSAGE
from runtime.app import App
from runtime.operations.autopay.mandates import ACTOR, Mandate, by_id, mandates, of_documents
from runtime.operations.discounts.offers import offers_of
from runtime.operations.reaching.by_mail import place_of
from runtime.operations.reaching.contact_language import language_for
from runtime.operations.reminding.catch_up import catch_up
from runtime.operations.reminding.compose import brand_of, portal_links
from runtime.operations.reminding.courtesies import Courtesy, not_told, send_once
from runtime.operations.reminding.evidence import gather
from runtime.operations.systems.read_invoices import Reading, read_invoices
from runtime.store import connections, journal
from runtime.store import tables as t
from runtime.store.connections import Organisation
from runtime.store.rows import beside_an_index, chunks
from runtime.store.weighing import weigh_again

AHEAD, FAILED = "autopay_ahead", "autopay_failed"
TOLD_WITHIN = timedelta(days=14)  # a failure that could not be told of until then is no news
_FARTHEST = ANNOUNCED_DAYS_AHEAD + MAX_DAYS_BEFORE  # days until the due date of what is announced now
_document = t.document.c


@dataclass(frozen=True, slots=True)
class Next:
    """An invoice that a mandate pays next: on which day, or why not."""

    evidence: ItemEvidence
    day: date
    refusal: Refusal | None

    @property
    def amount(self) -> Money:
        """What is taken."""
        return self.evidence.remaining


def announce_payments(app: App, organisation_id: str) -> Counter[str]:
    """Write to payers whose invoices are taken in the next days. Returns how many messages ended each way."""
    outcome: Counter[str] = Counter()
    with app.store.read() as db:
        organisation = connections.organisation(db, organisation_id)
        if app.email is None or organisation is None or not organisation.sending_on or not organisation.autopay_on:
            return outcome
        now = app.clock()
        today = now.astimezone(organisation.zone).date()
        every = mandates(db, organisation_id, MandateState.ON)
        ahead = next_payments(db, organisation, every, now=now)
        about = {
            each.id: Courtesy(AHEAD, f"{each.id} {today}", each.customer_id, items)
            for each in every
            if (items := _items(ahead.get(each.id, ())))
        }
        about = not_told(db, organisation_id, about)
    documents = [document for courtesy in about.values() for document in courtesy.documents]
    if read_invoices(app, organisation_id, documents) is Reading.FAILED:
        return outcome
    for mandate_id, courtesy in about.items():

        def write(
            db: Connection, contact: ContactEvidence, at: datetime, of: str = mandate_id, told: Courtesy = courtesy
        ) -> Message | None:
            return _announced(app, db, organisation, of, told, contact=contact, now=at)

        outcome[send_once(app, app.email, organisation, courtesy, write)] += 1
    return outcome


def next_payments(
    db: Connection, organisation: Organisation, every: Sequence[Mandate], *, now: datetime
) -> dict[str, list[Next]]:
    """Return, by mandate, the invoices that are paid next and that no payment is under way for; with why any is not."""
    today = now.astimezone(organisation.zone).date()
    by_customer = {each.customer_id: each for each in every if each.state is MandateState.ON}
    near: dict[str, Mandate] = {}
    for chunk in chunks(sorted(by_customer)):
        for row in db.execute(_open_until(organisation.id, chunk, today + timedelta(days=_FARTHEST))):
            mandate = by_customer[row.customer_id]
            is_near = mandate.terms.day(row.due_on) <= today + timedelta(days=ANNOUNCED_DAYS_AHEAD)
            if is_near and row.currency == mandate.terms.currency:
                near[row.id] = mandate
    before = of_documents(db, organisation.id, near)
    free = [each for each, mandate in near.items() if _is_free(before.get(each, ()), mandate, organisation, today)]
    found: defaultdict[str, list[Next]] = defaultdict(list)
    discounts = offers_of(db, organisation, free, now=now) if free else {}
    for evidence in gather(db, organisation, now=now, document_ids=free) if free else ():
        mandate, discount = near[evidence.item.item_id], discounts.get(evidence.item.item_id)
        if evidence.remaining.minor > 0:
            found[mandate.id].append(_next(organisation, mandate, evidence, discount.offer if discount else None, now))
    return found


def _open_until(organisation_id: str, customer_ids: Sequence[str], last: date) -> Select[Any]:
    return select(_document.id, _document.customer_id, _document.currency, _document.due_on).where(
        _document.organisation_id == organisation_id,
        _document.customer_id.in_(customer_ids),
        beside_an_index(_document.status) == DocumentStatus.OPEN.value,
        _document.kind == DocumentKind.INVOICE.value,
        _document.due_on <= last,
        _document.sent,
    )


def _is_free(before: Sequence[Row[Any]], mandate: Mandate, organisation: Organisation, today: date) -> bool:
    """Whether an invoice may be taken after the payments that there were of it. One that was paid never is again."""
    if any(row.state in (*UNDER_WAY, PaymentState.PAID) for row in before):
        return False
    failed = [
        (Then(row.then), row.settled_at.astimezone(organisation.zone).date())
        for row in before
        if row.state == PaymentState.FAILED and row.mandate_id == mandate.id
    ]
    return may_be_tried(then=failed, today=today)


def _next(
    organisation: Organisation, mandate: Mandate, evidence: ItemEvidence, discount: DiscountOffer | None, now: datetime
) -> Next:
    country = place_of(organisation, evidence.contact.country)[0]
    day = take_on(
        terms=mandate.terms,
        due_on=evidence.item.due_on,
        told_on=now.astimezone(organisation.zone).date(),
        method=mandate.method,
        country=country,
    )
    refusal = refused(terms=mandate.terms, evidence=evidence, as_of=now, discount=discount, freshness_is_reported=True)
    return Next(evidence, day, refusal)


def _items(ahead: Sequence[Next]) -> tuple[str, ...]:
    return tuple(each.evidence.item.item_id for each in ahead if each.refusal is None)


def _announced(
    app: App,
    db: Connection,
    organisation: Organisation,
    mandate_id: str,
    courtesy: Courtesy,
    *,
    contact: ContactEvidence,
    now: datetime,
) -> Message | None:
    """Keep the payments that are announced and return the words; None where there are none by now."""
    mandate = by_id(db, organisation.id, [mandate_id])[mandate_id]
    found = next_payments(db, organisation, [mandate], now=now).get(mandate.id, [])
    ahead = [each for each in found if each.refusal is None and each.evidence.item.item_id in courtesy.documents]
    ahead = ahead[:MAX_LINES_A_MESSAGE]  # whatever is taken is named; the others wait for the next day's message
    if not ahead:
        return None
    before = of_documents(db, organisation.id, courtesy.documents)
    for each in ahead:
        attempt = len(before.get(each.evidence.item.item_id, ())) + 1
        _keep(db, mandate, each, attempt=attempt, courtesy_id=courtesy.id_in(organisation.id), now=now)
    return render_ahead(
        recipient=contact.recipient_name,
        lines=[AutomaticLine(each.evidence.item.number, each.amount, each.day) for each in ahead],
        means=Means(mandate.method, mandate.ending),
        brand=brand_of(db, organisation),
        links=portal_links(app, organisation.id, mandate.customer_id),
        language=language_for(db, organisation.id, mandate.customer_id, contact.country),
    )


def _keep(db: Connection, mandate: Mandate, each: Next, *, attempt: int, courtesy_id: str, now: datetime) -> None:
    document_id, organisation_id = each.evidence.item.item_id, mandate.organisation_id
    payment_id = stable_id("apm", organisation_id, document_id, str(attempt))
    db.execute(
        insert(t.automatic_payment).values(
            id=payment_id,
            organisation_id=organisation_id,
            mandate_id=mandate.id,
            customer_id=mandate.customer_id,
            document_id=document_id,
            attempt=attempt,
            currency=each.amount.currency,
            amount_minor=each.amount.minor,
            take_on=each.day,
            state=PaymentState.ANNOUNCED.value,
            courtesy_id=courtesy_id,
            announced_at=now,
            then="",
            why="",
        )
    )
    weigh_again(db, organisation_id, document_ids=[document_id])
    journal.record(
        db,
        organisation_id=organisation_id,
        at=now,
        actor=ACTOR,
        action="automatic_payment_announced",
        subject=document_id,
        detail=f"{each.amount} on {each.day}",
    )


def tell_failures(app: App, organisation_id: str) -> Counter[str]:
    """Write to payers whose payments failed and who still owe them, once about each.

    Processor and ledger are read again before: who has paid since is not asked to. Returns how many messages ended each
    way.
    """
    outcome: Counter[str] = Counter()
    with app.store.read() as db:
        organisation = connections.organisation(db, organisation_id)
        if app.email is None or organisation is None or not organisation.sending_on:
            return outcome
        untold = _untold(db, organisation, app.clock(), freshness_is_reported=True)
    if not untold:
        return outcome
    catch_up(app, organisation_id)
    documents = sorted({row.document_id for rows in untold.values() for row in rows})
    if read_invoices(app, organisation_id, documents) is Reading.FAILED:
        return outcome
    for rows in untold.values():
        mine = tuple(sorted({row.document_id for row in rows}))
        courtesy = Courtesy(FAILED, rows[0].id, rows[0].customer_id, mine)

        def write(db: Connection, contact: ContactEvidence, at: datetime, told: Courtesy = courtesy) -> Message | None:
            return _failed(app, db, organisation, told, contact=contact, now=at)

        outcome[send_once(app, app.email, organisation, courtesy, write)] += 1
    return outcome


def _untold(
    db: Connection, organisation: Organisation, now: datetime, *, freshness_is_reported: bool = False
) -> dict[str, list[Row[Any]]]:
    """Return the failed payments that are still owed and not told of to their payer, by mandate, the oldest first.

    One against which something speaks, as against a reminder, or of which a part was paid, waits while it is news.
    """
    payment = t.automatic_payment.c
    rows = db.execute(
        select(t.automatic_payment)
        .where(
            payment.organisation_id == organisation.id,
            payment.state == PaymentState.FAILED.value,
            payment.told_by.is_(None),
            payment.settled_at > now - TOLD_WITHIN,
        )
        .order_by(payment.settled_at, payment.id)
    ).all()
    evidence = gather(db, organisation, now=now, document_ids={row.document_id for row in rows}) if rows else ()
    owed = {
        each.item.item_id: each.remaining
        for each in evidence
        if not holds_on_debt(each, now, freshness_is_reported=freshness_is_reported)
    }
    found: defaultdict[str, list[Row[Any]]] = defaultdict(list)
    for row in rows:
        if owed.get(row.document_id) == Money(row.amount_minor, row.currency):
            found[row.mandate_id].append(row)
    return found


def _failed(
    app: App,
    db: Connection,
    organisation: Organisation,
    courtesy: Courtesy,
    *,
    contact: ContactEvidence,
    now: datetime,
) -> Message | None:
    """The words about what could not be taken; whatever failed of the same payer meanwhile is told of with it."""
    rows = next((each for each in _untold(db, organisation, now).values() if each[0].id == courtesy.about), [])
    if not rows:
        return None
    mandate = by_id(db, organisation.id, [rows[0].mandate_id])[rows[0].mandate_id]
    payment = t.automatic_payment.c
    mine = (payment.organisation_id == organisation.id) & payment.id.in_([row.id for row in rows])
    db.execute(update(t.automatic_payment).where(mine).values(told_by=courtesy.id_in(organisation.id)))
    links = portal_links(app, organisation.id, mandate.customer_id)
    is_paused = mandate.state is not MandateState.ON
    return render_failed(
        recipient=contact.recipient_name,
        lines=[_failed_line(db, organisation, row, links.portal, is_paused=is_paused) for row in rows],
        means=Means(mandate.method, mandate.ending),
        decline=decline_of(rows[-1].decline),
        is_paused=is_paused,
        brand=brand_of(db, organisation),
        links=links,
        language=language_for(db, organisation.id, mandate.customer_id, contact.country),
    )


def _failed_line(
    db: Connection, organisation: Organisation, row: Row[Any], portal: str, *, is_paused: bool
) -> FailedLine:
    """What could not be taken, and when it is tried again; what is not is paid by the payer on a page of its own."""
    number = db.scalar(
        select(_document.number).where(_document.organisation_id == organisation.id, _document.id == row.document_id)
    )
    again = row.settled_at.astimezone(organisation.zone).date() + timedelta(days=AGAIN_AFTER_DAYS)
    return FailedLine(
        number=number or "",
        amount=Money(row.amount_minor, row.currency),
        again_from=again if row.then == Then.AGAIN and not is_paused else None,
        pay=f"{portal}/pay/{row.document_id}",
    )


def decline_of(kept: Mapping[str, str] | None) -> Decline | None:
    """Return why a payment failed, as a row keeps it and as far as the processor told."""
    return Decline(DeclineGroup(kept["group"]), Advice(kept["advice"]), kept["text"]) if kept else None
