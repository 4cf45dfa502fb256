"""What the firm's people do in the product: they work off the review queue, and look after what went back."""

from __future__ import annotations

from contextlib import suppress
from datetime import date, timedelta
from typing import Any

from requests import RequestException
from sqlalchemy import select

from connectors.contract import Role
from connectors.errors import ConnectorError
from receivables.money import Money
from receivables.receipt import ReceiptStatus
from reminders.replies.routing import TaskKind
from runtime.operations.errors import RefusedError
from runtime.operations.inbox.set_aside import replay, set_aside
from runtime.operations.matching import decide, returns
from runtime.operations.matching.debits import RETURNED, SUGGESTED
from runtime.operations.matching.settle_question import settle_question
from runtime.operations.people.finish_task import finish_task
from runtime.operations.systems.disconnect import disconnect
from runtime.simulation.accountant import pending, verdict
from runtime.simulation.charges import decide_charges
from runtime.simulation.discounts import decide_discounts
from runtime.simulation.stage import Play, connect
from runtime.store import connections
from runtime.store import tables as t
from sandbox.life import Fact, Firm, Source
from sandbox.life.bank import Money as Booked
from sandbox.life.hands import REFUSALS
from sandbox.life.payments import book_by_hand
from sandbox.life.processor import PART_BACK, TAKEN_BACK
from sandbox.world.model import Charge

ACCOUNTANT = "accountant"
ANSWERED_WITHIN = timedelta(days=7)  # what waits in the queue: half of the days for which it holds invoices


def look_after(play: Play) -> None:
    """Let the accountants look at what waits for them, and the owners at their connections."""
    for key, organisation_id in play.ids.items():
        _review(play, key, organisation_id)
        _look_at_refunds(play, key, organisation_id)
        _book_what_refunds_left(play, key, organisation_id)
        _call_about_chargebacks(play, key, organisation_id)
        _free_what_no_refund_is_of(play, key, organisation_id)
        _look_at_returns(play, key, organisation_id)
        decide_discounts(play, key)
        decide_charges(play, key)
        if not play.life.firms[key].is_closed:
            _try_again(play, organisation_id)
        _connect_again(play, key, organisation_id)
        if play.faults.strikes("disconnected"):
            _disconnect(play, organisation_id)
        if play.faults.may_strike("second_install"):
            _take_over(play, key, organisation_id)


def _review(play: Play, key: str, organisation_id: str) -> None:
    for row in pending(play, organisation_id):
        is_right = verdict(play, key, row)
        if is_right is not None:
            act = decide.confirm if is_right else decide.reject
            with suppress(RefusedError):
                act(play.app, organisation_id=organisation_id, receipt_id=row["id"], actor=ACCOUNTANT)
        elif row["noticed_at"] < play.clock() - ANSWERED_WITHIN:
            _answer_otherwise(play, play.life.firms[key], row)


def _answer_otherwise(play: Play, firm: Firm, row: dict[str, Any]) -> None:
    """Book money in the ledger of which the queue can say neither yes nor no: it pays this invoice, but in part."""
    if row["status"] != ReceiptStatus.RECEIVED.value or row["refunded_minor"]:
        return
    with suppress(*REFUSALS):  # her books are closed: she does it later
        for charge in firm.charges:
            if charge.payment_intent == row["external_id"] and not charge.booked_as:
                invoice = firm.debts[charge.invoice].invoice
                charge.booked_as = firm.ledger.record_payment(invoice, charge.amount, play.time.now().date())
        for money in firm.banks[row["currency"]].booked_on(row["received_on"]):
            amount = Money(row["amount_minor"], row["currency"]).decimal
            is_it = (money.line.amount, money.line.counterparty) == (amount, row["payer_name"])
            if is_it and len(money.pays) == 1 and not money.unapplied and not money.booked_as:
                book_by_hand(play.life.hands, firm, money)


