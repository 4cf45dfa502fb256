"""A person decides about a proposed match: confirm, reject, or undo what was applied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from receivables.allocation import Hypothesis
from receivables.receipt import ReceiptStatus
from runtime.app import App
from runtime.operations.applying.apply import HYPOTHESIS, apply_hypothesis
from runtime.operations.applying.posted import POSTING_DELETED
from runtime.operations.applying.undo import reverse_application
from runtime.operations.applying.write_off import SOURCE as WRITE_OFF
from runtime.operations.discounts.follow import await_what_was_taken
from runtime.operations.errors import RefusedError
from runtime.operations.matching.experience import Word, keep_word
from runtime.operations.matching.in_question import REFUND, let_go
from runtime.operations.matching.open_items import open_documents
from runtime.operations.matching.refusals import refuse_proposal
from runtime.store import connections, journal
from runtime.store import tables as t


def confirm(app: App, *, organisation_id: str, receipt_id: str, actor: str) -> None:
    """Apply what was proposed. RefusedError when it waits no more, or the items have changed meanwhile."""
    with app.store.write() as db:
        connections.lock_organisation(db, organisation_id)
        confirm_proposal(db, receipt_of(db, organisation_id, receipt_id), actor=actor, at=app.clock())
    app.wake()


def confirm_proposal(db: Connection, receipt: dict[str, Any], *, actor: str, at: datetime) -> None:
    """Apply what is proposed for a receipt, in a unit of work that has locked the organisation.

    RefusedError when it waits no more, or the items have changed meanwhile.
    """
    organisation_id, receipt_id = receipt["organisation_id"], receipt["id"]
    proposal = db.execute(
        select(t.proposal).where(
            t.proposal.c.organisation_id == organisation_id,
            t.proposal.c.receipt_id == receipt_id,
            t.proposal.c.state == "pending",
        )
    ).first()
    if proposal is None:
        raise RefusedError("this proposal was decided already: reload the queue")
    if (obstacle := why_it_pays_nothing(receipt)) is not None:
        raise RefusedError(obstacle)
    best = HYPOTHESIS.validate_python(proposal.body["best"])
    if not best.allocations and proposal.body["customer_id"] is None:
        raise RefusedError("nothing is proposed for this receipt: choose its invoices")
    _check_room(db, organisation_id, best)
    apply_hypothesis(
        db,
        receipt=receipt,
        hypothesis=best,
        customer_id=proposal.body["customer_id"],
        actor=actor,
        at=at,
    )
    items = [each.item_id for each in best.allocations]
    await_what_was_taken(db, organisation_id, receipt, items, at=at)
    db.execute(
        update(t.proposal)
        .where(t.proposal.c.receipt_id == receipt_id)
        .values(state="confirmed", decided_by=actor, decided_at=at, plausible=[])
    )
    keep_word(db, organisation_id, receipt_id, Word.CONFIRMED, actor=actor, at=at)
    _answered(db, organisation_id, receipt_id, (POSTING_DELETED,), at)


def why_it_pays_nothing(receipt: Mapping[str, Any]) -> str | None:
    """Return why the money of a receipt (a row) cannot be set against anything; None when it can."""
    if receipt["status"] != ReceiptStatus.RECEIVED.value:
        return f"this money is {receipt['status'].replace('_', ' ')}: it pays nothing"
    if receipt["refunded_minor"]:
        return "this money was refunded in part: record what is left in the ledger"
    return None


def reject(app: App, *, organisation_id: str, receipt_id: str, actor: str) -> None:
    """Say that the proposal is wrong: these items are not asked about again for this receipt, and are free of it."""
    with app.store.write() as db:
        connections.lock_organisation(db, organisation_id)
        now = app.clock()
        done = db.execute(
            update(t.proposal)
            .where(
                t.proposal.c.organisation_id == organisation_id,
                t.proposal.c.receipt_id == receipt_id,
                t.proposal.c.state == "pending",
            )
            .values(state="rejected", decided_by=actor, decided_at=now, plausible=[])
        )
        if done.rowcount == 0:
            raise RefusedError("this proposal was decided already: reload the queue")
        keep_word(db, organisation_id, receipt_id, Word.REJECTED, actor=actor, at=now)
        refuse_proposal(db, organisation_id=organisation_id, receipt_id=receipt_id, actor=actor, at=now)
        db.execute(
            update(t.receipt)
            .where(t.receipt.c.organisation_id == organisation_id, t.receipt.c.id == receipt_id)
            .values(state="unidentified", changed_at=now)
        )
        _answered(db, organisation_id, receipt_id, (POSTING_DELETED, journal.WRITE_REFUSED), now)
        journal.record(
            db,
            organisation_id=organisation_id,
            at=now,
            actor=actor,
            action="proposal_rejected",
            subject=receipt_id,
            detail="the proposed items are not what this receipt pays",
        )


def undo(app: App, *, organisation_id: str, receipt_id: str, actor: str) -> None:
    """Take an application back everywhere: the items are open again, and what was posted is undone in the ledger.

    The money waits for another answer; these items are not proposed for it again, unless it is being charged back:
    then it is asked about once the bank has decided for us.
    """
    with app.store.write() as db:
        connections.lock_organisation(db, organisation_id)
        receipt = receipt_of(db, organisation_id, receipt_id)
        now = app.clock()
        paid = db.scalars(
            select(t.allocation.c.document_id).where(
                t.allocation.c.organisation_id == organisation_id,
                t.allocation.c.receipt_id == receipt_id,
                t.allocation.c.undone_at.is_(None),
            )
        ).all()
        if not reverse_application(db, organisation_id, receipt_id, actor=actor, at=now):
            raise RefusedError("this receipt is not applied to anything")
        is_kept = receipt["status"] == ReceiptStatus.RECEIVED.value
        for document_id in () if is_kept and receipt["refunded_minor"] else paid:
            # Whoever opens the invoice again has chosen what a refund of it means; not where only a part went back:
            # what is left still pays something, so the invoice is not asked for in full before somebody has looked.
            let_go(db, organisation_id=organisation_id, document_ids=[document_id], code=REFUND, by=actor, at=now)
        is_disputed = bool(receipt["dispute"])
        if is_kept and not receipt["refunded_minor"] and not is_disputed:
            # Of money that went back, or may, the match was right: what it paid is only open again.
            keep_word(db, organisation_id, receipt_id, Word.UNDONE, actor=actor, at=now)
        # Behind a write-off is no money that could pay something else; money that may go back waits for the bank first,
        # and is asked about once it stays.
        if receipt["source"] != WRITE_OFF and not is_disputed:
            _free(db, organisation_id, receipt_id, actor=actor, at=now)
    app.wake()


def _free(db: Connection, organisation_id: str, receipt_id: str, *, actor: str, at: datetime) -> None:
    """Let the money wait for another answer than the one that was taken back."""
    refuse_proposal(db, organisation_id=organisation_id, receipt_id=receipt_id, actor=actor, at=at)
    mine = (t.receipt.c.organisation_id == organisation_id) & (t.receipt.c.id == receipt_id)
    db.execute(update(t.receipt).where(mine).values(state="unidentified", changed_at=at))
    db.execute(
        update(t.proposal)
        .where(t.proposal.c.organisation_id == organisation_id, t.proposal.c.receipt_id == receipt_id)
        .values(state="rejected", decided_by=actor, decided_at=at, plausible=[])
    )


def _answered(db: Connection, organisation_id: str, receipt_id: str, codes: Sequence[str], at: datetime) -> None:
    for code in codes:
        journal.resolve_problem(db, organisation_id=organisation_id, code=code, subject=receipt_id, at=at)


def receipt_of(db: Connection, organisation_id: str, receipt_id: str) -> dict[str, Any]:
    """Return the row of a receipt; RefusedError when the organisation has none of this id."""
    row = db.execute(
        select(t.receipt).where(t.receipt.c.organisation_id == organisation_id, t.receipt.c.id == receipt_id)
    ).first()
    if row is None:
        raise RefusedError("there is no such receipt")
    return dict(row._mapping)


def _check_room(db: Connection, organisation_id: str, best: Hypothesis) -> None:
    items = [allocation.item_id for allocation in best.allocations]
    room = {
        each.document.document_id: each.open_amount for each in open_documents(db, organisation_id, document_ids=items)
    }
    for allocation in best.allocations:
        if allocation.item_id not in room or allocation.amount > room[allocation.item_id]:
            raise RefusedError("an invoice of this proposal was paid or changed meanwhile: it is matched again")
