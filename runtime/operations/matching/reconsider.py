"""Take back a decision of the review queue that was just made, as if nothing had been said."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

from sqlalchemy import select, update

from runtime.app import App
from runtime.operations.applying.applications import proposed_items
from runtime.operations.applying.undo import ask_again, reverse_application
from runtime.operations.errors import RefusedError
from runtime.operations.matching.choose import put_back
from runtime.operations.matching.experience import forget_word
from runtime.operations.matching.refusals import forget_refusal, refused_items
from runtime.store import connections, journal
from runtime.store import tables as t

SLIP = timedelta(hours=1)  # later it is no slip of the hand: then what is taken back counts as wrong
_DECIDED = ("confirmed", "rejected", "pending")  # after a rejection the next best may wait by now


def reconsider(app: App, *, organisation_id: str, receipt_id: str, actor: str) -> None:
    """Let a proposal that was confirmed or rejected less than an hour ago wait again; nothing is learned from it.

    Where a person had chosen the invoices, what waited before that does. What was posted meanwhile is undone in the
    ledger. RefusedError when nobody decided lately.
    """
    with app.store.write() as db:
        connections.lock_organisation(db, organisation_id)
        now = app.clock()
        mine = (t.proposal.c.organisation_id == organisation_id) & (t.proposal.c.receipt_id == receipt_id)
        proposal = db.execute(
            select(t.proposal.c.state, t.proposal.c.body).where(
                mine, t.proposal.c.state.in_(_DECIDED), t.proposal.c.decided_at > now - SLIP
            )
        ).first()
        refused = refused_items(db, organisation_id, [receipt_id]).get(receipt_id, [])
        is_confirmed = proposal is not None and proposal.state == "confirmed"
        if proposal is None or not (is_confirmed or refused):
            raise RefusedError("nothing was decided about this receipt lately: take it back on the receipts page")
        items: Collection[str] = proposed_items(proposal.body) if is_confirmed else refused[0]
        if is_confirmed:
            if not reverse_application(db, organisation_id, receipt_id, actor=actor, at=now):
                raise RefusedError("this receipt is not applied to anything any more")
        else:
            forget_refusal(db, receipt_id, items)
            receipt = (t.receipt.c.organisation_id == organisation_id) & (t.receipt.c.id == receipt_id)
            db.execute(update(t.receipt).where(receipt).values(state="suggested", changed_at=now))
        forget_word(db, receipt_id, items)
        if not (is_confirmed and put_back(db, organisation_id, receipt_id, proposal.body, now)):
            ask_again(db, organisation_id, receipt_id, now)
        db.execute(update(t.proposal).where(mine).values(decided_by=None, decided_at=None))
        journal.record(
            db,
            organisation_id=organisation_id,
            at=now,
            actor=actor,
            action="decision_taken_back",
            subject=receipt_id,
            detail=f"it is not {'confirmed' if is_confirmed else 'rejected'} after all, and waits again",
        )
    app.wake()