def _look_at_refunds(play: Play, key: str, organisation_id: str) -> None:
    """Open what was refunded again: the customer is to pay another way."""
    refunded = (
        (t.receipt.c.organisation_id == organisation_id)
        & (t.receipt.c.source == "stripe")
        & (t.receipt.c.status == ReceiptStatus.REFUNDED.value)
        & (t.receipt.c.state == "applied")
    )
    with play.app.store.read() as db:
        rows = db.execute(select(t.receipt.c.id, t.receipt.c.external_id).where(refunded)).all()
    firm = play.life.firms[key]
    for row in rows:
        paid = [each.invoice for each in firm.charges if each.payment_intent == row.external_id]
        _seen(play, firm, paid, "refund_review")
        with suppress(RefusedError):
            decide.undo(play.app, organisation_id=organisation_id, receipt_id=row.id, actor=ACCOUNTANT)


def _book_what_refunds_left(play: Play, key: str, organisation_id: str) -> None:
    """Of each payment that was refunded in part, take the match back, book what is left of it by hand, and say so."""
    firm = play.life.firms[key]
    mine = (t.receipt.c.organisation_id == organisation_id) & (t.receipt.c.source == "stripe")
    with play.app.store.read() as db:
        rows = db.execute(select(t.receipt).where(mine, t.receipt.c.refunded_minor > 0)).all()
    known = {row.external_id: row for row in rows}
    for charge in firm.charges:
        row, debt = known.get(charge.payment_intent), firm.debts[charge.invoice]
        if row is None or charge.state != PART_BACK or charge.booked_as:
            continue
        if row.state == "applied":
            with suppress(RefusedError):
                decide.undo(play.app, organisation_id=organisation_id, receipt_id=row.id, actor=ACCOUNTANT)
        elif firm.ledger.balance(debt.invoice) == debt.state(play.time.now().date()).open + charge.left:
            _book_rest(play, firm, charge)


def _book_rest(play: Play, firm: Firm, charge: Charge) -> None:
    try:
        invoice, today = firm.debts[charge.invoice].invoice, play.time.now().date()
        charge.booked_as = firm.ledger.record_payment(invoice, charge.left, today)
    except REFUSALS:
        return  # her books are closed: she does it later
    _seen(play, firm, [charge.invoice], "refund_review")
    organisation_id = play.ids[firm.key]
    number = (t.document.c.organisation_id == organisation_id) & (t.document.c.number == charge.invoice)
    with play.app.store.read() as db:
        document_id = db.scalar(select(t.document.c.id).where(number, t.document.c.kind == "invoice"))
    with suppress(RefusedError):  # nothing holds it any more
        settle_question(play.app, organisation_id=organisation_id, document_id=str(document_id), actor=ACCOUNTANT)


def _call_about_chargebacks(play: Play, key: str, organisation_id: str) -> None:
    """Call whose payment was charged back for good, and take out of the books what was booked by hand of it."""
    firm = play.life.firms[key]
    for task_id, number in _tasks(play, organisation_id, TaskKind.CALL):
        try:
            _unbook(firm, number)
        except REFUSALS:
            continue  # her books are closed: she does it later
        _seen(play, firm, [number], "chargeback_open")
        with suppress(RefusedError):
            finish_task(play.app, organisation_id=organisation_id, task_id=task_id, actor=ACCOUNTANT)


def _free_what_no_refund_is_of(play: Play, key: str, organisation_id: str) -> None:
    """Say that she has looked at a refund of money that the product took to be for another invoice than it was."""
    firm, today = play.life.firms[key], play.time.now().date()
    for task_id, number in _tasks(play, organisation_id, TaskKind.REFUND):
        if "refund_review" not in firm.debts[number].state(today).held:
            with suppress(RefusedError):
                finish_task(play.app, organisation_id=organisation_id, task_id=task_id, actor=ACCOUNTANT)


def _tasks(play: Play, organisation_id: str, kind: TaskKind) -> list[tuple[str, str]]:
    """The open tasks of a kind that are about invoices, each with the invoice's number."""
    task, document = t.task.c, t.document.c
    mine = (task.organisation_id == organisation_id) & (task.kind == kind.value) & task.closed_at.is_(None)
    with play.app.store.read() as db:
        rows = db.execute(select(task.id, document.number).join(t.document, document.id == task.subject).where(mine))
        return [(row.id, row.number) for row in rows]


