"""What a debit takes back is undone, held and told: a whole receipt, or a part of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from receivables.money import Money
from receivables.problem import Problem
from receivables.receipt import ReceiptStatus
from runtime.operations.applying.undo import ask_again, reverse_application
from runtime.operations.matching.debits import RETURNED
from runtime.operations.reminding.standing_holds import place_hold, release_hold
from runtime.store import journal
from runtime.store import tables as t

PAYMENT_RETURNED = "payment_returned"
BY_BANK = "bank"  # who placed a hold of a debit
HOLD = "refund_review"  # what goes back waits for a person, whoever sent it back
RECEIPT_RETURNED = "returned"
IN_LEDGER = ("recorded", "coded")  # states of a receipt that the ledger records without us
Row = Mapping[str, Any]


def documents_of(db: Connection, receipt: Row) -> list[str]:
    """Return what a receipt pays: by our allocations, by the ledger's own record of it, or as a person was asked."""
    organisation_id, receipt_id = receipt["organisation_id"], receipt["id"]
    ours = db.scalars(
        select(t.allocation.c.document_id).where(
            t.allocation.c.organisation_id == organisation_id,
            t.allocation.c.receipt_id == receipt_id,
            t.allocation.c.undone_at.is_(None),
        )
    ).all()
    if ours or receipt["state"] == "applied":
        return sorted(ours)
    recorded = db.scalars(
        select(t.ledger_payment.c.lines).where(
            t.ledger_payment.c.organisation_id == organisation_id, t.ledger_payment.c.receipt_id == receipt_id
        )
    )
    asked = db.scalars(
        select(t.proposal.c.body).where(
            t.proposal.c.organisation_id == organisation_id,
            t.proposal.c.receipt_id == receipt_id,
            t.proposal.c.state == "pending",
        )
    )
    proposed = {allocation["item_id"] for body in asked for allocation in body["best"]["allocations"]}
    return sorted({line[0] for lines in recorded for line in lines} | proposed)


def follow_whole(
    db: Connection, row: Row, receipt: Row, *, charge: Money, reasons: Sequence[str], at: datetime
) -> None:
    """Take back what is proved to have gone back, hold what it had paid until a person has looked, and tell them."""
    documents = take_back(db, row, receipt, actor="bank", at=at)
    said = [f"{', '.join(_numbers(db, row, documents))} is open again." if documents else "It had paid no invoice."]
    remedy = "Say on the review page that you have looked, so that reminders go on, or that it is another payment."
    if receipt["state"] in IN_LEDGER:
        said = ["Somebody booked it in the ledger."]
        remedy = "Take it back there, then say on the review page that you have looked."
    if charge:
        said.append(f"The bank charged {charge} for it.")
    _hold_and_tell(db, row, receipt, documents, said=" ".join(said), remedy=remedy, at=at)
    set_debit(db, row, **_followed(receipt, reasons, documents, at))


def follow_part(db: Connection, row: Row, receipt: Row, *, reasons: Sequence[str], at: datetime) -> None:
    """Note that a part of a receipt went back, hold what it pays, and ask a person what the part had paid."""
    documents = documents_of(db, receipt)
    part = _came_for(row)
    _count_part(db, receipt, part.minor, at)
    paid = ", ".join(_numbers(db, row, documents)) or "no invoice"
    _hold_and_tell(
        db,
        row,
        receipt,
        documents,
        said=f"It was {part} of it; the whole payment pays {paid}.",
        remedy="Take the payment back on the receipts page and record in the ledger what is left of it.",
        at=at,
    )
    set_debit(db, row, **_followed(receipt, reasons, documents, at))


def restore(db: Connection, row: Row, receipt: Row, *, at: datetime) -> None:
    """Let a receipt, or a part of one, count again: it did not go back after all."""
    if receipt["status"] == ReceiptStatus.RECEIVED.value:
        _count_part(db, receipt, -_came_for(row).minor, at)
        return
    state = receipt["state"] if receipt["state"] in IN_LEDGER else "new"
    values = {"status": ReceiptStatus.RECEIVED.value, "state": state, "changed_at": at}
    db.execute(update(t.receipt).where(t.receipt.c.id == receipt["id"]).values(**values))
    ask_again(db, receipt["organisation_id"], receipt["id"], at)


