"""Follow autopay: pages that payers left, payments that arrived or failed, what stopped half-way."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select, update

from connectors.contract import Role
from connectors.errors import ConnectorError
from connectors.records import Kind
from receivables.money import Money
from receivables.receipt import ReceiptStatus
from reminders.autopay import SHOWS_WITHIN, MandateState, PaymentState, Then, after_failure
from runtime.app import App
from runtime.operations.autopay.announce import decline_of
from runtime.operations.autopay.mandates import (
    ACTOR,
    MAX_PAYMENTS,
    Mandate,
    by_id,
    close_mandate,
    leave,
    mandates,
    payments,
    set_payment,
)
from runtime.operations.systems.absorb.page import absorb
from runtime.operations.systems.loss import noting_loss
from runtime.store import connections, queues
from runtime.store import tables as t
from runtime.store.rows import chunks

COMPLETED_WITHIN = timedelta(minutes=15)  # after a page is over, what was saved on it at the last moment is known
TROUBLE_WITHIN = timedelta(days=60)  # so long after a payment arrived its being taken back pauses autopay
_OVER = (ReceiptStatus.FAILED.value, ReceiptStatus.REVERSED.value)
_payment, _mandate, _receipt = t.automatic_payment.c, t.mandate.c, t.receipt.c
_ORGANISATION = bindparam("organisation_id", type_=_payment.organisation_id.type)
_TAKEN_BACK = (
    select(t.automatic_payment)
    .join(t.mandate, _mandate.id == _payment.mandate_id)
    .join(t.receipt, (_receipt.source == _mandate.system) & (_receipt.external_id == _payment.external_id))
    .where(
        _payment.organisation_id == _ORGANISATION,
        _payment.state == PaymentState.PAID.value,
        _payment.settled_at > bindparam("since"),
    )
    .where(_mandate.organisation_id == _ORGANISATION, _mandate.state == MandateState.ON.value)
    .where(
        _receipt.organisation_id == _ORGANISATION,
        _receipt.read_at.is_not(None),
        _receipt.status.in_(_OVER) | (_receipt.dispute != ""),
    )
    .order_by(_payment.settled_at, _payment.id)
    .limit(MAX_PAYMENTS)
)


def watch_autopay(app: App, organisation_id: str) -> Counter[str]:
    """Look after all that is under way. Returns how many mandates and payments ended each way."""
    _look_at_pages(app, organisation_id)
    outcome: Counter[str] = Counter()
    with app.store.read() as db:
        if not any(_under_way(db, organisation_id, app.clock())):
            return outcome
    with app.store.write() as db:
        connections.lock_organisation(db, organisation_id)
        now = app.clock()
        over, taken, gone, promised = _under_way(db, organisation_id, now)
        for mandate in over:
            _give_up(db, organisation_id, mandate, now)
        receipts = _receipts(db, organisation_id, taken)
        for row in taken:
            outcome[_follow(db, row, receipts.get(row.external_id), now)] += 1
        pause_after(db, gone, now)
        for row in promised:
            _free_if_stopped(db, row, now)
    return +outcome


def _under_way(
    db: Connection, organisation_id: str, now: datetime
) -> tuple[list[Mandate], list[Row[Any]], list[Row[Any]], list[Row[Any]]]:
    """Return mandates that were never completed, and payments that were taken, taken back, that are promised."""
    moving = payments(db, organisation_id, PaymentState.TAKEN, PaymentState.PROMISED)
    return (
        [each for each in mandates(db, organisation_id, MandateState.BEGUN) if _is_over(each, now)],
        [row for row in moving if row.state == PaymentState.TAKEN],
        taken_back(db, organisation_id, now),
        [row for row in moving if row.state == PaymentState.PROMISED],
    )


def _look_at_pages(app: App, organisation_id: str) -> None:
    """Read what was saved on pages whose webhook did not come: we know which ones were opened."""
    with app.store.read() as db:
        begun = mandates(db, organisation_id, MandateState.BEGUN)
        pages = [each.page_external_id for each in begun if each.page_external_id]
        processor = connections.connection_for_role(db, organisation_id, Role.PROCESSOR) if pages else None
    if processor is None:
        return
    read_at = app.clock()
    with suppress(ConnectorError), noting_loss(app, processor):
        page = app.vendors.connector(processor).fetch(Kind.SAVED_MEANS, pages)
        with app.store.write() as db:
            absorb(db, connection=processor, page=page, read_at=read_at)


def _is_over(mandate: Mandate, now: datetime) -> bool:
    return now >= mandate.page_expires_at + COMPLETED_WITHIN


def _give_up(db: Connection, organisation_id: str, mandate: Mandate, now: datetime) -> None:
    why = "no means of payment was saved"
    close_mandate(db, organisation_id, mandate, state=MandateState.ENDED, why=why, actor=ACTOR, at=now)


def taken_back(db: Connection, organisation_id: str, now: datetime) -> list[Row[Any]]:
    """Return what arrived lately by mandates that are on, and was taken back since: by its payer, or by their bank."""
    return list(db.execute(_TAKEN_BACK, {"organisation_id": organisation_id, "since": now - TROUBLE_WITHIN}))


def _receipts(db: Connection, organisation_id: str, rows: list[Row[Any]]) -> dict[str, Row[Any]]:
    """Return what is known of payments at the processor, by its own ids."""
    receipt = t.receipt.c
    found: dict[str, Row[Any]] = {}
    for chunk in chunks(sorted({row.external_id for row in rows})):
        mine = (receipt.organisation_id == organisation_id) & receipt.external_id.in_(chunk)
        asked = select(receipt.external_id, receipt.status, receipt.decline)
        found |= {row.external_id: row for row in db.execute(asked.where(mine, receipt.read_at.is_not(None)))}
    return found


def _follow(db: Connection, row: Row[Any], receipt: Row[Any] | None, now: datetime) -> str:
    """Let a payment that was taken end as its receipt did."""
    if receipt is None:
        if now < row.promised_at + SHOWS_WITHIN:
            return ""
        return _fail(db, row, None, "nothing came of it", now)
    if receipt.status == ReceiptStatus.IN_FLIGHT.value:
        return ""
    if receipt.status in _OVER:
        return _fail(db, row, receipt.decline, "", now)
    set_payment(db, row, state=PaymentState.PAID, at=now, settled_at=now)
    mine = (_mandate.organisation_id == row.organisation_id) & (_mandate.id == row.mandate_id)
    db.execute(update(t.mandate).where(mine).values(failures=0))
    return PaymentState.PAID.value


def _fail(db: Connection, row: Row[Any], decline: dict[str, str] | None, why: str, now: datetime) -> str:
    """Decide what follows a failed payment, as its decline advises."""
    mandate = by_id(db, row.organisation_id, [row.mandate_id])[row.mandate_id]
    failures = mandate.failures + 1
    then = after_failure(decline=decline_of(decline), attempt=row.attempt, failures=failures)
    text = why or (decline["text"] if decline else "declined")
    set_payment(db, row, state=PaymentState.FAILED, at=now, settled_at=now, decline=decline, then=then.value, why=text)
    mine = (_mandate.organisation_id == row.organisation_id) & (_mandate.id == mandate.id)
    db.execute(update(t.mandate).where(mine).values(failures=failures))
    if then is Then.PAUSE and mandate.state is MandateState.ON:
        amount = Money(row.amount_minor, row.currency)
        why = f"{amount} could not be taken: {text}"
        close_mandate(db, row.organisation_id, mandate, state=MandateState.PAUSED, why=why, actor=ACTOR, at=now)
    return PaymentState.FAILED.value


def pause_after(db: Connection, taken: list[Row[Any]], now: datetime) -> None:
    """Take nothing more from whoever took one of these payments back. The caller has locked the organisation."""
    for row in taken:
        mandate = by_id(db, row.organisation_id, [row.mandate_id])[row.mandate_id]
        if mandate.state is MandateState.ON:
            why = f"a payment of {Money(row.amount_minor, row.currency)} was taken back"
            close_mandate(db, row.organisation_id, mandate, state=MandateState.PAUSED, why=why, actor=ACTOR, at=now)


def _free_if_stopped(db: Connection, row: Row[Any], now: datetime) -> None:
    """Leave a promised payment whose promise is over without effect: its connection was ended, or it was given up."""
    mandate = by_id(db, row.organisation_id, [row.mandate_id])[row.mandate_id]
    promise = queues.promised(db, organisation_id=row.organisation_id, system=mandate.system, key=row.id)
    stopped = (queues.SUPERSEDED, *queues.SET_ASIDE)
    if promise is not None and promise["state"] in stopped and not promise["in_doubt"]:
        if promise["state"] != queues.SUPERSEDED:
            queues.settle(db, t.outbox, promise["id"], state=queues.SUPERSEDED, done_at=now)
        leave(db, row, promise["problem"] or "the processor was disconnected", at=now)
