"""A person has looked at a refund or a chargeback: what is open of the invoice is due again, and reminded of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from runtime.app import App
from runtime.operations.errors import RefusedError
from runtime.operations.matching.in_question import CHARGEBACK, REFUND, TASKS, let_go
from runtime.operations.matching.taken_back import BY_BANK
from runtime.operations.payers.payers_word import follow
from runtime.store import connections
from runtime.store import tables as t

_ACTIONS = {REFUND: "refund_settled", CHARGEBACK: "chargeback_settled"}
_DETAILS = {
    REFUND: "the refund was looked at: what is open is due again",
    CHARGEBACK: "the chargeback was looked at: what is open is due again",
}


@dataclass(frozen=True, slots=True)
class Question:
    """A refund or a chargeback that holds an invoice: its hold's code, and why in plain words."""

    code: str
    reason: str


def settle_question(app: App, *, organisation_id: str, document_id: str, actor: str) -> None:
    """End what refunds and chargebacks hold on an invoice, with the tasks about them.

    The next refund, or any other change of that payment, holds it again. RefusedError when nothing of that kind holds
    it, or when it was the bank that took money back: that is looked at as a whole on the review page, because it may
    hold several invoices.
    """
    with app.store.write() as db:
        connections.lock_organisation(db, organisation_id)
        if not look_at(db, organisation_id, document_id, codes=tuple(TASKS), actor=actor, at=app.clock()):
            if _is_held_by_bank(db, organisation_id, document_id):
                raise RefusedError("the bank took this payment back: say on the review page that you have looked")
            raise RefusedError("no refund or chargeback holds this invoice (any more)")
    app.wake()


def look_at(
    db: Connection, organisation_id: str, document_id: str, *, codes: tuple[str, ...], actor: str, at: datetime
) -> bool:
    """End the questions of these codes about an invoice; False when there was none."""
    found = [each for each in questions_about(db, organisation_id, document_id) if each.code in codes]
    for each in found:
        let_go(db, organisation_id=organisation_id, document_ids=[document_id], code=each.code, by=actor, at=at)
        follow(
            db,
            organisation_id=organisation_id,
            document_id=document_id,
            actor=actor,
            action=_ACTIONS[each.code],
            detail=_DETAILS[each.code],
            at=at,
        )
    return bool(found)


def questions_about(db: Connection, organisation_id: str, document_id: str) -> tuple[Question, ...]:
    """Return the refunds and chargebacks told by a processor that hold an invoice; none of what the bank took back."""
    hold = t.hold.c
    rows = db.execute(
        select(hold.code, hold.reason)
        .where(
            hold.organisation_id == organisation_id,
            hold.document_id == document_id,
            hold.code.in_(tuple(TASKS)),
            hold.placed_by != BY_BANK,
            hold.released_at.is_(None),
        )
        .order_by(hold.code)
    )
    return tuple(Question(row.code, row.reason) for row in rows)


def _is_held_by_bank(db: Connection, organisation_id: str, document_id: str) -> bool:
    hold = t.hold.c
    held = select(hold.id).where(
        hold.organisation_id == organisation_id,
        hold.document_id == document_id,
        hold.code == REFUND,
        hold.placed_by == BY_BANK,
        hold.released_at.is_(None),
    )
    return db.scalar(held) is not None