def take_back(db: Connection, row: Row, receipt: Row, *, actor: str, at: datetime) -> list[str]:
    """Take a receipt off what it pays, for good: it pays nothing any more. Returns the documents."""
    organisation_id, receipt_id = receipt["organisation_id"], receipt["id"]
    documents = documents_of(db, receipt)
    reverse_application(db, organisation_id, receipt_id, actor=actor, at=at)
    state = receipt["state"] if receipt["state"] in IN_LEDGER else RECEIPT_RETURNED
    db.execute(
        update(t.receipt)
        .where(t.receipt.c.id == receipt_id)
        .values(status=ReceiptStatus.REVERSED.value, state=state, changed_at=at)
    )
    mine = (t.proposal.c.organisation_id == organisation_id) & (t.proposal.c.receipt_id == receipt_id)
    db.execute(update(t.proposal).where(mine).values(state="settled", plausible=[]))
    for subject in (receipt_id, *documents):
        journal.record(
            db,
            organisation_id=organisation_id,
            at=at,
            actor=actor,
            action="payment_reversed",
            subject=subject,
            detail=f"{Money(receipt['amount_minor'], receipt['currency'])} went back on {row['booked_on']}",
        )
    return documents


def let_go(db: Connection, row: Row, *, actor: str, at: datetime) -> None:
    """End what waited for a person: the holds and the problem."""
    for document_id in row["held"]:
        release_hold(db, row["organisation_id"], document_id, HOLD, at)
    journal.resolve_problem(db, organisation_id=row["organisation_id"], code=PAYMENT_RETURNED, subject=row["id"], at=at)
    set_debit(db, row, decided_by=actor, decided_at=at, changed_at=at)


def set_debit(db: Connection, row: Row, **values: Any) -> None:  # noqa: ANN401 - column values
    """Change a debit."""
    db.execute(update(t.debit).where(t.debit.c.id == row["id"]).values(**values))


def _followed(receipt: Row, reasons: Sequence[str], documents: Sequence[str], at: datetime) -> dict[str, Any]:
    """What a debit that took something back keeps of it, until a person has looked."""
    kept = {"receipt_id": receipt["id"], "reasons": list(reasons), "held": list(documents)}
    return kept | {"state": RETURNED, "decided_by": None, "decided_at": None, "changed_at": at}


def _came_for(row: Row) -> Money:
    """What had come of the money that a debit took: all but the charge that the bank states."""
    return Money(row["original_minor"] or row["amount_minor"], row["currency"])


def _count_part(db: Connection, receipt: Row, minor: int, at: datetime) -> None:
    back = t.receipt.c.refunded_minor + minor
    db.execute(update(t.receipt).where(t.receipt.c.id == receipt["id"]).values(refunded_minor=back, changed_at=at))


def _hold_and_tell(
    db: Connection, row: Row, receipt: Row, documents: Sequence[str], *, said: str, remedy: str, at: datetime
) -> None:
    organisation_id = row["organisation_id"]
    amount = Money(receipt["amount_minor"], receipt["currency"])
    for document_id in documents:
        place_hold(
            db,
            organisation_id=organisation_id,
            document_id=document_id,
            code=HOLD,
            reason=f"The payment of {amount} went back on {row['booked_on']}: it holds until a person has looked",
            placed_by=BY_BANK,
            at=at,
        )
    payer = receipt["payer_name"] or "an unnamed payer"
    why = f" ({row['taken_back']})" if row["taken_back"] else ""
    text = f"The payment of {amount} by {payer} of {receipt['received_on']} went back on {row['booked_on']}{why}."
    problem = Problem(PAYMENT_RETURNED, f"{text} {said}", remedy, row["id"])
    journal.raise_problem(db, organisation_id=organisation_id, problem=problem, at=at)


def _numbers(db: Connection, row: Row, documents: Sequence[str]) -> Sequence[str]:
    return db.scalars(
        select(t.document.c.number)
        .where(t.document.c.organisation_id == row["organisation_id"], t.document.c.id.in_(documents))
        .order_by(t.document.c.number)
    ).all()
