"""What people refused: a set of items for a receipt, remembered for as long as the receipt."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, select

from receivables.identity import stable_id
from runtime.operations.applying.applications import proposed_items
from runtime.store import tables as t
from runtime.store.rows import upsert


def refuse_proposal(db: Connection, *, organisation_id: str, receipt_id: str, actor: str, at: datetime) -> None:
    """Remember that the items proposed for a receipt are not what it pays."""
    body = db.scalar(
        select(t.proposal.c.body).where(
            t.proposal.c.organisation_id == organisation_id, t.proposal.c.receipt_id == receipt_id
        )
    )
    if body is None:
        return
    items = proposed_items(body)
    row = {
        "id": _refusal_id(receipt_id, items),
        "organisation_id": organisation_id,
        "receipt_id": receipt_id,
        "items": sorted(items),
        "refused_by": actor,
        "refused_at": at,
    }
    upsert(db, t.refusal, [row], keys=["id"])


def forget_refusal(db: Connection, receipt_id: str, items: Sequence[str]) -> None:
    """Forget that a person refused exactly these items for this receipt."""
    db.execute(delete(t.refusal).where(t.refusal.c.id == _refusal_id(receipt_id, items)))


def was_refused(db: Connection, receipt_id: str, items: Sequence[str]) -> bool:
    """Whether a person refused exactly these items for this receipt."""
    refused = select(t.refusal.c.id).where(t.refusal.c.id == _refusal_id(receipt_id, items))
    return db.scalar(refused) is not None


def _refusal_id(receipt_id: str, items: Sequence[str]) -> str:
    return stable_id("rfs", receipt_id, *sorted(items))
