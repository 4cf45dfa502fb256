"""Payments in question: refunded, or being charged back. What they paid is held until a person or the bank decides.

So is what one would have paid that went back before it was applied: why it did, and whether the invoice is to be asked
for again, only a person knows. Each hold comes with a task, so that somebody is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, exists, func, or_, select, update

from receivables.document import DocumentKind
from receivables.money import Money
from reminders.replies.routing import TaskKind
from runtime.operations.applying.applications import proposed_items
from runtime.operations.applying.undo import reverse_application
from runtime.operations.people.tasks import close_task, open_task
from runtime.operations.reminding.standing_holds import place_hold, release_hold
from runtime.store import connections
from runtime.store import tables as t

REFUND, CHARGEBACK = "refund_review", "chargeback_open"
OPEN, LOST = "open", "lost"  # how far a chargeback is
# What somebody has to do about each of the holds.
TASKS = {REFUND: (TaskKind.REFUND,), CHARGEBACK: (TaskKind.CHARGEBACK, TaskKind.CALL)}
# How long the invoices that a payment names are waited for; a payment's own changes are followed for ever.
NAMED_CONSIDERED = timedelta(days=30)
PAYMENTS_A_HEAP = 1_000
MAX_HEAPS = 1_000  # a million payments in question
_receipt, _hold, _document, _allocation = (table.c for table in (t.receipt, t.hold, t.document, t.allocation))
_ORGANISATION = bindparam("organisation_id", type_=_receipt.organisation_id.type)
# Every match asks them of each payment that is in question.
_ASKED = select(
    exists(select(_hold.id)).where(
        _hold.organisation_id == _ORGANISATION,
        _hold.document_id == bindparam("document_id"),
        _hold.code == bindparam("code"),
        _hold.placed_at >= bindparam("read_at"),
    )
)
_QUESTIONED = (
    select(t.receipt)
    .where(
        _receipt.organisation_id == _ORGANISATION,
        _receipt.changed_at >= bindparam("since"),
        _receipt.read_at.is_not(None),  # a processor shows it
        or_(_receipt.refunded_minor > 0, _receipt.dispute != ""),
        _receipt.id > bindparam("after"),
    )
    .order_by(_receipt.id)
    .limit(PAYMENTS_A_HEAP)
)
_CREDIT_NOTES = select(_document.id).where(
    _document.organisation_id == _ORGANISATION,
    _document.kind == DocumentKind.CREDIT_NOTE.value,
    _document.id.in_(bindparam("document_ids", expanding=True)),
)
_PAID = select(_allocation.document_id).where(
    _allocation.organisation_id == _ORGANISATION, _allocation.receipt_id == bindparam("receipt_id")
)
_PAYS = _PAID.where(_allocation.undone_at.is_(None))
_HELD_FOR = select(_hold.document_id).where(
    _hold.organisation_id == _ORGANISATION,
    _hold.code == bindparam("code"),
    _hold.placed_by == bindparam("placed_by"),
    _hold.released_at.is_(None),
    _hold.document_id.in_(_PAID),
)
_ASKED_AGAIN = select(t.proposal.c.body).where(
    t.proposal.c.organisation_id == _ORGANISATION,
    t.proposal.c.receipt_id == bindparam("receipt_id"),
    t.proposal.c.state == "pending",
)


@dataclass(frozen=True, slots=True)
class _Question:
    """Why a payment is in question: the hold of it, and what somebody has to do."""

    code: str
    task: TaskKind
    reason: str


def hold_what_is_in_question(db: Connection, organisation_id: str, receipt: dict[str, Any], at: datetime) -> None:
    """Hold what one payment paid or names, unless that was asked since its vendor showed it as it is."""
    for question in _questions(receipt):
        for document_id in _concerned(db, organisation_id, receipt, question.code):
            which = {"organisation_id": organisation_id, "document_id": document_id, "code": question.code}
            if not db.scalar(_ASKED, which | {"read_at": receipt["read_at"]}):
                _ask(db, receipt, document_id, question, at)


def hold_what_became_known(db: Connection, organisation_id: str, now: datetime) -> None:
    """Hold what payments in question paid or name that was not known, or not applied, when they were read."""
    which = {"organisation_id": organisation_id, "since": now - NAMED_CONSIDERED}
    after = ""
    for _ in range(MAX_HEAPS):
        heap = db.execute(_QUESTIONED, which | {"after": after}).all()
        for each in heap:
            hold_what_is_in_question(db, organisation_id, dict(each._mapping), now)
        if len(heap) < PAYMENTS_A_HEAP:
            return
        after = heap[-1].id


def tell_of_chargeback(db: Connection, organisation_id: str, receipt: dict[str, Any], at: datetime) -> None:
    """Give somebody a chargeback to look at whose payment is known to be for no invoice, so that it holds none."""
    organisation = connections.organisation(db, organisation_id)
    if organisation is None or _concerned(db, organisation_id, receipt, CHARGEBACK):
        return
    for question in (each for each in _questions(receipt) if each.code == CHARGEBACK):
        payer = receipt["payer_name"] or "an unnamed payer"
        open_task(
            db,
            organisation,
            kind=question.task,
            subject=receipt["id"],
            customer_id=receipt["customer_id"],
            text=f"{question.reason}. It is of {payer}, and for no invoice that is known here.",
            at=at,
        )


def follow_lost(db: Connection, organisation_id: str, receipt: dict[str, Any], at: datetime) -> None:
    """Open again, here and in the ledger, what a payment paid whose chargeback was lost: it pays nothing any more.

    What it had paid is held already, until somebody has called. Nobody is asked any more what the money may pay.
    """
    reverse_application(db, organisation_id, receipt["id"], actor=receipt["source_account"], at=at)
    proposal = t.proposal.c
    mine = (proposal.organisation_id == organisation_id) & (proposal.receipt_id == receipt["id"])
    db.execute(update(t.proposal).where(mine, proposal.state == "pending").values(state="settled", plausible=[]))


def let_go(
    db: Connection, *, organisation_id: str, document_ids: Iterable[str], code: str, by: str, at: datetime
) -> None:
    """End the hold of a question that is answered, and the tasks about it."""
    for document_id in document_ids:
        release_hold(db, organisation_id, document_id, code, at)
        close_task(db, organisation_id=organisation_id, subject=document_id, kinds=TASKS[code], by=by, at=at)


def answer(db: Connection, organisation_id: str, receipt: dict[str, Any], code: str, at: datetime) -> None:
    """End what a question about a payment held, and its tasks: its vendor has answered it."""
    documents, by = _concerned(db, organisation_id, receipt, code), receipt["source_account"]
    let_go(db, organisation_id=organisation_id, document_ids=documents, code=code, by=by, at=at)
    close_task(db, organisation_id=organisation_id, subject=receipt["id"], kinds=TASKS[code], by=by, at=at)


def _concerned(db: Connection, organisation_id: str, receipt: dict[str, Any], code: str) -> list[str]:
    """What a question about a payment may hold: the invoices that it pays or names, and what it held until undone."""
    pays = set(_documents_of(db, organisation_id, receipt))
    # A credit note that was set against the same invoice is neither refunded nor asked for.
    these = {"organisation_id": organisation_id, "document_ids": sorted(pays)}
    pays -= set(db.scalars(_CREDIT_NOTES, these)) if pays else set()
    return sorted(pays | set(_held_for(db, organisation_id, receipt, code)))


def _documents_of(db: Connection, organisation_id: str, receipt: dict[str, Any]) -> list[str]:
    """Return the documents that a processor's payment paid: by our allocations, else by the ledger's own record of it.

    One that was never applied is taken to be for the invoices that it names; one whose application the ledger took
    back, for those that a person is asked about again.
    """
    ours = db.scalars(_PAYS, {"organisation_id": organisation_id, "receipt_id": receipt["id"]}).all()
    if ours:
        return sorted(set(ours))
    booked = _booked(db, organisation_id, receipt)
    if booked:
        return booked
    if receipt["applications"]:
        return _asked_again(db, organisation_id, receipt["id"])
    return list(_named(db, organisation_id, receipt["hints"]))


def _booked(db: Connection, organisation_id: str, receipt: dict[str, Any]) -> list[str]:
    recorded = db.scalars(
        select(t.ledger_payment.c.lines).where(
            t.ledger_payment.c.organisation_id == organisation_id,
            t.ledger_payment.c.deleted.is_(False),
            t.ledger_payment.c.reference.contains(receipt["external_id"], autoescape=True),
        )
    )
    return sorted({line[0] for lines in recorded for line in lines})


def _held_for(db: Connection, organisation_id: str, receipt: dict[str, Any], code: str) -> list[str]:
    """What a question still holds of what a payment paid at any time: somebody may have taken its match back since."""
    which = {"organisation_id": organisation_id, "receipt_id": receipt["id"]}
    return list(db.scalars(_HELD_FOR, which | {"code": code, "placed_by": receipt["source_account"]}))


def _asked_again(db: Connection, organisation_id: str, receipt_id: str) -> list[str]:
    body = db.scalar(_ASKED_AGAIN, {"organisation_id": organisation_id, "receipt_id": receipt_id})
    return [] if body is None else proposed_items(body)


def _named(db: Connection, organisation_id: str, hints: dict[str, Any]) -> Iterator[str]:
    invoices = (t.document.c.organisation_id == organisation_id) & (t.document.c.kind == DocumentKind.INVOICE.value)
    if item_ids := hints.get("item_ids"):
        yield from db.scalars(select(t.document.c.id).where(invoices, t.document.c.id.in_(item_ids)))
    elif numbers := hints.get("numbers"):
        alone = select(func.min(t.document.c.id)).where(invoices, t.document.c.number.in_(numbers))
        yield from db.scalars(alone.group_by(t.document.c.number).having(func.count() == 1))


def _questions(receipt: dict[str, Any]) -> Iterator[_Question]:
    amount = Money(receipt["amount_minor"], receipt["currency"])
    refunded = Money(receipt["refunded_minor"], receipt["currency"])
    if refunded:
        reason = f"{refunded} of the payment of {amount} was refunded: choose credit or reopen"
        yield _Question(REFUND, TaskKind.REFUND, reason)
    if receipt["dispute"] == OPEN:
        reason = f"The payment of {amount} is being charged back; it holds until the bank decides"
        yield _Question(CHARGEBACK, TaskKind.CHARGEBACK, reason)
    elif receipt["dispute"]:
        reason = f"The payment of {amount} was charged back, and the bank decided for the payer: call them"
        yield _Question(CHARGEBACK, TaskKind.CALL, reason)


def _ask(db: Connection, receipt: dict[str, Any], document_id: str, question: _Question, at: datetime) -> None:
    organisation_id, by = receipt["organisation_id"], receipt["source_account"]
    place_hold(
        db,
        organisation_id=organisation_id,
        document_id=document_id,
        code=question.code,
        reason=question.reason,
        placed_by=by,
        at=at,
    )
    document = t.document.c
    mine = (document.organisation_id == organisation_id) & (document.id == document_id)
    row = db.execute(select(document.number, document.customer_id).where(mine)).first()
    organisation = connections.organisation(db, organisation_id)
    if row is None or organisation is None:  # the ledger books payments to what was not read from it yet
        return
    others = [kind for kind in TASKS[question.code] if kind is not question.task]
    close_task(db, organisation_id=organisation_id, subject=document_id, kinds=others, by=by, at=at)
    text = f"{row.number}: {question.reason}."
    if question.task is TaskKind.CALL and receipt["state"] == "recorded":
        text += " Somebody booked the payment in the ledger: take it back there."
    open_task(db, organisation, kind=question.task, subject=document_id, customer_id=row.customer_id, text=text, at=at)