def _unbook(firm: Firm, number: str) -> None:
    for charge in firm.charges:
        if charge.invoice == number and charge.state == TAKEN_BACK and charge.booked_as:
            if charge.booked_as in firm.ledger.postings(firm.debts[number].invoice):
                firm.ledger.delete_payment(charge.booked_as)
            charge.booked_as = ""


def _look_at_returns(play: Play, key: str, organisation_id: str) -> None:
    """Say of each debit whether it takes back what the product thinks."""
    asked = (
        (t.debit.c.organisation_id == organisation_id)
        & t.debit.c.state.in_((RETURNED, SUGGESTED))
        & t.debit.c.decided_at.is_(None)
    )
    with play.app.store.read() as db:
        rows = db.execute(
            select(t.debit, t.receipt.c.received_on, t.receipt.c.amount_minor.label("came_minor"))
            .join(t.receipt, t.receipt.c.id == t.debit.c.receipt_id)
            .where(asked)
        ).all()
    firm = play.life.firms[key]
    for row in rows:
        taken_back = _taken_back(firm, row.booked_on, Money(-row.amount_minor, row.currency))
        came = (row.received_on, Money(row.came_minor, row.currency).decimal)
        right = [each for each in taken_back if (each.line.booked_on, each.line.amount) == came]
        act: Any = returns.reject_return
        if right:
            try:
                firm.went_back(right[0], play.time.now())
            except REFUSALS:
                continue  # her books are closed: she does it later
            act = returns.see_return if row.state == RETURNED else returns.confirm_return
            _seen(play, firm, [number for number, _ in right[0].pays], "refund_review")
        with suppress(RefusedError):
            act(play.app, organisation_id=organisation_id, debit_id=row.id, actor=ACCOUNTANT)


def _taken_back(firm: Firm, booked_on: date, amount: Money) -> list[Booked]:
    return [
        each.takes_back
        for each in firm.banks[amount.currency].booked_on(booked_on)
        if each.takes_back is not None and each.line.amount == amount.decimal
    ]


def _seen(play: Play, firm: Firm, numbers: list[str], hold: str) -> None:
    """A person has looked at what went back: what is open is due again."""
    at = play.time.now()
    for number in numbers:
        firm.happened(firm.debts[number], Fact(Source.DESK, at, at, frees=hold))


def _try_again(play: Play, organisation_id: str) -> None:
    """Let be tried again what was set aside, for instance because the books were closed."""
    with play.app.store.read() as db:
        waiting = set_aside(db, organisation_id)
    for each in waiting:
        with suppress(RefusedError):
            replay(play.app, organisation_id=organisation_id, queue=each.queue, row_id=each.row_id, actor=ACCOUNTANT)


def _connect_again(play: Play, key: str, organisation_id: str) -> None:
    with play.app.store.read() as db:
        ended = [c.system for c in connections.connections(db, organisation_id) if c.status != connections.CONNECTED]
    for system in ended:
        # Away just now, or the person is told no: the owner tries again another time.
        with suppress(RefusedError, ConnectorError, RequestException):
            connect(play, key, system)


def _disconnect(play: Play, organisation_id: str) -> None:
    """The owner ends the connection of the ledger or the CRM; what is missed until it stands again is read then."""
    role = play.rng.choice((Role.LEDGER, Role.CRM))
    with suppress(RefusedError):
        left = disconnect(play.app, organisation_id=organisation_id, role=role, actor="owner")
        play.lapses.left_at[left.system, left.account.external_id] = play.time.now()


def _take_over(play: Play, key: str, organisation_id: str) -> None:
    """Somebody of the firm installs the product for another organisation, on accounts that are the firm's here."""
    with play.app.store.read() as db:
        kept = [c for c in connections.connections(db, organisation_id) if c.status != connections.DISCONNECTED]
    if not kept:
        return
    play.faults.struck("second_install")
    system = play.rng.choice(kept).system
    try:
        connect(play, key, system, organisation_id=play.stranger)
    except (RefusedError, ConnectorError, RequestException):
        return
    play.calls.crossed.append(f"{system}: another organisation took the account of {key}")
